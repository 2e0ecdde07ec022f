"""Cost to target on made-up histories, by hand and against np.interp."""

import numpy as np
import pandas as pd
import pytest
from helpers.histories import EVALUATIONS, STEP, history, solo
from helpers.scripts import call
from helpers.synthetic import PAIRS, at

from symmetry_constrained.analysis.cost_to_target import COLUMNS, cost_to_target, evaluations_needed


def cost(table, target=0.5, timings=None):
    found = cost_to_target(table, {"digits": [target]}, timings)
    assert list(found) == COLUMNS
    assert len(found) == 1
    return found.iloc[0]


def test_one_network_by_hand():
    # Half of the way from 0.4 at 21 to 0.6 at 52 evaluations.
    row = cost(history([[0.1, 0.4, 0.6, 0.7, 0.8]], features="square"), 0.5, solo(features="square"))
    assert row["evaluations"] == pytest.approx(36.5)
    # The map: one product for each of 64 pixels of 1,000 images.
    assert row["flop"] == pytest.approx(64_000 + 36_500)
    assert row["seconds"] == pytest.approx(0.5 + 0.365)
    assert (row["reached"], row["n"], row["at_most"], row["parameters"]) == (1, 1, False, 765)
    assert row[["evaluations_low", "flop_high", "seconds_low"]].isna().all()


@pytest.mark.parametrize(
    ("accuracies", "target", "expected"),
    [
        ([0.1, 0.4, 0.6, 0.7, 0.8], 0.6, 52),
        ([0.1, 0.4, 0.6, 0.7, 0.8], 0.8, 201),
        ([0.1, 0.4, 0.6, 0.7, 0.8], 0.81, np.inf),
        # The first time counts.
        ([0.1, 0.5, 0.2, 0.7, 0.8], 0.3, 16),
        # There from the first checkpoint on: known no better.
        ([0.6, 0.4, 0.6, 0.7, 0.8], 0.5, 11),
        ([0.3, 0.3, 0.3, 0.3, 0.3], 0.3, 11),
    ],
)
def test_the_evaluations_of_one_network(accuracies, target, expected):
    assert evaluations_needed(history([accuracies]), target).tolist() == [pytest.approx(expected)]


def test_evaluations_on_rising_courses_are_those_of_numpy_interp():
    random = np.random.default_rng(0)
    courses = np.sort(random.random((6, 5)), axis=1)
    found = evaluations_needed(history(courses).sort_values(["split", "seed", "evaluations"]), 0.6)
    expected = [np.interp(0.6, c, EVALUATIONS) if c[-1] >= 0.6 else np.inf for c in courses]
    assert found.tolist() == pytest.approx(expected, rel=1e-12)
    assert found.index.droplevel(list(range(8))).tolist() == PAIRS


def test_both_accuracies_have_to_be_there():
    table = history([[0.1, 0.4, 0.6, 0.7, 0.8]])
    table["test_accuracy"], table["inverted_accuracy"] = table["inverted_accuracy"], 0.9
    assert cost(table)["evaluations"] == pytest.approx(36.5)
    assert np.isnan(cost(table.assign(inverted_accuracy=0.4))["evaluations"])


def test_the_median_and_its_interval():
    courses = np.sort(np.random.default_rng(2).random((6, 5)), axis=1) + 0.3
    row = cost(history(courses), 0.6)
    needed = np.sort([np.interp(0.6, course, EVALUATIONS) for course in courses])
    assert row["evaluations"] == pytest.approx(np.median(needed))
    # Three splits say little of a median: its interval ends with the extremes.
    assert (row["evaluations_low"], row["evaluations_high"]) == pytest.approx((needed[0], needed[-1]))
    assert row["flop_high"] == pytest.approx(STEP * row["evaluations_high"])


UP, DOWN = [0.1, 0.4, 0.6, 0.7, 0.8], [0.1, 0.1, 0.2, 0.2, 0.2]


@pytest.mark.parametrize(("up", "reached"), [(0, 0), (2, 1 / 3), (3, 1 / 2)])
def test_no_median_where_half_of_the_networks_or_more_do_not_get_there(up, reached):
    row = cost(history([UP] * up + [DOWN] * (6 - up)), 0.5, solo())
    assert row["reached"] == pytest.approx(reached)
    assert row[COLUMNS[COLUMNS.index("evaluations") : -1]].isna().all()
    assert row["n"] == 6


