"""The audit's own networks against the study's: where they begin, their loss, its gradient and its Hessian."""

import numpy as np
import pytest
import torch

from symmetry_constrained.audit import forward, networks
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.theory import hessian


def made(hidden, biased=True, seed=3):
    random = np.random.default_rng(seed)
    architecture = Architecture(7, hidden, 10)
    shapes = forward.sizes(7, list(hidden))
    row = architecture.initial(seed, biased) * 2
    return architecture, networks.one(forward.layers(row[None], shapes), 0), random.uniform(-1, 1, (30, 7)), row


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("hidden", [(10, 5), (3,), (4, 4, 4)])
def test_a_network_begins_as_scikit_learns_would(hidden, biased):
    architecture, shapes = Architecture(7, hidden, 10), forward.sizes(7, list(hidden))
    for seed in (0, 71, 100_003):
        mine = networks.flat(networks.initial(seed, shapes, biased))
        np.testing.assert_array_equal(mine, architecture.initial(seed, biased))
    together = networks.initials([5, 6], shapes, biased)
    np.testing.assert_array_equal(networks.flat(networks.one(together, 1)), architecture.initial(6, biased))


def test_a_mirrored_start():
    architecture, shapes = Architecture(7, (6, 5), 10), forward.sizes(7, [6, 5])
    mine = networks.mirrored(networks.initials([4, 9], shapes))
    for place, seed in enumerate((4, 9)):
        expected = architecture.initial(seed, True, "mirrored")
        np.testing.assert_array_equal(networks.flat(networks.one(mine, place)), expected)


@pytest.mark.parametrize("hidden", [(10, 5), (3,)])
def test_the_loss_and_its_gradient(hidden):
    architecture, matrices, x, row = made(hidden)
    labels = np.arange(30) % 10
    ensemble = Ensemble(architecture, np.array([True]), 0.3, torch.float64)
    expected, by_row = ensemble.loss_and_gradient(torch.tensor(row[None]), ensemble.samples(x, labels))
    value, gradient = networks.Loss(x, labels, 0.3 / 30).value_and_gradient(matrices)
    assert value == pytest.approx(float(expected[0]), rel=1e-12)
    np.testing.assert_allclose(networks.flat(gradient), by_row[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("hidden", [(4, 3), (5,)])
def test_the_hessian(hidden):
    architecture, matrices, x, row = made(hidden, biased=False)
    labels = np.arange(30) % 10
    samples = Ensemble(architecture, np.array([False]), dtype=torch.float64).samples(x, labels)
    expected = hessian.hessian(architecture, row, samples, 0.01, biased=False)
    found = networks.hessian(networks.Loss(x, labels, 0.01), matrices)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
