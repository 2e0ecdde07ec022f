"""From source images to training and test sets: nudging, splitting, scaling, nested fractions.

Two protocols for nudged data (digits):
- `published`: every image is nudged, then the nudged images are split at random, and the scaling is taken from all of
  them. Copies of one image stand on both sides: the paper's recipe, leak and all.
- `clean`: the source images are split, then each side is nudged; the scaling comes from the training side alone.

And two for data that come with training and test images (MNIST and its like), which nobody nudges:
- `published`: all images are split at random and the scaling is taken from all of them, as the author did.
- `clean`: training and test images stay what they are; the scaling comes from the training images alone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.artifacts import write_csv
from symmetry_constrained.data import datasets
from symmetry_constrained.data.datasets import Dataset

PROTOCOLS = ("published", "clean")
BLOCK = 2048  # images scaled at a time: some 6 MB of 28 × 28 floats


def nudge(images: np.ndarray, shift: str) -> np.ndarray:
    """Images (n, height, width) moved one pixel in the direction named, zeros shifted in."""
    moved = np.zeros_like(images)
    if shift == "none":
        moved[:] = images
    elif shift == "up":
        moved[:, :-1] = images[:, 1:]
    elif shift == "down":
        moved[:, 1:] = images[:, :-1]
    elif shift == "left":
        moved[:, :, :-1] = images[:, :, 1:]
    elif shift == "right":
        moved[:, :, 1:] = images[:, :, :-1]
    else:
        raise ValueError(f"shift: {shift!r} is unknown; choose one of {', '.join(paper.SHIFTS)}")
    return moved


def scale(images: np.ndarray, minimum: np.ndarray, maximum: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Pixels (n, d) -> about [-1, 1], per pixel: (x - min) / (max + 0.0001), then 2x - 1, all in `dtype`."""
    unit = (images.astype(dtype) - minimum.astype(dtype)) / (maximum.astype(dtype) + dtype(paper.SCALE_OFFSET))
    return dtype(2) * unit - dtype(1)


def nested_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Ranks (n,), a permutation of 0..n-1, whose every prefix is stratified: each class within one image of its share.

    Within a class the order is random. The classes take turns by Tijdeman's rule (1980, the chairman assignment): of
    those whose next image is due, the one that is due soonest.
    """
    random = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    share = counts / len(labels)
    slack = 1 / max(2 * len(classes) - 2, 1)
    taken = np.zeros(len(classes), dtype=np.int64)
    turns = np.empty(len(labels), dtype=np.int64)
    for place in range(len(labels)):
        due = share * (place + 1) - taken >= slack - 1e-9
        turns[place] = np.where(due, (1 - slack + taken) / share, np.inf).argmin()
        taken[turns[place]] += 1
    rank = np.empty(len(labels), dtype=np.int64)
    for index, label in enumerate(classes):
        rank[random.permutation(np.flatnonzero(labels == label))] = np.flatnonzero(turns == index)
    return rank


def split_number(folder: Path) -> int:
    """N of a split's folder, which is named split-N. ValueError for another name."""
    number = folder.name.removeprefix("split-")
    if not number.isdecimal():
        raise ValueError(f"{folder}: a split's folder is named split-N")
    return int(number)


