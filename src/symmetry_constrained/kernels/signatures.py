"""What each compiled function takes, checked before every call: sizes, then arrays of declared types and lengths.

C++ sees addresses alone. Given an array of another type, with gaps or too short, it would read or write memory that is
not the array's.
"""

import ctypes
import functools
import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch

FLOAT64, FLOAT32, INT64, INT32, BOOL = "float64", "float32", "int64", "int32", "bool"
EITHER = "float32 or float64"

# For an array: the checks, then its address. `checked` writes a function for each signature from this text, because a
# loop over the arguments takes twice as long, and longer than some of the compiled functions.
CHECK = """
    if isinstance({name}, Tensor):
        if {name}.dtype not in {name}_tensors or not {name}.is_contiguous() or not {name}.is_cpu \\
                or {name}.numel() < {length}:
            refuse("{name}", {name}, {length})
        {name}_address = {name}.data_ptr()
    else:
        if not isinstance({name}, ndarray) or {name}.dtype not in {name}_arrays or not {name}.flags.carray \\
                or {name}.size < {length}:
            refuse("{name}", {name}, {length})
        {name}_address = start({name})
"""

# The arrays stay alive as long as what is prepared.
PREPARE = """
    if prepare:
        call = partial(function, {given})
        call.arrays = {arrays}
        return call
    function({given})
"""


@dataclass(frozen=True)
class Signature:
    """The arguments of one compiled function: integers first, then NumPy arrays or torch tensors on the CPU."""

    name: str
    sizes: tuple[str, ...]
    # Name -> type of its numbers, and how many there must be. The latter is an expression in the names before it, which
    # may name (:=) a number for those after it.
    arrays: dict[str, tuple[str, str]]

    @property
    def either(self) -> str | None:
        """The array of `EITHER` type."""
        return next((name for name, (declared, _) in self.arrays.items() if declared == EITHER), None)


def checked(function: Any, signature: Signature) -> Callable[..., Any]:
    """The function of a library that `ctypes` loaded, with its arguments checked.

    C++ gets the bytes of a number of the array of `EITHER` type as one integer more, before all others. A call raises a
    TypeError or ValueError that names the function, the argument, what is expected and what is given. Called with
    `prepare`, it returns a function of no arguments that calls with these arguments, checked already, again and again.
    """

    def refuse(argument: str, array: Any, length: int) -> NoReturn:
        raise _refusal(f"{signature.name}: {argument}: expected", signature.arrays[argument][0], array, length)

    def refuse_size(argument: str, size: Any) -> NoReturn:
        raise TypeError(f"{signature.name}: {argument}: expected an integer, given {type(size).__name__}")

    known: dict[str, Any] = {"beyond": beyond, "above_inputs": above_inputs, "Tensor": torch.Tensor}
    known |= {"ndarray": np.ndarray, "start": (ctypes.c_char * 0).from_buffer, "function": function}
    known |= {"refuse": refuse, "refuse_size": refuse_size, "partial": functools.partial}
    lines = [f"def {signature.name}({', '.join([*signature.sizes, *signature.arrays])}, prepare=False):"]
    for name in signature.sizes:
        lines.append(f'    if not isinstance({name}, int):\n        refuse_size("{name}", {name})')
    for name, (declared, length) in signature.arrays.items():
        known[f"{name}_tensors"] = tuple(getattr(torch, kind) for kind in declared.split(" or "))
        known[f"{name}_arrays"] = tuple(np.dtype(kind) for kind in declared.split(" or "))
        lines.append(CHECK.format(name=name, length=length))
    integers = [*([f"{signature.either}.itemsize"] if signature.either else []), *signature.sizes]
    given = ", ".join([*integers, *(f"{name}_address" for name in signature.arrays)])
    lines.append(PREPARE.format(given=given, arrays=", ".join(signature.arrays)))
    function.restype = None
    function.argtypes = [ctypes.c_int64] * len(integers) + [ctypes.c_void_p] * len(signature.arrays)
    exec("\n".join(lines), known)
    return known[signature.name]


class Repeated:
    """A compiled function whose arguments are checked only where they are not those of the call before."""

    def __init__(self, function: Callable[..., Any]):
        self._function = function
        self._sizes: tuple[int, ...] = ()
        self._arrays: tuple[Any, ...] = ()
        self._call: Callable[[], None]

    def __call__(self, sizes: tuple[int, ...], *arrays: Any) -> None:
        same = sizes == self._sizes and len(arrays) == len(self._arrays)
        if not same or not all(map(operator.is_, arrays, self._arrays)):
            self._call = self._function(*sizes, *arrays, prepare=True)
            self._sizes, self._arrays = sizes, arrays
        self._call()


