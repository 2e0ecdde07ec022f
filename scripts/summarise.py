"""Summarise all networks: mean and 95 % interval of every cell's accuracies, losses, gaps and effort."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import summary


def main(arguments: argparse.Namespace) -> None:
    networks = pd.read_csv(arguments.networks, dtype={"hidden_layers": str})
    artifacts.write_csv(summary.summarise(networks), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=Path, required=True, help="networks.csv of all batches")
    parser.add_argument("--out", type=Path, required=True, help="the table to write, summary.csv")
    cli.run(main, parser)
