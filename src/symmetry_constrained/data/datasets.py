"""Source images, kept as two arrays whose bytes are checked.

The digits ship with scikit-learn. MNIST and the sets made in its likeness are read from their four idx files
(`scripts/fetch_dataset.py` gets them), the canonical training images first, then the test images.
"""

import hashlib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symmetry_constrained.artifacts import whole

CLASSES = 10
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}  # their classes there
SHAPES = {"digits": (8, 8)} | dict.fromkeys(TORCHVISION, (28, 28))
DIGITS = 1797  # images of that set
# How many images are for training and how many for testing, in this order, where that was decided by who made the set.
COUNTS = dict.fromkeys(TORCHVISION, (60_000, 10_000))
# sha256 of the arrays' bytes (images as uint8, then labels as uint8): from scikit-learn 1.9.1's copy of the UCI test
# set (Alpaydin and Kaynak 1998), and from the files of workflow/resources/mnist.yaml.
DIGEST = {
    "digits": "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826",
    "mnist": "c2069063c1105f2bf96266aef1ff68c6e13bdda7a54e37bf19c16f1db24efc83",
}
IDX = {3: "images", 1: "labels"}  # by number of dimensions


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
        digest = hashlib.sha256(np.ascontiguousarray(self.images))
        digest.update(np.ascontiguousarray(self.labels))
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        for name in ("images", "labels"):
            # In memory first: of a full disk, NumPy only says how many bytes it wrote.
            array = io.BytesIO()
            np.save(array, getattr(self, name))
            with whole(folder / f"{name}.npy") as temporary:
                temporary.write_bytes(array.getbuffer())

    @classmethod
    def read(cls, folder: Path) -> "Dataset":
        """What `write` wrote. ValueError in one line naming a file that can't be right."""
        images, labels = _read_array(folder / "images.npy", 3), _read_array(folder / "labels.npy", 1)
        if len(images) != len(labels):
            raise ValueError(f"{folder / 'labels.npy'}: holds {len(labels)} labels for {len(images)} images")
        _check_labels(folder / "labels.npy", labels)
        return cls(images, labels)


def check_name(name: str) -> None:
    """ValueError in one line for a dataset that is not known."""
    if name not in SHAPES:
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(SHAPES)}")


def load(name: str, folder: Path | None = None) -> Dataset:
    """The dataset by name, its bytes checked. ValueError in one line for an unknown name or other bytes.

    folder: where the idx files are, for all but the digits; `data/<name>` unless given.
    """
    check_name(name)
    folder = Path("data", name) if folder is None else folder
    dataset = _read_digits() if name == "digits" else _read_idx(name, folder)
    if name in DIGEST and dataset.digest() != DIGEST[name]:
        raise ValueError(f"dataset {name}: sha256 is {dataset.digest()}, expected {DIGEST[name]}")
    return dataset


def _read_digits() -> Dataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Dataset(digits.images.astype(np.uint8), digits.target.astype(np.uint8))


def _read_idx(name: str, folder: Path) -> Dataset:
    """Training images, then test images, as torchvision reads them. ValueError naming a file that can't be right."""
    for part, count in zip(("train", "t10k"), COUNTS[name], strict=True):
        _check_idx(folder / f"{part}-images-idx3-ubyte", (count, *SHAPES[name]))
        labels = folder / f"{part}-labels-idx1-ubyte"
        _check_idx(labels, (count,))
        _check_labels(labels, np.fromfile(labels, dtype=np.uint8, offset=8))
    # Slow to import, and needed nowhere else: training jobs read the arrays.
    import torchvision

    kind = getattr(torchvision.datasets, TORCHVISION[name])
    # The class itself would look in a folder of its own below.
    here = type(kind.__name__, (kind,), {"raw_folder": str(folder)})
    sides = [here(folder, train=train) for train in (True, False)]
    images = np.concatenate([side.data.numpy() for side in sides])
    return Dataset(images, np.concatenate([side.targets.numpy() for side in sides]).astype(np.uint8))


def _read_array(path: Path, dimensions: int) -> np.ndarray:
    """An array of bytes with so many dimensions, mapped. ValueError naming the file if it holds anything else."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if array.dtype != np.uint8:
        raise ValueError(f"{path}: holds {array.dtype} where uint8 is due")
    if array.ndim != dimensions or not array.size:
        raise ValueError(f"{path}: has the shape ({_times(array.shape)}) where {IDX[dimensions]} are due")
    return array


def _check_labels(path: Path, labels: np.ndarray) -> None:
    if labels.max() >= CLASSES:
        raise ValueError(f"{path}: holds the label {labels.max()}; the largest must be {CLASSES - 1}")


def _check_idx(path: Path, shape: tuple[int, ...]) -> None:
    """ValueError naming the file if it is no idx file of bytes in this shape: cut off, swapped, another set's."""
    # Two zeros, 8 for unsigned bytes, the number of dimensions; then each dimension in four bytes.
    expected = bytes([0, 0, 8, len(shape)]) + np.array(shape, dtype=">u4").tobytes()
    with open(path, "rb") as file:
        header = file.read(len(expected))
    if header[:4] != expected[:4]:
        seen = IDX.get(header[3], "other data") if header[:3] == expected[:3] and len(header) > 3 else "no idx data"
        raise ValueError(f"{path}: holds {seen} where {IDX[len(shape)]} are due")
    if header != expected:
        seen = np.frombuffer(header[4 : len(header) // 4 * 4], dtype=">u4")
        raise ValueError(f"{path}: holds {_times(seen)} bytes, expected {_times(shape)}")
    size, due = path.stat().st_size, len(expected) + math.prod(shape)
    if size != due:
        raise ValueError(f"{path}: has {size:,} bytes, expected {due:,}")


def _times(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape))
