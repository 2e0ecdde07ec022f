"""Compare incomplete with complete invariants of two groups: what networks reach, and what each feature map forgets.

Trains biased and bias-free networks on the training images of one split, whose number seeds the test angles, through
each feature map, for inversion and for translation around the cylinder. Writes invariants.csv (a row per map, network,
seed and budget), invariants.safetensors (their weights), sign_symmetries.csv and phase_symmetries.csv (a row per map:
the symmetries that it has, counted and tried on the test images).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number
from symmetry_constrained.features import groups, symmetries
from symmetry_constrained.theory import invariants

SHOWN = 200  # test images on which symmetries are tried


def main(arguments: argparse.Namespace) -> None:
    dataset, split = Dataset.read(arguments.data), Split.read(arguments.split)
    number, parts, weights = split_number(arguments.split), [], {}
    for group, maps in (("inversion", arguments.inversion), ("translation", arguments.translation)):
        for name in maps:
            cli.say(f"{group}: {name}")
            table, by_budget = invariants.compare(
                dataset,
                split,
                number,
                group,
                name,
                arguments.seeds,
                arguments.evaluations,
                arguments.fraction,
            )
            parts.append(table)
            weights |= {f"{group}/{name}/{budget}": rows for budget, rows in by_budget.items()}
    images = split.images(dataset.images, split.select("test")[:SHOWN], np.float64)
    found = {"invariants": pd.concat(parts)}
    found["sign_symmetries"] = symmetries.sign_symmetries(images, dataset.shape, arguments.inversion)
    found["phase_symmetries"] = symmetries.phase_symmetries(images, dataset.shape, arguments.translation)
    for name, table in found.items():
        artifacts.write_csv(table, arguments.out / f"{name}.csv")
    artifacts.write_arrays(weights, arguments.out / "invariants.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="seeds of the networks")
    parser.add_argument(
        "--evaluations", type=int, nargs="+", default=[200], help="budgets at which networks are judged"
    )
    parser.add_argument("--fraction", type=float, default=1.0, help="of the training images")
    parser.add_argument("--inversion", nargs="+", default=list(groups.INVERSION), help="maps compared for inversion")
    parser.add_argument(
        "--translation", nargs="+", default=list(groups.TRANSLATION), help="maps compared for translation"
    )
    cli.run(main, parser)
