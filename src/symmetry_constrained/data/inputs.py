"""What a network is given: a split's images as a training or test set, through the feature map."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import inversion


@dataclass
class Inputs:
    """Features (n, m) of images in a split, made in blocks from their bytes, to avoid a second copy in memory."""

    dataset: Dataset
    split: Split
    features: str
    rows: pd.DataFrame  # of the split: the images
    signs: list[np.ndarray]  # (images,) each: all images are shown once by each of these signs
    dtype: type = np.float32

    @property
    def shape(self) -> tuple[int, int]:
        pixels = self.dataset.shape[0] * self.dataset.shape[1]
        return len(self.rows) * len(self.signs), inversion.feature_count(self.features, pixels)

    @property
    def labels(self) -> np.ndarray:
        return np.tile(self.rows["label"].to_numpy(), len(self.signs))

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Features (b, m), and their places among the n."""
        for block, images in self.split.blocks(self.dataset.images, self.rows, self.dtype):
            for turn, signs in enumerate(self.signs):
                start = turn * len(self.rows)
                signed = images * signs[block, None].astype(self.dtype)
                values = inversion.compute(self.features, signed, self.dataset.shape)
                yield slice(start + block.start, start + block.stop), values

    def same_as(self, other: "Inputs") -> bool:
        """Whether the other features of as many images are the same numbers."""
        return self.shape == other.shape and all(
            np.array_equal(values, others)
            for (_, values), (_, others) in zip(self.blocks(), other.blocks(), strict=True)
        )

    def array(self) -> np.ndarray:
        """All of them."""
        values: np.ndarray = np.empty(self.shape, dtype=self.dtype)
        for place, block in self.blocks():
            values[place] = block
        return values


def training(
    dataset: Dataset,
    split: Split,
    features_: str,
    kind: str,
    seed: int,
    fraction: float = 1.0,
    dtype: type = np.float32,
) -> Inputs:
    """A fraction of the training images; `seed` draws random signs."""
    split.check(dataset)
    rows = split.select("train", fraction)
    return Inputs(dataset, split, features_, rows, signs(kind, seed, rows.index.to_numpy()), dtype)


def test(dataset: Dataset, split: Split, features_: str, dtype: type = np.float32) -> dict[str, Inputs]:
    """The test images as they are and inverted."""
    split.check(dataset)
    rows = split.select("test")
    ones = np.ones(len(rows), dtype=np.int8)
    return {
        name: Inputs(dataset, split, features_, rows, [sign], dtype)
        for name, sign in (("original", ones), ("inverted", -ones))
    }


def training_inputs(*arguments: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, m) and labels (n,) of `training`."""
    inputs = training(*arguments, **options)
    return inputs.array(), inputs.labels


def test_inputs(*arguments: Any, **options: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features (n, m) of the test images as they are and inverted, and their labels (n,)."""
    sets = test(*arguments, **options)
    return {name: inputs.array() for name, inputs in sets.items()}, sets["original"].labels


TRAINING_SETS = ("original", "augmented", "random-sign")


def training_set(
    images: np.ndarray, labels: np.ndarray, kind: str, seed: int, places: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Scaled images (n, d) and labels (n,) -> those trained on; `signs` says how."""
    shown = signs(kind, seed, np.arange(len(images)) if places is None else places)
    if kind == "original":
        return images, labels
    signed = np.empty((len(shown), *images.shape), dtype=images.dtype)
    for sign, values in zip(shown, signed, strict=True):
        np.multiply(images, sign[:, None], out=values, casting="unsafe")
    return signed.reshape(-1, images.shape[1]), np.tile(labels, len(shown))


def signs(kind: str, seed: int, places: np.ndarray) -> list[np.ndarray]:
    """By which sign each image is shown, (n,) of ±1, for each time that all are. ValueError for an unknown kind.

    original: X. augmented: X, then -X. random-sign: each image's sign drawn once, from the seed.
    places: each image's row in the split, so that every fraction gives an image one sign.
    """
    ones = np.ones(len(places), dtype=np.int8)
    if kind == "original":
        return [ones]
    if kind == "augmented":
        return [ones, -ones]
    if kind == "random-sign":
        return [np.random.default_rng([seed, 1]).choice(np.array([-1, 1], dtype=np.int8), places.max() + 1)[places]]
    raise ValueError(f"training_set: {kind!r} is unknown; choose one of {', '.join(TRAINING_SETS)}")
