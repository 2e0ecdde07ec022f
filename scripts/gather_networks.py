"""Put the rows of many batches into one table, in the order given."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import gathering


def main(arguments: argparse.Namespace) -> None:
    artifacts.write_csv(gathering.gather(arguments.tables), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, nargs="+", help="CSV files with equal columns")
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
