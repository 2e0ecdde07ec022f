"""From a dataset to a split, by a protocol and a number that seeds what is drawn.

- `published`, the author's: every image is nudged if the dataset is, all of that is split at random, and the scaling
  is taken from all of it. Copies of one image are then on both sides: the paper's recipe, with its leak.
- `clean`: the source images are split, by their authors' division where there is one and at random where there is not;
  then each side is nudged, and the scaling is taken from the training side alone.
"""

import math

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.data import registry
from symmetry_constrained.data.datasets import Dataset, times
from symmetry_constrained.data.splits import Split, nudge

PROTOCOLS = ("published", "clean")


def nested_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Ranks (n,), a permutation of 0..n-1, whose every prefix is stratified: each class within one image of its share.

    Within a class the order is random. The classes take turns by Tijdeman's rule (1980, the chairman assignment): of
    those that may have the next turn, the one whose turn must come soonest.
    """
    random = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    share = counts / len(labels)
    slack = 1 / max(2 * len(classes) - 2, 1)
    taken = np.zeros(len(classes), dtype=np.int64)
    turns = np.empty(len(labels), dtype=np.int64)
    for place in range(len(labels)):
        ready = share * (place + 1) - taken >= slack - 1e-9
        turns[place] = np.where(ready, (1 - slack + taken) / share, np.inf).argmin()
        taken[turns[place]] += 1
    rank = np.empty(len(labels), dtype=np.int64)
    for index, label in enumerate(classes):
        rank[random.permutation(np.flatnonzero(labels == label))] = np.flatnonzero(turns == index)
    return rank


def training_units(name: str, protocol: str) -> int:
    """How many units the fractions of a dataset are counted in.

    These are training images, or source images where the copies of one image stay together.
    """
    row = registry.known(name)
    if protocol == "clean" and row.training:
        return row.training
    units = row.images * (len(row.shifts) if protocol == "published" else 1)
    return units - math.ceil(paper.TEST_SHARE * units)


def make_split(name: str, dataset: Dataset, protocol: str, split: int) -> Split:
    """Split a dataset, as its row says, by a protocol; `split` seeds the draw. ValueError in one line for bad input."""
    row = registry.known(name)
    if dataset.shape != row.shape:
        raise ValueError(f"dataset {name}: the images are {times(dataset.shape)}, expected {times(row.shape)}")
    return split_images(dataset.images, dataset.labels, protocol, split, row.shifts, row.training)


def split_images(
    images: np.ndarray,
    labels: np.ndarray,
    protocol: str,
    split: int,
    shifts: tuple[str, ...] = paper.SHIFTS,
    training: int = 0,
) -> Split:
    """Split images (N, height, width) with labels (N,) by a protocol; `split` seeds the draw and the fractions' order.

    shifts: the positions in which each image is shown. training: how many images, the first ones, their authors meant
    for training; 0 where there is no such division. ValueError in one line for bad input.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol: {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    count, copies = len(images), np.arange(len(shifts))
    if training and not 0 < training < count:
        raise ValueError(f"{count} images, of which {training} for training, leave no training or no test images")
    if protocol == "published":
        sides: tuple[np.ndarray, ...] = _draw(_stacked(labels, len(shifts), training), split)
        # Row k is source image k mod N under shift k div N, as in the author's stack of copies.
        train, test = ((side % count, side // count) for side in sides)
        rank = nested_order(labels[train[0]], split)
        scaled_on = [train, test]
    else:
        sides = (np.arange(training), np.arange(training, count)) if training else _draw(np.arange(count), split)
        train, test = ((np.tile(side, len(copies)), np.repeat(copies, len(side))) for side in sides)
        # Copies of one image share its rank.
        rank = np.tile(nested_order(labels[sides[0]], split), len(copies))
        scaled_on = [train]
    rows = pd.concat(
        pd.DataFrame(
            {"set": name, "image": image, "shift": np.take(shifts, shift), "label": labels[image], "rank": ranks}
        )
        for name, (image, shift), ranks in (("train", train, rank), ("test", test, -1))
    )
    return Split(rows.reset_index(drop=True), *_extremes(images, scaled_on, shifts))


def _stacked(labels: np.ndarray, copies: int, training: int) -> np.ndarray:
    """The order (copies · N,) in which the author's stack of images is split.

    His copy of MNIST (mldata.org's "MNIST original") had the training and the test images each sorted by their labels.
    """
    order = np.lexsort((labels, np.arange(len(labels)) >= training)) if training else np.arange(len(labels))
    return np.concatenate([order + copy * len(labels) for copy in range(copies)])


def _draw(units: np.ndarray, split: int) -> tuple[np.ndarray, ...]:
    """Training and test units, at random."""
    # scikit-learn is slow to import, and training jobs read the files and never come here.
    from sklearn.model_selection import train_test_split

    sides = train_test_split(np.arange(len(units)), test_size=paper.TEST_SHARE, random_state=split)
    return tuple(units[side] for side in sides)


def _extremes(
    images: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]], shifts: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest value (d,) int64 of each pixel; parts: (image, number of the shift), each (n,)."""
    low, high = (
        np.array(
            [
                extreme(nudge(images[image[shift == number]], name), axis=0).ravel()
                for image, shift in parts
                for number, name in enumerate(shifts)
                if (shift == number).any()
            ]
        )
        for extreme in (np.min, np.max)
    )
    return low.min(0).astype(np.int64), high.max(0).astype(np.int64)
