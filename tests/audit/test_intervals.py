"""The audit's intervals, written as loops, against the library's, written as matrix products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.analysis import columns
from symmetry_constrained.analysis import intervals as library
from symmetry_constrained.audit import intervals as audit

SPLITS = st.lists(st.integers(0, 4), min_size=1, max_size=14).map(np.array)
SEEDS = st.integers(0, 2**32 - 1)
INF = np.inf


def equal(found, expected):
    return tuple(map(float, found)) == pytest.approx(tuple(map(float, expected)), rel=1e-9, abs=1e-12, nan_ok=True)


@given(SPLITS, SEEDS, st.sampled_from([0.95, 0.90]), st.sampled_from(columns.METRICS))
def test_intervals_of_means(splits, seed, level, metric):
    random = np.random.default_rng(seed)
    values = random.choice([0.0, 0.1, 0.5, 0.9, 1.0, np.nan], len(splits), p=[0.1, 0.3, 0.2, 0.2, 0.1, 0.1])
    possible = audit.bounds(metric)
    assert possible == columns.possible(metric)
    found = audit.mean(values, splits, level, possible)
    assert equal(found, library.mean_interval(values, splits, level, possible))


@given(SPLITS, SEEDS, st.sampled_from([1, 2, 5]))
def test_prediction_intervals(splits, seed, times):
    splits = np.tile(splits, times) + (7 * np.repeat(range(times), len(splits)) if times == 5 else 0)
    values = np.random.default_rng(seed).exponential(0.2, len(splits))
    for possible in ((-INF, INF), (0.0, 1.0)):
        values = np.minimum(values, possible[1])
        found = audit.prediction(values, splits, possible)
        assert equal(found, library.prediction_interval(values, splits, possible=possible))


@given(SPLITS, SEEDS)
def test_medians(splits, seed):
    values = np.random.default_rng(seed).choice([3.0, 5.0, 8.0, 21.0, 22.5, INF], len(splits))
    expected = library.median_needed(values, splits)
    assert equal(audit.median(values, splits), (expected.value, expected.low, expected.high))


@given(SPLITS, SEEDS, st.floats(0.05, 0.95), st.integers(2, 6), st.booleans())
def test_crossings_and_ratios(splits, seed, target, count, holes):
    random, points = np.random.default_rng(seed), np.geomspace(100, 7000, count)
    found, expected = [], []
    for _ in range(2):
        values = random.random((len(splits), count)) / 4 + np.linspace(0, 0.75, count)
        if holes:
            values[random.random(values.shape) < 0.3] = np.nan
        needed = library.crossing_needed(points, values, splits, target)
        expected.append(needed)
        found.append(audit.needed(points, values, splits, target))
        assert equal(found[-1], (needed.value, needed.low, needed.high, needed.limit))
    assert equal(audit.quotient(*found), library.ratio(*expected))


def test_a_target_at_a_point_of_a_curve_and_one_never_reached():
    points = np.array([100.0, 200.0, 400.0])
    assert audit.crossing(points, np.array([0.1, 0.5, 0.9]), 0.5) == 200
    assert audit.crossing(points, np.array([0.1, np.nan, 0.9]), 0.5) == 400
    assert audit.crossing(points, np.array([0.1, 0.2, 0.3]), 0.5) == INF
