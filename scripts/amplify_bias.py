"""Train networks of several depths on ±X with every bias held within ±ε: how far is R + R̄ above 1?"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data import registry
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number
from symmetry_constrained.theory import amplification


def main(arguments: argparse.Namespace) -> None:
    registry.known(arguments.dataset)
    dataset, split = Dataset.read(arguments.data), Split.read(arguments.split)
    tables, weights = [], {}
    for depth in arguments.depths:
        cli.say(f"{depth} hidden layers")
        table, weights[str(depth)] = amplification.study(
            dataset,
            split,
            depth,
            arguments.epsilons,
            list(range(arguments.seeds)),
            fraction=arguments.fraction,
            max_iterations=arguments.max_iterations,
        )
        tables.append(table)
    table = pd.concat(tables, ignore_index=True).assign(
        dataset=arguments.dataset, protocol=arguments.protocol, split=split_number(arguments.split)
    )
    rest = [name for name in table if name not in amplification.LEADING_COLUMNS]
    artifacts.write_csv(table[amplification.LEADING_COLUMNS + rest], arguments.out)
    artifacts.write_arrays(weights, arguments.out.with_suffix(".safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="digits", help="its name, for the table (default digits)")
    parser.add_argument("--protocol", default="clean", help="the split's protocol, for the table (default clean)")
    cli.add_data(parser)
    parser.add_argument(
        "--depths",
        type=int,
        nargs="+",
        default=amplification.DEPTHS,
        help="numbers of hidden layers, of 10 units each (default: 1 2 4 8 16)",
    )
    parser.add_argument(
        "--epsilons",
        type=float,
        nargs="+",
        default=amplification.EPSILONS,
        help="largest biases; inf for free ones (default: 0 0.01 0.03 0.1 0.3 1 inf)",
    )
    parser.add_argument("--seeds", type=int, default=5, help="networks of each depth and ε (default 5)")
    parser.add_argument("--fraction", type=float, default=0.25, help="of the training images (default 0.25)")
    parser.add_argument("--max-iterations", type=int, default=500, help="of each training (default 500)")
    parser.add_argument(
        "--out", type=Path, required=True, help="the table, amplification.csv; weights by depth beside it, .safetensors"
    )
    cli.run(main, parser)
