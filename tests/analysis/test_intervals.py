"""Intervals against SciPy, loops and properties; `test_coverage.py` simulates what they cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from symmetry_constrained.analysis.intervals import (
    ACCURACY,
    DIFFERENCE,
    Needed,
    crossing,
    crossing_needed,
    mean_interval,
    means,
    median_needed,
    prediction_interval,
    ratio,
    units,
)

SPLITS = np.repeat([3, 5, 9, 12], 5)
VALUES = (
    np.random.default_rng(0).normal(0.5, 0.1, (20, 3)) + np.random.default_rng(1).normal(0, 0.1, 4).repeat(5)[:, None]
)
UNEVEN = np.repeat([0, 1, 2], [4, 2, 6])


def student(values, level=0.95):
    return tuple(stats.ttest_1samp(values, 0).confidence_interval(level))


@pytest.mark.parametrize("level", [0.95, 0.90])
def test_a_balanced_interval_is_students_of_the_split_means(level):
    low, high = mean_interval(VALUES, SPLITS, level)
    for column, values in enumerate(VALUES.T):
        assert (low[column], high[column]) == pytest.approx(
            student(values.reshape(4, 5).mean(axis=1), level), abs=1e-14
        )


def test_with_one_split_the_interval_is_students_of_its_networks():
    ends = np.array(mean_interval(VALUES, np.full(20, 7)))
    assert ends.T.ravel() == pytest.approx(np.ravel([student(values) for values in VALUES.T]), abs=1e-14)
    assert np.array(mean_interval(VALUES, np.arange(20))) == pytest.approx(ends)
    assert units(np.array([4, 2, 4])).tolist() == [1, 0, 1] and units(np.array([4, 4])).tolist() == [0, 1]


def test_an_unbalanced_interval_is_that_of_a_cluster_robust_regression_on_a_constant():
    values = VALUES[:12, 0]
    # The sandwich (X'X)^-1 (sum over splits of X'e e'X) (X'X)^-1 for X = 1, times G / (G - 1).
    residuals = values - values.mean()
    meat = sum(residuals[UNEVEN == split].sum() ** 2 for split in range(3))
    half = stats.t.ppf(0.975, 2) * np.sqrt(3 / 2 * meat) / 12
    assert mean_interval(values, UNEVEN) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-14)


@given(st.lists(st.sampled_from([0.1, 0.25, 0.7, np.nan]), min_size=12, max_size=12))
def test_missing_networks_are_as_if_they_had_not_been_there(values):
    values = np.array(values)
    present = ~np.isnan(values)
    low, high = mean_interval(values, UNEVEN)
    remaining = UNEVEN[present]
    if len(set(remaining)) < 2:
        # What the other splits would have shown cannot be known from one.
        assert np.isnan([low, high]).all()
    else:
        assert (low, high) == pytest.approx(mean_interval(values[present], remaining), abs=1e-12)
        assert low - 1e-12 <= values[present].mean() <= high + 1e-12


def test_columns_of_any_shape_are_treated_alike_and_missing_values_apart():
    values = VALUES.copy()
    values[[0, 7, 8], 1] = np.nan
    low, high = mean_interval(values.reshape(20, 3, 1), SPLITS)
    assert low.shape == high.shape == (3, 1)
    for column in range(3):
        assert (low[column, 0], high[column, 0]) == pytest.approx(mean_interval(values[:, column], SPLITS), abs=1e-14)


def test_equal_values_have_an_interval_without_width_and_one_network_has_none():
    for splits in (np.zeros(7), np.arange(7) // 3):
        assert mean_interval(np.full((7, 2), 0.1), splits)[0].tolist() == [0.1, 0.1]
        assert mean_interval(np.full(7, 0.1), splits)[1] == 0.1
        assert prediction_interval(np.full(7, 0.1), splits) == (0.1, 0.1)
    assert np.isnan(mean_interval(np.array([0.3]), np.array([2]))).all()
    assert np.isnan(prediction_interval(np.array([0.3]), np.array([2]))).all()
    assert np.isnan(means(np.full((2, 1), np.nan))).all()
    assert means(np.array([[np.nan], [0.3]])) == [0.3]


def test_bounded_means_have_the_interval_of_their_logits():
    values = np.array([0.0, 0.0, 0.001, 0.003, 0.02, 0.0])
    low, high = mean_interval(values, np.zeros(6), possible=ACCURACY)
    middle, error = values.mean(), stats.sem(values)
    half = stats.t.ppf(0.975, 5) * error / (middle * (1 - middle))
    odds = middle / (1 - middle) * np.exp([-half, half])
    assert (low, high) == pytest.approx(tuple(odds / (1 + odds)))
    # A difference of -1 to 1 is twice an accuracy, less 1.
    assert mean_interval(2 * values - 1, np.zeros(6), possible=DIFFERENCE) == pytest.approx((2 * low - 1, 2 * high - 1))
    # Far from the bounds it is all but Student's.
    bounded = mean_interval(VALUES / 10 + 0.5, SPLITS, possible=ACCURACY)
    assert np.array(bounded) == pytest.approx(np.array(mean_interval(VALUES / 10 + 0.5, SPLITS)), abs=3e-4)


def test_ends_stay_within_what_is_possible():
    values, splits = np.array([0.0, 0.0, 0.001, 0.3, 0.99, 1.0]), np.zeros(6)
    assert mean_interval(values, splits)[0] < 0 < mean_interval(values, splits, possible=ACCURACY)[0]
    assert mean_interval(values, splits, possible=(0, np.inf))[0] == 0
    low, high = prediction_interval(values, splits)
    assert low < 0 and high > 1
    assert prediction_interval(values, splits, possible=ACCURACY) == (0, 1)
    for bound in (0.0, 1.0):
        assert mean_interval(np.full(6, bound), splits, possible=ACCURACY) == (bound, bound)


def test_the_prediction_interval_is_students_for_one_network_per_unit():
    values = VALUES[:, 0]
    half = stats.t.ppf(0.975, 19) * values.std(ddof=1) * np.sqrt(1 + 1 / 20)
    expected = (values.mean() - half, values.mean() + half)
    assert prediction_interval(values, np.zeros(20)) == pytest.approx(expected)
    assert prediction_interval(values, np.arange(20)) == pytest.approx(expected)


def test_the_prediction_interval_in_loops():
    for splits in (UNEVEN, np.repeat([0, 1, 2], 4)):
        values = VALUES[:12, 1]
        groups = [values[splits == split] for split in range(3)]
        between = 4 / 3 * np.var([group.mean() for group in groups], ddof=1)
        within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (12 - 3)
        within *= 1 - np.mean([1 / len(group) for group in groups])
        freedom = (between + within) ** 2 / (between**2 / 2 + within**2 / 9)
        half = stats.t.ppf(0.95, freedom) * np.sqrt(between + within)
        found = prediction_interval(values, splits, level=0.9)
        assert found == pytest.approx((values.mean() - half, values.mean() + half))


def test_a_prediction_allows_for_the_variance_between_splits():
    # 4 splits x 3 with variances 1 between and 1 within: a new network is 2 + 1/4 + 1/12 from the mean, squared.
    random, splits = np.random.default_rng(3), np.repeat(range(4), 3)
    values = random.normal(size=(4, 40_000))[splits] + random.normal(size=(12, 40_000))
    low, high = prediction_interval(values, splits)
    by_split = values.reshape(4, 3, -1)
    between, within = by_split.mean(axis=1).var(axis=0, ddof=1), by_split.var(axis=1, ddof=1).mean(axis=0)
    assert (5 / 4 * between + 2 / 3 * within).mean() == pytest.approx(2 + 1 / 4 + 1 / 12, rel=0.02)
    new = random.normal(size=40_000) + random.normal(size=40_000)
    assert ((low <= new) & (new <= high)).mean() == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("splits", [np.repeat(range(13), 3), np.repeat(range(3), 13), np.zeros(39)])
def test_many_networks_predict_by_their_ranks(splits):
    values = np.random.default_rng(2).exponential(size=39)
    low, high = prediction_interval(values, splits)
    ranked = (values.min(), values.max())  # one more of 39 falls below all with a chance of 1 in 40
    if len(set(splits)) == 3:
        spread = prediction_interval(values[:-1], splits[:-1])
        assert low <= ranked[0] and high >= ranked[1] and spread[0] < low + 0.5
        assert low < 0
    else:
        assert (low, high) == pytest.approx(ranked)


@given(
    st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=12),
    st.integers(1, 4),
    st.floats(-1, 1),
    st.sampled_from([-2.0, -1.0, 0.5, 3.0]),
)
def test_moving_stretching_and_mirroring_values_does_so_to_every_end(values, count, shift, factor):
    splits, values = np.arange(len(values)) % count, np.array(values)
    for interval in (mean_interval, prediction_interval):
        low, high = interval(values, splits)
        other = interval(shift + factor * values, splits)
        assert other == pytest.approx(sorted((shift + factor * low, shift + factor * high)), abs=1e-9)


# Medians of what is needed.


def test_a_median_of_one_splits_networks_has_about_the_exact_ends_of_a_sign_test():
    needed = np.random.default_rng(4).permutation(np.arange(1.0, 21))
    found = median_needed(needed, np.zeros(20), 200)
    exact = stats.binomtest(10, 20).proportion_ci(0.95, "exact")
    assert found.value == 10.5
    # The 6th and the 15th of 20 hold the median with 95.9 %.
    assert (found.low, found.high) == (6, 15)
    assert exact.low * 20 < 6 and 15 < exact.high * 20 + 1


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        ([1, 2, np.inf], (2, 1, np.inf)),
        ([np.inf] * 5, (np.inf,) * 3),
        ([4.0] * 5, (4, 4, 4)),
        ([1, 2, 3, np.inf, np.inf, np.inf], (np.inf, 1, np.inf)),
        ([1, 2, 3, 4, np.inf, np.inf], (3.5, 1, np.inf)),
    ],
)
def test_a_median_may_be_infinite(needed, expected):
    found = median_needed(np.array(needed), np.zeros(len(needed)), 200)
    assert (found.value, found.low, found.high) == expected


def test_a_median_counts_splits_as_units():
    # Splits differ, networks within one hardly: the ends are those of four splits, hence the extremes.
    needed = np.repeat([10.0, 20.0, 30.0, 40.0], 5) + np.tile(range(5), 4) / 10
    found = median_needed(needed, np.repeat(range(4), 5), 200)
    assert (found.value, found.low, found.high) == (pytest.approx(25.2), 10, 40.4)
    alone = median_needed(needed, np.zeros(20), 200)
    assert 20 <= alone.low and alone.high < 31


# Where curves cross a target.

POINTS = np.array([100, 215, 430, 860.0])


@given(st.lists(st.integers(1, 20), min_size=3, max_size=3), st.integers(1, 60))
def test_a_crossing_on_a_rising_curve_is_that_of_numpy_interp(steps, target):
    curve, target = np.cumsum([0, *steps]) / 60, target / 60
    expected = np.exp(np.interp(target, curve, np.log(POINTS))) if target <= curve[-1] else np.inf
    # Many curves at once are each as if alone.
    together = crossing(POINTS, np.stack([curve, curve[::-1], curve]), target)
    assert together[0] == together[2] == crossing(POINTS, curve, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("curve", "found"),
    [
        ([0.1, 0.2, 0.3, 0.4], np.inf),
        ([0.6, 0.2, 0.3, 0.4], 100),
        ([0.1, 0.5, 0.3, 0.9], 215),
        # Up, down and up again: the first crossing counts.
        ([0.2, 0.8, 0.3, 0.9], 100 * 2.15**0.5),
        ([np.nan] * 4, np.inf),
        ([0.1, np.nan, 0.6, 0.9], 430),
        ([np.nan, 0.4, 0.6, 0.9], np.sqrt(215 * 430)),
    ],
)
def test_hand_worked_crossings(curve, found):
    assert crossing(POINTS, np.array(curve), 0.5) == pytest.approx(found)


def test_the_interval_of_a_crossing_is_where_the_t_test_does_not_reject():
    random = np.random.default_rng(6)
    splits = np.repeat(range(6), 4)
    values = np.array([0.2, 0.4, 0.55, 0.7]) + random.normal(0, 0.1, (24, 4)) + random.normal(0, 0.05, (6, 1))[splits]
    found = crossing_needed(POINTS, values, splits, 0.5)

    def p(log):
        at = np.array([np.interp(log, np.log(POINTS), network) for network in values])
        return stats.ttest_1samp(at.reshape(6, 4).mean(axis=1), 0.5).pvalue - 0.05

    middle = np.log(found.value)
    low, high = (optimize.brentq(p, *ends) for ends in ((np.log(100), middle), (middle, np.log(860))))
    assert np.log([found.low, found.high]) == pytest.approx([low, high], abs=2e-3)
    assert found.limit == 860


def test_a_crossing_that_may_lie_outside_of_what_was_tried_has_an_open_end():
    random, splits = np.random.default_rng(7), np.zeros(10)
    noise = random.normal(0, 0.2, (10, 4))
    found = crossing_needed(POINTS, np.array([0.48, 0.49, 0.51, 0.52]) + noise - noise.mean(axis=0), splits, 0.5)
    assert (found.low, found.high) == (0, np.inf) and 215 < found.value < 430
    never = crossing_needed(POINTS, np.zeros(4) + noise / 100, splits, 0.5)
    assert (never.value, never.low, never.high) == (np.inf,) * 3
    at_once = crossing_needed(POINTS, np.ones(4) + noise / 100, splits, 0.5)
    assert (at_once.value, at_once.low, at_once.high) == (100, 0, 100)


def test_many_curves_at_once_are_as_one_by_one():
    values = np.random.default_rng(8).random((12, 5, 4)) / 2 + np.arange(4) / 5
    values[2, 1, 2] = values[3, 1, 0] = np.nan
    together = crossing_needed(POINTS, values, UNEVEN, 0.6)
    for index in range(5):
        alone = crossing_needed(POINTS, values[:, index], UNEVEN, 0.6)
        for name in ("value", "low", "high"):
            assert getattr(together, name)[index] == pytest.approx(getattr(alone, name))


# Ratios.

INF = np.inf


def needed(value, low, high, limit=200.0):
    return Needed(*map(np.asarray, (value, low, high)), limit)


def test_a_ratio_adds_the_errors_of_logarithms_in_quadrature():
    found = ratio(needed(60.0, 40.0, 100.0), needed(20.0, 15.0, 30.0))
    low = 3 * np.exp(-np.sqrt(np.log(60 / 40) ** 2 + np.log(30 / 20) ** 2))
    high = 3 * np.exp(np.sqrt(np.log(100 / 60) ** 2 + np.log(20 / 15) ** 2))
    assert found == pytest.approx((3, low, high))
    exact = ratio(needed(60.0, 40.0, 100.0), needed(20.0, 20.0, 20.0))
    assert exact == pytest.approx((3, 2, 5))


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        # The rival is never there: at least its limit.
        ((INF, INF, INF, 300), (20, 20, 20), (INF, 15, INF)),
        ((INF, 60, INF, 300), (20, 20, 20), (INF, 3, INF)),
        ((INF, INF, INF), (INF, INF, INF), (np.nan,) * 3),
        ((60, 60, 60), (INF, INF, INF, 100), (0, 0, 0.6)),
        # One may not be there, or be there from the start on: an open end.
        ((60, 50, INF), (20, 20, 20), (3, 2.5, INF)),
        ((60, 60, 60), (20, 15, INF), (3, 0, 4)),
        ((60, 0, 60), (20, 20, 20), (3, 0, 3)),
        # An end that is unknown leaves the ratio's unknown, whatever the other side.
        ((60, np.nan, np.nan), (20, 20, INF), (3, np.nan, np.nan)),
        ((60, 60, 60), (20, 0, 20), (3, 3, INF)),
    ],
)
def test_open_ends_of_ratios(above, below, expected):
    assert ratio(needed(*above), needed(*below)) == pytest.approx(expected, nan_ok=True)


ENDS = st.lists(st.one_of(st.integers(1, 99).map(float), st.just(INF)), min_size=3, max_size=3).map(sorted)


@given(ENDS, ENDS)
def test_swapping_the_two_turns_the_ratio_and_its_interval_over(above, below):
    above, below = (needed(ends[1], ends[0], ends[2], 100.0) for ends in (above, below))
    value, low, high = map(float, ratio(above, below))
    other, other_low, other_high = map(float, ratio(below, above))
    with np.errstate(divide="ignore"):
        assert (value, low, high) == pytest.approx(tuple(1 / np.array([other, other_high, other_low])), nan_ok=True)
    if not np.isnan(value):
        # Up to the rounding of a quotient.
        assert 0 <= low <= value * (1 + 1e-12) and value <= high * (1 + 1e-12)
