"""Train a batch's networks one by one with scikit-learn, to compare with ours."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.training import scikit_learn_batch
from symmetry_constrained.training.spec import Spec


def main(arguments: argparse.Namespace) -> None:
    spec = Spec.of_split(arguments.spec, arguments.split)
    artifacts.write_csv(
        scikit_learn_batch.train_batch(spec, Dataset.read(arguments.data), Split.read(arguments.split)), arguments.out
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_spec(parser)
    cli.add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
