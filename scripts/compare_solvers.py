"""Compare the accuracies our ensembles reach with scikit-learn's on the same splits and seeds."""

import argparse
import sys
from functools import partial
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.benchmark import agreement


def main(arguments: argparse.Namespace) -> None:
    read = partial(pd.read_csv, dtype={"hidden_layers": str})
    theirs = pd.concat(map(read, arguments.scikit_learn), ignore_index=True)
    artifacts.write_csv(agreement.compare(read(arguments.networks), theirs), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=Path, required=True, help="networks.csv of all batches")
    parser.add_argument("--scikit-learn", type=Path, nargs="+", required=True, help="tables of train_scikit_learn.py")
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
