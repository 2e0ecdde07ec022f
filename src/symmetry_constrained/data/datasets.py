"""Source images and their labels as two arrays, kept in two files."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symmetry_constrained.artifacts import whole

CLASSES = 10
CONTENTS = {3: "images", 1: "labels"}  # of an array, by its number of dimensions


@dataclass
class Dataset:
    """images (N, height, width) uint8, labels (N,) uint8."""

    images: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.images.shape[1:]

    def digest(self) -> str:
        """sha256 of the images' bytes, then the labels'."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        """Write `images.npy` and `labels.npy` into the folder."""
        for name in ("images", "labels"):
            # In memory first: when a disk is full, NumPy only says how many bytes it wrote.
            array = io.BytesIO()
            np.save(array, getattr(self, name))
            with whole(folder / f"{name}.npy") as temporary:
                temporary.write_bytes(array.getbuffer())

    @classmethod
    def read(cls, folder: Path) -> "Dataset":
        """Read what `write` wrote. ValueError in one line naming a file that cannot be right."""
        images, labels = _read_array(folder / "images.npy", 3), _read_array(folder / "labels.npy", 1)
        if len(images) != len(labels):
            raise ValueError(f"{folder / 'labels.npy'}: holds {len(labels)} labels for {len(images)} images")
        check_labels(folder / "labels.npy", labels)
        return cls(images, labels)


def check_labels(path: Path, labels: np.ndarray) -> None:
    """ValueError in one line naming the file if a label is not one of the ten classes."""
    if labels.max() >= CLASSES:
        raise ValueError(f"{path}: holds the label {labels.max()}; the largest must be {CLASSES - 1}")


def times(shape: Iterable[int]) -> str:
    """A shape as a person writes it: 28 × 28."""
    return " × ".join(map(str, shape))


def _read_array(path: Path, dimensions: int) -> np.ndarray:
    """An array of bytes with so many dimensions, memory-mapped. ValueError naming a file that holds anything else."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if array.dtype != np.uint8:
        raise ValueError(f"{path}: holds {array.dtype}; it must hold uint8")
    if array.ndim != dimensions or not array.size:
        raise ValueError(f"{path}: has the shape ({times(array.shape)}); it must hold {CONTENTS[dimensions]}")
    return array
