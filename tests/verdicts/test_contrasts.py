"""Contrasts against loops over pairs and draws; intervals by how often they hold what they should."""

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import PAIRS, networks
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from symmetry_constrained.verdicts import contrasts
from symmetry_constrained.verdicts.contrasts import Contrast, by_pair, differences, of_pairs, of_ratio, select

ENDS = ["low", "high", "low90", "high90"]


def series(values, splits=None):
    """Values (N,) indexed by (split, seed); one split unless told."""
    splits = np.zeros(len(values), dtype=int) if splits is None else splits
    return pd.Series(values, pd.MultiIndex.from_arrays([splits, range(len(values))], names=["split", "seed"]))


# Choosing rows and pairing them.


def test_select_matches_every_column_and_numbers_up_to_rounding():
    table = pd.DataFrame({"a": ["x", "x", "y"], "fraction": [0.1 + 0.2, 0.5, 0.3], "seed": [1, 2, 3]})
    assert select(table, {"a": "x"})["seed"].tolist() == [1, 2]
    assert select(table, {"fraction": 0.3})["seed"].tolist() == [1, 3]
    assert select(table, {"fraction": 0.3, "a": "x", "seed": 1})["seed"].tolist() == [1]
    assert select(table, {"a": "z", "fraction": 0.5}).empty
    assert select(table, {}).equals(table)
    with pytest.raises(ValueError, match="the column b is missing; there are a, fraction, seed"):
        select(table, {"a": "x", "b": 1})


def test_pairs_are_the_differences_of_the_networks_both_cells_have():
    random = np.random.default_rng(0)
    left = networks(pairs=PAIRS[:5], test_accuracy=random.random(5)).sample(frac=1, random_state=1)
    right = networks(pairs=PAIRS[1:], inverted_accuracy=random.random(5)).sample(frac=1, random_state=2)
    left.loc[left["seed"].eq(4) & left["split"].eq(1), "test_accuracy"] = np.nan
    found = differences(by_pair(left, "test_accuracy"), by_pair(right, "inverted_accuracy"))
    naive = {}
    for _, one in left.iterrows():
        for _, other in right.iterrows():
            if (one["split"], one["seed"]) == (other["split"], other["seed"]) and one["test_accuracy"] >= 0:
                naive[one["split"], one["seed"]] = one["test_accuracy"] - other["inverted_accuracy"]
    assert len(naive) == 3
    assert found.to_dict() == pytest.approx(naive)
    assert found.index.tolist() == sorted(naive)


def test_a_number_stands_for_either_cell():
    values = by_pair(networks(test_accuracy=np.arange(6) / 10), "test_accuracy")
    assert differences(values, 0.5).tolist() == pytest.approx([-0.5, -0.4, -0.3, -0.2, -0.1, 0])
    assert differences(0.5, values).tolist() == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1, 0])


def test_a_pair_that_stands_twice_and_a_missing_column_are_refused():
    with pytest.raises(ValueError, match="split 1, seed 7 is twice"):
        by_pair(networks(pairs=[*PAIRS, PAIRS[3]]), "test_accuracy")
    with pytest.raises(ValueError, match="the column accuracy is missing; there are study,"):
        by_pair(networks(), "accuracy")
    with pytest.raises(ValueError, match="the column seed is missing"):
        by_pair(networks().drop(columns="seed"), "test_accuracy")


# Differences.


def test_the_interval_is_a_bootstrap_written_as_two_loops_and_widened_by_hand():
    random = np.random.default_rng(3)
    splits = np.repeat([0, 1, 2, 3], 5)
    values = random.normal(0.3, 0.1, 20) + random.normal(0, 0.1, 4)[splits]
    found = of_pairs(series(values, splits))
    means = []
    for _ in range(4000):
        taken = [random.choice(values[splits == split], 5) for split in random.integers(0, 4, 4)]
        means.append(np.mean(taken))
    assert found.effect == pytest.approx(values.mean())
    assert found.n == 20
    for level, low, high in ((0.95, found.low, found.high), (0.90, found.low90, found.high90)):
        tail = (1 - level) / 2
        # 4 splits; 20 pairs.
        factor = np.sqrt(4 / 3) * stats.t.ppf(1 - tail, 19) / stats.norm.ppf(1 - tail)
        ends = found.effect + factor * (np.quantile(means, [tail, 1 - tail]) - found.effect)
        # Two bootstraps of 2,000 and 4,000 draws differ by about a twentieth of the half-width.
        assert (low, high) == pytest.approx(ends, abs=0.1 * (high - low))


