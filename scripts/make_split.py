"""Split a dataset into training and test images by a protocol; write rows.csv and scaling.csv."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import cli
from symmetry_constrained.data import registry
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.protocols import PROTOCOLS, make_split


def main(arguments: argparse.Namespace) -> None:
    dataset = Dataset.read(arguments.data)
    make_split(arguments.dataset, dataset, arguments.protocol, arguments.split).write(arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(registry.table())}")
    parser.add_argument("--data", type=Path, required=True, help="folder with images.npy and labels.npy")
    parser.add_argument("--protocol", required=True, help=f"one of {', '.join(PROTOCOLS)}")
    parser.add_argument("--split", type=int, required=True, help="number of the split, which seeds it")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    cli.run(main, parser)
