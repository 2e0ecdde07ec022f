"""Sizes of a network's layers and what follows from them alone, for code that must not depend on what trains.

A hidden layer is a number of units, or a text as c4: a convolution by 4 filters of 3 x 3, with zeros around the image,
then the activation, then the average of every 2 x 2 numbers, so that the image's side halves. Convolutions come before
units, and see the inputs as one square image; what leaves the last of them is the units' inputs, filter by filter.
"""

import itertools
import math
from collections.abc import Iterable

KERNEL, POOL = 3, 2  # the sides of a filter, and of what is averaged
Hidden = int | str


def parsed(text: str) -> tuple[Hidden, ...]:
    """Hidden layers from a column or a path: 10-5, or c4-c8."""
    return tuple(int(part) if part.isdecimal() else part for part in text.split("-"))


def filters(hidden_layers: Iterable[Hidden]) -> list[int]:
    """How many each convolution has. ValueError if one comes after a layer of units, or is none."""
    layers = list(hidden_layers)
    found = [layer for layer in layers if isinstance(layer, str)]
    if found != layers[: len(found)]:
        raise ValueError(f"convolutions come before layers of units, but got {layers}")
    if not all(layer[:1] == "c" and layer[1:].isdecimal() for layer in found):
        raise ValueError(f"a convolution is a text as c4, but got {layers}")
    return [int(layer[1:]) for layer in found]


def sides(inputs: int, convolutions: int) -> list[int]:
    """The side of the square image that each convolution sees, and of what leaves the last.

    ValueError unless the inputs are such an image, and its side can be halved as often.
    """
    side = math.isqrt(inputs)
    if side**2 != inputs or side % POOL**convolutions:
        raise ValueError(
            f"these convolutions need a square image whose side is a multiple of {POOL**convolutions}, "
            f"not {inputs:,} inputs"
        )
    return [side // POOL**number for number in range(convolutions + 1)]


def pairs(inputs: int, hidden_layers: Iterable[Hidden], classes: int) -> list[tuple[int, int]]:
    """(fan_in, fan_out) of each layer; of a convolution, those of its filters at one place."""
    layers = tuple(hidden_layers)
    convolved = filters(layers)
    below = [(KERNEL**2 * channels, count) for channels, count in itertools.pairwise([1, *convolved])]
    if convolved:
        inputs = convolved[-1] * sides(inputs, len(convolved))[-1] ** 2
    return below + list(itertools.pairwise((inputs, *map(int, layers[len(convolved) :]), classes)))


def places(inputs: int, hidden_layers: Iterable[Hidden]) -> list[int]:
    """At how many places of a sample each layer is applied: every pixel for a convolution, else 1."""
    layers = tuple(hidden_layers)
    convolutions = len(filters(layers))
    squares = [side**2 for side in sides(inputs, convolutions)[:-1]] if convolutions else []
    return squares + [1] * (len(layers) - convolutions + 1)


def parameters(layers: Iterable[tuple[int, int]], biased: bool) -> int:
    """The trainable parameters: 740 bias-free and 765 biased for 64-10-5-10."""
    return sum(fan_out * (fan_in + biased) for fan_in, fan_out in layers)


def products(inputs: int, hidden_layers: Iterable[Hidden], classes: int) -> int:
    """Products with a weight that a sample takes going forward: one for each weight at each of its places."""
    hidden = tuple(hidden_layers)
    each = zip(pairs(inputs, hidden, classes), places(inputs, hidden), strict=True)
    return sum(fan_in * fan_out * count for (fan_in, fan_out), count in each)
