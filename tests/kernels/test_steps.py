"""What becomes of lanes after an evaluation, as compiled and as NumPy has it."""

import copy

import numpy as np
import pytest
import torch

from symmetry_constrained.kernels import compiled, seam, steps
from symmetry_constrained.kernels.steps import Limits, Steps

LANES, LIMITS = 3000, Limits(12, 40, np.array([1e-4, 2e-9]))


def lanes_of(kernels, slope, count):
    """Lanes of these slopes and with so many pairs in memory."""
    lanes = kernels.lanes(torch.zeros(len(slope), 1, dtype=torch.float64), 10, torch.float64, False)
    lanes.slope, lanes.count = slope, count
    return lanes


def numbers(random, scale=3.0):
    """Of either sign and any size; now and then 0, equal to another, infinite or no number."""
    drawn = random.normal(size=LANES) * 10 ** random.uniform(-scale, scale, LANES)
    odd = random.random(LANES)
    return np.select([odd < 0.04, odd < 0.05, odd < 0.055, odd < 0.06], [0.0, 1.0, np.inf, np.nan], drawn)


def beginning(random):
    """Lanes in any state, and their memories."""
    positive = [np.abs(numbers(random)) for _ in range(2)]
    state = Steps(
        f=numbers(random),
        fold=numbers(random),
        search=np.stack([positive[0], *(numbers(random) for _ in range(14))], 1),
        trials=random.integers(0, steps.TRIALS, LANES),
        iterations=random.integers(0, 12, LANES),
        evaluations=random.integers(0, 40, LANES),
        status=np.where(random.random(LANES) < 0.1, random.integers(1, 7, LANES), steps.RUNNING),
    )
    state.search[:, -1] = random.integers(1, 3, LANES)
    state.search[:, -2] = random.integers(0, 2, LANES)
    return state, random.integers(0, 3, LANES)


@pytest.mark.skipif(compiled.library() is None, reason="no C++ compiler")
@pytest.mark.parametrize("seed", range(5))
def test_compiled_numbers_are_numpys_to_the_bit(seed):
    """From any state and through whole searches, whatever is found there: of the lanes that run, and their ends."""
    random = np.random.default_rng(seed)
    state, kept = beginning(random)
    other, seen = copy.deepcopy(state), set()
    kinds = seam.of(torch.zeros(1, dtype=torch.float64)), seam._eager
    native, eager = (lanes_of(kernels, np.zeros(LANES), kept) for kernels in kinds)
    for _ in range(30):
        state.f = other.f = np.where(random.random(LANES) < 0.5, numbers(random), state.fold * (1 - 1e-10))
        before, slope, largest = -np.abs(numbers(random)), numbers(random, 5.0), np.abs(numbers(random, 5.0))
        before = np.where(random.random(LANES) < 0.02, -before, before)
        running = state.status == steps.RUNNING
        eager.slope = native.slope = before
        found = [lanes.judge(one, largest, slope, LIMITS) for lanes, one in ((eager, state), (native, other))]
        np.testing.assert_array_equal(other.status, state.status)
        for name in ("fold", "search", "trials", "iterations", "evaluations"):
            # Where a lane that has ended would go next says nothing.
            told = state.status == steps.RUNNING if name in ("search", "trials") else running
            np.testing.assert_array_equal(getattr(other, name)[told], getattr(state, name)[told], err_msg=name)
        for name, mine, theirs in zip(steps.Moves._fields, *found, strict=True):
            told = slice(None) if name != "step" else state.status == steps.RUNNING
            np.testing.assert_array_equal(mine[told], theirs[told], err_msg=name)
        seen |= set(state.status.tolist())
    assert seen == set(range(7))


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("factor, kept", [(-1.0, False), (0.0, False), (0.5, False), (1.0, False), (2.0, True)])
def test_a_pair_without_curvature_is_skipped(factor, kept):
    """L-BFGS-B skips s·y <= eps·(-gdold·stp); here s·y is `factor` times that bound."""
    ones, none = np.ones(1), np.zeros(1, dtype=np.int64)
    step = steps.line_search.STEP_MAX * ones  # where the search ends, however steep it still is
    search = np.stack(steps.line_search.start(ones, -ones, step), 1)
    state = Steps(-step, ones.copy(), search, *(none.copy() for _ in range(4)))
    lanes = lanes_of(seam.of(torch.zeros(1, dtype=torch.float64)), -ones, none)
    moves = lanes.judge(state, ones, -ones + factor * steps.EPS, Limits(9, 9, np.array([1e-4, 0.0])))
    assert moves.accepted.tolist() == moves.begun.tolist() == [True]
    assert moves.curvature.tolist() == ([factor * steps.EPS * step[0]] if kept else [0.0])
    assert moves.taken.tolist() == ([step[0]] if kept else [0.0])
