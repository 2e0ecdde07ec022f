"""A published network trained again: by both solvers from one start, and from perturbed weights until it is settled."""

import numpy as np
import pandas as pd
import pytest

from symmetry_constrained import paper
from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training import reruns, scikit_learn
from symmetry_constrained.training.reruns import Recipe

NUMBER = {
    "table": "1",
    "dataset": "digits",
    "network": "bias-free",
    "features": "identity",
    "training_set": "augmented",
    "split_seed": 0,
    "network_seed": 2,
}
FEW = {"evaluations": Budget(max_evaluations=6), "iterations": Budget(max_iterations=6)}


@pytest.fixture(scope="module")
def digits():
    data = reading.load("digits")
    return data, protocols.split_images(data.images, data.labels, "published", 0)


@pytest.fixture(scope="module")
def recipe(digits):
    return Recipe(pd.Series(NUMBER), *digits)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(reruns, "BUDGETS", FEW)


def test_both_solvers_are_given_the_cell_of_the_number(digits, recipe):
    images, labels = inputs.training_inputs(*digits, "identity", "augmented", 0)
    np.testing.assert_array_equal(recipe.inputs, images)
    np.testing.assert_array_equal(recipe.labels, labels)
    assert recipe.inputs.dtype == np.float32 and (recipe.biased, recipe.seed) == (False, 2)


def test_the_talks_training_set_is_shuffled_by_its_seed(digits, recipe):
    talk = Recipe(pd.Series(NUMBER | {"table": "talk"}), *digits)
    order = np.arange(len(recipe.labels))
    np.random.RandomState(paper.TALK_SHUFFLE_SEED).shuffle(order)
    np.testing.assert_array_equal(talk.inputs, recipe.inputs[order])
    np.testing.assert_array_equal(talk.labels, recipe.labels[order])


def test_both_solvers_take_the_same_steps_under_both_readings_of_the_budget(recipe, quick):
    table = reruns.rerun(recipe, "cpu", ["scikit-learn", "ours"], list(FEW)).set_index(["budget", "solver"])
    for budget in FEW:
        theirs, ours = table.loc[(budget, "scikit-learn")], table.loc[(budget, "ours")]
        assert theirs[["iterations", "evaluations"]].tolist() == ours[["iterations", "evaluations"]].tolist()
        assert theirs[["original", "inverted"]].tolist() == pytest.approx(ours[["original", "inverted"]].tolist())
    assert table.loc[("iterations", "ours"), "iterations"] == 6
    alone = reruns.rerun(recipe, "cpu", ["ours"], ["iterations"])
    assert alone[["solver", "budget"]].values.tolist() == [["ours", "iterations"]]


def test_scikit_learns_accuracy_is_its_own_score(digits, recipe):
    network = scikit_learn.fit(recipe.inputs, recipe.labels, biased=False, seed=2, budget=FEW["evaluations"])
    sets, labels = inputs.test_inputs(*digits, "identity")
    found = recipe.by_scikit_learn(FEW["evaluations"])
    for name, values in sets.items():
        assert found[name] == (network.predict(values.astype(np.float64)) == labels).mean()


def test_perturbed_networks_are_trained_until_the_verdict_is_settled(recipe, quick):
    asked = []

    def after(count):
        def settled(trained):
            asked.append(0 if trained is None else len(trained))
            return asked[-1] >= count

        return settled

    options = {"networks": 5, "at_a_time": 2, "size": 1e-12}
    table = reruns.perturb(recipe, after(3), "cpu", **options)
    assert asked == [0, 2, 4] and table["run"].tolist() == [0, 1, 2, 3]
    assert reruns.perturb(recipe, after(99), "cpu", **options)["run"].tolist() == [0, 1, 2, 3, 4]
    nothing = reruns.perturb(recipe, after(0), "cpu", **options)
    assert nothing.empty and list(nothing) == list(table)


def test_offsets_move_the_start_of_what_is_trained_only(recipe):
    offsets = np.zeros((3, recipe.architecture.row_length))
    offsets[1, recipe.architecture.is_bias()] = 1.0  # of a network without biases
    offsets[2, ~recipe.architecture.is_bias()] = 0.1
    table = recipe.by_ensemble(Budget(max_evaluations=2), offsets, "cpu")
    assert table.loc[0].equals(table.loc[1]) and not table.loc[0].equals(table.loc[2])
