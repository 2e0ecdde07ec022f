"""What each feature map forgets: the sign flips, or the turns of single waves, that it doesn't see.

Measured on the map itself, never assumed.
- Inversion: the sign flips s ∈ {±1}^d with φ(s·x) = φ(x) for all x. Where a flip at most changes a feature's sign,
  φ_m(s·x) = χ_m(s) φ_m(x), flipping single pixels gives the parity of χ_m in each, and the flips that change nothing
  are the kernel of that matrix over GF(2). Else the same is done for the products of pairs of features: what leaves φ
  unchanged leaves these unchanged, so that their kernel holds every symmetry of φ, and its generators are tried on φ.
- Translation: each wave of each row is turned by a separate angle. Those angles that change nothing are, as a linear
  space, the null space of φ's derivatives by them.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from symmetry_constrained.features import inversion, translation

PROBES = 4  # random images on which a map is examined
TRIED = 50  # random members of the computed group, and random transformations outside it, that are then tried
STEP = 1e-5  # radians, of the derivatives
NULL = 1e-6  # a singular value below this share of the largest is 0

Map = Callable[[np.ndarray], np.ndarray]  # images (n, d) -> features (n, m)


def sign_symmetries(images: np.ndarray, shape: tuple[int, int], maps: Sequence[str]) -> pd.DataFrame:
    """How many of the 2^d sign flips of images (n, d) each map doesn't see: computed, then tried on the images.

    members_error: the largest |φ(s·x) - φ(x)| over generators and random members of the group; others_error: the
    smallest such error, each over all images, of flips outside it, single ones and random ones; nan if there are none.
    """
    pixels, random, rows = shape[0] * shape[1], np.random.default_rng(0), []
    for name in maps:
        basis, through = sign_kernel(partial(inversion.compute, name, shape=shape), pixels)
        members = [*basis, *(random.integers(0, 2, (TRIED, len(basis))) @ basis % 2)]
        others = [*np.eye(pixels, dtype=np.int64), *random.integers(0, 2, (TRIED, pixels))]
        others = [flip for flip in others if rank(np.vstack([basis, flip])) > len(basis)]
        errors = [
            [inversion.invariance_error(name, images, shape, partial(np.multiply, 1 - 2 * flip)) for flip in flips]
            for flips in (members, others)
        ]
        rows.append(
            {
                "features": name,
                "feature_count": inversion.feature_count(name, pixels),
                "computed_from": through,
                "rank": pixels - len(basis),
                "log2_symmetries": len(basis),
                "symmetries": f"2^{len(basis)}",
                "members_tried": len(members),
                "members_error": max(errors[0], default=np.nan),
                "others_tried": len(others),
                "others_error": min(errors[1], default=np.nan),
            }
        )
    return pd.DataFrame(rows)


def sign_kernel(map_: Map, pixels: int) -> tuple[np.ndarray, str]:
    """A basis (k, pixels) over GF(2) of the sign flips that leave a map unchanged, a 1 where a pixel is flipped.

    And what it was computed from: the map's own characters, or those of the products of its features. ValueError if
    neither has characters, or if a flip that the products allow changes the map.
    """
    probes = np.random.default_rng(1).normal(size=(PROBES, pixels))
    parity = _characters(map_, probes)
    if parity is not None:
        return kernel(parity), "features"
    first, second = np.triu_indices(map_(probes[:1]).shape[1])
    parity = _characters(lambda x: map_(x)[:, first] * map_(x)[:, second], probes)
    if parity is None:
        raise ValueError("neither these features nor their products have characters under sign flips")
    basis = kernel(parity)
    before = map_(probes)
    if any((map_(probes * (1 - 2 * flip)) != before).any() for flip in basis):
        raise ValueError("the products of these features have symmetries that the features lack")
    return basis, "products of features"


def _characters(map_: Map, probes: np.ndarray) -> np.ndarray | None:
    """Parity (m, d) of each feature in each pixel: 1 where flipping the pixel flips the feature.

    None if a flip does anything else to a feature, or different things on different probes.
    """
    before = map_(probes)
    parity = np.empty((before.shape[1], probes.shape[1]), dtype=np.int64)
    for pixel in range(probes.shape[1]):
        flipped = probes.copy()
        flipped[:, pixel] *= -1
        after = map_(flipped)
        kept, turned = (after == before).all(axis=0), (after == -before).all(axis=0)
        if not (kept | turned).all():
            return None
        parity[:, pixel] = turned
    return parity


def _reduced(matrix: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The reduced row echelon form over GF(2), and its pivot columns."""
    matrix, pivots = np.array(matrix) % 2, list[int]()
    for column in range(matrix.shape[1]):
        top = len(pivots)
        below = np.flatnonzero(matrix[top:, column]) + top
        if len(below):
            matrix[[top, below[0]]] = matrix[[below[0], top]]
            others = np.flatnonzero(matrix[:, column])
            matrix[others[others != top]] ^= matrix[top]
            pivots.append(column)
    return matrix[: len(pivots)], pivots


