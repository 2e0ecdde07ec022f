"""Averaged networks against autograd and the definition f(x) + f(−x), and what is the same for x and −x."""

import itertools

import numpy as np
import pytest
import torch
from helpers import ensembles, oracles, pretend_cuda
from helpers.ensembles import ALPHA, BIASED
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.averaged import AveragedLogits, MirroredUnits
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.networks.registry import AVERAGING, ensemble_class
from symmetry_constrained.optim import adam, lbfgs
from symmetry_constrained.optim.problem import Budget

torch.set_num_threads(1)
INPUTS, CLASSES = 6, 4
KINDS = pytest.mark.parametrize("kind", [AveragedLogits, MirroredUnits])
FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu, "gelu": torch.nn.functional.gelu}


def problem(kind, hidden=(10, 5), name="tanh", dtype=torch.float64, **options):
    return ensembles.drawn(kind, Architecture(INPUTS, hidden, CLASSES), dtype, activation=name, **options)


def said(ensemble, rows, points, labels):
    """The logits (K, classes, n)."""
    blocks = [values.clone() for _, _, values in ensemble.logits(rows, ensemble.samples(points, labels))]
    return torch.cat(blocks, 2)


def expected_logits(kind, row, sizes, points, function):
    """The logits (n, classes) by definition, for autograd."""
    matrices, position = [], 0
    for fan_in, fan_out in itertools.pairwise(sizes):
        matrices.append(row[position : position + fan_out * (fan_in + 1)].view(fan_out, fan_in + 1))
        position += matrices[-1].numel()

    def through(layers, z):
        for depth, matrix in enumerate(layers):
            z = (function(z) if depth else z) @ matrix[:, :-1].T + matrix[:, -1]
        return z

    points = torch.tensor(points)
    if kind is AveragedLogits:
        return through(matrices, points) + through(matrices, -points)
    units = sum(function(through(matrices[:1], sign * points)) for sign in (1, -1))
    return through(matrices[1:], units)


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("hidden", [(7,), (10, 5), (6, 5, 4)])
@pytest.mark.parametrize("dtype, rounding", [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("name", FUNCTIONS)
@KINDS
def test_loss_gradient_and_predictions_are_autograds(kind, hidden, dtype, rounding, name):
    ensemble, rows, points, labels = problem(kind, hidden, name, dtype, n=600)
    samples = ensemble.samples(points, labels)
    losses, gradients = ensemble.loss_and_gradient(rows, samples)
    judged = evaluate(ensemble, rows, samples)
    is_bias = torch.tensor(ensemble.architecture.is_bias())
    for lane, biased in enumerate(BIASED):
        row = rows[lane].clone().requires_grad_()
        logits = expected_logits(kind, row, [INPUTS, *hidden, CLASSES], points, FUNCTIONS[name])
        cross_entropy = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
        loss = cross_entropy + ALPHA / (2 * len(labels)) * row[~is_bias].square().sum()
        (gradient,) = torch.autograd.grad(loss, row)
        if not biased:
            gradient[is_bias] = 0
        assert losses[lane].item() == pytest.approx(loss.item(), rel=rounding)
        torch.testing.assert_close(gradients[lane], gradient, rtol=100 * rounding, atol=3 * rounding)
        assert judged.loss[lane] == pytest.approx(cross_entropy.item(), rel=rounding)


@pytest.mark.parametrize("hidden", [(7,), (10, 5), (6, 5, 4)])
@KINDS
def test_the_wider_network_that_is_trained_says_the_same(kind, hidden):
    ensemble, rows, points, labels = problem(kind, hidden)
    wider = said(ensemble.wider, ensemble.widen(rows), points, labels)
    torch.testing.assert_close(said(ensemble, rows, points, labels), wider, rtol=1e-12, atol=1e-12)


@KINDS
def test_start_and_parameters_are_those_of_f(kind):
    ensemble, *_ = problem(kind)
    f = Ensemble(ensemble.architecture, BIASED)
    assert torch.equal(ensemble.initial([1, 2, 3]), f.initial([1, 2, 3]))
    assert torch.equal(ensemble.trainable, f.trainable)


@KINDS
@given(st.integers(0, 999), st.sampled_from(list(FUNCTIONS)), st.floats(0.01, 10), st.booleans())
def test_logits_are_the_same_for_x_and_minus_x_to_the_bit(kind, seed, name, scale, single):
    dtype = torch.float32 if single else torch.float64
    ensemble, rows, points, labels = problem(kind, (6, 5, 4), name, dtype, seed=seed, scale=scale, n=300)
    ensemble.layers.block_bytes = 1  # two blocks
    up, down = (said(ensemble, rows, sign * points, labels) for sign in (1, -1))
    assert torch.equal(up, down)
    if kind is AveragedLogits:
        f = Ensemble(ensemble.architecture, BIASED, ALPHA, dtype, activation=name)
        assert torch.equal(up, sum(said(f, rows, sign * points, labels) for sign in (1, -1)))


@KINDS
@given(st.integers(0, 999), st.floats(0.01, 3), st.sampled_from([(7,), (10, 5), (6, 5, 4)]))
def test_an_odd_network_is_zero_when_averaged(kind, seed, scale, hidden):
    """The theorem that makes features necessary: f(−x) = −f(x), so that nothing is left, and nothing to learn from."""
    ensemble, rows, points, labels = problem(kind, hidden, biased=np.zeros(3, dtype=bool), seed=seed, scale=scale)
    assert (said(ensemble, rows, points, labels) == 0).all()
    ensemble.wider.penalty *= 0
    loss, gradient = ensemble.loss_and_gradient(rows, ensemble.samples(points, labels))
    torch.testing.assert_close(loss, torch.full_like(loss, np.log(CLASSES)), rtol=1e-10, atol=0)
    assert gradient.abs().max() < 1e-10


@pytest.mark.parametrize("name, biased", [("relu", False), ("gelu", False), ("tanh", True)])
@KINDS
def test_other_networks_are_not(kind, name, biased):
    ensemble, rows, points, labels = problem(kind, name=name, biased=np.full(3, biased))
    assert said(ensemble, rows, points, labels).abs().amax((1, 2)).min() > 0.1


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("optimiser", [lbfgs, adam])
@KINDS
def test_either_optimiser_learns_an_even_function_and_classes_are_those_of_minus_x(kind, optimiser):
    random = np.random.default_rng(0)
    points = random.uniform(-1, 1, (300, INPUTS))
    labels = np.digitize(np.abs(points[:, 0]), [0.25, 0.5, 0.75])
    ensemble = kind(Architecture(INPUTS, (10, 5), CLASSES), np.array([True, True]))
    rows, samples = ensemble.initial([1, 2]), ensemble.samples(points, labels)
    result = optimiser.train(ensemble, rows, samples, Budget(max_iterations=300), seeds=[1, 2])
    judged = [evaluate(ensemble, result.x, samples), evaluate(ensemble, result.x, samples.negated())]
    assert judged[0].accuracy.min() > 0.5 > 1.5 * np.bincount(labels).max() / len(labels)
    np.testing.assert_array_equal(judged[0].classes, judged[1].classes)


@KINDS
def test_on_a_card_as_on_the_cpu_to_the_bit(kind, monkeypatch):
    pretend_cuda.compute_as_a_card(monkeypatch)
    results = []
    with pretend_cuda.cards():
        for device in ("cpu", "cuda"):
            ensemble, rows, points, labels = problem(kind, dtype=torch.float32, device=device)
            samples = ensemble.samples(points, labels)
            judged = evaluate(ensemble, rows, samples)
            results.append([part.cpu() for part in ensemble.loss_and_gradient(rows, samples)])
            results[-1] += [torch.tensor(judged.classes), torch.tensor(judged.loss)]
        assert all(torch.equal(here, there) for here, there in zip(*results, strict=True))


def test_the_definition_in_plain_numpy():
    ensemble, rows, points, labels = problem(AveragedLogits)
    for row, found in zip(rows.numpy(), said(ensemble, rows, points, labels), strict=True):
        expected = sum(oracles.logits(row, [INPUTS, 10, 5, CLASSES], sign * points) for sign in (1, -1))
        np.testing.assert_allclose(found.T, expected, rtol=1e-12, atol=1e-12)


def test_kinds_by_name():
    assert [ensemble_class(name) for name in AVERAGING] == [Ensemble, AveragedLogits, MirroredUnits]
    with pytest.raises(ValueError, match=r"^averaging: 'inputs' is unknown; choose none, logits, units$"):
        ensemble_class("inputs")
