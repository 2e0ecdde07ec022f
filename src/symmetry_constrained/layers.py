"""Sizes of a network's layers and what follows from them alone, for code that must not depend on what trains."""

import itertools
from collections.abc import Iterable


def pairs(inputs: int, hidden_layers: Iterable[int], classes: int) -> list[tuple[int, int]]:
    """(fan_in, fan_out) of each layer."""
    return list(itertools.pairwise((inputs, *hidden_layers, classes)))


def parameters(layers: Iterable[tuple[int, int]], biased: bool) -> int:
    """The trainable parameters: 740 bias-free and 765 biased for 64-10-5-10."""
    return sum(fan_out * (fan_in + biased) for fan_in, fan_out in layers)
