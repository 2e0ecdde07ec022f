"""Equal terms on hand-made courses: what each network has when it has done, or paid, as much as its rival on ±X."""

import numpy as np
import pandas as pd
import pytest
from helpers.histories import history, solo
from helpers.rivals import OWN_COURSE, RIVAL_COURSE, as_good_on_both, own, rival
from helpers.synthetic import at
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.analysis.equal_terms import COLUMNS, COURSE, accuracy_at, equal_terms


def compared(*tables, iterations=100, timings=None):
    timings = solo(features="nothing") if timings is None else timings
    found = equal_terms(at(*tables), timings, iterations)
    assert list(found) == COLUMNS
    return found


def by_terms(found):
    return found.set_index("terms")[["accuracy", "rival_accuracy"]].T.to_dict("list")


def test_a_pair_by_hand():
    timings = at(solo(features="canonical"), solo(training_set="augmented").assign(n_train=2000, feature_seconds=0.0))
    timings["seconds_per_evaluation"] = [0.01, 0.015]
    found = by_terms(compared(own(), rival(), timings=timings))
    # The rival stands at 0.5 after 100 iterations, for which it has done 101 evaluations.
    assert found["iterations"] == [0.7, 0.5]
    assert found["evaluations"] == pytest.approx([0.7, 0.5])
    # 202,000 FLOP less two for each of 64 · 1,000 features leave 74 evaluations: 22 of 49 from 0.6 to 0.7.
    assert found["FLOP"] == pytest.approx([0.6 + 0.1 * 22 / 49, 0.5])
    # 1.515 s less half a second for the features leave 101.5 evaluations.
    assert found["seconds"] == pytest.approx([0.7 + 0.1 * 0.5 / 100, 0.5])
    assert found["whole budget"] == [0.8, 0.6]


def test_the_last_checkpoint_within_the_iterations_counts():
    for iterations, expected in ((10, [0.2, 0.1]), (50, [0.4, 0.2]), (51, [0.6, 0.3]), (10_000, [0.8, 0.6])):
        found = by_terms(compared(own(), rival(), iterations=iterations))
        assert found["iterations"] == found["evaluations"] == expected
        assert found["whole budget"] == [0.8, 0.6]
    # Neither has been judged so early.
    assert list(by_terms(compared(own(), rival(), iterations=9))) == ["whole budget"]


def test_the_rivals_evaluations_count_where_its_iterations_took_more_of_them():
    slow = rival()
    slow["evaluations"] = [20, 40, 80, 150, 300]
    found = by_terms(compared(own(), slow))
    assert found["iterations"] == [0.7, 0.5]
    # 150 evaluations: from 101 to 201 it rises by 0.1.
    assert found["evaluations"] == pytest.approx([0.749, 0.5])


def test_a_model_that_stopped_is_held_where_it_ended_and_one_not_begun_where_it_starts():
    slow = rival()
    slow["evaluations"] = [2000, 4000, 8000, 15000, 30000]
    assert by_terms(compared(own(), slow))["evaluations"] == [0.8, 0.5]
    fast = rival()
    fast["evaluations"] = [1, 2, 3, 4, 5]
    assert by_terms(compared(own(), fast))["evaluations"] == [0.2, 0.5]


def test_the_mean_of_the_two_accuracies_counts_on_both_sides():
    turned = {name: table.copy() for name, table in (("own", own()), ("rival", rival()))}
    for table in turned.values():
        table["inverted_accuracy"] = table["test_accuracy"] - 0.1
    found, before = (by_terms(compared(*pair)) for pair in (turned.values(), (own(), rival())))
    for terms, accuracies in before.items():
        assert found[terms] == pytest.approx([value - 0.05 for value in accuracies])
    assert (
        compared(turned["own"], rival())["rival_accuracy"].tolist()
        == compared(own(), rival())["rival_accuracy"].tolist()
    )


