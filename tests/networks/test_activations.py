"""Activations against their definitions, autograd and finite differences; networks with each against autograd."""

import itertools
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from scipy.special import erf
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from symmetry_constrained.networks.activations import ACTIVATIONS, of
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate

pytestmark = pytest.mark.usefixtures("arithmetic")

ALPHA = 1e-2
DEFINITIONS = {
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "gelu": lambda z: z * 0.5 * (1 + erf(z / math.sqrt(2))),
}
AUTOGRAD = {"tanh": torch.tanh, "relu": torch.relu, "gelu": torch.nn.functional.gelu}
EVERY = pytest.mark.parametrize("name", ACTIVATIONS)
MIXED = np.array([True, False, False, True])


def points() -> torch.Tensor:
    return torch.cat([torch.linspace(-6, 6, 101, dtype=torch.float64), torch.tensor([-40.0, 1e-9, 40.0]).double()])


def slopes(name, z):
    """The slopes at z, by the path that the kernels take."""
    activation = of(name)
    values = torch.empty_like(z)
    activation.value(z, values)
    found = torch.empty_like(z)
    activation.slope(torch.ones_like(z), values if activation.from_output else z, found)
    return values, found


@EVERY
def test_values_are_those_of_the_definition(name):
    values, _ = slopes(name, points())
    expected = [DEFINITIONS[name](z) for z in points().tolist()]
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-15)


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_may_be_written_where_rows_have_gaps(name, dtype):
    """As in the kernels, where a row of ones follows a network's activations."""
    z = torch.linspace(-3, 3, 600, dtype=dtype).view(3, 4, 50)
    out = torch.ones(3, 5, 50, dtype=dtype)
    of(name).value(z, out[:, :-1])
    torch.testing.assert_close(out[:, :-1], AUTOGRAD[name](z), rtol=1e-6, atol=1e-7)
    assert (out[:, -1] == 1).all()


@EVERY
def test_slopes_are_autograds_and_those_of_differences(name):
    z = points()
    _, found = slopes(name, z)
    traced = z.clone().requires_grad_()
    (expected,) = torch.autograd.grad(AUTOGRAD[name](traced).sum(), traced)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)
    step = 1e-5
    smooth = z.abs() > 2 * step  # relu has a kink at 0
    differences = (slopes(name, z + step)[0] - slopes(name, z - step)[0]) / (2 * step)
    torch.testing.assert_close(found[smooth], differences[smooth], rtol=1e-6, atol=1e-9)


@EVERY
def test_the_slope_multiplies_and_may_be_written_over_its_arguments(name):
    z, delta = points(), torch.linspace(-2, 3, len(points()), dtype=torch.float64)
    values, expected = slopes(name, z)
    at = values if of(name).from_output else z
    over_delta, over_at = delta.clone(), at.clone()
    of(name).slope(over_delta, at, over_delta)
    of(name).slope(delta, over_at, over_at)
    for found in (over_delta, over_at):
        torch.testing.assert_close(found, delta * expected, rtol=1e-14, atol=0)


@EVERY
def test_odd_ones_are_odd_and_no_others(name):
    up, down = slopes(name, points())[0], slopes(name, -points())[0]
    assert torch.equal(up, -down) == of(name).odd


@EVERY
def test_a_value_that_is_no_number_stays_none(name):
    assert slopes(name, torch.tensor([torch.nan], dtype=torch.float64))[0].isnan().all()


def network(name, hidden, dtype=torch.float64, n=60, biased=MIXED):
    random = np.random.default_rng(1)
    architecture = Architecture(6, hidden, 4)
    ensemble = Ensemble(architecture, biased, ALPHA, dtype, activation=name)
    rows = random.normal(size=(len(biased), architecture.row_length))
    rows[~biased[:, None] & architecture.is_bias()] = 0.0
    inputs, labels = random.uniform(-1, 1, (n, 6)), random.integers(0, 4, n)
    return ensemble, torch.tensor(rows), inputs, labels


def logits(row, architecture, inputs, name):
    position, activation = 0, torch.tensor(inputs)
    for layer, (fan_in, fan_out) in enumerate(architecture.layers):
        matrix = row[position : position + fan_out * (fan_in + 1)].view(fan_out, fan_in + 1)
        position += matrix.numel()
        activation = (AUTOGRAD[name](activation) if layer else activation) @ matrix[:, :-1].T + matrix[:, -1]
    return activation


