"""Train shallow networks of mirrored hidden units with biases within ±ε: R + R̄ is far above 1, however small ε is."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number
from symmetry_constrained.theory import mirrored_pairs


def main(arguments: argparse.Namespace) -> None:
    dataset, tables, parameters = Dataset.read(arguments.data), [], []
    for folder in arguments.split:
        number = split_number(folder)
        cli.say(f"split {number}")
        table, rows = mirrored_pairs.study(
            dataset,
            Split.read(folder),
            arguments.epsilons,
            # No two splits share initial weights.
            list(range(number * arguments.seeds, (number + 1) * arguments.seeds)),
            fraction=arguments.fraction,
            max_iterations=arguments.max_iterations,
        )
        tables.append(table.assign(dataset="digits", protocol="clean", split=number))
        parameters.append(rows)
    table = pd.concat(tables, ignore_index=True)
    rest = [name for name in table if name not in mirrored_pairs.LEADING_COLUMNS]
    artifacts.write_csv(table[mirrored_pairs.LEADING_COLUMNS + rest], arguments.out)
    weights = {"rows": np.concatenate(parameters)}
    artifacts.write_arrays(weights, arguments.out.with_suffix(".safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_data(parser, splits="+")
    parser.add_argument(
        "--epsilons",
        type=float,
        nargs="+",
        default=mirrored_pairs.EPSILONS,
        help="largest biases (default: 0.0001 0.001 0.01 0.1)",
    )
    parser.add_argument("--seeds", type=int, default=2, help="networks of each split, kind and ε (default 2)")
    parser.add_argument("--fraction", type=float, default=1.0, help="of the training images (default 1)")
    parser.add_argument("--max-iterations", type=int, default=200, help="of each training (default 200)")
    parser.add_argument(
        "--out", type=Path, required=True, help="the table; a row of weights per row beside it, .safetensors"
    )
    cli.run(main, parser)