@pytest.mark.parametrize(
    ("splits", "units", "freedom"),
    [([0, 0, 0, 0], 4, 3), ([0, 0, 1, 1], 2, 3), ([0, 1, 2, 3, 4], 5, 4), ([7, 7], 2, 1), ([0] * 9 + [1], 2, 9)],
)
def test_widening_counts_splits_where_there_are_several_and_networks_where_there_is_one(splits, units, freedom):
    expected = np.sqrt(units / (units - 1)) * stats.t.ppf(0.975, freedom) / 1.959963984540054
    assert contrasts.widening(np.array(splits), 0.95) == pytest.approx(expected)


@pytest.mark.parametrize(("splits", "seeds"), [(1, 3), (5, 4), (5, 1), (1, 20)])
def test_the_interval_holds_the_truth_about_19_times_in_20_also_with_few_networks(splits, seeds):
    random = np.random.default_rng(splits * 100 + seeds)
    label, held, narrow, trials = np.repeat(range(splits), seeds), 0, 0, 200
    for _ in range(trials):
        found = of_pairs(series(random.normal(0.5, 0.1, splits * seeds), label))
        held += found.low <= 0.5 <= found.high
        narrow += found.low90 <= 0.5 <= found.high90
    # The binomial error of 200 trials is 0.015 to 0.02. Three networks have few different draws.
    assert held / trials > (0.85 if splits * seeds == 3 else 0.92)
    assert narrow < held


@pytest.mark.parametrize("n", [2, 4, 12, 38, 39, 60, 100])
def test_one_more_pair_falls_into_the_prediction_interval_19_times_in_20(n):
    random = np.random.default_rng(n)
    held = 0
    for values in random.normal(0.5, 0.1, (2000, n + 1)):
        low, high = contrasts._prediction(values[:-1])
        held += low <= values[-1] <= high
    # Three binomial errors of 2,000 trials.
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_prediction_interval_by_hand():
    few = np.array([0.1, 0.2, 0.4])
    found = of_pairs(series(few))
    half = 4.302652729911275 * np.sqrt(np.var(few, ddof=1) * (1 + 1 / 3))
    assert (found.prediction_low, found.prediction_high) == pytest.approx((few.mean() - half, few.mean() + half))
    many = np.random.default_rng(1).exponential(size=79)
    found = of_pairs(series(many))
    # One more falls before the second of 79 with a chance of 2 in 80.
    assert (found.prediction_low, found.prediction_high) == pytest.approx(tuple(np.sort(many)[[1, -2]]))


def test_without_pairs_there_is_no_effect_and_one_pair_has_no_interval():
    assert np.isnan(of_pairs(series([])).effect) and of_pairs(series([])).n == 0
    one = of_pairs(series([0.25]))
    assert (one.effect, one.n) == (0.25, 1)
    assert np.isnan([one.low, one.high, one.low90, one.high90, one.prediction_low, one.prediction_high]).all()


def test_equal_differences_have_an_interval_without_width():
    found = of_pairs(series([0.1] * 7, [0, 0, 0, 1, 1, 1, 1]))
    for name in (*ENDS, "prediction_low", "prediction_high"):
        assert getattr(found, name) == pytest.approx(0.1, abs=1e-15)


@given(
    st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=12),
    st.integers(1, 4),
    st.floats(-1, 1),
    st.sampled_from([-2.0, -1.0, 0.5, 3.0]),
)
def test_moving_stretching_and_mirroring_the_pairs_does_so_to_every_end(values, count, shift, factor):
    splits = np.arange(len(values)) % count
    own = of_pairs(series(np.array(values), splits))
    other = of_pairs(series(shift + factor * np.array(values), splits))
    assert other.effect == pytest.approx(shift + factor * own.effect, abs=1e-9)
    assert own.low - 1e-12 <= own.effect <= own.high + 1e-12
    assert own.prediction_low - 1e-12 <= own.effect <= own.prediction_high + 1e-12
    for low, high in (("low", "high"), ("low90", "high90"), ("prediction_low", "prediction_high")):
        ends = sorted(shift + factor * getattr(own, name) for name in (low, high))
        assert [getattr(other, low), getattr(other, high)] == pytest.approx(ends, abs=1e-9)


def test_twice_gives_equal_bits_in_whatever_order_the_pairs_come():
    values = np.random.default_rng(5).random(12)
    table = networks(pairs=[(split, seed) for split in range(3) for seed in range(4)], test_accuracy=values)
    once, again = (of_pairs(differences(by_pair(rows, "test_accuracy"), 0.5)) for rows in (table, table.iloc[::-1]))
    assert again == once


# Ratios of costs.

PRICES = ((5.0, 2.0), (0.0, 3.0))  # once, each evaluation


def test_the_ratio_is_of_the_medians_priced():
    left, right = series([10.0, 20.0, 30.0]), series([40.0, 60.0, 100.0])
    assert of_ratio(left, right, PRICES, (200, 200)).effect == pytest.approx(3 * 60 / (5 + 2 * 20))


