"""Two groups that act on images, and the feature maps compared under each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symmetry_constrained.features import inversion, translation

INVERSION = ("identity", "square", "neighbour", "permuted", "canonical", "quadratic")


TRANSLATION = tuple(translation.MAPS)


@dataclass(frozen=True)
class Group:
    """A group that acts on images, and the feature maps compared under it."""

    maps: tuple[str, ...]
    norms: str  # of the maps, the one that gives the norms of the irreps alone
    compute: Callable[[str, np.ndarray, tuple[int, int]], np.ndarray]
    # By a random element, or the only one but the identity.
    transform: Callable[[np.ndarray, tuple[int, int], np.random.Generator], np.ndarray]


GROUPS = {
    "inversion": Group(INVERSION, "square", inversion.compute, lambda images, shape, random: -images),
    "translation": Group(
        TRANSLATION,
        "power",
        translation.compute,
        lambda images, shape, random: translation.translate(images, random.uniform(0, 2 * np.pi, len(images)), shape),
    ),
}
