"""What each compiled function takes, checked before every call: sizes, then arrays of declared types and lengths.

C++ sees addresses alone. Given an array of another type, with gaps or too short, it would read or write memory that is
not the array's.
"""

import ctypes
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

FLOAT64, FLOAT32, INT64, INT32, BOOL = "float64", "float32", "int64", "int32", "bool"
EITHER = "float32 or float64"
START = ctypes.c_char * 0  # where an array's memory begins


@dataclass(frozen=True)
class Signature:
    """The arguments of one compiled function: integers first, then NumPy arrays or torch tensors on the CPU."""

    name: str
    sizes: tuple[str, ...]
    arrays: dict[str, str]  # name -> type of its numbers
    lengths: Callable[..., tuple[int, ...]] = field(
        repr=False
    )  # all arguments -> how many numbers each array must have

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of all arguments, in order."""
        return (*self.sizes, *self.arrays)


def checked(function: Any, signature: Signature) -> Callable[..., None]:
    """The function of a library that `ctypes` loaded, with its arguments checked.

    C++ is told the bytes of a number of an array of `EITHER` type by one integer more, before all others. A call raises
    a TypeError or ValueError that names the function, the argument, what is expected and what is given.
    """
    count, kinds = len(signature.sizes), [*signature.sizes, *signature.arrays.values()]
    either = kinds.index(EITHER) if EITHER in kinds else None
    function.restype = None
    function.argtypes = [ctypes.c_int64] * (count + (either is not None)) + [ctypes.c_void_p] * len(signature.arrays)
    addresses = [_address(f"{signature.name}: {name}", declared) for name, declared in signature.arrays.items()]

    def call(*arguments) -> None:
        if len(arguments) != len(kinds):
            raise TypeError(f"{signature.name}: expected {', '.join(signature.arguments)}, given {len(arguments)}")
        sizes, arrays = arguments[:count], arguments[count:]
        for name, size in zip(signature.sizes, sizes, strict=True):
            if not isinstance(size, int):
                raise TypeError(f"{signature.name}: {name}: expected an integer, given {type(size).__name__}")
        try:
            lengths = signature.lengths(*arguments)
        except (AttributeError, TypeError, ValueError, IndexError):
            for address, array in zip(addresses, arrays, strict=True):
                address(array, 0)
            raise
        passed = [address(array, length) for address, array, length in zip(addresses, arrays, lengths, strict=True)]
        if either is None:
            function(*sizes, *passed)
        else:
            function(arguments[either].itemsize, *sizes, *passed)

    return call


def _address(argument: str, declared: str) -> Callable[[Any, int], Any]:
    """A function that gives the address of an array, after checking its type and length."""
    kinds = declared.split(" or ")
    tensors, ndarrays = [getattr(torch, kind) for kind in kinds], [np.dtype(kind) for kind in kinds]

    def refusal(array: Any, length: int) -> TypeError | ValueError:
        if not isinstance(array, torch.Tensor | np.ndarray):
            return TypeError(f"{argument}: expected an array of {declared}, given {type(array).__name__}")
        given = str(array.dtype).removeprefix("torch.")
        if given not in kinds:
            return TypeError(f"{argument}: expected {declared}, given {given}")
        has = array.numel() if isinstance(array, torch.Tensor) else array.size
        if has < length:
            return ValueError(f"{argument}: expected at least {length} numbers, given {has}")
        return ValueError(f"{argument}: expected contiguous, writeable memory of the CPU, given shape {array.shape}")

    # For short functions, the conditions of these lines are much of the time of a call.
    def address(array: Any, length: int) -> Any:
        if isinstance(array, torch.Tensor):
            if array.dtype in tensors and array.is_contiguous() and array.is_cpu and array.numel() >= length:
                return array.data_ptr()
        elif isinstance(array, np.ndarray):
            if array.dtype in ndarrays and array.flags.carray and array.size >= length:
                return START.from_buffer(array)
        raise refusal(array, length)

    return address


def beyond(indices) -> int:
    """How many rows an array must have for these indices into it."""
    return max(indices.tolist(), default=-1) + 1


def _of_networks(layers, lanes, width, sizes, *_) -> tuple[int, ...]:
    """Lengths for `through_layers`."""
    units = sizes.tolist()[:layers]
    rest = lanes * (units[0] + sum(above * (below + 1) for below, above in itertools.pairwise(units)))
    return layers, lanes * units[0] * width, rest, width, lanes, rest


def _of_update(updates, n, stride, m, lanes, places, *_) -> tuple[int, ...]:
    """Lengths for `remember`."""
    rows = beyond(lanes)
    return updates, rows, updates, rows, rows * n, rows * n, rows * n, beyond(places) * 2 * m * stride, updates


SIGNATURES = {
    signature.name: signature
    for signature in (
        Signature(
            "unpack",
            ("lanes", "n", "units", "inputs"),
            {"rows": FLOAT64, "first": FLOAT32, "rest": FLOAT32},
            lambda lanes, n, units, inputs, *_: (lanes * n, lanes * units * inputs, lanes * (n - units * inputs)),
        ),
        Signature(
            "through_layers",
            ("layers", "lanes", "width"),
            {
                "sizes": INT64,
                "products": FLOAT32,
                "rest": FLOAT32,
                "labels": INT32,
                "loss": FLOAT64,
                "gradient": FLOAT32,
            },
            _of_networks,
        ),
        Signature(
            "penalise",
            ("lanes", "n", "units", "inputs", "samples"),
            {
                "rows": FLOAT64,
                "penalty": FLOAT64,
                "trainable": FLOAT64,
                "numbers": INT64,
                "first": FLOAT32,
                "rest": FLOAT32,
                "loss": FLOAT64,
                "gradient": FLOAT64,
            },
            lambda lanes, n, units, inputs, samples, rows, penalty, trainable, numbers, *_: (
                *(lanes * n, n, beyond(numbers) * n, lanes),
                *(lanes * units * inputs, lanes * (n - units * inputs), lanes, lanes * n),
            ),
        ),
        Signature(
            "remember",
            ("updates", "n", "stride", "m"),
            {
                "lanes": INT64,
                "places": INT64,
                "slots": INT64,
                "steps": FLOAT64,
                "d": FLOAT64,
                "g": FLOAT64,
                "r": FLOAT64,
                "pairs": EITHER,
                "y_y": FLOAT64,
            },
            _of_update,
        ),
        Signature(
            "descend",
            ("lanes", "n", "stride", "m"),
            {
                "mask": BOOL,
                "places": INT64,
                "count": INT64,
                "newest": INT64,
                "s_y": FLOAT64,
                "theta": FLOAT64,
                "pairs": EITHER,
                "t": FLOAT64,
                "r": FLOAT64,
                "z": FLOAT64,
                "d": FLOAT64,
                "slope": FLOAT64,
            },
            lambda lanes, n, stride, m, mask, places, *_: (
                *(lanes, lanes, lanes, lanes, lanes * m, lanes, beyond(places) * 2 * m * stride),
                *(lanes * n, lanes * n, lanes * n, lanes * n, lanes),
            ),
        ),
        Signature(
            "slopes",
            ("lanes", "n"),
            {"gradient": FLOAT64, "direction": FLOAT64, "largest": FLOAT64, "slope": FLOAT64},
            lambda lanes, n, *_: (lanes * n, lanes * n, lanes, lanes),
        ),
        Signature(
            "trials",
            ("lanes", "n"),
            {"step": FLOAT64, "t": FLOAT64, "d": FLOAT64, "z": FLOAT64, "out": FLOAT64},
            lambda lanes, n, *_: (lanes, lanes * n, lanes * n, lanes * n, lanes * n),
        ),
        Signature(
            "copy_rows",
            ("lanes", "n"),
            {"mask": BOOL, "source": FLOAT64, "target": FLOAT64},
            lambda lanes, n, *_: (lanes, lanes * n, lanes * n),
        ),
    )
}