@EVERY
@pytest.mark.parametrize("hidden", [(7,), (10, 5), (6, 5, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_loss_gradient_and_predictions_of_networks_are_autograds(name, hidden, dtype):
    ensemble, rows, inputs, labels = network(name, hidden, dtype, n=600)
    ensemble.layers.block_bytes = 1  # three blocks
    samples = ensemble.samples(inputs, labels)
    losses, gradients = ensemble.loss_and_gradient(rows, samples)
    judged = evaluate(ensemble, rows, samples)
    is_bias = torch.tensor(ensemble.architecture.is_bias())
    rounding = 1e-5 if dtype == torch.float32 else 1e-12
    for lane, biased in enumerate(MIXED):
        row = rows[lane].clone().requires_grad_()
        said = logits(row, ensemble.architecture, inputs, name)
        cross_entropy = torch.nn.functional.cross_entropy(said, torch.tensor(labels))
        loss = cross_entropy + ALPHA / (2 * len(labels)) * row[~is_bias].square().sum()
        (gradient,) = torch.autograd.grad(loss, row)
        if not biased:
            gradient[is_bias] = 0
        assert losses[lane].item() == pytest.approx(loss.item(), rel=rounding)
        torch.testing.assert_close(gradients[lane], gradient, rtol=100 * rounding, atol=rounding)
        assert judged.loss[lane] == pytest.approx(cross_entropy.item(), rel=rounding)
        assert (judged.classes[lane] == said.argmax(1).numpy()).mean() > 0.995


@EVERY
def test_bias_free_networks_are_odd_where_the_activation_is(name):
    ensemble, rows, inputs, labels = network(name, (10, 5), biased=np.zeros(3, dtype=bool))
    said = [
        torch.cat(
            [values.clone() for _, _, values in ensemble.logits(rows, ensemble.samples(sign * inputs, labels))], 2
        )
        for sign in (1, -1)
    ]
    assert torch.equal(said[0], -said[1]) == of(name).odd


@pytest.mark.parametrize("name", [name for name, entry in ACTIVATIONS.items() if entry.scikit_learn])
@pytest.mark.parametrize("hidden", [(7,), (10, 5)])
def test_start_loss_and_gradient_are_scikit_learns(name, hidden):
    ensemble, _, inputs, labels = network(name, hidden, biased=np.array([True]), n=200)
    calls = []

    def row(estimator, packed):
        weights = [packed[start:stop].reshape(shape).T for start, stop, shape in estimator._coef_indptr]
        biases = [packed[start:stop] for start, stop in estimator._intercept_indptr]
        return np.concatenate([np.column_stack(layer).ravel() for layer in zip(weights, biases, strict=True)])

    class Recorder(MLPClassifier):
        def _loss_grad_lbfgs(self, packed, *args, **kwargs):
            loss, gradient = super()._loss_grad_lbfgs(packed, *args, **kwargs)
            calls.append((row(self, packed), loss, row(self, gradient)))
            return loss, gradient

    options = {"hidden_layer_sizes": hidden, "random_state": 7, "alpha": ALPHA, "max_iter": 5, "tol": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        Recorder(solver="lbfgs", activation=ACTIVATIONS[name].scikit_learn, **options).fit(inputs, labels)
    assert len(calls) > 5
    np.testing.assert_array_equal(calls[0][0], ensemble.architecture.initial(7, True))
    samples = ensemble.samples(inputs, labels)
    for start, loss, gradient in calls:
        ours, our_gradient = ensemble.loss_and_gradient(torch.tensor(start)[None], samples)
        assert ours.item() == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(our_gradient[0], gradient, rtol=1e-9, atol=1e-14)


def test_an_unknown_activation_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^activation: 'sine' is unknown; choose tanh, relu, gelu$"):
        Ensemble(Architecture(2, (3,)), np.array([True]), activation="sine")


@pytest.mark.parametrize(
    "table, names",
    [
        ("networks.activations.ACTIVATIONS", list(ACTIVATIONS)),
        ("optim.registry.OPTIMISERS", ["lbfgs", "adam"]),
        ("networks.registry.AVERAGING", ["none", "logits", "units"]),
    ],
)
def test_names_are_readable_without_torch(table, names):
    module, _, name = table.rpartition(".")
    code = (
        f"import sys; from symmetry_constrained.{module} import {name}; print(*{name});"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == names


def test_a_new_entry_is_all_that_an_activation_takes(monkeypatch):
    """Softsign, z / (1 + |z|), whose slope is (1 - |a|)²."""
    from symmetry_constrained.networks.activations import Activation

    entry = Activation(
        "softsign",
        lambda z, out: out.copy_(z / (1 + z.abs())),
        lambda delta, at, out: out.copy_(delta * (1 - at.abs()).square()),
        from_output=True,
        odd=True,
        scikit_learn=None,
    )
    monkeypatch.setitem(ACTIVATIONS, "softsign", entry)
    ensemble, rows, inputs, labels = network("softsign", (5, 4))
    samples = ensemble.samples(inputs, labels)
    _, gradients = ensemble.loss_and_gradient(rows, samples)
    free = np.flatnonzero(~ensemble.architecture.is_bias())
    for lane, parameter in itertools.product(range(len(rows)), free[::7]):
        moved = rows[lane].repeat(2, 1)
        moved[:, parameter] += torch.tensor([1e-6, -1e-6])
        (up, down), _ = ensemble.loss_and_gradient(moved, samples, torch.tensor([lane, lane]))
        assert gradients[lane, parameter].item() == pytest.approx((up - down).item() / 2e-6, abs=1e-7)
