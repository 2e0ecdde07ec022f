"""Files in MNIST's format."""

import numpy as np


def idx(array):
    """The array as the bytes of an idx file."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()
