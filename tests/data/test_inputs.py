"""Inputs made block by block are those made at once, to the bit, and take the memory of one copy."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from symmetry_constrained.data import inputs, protocols, reading, splits
from symmetry_constrained.data.inputs import TRAINING_SETS
from symmetry_constrained.features import inversion
from symmetry_constrained.networks.ensemble import Samples


@pytest.fixture(scope="module")
def digits():
    dataset = reading.load("digits")
    return dataset, protocols.make_split("digits", dataset, "published", 0)


@pytest.mark.parametrize("kind", TRAINING_SETS)
@pytest.mark.parametrize("name", ["identity", "neighbour", "quadratic", "canonical"])
def test_blocks_are_the_features_of_the_whole_set(digits, kind, name, monkeypatch):
    dataset, split = digits
    monkeypatch.setattr(splits, "BLOCK", 100)
    found = inputs.training(dataset, split, name, kind, 5, 0.05)
    rows = split.select("train", 0.05)
    images, labels = inputs.training_set(
        split.images(dataset.images, rows), rows["label"].to_numpy(), kind, 5, rows.index.to_numpy()
    )
    expected = inversion.compute(name, images, dataset.shape)
    assert found.shape == expected.shape
    assert found.array().tobytes() == expected.tobytes()
    assert np.array_equal(found.labels, labels)
    assert max(len(values) for _, values in found.blocks()) == 100
    samples = Samples(found, found.labels, 10, torch.float32, "cpu")
    assert np.array_equal(samples.inputs[:-1].T, expected) and bool((samples.inputs[-1] == 1).all())
    assert np.array_equal(samples.negated().inputs[:-1].T, -expected)
    assert bool((samples.negated().inputs[-1] == 1).all())


def test_a_feature_that_is_not_finite_is_refused_in_whichever_block(digits, monkeypatch):
    dataset, split = digits
    monkeypatch.setattr(splits, "BLOCK", 100)
    found = inputs.test(dataset, split, "identity")["original"]
    compute = inversion.compute
    calls = []

    def spoilt(name, images, shape):
        values = compute(name, images, shape).copy()
        calls.append(1)
        if len(calls) == 3:
            values[7, 3] = np.nan
        return values

    monkeypatch.setattr(inversion, "compute", spoilt)
    with pytest.raises(ValueError, match="inputs must be finite"):
        Samples(found, found.labels, 10, torch.float32, "cpu")


PATHS = os.environ | {"PYTHONPATH": str(Path(inputs.__file__).parents[2])}
MEASURE = """
import resource, sys
import numpy as np, pandas as pd, torch
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.ensemble import Samples

count = int(sys.argv[1])
dataset = Dataset(np.zeros((1000, 28, 28), dtype=np.uint8), np.zeros(1000, dtype=np.uint8))
rows = pd.DataFrame({"set": ["train"] * count + ["test"], "image": np.arange(count + 1) % 1000, "shift": "none",
                     "label": 0, "rank": [*range(count), -1]})
split = Split(rows, np.zeros(784, dtype=np.int64), np.full(784, 255))
found = inputs.training(dataset, split, "neighbour", "augmented", 0)
samples = Samples(found, found.labels, 10, torch.float32, "cpu")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, samples.inputs.nbytes)
"""


@pytest.mark.skipif(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 10_000, reason="ru_maxrss is not in kB here")
def test_peak_memory_grows_by_one_copy_of_the_features():
    def measured(count):
        return map(int, subprocess.check_output([sys.executable, "-c", MEASURE, count], env=PATHS, text=True).split())

    peaks, sizes = zip(measured("2000"), measured("30000"), strict=True)
    assert 1024 * (peaks[1] - peaks[0]) < 1.4 * (sizes[1] - sizes[0])
