"""The place of one value among draws, Holm's correction and equal means, against their definitions."""

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from symmetry_constrained.analysis.statistics import (
    difference_in_pairs,
    difference_of_means,
    holm,
    p_value,
    paired_mean,
    place,
    typicality,
)


def naive_place(value, draws):
    """percentile and p in exact arithmetic, a tie counting half on each side."""
    below = sum(Fraction(1) for a in draws if a < value) + sum(Fraction(1, 2) for a in draws if a == value)
    above = len(draws) - below
    p = min(Fraction(1), 2 * min(1 + below, 1 + above) / (len(draws) + 1))
    return 100 * below / len(draws), p


@given(st.integers(0, 12), st.lists(st.integers(0, 12), min_size=1, max_size=60))
def test_p_is_the_rank_probability_with_ties_counted_half(value, draws):
    found = place(value / 8, np.array(draws) / 8)
    percentile, p = naive_place(value, draws)
    assert found.percentile == pytest.approx(float(percentile), abs=1e-12)
    assert found.p == pytest.approx(float(p), abs=1e-15)
    assert found.n == len(draws)
    assert found.median == np.median(np.array(draws) / 8)


@pytest.mark.parametrize(
    ("value", "draws", "p", "percentile"),
    [
        # 2 (1 + 0) / (4 + 1): below all of four.
        (0.0, [1, 2, 3, 4], 0.4, 0),
        (9.0, [1, 2, 3, 4], 0.4, 100),
        # Two on each side: 2 (1 + 2) / 5 is above 1.
        (2.5, [1, 2, 3, 4], 1.0, 50),
        # One below, and half of a tie: 2 (1 + 1.5) / 7.
        (2.0, [1, 2, 3, 4, 5, 6], 5 / 7, 25),
        # All tied.
        (1.0, [1, 1, 1], 1.0, 50),
        # 2 · 1 / 100
        (-1.0, range(99), 0.02, 0),
    ],
)
def test_hand_worked_places(value, draws, p, percentile):
    found = place(value, np.array(list(draws), dtype=float))
    assert found.p == pytest.approx(p, abs=1e-15)
    assert found.percentile == pytest.approx(percentile)


def test_values_are_compared_as_they_were_published_but_summarised_as_they_are():
    draws = np.array([0.8386, 0.8394, 0.8395999, 0.84])
    assert place(0.839, draws, decimals=3).percentile == 25
    assert place(0.839, draws).percentile == 25
    # The first two round to 0.839: two ties and two above.
    assert place(0.839, draws, decimals=3).p == pytest.approx(2 * (1 + 1) / 5)
    # Exactly, one is below and three above.
    assert place(0.839, draws).p == pytest.approx(2 * (1 + 1) / 5)
    assert place(0.8390001, draws, decimals=3).p == place(0.839, draws, decimals=3).p
    tied = np.array([0.8389, 0.8391, 0.8392, 0.8393])
    assert (place(0.839, tied, decimals=3).percentile, place(0.839, tied).percentile) == (50, 25)
    assert place(0.839, tied, decimals=3).median == pytest.approx(0.83915, abs=1e-12)


def test_low_and_high_hold_the_central_95_percent():
    draws = np.random.default_rng(0).permutation(np.arange(1001)) / 1000
    found = place(0.5, draws)
    assert (found.low, found.median, found.high) == pytest.approx((0.025, 0.5, 0.975), abs=1e-12)
    inside = ((draws >= found.low) & (draws <= found.high)).mean()
    assert inside == pytest.approx(0.95, abs=0.001)


@pytest.mark.parametrize("draws", [[], [0.5, np.nan], [np.inf, 0.5]])
def test_no_draws_or_one_that_is_not_finite_has_no_place(draws):
    with pytest.raises(ValueError, match="at least one draw, and finite ones"):
        place(0.5, np.array(draws))


@pytest.mark.parametrize(
    ("value", "n", "verdict"),
    [(-1, 39, "unlucky"), (99, 39, "lucky"), (-1, 38, "too few draws"), (99, 38, "too few draws"), (19, 39, "typical")],
)
def test_typical_ends_where_p_reaches_5_percent(value, n, verdict):
    # Outside all 39 draws, p = 2 / 40: the central 95 % ends there. Outside 38 says less.
    assert typicality(place(value, np.arange(n, dtype=float))) == verdict


