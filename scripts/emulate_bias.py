"""Build bias-free networks that act as trained biased ones on X, and compare the two on X and on −X.

Writes a row per network, construction and weight, and whether the constants that this needs are in the images.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data import registry
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.theory import emulated_bias


def main(arguments: argparse.Namespace) -> None:
    registry.known(arguments.dataset)
    if min(arguments.weights) <= 0:
        raise ValueError(f"weights must be above 0, not {min(arguments.weights):g}")
    dataset, split = Dataset.read(arguments.data), Split.read(arguments.split)
    study = {
        "dataset": arguments.dataset,
        "protocol": arguments.protocol,
        "split": split_number(arguments.split),
    }
    conditions = emulated_bias.conditions(dataset, split)
    table, weights = emulated_bias.study(
        dataset,
        split,
        arguments.training_sets,
        list(range(arguments.seeds)),
        arguments.weights,
        hidden_layers=tuple(arguments.hidden_layers),
        fraction=arguments.fraction,
        budget=Budget(max_evaluations=arguments.max_evaluations),
    )
    for values, path in ((table, arguments.out), (conditions, arguments.conditions)):
        for place, (name, value) in enumerate(study.items()):
            values.insert(place, name, value)
        artifacts.write_csv(values, path)
    artifacts.write_arrays(weights, arguments.out.with_suffix(".safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(registry.table())}, for the tables")
    parser.add_argument("--protocol", default="clean", help="the split's protocol, for the tables (default clean)")
    cli.add_data(parser)
    parser.add_argument(
        "--training-sets",
        nargs="+",
        default=["original", "augmented"],
        help="what the biased networks are trained on (default: original augmented)",
    )
    parser.add_argument("--hidden-layers", type=int, nargs="+", default=[10, 5], help="their sizes (default: 10 5)")
    parser.add_argument("--seeds", type=int, default=3, help="networks of each kind (default 3)")
    parser.add_argument("--fraction", type=float, default=1.0, help="of the training images (default 1)")
    parser.add_argument("--max-evaluations", type=int, default=200, help="of each training (default 200)")
    parser.add_argument(
        "--weights",
        type=float,
        nargs="+",
        default=emulated_bias.WEIGHTS,
        help="of the extra neurons (default: 46 from 0.001 to 32, a third of an octave apart)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="the table; the biased networks' weights beside it, .safetensors"
    )
    parser.add_argument("--conditions", type=Path, required=True, help="the table of the images' signs and pixels")
    cli.run(main, parser)
