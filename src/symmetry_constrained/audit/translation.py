"""Translation around the cylinder and the maps that are invariant under it, from the definition of its waves.

A row of w pixels is x_j = Re Σ_k c_k exp(2πikj/w) over k = 0 .. w/2. T(θ) takes c_k to exp(-ikθ) c_k for 0 < k < w/2,
in all rows alike, and leaves the others as they are.
"""

from collections.abc import Callable

import numpy as np

Shape = tuple[int, int]


def _waves(width: int) -> tuple[np.ndarray, np.ndarray]:
    """exp(2πikj/w) as (w, waves), and the mask (waves,) of those that move."""
    k = np.arange(width // 2 + 1)
    return np.exp(2j * np.pi * np.outer(np.arange(width), k) / width), (0 < k) & (2 * k < width)


def coefficients(x: np.ndarray, shape: Shape) -> np.ndarray:
    """c (n, height, waves) of images (n, height · width)."""
    waves, moving = _waves(shape[1])
    return x.reshape(-1, *shape).astype(np.float64) @ waves.conj() * np.where(moving, 2, 1) / shape[1]


def _images(c: np.ndarray, shape: Shape) -> np.ndarray:
    return (c @ _waves(shape[1])[0].T).real.reshape(len(c), -1)


def moved(x: np.ndarray, angles: float | np.ndarray, shape: Shape) -> np.ndarray:
    """T(θ) of images (n, d), all by one angle or each by its own (n,), in float64."""
    moving = np.arange(shape[1] // 2 + 1) * _waves(shape[1])[1]
    turns = np.exp(-1j * np.multiply.outer(np.atleast_1d(angles), moving))
    return _images(coefficients(x, shape) * turns[:, None, :], shape)


def rate(x: np.ndarray, shape: Shape) -> np.ndarray:
    """d/dθ T(θ) x at θ = 0 of images (n, d)."""
    moving = np.arange(shape[1] // 2 + 1) * _waves(shape[1])[1]
    return _images(-1j * moving * coefficients(x, shape), shape)


def _parts(x: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """What stays (n, height, ·), real, and what moves (n, height, ·), complex."""
    c, moving = coefficients(x, shape), _waves(shape[1])[1]
    return c[:, :, ~moving].real, c[:, :, moving]


def power(x: np.ndarray, shape: Shape) -> list[np.ndarray]:
    """What stays, and |c_k|² of what moves."""
    stays, moves = _parts(x, shape)
    return [stays, moves.real**2 + moves.imag**2]


def bispectrum(x: np.ndarray, shape: Shape) -> list[np.ndarray]:
    """`power`, and c_j c_k c̄_(j+k) of each row, j <= k, its real parts before its imaginary ones."""
    moves = _parts(x, shape)[1]
    count = moves.shape[2]
    pairs = [(j, k) for j in range(1, count + 1) for k in range(j, count + 1) if j + k <= count]
    triple = [moves[:, :, j - 1] * moves[:, :, k - 1] * moves[:, :, j + k - 1].conj() for j, k in pairs]
    together = np.stack(triple, axis=2) if triple else moves[:, :, :0]
    return [*power(x, shape), together.real, together.imag]


def complete(x: np.ndarray, shape: Shape) -> list[np.ndarray]:
    """`bispectrum`, and c_k times c̄_k of the row above, likewise."""
    moves = _parts(x, shape)[1]
    across = moves[:, 1:] * moves[:, :-1].conj()
    return [*bispectrum(x, shape), across.real, across.imag]


def aligned(x: np.ndarray, shape: Shape) -> list[np.ndarray]:
    """The translate in which Σ of the rows' c_1 is real and not negative."""
    return [moved(x, np.angle(coefficients(x, shape)[:, :, 1].sum(1)), shape)]


MAPS: dict[str, Callable[[np.ndarray, Shape], list[np.ndarray]]] = {
    "identity": lambda x, shape: [x],
    "power": power,
    "bispectrum": bispectrum,
    "complete": complete,
    "aligned": aligned,
}


def features(name: str, x: np.ndarray, shape: Shape) -> np.ndarray:
    """The features (n, m) of images (n, d). ValueError in one line for an unknown map."""
    if name not in MAPS:
        raise ValueError(f"features: the audit has no {name!r} for translation")
    return np.concatenate([part.reshape(len(x), -1) for part in MAPS[name](x, shape)], axis=1)
