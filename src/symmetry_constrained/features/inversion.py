"""Feature maps on images scaled to [-1, 1], and how far each is from invariance under a transformation.

The maps of the paper (sections 3 and 4): identity, square, neighbour, permuted, and quadratic, which it names and sets
aside. Two controls of ours: absolute, and canonical, which has the inversion symmetry and nothing else.
A map takes images (n, height·width) and their shape, and returns features (n, m). `FEATURES` lists them; its order is
that of every list of names.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symmetry_constrained import paper

MAX_FEATURES = 20_000


def identity(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """x_i: not invariant."""
    return images


def square(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """x_i²: blind to every sign."""
    return images**2


def neighbour(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """x_i times the pixel on its right, wrapping around the row. Flipping the sign of whole rows changes nothing."""
    grid = images.reshape(-1, *shape)
    return (grid * np.roll(grid, -1, axis=2)).reshape(images.shape)


def permuted(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """x_i · x_P(i), P the author's fixed permutation of the pixels."""
    return images * images[:, permutation(images.shape[1])]


def permutation(pixels: int) -> np.ndarray:
    """P, shape (pixels,): the author's for the digits' 64 pixels and for MNIST's 784."""
    random = np.random.RandomState(paper.PERMUTATION_SEED)
    if pixels == 784:
        # The notebook of the later talk tried the map on 20 samples of 30 features first, from the same stream.
        random.rand(20, 30)
        random.permutation(30)
    return random.permutation(pixels)


def quadratic(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Every x_i · x_j with i <= j: complete for inversion, with M (M + 1) / 2 features."""
    first, second = np.triu_indices(images.shape[1])
    return images[:, first] * images[:, second]


def absolute(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """|x_i|: what square keeps, on another scale."""
    return np.abs(images)


def canonical(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """-sign(Σx) · x: of x and -x the one that is dark on the whole. An image with Σx = 0 is left as it is."""
    total = images.sum(axis=1, keepdims=True)
    return np.where(total > 0, -images, images)


@dataclass(frozen=True)
class FeatureMap:
    """A feature map: the function, what it costs, and how many features it gives."""

    # images (n, height·width), their shape -> features (n, count(height·width)), in the images' precision
    compute: Callable[[np.ndarray, tuple[int, int]], np.ndarray]
    # Operations per feature: a product or a modulus. Finding the partner of a pixel is not arithmetic.
    operations: int = 1
    count: Callable[[int], int] = lambda pixels: pixels


FEATURES = {
    "identity": FeatureMap(identity, operations=0),
    "square": FeatureMap(square),
    "neighbour": FeatureMap(neighbour),
    "permuted": FeatureMap(permuted),
    "quadratic": FeatureMap(quadratic, count=lambda pixels: pixels * (pixels + 1) // 2),
    "absolute": FeatureMap(absolute),
    "canonical": FeatureMap(canonical, operations=2),  # the sum of the pixels, then a sign for each
}


def known(name: str) -> FeatureMap:
    """The feature map by name. ValueError in one line for an unknown name."""
    if name not in FEATURES:
        raise ValueError(f"features: {name!r} is unknown; choose one of {', '.join(FEATURES)}")
    return FEATURES[name]


def feature_count(name: str, pixels: int) -> int:
    """The number of features of a map on images of so many pixels. ValueError in one line for an unknown map."""
    return known(name).count(pixels)


def feature_flop(name: str, pixels: int, images: int) -> int:
    """A feature map on so many images, in FLOP. ValueError in one line for an unknown map."""
    return known(name).operations * feature_count(name, pixels) * images


def compute(name: str, images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The features (n, m) of images (n, height·width). ValueError in one line if the map is unknown or too large."""
    check_size(name, shape)
    return known(name).compute(images, shape)


def check_size(name: str, shape: tuple[int, int]) -> None:
    """ValueError in one line if the map has too many features on images of this shape."""
    count = feature_count(name, shape[0] * shape[1])
    if count > MAX_FEATURES:
        raise ValueError(
            f"features: {name!r} on {shape[0]}x{shape[1]} images would be {count:,} features, more than "
            f"{MAX_FEATURES:,}; choose another map or smaller images"
        )


def invariance_error(
    name: str,
    images: np.ndarray,
    shape: tuple[int, int],
    transformation: Callable[[np.ndarray], np.ndarray] = np.negative,
) -> float:
    """The largest |φ(g x) - φ(x)| over the images and features: 0 for a map invariant under g, inversion by default."""
    return float(np.abs(compute(name, transformation(images), shape) - compute(name, images, shape)).max())
