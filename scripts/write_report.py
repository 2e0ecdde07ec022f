"""Write Snakemake's report of a finished run as one HTML page, and the page's hash to a .json beside it."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import cli
from symmetry_constrained.runs import report


def main(arguments: argparse.Namespace) -> None:
    report.write(arguments.page, arguments.targets, arguments.snakefile, json.loads(arguments.config))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+", help="files whose jobs the report is of")
    parser.add_argument("--snakefile", required=True, help="the workflow that made them")
    parser.add_argument("--config", required=True, help="its configuration as JSON, with entries that are null")
    parser.add_argument("--page", type=Path, required=True, help="the HTML file to write")
    cli.run(main, parser)
