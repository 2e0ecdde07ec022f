"""A dataset from its original files, its bytes compared with what is known of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from symmetry_constrained.data import registry
from symmetry_constrained.data.datasets import CONTENTS, Dataset, check_labels, times
from symmetry_constrained.data.registry import PARTS, Row


def load(name: str, folder: Path | None = None) -> Dataset:
    """The dataset by name. ValueError in one line for an unknown name or other bytes than expected.

    folder: where the idx files are, for a dataset that has them; `data/<name>` unless given.
    """
    row = registry.known(name)
    dataset = READERS[row.format](row, Path("data", name) if folder is None else folder)
    if dataset.images.shape != (row.images, *row.shape):
        expected = times((row.images, *row.shape))
        raise ValueError(f"dataset {name}: the images are {times(dataset.images.shape)}, expected {expected}")
    if row.sha256 is not None and dataset.digest() != row.sha256:
        raise ValueError(f"dataset {name}: sha256 is {dataset.digest()}, expected {row.sha256}")
    return dataset


def _read_scikit_learn(row: Row, folder: Path) -> Dataset:
    """The digits that come with scikit-learn."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Dataset(digits.images.astype(np.uint8), digits.target.astype(np.uint8))


def _read_idx(row: Row, folder: Path) -> Dataset:
    """Training images, then test images, as torchvision reads them. ValueError naming a file that cannot be right."""
    for part, side in PARTS.items():
        count = getattr(row, side)
        _check_idx(folder / f"{part}-images-idx3-ubyte", (count, *row.shape))
        labels = folder / f"{part}-labels-idx1-ubyte"
        _check_idx(labels, (count,))
        check_labels(labels, np.fromfile(labels, dtype=np.uint8, offset=8))
    # torchvision is slow to import, and only this function needs it: training jobs read the arrays.
    from torchvision.datasets import MNIST

    # The class looks in a subfolder unless its raw_folder is overridden.
    here = type("MNIST", (MNIST,), {"raw_folder": str(folder)})
    sides = [here(folder, train=train) for train in (True, False)]
    images = np.concatenate([side.data.numpy() for side in sides])
    return Dataset(images, np.concatenate([side.targets.numpy() for side in sides]).astype(np.uint8))


READERS: dict[str, Callable[[Row, Path], Dataset]] = {"idx": _read_idx, "scikit-learn": _read_scikit_learn}


def _check_idx(path: Path, shape: tuple[int, ...]) -> None:
    """ValueError naming the file if it is not an idx file of bytes in this shape: cut off, swapped, another set's."""
    # Two zeros, 8 for unsigned bytes, the number of dimensions; then each dimension in four bytes.
    header = bytes([0, 0, 8, len(shape)]) + np.array(shape, dtype=">u4").tobytes()
    with open(path, "rb") as file:
        seen = file.read(len(header))
    if seen[:4] != header[:4]:
        content = CONTENTS.get(seen[3], "other data") if seen[:3] == header[:3] and len(seen) > 3 else "no idx data"
        raise ValueError(f"{path}: holds {content}; it must hold {CONTENTS[len(shape)]}")
    if seen != header:
        dimensions = np.frombuffer(seen[4 : len(seen) // 4 * 4], dtype=">u4")
        raise ValueError(f"{path}: holds {times(dimensions)} bytes, expected {times(shape)}")
    size, expected = path.stat().st_size, len(header) + int(np.prod(shape))
    if size != expected:
        raise ValueError(f"{path}: has {size:,} bytes, expected {expected:,}")
