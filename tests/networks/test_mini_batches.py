"""Losses and gradients where each network has samples of its own, against one network at a time."""

import numpy as np
import pytest
import torch
from helpers import pretend_cuda

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble

torch.set_num_threads(1)
BIASED = np.array([True, False, True, True, False])
SAMPLES, INPUTS = 300, 6


def problem(dtype=torch.float64, name="tanh", hidden=(10, 5), device="cpu"):
    random = np.random.default_rng(0)
    ensemble = Ensemble(Architecture(INPUTS, hidden, 4), BIASED, 0.1, dtype, device, name)
    rows = ensemble.initial(range(len(BIASED)))
    points, labels = random.uniform(-1, 1, (SAMPLES, INPUTS)), random.integers(0, 4, SAMPLES)
    return ensemble, rows, points, labels


def places(each, seed=0):
    """Which samples each network draws: (K, each), in any order, some of them twice."""
    return np.random.default_rng(seed).integers(0, SAMPLES, (len(BIASED), each))


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("dtype, rounding", [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("name", ["tanh", "gelu"])
@pytest.mark.parametrize("each", [1, 16, 37, 200, 2100])  # the last in blocks, compiled and not
def test_each_network_has_the_loss_and_gradient_of_its_own_samples(dtype, rounding, name, each):
    ensemble, rows, points, labels = problem(dtype, name)
    ensemble.layers.block_bytes = 1
    drawn = places(each)
    mini_batches = ensemble.samples(points, labels).mini_batches()
    assert len(mini_batches) == SAMPLES
    loss, gradient = ensemble.loss_and_gradient(rows, mini_batches.draw(torch.tensor(drawn)))
    assert loss.shape == (len(BIASED),) and gradient.shape == rows.shape
    for lane, own in enumerate(drawn):
        samples = ensemble.samples(points[own], labels[own])
        expected = ensemble.loss_and_gradient(rows[lane : lane + 1], samples, torch.tensor([lane]))
        torch.testing.assert_close(loss[lane], expected[0][0], rtol=rounding, atol=0)
        torch.testing.assert_close(gradient[lane], expected[1][0], rtol=100 * rounding, atol=rounding)


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("together", [1, 2, 5])
def test_chosen_networks_draw_for_themselves_in_blocks_of_any_size(together):
    ensemble, rows, points, labels = problem()
    ensemble.layers.lane_block = together
    drawn, lanes = torch.tensor(places(40)), torch.tensor([4, 0, 2])
    mini_batches = ensemble.samples(points, labels).mini_batches()
    loss, gradient = ensemble.loss_and_gradient(rows[lanes], mini_batches.draw(drawn[lanes]), lanes)
    expected = ensemble.loss_and_gradient(rows, mini_batches.draw(drawn))
    torch.testing.assert_close(loss, expected[0][lanes], rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected[1][lanes], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("each", [37, 600])
def test_on_a_card_as_on_the_cpu_to_the_bit(each, monkeypatch):
    pretend_cuda.compute_as_a_card(monkeypatch)
    results = []
    with pretend_cuda.cards():
        for device in ("cpu", "cuda"):
            ensemble, rows, points, labels = problem(torch.float32, device=device)
            drawn = torch.tensor(places(each), device=device)
            results.append(
                ensemble.loss_and_gradient(rows, ensemble.samples(points, labels).mini_batches().draw(drawn))
            )
        for here, there in zip(*results, strict=True):
            assert there.is_cuda and torch.equal(there.cpu(), here)