def rank(matrix: np.ndarray) -> int:
    """Over GF(2)."""
    return len(_reduced(matrix)[1])


def kernel(matrix: np.ndarray) -> np.ndarray:
    """A basis (k, d) over GF(2) of the b with matrix (m, d) @ b = 0."""
    rows, pivots = _reduced(matrix)
    free = np.setdiff1d(np.arange(matrix.shape[1]), pivots)
    basis = np.zeros((len(free), matrix.shape[1]), dtype=np.int64)
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = rows[:, free].T
    return basis


def phase_symmetries(images: np.ndarray, shape: tuple[int, int], maps: Sequence[str]) -> pd.DataFrame:
    """In how many dimensions the waves of images (n, d) can be turned without a map seeing it, of how many there are.

    The group itself is one dimension. members_error and others_error as in `sign_symmetries`, for random angles.
    """
    random, rows = np.random.default_rng(0), []
    for name in maps:
        basis = phase_kernel(partial(translation.compute, name, shape=shape), shape)
        before = translation.compute(name, images, shape)
        turns = basis.shape[1]
        errors = [
            [np.abs(translation.compute(name, turn(images, angles, shape), shape) - before).max() for angles in tried]
            for tried in (
                random.normal(0, np.pi, (TRIED, len(basis))) @ basis,
                random.uniform(0, 2 * np.pi, (TRIED, turns)),
            )
        ]
        rows.append(
            {
                "features": name,
                "feature_count": before.shape[1],
                "turns": turns,
                "dimensions": len(basis),
                "tried": TRIED,
                "members_error": max(errors[0]) if len(basis) else np.nan,
                "others_error": min(errors[1]) if len(basis) < turns else np.nan,
            }
        )
    return pd.DataFrame(rows)


def turn(images: np.ndarray, angles: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Images (n, d) with the k-th wave of each row, 0 < k < w/2, turned by its own angle: angles (height · waves,)."""
    c = translation.coefficients(images, shape)
    moves = translation.frequencies(shape[1]) > 0
    c[:, :, moves] = c[:, :, moves] * np.exp(-1j * angles.reshape(shape[0], -1))
    return translation.from_coefficients(c, shape)


def phase_kernel(map_: Map, shape: tuple[int, int]) -> np.ndarray:
    """An orthonormal basis (k, height · waves) of the turns that don't change a map, to first order, at any probe."""
    turns = shape[0] * int((translation.frequencies(shape[1]) > 0).sum())
    probes = np.random.default_rng(1).normal(size=(PROBES, shape[0] * shape[1]))
    derivatives = np.stack(
        [
            (map_(turn(probes, angles, shape)) - map_(turn(probes, -angles, shape))).ravel() / (2 * STEP)
            for angles in STEP * np.eye(turns)
        ],
        axis=1,
    )
    _, values, vectors = np.linalg.svd(derivatives, full_matrices=True)
    return vectors[np.append(values, np.zeros(turns - len(values))) <= NULL * values.max(initial=1.0)]
