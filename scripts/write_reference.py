"""Keep what a finished run found in results/reference/, and put its numbers into README.md and REPLICATION.md.

What is kept: tables, figures, verdicts, manifest, the audit's counts, benchmarks, and run.json, which states the
command, commit, machine and wall time.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.runs import reference, reference_text, workflow_runs
from symmetry_constrained.verdicts import claims

PROJECT = Path(__file__).parent.parent
CLAIMS = PROJECT / "workflow/resources/claims.yaml"


def main(arguments: argparse.Namespace) -> None:
    out = arguments.out
    by_hand = dict(map(_timed, arguments.seconds))
    about = reference.describe(arguments.results, arguments.quick, arguments.records, by_hand)
    kept = reference.keep(arguments.results, out, arguments.records.parent)
    artifacts.write_json(about | {"kept": kept}, out / reference.RUN)
    blocks = reference_text.blocks(out, claims.read(CLAIMS)[0])
    for document in arguments.documents:
        artifacts.write_text(reference_text.fill(document.read_text(encoding="utf-8"), blocks), document)
    size = reference.folder_bytes(out)
    cli.say(f"{len(kept) + 1} files, {size / 1e6:.1f} MB, in {out}; commit {', '.join(about['commits'])}")


def _timed(text: str) -> tuple[str, float]:
    name, _, seconds = text.partition("=")
    try:
        return name, float(seconds)
    except ValueError:
        raise ValueError(f"--seconds: {text!r} must be NAME=SECONDS") from None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="folder of a finished run")
    parser.add_argument("--out", type=Path, default=Path("results/reference"), help="the folder, made anew")
    parser.add_argument(
        "--quick", type=Path, default=Path("results/quick"), help="folder of a quick run, if there is one"
    )
    parser.add_argument(
        "--records", type=Path, default=workflow_runs.FOLDER, help="folder with a record of each run, for the times"
    )
    parser.add_argument(
        "--seconds",
        nargs="*",
        default=[],
        metavar="NAME=SECONDS",
        help=f"what was timed by hand: {', '.join(reference.TIMED)}",
    )
    parser.add_argument(
        "--documents",
        type=Path,
        nargs="*",
        default=[PROJECT / name for name in reference_text.DOCUMENTS],
        help="files whose marked blocks are made anew (default: README.md and REPLICATION.md)",
    )
    cli.run(main, parser)
