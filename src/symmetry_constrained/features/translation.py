"""Sub-pixel translation around the cylinder: a continuous group on images whose rows are periodic.

A row of w pixels is x_j = Re Σ_k c_k e^{2πikj/w} over the frequencies k = 0 .. w/2. The translation T(θ) takes c_k to
e^{-ikθ} c_k for 0 < k < w/2, in every row by the same angle: T(2πs/w) moves the image s pixels to the right. The mean
(k = 0) stays, and so does the Nyquist component (k = w/2, w even), whose sub-pixel shift would not keep its length: so
T(θ) is orthogonal, T(θ) T(φ) = T(θ + φ), and T(θ) = exp(θG) with an antisymmetric generator G. It is the paper's U(g)
(section 4.1) for a continuous group.

Each (row, 0 < k < w/2) spans an irrep of two real dimensions and norm |c_k|; mean and Nyquist components are irreps on
which the group does nothing, so that they are invariants already and every map here keeps them.
"""

from collections.abc import Callable

import numpy as np


def frequencies(width: int) -> np.ndarray:
    """The angle by which T(θ) turns each coefficient, in units of θ: (0, 1, .., w/2 - 1, 0) for even w."""
    turns = np.arange(width // 2 + 1)
    if width % 2 == 0:
        turns[-1] = 0
    return turns


def coefficients(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """c (n, height, w // 2 + 1), complex, of images (n, height·w): |c_k| is the amplitude of a row's k-th wave."""
    height, width = shape
    c = np.fft.rfft(images.reshape(-1, height, width), axis=2) * (2 / width)
    c[:, :, frequencies(width) == 0] /= 2
    return c


def from_coefficients(c: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The images (n, height·w), float64, with these coefficients."""
    height, width = shape
    weights = np.where(frequencies(width) == 0, width, width / 2)
    return np.fft.irfft(c * weights, n=width, axis=2).reshape(-1, height * width)


def translate(images: np.ndarray, angles: np.ndarray | float, shape: tuple[int, int]) -> np.ndarray:
    """T(θ) of images (n, height·w), in their precision; angles: one for all, or one per image (n,), in radians."""
    turns = np.exp(-1j * np.multiply.outer(np.atleast_1d(angles), frequencies(shape[1])))  # (n or 1, w // 2 + 1)
    moved = from_coefficients(coefficients(images, shape) * turns[:, None, :], shape)
    return moved.astype(images.dtype, copy=False)


def generator(shape: tuple[int, int]) -> np.ndarray:
    """G (d, d), antisymmetric: d/dθ T(θ) x = G x at θ = 0, for an image as a column x."""
    height, width = shape
    c = coefficients(np.eye(height * width), shape)
    return from_coefficients(-1j * frequencies(width) * c, shape).T


def orbit(
    images: np.ndarray, labels: np.ndarray, angles: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Each image under each of its angles: images (m·n, d) and labels (m·n,).

    angles: (m,), the same for every image, or (m, n), the images' own.
    """
    copies = [translate(images, angle, shape) for angle in angles]
    return np.concatenate(copies), np.tile(labels, len(copies))


def equally_spaced(count: int) -> np.ndarray:
    """The angles (m,) of the cyclic group of m elements."""
    return 2 * np.pi * np.arange(count) / count


def identity(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels: not invariant."""
    return images


def power(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """|c_k|², the irreps' norms squared: forgets every phase, within a row and between rows. 5 a row of 8 pixels."""
    c = coefficients(images, shape)
    moves = frequencies(shape[1]) > 0
    return _joined(images, c[:, :, ~moves].real, np.abs(c[:, :, moves]) ** 2)


def bispectrum(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`power`, and c_j c_k c̄_(j+k) within each row: a row up to a translation of its own, if no c_k of it is 0.

    Forgets how far the rows are moved against each other: each has its own angle. 9 a row of 8 pixels.
    """
    c = coefficients(images, shape)
    highest = frequencies(shape[1]).max()
    pairs = [(j, k) for j in range(1, highest) for k in range(j, highest - j + 1)]
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    product = c[:, :, first] * c[:, :, second] * c[:, :, first + second].conj()
    return _joined(images, power(images, shape), product.real, product.imag)


def complete(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`bispectrum`, and c_k of each row times c̄_k of the row above: the image up to a translation.

    Complete where no c_k with 0 < k < w/2 is 0; rows at the upper or lower edge may be constant. 114 on 8×8.
    """
    moving = coefficients(images, shape)[:, :, frequencies(shape[1]) > 0]
    across = moving[:, 1:] * moving[:, :-1].conj()
    return _joined(images, bispectrum(images, shape), across.real, across.imag)


def aligned(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The translate whose Σ over rows of c_1 is real and positive: one feature per pixel, as `canonical` for inversion.

    Complete; not continuous where that sum is 0, and there the image is left as it is.
    """
    first = coefficients(images, shape)[:, :, 1].sum(1)
    return translate(images, np.angle(first), shape)


MAPS: dict[str, Callable[[np.ndarray, tuple[int, int]], np.ndarray]] = {
    map_.__name__: map_ for map_ in (identity, power, bispectrum, complete, aligned)
}


def compute(name: str, images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The features (n, m), in the images' precision. ValueError in one line for an unknown map or too narrow images."""
    check(name, shape)
    return MAPS[name](images, shape)


def check(name: str, shape: tuple[int, int]) -> None:
    """ValueError in one line for an unknown map or images that are too narrow for it."""
    if name not in MAPS:
        raise ValueError(f"features: {name!r} is unknown; choose one of {', '.join(MAPS)}")
    if shape[1] < 3:
        raise ValueError(f"features: {name!r} needs images of at least 3 columns, not {shape[0]}x{shape[1]}")


def _joined(images: np.ndarray, *parts: np.ndarray) -> np.ndarray:
    """Each image's values side by side, in the images' precision."""
    return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1).astype(images.dtype, copy=False)
