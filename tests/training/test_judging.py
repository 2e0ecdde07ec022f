"""Held-out sets: which are one by the feature map's definition, and networks judged on each against plain NumPy."""

import numpy as np
import pytest
import torch
from helpers import oracles

from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.features import inversion
from symmetry_constrained.features.inversion import FeatureMap
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.training import judging
from symmetry_constrained.training.judging import HeldOut

SIZES = [64, 4, 10]


@pytest.fixture(scope="module")
def digits():
    data = reading.load("digits")
    return data, protocols.split_images(data.images, data.labels, "clean", 0)


def held_out(digits, features):
    ensemble = Ensemble(Architecture(64, (4,), 10), np.array([True, False]), dtype=torch.float64)
    shown = inputs.test(*digits, features)
    return ensemble, shown, HeldOut.of(ensemble, shown)


@pytest.mark.parametrize(
    ("features", "own", "shared"),
    [
        ("identity", {"original", "inverted"}, {"negated": "inverted"}),
        ("square", {"original", "negated"}, {"inverted": "original"}),
        ("canonical", {"original", "negated"}, {"inverted": "original"}),
    ],
)
def test_sets_that_are_one_by_definition_are_evaluated_once(digits, monkeypatch, features, own, shared):
    ensemble, _, sets = held_out(digits, features)
    assert (set(sets.samples), sets.shared) == (own, shared)
    evaluated = []
    original = judging.evaluate
    monkeypatch.setattr(judging, "evaluate", lambda *arguments: evaluated.append(1) or original(*arguments))
    sets.judge(ensemble, ensemble.initial([1, 2]), sets.samples["original"])
    assert len(evaluated) == 3


def test_a_map_that_is_not_what_it_should_be_is_evaluated_on_its_own(digits, monkeypatch):
    monkeypatch.setitem(inversion.FEATURES, "square", FeatureMap(lambda images, shape: images**3))
    _, _, sets = held_out(digits, "square")
    assert (set(sets.samples), sets.shared) == ({"original", "inverted", "negated"}, {})
    monkeypatch.setitem(inversion.FEATURES, "identity", FeatureMap(lambda images, shape: images + 1))
    _, _, sets = held_out(digits, "identity")
    assert (set(sets.samples), sets.shared) == ({"original", "inverted", "negated"}, {})


@pytest.mark.parametrize("features", ["identity", "neighbour"])
def test_networks_are_judged_as_by_hand(digits, features):
    ensemble, shown, sets = held_out(digits, features)
    rows = ensemble.initial([3, 4])
    table, classes = sets.judge(ensemble, rows, sets.samples["original"])
    x, labels = shown["original"].array(), shown["original"].labels
    for name, values in {"original": x, "inverted": shown["inverted"].array(), "negated": -x}.items():
        column = {"original": "test"}.get(name, name)
        for lane, row in enumerate(rows.numpy()):
            logits = oracles.logits(row, SIZES, values.astype(np.float64))
            assert (classes[name][lane] == logits.argmax(1)).all()
            assert table[f"{column}_accuracy"][lane] == (logits.argmax(1) == labels).mean()
            loss = -oracles.log_probabilities(logits)[np.arange(len(labels)), labels].mean()
            if name != "negated":
                assert table[f"{column}_loss"][lane] == pytest.approx(loss, rel=1e-12)
    for column in ("accuracy", "loss"):
        assert (table[f"train_{column}"] == table[f"test_{column}"]).all()
    assert list(table)[-2:] == ["negated_accuracy", "clipped"]
