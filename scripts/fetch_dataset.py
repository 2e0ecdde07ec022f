"""Store a dataset's images and labels as arrays, once their bytes are checked."""

import argparse
from pathlib import Path

from symmetry_constrained import cli, datasets


def main(arguments: argparse.Namespace) -> None:
    datasets.load(arguments.dataset).write(arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(datasets.SHAPES)}")
    parser.add_argument("--out", type=Path, required=True, help="folder for images.npy and labels.npy")
    cli.run(main, parser)