def test_the_interval_of_a_ratio_is_a_bootstrap_written_as_loops():
    random = np.random.default_rng(6)
    splits = np.repeat([0, 1, 2], 4)
    left, right = random.uniform(20, 60, 12), random.uniform(50, 190, 12)
    found = of_ratio(series(left, splits), series(right, splits), PRICES, (200, 200))
    drawn = []
    for _ in range(4000):
        taken = np.concatenate([random.choice(np.flatnonzero(splits == s), 4) for s in random.integers(0, 3, 3)])
        drawn.append(3 * np.median(right[taken]) / (5 + 2 * np.median(left[taken])))
    for tail, low, high in ((0.025, found.low, found.high), (0.05, found.low90, found.high90)):
        assert (low, high) == pytest.approx(np.quantile(drawn, [tail, 1 - tail]), rel=0.1)
    assert found.low <= found.low90 < found.effect < found.high90 <= found.high
    assert found.n == 12


def test_only_networks_of_both_cells_count_and_none_twice():
    left, right = series([10.0, 20.0, 1000.0]), series([40.0, 60.0])
    found = of_ratio(left, right, ((0, 1), (0, 1)), (200, 200))
    assert (found.effect, found.n) == (50 / 15, 2)
    assert of_ratio(left.iloc[2:], right, PRICES, (200, 200)) == pytest.approx(Contrast(np.nan), nan_ok=True)
    twice = pd.concat([right, right.iloc[:1]])
    for sides in ((left, twice), (twice, left)):
        with pytest.raises(ValueError, match="split 0, seed 0 is twice"):
            of_ratio(*sides, PRICES, (200, 200))


INF = np.inf
EACH = ((0.0, 1.0), (0.0, 1.0))


def test_a_rival_that_never_gets_there_leaves_a_low_end_from_its_budget():
    found = of_ratio(series([20.0] * 5), series([INF] * 5), EACH, (100, 300))
    assert (found.effect, found.low, found.high) == (INF, 300 / 20, INF)
    # In most draws it does not: the low end is from those in which it does.
    mixed = of_ratio(series([20.0] * 6), series([60.0] + [INF] * 5), EACH, (100, 300))
    assert mixed.effect == INF == mixed.high
    assert 60 / 20 <= mixed.low <= 300 / 20


def test_a_model_that_never_gets_there_has_a_high_end_from_its_own_budget():
    found = of_ratio(series([INF] * 5), series([60.0] * 5), EACH, (100, 300))
    assert (found.effect, found.low, found.high) == (0, 0, 60 / 100)


def test_draws_in_which_the_model_does_not_get_there_are_not_left_out():
    # Two networks in five fail, so in about a third of the draws so does their median.
    left, right = [10.0, 10.0, 10.0, INF, INF], [40.0] * 5
    found = of_ratio(series(left), series(right), EACH, (100, 300))
    assert (found.effect, found.low, found.high) == (4, 0, 4)


def test_where_neither_gets_there_nothing_is_known():
    found = of_ratio(series([INF] * 5), series([INF] * 5), EACH, (100, 300))
    assert np.isnan([found.effect, found.low, found.high]).all() and found.n == 5
    # In some draws only: they hold every ratio.
    found = of_ratio(series([20.0] * 3 + [INF] * 2), series([60.0] * 3 + [INF] * 2), EACH, (100, 300))
    assert (found.effect, found.low, found.high) == (3, 0, INF)


def test_one_network_has_a_ratio_without_an_interval():
    found = of_ratio(series([20.0]), series([60.0]), EACH, (100, 300))
    assert (found.effect, found.n) == (3, 1)
    assert np.isnan([getattr(found, name) for name in ENDS]).all()


COSTS = st.lists(st.tuples(*[st.one_of(st.integers(1, 100).map(float), st.just(INF))] * 2), min_size=5, max_size=9)


@given(COSTS, st.integers(1, 3))
def test_swapping_the_two_turns_the_ratio_and_its_interval_over(costs, count):
    splits = np.arange(len(costs)) % count
    left, right = (series(np.array(side), splits) for side in zip(*costs, strict=True))
    own, other = of_ratio(left, right, PRICES, (100, 120)), of_ratio(right, left, PRICES[::-1], (120, 100))
    # inf and 0 are each other's inverse.
    with np.errstate(divide="ignore"):
        turned = 1 / np.array([other.effect, other.high, other.low, other.high90, other.low90])
    found = [own.effect, own.low, own.high, own.low90, own.high90]
    assert found == pytest.approx(turned, nan_ok=True, rel=1e-12)
    if not np.isnan(own.effect):
        assert own.low <= own.low90 <= own.high90 <= own.high