def test_a_draw_like_the_others_is_found_untypical_once_in_twenty_times():
    random = np.random.default_rng(20)
    draws = random.normal(size=(4000, 100))
    verdicts = [typicality(place(row[0], row[1:])) for row in draws]
    outside = len(verdicts) - verdicts.count("typical")
    # p <= 0.05 on the ranks 1, 2, 99 and 100 of 100: 4 %, since 5 % is no whole number of ranks.
    assert abs(outside / 4000 - 0.04) < 4 * np.sqrt(0.04 * 0.96 / 4000)
    assert abs(verdicts.count("lucky") - verdicts.count("unlucky")) < 4 * np.sqrt(outside)
    # With 39 others it is a whole number: 5 %.
    verdicts = [typicality(place(row[0], row[1:40])) for row in draws]
    assert abs(1 - verdicts.count("typical") / 4000 - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)


def test_holm_hand_worked():
    # Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1, then never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([0.2]) == pytest.approx([0.2])
    assert len(holm([])) == 0


@given(st.lists(st.integers(1, 40).map(lambda k: k / 40), min_size=1, max_size=6))
def test_holm_is_the_closed_test_of_bonferronis(p):
    # A hypothesis is rejected at the level where every set with it is: its largest Bonferroni p-value over such sets.
    m = len(p)
    sets = [s for size in range(1, m + 1) for s in itertools.combinations(range(m), size)]
    expected = [max(min(1.0, len(s) * min(p[i] for i in s)) for s in sets if index in s) for index in range(m)]
    assert holm(p) == pytest.approx(expected, abs=1e-12)


def test_means_within_a_hundredth_or_an_interval_that_holds_0_count_as_equal():
    splits = np.repeat(range(5), 4)
    noise = np.random.default_rng(0).normal(0, 0.02, 20)
    for shift, equal in ((0.0, True), (0.1, False), (-0.1, False)):
        values = shift + noise - noise.mean()
        mean, low, high, found = paired_mean(pd.Series(values), splits)
        expected = stats.ttest_1samp(values.reshape(5, 4).mean(axis=1), 0).confidence_interval()
        assert mean == pytest.approx(shift, abs=1e-12) and found is equal
        assert (low, high) == pytest.approx(tuple(expected), abs=2e-4)
    assert paired_mean(pd.Series([0.009] * 4), np.zeros(4)) == (0.009, 0.009, 0.009, True)
    assert not paired_mean(pd.Series([0.011] * 4), np.zeros(4))[3]
    assert paired_mean(pd.Series([0.1, 0.2, -0.2, 0.1]), np.zeros(4))[3]


def by_split(values, splits):
    return np.array([values[splits == split].mean(axis=0) for split in np.unique(splits)])


def agrees(found, expected):
    low, high = expected.confidence_interval()
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.value - found.half == pytest.approx(low, rel=1e-9)
    assert found.value + found.half == pytest.approx(high, rel=1e-9)


def test_differences_of_two_runs_are_student_s_and_welch_s_on_the_means_of_splits():
    """Three quantities over ten splits of four networks, and over six of five; SciPy's tests of their split means."""
    random = np.random.default_rng(5)
    splits, others = np.repeat(np.arange(10), 4), np.repeat(np.arange(20, 26), 5)
    ours, theirs = random.normal(0.2, 1, (40, 3)), random.normal(0, 3, (30, 3))
    pairs = difference_in_pairs(ours, splits)
    agrees(pairs, stats.ttest_1samp(by_split(ours, splits), 0))
    together = difference_of_means(ours, splits, theirs, others)
    agrees(together, stats.ttest_ind(by_split(ours, splits), by_split(theirs, others), equal_var=False))
    # With a single split its networks are the units.
    single = difference_of_means(ours, np.zeros(40), theirs, np.zeros(30))
    agrees(single, stats.ttest_ind(ours, theirs, equal_var=False))


def test_differences_without_spread_are_certain_and_single_networks_have_no_interval():
    nothing = difference_in_pairs(np.zeros((6, 1)), np.arange(6))
    assert (nothing.value, nothing.half, nothing.p) == (0, 0, 1)
    ones, splits = np.ones((6, 1)), np.arange(6)
    assert difference_in_pairs(ones, splits).p == 0
    assert difference_of_means(ones, splits, ones, splits).p == 1
    assert difference_of_means(ones, splits, 2 * ones, splits).p == 0
    assert np.isnan(difference_in_pairs(ones[:1], splits[:1]).p)
    assert np.isnan(difference_of_means(ones[:1], splits[:1], ones, splits).p)
    # At the end of a 95 % interval p is 5 %, on either side.
    assert p_value(np.array([0.3, -0.3]), 0.3, 9) == pytest.approx([0.05, 0.05])
