"""Wrong arguments of every compiled function are refused before C++ sees them."""

import numpy as np
import pytest
import torch

from symmetry_constrained.kernels import compiled
from symmetry_constrained.kernels.signatures import SIGNATURES, Repeated, above_inputs, beyond

pytestmark = pytest.mark.skipif(compiled.library() is None, reason="no C++ compiler")

# Of every function: sizes that fit each other.
SIZES = {"lanes": 2, "updates": 2, "n": 9, "units": 2, "inputs": 2, "samples": 5, "layers": 2, "width": 3, "m": 2}
SIZES |= {"stride": 16, "apart": 3, "max_iterations": 5, "max_evaluations": 5}
CONTENTS = {"sizes": [2, 3], "places": [1, 0], "numbers": [1, 0], "labels": [1, 0, 2, 2, 0, 1]}
ARRAYS = [(function, array) for function, signature in SIGNATURES.items() for array in signature.arrays]


def arguments(function, tensors=False):
    """Arguments of that function that are right, each array just long enough; by name."""
    signature = SIGNATURES[function]
    sizes, made = {name: SIZES[name] for name in signature.sizes}, {}
    known = {"beyond": beyond, "above_inputs": above_inputs} | sizes
    for name, (declared, length) in signature.arrays.items():
        array = np.ones(eval(f"[{length}]", known)[0], dtype=declared.split(" or ")[0])
        if name in CONTENTS:
            array[:] = CONTENTS[name]
        known[name] = array
        made[name] = torch.from_numpy(array) if tensors else array
    return sizes, made


def call(function, sizes, arrays):
    getattr(compiled.library(), function)(*sizes.values(), *arrays.values())


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("function", SIGNATURES)
def test_arguments_as_declared_are_taken(function, tensors):
    call(function, *arguments(function, tensors))


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("function, array", ARRAYS)
def test_another_type_is_refused(function, array, tensors):
    sizes, arrays = arguments(function, tensors)
    declared, _ = SIGNATURES[function].arrays[array]
    for other in {"float64", "float32", "int64", "int32", "bool", "uint8"} - set(declared.split(" or ")):
        wrong = np.ones(10_000, dtype=other)
        with pytest.raises(TypeError, match=f"^{function}: {array}: expected {declared}, given {other}$"):
            call(function, sizes, arrays | {array: torch.from_numpy(wrong) if tensors else wrong})
    for wrong in (None, 1, [1.0, 2.0]):
        with pytest.raises(TypeError, match=f"^{function}: {array}: expected an array of {declared}, given"):
            call(function, sizes, arrays | {array: wrong})


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("function, array", ARRAYS)
def test_an_array_with_gaps_is_refused(function, array, tensors):
    sizes, arrays = arguments(function, tensors)
    right = np.asarray(arrays[array])
    gaps = np.repeat(right, 2)[::2]
    assert (gaps == right).all() and not gaps.flags.c_contiguous
    with pytest.raises(ValueError, match=f"^{function}: {array}: expected contiguous"):
        call(function, sizes, arrays | {array: torch.from_numpy(gaps) if tensors else gaps})


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("function, array", ARRAYS)
def test_an_array_one_number_too_short_is_refused(function, array, tensors):
    sizes, arrays = arguments(function, tensors)
    least = len(arrays[array])
    # Arrays of indices and of sizes say how long others must be; the others are long enough either way.
    assert least > 0
    pattern = f"^{function}: {array}: expected at least {least} numbers, given {least - 1}$"
    with pytest.raises(ValueError, match=pattern):
        call(function, sizes, arrays | {array: arrays[array][: least - 1]})


@pytest.mark.parametrize("function", SIGNATURES)
def test_read_only_memory_is_refused(function):
    sizes, arrays = arguments(function)
    for array, right in arrays.items():
        fixed = right.copy()
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match=f"^{function}: {array}: expected contiguous, writeable"):
            call(function, sizes, arrays | {array: fixed})


@pytest.mark.parametrize("function", SIGNATURES)
def test_sizes_must_be_integers_and_arguments_complete(function):
    sizes, arrays = arguments(function)
    for name in sizes:
        with pytest.raises(TypeError, match=f"^{function}: {name}: expected an integer, given float$"):
            call(function, sizes | {name: float(sizes[name])}, arrays)
    first, *_ = arrays
    with pytest.raises(TypeError, match=f"^{function}\\(\\) missing 1 required positional argument"):
        call(function, sizes, {name: array for name, array in arrays.items() if name != first})


@pytest.mark.parametrize("function, array", [("penalise", "numbers"), ("advance", "places")])
def test_an_index_beyond_the_rows_of_another_array_is_refused(function, array):
    sizes, arrays = arguments(function)
    arrays[array][0] = 2
    with pytest.raises(ValueError, match=f"^{function}: .* expected at least"):
        call(function, sizes, arrays)


def test_a_prepared_call_is_checked_once_and_made_as_often_as_wanted():
    sizes, arrays = arguments("slopes")
    with pytest.raises(ValueError, match=r"^slopes: slope: expected at least 2 numbers, given 1$"):
        compiled.library().slopes(*sizes.values(), *(arrays | {"slope": np.ones(1)}).values(), prepare=True)
    call = compiled.library().slopes(*sizes.values(), *arrays.values(), prepare=True)
    assert arrays["slope"].tolist() == [1.0, 1.0]
    for factor in (1.0, 2.0):
        arrays["gradient"][:] = factor
        call()
        assert arrays["slope"].tolist() == [9.0 * factor] * 2
    # What it reads and writes stays alive.
    assert all(one is other for one, other in zip(call.arrays, arrays.values(), strict=True))


def test_a_repeated_call_is_checked_where_sizes_or_arrays_are_others():
    sizes, arrays = (tuple(part.values()) for part in arguments("slopes"))
    call, short, twice = Repeated(compiled.library().slopes), np.ones(1), np.full(18, 2.0)
    for given in (arrays, arrays, (twice, *arrays[1:])):
        call(sizes, *given)
        assert arrays[-1].tolist() == [9.0 * given[0][0]] * 2
    for wrong in ((3, *sizes[1:]), *arrays), (sizes, *arrays[:-1], short), (sizes, *arrays[:-1], None):
        with pytest.raises((TypeError, ValueError), match=r"^slopes: \w+: expected"):
            call(*wrong)
    call(sizes, *arrays)
    assert arrays[-1].tolist() == [9.0] * 2


def test_there_are_no_other_functions():
    with pytest.raises(AttributeError):
        compiled.library().sort  # noqa: B018
