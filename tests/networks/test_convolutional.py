"""Convolutional networks in ensembles against plain torch.nn modules in float64, and where they are odd."""

import numpy as np
import pytest
import torch
from helpers import ensembles, modules, pretend_cuda
from helpers.ensembles import ALPHA, BIASED
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.convolutional import Convolutional
from symmetry_constrained.networks.ensemble import evaluate
from symmetry_constrained.networks.registry import ensemble_class
from symmetry_constrained.optim import adam, lbfgs
from symmetry_constrained.optim.problem import Budget

torch.set_num_threads(1)
INPUTS, CLASSES = 64, 4
SHAPES = pytest.mark.parametrize("hidden", [("c3", "c5"), ("c4",), ("c2", "c3", "c2"), ("c2", "c3", 6), ("c3", 5, 4)])
NAMES = pytest.mark.parametrize("name", modules.FUNCTIONS)


def problem(hidden=("c3", "c5"), name="tanh", dtype=torch.float64, scale=0.5, **options):
    architecture = Architecture(INPUTS, hidden, CLASSES)
    return ensembles.drawn(Convolutional, architecture, dtype, activation=name, scale=scale, **options)


def said(ensemble, rows, points, labels):
    """The logits (K, n, classes)."""
    found = rows.new_empty(len(rows), CLASSES, len(labels), dtype=ensemble.dtype)
    for lanes, place, values in ensemble.logits(rows, ensemble.samples(points, labels)):
        found[lanes, :, place] = values
    return found.mT


