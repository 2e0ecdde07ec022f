"""The networks' forward pass in NumPy and float64, from the stored weights: none of the code that trained them.

A network is z <- σ(W z + b) over its hidden layers, then the logits U z + c. A row of weights holds, layer by layer
in C order, a matrix (fan_out, fan_in + 1) whose last column is the bias. The first layers may be convolutions, of which
the mean of every 2 x 2 activations goes on.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import erf

# Logits closer than this, relative to the largest of the image, may change places by rounding alone.
ROUNDING = {"float32": 1e-4, "float64": 1e-9}
CLIPPED = np.log(1e-10)  # log-probabilities below it are counted
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # σ by the name in a batch's specification
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,  # z Φ(z), Φ the standard normal distribution function
}
ODD = ("tanh",)  # activations with σ(−z) = −σ(z)
AVERAGING = ("none", "logits", "units")  # what a network averages over x and −x, by the same specification


def may_be_odd(spec: dict) -> bool:
    """Whether a specification's networks without biases have f(−x) = −f(x)."""
    return spec["activation"] in ODD and spec["averaging"] == "none"


def sizes(inputs: int, hidden_layers: list, classes: int = 10) -> list[tuple[int, int]]:
    """(fan_in, fan_out) of every layer; for a convolution, of one window of 3 x 3 in each channel."""
    found, channels, side = [], 1, math.isqrt(inputs)
    for layer in hidden_layers:
        if isinstance(layer, str):
            found.append((9 * channels, int(layer[1:])))
            channels, side = int(layer[1:]), side // 2
            inputs = channels * side * side
        else:
            found.append((inputs, layer))
            inputs = layer
    return [*found, (inputs, classes)]


