"""Tabulate what training costs until a network has given accuracies on both X and −X, by its recorded history."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import accuracy_targets, cost_to_target


def read(paths: list[Path]) -> pd.DataFrame:
    return pd.concat((pd.read_csv(path, dtype={"hidden_layers": str}) for path in paths), ignore_index=True)


def main(arguments: argparse.Namespace) -> None:
    accuracies = accuracy_targets.read_targets(arguments.target)
    solo = read(arguments.solo) if arguments.solo else None
    table = cost_to_target.cost_to_target(read(arguments.history), accuracies, solo)
    artifacts.write_csv(table, arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, nargs="+", required=True, help="history.csv of every batch")
    parser.add_argument("--solo", type=Path, nargs="*", help="tables of networks timed alone, for the seconds")
    parser.add_argument(
        "--target", action="append", required=True, metavar="DATASET=ACCURACY", help="as digits=0.7; may be repeated"
    )
    parser.add_argument("--out", type=Path, required=True, help="the table to write, cost_to_target.csv")
    cli.run(main, parser)
