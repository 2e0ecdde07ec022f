"""Train networks with and without Σx in their inputs, and count the hidden units that are saturated on it."""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli, paper
from symmetry_constrained.theory import saturated_units
from symmetry_constrained.theory.over_splits import over_splits


def main(arguments: argparse.Namespace) -> None:
    options = {"fraction": arguments.fraction, "max_evaluations": arguments.max_evaluations}
    study = partial(saturated_units.study, **options)
    table, weights = over_splits(arguments.data, arguments.split, arguments.seeds, study)
    artifacts.write_csv(table, arguments.out)
    artifacts.write_arrays(weights, arguments.out.with_suffix(".safetensors"))


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
