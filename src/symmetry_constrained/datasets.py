"""Source images: the digits that ship with scikit-learn, kept as two arrays whose bytes are checked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symmetry_constrained.artifacts import whole

SHAPES = {"digits": (8, 8)}
CLASSES = 10
# sha256 of the arrays' bytes (images as uint8, then labels as uint8), from scikit-learn 1.9.1's copy of
# the UCI test set (Alpaydin and Kaynak 1998).
DIGEST = {"digits": "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"}


@dataclass
class Dataset:
    """images (N, height, width) uint8, labels (N,) uint8."""

    images: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.images.shape[1:]

    def digest(self) -> str:
        import hashlib

        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()

    def write(self, folder: Path) -> None:
        for name in ("images", "labels"):
            with whole(folder / f"{name}.npy") as temporary:
                np.save(temporary, getattr(self, name))

    @classmethod
    def read(cls, folder: Path) -> "Dataset":
        try:
            return cls(np.load(folder / "images.npy"), np.load(folder / "labels.npy"))
        except EOFError as error:
            raise ValueError(f"{folder}: {error}") from None


def load(name: str) -> Dataset:
    """The dataset by name, its bytes checked. ValueError in one line for an unknown name or other bytes."""
    if name != "digits":
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(SHAPES)}")
    from sklearn.datasets import load_digits

    digits = load_digits()
    dataset = Dataset(digits.images.astype(np.uint8), digits.target.astype(np.uint8))
    if dataset.digest() != DIGEST[name]:
        raise ValueError(f"dataset {name}: sha256 is {dataset.digest()}, expected {DIGEST[name]}")
    return dataset
