"""Judge every claim of the paper by the run's tables: claims.csv, and verdicts.md for people."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import accuracy_targets
from symmetry_constrained.data.protocols import PROTOCOLS
from symmetry_constrained.verdicts import claims, judgement, page


def main(arguments: argparse.Namespace) -> None:
    stated, rules = claims.read(arguments.claims)
    targets = {dataset: values[0] for dataset, values in accuracy_targets.read_targets(arguments.target).items()}
    studies = {}
    for text in arguments.study:
        parts = text.split("=")
        if len(parts) != 3 or not all(parts) or parts[0] not in PROTOCOLS:
            raise ValueError(f"study: {text!r} is not a protocol, a dataset and a study, as clean=digits=digits-clean")
        studies[parts[0], parts[1]] = parts[2]
    tables = judgement.read_tables(arguments.results, arguments.published, arguments.theory, studies, targets)
    judged = judgement.judge(rules, tables)
    artifacts.write_csv(judged, arguments.out)
    artifacts.write_text(page.page(judged, stated), arguments.page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="claims.yaml: the contrasts and their margins")
    parser.add_argument("--published", type=Path, required=True, help="published.csv: the paper's numbers")
    parser.add_argument("--results", type=Path, required=True, help="folder of a run, with its tables/")
    parser.add_argument("--theory", type=Path, nargs="*", default=[], help="tables of the experiments on theory")
    parser.add_argument(
        "--study", action="append", required=True, metavar="PROTOCOL=DATASET=STUDY", help="as clean=digits=digits-clean"
    )
    parser.add_argument(
        "--target", action="append", required=True, metavar="DATASET=ACCURACY", help="as digits=0.7, once per dataset"
    )
    parser.add_argument("--out", type=Path, required=True, help="the table to write, claims.csv")
    parser.add_argument("--page", type=Path, required=True, help="the page to write, verdicts.md")
    cli.run(main, parser)
