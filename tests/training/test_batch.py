"""A batch: which networks it holds, trained on what, and its history against the networks' ends."""

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import SPEC

from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.draws import initial_seeds
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.networks.registry import AVERAGING, ensemble_class
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.optim.registry import train_function
from symmetry_constrained.training import batch as training
from symmetry_constrained.training.spec import RECIPE, Spec

KEYS = ["network", "fraction", "seed"]


@pytest.fixture(scope="module")
def digits():
    data = reading.load("digits")
    return data, protocols.split_images(data.images, data.labels, "clean", 0)


def spec(**changes):
    given = {"fractions": [0.02, 0.05], "budget": {"max_iterations": 6}, "checkpoints": [2, 6], "features": "identity"}
    return Spec.from_dict(SPEC | given | changes)


@pytest.fixture(scope="module")
def batch(digits):
    return training.train_batch(spec(training_set="augmented"), *digits)


def test_a_row_per_fraction_network_and_seed_in_that_order(batch):
    assert batch.networks[["fraction", "network", "seed"]].values.tolist() == [
        [fraction, network, seed] for fraction in (0.02, 0.05) for network in ("biased", "bias-free") for seed in (1, 2)
    ]
    names = ("0.02", "0.02/10", "0.05", "0.05/10")
    assert {name: rows.shape for name, rows in batch.weights.items()} == dict.fromkeys(names, (4, 310))
    assert set(batch.predictions) == {
        f"{fraction}/{name}" for fraction in ("0.02", "0.05") for name in ("original", "inverted", "negated")
    }
    assert batch.timings[["fraction", "networks"]].values.tolist() == [[0.02, 4], [0.05, 4]]
    assert (batch.timings["evaluations"] == batch.networks.groupby("fraction")["evaluations"].sum().values).all()


def test_each_fraction_is_trained_as_the_ensemble_alone(digits, batch):
    biased = np.array([True, True, False, False])
    for fraction, key in ((0.02, "0.02"), (0.05, "0.05")):
        images, labels = inputs.training_inputs(*digits, "identity", "augmented", 0, fraction)
        ensemble = Ensemble(Architecture(64, (4,), 10), biased)
        result = lbfgs.train(
            ensemble,
            ensemble.initial(initial_seeds(0, [1, 2, 1, 2])),
            ensemble.samples(images, labels),
            Budget(max_iterations=6),
        )
        np.testing.assert_array_equal(batch.weights[key], result.x.to(ensemble.dtype).numpy())
        rows = batch.networks[batch.networks["fraction"] == fraction]
        assert rows["evaluations"].tolist() == result.evaluations.tolist()
        assert (rows["n_train"] == len(labels)).all() and rows["status"].tolist() == result.status


def test_early_weights_are_those_after_ten_iterations_or_where_a_shorter_training_ended(digits, batch):
    np.testing.assert_array_equal(batch.weights["0.05/10"], batch.weights["0.05"])
    fractions = [0.02, 0.03, 0.05]
    longer, ended = (
        training.train_batch(spec(fractions=fractions, budget={"max_iterations": count}, checkpoints=[]), *digits)
        for count in (15, 10)
    )
    # The least and the largest fraction tell enough.
    assert sorted(longer.weights) == ["0.02", "0.02/10", "0.03", "0.05", "0.05/10"]
    for key in ("0.02", "0.05"):
        np.testing.assert_array_equal(longer.weights[f"{key}/10"], ended.weights[key])
        assert np.abs(longer.weights[key] - ended.weights[key]).max() > 0.01
    assert set(longer.history["iterations"]) == {15}


def test_the_history_passes_each_checkpoint_once_and_ends_where_the_networks_do(batch):
    # The budget ends on the second checkpoint, which is one row all the same.
    assert batch.history.groupby(KEYS)["iterations"].apply(list).tolist() == [[2, 6]] * 8
    ends = batch.history[batch.history["iterations"] == 6].sort_values(KEYS, ignore_index=True)
    networks = batch.networks.sort_values(KEYS, ignore_index=True)
    pd.testing.assert_frame_equal(ends, networks[list(ends)])
    per_evaluation = batch.history["flop"] / batch.history["evaluations"]
    assert (per_evaluation.groupby([batch.history[key] for key in ("network", "fraction")]).nunique() == 1).all()