def near(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@SHAPES
@NAMES
@pytest.mark.parametrize("together", [1, 2])
def test_logits_loss_and_gradient_are_those_of_a_plain_module(hidden, name, together):
    """Block by block, of samples as well as of networks."""
    ensemble, rows, points, labels = problem(hidden, name, n=300)
    ensemble.layers.block_bytes, ensemble.layers.lane_block = 1, together
    losses, gradients = ensemble.loss_and_gradient(rows, ensemble.samples(points, labels))
    logits = said(ensemble, rows, points, labels)
    for lane, biased in enumerate(BIASED):
        network = modules.Network(INPUTS, hidden, CLASSES, rows[lane], name, biased)
        loss = network.loss(points, labels, ALPHA)
        network.backward(loss)
        near(logits[lane], network(points).detach())
        near(losses[lane], loss.detach())
        near(gradients[lane], network.gradient())


def test_on_samples_of_their_own_too():
    ensemble, rows, points, labels = problem(n=100)
    places = torch.tensor(np.random.default_rng(1).integers(0, 100, (3, 40)))
    drawn = ensemble.samples(points, labels).mini_batches().draw(places)
    losses, gradients = ensemble.loss_and_gradient(rows, drawn)
    for lane, own in enumerate(places):
        alone = ensemble.samples(points[own], labels[own])
        loss, gradient = ensemble.loss_and_gradient(rows[[lane]], alone, torch.tensor([lane]))
        near(losses[lane], loss[0])
        near(gradients[lane], gradient[0])


@SHAPES
def test_an_ensemble_is_its_networks_one_at_a_time(hidden):
    ensemble, rows, points, labels = problem(hidden)
    samples = ensemble.samples(points, labels)
    losses, gradients = ensemble.loss_and_gradient(rows, samples)
    judged = evaluate(ensemble, rows, samples)
    for lane, biased in enumerate(BIASED):
        one = Convolutional(ensemble.architecture, np.array([biased]), ALPHA, torch.float64)
        loss, gradient = one.loss_and_gradient(rows[[lane]], samples)
        near(losses[[lane]], loss)
        near(gradients[[lane]], gradient)
        np.testing.assert_array_equal(judged.classes[[lane]], evaluate(one, rows[[lane]], samples).classes)


def test_in_single_precision_up_to_its_rounding():
    ensemble, rows, points, labels = problem(dtype=torch.float32)
    exact, *_ = problem()
    found, expected = (one.loss_and_gradient(rows, one.samples(points, labels)) for one in (ensemble, exact))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@given(
    st.integers(0, 999), st.floats(0.01, 3), st.booleans(), st.sampled_from([("c3", "c5"), ("c4",), ("c2", "c3", 6)])
)
def test_bias_free_networks_with_tanh_are_odd_to_the_bit(seed, scale, single, hidden):
    dtype = torch.float32 if single else torch.float64
    ensemble, rows, points, labels = problem(
        hidden, dtype=dtype, biased=np.zeros(3, dtype=bool), seed=seed, scale=scale, n=30
    )
    assert torch.equal(said(ensemble, rows, -points, labels), -said(ensemble, rows, points, labels))


@pytest.mark.parametrize("name, biased", [("relu", False), ("gelu", False), ("tanh", True)])
def test_others_are_not(name, biased):
    ensemble, rows, points, labels = problem(name=name, biased=np.full(3, biased))
    both = said(ensemble, rows, points, labels) + said(ensemble, rows, -points, labels)
    assert both.abs().amax((1, 2)).min() > 0.01


def test_images_beyond_the_first_layers_windows_do_not_wrap_around():
    """A filter that looks down and to the right sees zeros outside the image."""
    ensemble, rows, points, labels = problem(("c1",), biased=np.array([False]))
    filter_, above = ensemble.architecture.split(rows.zero_())
    filter_[0, 0, 8], above[0, 0, 0] = 1.0, 1.0
    found = said(ensemble, rows, points, labels)[0, :, 0]
    image = points.reshape(-1, 8, 8)
    near(found, torch.tensor(np.tanh(image[:, 1:3, 1:3]).mean((1, 2))))
    above.zero_()
    above[0, 0, 15] = 1.0
    found = said(ensemble, rows, points, labels)[0, :, 0]
    near(found, torch.tensor(np.tanh(image[:, 7, 7]) / 4))


@pytest.mark.parametrize("hidden", [("c3", "c5"), ("c2", 6)])
def test_every_epoch_is_that_of_torchs_adam_on_the_module(hidden):
    """Two mini-batches and a part of one in each, drawn by each network for itself."""
    points, labels = load_digits(return_X_y=True)
    points, labels, seeds = points[:450] / 8 - 1, labels[:450], [5, 71, 100_003]
    ensemble = Convolutional(Architecture(64, hidden), BIASED, 1e-2, torch.float64)
    rows, samples, course = ensemble.initial(seeds), ensemble.samples(points, labels), []
    adam.train(
        ensemble,
        rows,
        samples,
        Budget(max_iterations=5),
        seeds=seeds,
        accepted=lambda state, _: course.append(state.x.clone()),
    )
    assert len(course) == 5
    for lane, (seed, biased) in enumerate(zip(seeds, BIASED, strict=True)):
        drawn = modules.orders(seed, rows.shape[1], 450, 5)
        network = modules.Network(64, hidden, 10, rows[lane], biased=biased)
        for epoch, row in enumerate(modules.adams(network, points, labels, 1e-2, drawn, hat=True)):
            torch.testing.assert_close(course[epoch][lane], row, rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimiser, iterations", [(adam, 150), (lbfgs, 40)])
def test_either_optimiser_learns(optimiser, iterations):
    points, labels = load_digits(return_X_y=True)
    ensemble = Convolutional(Architecture(64, ("c3", "c5")), np.array([True, False]))
    samples = ensemble.samples(points[:600] / 8 - 1, labels[:600])
    rows = ensemble.initial([1, 2])
    result = optimiser.train(ensemble, rows, samples, Budget(max_iterations=iterations), seeds=[1, 2])
    assert evaluate(ensemble, result.x, samples).accuracy.min() > 0.6


def test_on_a_card_as_on_the_cpu(monkeypatch):
    pretend_cuda.compute_as_a_card(monkeypatch)
    results = []
    with pretend_cuda.cards():
        for device in ("cpu", "cuda"):
            ensemble, rows, points, labels = problem(device=device)
            samples = ensemble.samples(points, labels)
            judged = evaluate(ensemble, rows, samples)
            results.append([part.cpu() for part in ensemble.loss_and_gradient(rows, samples)])
            results[-1] += [torch.tensor(judged.classes), torch.tensor(judged.loss)]
    for here, there in zip(*results, strict=True):
        near(here, there)


def test_by_name_and_what_is_refused():
    assert ensemble_class("none", True) is Convolutional
    with pytest.raises(ValueError, match=r"^averaging: 'logits' is not for networks with convolutions; choose none$"):
        ensemble_class("logits", True)
    with pytest.raises(
        ValueError, match=r"^these convolutions need a square image whose side is a multiple of 4, not 36"
    ):
        Convolutional(Architecture(36, ("c4", "c4")), BIASED)
    with pytest.raises(ValueError, match="mirrored pairs need an even number of units, not c4"):
        Architecture(64, ("c4",)).initial(1, True, "mirrored")
