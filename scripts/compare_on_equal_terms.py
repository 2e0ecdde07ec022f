"""Compare invariant features with training on ±X at equal iterations, evaluations, FLOP and seconds, and to the end."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import equal_terms
from symmetry_constrained.analysis.columns import check_columns

TEXT = {"hidden_layers": str}


def main(arguments: argparse.Namespace) -> None:
    history = pd.read_csv(arguments.history, dtype=TEXT)
    check_columns(history, ["study"], "history")
    for study in arguments.studies:
        if study not in set(history["study"]):
            raise ValueError(f"studies: {study!r} has no rows in {arguments.history}")
    history = history[history["study"].isin(arguments.studies)]
    table = equal_terms.equal_terms(history, pd.read_csv(arguments.solo, dtype=TEXT))
    artifacts.write_csv(table, arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, required=True, help="history.csv of all batches")
    parser.add_argument("--studies", nargs="+", required=True, help="the studies whose histories are compared")
    parser.add_argument("--solo", type=Path, required=True, help="solo_timings.csv, for the seconds")
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
