"""Contrasts against loops over pairs, and their intervals against SciPy."""

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import PAIRS, networks
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

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


def test_the_intervals_are_students_of_the_split_means():
    random = np.random.default_rng(3)
    splits = np.repeat([0, 1, 2, 3], 5)
    values = random.normal(0.3, 0.1, 20) + random.normal(0, 0.1, 4)[splits]
    found = of_pairs(series(values, splits))
    assert found.effect == pytest.approx(values.mean())
    assert found.n == 20
    test = stats.ttest_1samp(values.reshape(4, 5).mean(axis=1), 0)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert (found.low90, found.high90) == pytest.approx(tuple(test.confidence_interval(0.90)))


def test_differences_of_accuracies_stay_within_what_they_can_be():
    few = of_pairs(series([0.9, 1.0, 0.2, 0.9]), possible=(-1.0, 1.0))
    assert few.high < 1 and few.high90 < 1 and few.prediction_high == 1
    # An accuracy less 0.1 is at least -0.1.
    near = of_pairs(series([-0.1, -0.1, -0.1, -0.06]), possible=(-0.1, 0.9))
    assert -0.1 < near.low < near.effect < near.high and near.prediction_low == -0.1


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


def test_the_interval_of_a_ratio_adds_the_errors_of_both_medians():
    random = np.random.default_rng(6)
    left, right = random.uniform(20, 60, 12), random.uniform(50, 190, 12)
    found = of_ratio(series(left), series(right), PRICES, (200, 200))
    effect = 3 * np.median(right) / (5 + 2 * np.median(left))
    assert (found.effect, found.n) == (pytest.approx(effect), 12)
    for level, low, high in ((0.95, found.low, found.high), (0.90, found.low90, found.high90)):
        half = stats.t.ppf((1 + level) / 2, 11) * 0.5 / np.sqrt(11)  # of the share below the median
        place = int(12 * (0.5 - half))
        cheap, dear = (np.log(sorted(cost)) for cost in (5 + 2 * left, 3 * right))
        below, above = ([cost[place] - np.median(cost), cost[-1 - place] - np.median(cost)] for cost in (cheap, dear))
        # The logarithm of a median of two is not the median of the logarithms.
        assert np.log([low / effect, high / effect]) == pytest.approx(
            [-np.hypot(above[0], below[1]), np.hypot(above[1], below[0])], abs=0.02
        )
    assert found.low <= found.low90 < found.effect < found.high90 <= found.high


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
    # Its median may be below the budget: the low end is that of the median.
    mixed = of_ratio(series([20.0] * 7), series([60.0] * 3 + [INF] * 4), EACH, (100, 300))
    assert mixed.effect == INF == mixed.high
    assert mixed.low == pytest.approx(60 / 20)


def test_a_model_that_never_gets_there_has_a_high_end_from_its_own_budget():
    found = of_ratio(series([INF] * 5), series([60.0] * 5), EACH, (100, 300))
    assert (found.effect, found.low, found.high) == (0, 0, 60 / 100)


def test_a_median_that_may_not_be_reached_leaves_an_open_end():
    left, right = [10.0, 10.0, 10.0, INF, INF], [40.0] * 5
    found = of_ratio(series(left), series(right), EACH, (100, 300))
    assert (found.effect, found.low, found.high) == (4, 0, 4)


def test_where_neither_gets_there_nothing_is_known():
    found = of_ratio(series([INF] * 5), series([INF] * 5), EACH, (100, 300))
    assert np.isnan([found.effect, found.low, found.high]).all() and found.n == 5
    # Each may not: every ratio is possible.
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
