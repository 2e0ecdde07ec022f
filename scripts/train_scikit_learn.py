"""Train a batch's networks one by one with scikit-learn, to compare with ours."""

import argparse
import json
from pathlib import Path

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.training import scikit_learn_batch
from symmetry_constrained.training.spec import Spec


def main(arguments: argparse.Namespace) -> None:
    spec = Spec.from_dict(json.loads(arguments.spec))
    artifacts.write_csv(
        scikit_learn_batch.train_batch(spec, Dataset.read(arguments.data), Split.read(arguments.split)), arguments.out
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="what to train, as JSON: the fields of spec.Spec")
    cli.add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
