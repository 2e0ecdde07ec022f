"""The solvers compared: the same loss and gradient as ours from the same start, and the same optimum in the end."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from symmetry_constrained.benchmark import solvers
from symmetry_constrained.benchmark.solvers import SOLVERS
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble

ARCHITECTURE = Architecture(4, (3, 2), 3)
ALPHA = 5.0
NEEDS_JAX = pytest.mark.skipif(bool(solvers.missing("jax")), reason="jax or optax is not installed")
NAMES = [pytest.param(name, marks=NEEDS_JAX) if name == "jax" else name for name in SOLVERS]


@pytest.fixture(scope="module")
def samples():
    """Three overlapping clouds, (60, 4)."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    inputs = random.normal(size=(60, 4)) + np.eye(3, 4)[labels]
    return inputs.astype(np.float32), labels


def solver(name, samples):
    return SOLVERS[name](ARCHITECTURE, ALPHA, *samples, "cpu")


def oracle(rows, samples):
    """Loss (K,) and gradient (K, P) of the rows by our ensemble in float64."""
    ensemble = Ensemble(ARCHITECTURE, np.ones(len(rows), dtype=bool), ALPHA, torch.float64)
    inputs, labels = samples
    found = ensemble.loss_and_gradient(torch.tensor(rows), ensemble.samples(inputs.astype(np.float64), labels))
    return [part.numpy() for part in found]


def start(seed):
    return ARCHITECTURE.initial(seed, True)


def test_torch_has_our_loss_and_gradient(samples):
    one = solver("torch", samples)
    parameters = one.parameters(start(3))
    loss = one.loss(parameters)
    gradient = torch.autograd.grad(loss, parameters)
    layers = [
        torch.cat([weight, bias[:, None]], 1).flatten()
        for weight, bias in zip(gradient[::2], gradient[1::2], strict=True)
    ]
    (expected,), (expected_gradient,) = oracle(start(3)[None], samples)
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(torch.cat(layers).numpy(), expected_gradient, rtol=1e-4, atol=1e-6)


@NEEDS_JAX
def test_jax_has_our_loss_and_gradient(samples):
    import jax

    one = solver("jax", samples)
    loss, gradient = jax.value_and_grad(one.loss)(start(3).astype(np.float32), one.inputs, one.labels)
    (expected,), (expected_gradient,) = oracle(start(3)[None], samples)
    assert float(loss) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_solver_ends_in_a_minimum_that_ours_finds(name, samples):
    # So strong a penalty leaves few minima: what differs is rounding.
    trained = solver(name, samples).train([1, 2, 3], 400)
    ours = solver("ours", samples).train([1, 2, 3], 400)
    (loss, gradient), (expected, _) = (oracle(rows, samples) for rows in (trained.rows, ours.rows))
    assert trained.rows.shape == ours.rows.shape == (3, ARCHITECTURE.row_length)
    np.testing.assert_allclose(loss, expected, rtol=1e-3)
    assert np.abs(gradient).max() < 1e-3
    # Trained, and each network from a start of its own.
    assert (loss < oracle(np.stack([start(seed) for seed in (1, 2, 3)]), samples)[0]).all()
    assert len({row.tobytes() for row in trained.rows}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_evaluations_are_counted_and_limited(name, samples):
    one = solver(name, samples)
    few, more = (one.train([1, 2], limit).evaluations for limit in (4, 12))
    # A line search that has begun may end beyond the limit.
    assert few.shape == (2,) and (few >= 2).all() and (few <= 4 + 20).all()
    assert (more > few).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_network_beside_others_is_trained_as_alone(name, samples):
    one = solver(name, samples)
    together = one.train([1, 2], 30)
    alone = [one.train([seed], 30) for seed in (1, 2)]
    assert together.evaluations.tolist() == [int(part.evaluations[0]) for part in alone]
    np.testing.assert_allclose(together.rows, np.concatenate([part.rows for part in alone]), rtol=1e-2, atol=1e-2)


def test_torch_counts_every_call_of_its_loss(samples, monkeypatch):
    one = solver("torch", samples)
    calls = []
    loss = one.loss
    monkeypatch.setattr(one, "loss", lambda parameters: calls.append(1) or loss(parameters))
    assert one.train([5], 25).evaluations.tolist() == [len(calls)]


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(solvers, "find_spec", lambda name: None if name in ("jax", "optax") else find_spec(name))
    assert solvers.missing("jax") == ["jax", "optax"]
    assert solvers.missing("ours") == solvers.missing("torch") == []
    with pytest.raises(ValueError, match=r"^solvers: 'keras' is unknown; choose one of ours, scikit-learn, "):
        solvers.missing("keras")
