"""What a network is given: a split's images as a training or test set, through the feature map."""

import numpy as np

from symmetry_constrained import features
from symmetry_constrained.datasets import Dataset
from symmetry_constrained.protocols import Split, training_set


def training_inputs(
    dataset: Dataset,
    split: Split,
    features_: str,
    kind: str,
    seed: int,
    fraction: float = 1.0,
    dtype: type = np.float32,
) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, m) and labels (n,) of a fraction of the training images; `seed` draws random signs."""
    split.check(dataset)
    rows = split.select("train", fraction)
    images, labels = training_set(
        split.images(dataset.images, rows, dtype), rows["label"].to_numpy(), kind, seed, rows.index.to_numpy()
    )
    return features.compute(features_, images, dataset.shape), labels


def test_inputs(
    dataset: Dataset, split: Split, features_: str, dtype: type = np.float32
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features (n, m) of the test images as they are and inverted, and their labels (n,)."""
    split.check(dataset)
    rows = split.select("test")
    images = split.images(dataset.images, rows, dtype)
    signed = {"original": images, "inverted": -images}
    return {name: features.compute(features_, x, dataset.shape) for name, x in signed.items()}, rows["label"].to_numpy()
