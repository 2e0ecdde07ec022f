"""Train a batch: every network of one dataset, protocol, split, feature map and training set.

Writes networks.csv, history.csv, timings.csv, weights.safetensors, predictions.safetensors and provenance.json.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.kernels import compiled
from symmetry_constrained.networks.ensemble import resolve_device
from symmetry_constrained.runs import provenance
from symmetry_constrained.training import batch as training
from symmetry_constrained.training.spec import Spec


def main(arguments: argparse.Namespace) -> None:
    spec, out = Spec.from_dict(json.loads(arguments.spec)), arguments.out
    batch = training.train_batch(spec, Dataset.read(arguments.data), Split.read(arguments.split), cli.say)
    for name in ("weights", "predictions"):
        artifacts.write_arrays(getattr(batch, name), out / f"{name}.safetensors")
    for name in ("networks", "history", "timings"):
        artifacts.write_csv(getattr(batch, name), out / f"{name}.csv")
    inputs = [arguments.data / name for name in ("images.npy", "labels.npy")]
    inputs += [arguments.split / name for name in ("rows.csv", "scaling.csv")]
    device = resolve_device(spec.device)
    record = provenance.provenance(asdict(spec), inputs, device, compiled.compiler(device))
    artifacts.write_json(record, out / "provenance.json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", required=True, help="what to train, as JSON: the fields of spec.Spec")
    cli.add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    cli.run(main, parser)