def _refusal(where: str, declared: str, array: Any, length: int) -> TypeError | ValueError:
    """What is wrong with an array."""
    if not isinstance(array, torch.Tensor | np.ndarray):
        return TypeError(f"{where} an array of {declared}, given {type(array).__name__}")
    given = str(array.dtype).removeprefix("torch.")
    if given not in declared.split(" or "):
        return TypeError(f"{where} {declared}, given {given}")
    has = array.numel() if isinstance(array, torch.Tensor) else array.size
    if has < length:
        return ValueError(f"{where} at least {length} numbers, given {has}")
    return ValueError(f"{where} contiguous, writeable memory of the CPU, given another's with the shape {array.shape}")


def beyond(indices: Any) -> int:
    """How many rows an array must have for these indices into it."""
    return max(indices.tolist(), default=-1) + 1


def above_inputs(sizes: Any) -> int:
    """How many parameters a network of these layers has, but for the weights of the inputs."""
    units = sizes.tolist()
    return units[0] + sum(above * (below + 1) for below, above in itertools.pairwise(units))


SIGNATURES = {
    signature.name: signature
    for signature in (
        Signature(
            "unpack",
            ("lanes", "n", "units", "inputs"),
            {
                "rows": (FLOAT64, "lanes * n"),
                "first": (FLOAT32, "lanes * units * inputs"),
                "rest": (FLOAT32, "lanes * (n - units * inputs)"),
                "by_first": (FLOAT32, "lanes * units * inputs"),
                "by_rest": (FLOAT32, "lanes * (n - units * inputs)"),
                "loss": (FLOAT64, "lanes"),
            },
        ),
        Signature(
            "through_layers",
            ("layers", "lanes", "width", "apart"),
            {
                "sizes": (INT64, "layers"),
                "products": (FLOAT32, "lanes * int(sizes[0]) * width"),
                "rest": (FLOAT32, "lanes * (numbers := above_inputs(sizes))"),
                "labels": (INT32, "(lanes - 1) * apart + width"),
                "loss": (FLOAT64, "lanes"),
                "gradient": (FLOAT32, "lanes * numbers"),
            },
        ),
        Signature(
            "penalise",
            ("lanes", "n", "units", "inputs", "samples"),
            {
                "rows": (FLOAT64, "lanes * n"),
                "penalty": (FLOAT64, "n"),
                "numbers": (INT64, "lanes"),
                "trainable": (FLOAT64, "beyond(numbers) * n"),
                "first": (FLOAT32, "lanes * units * inputs"),
                "rest": (FLOAT32, "lanes * (n - units * inputs)"),
                "loss": (FLOAT64, "lanes"),
                "gradient": (FLOAT64, "lanes * n"),
            },
        ),
        Signature(
            "judge",
            ("lanes", "max_iterations", "max_evaluations"),
            {
                "tolerances": (FLOAT64, "2"),
                "f": (FLOAT64, "lanes"),
                "largest": (FLOAT64, "lanes"),
                "slopes": (FLOAT64, "lanes"),
                "before": (FLOAT64, "lanes"),
                "kept": (INT64, "lanes"),
                "fold": (FLOAT64, "lanes"),
                "search": (FLOAT64, "lanes * 15"),
                "trials": (INT64, "lanes"),
                "iterations": (INT64, "lanes"),
                "evaluations": (INT64, "lanes"),
                "status": (INT64, "lanes"),
                "reals": (FLOAT64, "lanes * 3"),
                "masks": (BOOL, "lanes * 3"),
            },
        ),
        Signature(
            "advance",
            ("lanes", "n", "stride", "m"),
            {
                "curvature": (FLOAT64, "lanes"),
                "taken": (FLOAT64, "lanes"),
                "accepted": (BOOL, "lanes"),
                "forgotten": (BOOL, "lanes"),
                "begun": (BOOL, "lanes"),
                "step": (FLOAT64, "lanes"),
                "places": (INT64, "lanes"),
                "count": (INT64, "lanes"),
                "newest": (INT64, "lanes"),
                "s_y": (FLOAT64, "lanes * m"),
                "theta": (FLOAT64, "lanes"),
                "pairs": (EITHER, "beyond(places) * 2 * m * stride"),
                "x": (FLOAT64, "lanes * n"),
                "t": (FLOAT64, "lanes * n"),
                "g": (FLOAT64, "lanes * n"),
                "r": (FLOAT64, "lanes * n"),
                "d": (FLOAT64, "lanes * n"),
                "slope": (FLOAT64, "lanes"),
                "lost": (BOOL, "lanes"),
            },
        ),
        Signature(
            "slopes",
            ("lanes", "n"),
            {
                "gradient": (FLOAT64, "lanes * n"),
                "direction": (FLOAT64, "lanes * n"),
                "largest": (FLOAT64, "lanes"),
                "slope": (FLOAT64, "lanes"),
            },
        ),
    )
}
