"""Say whether two runs agree: equal where they must be, no further apart than chance, no verdict contradicted.

Either may be results/reference/. Exit status: 0 they agree, 1 they differ, 2 they can't be compared.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.runs import comparison, finished

INCOMPARABLE = 2


def main(arguments: argparse.Namespace) -> None:
    try:
        found = comparison.compare(finished.read(arguments.run), finished.read(arguments.reference))
    except ValueError as error:
        sentence = f"Not compared: {' '.join(str(error).split())}"
        about: dict = {"status": INCOMPARABLE, "sentence": sentence, "lines": [], "largest": []}
    else:
        about = {"status": found.status, "sentence": found.sentence, "lines": found.lines}
        about |= {"largest": found.largest.to_dict("records")}
    print(about["sentence"], *about["lines"], sep="\n")
    for row in about["largest"]:
        print(f"  {row['what']}: {row['run']:.4g} against {row['reference']:.4g}")
    if arguments.out:
        artifacts.write_json(about, arguments.out)
    else:
        sys.exit(about["status"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("results"), help="folder of a finished run")
    parser.add_argument(
        "reference", type=Path, nargs="?", default=Path("results/reference"), help="of another, or what is kept of one"
    )
    parser.add_argument("--out", type=Path, help="a step of the run: what is said, as JSON; exit status 0")
    cli.run(main, parser)
