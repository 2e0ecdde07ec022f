"""The place of one value among draws, Holm's correction and the two-level bootstrap, against their definitions."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.analysis.statistics import (
    holm,
    interval,
    place,
    resample,
    typicality,
    weighted_means,
    weighted_medians,
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


SPLITS = np.repeat([3, 5, 9], [4, 2, 6])


def naive_bootstrap(splits, random):
    """Indices of one draw: as many splits as there are, then for each as many of its networks as it has."""
    labels = np.unique(splits)
    taken = random.choice(labels, len(labels))
    return np.concatenate([random.choice(np.flatnonzero(splits == s), (splits == s).sum()) for s in taken])


def test_the_bootstrap_draws_means_as_two_nested_loops_do():
    values = np.random.default_rng(1).normal(size=len(SPLITS)) + SPLITS
    random = np.random.default_rng(2)
    naive = np.array([values[naive_bootstrap(SPLITS, random)].mean() for _ in range(4000)])
    ours = weighted_means(resample(SPLITS, 4000), values[:, None])[:, 0]
    error = naive.std() / np.sqrt(4000)
    assert abs(ours.mean() - naive.mean()) < 5 * error
    assert ours.std() == pytest.approx(naive.std(), rel=0.06)
    quantiles = [0.025, 0.2, 0.5, 0.8, 0.975]
    assert np.quantile(ours, quantiles) == pytest.approx(np.quantile(naive, quantiles), abs=0.08 * naive.std() + 0.05)


def test_a_draw_takes_whole_splits_and_networks_within_them():
    weights = resample(SPLITS, 500)
    assert weights.shape == (500, 12)
    assert (weights == weights.round()).all() and weights.min() == 0
    for label, count in zip(*np.unique(SPLITS, return_counts=True), strict=True):
        per_split = weights[:, SPLITS == label].sum(axis=1)
        # Each split as often as not: 0 to 3 times, 1 on average.
        assert set(per_split) == {0, count, 2 * count, 3 * count}
        assert per_split.mean() == pytest.approx(count, rel=0.15)
    # Within a split that is taken, not every network is taken as often as it is there.
    assert weights[:, :4].std(axis=1).max() > 0


def test_one_split_resamples_its_seeds_only_and_one_seed_its_splits_only():
    weights = resample(np.zeros(6), 300)
    assert (weights.sum(axis=1) == 6).all()
    # Six of six with replacement: (1 - 1/6)^6 of them are missing on average.
    assert (weights == 0).mean() == pytest.approx((5 / 6) ** 6, abs=0.03)
    assert (resample(np.arange(6), 300).sum(axis=1) == 6).all()
    assert (resample(np.array([7]), 20) == 1).all()
    with pytest.raises(ValueError, match="no networks"):
        resample(np.array([]))


def test_a_network_keeps_its_weights_wherever_it_stands_and_twice_gives_equal_bits():
    assert resample(SPLITS).tobytes() == resample(SPLITS.copy()).tobytes()
    assert resample(SPLITS).shape == (2000, 12)
    assert not np.array_equal(resample(SPLITS, seed=1), resample(SPLITS, seed=0))
    # The names of the splits and the rows between a split's networks do not matter.
    order = np.array([6, 0, 7, 4, 8, 1, 9, 10, 2, 5, 3, 11])
    assert np.array_equal(resample(SPLITS[order]), resample(SPLITS)[:, order])
    assert np.array_equal(resample(SPLITS + 100), resample(SPLITS))


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.one_of(st.integers(-9, 9).map(float), st.just(np.nan))),
        min_size=1,
        max_size=8,
    )
)
def test_weighted_means_and_medians_are_those_of_the_values_repeated(pairs):
    weights, values = np.array([[w for w, _ in pairs]], dtype=float), np.array([v for _, v in pairs])
    repeated = np.repeat(values, weights[0].astype(int))
    there = repeated[~np.isnan(repeated)]
    mean = weighted_means(weights, values[:, None])[0, 0]
    assert np.isnan(mean) if not len(there) else mean == pytest.approx(there.mean(), abs=1e-12)
    if len(repeated) and not np.isnan(values).any():
        assert weighted_medians(weights, values)[0] == np.median(repeated)


def test_the_mean_of_equal_values_is_exactly_that_value():
    values = np.full((7, 2), 0.1)
    values[3:, 1] = np.nan
    assert (weighted_means(resample(np.zeros(7), 100), values)[:, 0] == 0.1).all()
    one = np.full((3, 1), np.nan)
    one[1] = 0.3
    assert weighted_means(np.ones((1, 3)), one)[0, 0] == 0.3
    assert np.isnan(weighted_means(np.ones((1, 2)), np.full((2, 1), np.nan))).all()


@pytest.mark.parametrize(
    ("values", "median"),
    [
        ([1, np.inf, 2], 2),
        ([1, np.inf], np.inf),
        ([np.inf, np.inf], np.inf),
        ([4, 1], 2.5),
        ([np.inf, 1, np.inf], np.inf),
    ],
)
def test_a_median_may_be_infinite(values, median):
    assert weighted_medians(np.ones((1, len(values))), np.array(values))[0] == median


def test_an_interval_leaves_out_as_many_draws_on_each_side():
    draws = np.random.default_rng(0).permutation(np.arange(2001.0))
    assert interval(draws) == (50, 1950)
    assert interval(np.arange(11.0), level=0.8) == (1, 9)
    assert interval(np.array([5.0])) == (5, 5)
    # Outwards to a draw: a tail too small to hold one leaves none out.
    assert interval(np.arange(20.0)) == (0, 19)


def test_an_interval_may_be_infinite_and_ignores_what_is_missing():
    draws = np.arange(2001.0)
    draws[-60:] = np.inf
    low, high = interval(np.stack([draws, np.full(2001, np.inf), np.full(2001, np.nan)], axis=1))
    assert low[:2].tolist() == [50, np.inf] and high[:2].tolist() == [np.inf, np.inf]
    assert np.isnan([low[2], high[2]]).all()
    draws = np.concatenate([np.full(500, np.nan), np.arange(2001.0)])
    assert interval(draws) == (50, 1950)


def test_an_interval_holds_the_mean_19_times_in_20_and_one_blind_to_splits_does_not():
    random = np.random.default_rng(7)
    splits, repeats = np.repeat(np.arange(15), 4), 300
    values = random.normal(size=(15, repeats)).repeat(4, axis=0) + random.normal(size=(60, repeats))
    covered = {}
    for name, groups in (("two levels", splits), ("one level", np.zeros(60))):
        low, high = interval(weighted_means(resample(groups, 1000), values))
        covered[name] = ((low <= 0) & (high >= 0)).mean()
    # With 15 splits the variance comes out a fifteenth too small.
    assert 0.89 < covered["two levels"] < 0.98
    assert covered["one level"] < 0.82
