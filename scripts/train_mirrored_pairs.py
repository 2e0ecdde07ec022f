"""Train shallow networks of mirrored hidden units with biases within ±ε: R + R̄ is far above 1, however small ε is."""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.theory import mirrored_pairs
from symmetry_constrained.theory.over_splits import over_splits


def main(arguments: argparse.Namespace) -> None:
    options = {"fraction": arguments.fraction, "max_iterations": arguments.max_iterations}
    study = partial(mirrored_pairs.study, epsilons=arguments.epsilons, **options)
    table, weights = over_splits(arguments.data, arguments.split, arguments.seeds, study)
    rest = [name for name in table if name not in mirrored_pairs.LEADING_COLUMNS]
    artifacts.write_csv(table[mirrored_pairs.LEADING_COLUMNS + rest], arguments.out)
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
