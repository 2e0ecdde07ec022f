"""Look for violations of what theory says of every bias-free network, in thousands of random ones."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.theory import random_networks


def main(arguments: argparse.Namespace) -> None:
    if arguments.images < 1:
        raise ValueError(f"images: at least 1 is needed, not {arguments.images}")
    tests, labels = inputs.test_inputs(Dataset.read(arguments.data), Split.read(arguments.split), "identity")
    few = slice(0, arguments.images)
    table = random_networks.violations(tests["original"][few], labels[few], CLASSES, arguments.networks)
    artifacts.write_csv(table, arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_data(parser)
    parser.add_argument("--networks", type=int, default=1000, help="of each of 12 shapes (default 1000)")
    parser.add_argument("--images", type=int, default=100, help="test images (default 100)")
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
