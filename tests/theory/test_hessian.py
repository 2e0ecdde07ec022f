"""The Hessian against automatic differentiation of the loss as written, and against differences of the gradient."""

import numpy as np
import pytest
import torch

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.theory.hessian import hessian

PENALTY, SAMPLES = 0.03, 40


def problem(hidden, biased, classes=3, inputs=4):
    """An architecture, its ensemble of one network, samples and parameters."""
    architecture = Architecture(inputs, hidden, classes)
    random = np.random.default_rng(0)
    ensemble = Ensemble(architecture, np.array([biased]), PENALTY * SAMPLES, torch.float64)
    samples = ensemble.samples(random.normal(size=(SAMPLES, inputs)), random.integers(0, classes, SAMPLES))
    row = random.normal(size=architecture.row_length) * architecture.trainable(biased)
    return architecture, ensemble, samples, row


def written_out(architecture, samples):
    """The loss as a function of one row of parameters."""

    def loss(row):
        activation, start, penalty = samples.inputs[:-1], 0, 0.0
        for number, (fan_in, fan_out) in enumerate(architecture.layers):
            layer = row[start : start + fan_out * (fan_in + 1)].reshape(fan_out, fan_in + 1)
            start += layer.numel()
            activation = activation.tanh() if number else activation
            activation = layer[:, :-1] @ activation + layer[:, -1:]
            penalty = penalty + layer[:, :-1].square().sum()
        return torch.nn.functional.cross_entropy(activation.T, samples.index.long()) + PENALTY / 2 * penalty

    return loss


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("hidden", [(5,), (5, 3), (3, 4, 2)])
def test_it_is_that_of_automatic_differentiation(hidden, biased):
    architecture, _, samples, row = problem(hidden, biased)
    keep = architecture.trainable(biased)
    expected = torch.autograd.functional.hessian(written_out(architecture, samples), torch.tensor(row)).numpy()
    found = hessian(architecture, row, samples, PENALTY, biased)
    assert found.shape == (architecture.parameters(biased),) * 2
    np.testing.assert_allclose(found, expected[np.ix_(keep, keep)], atol=1e-14)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("biased", [True, False])
def test_it_is_the_slope_of_the_ensembles_gradient(biased):
    architecture, ensemble, samples, row = problem((5, 3), biased)
    keep, step = architecture.trainable(biased), 1e-5
    moves = step * np.eye(len(row))[keep]
    gradients = [
        np.concatenate([ensemble.loss_and_gradient(torch.tensor((row + m)[None]), samples)[1].numpy() for m in signed])
        for signed in (moves, -moves)
    ]
    expected = (gradients[0] - gradients[1])[:, keep] / (2 * step)
    np.testing.assert_allclose(hessian(architecture, row, samples, PENALTY, biased), expected, atol=1e-9)


def test_the_papers_network_has_740_parameters_to_curve():
    architecture, _, samples, row = problem((10, 5), False, classes=10, inputs=64)
    found = hessian(architecture, row, samples, PENALTY, False)
    assert found.shape == (740, 740)
    # A product with it, by differentiating along a direction.
    v = np.random.default_rng(1).normal(size=len(row)) * architecture.trainable(False)
    at = torch.tensor(row, requires_grad=True)
    (gradient,) = torch.autograd.grad(written_out(architecture, samples)(at), at, create_graph=True)
    (product,) = torch.autograd.grad(gradient @ torch.tensor(v), at)
    keep = architecture.trainable(False)
    np.testing.assert_allclose(found @ v[keep], product.numpy()[keep], atol=1e-13)