@dataclass
class Split:
    """Which images train and which test, and how pixels are scaled. Small enough to read, and kept as two CSV files.

    rows: one line per image and shift: set (train, test), image (index of the source image), shift, label, and rank:
    the place in the nested order of fractions (-1 in the test set). Copies of one image share a rank under `clean`.
    """

    rows: pd.DataFrame
    minimum: np.ndarray = field(repr=False)  # (d,) int64, per pixel
    maximum: np.ndarray = field(repr=False)

    def write(self, folder: Path) -> None:
        write_csv(self.rows, folder / "rows.csv")
        scaling = {"pixel": range(len(self.minimum)), "minimum": self.minimum, "maximum": self.maximum}
        write_csv(pd.DataFrame(scaling), folder / "scaling.csv")

    @classmethod
    def read(cls, folder: Path) -> "Split":
        """What `write` wrote. ValueError in one line naming a file that can't be right."""
        path = folder / "rows.csv"
        rows = _read(path, {"set": str, "image": int, "shift": str, "label": int, "rank": int})
        for column, legal in (("set", ("train", "test")), ("shift", paper.SHIFTS), ("label", range(datasets.CLASSES))):
            wrong = rows.loc[~rows[column].isin(legal), column]
            if len(wrong):
                raise ValueError(f"{path}: line {wrong.index[0] + 2}: {column} is {wrong.tolist()[0]!r}")
        if rows["set"].nunique() < 2:
            raise ValueError(f"{path}: needs rows of both sets, train and test")
        scaling = _read(folder / "scaling.csv", {"pixel": int, "minimum": int, "maximum": int})
        return cls(rows, scaling["minimum"].to_numpy(), scaling["maximum"].to_numpy())

    def check(self, dataset: Dataset) -> None:
        """ValueError in one line if this is no split of the dataset: other images, other labels, other pixels."""
        count, pixels = len(dataset.images), math.prod(dataset.shape)
        for image in (self.rows["image"].min(), self.rows["image"].max()):
            if not 0 <= image < count:
                raise ValueError(f"the split has an image {image}, and the data 0 to {count - 1}")
        labels = dataset.labels[self.rows["image"].to_numpy()]
        other = self.rows[self.rows["label"] != labels]
        if len(other):
            image, label = other.iloc[0][["image", "label"]]
            raise ValueError(f"image {image} is a {label} in the split, and a {dataset.labels[image]} in the data")
        if len(self.minimum) != pixels:
            raise ValueError(f"the split scales {len(self.minimum)} pixels, and the images have {pixels}")

    def select(self, subset: str, fraction: float = 1.0) -> pd.DataFrame:
        """The rows of `train` (a fraction of it, by rank) or `test`, in the order of the split."""
        rows = self.rows[self.rows["set"] == subset]
        if fraction < 1.0:
            count = round(fraction * (rows["rank"].max() + 1))
            rows = rows[rows["rank"] < count]
        return rows

    def images(self, images: np.ndarray, rows: pd.DataFrame, dtype: type = np.float32) -> np.ndarray:
        """The scaled pixels (n, d) of the given rows, from source images (N, height, width)."""
        scaled = np.empty((len(rows), len(self.minimum)), dtype=dtype)
        for block, values in self.blocks(images, rows, dtype):
            scaled[block] = values
        return scaled

    def blocks(
        self, images: np.ndarray, rows: pd.DataFrame, dtype: type = np.float32
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """The same in blocks (b, d) with their places, so that memory needs to hold no more than one."""
        source, shift = rows["image"].to_numpy(), rows["shift"].to_numpy()
        for start in range(0, len(rows), BLOCK):
            block = slice(start, min(start + BLOCK, len(rows)))
            pixels = np.empty((len(source[block]), *images.shape[1:]), dtype=images.dtype)
            for name in set(shift[block]):
                here = shift[block] == name
                pixels[here] = nudge(images[source[block][here]], name)
            yield block, scale(pixels.reshape(len(pixels), -1), self.minimum, self.maximum, dtype)


def _read(path: Path, columns: dict[str, type]) -> pd.DataFrame:
    """A table with exactly these columns, of text or of whole numbers.

    ValueError in one line, naming the file, if it is another.
    """
    try:
        table = pd.read_csv(path, keep_default_na=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if list(table) != list(columns):
        raise ValueError(f"{path}: columns are {', '.join(table)}; expected {', '.join(columns)}")
    for name, kind in columns.items():
        if kind is int and table[name].dtype != np.int64:
            raise ValueError(f"{path}: {name} holds something else than whole numbers")
    return table


def training_units(name: str, protocol: str) -> int:
    """How many units the fractions of a dataset are counted in: training images, or source images where copies stay
    together."""
    units = sum(datasets.COUNTS.get(name, (datasets.DIGITS,)))
    if protocol == "published":
        units *= 1 if name in datasets.COUNTS else len(paper.SHIFTS)
    elif name in datasets.COUNTS:
        return datasets.COUNTS[name][0]
    return units - math.ceil(paper.TEST_SHARE * units)


def make_split(name: str, dataset: Dataset, protocol: str, split: int) -> Split:
    """Split a dataset by its name and a protocol; `split` seeds what is drawn. ValueError in one line for bad input."""
    datasets.check_name(name)
    if dataset.shape != datasets.SHAPES[name]:
        seen, expected = (" × ".join(map(str, shape)) for shape in (dataset.shape, datasets.SHAPES[name]))
        raise ValueError(f"dataset {name}: the images are {seen}, expected {expected}")
    if name in datasets.COUNTS:
        return split_plain(dataset.images, dataset.labels, protocol, split, datasets.COUNTS[name][0])
    return split_nudged(dataset.images, dataset.labels, protocol, split)


def split_plain(images: np.ndarray, labels: np.ndarray, protocol: str, split: int, training: int) -> Split:
    """Split images (N, height, width) with labels (N,), of which the first `training` are meant for training.

    `split` seeds the draw of `published`, and the order of fractions.
    """
    # As in split_nudged.
    from sklearn.model_selection import train_test_split

    count = len(images)
    if not 0 < training < count:
        raise ValueError(f"{count} images, of which {training} for training, leave no training or no test images")
    if protocol == "published":
        # The author's copy of MNIST (mldata.org's "MNIST original") had each part sorted by its labels.
        order = np.lexsort((labels, np.arange(count) >= training))
        sides = train_test_split(np.arange(count), test_size=paper.TEST_SHARE, random_state=split)
        train, test = (order[side] for side in sides)
    elif protocol == "clean":
        train, test = np.arange(training), np.arange(training, count)
    else:
        raise ValueError(f"protocol: {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    rows = pd.concat(
        pd.DataFrame({"set": name, "image": image, "shift": paper.SHIFTS[0], "label": labels[image], "rank": ranks})
        for name, image, ranks in (("train", train, nested_order(labels[train], split)), ("test", test, -1))
    )
    scaled_on = images if protocol == "published" else images[:training]
    pixels = scaled_on.reshape(len(scaled_on), -1)
    return Split(rows.reset_index(drop=True), pixels.min(0).astype(np.int64), pixels.max(0).astype(np.int64))


def split_nudged(images: np.ndarray, labels: np.ndarray, protocol: str, split: int) -> Split:
    """Nudge and split source images (N, height, width) with labels (N,) by a protocol; `split` seeds the draw."""
    # Splitting is scikit-learn's, and so is its import time: training jobs read the files and never come here.
    from sklearn.model_selection import train_test_split

    count = len(images)
    if protocol == "published":
        # Row k is source image k mod N under shift k div N, as in the author's stack of copies.
        sides = train_test_split(np.arange(count * len(paper.SHIFTS)), test_size=paper.TEST_SHARE, random_state=split)
        parts = [(side % count, side // count) for side in sides]
        # The unit of a fraction is a row where copies are split apart, and a source image where they stay together.
        rank = nested_order(labels[parts[0][0]], split)
    elif protocol == "clean":
        sides = train_test_split(np.arange(count), test_size=paper.TEST_SHARE, random_state=split)
        copies = np.arange(len(paper.SHIFTS))
        parts = [(np.tile(side, len(copies)), np.repeat(copies, len(side))) for side in sides]
        rank = np.tile(nested_order(labels[sides[0]], split), len(copies))
    else:
        raise ValueError(f"protocol: {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    train, test = parts
    rows = pd.concat(
        pd.DataFrame(
            {"set": name, "image": image, "shift": np.take(paper.SHIFTS, shift), "label": labels[image], "rank": ranks}
        )
        for name, (image, shift), ranks in (("train", train, rank), ("test", test, -1))
    )
    scaled_on = parts if protocol == "published" else [train]
    pixels = np.concatenate(
        [
            nudge(images[image[shift == number]], name).reshape(-1, images[0].size)
            for image, shift in scaled_on
            for number, name in enumerate(paper.SHIFTS)
        ]
    ).astype(np.int64)
    return Split(rows.reset_index(drop=True), pixels.min(0), pixels.max(0))
