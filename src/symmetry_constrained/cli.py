"""What every script shares: one thread, one plain line for an error."""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

from threadpoolctl import threadpool_limits


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line and call `main`; bad input ends in one line and exit status 1.

    On one thread: results depend on the number of threads, so parallelism comes from jobs.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where the locale has no letter for a character, its code is printed instead.
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser.parse_args()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            main(arguments)
    except ValueError as error:
        sys.exit(f"{parser.prog}: {' '.join(str(error).split())}")
    except OSError as error:
        sys.exit(f"{parser.prog}: {error}")


def add_data(parser: argparse.ArgumentParser, splits: str | None = None) -> None:
    """The options of every script that trains: --data and --split, folders. splits: `+` for one split or several."""
    parser.add_argument("--data", type=Path, required=True, help="folder with images.npy and labels.npy")
    help = "folder split-N with rows.csv and scaling.csv" + (", or several" if splits else "")
    parser.add_argument("--split", type=Path, nargs=splits, required=True, help=help)


def add_spec(parser: argparse.ArgumentParser) -> None:
    """--spec, of the scripts that train batches."""
    parser.add_argument("--spec", required=True, help="what to train, as JSON: the fields of spec.Spec but split")


def data_files(data: Path, split: Path) -> list[Path]:
    """The files that --data and --split name."""
    return [data / "images.npy", data / "labels.npy", split / "rows.csv", split / "scaling.csv"]


def say(line: str) -> None:
    """A line of progress, at once."""
    print(line, file=sys.stderr, flush=True)
