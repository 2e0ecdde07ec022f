"""Print one claim, or one of the paper's tables, that was made by itself."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import cli
from symmetry_constrained.verdicts import alone, paper_tables


def main(arguments: argparse.Namespace) -> None:
    tables = arguments.folder / "tables"
    paper_table = tables / f"{arguments.folder.name}.csv"
    if paper_table.exists():
        print(paper_tables.aligned(paper_tables.narrow(paper_tables.readable(pd.read_csv(paper_table)))))
    else:
        print(alone.text(*(pd.read_csv(tables / f"{name}.csv") for name in ("claims", "settings"))))
    print(f"More: {arguments.folder}/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="as results/parts/claim_C8 or results/parts/table1")
    cli.run(main, parser)
