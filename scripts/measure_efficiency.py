"""Measure sample efficiency: the images that every model needs for given accuracies, by its learning curve."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import accuracy_targets, sample_efficiency


def main(arguments: argparse.Namespace) -> None:
    targets = accuracy_targets.read_targets(arguments.target)
    networks = pd.read_csv(arguments.networks, dtype={"hidden_layers": str})
    artifacts.write_csv(sample_efficiency.sample_efficiency(networks, targets), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=Path, required=True, help="networks.csv of all batches")
    parser.add_argument(
        "--target", action="append", required=True, metavar="DATASET=ACCURACY", help="as digits=0.7; may be repeated"
    )
    parser.add_argument("--out", type=Path, required=True, help="the table to write, sample_efficiency.csv")
    cli.run(main, parser)