@pytest.mark.parametrize("missing", ["canonical", "augmented"])
def test_seconds_are_left_out_without_a_timing_of_both(missing):
    timings = at(solo(features="canonical"), solo(training_set="augmented").assign(n_train=2000))
    timings = timings[timings["features" if missing == "canonical" else "training_set"] != missing]
    assert list(by_terms(compared(own(), rival(), timings=timings))) == [
        "iterations",
        "evaluations",
        "FLOP",
        "whole budget",
    ]


def test_networks_meet_the_rival_of_their_split_seed_study_layers_and_kind():
    random = np.random.default_rng(0)
    courses = np.sort(random.random((6, 5)), axis=1)
    rivals = np.sort(random.random((6, 5)), axis=1)
    base = at(own(courses), own(courses / 2, "square"), rival(rivals))
    wide = at(own(courses / 3, hidden_layers="40-20"), rival(rivals / 3, hidden_layers="40-20"))
    free = at(own(courses / 5, network="bias-free"), rival(rivals / 5, network="bias-free"))
    other = at(own(courses / 7), rival(rivals / 7)).assign(study="other")
    found = compared(base, wide, free, other)
    ends = found[found["terms"] == "whole budget"]
    assert len(ends) == 5 * 6
    for _, row in ends.iterrows():
        pair = [(0, 4), (0, 7), (1, 4), (1, 7), (2, 4), (2, 7)].index((row["split"], row["seed"]))
        scale = {"40-20": 3, "10-5": 1}[row["hidden_layers"]]
        scale *= {"bias-free": 5, "biased": 1}[row["network"]] * {"other": 7, "made-up": 1}[row["study"]]
        expected = courses[pair, -1] / scale / (2 if row["features"] == "square" else 1)
        assert row["accuracy"] == pytest.approx(expected)
        assert row["rival_accuracy"] == pytest.approx(rivals[pair, -1] / scale)


def test_only_invariant_features_with_a_rival_on_as_many_images_are_compared():
    pixels = at(own(features="identity"), own(features="identity", training_set="random-sign"))
    part = own(features="square", fractions=(0.5,))
    alone = own(features="permuted", hidden_layers="40-20")
    found = compared(pixels, part, alone, own(), rival(), rival(fractions=(0.5,)))
    assert set(found["features"]) == {"canonical"} and len(found) == 4
    assert compared(pixels, own()).empty
    # Of a study without all images, the largest fraction counts.
    assert len(compared(own(fractions=(0.2, 0.5)), rival(fractions=(0.2, 0.5)))) == 4
    # What makes a rival is its features and its training set together.
    assert compared(own(), own(features="square", training_set="augmented")).empty


@given(st.permutations(range(20)), st.integers(10, 250))
def test_the_order_of_the_rows_does_not_matter(order, iterations):
    table = at(own([OWN_COURSE, RIVAL_COURSE]), rival([RIVAL_COURSE, OWN_COURSE]))
    timings = solo(features="canonical")
    expected = equal_terms(table, timings, iterations).sort_values(["seed", "terms"], ignore_index=True)
    found = equal_terms(table.iloc[list(order)], timings, iterations).sort_values(["seed", "terms"], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected)


@given(st.lists(st.integers(0, 100), min_size=5, max_size=5), st.floats(1, 300))
def test_between_checkpoints_the_accuracy_is_that_of_numpy_interp(course, evaluations):
    table = as_good_on_both(history([np.array(course) / 100]))
    table = table.assign(mean=table["test_accuracy"])[COURSE].to_numpy()
    expected = np.interp(evaluations, [11, 21, 52, 101, 201], np.array(course) / 100)
    assert accuracy_at(table, evaluations) == pytest.approx(expected)


def test_a_cell_timed_twice_and_a_missing_column_are_refused():
    with pytest.raises(ValueError, match="timed twice"):
        compared(own(), rival(), timings=at(solo(), solo()))
    for name in ("iterations", "inverted_accuracy", "seed"):
        with pytest.raises(ValueError, match=f"history: the column {name} is missing"):
            compared(at(own(), rival()).drop(columns=name))
