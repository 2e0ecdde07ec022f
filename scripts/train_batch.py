"""Train batches: every network of one dataset, protocol, feature map and training set, on one split after the other.

Writes into OUT/FEATURES/TRAINING_SET/HIDDEN_LAYERS/split-N of each: networks.csv, history.csv, timings.csv,
weights.safetensors, predictions.safetensors and provenance.json.
"""

import argparse
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.kernels import compiled
from symmetry_constrained.networks.ensemble import resolve_device
from symmetry_constrained.runs import provenance
from symmetry_constrained.training.batch import train_batches
from symmetry_constrained.training.spec import Spec


def main(arguments: argparse.Namespace) -> None:
    first = [Spec.of_split(arguments.spec, folder) for folder in arguments.split]
    dataset, device = Dataset.read(arguments.data), resolve_device(first[0].device)
    job = {"splits": [spec.split for spec in first], "start_seconds": time.process_time()}
    specs = [
        [spec, *(replace(spec, features=name, trained_as=spec.features) for name in arguments.also)] for spec in first
    ]
    splits = [Split.read(folder) for folder in arguments.split]
    trained = train_batches(specs, dataset, splits, cli.say)
    for folder, own, batches in zip(arguments.split, specs, trained, strict=True):
        for spec, batch in zip(own, batches, strict=True):
            out, inputs = arguments.out / spec.folder, cli.data_files(arguments.data, folder)
            batch.write(out)
            record = provenance.provenance(asdict(spec), inputs, device, compiled.compiler(device))
            artifacts.write_json(record | {"job": job}, out / "provenance.json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_spec(parser)
    cli.add_data(parser, splits="+")
    parser.add_argument("--also", nargs="*", default=[], help="features whose training images are the same")
    parser.add_argument("--out", type=Path, required=True, help="folder of the study's batches")
    cli.run(main, parser)