def windows(inputs: int, hidden_layers: list) -> list[int]:
    """How often an image goes through each layer's matrix: once for each of its pixels in a convolution."""
    count = convolutions(hidden_layers)
    return [inputs // 4**number for number in range(count)] + [1] * (len(hidden_layers) + 1 - count)


def convolutions(hidden_layers: list) -> int:
    """How many of the layers are convolutions, the first ones: texts as c4, of 4 filters."""
    return sum(isinstance(layer, str) for layer in hidden_layers)


def layers(rows: np.ndarray, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Rows (K, P) -> matrices (K, fan_out, fan_in + 1), in float64. ValueError if a row is too long or too short."""
    ends = np.cumsum([fan_out * (fan_in + 1) for fan_in, fan_out in shapes])
    if rows.ndim != 2 or rows.shape[1] != ends[-1]:
        raise ValueError(f"weights have the shape {rows.shape}, expected rows of {ends[-1]}")
    parts = np.split(rows.astype(np.float64), ends[:-1], axis=1)
    return [part.reshape(len(rows), fan_out, -1) for part, (_, fan_out) in zip(parts, shapes, strict=True)]


def logits(
    matrices: list[np.ndarray], x: np.ndarray, activation: str = "tanh", averaging: str = "none", convolved: int = 0
) -> np.ndarray:
    """The logits (K, n, classes) of K networks for inputs x (n, d).

    convolved: how many of the layers are convolutions, the first ones, of inputs that are a square image.
    averaging: `logits` adds those of x and −x, and `units` adds what the first hidden layer gives for x and for −x.
    ValueError for another name, or an unknown activation.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: {activation!r} is unknown to the audit, which has {', '.join(ACTIVATIONS)}")
    if averaging not in AVERAGING:
        raise ValueError(f"averaging: {averaging!r} is unknown to the audit, which has {', '.join(AVERAGING)}")
    if convolved and averaging != "none":
        raise ValueError(f"averaging: {averaging!r} is unknown to the audit for networks with convolutions")
    if averaging == "logits":
        return logits(matrices, x, activation) + logits(matrices, -x, activation)
    apply, first = ACTIVATIONS[activation], matrices[0]
    if convolved:
        return np.stack([_convolutional(network, x, apply, convolved) for network in zip(*matrices, strict=True)])
    networks, units = first.shape[:2]
    z = np.zeros((len(x), networks * units))
    for sign in (1, -1) if averaging == "units" else (1,):
        weighted = sign * x.astype(np.float64) @ first[:, :, :-1].reshape(networks * units, -1).T
        z += apply(weighted + first[:, :, -1].ravel())
    z = z.reshape(len(x), networks, units).transpose(1, 0, 2)
    for number, matrix in enumerate(matrices[1:], start=2):
        z = z @ matrix[:, :, :-1].transpose(0, 2, 1) + matrix[:, None, :, -1]
        if number < len(matrices):
            z = apply(z)
    return z


def _convolutional(
    matrices: tuple[np.ndarray, ...], x: np.ndarray, apply: Callable[[np.ndarray], np.ndarray], convolved: int
) -> np.ndarray:
    """The logits (n, classes) of one network with so many convolutions, for images x (n, side · side).

    Each filter is multiplied with the 3 x 3 pixels around every pixel in all channels, outside the image with zeros; of
    the activations, the mean of every 2 x 2 is left, and goes on filter by filter.
    """
    side = math.isqrt(x.shape[1])
    image: np.ndarray = x.astype(np.float64).reshape(len(x), 1, side, side)
    for matrix in matrices[:convolved]:
        framed = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
        # (n, channels, side, side, 3, 3) and (filters, channels, 3, 3)
        around = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(2, 3))
        filters = matrix[:, :-1].reshape(len(matrix), image.shape[1], 3, 3)
        z = np.tensordot(around, filters, axes=((1, 4, 5), (1, 2, 3))) + matrix[:, -1]  # (n, side, side, filters)
        a = np.moveaxis(apply(z), -1, 1)
        a = a[:, :, ::2] + a[:, :, 1::2]
        image = (a[:, :, :, ::2] + a[:, :, :, 1::2]) / 4
    z = image.reshape(len(x), -1)
    for number, matrix in enumerate(matrices[convolved:]):
        z = (apply(z) if number else z) @ matrix[:, :-1].T + matrix[:, -1]
    return z


class Tally:
    """Of K networks on one set of images, block by block: correct ones, cross-entropy, clipped probabilities.

    Counts are (at least, at most): within rounding an image may fall on either side.
    """

    def __init__(self, networks: int):
        self.images, self.loss = 0, np.zeros(networks)
        self.correct, self.clipped = np.zeros((2, networks), dtype=int), np.zeros((2, networks), dtype=int)

    def add(self, logits_: np.ndarray, labels: np.ndarray, rounding: float) -> None:
        """logits_ (K, n, classes), labels (n,)."""
        each = by_class(logits_)
        index = labels.astype(int)
        slack = rounding * np.maximum(1, np.abs(each).max(axis=0))
        true = np.take_along_axis(each, np.broadcast_to(index, (1, *slack.shape)), axis=0)[0]
        others = np.where(np.arange(len(each))[:, None, None] == index, -np.inf, each).max(axis=0)
        self.correct += np.stack([(true > others + slack).sum(1), (true >= others - slack).sum(1)])
        log_p = true - _log_sum(each)
        self.loss -= log_p.sum(1)
        self.clipped += np.stack([(log_p < CLIPPED - slack).sum(1), (log_p < CLIPPED + slack).sum(1)])
        self.images += len(labels)


def by_class(logits_: np.ndarray) -> np.ndarray:
    """Logits (K, n, classes) as (classes, K, n): NumPy is several times as fast over the first axis."""
    return np.ascontiguousarray(np.moveaxis(logits_, -1, 0))


def log_sum(logits_: np.ndarray) -> np.ndarray:
    """log Σ exp of the logits (K, n, classes), as (K, n)."""
    return _log_sum(by_class(logits_))


def _log_sum(each: np.ndarray) -> np.ndarray:
    top = each.max(axis=0)
    return top + np.log(np.exp(each - top).sum(axis=0))


def departures(logits_: np.ndarray, classes: np.ndarray, rounding: float, sign: int = 1) -> tuple[np.ndarray, int]:
    """Where stored classes (K, n) are not the most likely, and how many are so only by rounding.

    sign -1: where they are not the least likely. Returns the mask (K, n), and a count.
    """
    each = by_class(logits_)
    slack = rounding * np.maximum(1, np.abs(each).max(axis=0))
    best = sign * (each.max(axis=0) if sign > 0 else each.min(axis=0))
    chosen = sign * np.take_along_axis(each, np.minimum(classes, len(each) - 1).astype(int)[None], axis=0)[0]
    wrong = ~(chosen >= best - slack) | (classes >= len(each))
    return wrong, int(((chosen < best) & ~wrong).sum())
