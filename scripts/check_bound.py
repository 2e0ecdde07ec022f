"""Check R + R̄ <= 1 on the predictions of every bias-free network, and write the largest sum of each cell."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import bound


def main(arguments: argparse.Namespace) -> None:
    if len(arguments.batches) != len(arguments.splits):
        raise ValueError(f"{len(arguments.batches)} batches but {len(arguments.splits)} splits")
    pairs = zip(arguments.batches, arguments.splits, strict=True)
    checked = pd.concat([bound.check_batch(batch, split) for batch, split in pairs], ignore_index=True)
    artifacts.write_csv(bound.summarise(checked, arguments.not_odd), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=Path, nargs="+", required=True, help="folders of training batches")
    parser.add_argument("--splits", type=Path, nargs="+", required=True, help="the split's folder for each batch")
    parser.add_argument("--not-odd", nargs="*", default=[], help="studies whose bias-free networks are not odd")
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
