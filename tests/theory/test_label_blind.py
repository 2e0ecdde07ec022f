"""Training on ±X without biases: every network ends at log 10, and whatever the labels at the same weights."""

import numpy as np
import pytest
import torch
from helpers import oracles
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.theory import label_blind
from symmetry_constrained.theory.label_blind import LABELS, _labels, train

SEEDS = [0, 3]


@pytest.fixture(scope="module")
def digits():
    """The digits, and a split of which 60 images are trained on, under five shifts each."""
    dataset = reading.load("digits")
    split = protocols.split_images(dataset.images, dataset.labels, "clean", 0)
    rows = split.rows
    few = rows[(rows["set"] == "test") | (rows["rank"] < 60)]
    return dataset, Split(few, split.minimum, split.maximum)


@pytest.fixture(scope="module")
def trained(digits):
    return train(*digits, SEEDS)[0]


def test_every_network_ends_at_log_10_and_chance_whatever_the_labels(trained):
    assert trained["labels"].tolist() == [name for name in LABELS for _ in SEEDS]
    assert trained["seed"].tolist() == SEEDS * len(LABELS)
    assert set(trained["status"]) <= {"converged_gradient", "converged_loss"}
    assert (trained["loss"] - 2.302585092994046).abs().to_numpy() == pytest.approx(trained["distance"])
    assert trained["distance"].max() < 1e-3
    # From above: no weights do better.
    assert trained["loss"].min() >= np.log(10) - 1e-12
    # R + R̄ ≤ 1, and no sign of what the labels say.
    assert trained["accuracy"].max() < 0.2
    assert (trained["test_accuracy"] + trained["inverted_accuracy"]).max() < 0.4
    expected = (trained["test_accuracy"] + trained["inverted_accuracy"]) / 2
    assert trained["accuracy"].tolist() == expected.tolist()
    # Five shifts of each of 60 images, with either sign.
    assert set(trained["n_train"]) == {600}


def test_the_labels_change_nothing_beyond_rounding(trained):
    for _, rows in trained.groupby("seed"):
        assert rows["loss"].max() - rows["loss"].min() < 1e-9
        assert rows["iterations"].nunique() == 1
        assert rows["accuracy"].max() - rows["accuracy"].min() < 0.01
    assert trained.groupby("labels")["loss"].nunique().min() == len(SEEDS)


def test_twice_gives_equal_bits_and_a_budget_ends_training(digits, trained):
    again, rows = train(*digits, SEEDS[:1])
    assert len(rows) == len(again) and rows.dtype == np.float64
    expected = trained[trained["seed"] == SEEDS[0]].reset_index(drop=True)
    # Alone or beside another network.
    assert again[["labels", "iterations", "accuracy"]].equals(expected[["labels", "iterations", "accuracy"]])
    assert again["loss"].tolist() == pytest.approx(expected["loss"].tolist(), abs=1e-12)
    early, _ = train(*digits, SEEDS[:1], max_iterations=2)
    assert set(early["status"]) == {"max_iterations"} and set(early["iterations"]) == {2}
    assert (early["distance"] > expected["distance"]).all()


def test_with_biases_the_same_training_learns_the_labels(digits, monkeypatch):
    """So that the end at log 10 is a finding, and not all that this training could do."""
    initial = Architecture.initial
    monkeypatch.setattr(Architecture, "initial", lambda self, seed, biased, *more: initial(self, seed, True, *more))
    monkeypatch.setattr(
        label_blind, "Ensemble", lambda a, biased, dtype: Ensemble(a, np.ones_like(biased), dtype=dtype)
    )
    found = train(*digits, SEEDS[:1], max_iterations=60)[0].set_index("labels")
    assert (found["distance"] > 0.1).all()
    assert found["loss"].max() - found["loss"].min() > 0.1
    # One class for all is learnt at once, what was drawn at random hardly.
    assert found["loss"].idxmin() == "all zero" and found.loc["all zero", "loss"] < 0.01
    assert found.loc["true", "loss"] < found.loc[["random", "shuffled"], "loss"].min()