def test_a_checkpoint_is_where_a_budget_of_its_iterations_ends(digits, batch):
    short = training.train_batch(
        spec(training_set="augmented", budget={"max_iterations": 2}, checkpoints=[]), *digits
    ).history
    passed = batch.history[batch.history["iterations"] == 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(passed, short)


def test_a_network_that_diverged_keeps_its_row_and_has_no_history(digits, monkeypatch):
    original = lbfgs.train

    def diverged(*arguments, **options):
        result = original(*arguments, **options)
        result.status[1] = "non_finite"
        return result

    monkeypatch.setattr(lbfgs, "train", diverged)
    batch = training.train_batch(spec(fractions=[0.02], checkpoints=[2]), *digits)
    assert batch.networks["status"].tolist().count("non_finite") == 1 and len(batch.networks) == 4
    left = batch.history[["network", "seed"]].drop_duplicates().values.tolist()
    assert sorted(left) == [["bias-free", 1], ["bias-free", 2], ["biased", 1]]
    # No weights that could pass for a network's, and no class that they would predict.
    numbers = np.isfinite(batch.weights["0.02"])
    assert numbers.all(1).tolist() == numbers.any(1).tolist() == [True, False, True, True]
    assert [(batch.predictions[f"0.02/{name}"][1] == 10).all() for name in ("original", "inverted", "negated")] == [
        True
    ] * 3
    assert batch.networks["test_loss"].isna().tolist() == [False, True, False, False]


def test_progress_says_how_much_of_the_budget_is_used(digits, monkeypatch):
    clock = iter(range(0, 10_000, 11))
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    lines = []
    training.train_batch(spec(fractions=[0.02]), *digits, lines.append)
    assert lines
    for line in lines:
        assert line.startswith("digits/clean split 0 identity/original fraction 0.02: 4 networks, ")
    shares = [int(line.partition("networks, ")[2].partition("%")[0]) for line in lines]
    assert shares == sorted(shares) and 0 <= shares[0] < shares[-1] <= 100


def test_what_is_wrong_is_said_with_its_cell(digits):
    with pytest.raises(ValueError, match=r"^small, identity, original, 4, split 0, fraction 0\.001: none of its "):
        training.train_batch(spec(fractions=[0.001]), *digits)
    with pytest.raises(ValueError, match=r"^small, cube, original, 4, split 0: features: 'cube' is unknown"):
        training.train_batch(spec(features="cube"), *digits)


RECIPES = [
    {"activation": "relu"},
    {"averaging": "logits", "activation": "gelu"},
    {"averaging": "units"},
    {"start": "mirrored", "optimiser": "adam"},
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: "-".join(recipe.values()))
def test_networks_of_every_kind_are_trained_as_the_spec_says(digits, recipe):
    told = spec(fractions=[0.05], training_set="augmented", **recipe)
    batch, model = training.train_batch(told, *digits), RECIPE | recipe
    images, labels = inputs.training_inputs(*digits, "identity", "augmented", 0, 0.05)
    biased, seeds = np.array([True, True, False, False]), initial_seeds(0, [1, 2, 1, 2])
    build, architecture = ensemble_class(model["averaging"]), Architecture(64, (4,), 10)
    ensemble = build(architecture, biased, activation=model["activation"])
    start, samples = ensemble.initial(seeds, model["start"]), ensemble.samples(images, labels)
    result = train_function(model["optimiser"])(ensemble, start, samples, Budget(max_iterations=6), seeds=seeds)
    np.testing.assert_array_equal(batch.weights["0.05"], result.x.to(ensemble.dtype).numpy())
    judged = evaluate(ensemble, result.x, samples)
    np.testing.assert_array_equal(batch.networks["train_accuracy"], judged.accuracy)
    flop = [flop_per_evaluation(architecture, bool(one), len(labels), model["averaging"]) for one in biased]
    np.testing.assert_array_equal(batch.networks["flop"], batch.networks["evaluations"] * flop)
    assert batch.history.groupby(KEYS)["iterations"].max().tolist() == result.iterations[[2, 3, 0, 1]].tolist()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: "-".join(recipe.values()))
def test_every_part_of_the_recipe_matters(digits, batch, recipe):
    """And said as it usually is, none changes a byte."""
    told = {key: value for key, value in RECIPE.items() if key in recipe}
    usual = training.train_batch(spec(training_set="augmented", **told), *digits)
    other = training.train_batch(spec(training_set="augmented", **recipe), *digits)
    for key, rows in batch.weights.items():
        assert usual.weights[key].tobytes() == rows.tobytes()
        assert not np.array_equal(other.weights[key], rows)


def test_features_with_the_same_training_images_are_trained_once_and_judged_each(digits):
    specs = [spec(), spec(features="canonical", trained_as="identity")]
    data, split = digits
    [[pixels, canonical]] = training.train_batches([specs], data, [split])
    alone = training.train_batch(spec(features="canonical"), *digits)
    for name in ("networks", "history"):
        pd.testing.assert_frame_equal(getattr(canonical, name), getattr(alone, name))
    for name in ("weights", "predictions"):
        ours, theirs = getattr(canonical, name), getattr(alone, name)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    pd.testing.assert_frame_equal(pixels.networks, training.train_batch(spec(), *digits).networks)
    # What is trained once is counted once.
    assert (pixels.timings["evaluations"] > 0).all() and (canonical.timings["evaluations"] == 0).all()


def test_features_with_other_training_images_are_refused(digits):
    line = r"^small, identity, original, 4, split 0: training images through square are other numbers; train them on"
    with pytest.raises(ValueError, match=line):
        list(training.train_batches([[spec(), spec(features="square", trained_as="identity")]], digits[0], [digits[1]]))


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("averaging", AVERAGING)
def test_splits_that_are_trained_at_once_are_what_they_are_alone(digits, averaging, monkeypatch):
    # Some networks converge long before others, and leave; averaged ones without biases see zeros.
    longer = {
        "averaging": averaging,
        "budget": {"max_iterations": 120},
        "checkpoints": [3, 50],
        "hidden_layers": [20, 10],
        "fractions": [0.02],
    }
    numbers, data = (0, 1, 5), digits[0]
    splits = [protocols.split_images(data.images, data.labels, "clean", number) for number in numbers]
    specs = [spec(split=number, **longer) for number in numbers]
    at_once = list(training.train_batches([[own] for own in specs], data, splits))
    assert len({number for [batch] in at_once for number in batch.networks["iterations"]}) > 4
    monkeypatch.setattr(training, "TOGETHER_BYTES", 0)
    one_by_one = list(training.train_batches([[own] for own in specs], data, splits))
    for own, split, [batch], [other] in zip(specs, splits, at_once, one_by_one, strict=True):
        alone = training.train_batch(own, data, split)
        for found in (other, alone):
            pd.testing.assert_frame_equal(batch.networks, found.networks)
            pd.testing.assert_frame_equal(batch.history, found.history)
            assert batch.weights.keys() == found.weights.keys()
            assert all(np.array_equal(batch.weights[key], found.weights[key]) for key in batch.weights)
        assert batch.timings["evaluations"].sum() == batch.networks["evaluations"].sum()
