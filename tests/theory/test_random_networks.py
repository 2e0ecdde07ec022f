"""What holds for every bias-free network, for naive ones of any shape; and the search finds networks it fails for."""

import itertools

import numpy as np
import pytest
import torch
from helpers import oracles
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.kernels.eager import Layers
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.theory.random_networks import DEPTHS, SCALES, violations

PROPERTIES = ("odd", "opposite", "bound", "label-blind")
CLASSES = 10
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(-1, 1, (40, 12)).astype(np.float32)
LABELS = RANDOM.integers(0, CLASSES, 40)


def search(networks=30, images=IMAGES, labels=LABELS, **changes):
    found = violations(images, labels, CLASSES, networks, **changes)
    return found, found.groupby("property")["violation"].max()


def test_no_bias_free_network_violates_any_property():
    found, worst = search(120)
    assert list(found) == ["hidden_layers", "scale", "property", "violation", "n"]
    shapes = [("-".join(map(str, hidden)), scale) for hidden in DEPTHS for scale in SCALES]
    assert list(found[["hidden_layers", "scale"]].drop_duplicates().itertuples(index=False, name=None)) == shapes
    assert found["property"].tolist() == list(PROPERTIES) * len(shapes)
    assert (found["n"] == 120).all()
    # f(−x) = −f(x) to the last bit, and the loss to rounding.
    assert worst["odd"] == worst["opposite"] == worst["bound"] == 0
    assert 0 < worst["label-blind"] < 1e-12


def test_twice_gives_equal_bits_and_another_seed_draws_others(monkeypatch):
    once, _ = search()
    assert search()[0].equals(once)
    drawn = []
    initial = Architecture.initial
    monkeypatch.setattr(
        Architecture, "initial", lambda self, seed, biased: drawn.append(seed) or initial(self, seed, biased)
    )
    search(101, seed=1)
    # None is looked at twice.
    assert len(set(drawn)) == len(drawn) == 101 * len(DEPTHS) * len(SCALES)
    first, drawn[:] = list(drawn), []
    search(101, seed=2)
    assert set(drawn).isdisjoint(first)


def naive(f, g, labels, other):
    """The violations by logits (networks, images, classes) of x and −x, an image at a time."""
    worst = dict.fromkeys(PROPERTIES, 0.0)
    for one, negated in zip(f, g, strict=True):
        opposite, right, favourable, losses = 0, 0, 0, {"labels": 0.0, "other": 0.0}
        for number, (up, down) in enumerate(zip(one, negated, strict=True)):
            worst["odd"] = max(worst["odd"], np.abs(up + down).max())
            opposite += down.argmax() != up.argmin()
            right += (up.argmax() == labels[number]) + (down.argmax() == labels[number])
            favourable += 1 + (down.argmax() == up.argmax())
            for name, label in (("labels", labels[number]), ("other", other[number])):
                terms = oracles.log_probabilities(up)[label] + oracles.log_probabilities(down)[label]
                losses[name] -= terms / (2 * len(one))
        worst["opposite"] = max(worst["opposite"], float(opposite))
        worst["bound"] = max(worst["bound"], right / len(one) - 1, favourable / len(one) - 1)
        worst["label-blind"] = max(worst["label-blind"], abs(losses["labels"] - losses["other"]))
    return worst


@pytest.mark.parametrize("biased", [False, True])
def test_the_violations_are_those_of_naive_networks(monkeypatch, biased):
    """Biased networks beside, since of bias-free ones all are 0."""
    initial, rows = Architecture.initial, []

    def remembered(self, seed, **_):
        rows.append((self, initial(self, seed, biased)))
        return rows[-1][1]

    monkeypatch.setattr(Architecture, "initial", remembered)
    found, _ = search(3)
    # As the search draws them.
    other = np.random.default_rng(0).integers(CLASSES, size=len(LABELS))
    for number, (_, group) in enumerate(found.groupby(["hidden_layers", "scale"], sort=False)):
        scale, mine = group["scale"].iloc[0], rows[3 * number : 3 * number + 3]
        sizes = (12, *mine[0][0].hidden_layers, CLASSES)
        f, g = (np.array([oracles.logits(scale * row, sizes, sign * IMAGES) for _, row in mine]) for sign in (1, -1))
        expected = naive(f, g, LABELS, other)
        for name, value in group.set_index("property")["violation"].items():
            assert value == pytest.approx(expected[name], abs=1e-10), (name, sizes, scale)


def test_biased_networks_are_found_out_by_every_property(monkeypatch):
    initial = Architecture.initial
    monkeypatch.setattr(Architecture, "initial", lambda self, seed, biased: initial(self, seed, True))
    found, worst = search()
    assert worst["odd"] > 0.1 and worst["opposite"] >= 1 and worst["label-blind"] > 0.01
    assert worst["bound"] > 0.1
    # In every shape at least the oddness is gone.
    assert (found.loc[found["property"] == "odd", "violation"] > 1e-3).all()


def test_one_bias_among_thousands_of_parameters_is_found(monkeypatch):
    initial = Architecture.initial

    def spoilt(self, seed, biased):
        row = initial(self, seed, biased)
        row[np.flatnonzero(self.is_bias())[0]] = 1e-6
        return row

    monkeypatch.setattr(Architecture, "initial", spoilt)
    found, _ = search(1)
    odd = found.loc[found["property"] == "odd", "violation"]
    assert (odd > 0).all() and odd.max() < 0.1


