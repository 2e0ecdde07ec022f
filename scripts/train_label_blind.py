"""Train bias-free networks on ±X to the end, with true, shuffled, random and constant labels."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number
from symmetry_constrained.theory import label_blind


def main(arguments: argparse.Namespace) -> None:
    number, split = split_number(arguments.split), Split.read(arguments.split)
    seeds = list(range(arguments.seeds))
    table, rows = label_blind.train(Dataset.read(arguments.data), split, seeds, fraction=arguments.fraction)
    table.insert(1, "split", number)
    artifacts.write_csv(table, arguments.out)
    artifacts.write_arrays({"rows": rows}, arguments.out.with_suffix(".safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_data(parser)
    parser.add_argument("--seeds", type=int, default=5, help="networks of each kind (default 5)")
    parser.add_argument("--fraction", type=float, default=0.25, help="of the training images (default 0.25)")
    parser.add_argument(
        "--out", type=Path, required=True, help="the table to write; a row of weights per row beside it, .safetensors"
    )
    cli.run(main, parser)
