"""Time one network trained alone, and its feature map, for each kind of network of several batches.

Run it while the machine has no other work.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.benchmark import solo
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.training.spec import Spec


def main(arguments: argparse.Namespace) -> None:
    specs = json.loads(arguments.specs)
    if not isinstance(specs, list) or not specs:
        raise ValueError("specs: there must be a list of batches, and one batch at least")
    parts = []
    for spec in map(Spec.from_dict, specs):
        cli.say(f"{spec.study}: {spec.features} trained on {spec.training_set}, alone")
        split = arguments.results / "splits" / spec.dataset / spec.protocol / f"split-{spec.split}"
        parts.append(
            solo.time_solo(
                spec,
                Dataset.read(arguments.results / "data" / spec.dataset),
                Split.read(split),
                repeats=arguments.repeats,
                max_evaluations=arguments.max_evaluations,
            )
        )
    artifacts.write_csv(pd.concat(parts, ignore_index=True), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specs", required=True, help="the batches, as a JSON list: each the fields of spec.Spec")
    parser.add_argument("--results", type=Path, required=True, help="folder of a run, with its data/ and splits/")
    parser.add_argument("--repeats", type=int, default=3, help="trainings of each network (default 3)")
    parser.add_argument(
        "--max-evaluations", type=int, default=50, help="evaluations of each training at most (default 50)"
    )
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
