"""Train networks with and without Σx in their inputs, and count the hidden units that are saturated on it."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

import numpy as np
import pandas as pd

from symmetry_constrained import artifacts, cli, paper
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number
from symmetry_constrained.theory import saturated_units


def main(arguments: argparse.Namespace) -> None:
    dataset, tables, parameters = Dataset.read(arguments.data), [], []
    for folder in arguments.split:
        number = split_number(folder)
        cli.say(f"split {number}")
        # No two splits share initial weights.
        seeds = list(range(number * arguments.seeds, (number + 1) * arguments.seeds))
        table, rows = saturated_units.study(
            dataset, Split.read(folder), seeds, arguments.fraction, arguments.max_evaluations
        )
        table.insert(0, "split", number)
        tables.append(table)
        parameters.append(rows)
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "dataset", "digits")
    table.insert(1, "protocol", "clean")
    artifacts.write_csv(table, arguments.out)
    artifacts.write_arrays({"rows": np.concatenate(parameters)}, arguments.out.with_suffix(".safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_data(parser, splits="+")
    parser.add_argument("--seeds", type=int, default=2, help="networks of each split and kind (default 2)")
    parser.add_argument("--fraction", type=float, default=0.25, help="of the training images (default 0.25)")
    parser.add_argument(
        "--max-evaluations", type=int, default=paper.BUDGET, help=f"of each training (default {paper.BUDGET})"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="the table; a row of weights per row beside it, .safetensors"
    )
    cli.run(main, parser)
