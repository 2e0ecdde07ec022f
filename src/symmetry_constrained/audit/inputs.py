"""What a network was shown: pixels shifted, scaled, signed and mapped, in plain NumPy from the definitions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

BLOCK = 2048  # images at a time

MOVES = {"none": (0, 0), "up": (1, 0), "down": (-1, 0), "left": (0, 1), "right": (0, -1)}  # where a pixel comes from


def shifted(images: np.ndarray, shift: str) -> np.ndarray:
    """Images (n, height, width) moved by a pixel, zeros moved in."""
    down, right = MOVES[shift]
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    height, width = images.shape[1:]
    return framed[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]


def scaled(images: np.ndarray, rows: pd.DataFrame, scaling: pd.DataFrame, dtype: type = np.float32) -> np.ndarray:
    """Pixels (n, d) in about [-1, 1] of a split's rows: 2 (x - min) / (max + 0.0001) - 1, in that precision."""
    pixels = np.empty((len(rows), images[0].size), dtype=dtype)
    for shift, places in rows.reset_index(drop=True).groupby("shift").groups.items():
        chosen = images[rows["image"].to_numpy()[places]]
        pixels[places] = shifted(chosen, shift).reshape(len(chosen), -1)
    low, high = (scaling[name].to_numpy().astype(dtype) for name in ("minimum", "maximum"))
    return dtype(2) * ((pixels - low) / (high + dtype(0.0001))) - dtype(1)


@dataclass(frozen=True)
class Map:
    """A feature map on scaled pixels (n, d) of images in a shape, its operations per feature, and its features."""

    of: Callable[[np.ndarray, tuple[int, int]], np.ndarray]
    operations: int = 1
    width: Callable[[int], int] = lambda pixels: pixels


def right_neighbours(shape: tuple[int, int]) -> np.ndarray:
    """(d,): the pixel on the right of each, around the row's end."""
    height, width = shape
    return np.arange(height * width).reshape(shape)[:, np.r_[1:width, 0]].ravel()


def drawn_partners(shape: tuple[int, int]) -> np.ndarray:
    """(d,): the partner of each pixel in the author's permutation P."""
    height, width = shape
    random = np.random.RandomState(1717)
    if height * width == 784:
        # What his notebook of MNIST had drawn from the stream before.
        random.rand(20, 30)
        random.permutation(30)
    return random.permutation(height * width)


def all_pairs(x: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Every product of two pixels, each pair once, a pixel with itself too."""
    first, second = np.triu_indices(x.shape[1])
    return x[:, first] * x[:, second]


MAPS = {
    "identity": Map(lambda x, shape: x, operations=0),
    "square": Map(lambda x, shape: x * x),
    "neighbour": Map(lambda x, shape: x * x[:, right_neighbours(shape)]),
    "permuted": Map(lambda x, shape: x * x[:, drawn_partners(shape)]),
    "quadratic": Map(all_pairs, width=lambda pixels: pixels * (pixels + 1) // 2),
    "absolute": Map(lambda x, shape: np.abs(x)),
    "canonical": Map(lambda x, shape: np.where(x.sum(axis=1, keepdims=True) > 0, -x, x), operations=2),
}


def map_of(name: str) -> Map:
    """The feature map by name. ValueError in one line for an unknown one."""
    if name not in MAPS:
        raise ValueError(f"features: the audit has no {name!r}")
    return MAPS[name]


def features(name: str, x: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The features (n, m) of scaled pixels (n, d) of images in that shape."""
    return map_of(name).of(x, shape)


def width(name: str, pixels: int) -> int:
    """How many features the map makes of so many pixels."""
    return map_of(name).width(pixels)


def signs(training_set: str, rows: pd.DataFrame, split: int) -> list[np.ndarray]:
    """By what the training images of the rows (n,) are multiplied, one factor (n, 1) for each time they are shown."""
    ones = np.ones((len(rows), 1), dtype=np.float32)
    if training_set == "original":
        return [ones]
    if training_set == "augmented":
        return [ones, -ones]
    if training_set == "random-sign":
        drawn = np.random.default_rng([split, 1]).choice([-1, 1], rows.index.max() + 1)
        return [drawn[rows.index].astype(np.float32)[:, None]]
    raise ValueError(f"training_set: {training_set!r} is unknown")


def blocks(rows: pd.DataFrame) -> Iterator[slice]:
    for start in range(0, len(rows), BLOCK):
        yield slice(start, start + BLOCK)