def weights(digits, labels, biased, iterations):
    """Where training on ±X with these labels of X leads in so many iterations, (K, P)."""
    images, _ = inputs.training_inputs(*digits, "identity", "augmented", 0, 1.0, np.float64)
    architecture = Architecture(64, (10, 5))
    ensemble = Ensemble(architecture, np.full(2, biased), 1e-5, torch.float64)
    samples = ensemble.samples(images, np.tile(labels, 2))
    initial = torch.tensor(np.stack([architecture.initial(seed, biased) for seed in (1, 2)]))
    result = lbfgs.minimise(
        lambda rows, lanes: ensemble.loss_and_gradient(rows, samples, lanes), initial, Budget(max_iterations=iterations)
    )
    return result.x.numpy()


@pytest.mark.parametrize("iterations", [1, 10, 1000])
def test_trained_weights_do_not_depend_on_the_labels_and_those_of_a_biased_network_do(digits, iterations):
    _, split = digits
    true = split.select("train")["label"].to_numpy()
    other = np.random.default_rng(5).integers(0, 10, len(true))
    own, foreign = (weights(digits, labels, False, iterations) for labels in (true, other))
    # Rounding grows a little with every iteration.
    np.testing.assert_allclose(own, foreign, rtol=0, atol=1e-12 if iterations == 1 else 1e-6)
    # They have moved, however far they got.
    initial = Architecture(64, (10, 5)).initial(1, False)
    assert np.abs(own[0] - initial).max() > 0.01
    if iterations < 1000:
        biased = [weights(digits, labels, True, iterations) for labels in (true, other)]
        assert np.abs(biased[0] - biased[1]).max() > (1e-3 if iterations == 1 else 0.1)


def test_each_kind_of_labels_is_what_it_says():
    true = np.repeat(np.arange(10), 60)
    kinds = {name: _labels(name, true) for name in LABELS}
    assert kinds["true"].tolist() == true.tolist()
    assert kinds["shuffled"].tolist() != true.tolist() and sorted(kinds["shuffled"]) == true.tolist()
    assert set(kinds["random"]) == set(range(10)) and np.bincount(kinds["random"]).tolist() != [60] * 10
    assert kinds["all zero"].tolist() == [0] * 600
    # Drawn labels know nothing of the true ones: a tenth agree, within four binomial errors.
    for name in ("shuffled", "random"):
        assert abs((kinds[name] == true).mean() - 0.1) < 4 * np.sqrt(0.09 / 600)
        assert kinds[name].tolist() == _labels(name, true).tolist()


def test_an_image_and_its_inverse_share_a_label(digits, monkeypatch):
    seen = []

    class Spy(Ensemble):
        def samples(self, images, labels):
            seen.append((images, labels))
            return super().samples(images, labels)

    monkeypatch.setattr(label_blind, "Ensemble", Spy)
    train(*digits, [0], max_iterations=1)
    training = [(images, labels) for images, labels in seen if len(labels) == 600]
    assert len(training) == len(LABELS)
    for images, labels in training:
        assert images.dtype == np.float64
        np.testing.assert_array_equal(images[:300], -images[300:])
        np.testing.assert_array_equal(labels[:300], labels[300:])
    # The tests' labels are the true ones.
    _, split = digits
    tested = [labels for _, labels in seen if len(labels) != 600]
    assert len(tested) == 2
    for labels in tested:
        np.testing.assert_array_equal(labels, split.select("test")["label"])


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0, 30))
def test_no_logits_do_better_than_log_classes_and_only_equal_ones_as_well(classes, n, seed, scale):
    f = scale * np.random.default_rng(seed).normal(size=(n, classes))
    both = np.concatenate([oracles.log_probabilities(f), oracles.log_probabilities(-f)])
    labels = np.tile(np.arange(n) % classes, 2)
    loss = -both[np.arange(2 * n), labels].mean()
    assert loss >= np.log(classes) - 1e-12
    if np.ptp(f, axis=1).max() > 1e-3:
        assert loss > np.log(classes)
    equal = oracles.log_probabilities(np.full((2, classes), f[0, 0]))
    assert -equal[:, 0].mean() == pytest.approx(np.log(classes))
