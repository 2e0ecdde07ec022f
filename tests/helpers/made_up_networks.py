"""Networks that nobody trained, in batches as the study leaves them, on the digits and a split of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained import artifacts
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.networks.architecture import Architecture

MODELS = (("identity", "original"), ("identity", "augmented"), ("neighbour", "original"), ("canonical", "original"))
KINDS = ("biased", "bias-free")
SEEDS = (3, 4)


def write_data(folder: Path) -> tuple[Path, Path]:
    """The digits and the first clean split of them: their folders."""
    data, split = folder / "data", folder / "split-0"
    dataset = reading.load("digits", folder)
    dataset.write(data)
    protocols.make_split("digits", dataset, "clean", 0).write(split)
    return data, split


def write_batch(folder: Path, features: str, training_set: str, fractions=(0.5, 1.0)) -> Path:
    """A batch of four networks for each fraction, with weights large enough for answers that differ."""
    architecture, rows, weights = Architecture(64, (10, 5)), [], {}
    random = np.random.default_rng([len(features), len(training_set)])
    for fraction in fractions:
        kinds = [(kind, seed) for kind in KINDS for seed in SEEDS]
        biased = np.array([kind == "biased" for kind, _ in kinds])[:, None]
        values = random.normal(0, 1, (len(kinds), architecture.row_length)).astype(np.float32)
        weights[format(fraction, "g")] = np.where(architecture.is_bias() & ~biased, np.float32(0), values)
        for kind, seed in kinds:
            row = {"study": "made-up", "split": 0, "features": features, "training_set": training_set}
            row |= {"network": kind, "fraction": fraction, "seed": seed, "n_train": 7185}
            rows.append(row | {"test_accuracy": 0.75, "inverted_accuracy": 0.25})
    artifacts.write_csv(pd.DataFrame(rows), folder / "networks.csv")
    artifacts.write_arrays(weights, folder / "weights.safetensors")
    return folder
