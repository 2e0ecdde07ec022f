"""Which images train and which test, and how their pixels are scaled: what `protocols` draws, kept as two tables."""

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
        scaled: np.ndarray = np.empty((len(rows), len(self.minimum)), dtype=dtype)
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
            raise ValueError(f"{path}: {name} must contain integers")
    return table
