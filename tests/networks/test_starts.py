"""A mirrored start: an even network, in every weight, and what training on ±X makes of it."""

import numpy as np
import pytest
import torch
from helpers import oracles
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from symmetry_constrained.networks.architecture import STARTS, Architecture
from symmetry_constrained.networks.averaged import AveragedLogits, MirroredUnits
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget

torch.set_num_threads(1)
HIDDEN = st.sampled_from([(2,), (10, 5), (6, 3, 4)])


@given(st.integers(0, 999), HIDDEN, st.floats(0.1, 10))
def test_a_mirrored_network_is_even(seed, hidden, scale):
    architecture = Architecture(7, hidden, 4)
    row = architecture.initial(seed, True, "mirrored") * scale
    x = np.random.default_rng(seed).uniform(-1, 1, (20, 7))
    sizes = [7, *hidden, 4]
    up, down = (oracles.logits(row, sizes, sign * x) for sign in (1, -1))
    np.testing.assert_allclose(up, down, rtol=1e-9, atol=1e-12 * scale ** len(sizes))
    assert np.ptp(up, axis=0).max() > 0  # it does look at x


def test_pairs_by_hand_and_all_else_as_ordinary():
    architecture = Architecture(64, (10, 5))
    ordinary, mirrored = (architecture.initial(3, True, start) for start in STARTS)
    first, above, last = oracles.unpack(mirrored, [64, 10, 5, 10])
    plain = oracles.unpack(ordinary, [64, 10, 5, 10])
    for one, other in zip(range(0, 10, 2), range(1, 10, 2), strict=True):
        for unit, sign in ((one, 1), (other, -1)):
            np.testing.assert_array_equal(first[0][unit], sign * plain[0][0][one])
            assert first[1][unit] == plain[0][1][one]
            np.testing.assert_array_equal(above[0][:, unit], plain[1][0][:, one])
    np.testing.assert_array_equal(above[1], plain[1][1])
    for part, expected in zip(last, plain[2], strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("kind", [Ensemble, AveragedLogits, MirroredUnits])
def test_an_ensemble_starts_so_where_asked(kind):
    ensemble = kind(Architecture(5, (4, 3), 3), np.array([True, True]))
    expected = [ensemble.architecture.initial(seed, True, "mirrored") for seed in (8, 9)]
    np.testing.assert_array_equal(ensemble.initial([8, 9], "mirrored"), expected)
    assert torch.equal(ensemble.initial([8, 9], "ordinary"), ensemble.initial([8, 9]))


def test_what_has_no_mirrored_start_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^mirrored pairs need an even number of units, not 5$"):
        Architecture(4, (5, 2)).initial(0, True, "mirrored")
    with pytest.raises(ValueError, match=r"^start: 'cold' is unknown; choose ordinary, mirrored$"):
        Architecture(4, (4, 2)).initial(0, True, "cold")


def both_signs(images):
    points, labels = (part[:images] for part in load_digits(return_X_y=True))
    points = points / 8 - 1
    return np.concatenate([points, -points]), np.tile(labels, 2)


def mirrored_gradient(biased):
    ensemble = Ensemble(Architecture(64, (10, 5)), np.array([biased]), dtype=torch.float64)
    ensemble.penalty *= 0
    rows = ensemble.initial([1], "mirrored")
    _, gradient = ensemble.loss_and_gradient(rows, ensemble.samples(*both_signs(200)))
    return [part[0] for part in ensemble.architecture.split(gradient)]


def test_on_both_signs_the_gradient_keeps_pairs_mirrored():
    first, above, _ = mirrored_gradient(biased=True)
    assert first.abs().max() > 1e-3
    torch.testing.assert_close(first[1::2, :-1], -first[::2, :-1], rtol=1e-9, atol=1e-14)
    torch.testing.assert_close(first[1::2, -1], first[::2, -1], rtol=1e-9, atol=1e-14)
    torch.testing.assert_close(above[:, 1:-1:2], above[:, :-1:2], rtol=1e-9, atol=1e-14)


def test_without_biases_pairs_have_nothing_to_follow():
    assert max(float(layer.abs().max()) for layer in mirrored_gradient(biased=False)) < 1e-14


def test_from_a_mirrored_start_both_signs_are_fitted_sooner():
    """At the paper's size and budget: ±X is not beyond the network's capacity."""
    accuracies = []
    ensemble = Ensemble(Architecture(64, (10, 5)), np.ones(10, dtype=bool))
    samples = ensemble.samples(*both_signs(1000))
    for start in STARTS:
        result = lbfgs.train(ensemble, ensemble.initial(range(10), start), samples, Budget(max_evaluations=200))
        accuracies.append(evaluate(ensemble, result.x, samples).accuracy.mean())
    ordinary, mirrored = accuracies
    assert mirrored > ordinary + 0.05