def test_an_even_function_is_right_both_ways(monkeypatch):
    logits = Ensemble.logits

    def even(self, rows, samples):
        for lanes, block, values in logits(self, rows, samples):
            yield lanes, block, values.abs()

    monkeypatch.setattr(Ensemble, "logits", even)
    _, worst = search()
    # With the labels that the network itself gives, R = R̄ = 1.
    assert worst["bound"] == 1
    assert worst["opposite"] == len(IMAGES)


def test_a_network_that_overflows_is_no_proof(monkeypatch):
    monkeypatch.setattr(Architecture, "initial", lambda self, seed, biased: np.full(self.row_length, np.nan))
    _, worst = search(2)
    assert np.isnan(worst["odd"]) and np.isnan(worst["label-blind"])


def test_without_networks_or_images_nothing_is_claimed():
    for networks in (0, -3):
        with pytest.raises(ValueError, match="networks: at least 1"):
            search(networks)
    with pytest.raises(ValueError, match="labels must be present"):
        search(images=IMAGES[:0], labels=LABELS[:0])


# The theorems, for naive networks of any shape.


@st.composite
def bias_free(draw):
    """(row of parameters, layer sizes, inputs) of a bias-free network of any depth and width."""
    sizes = (
        draw(st.integers(1, 6)),
        *draw(st.lists(st.integers(1, 7), min_size=1, max_size=6)),
        draw(st.integers(2, 10)),
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.01, 0.5, 2.0, 20.0]))
    layers = [
        (random.normal(0, scale, (fan_out, fan_in)), np.zeros(fan_out)) for fan_in, fan_out in itertools.pairwise(sizes)
    ]
    inputs = random.uniform(-1, 1, (draw(st.integers(1, 8)), sizes[0]))
    return oracles.pack(layers), sizes, inputs


@given(bias_free(), st.data())
def test_the_loss_on_both_signs_does_not_depend_on_the_labels_and_is_least_at_log_classes(network, data):
    row, sizes, inputs = network
    label = st.lists(st.integers(0, sizes[-1] - 1), min_size=len(inputs), max_size=len(inputs))
    both, losses = np.concatenate([inputs, -inputs]), []
    for _ in range(2):
        labels = np.tile(data.draw(label), 2)
        log_p = oracles.log_probabilities(oracles.logits(row, sizes, both))
        losses.append(-log_p[np.arange(len(both)), labels].mean())
        # The same from the logits alone: log Σ exp f + log Σ exp(−f), in which no label stands.
        f = oracles.logits(row, sizes, inputs)
        blind = (np.logaddexp.reduce(f, axis=1) + np.logaddexp.reduce(-f, axis=1)).mean() / 2
        assert losses[-1] == pytest.approx(blind, rel=1e-12, abs=1e-12)
    assert losses[0] == pytest.approx(losses[1], rel=1e-12, abs=1e-12)
    assert losses[0] >= np.log(sizes[-1]) - 1e-12


@given(bias_free(), st.data())
def test_nor_does_the_librarys_loss_nor_its_gradient(network, data):
    row, sizes, inputs = network
    ensemble = Ensemble(Architecture(sizes[0], sizes[1:-1], sizes[-1]), np.zeros(1, bool), 1e-5, torch.float64)
    label = st.lists(st.integers(0, sizes[-1] - 1), min_size=len(inputs), max_size=len(inputs))
    found = []
    for _ in range(2):
        labels = np.tile(data.draw(label), 2)
        samples = ensemble.samples(np.concatenate([inputs, -inputs]), labels)
        found.append(ensemble.loss_and_gradient(torch.tensor(row[None]), samples))
    (loss, gradient), (other_loss, other_gradient) = found
    torch.testing.assert_close(loss, other_loss, rtol=1e-12, atol=1e-12)
    size = 1 + float(gradient.abs().max())
    torch.testing.assert_close(gradient, other_gradient, rtol=0, atol=1e-11 * size)


def test_a_bias_makes_the_loss_see_the_labels():
    sizes, random = (4, 5, 3), np.random.default_rng(1)
    row = random.normal(size=sum(b * (a + 1) for a, b in itertools.pairwise(sizes)))
    inputs = random.uniform(-1, 1, (6, 4))
    both = np.concatenate([inputs, -inputs])
    log_p = oracles.log_probabilities(oracles.logits(row, sizes, both))
    losses = [-log_p[:, label].mean() for label in range(3)]
    assert max(losses) - min(losses) > 0.1


@given(bias_free())
def test_the_most_likely_class_of_the_negative_is_the_least_likely_so_r_and_r_bar_share_one(network):
    row, sizes, inputs = network
    f, g = (oracles.logits(row, sizes, sign * inputs) for sign in (1, -1))
    np.testing.assert_allclose(g, -f, rtol=0, atol=1e-12 * (1 + np.abs(f).max()))
    clear = np.ptp(f, axis=1) > 1e-9
    for label in range(sizes[-1]):
        right = (f.argmax(1) == label)[clear], (g.argmax(1) == label)[clear]
        assert not (right[0] & right[1]).any()


def test_the_largest_sum_is_of_a_block_at_least_as_large_as_that_of_all_images(monkeypatch):
    """Networks on many images are judged in blocks; a violation on all images is one on some block."""
    initial = Architecture.initial
    monkeypatch.setattr(Architecture, "initial", lambda self, seed, biased: initial(self, seed, True))
    random = np.random.default_rng(3)
    images, labels = random.uniform(-1, 1, (700, 12)), random.integers(0, CLASSES, 700)
    _, whole = search(20, images.astype(np.float32), labels)
    monkeypatch.setattr(Layers, "sample_block", lambda self, lanes: 10_000)
    _, single = search(20, images.astype(np.float32), labels)
    assert single["odd"] == pytest.approx(whole["odd"])
    assert whole["bound"] >= single["bound"] > 0