def test_an_interval_that_may_have_no_end_is_open():
    row = cost(history([UP] * 4 + [DOWN] * 2), 0.5, solo())
    assert row["evaluations"] == pytest.approx(36.5) == row["evaluations_low"]
    assert row[["evaluations_high", "flop_high", "seconds_high"]].isna().all()


def test_a_median_that_is_an_upper_limit_says_so():
    early = [0.7, 0.7, 0.8, 0.8, 0.8]
    assert not cost(history([early] * 2 + [UP] * 4))["at_most"]
    row = cost(history([early] * 3 + [UP] * 3))
    assert row["at_most"] and row["evaluations"] == (11 + 36.5) / 2


def test_only_networks_trained_on_the_largest_fraction_count():
    part = history([DOWN] * 6).assign(fraction=0.5, n_train=500)
    assert cost(at(part, history([UP] * 6)))["n_train"] == 1000
    assert cost(part)["n_train"] == 500
    assert list(cost_to_target(part, {"mnist": [0.5]})) == COLUMNS


def test_cells_are_priced_apart_and_the_order_of_rows_does_not_matter():
    table = at(
        history([UP] * 6, features="quadratic", network="bias-free", hidden_layers="4"),
        history([UP] * 6, training_set="augmented"),
        history([UP] * 6, features="canonical").assign(study="other"),
    )
    timings = at(solo(training_set="augmented"), solo(features="canonical"))
    found = cost_to_target(table, {"digits": [0.5, 0.6]}, timings)
    rows = found.set_index(["features", "target"])
    assert len(found) == 6
    # 2,080 features: 4 · 2080 + 10 · 4 weights.
    assert rows.loc[("quadratic", 0.5), "parameters"] == 8360
    assert rows.loc[("quadratic", 0.5), "flop"] == pytest.approx(2080 * 1000 + 36_500)
    # ±X: the feature map is free, and an evaluation costs what the history says.
    assert rows.loc[("identity", 0.5), "flop"] == pytest.approx(36_500)
    assert rows.loc[("identity", 0.6), "seconds"] == pytest.approx(0.5 + 0.52)
    # Timed in one study, trained in another.
    assert rows.loc["canonical"]["seconds"].isna().all()
    again = cost_to_target(table.sample(frac=1, random_state=1), {"digits": [0.5, 0.6]}, timings)
    pd.testing.assert_frame_equal(again, found, check_exact=True)


def test_a_cell_timed_twice_a_missing_column_and_an_unknown_dataset_are_refused():
    table = history([UP])
    with pytest.raises(ValueError, match="timed twice: made-up, digits, clean, biased, identity, original, 10-5, 1000"):
        cost(table, 0.5, at(solo(), solo()))
    with pytest.raises(ValueError, match="solo timings: the column feature_seconds is missing"):
        cost(table, 0.5, solo().drop(columns="feature_seconds"))
    with pytest.raises(ValueError, match="history: the column seed is missing"):
        cost(table.drop(columns="seed"))
    with pytest.raises(ValueError, match="dataset: 'letters' is unknown"):
        cost_to_target(table.assign(dataset="letters"), {"letters": [0.5]})


def test_the_script_reads_several_tables_of_each_kind(tmp_path):
    for number, features in enumerate(("square", "permuted")):
        history([UP] * 6, features=features).to_csv(tmp_path / f"history{number}.csv", index=False)
        solo(features=features).to_csv(tmp_path / f"solo{number}.csv", index=False)
    files = {kind: [tmp_path / f"{kind}{number}.csv" for number in range(2)] for kind in ("history", "solo")}
    out = tmp_path / "out.csv"
    options = ("--history", *files["history"], "--target", "digits=0.5", "--out", out)
    assert call("cost_to_target", *options, "--solo", *files["solo"]) == (0, "")
    timed = pd.read_csv(out)
    assert timed["seconds"].tolist() == pytest.approx([0.865] * 2)
    assert call("cost_to_target", *options) == (0, "")
    untimed = pd.read_csv(out)
    assert untimed["seconds"].isna().all()
    assert untimed["evaluations"].tolist() == timed["evaluations"].tolist()
