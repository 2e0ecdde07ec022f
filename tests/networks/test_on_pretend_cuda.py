"""Ensembles on a pretend card against the same on the CPU."""

import numpy as np
import pytest
import torch
from helpers import pretend_cuda

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate, resolve_device

pytestmark = pytest.mark.usefixtures("same_arithmetic")

torch.set_num_threads(1)
BIASED = np.array([True, False, False, True, True])
CARD = "cuda"


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def problem(request):
    """A device -> an ensemble there, its rows and its samples."""
    random = np.random.default_rng(0)
    points, labels = random.uniform(-1, 1, (300, 6)), random.integers(0, 10, 300)
    architecture = Architecture(6, (7, 5))
    moves = random.normal(size=(len(BIASED), architecture.row_length))

    def on(device):
        ensemble = Ensemble(architecture, BIASED, dtype=request.param, device=device)
        rows = ensemble.initial(range(len(BIASED))) + torch.from_numpy(moves).to(device) * ensemble.trainable
        return ensemble, rows, ensemble.samples(points, labels)

    return on


def block_by_block(ensemble, lanes=2, samples=128):
    """The same in smaller blocks."""
    ensemble.layers.lane_block = lanes
    ensemble.layers.block_bytes = samples * lanes * 10 * ensemble.dtype.itemsize
    return ensemble


@pytest.mark.parametrize("blocks", [lambda ensemble: ensemble, block_by_block], ids=["at once", "in blocks"])
@pytest.mark.parametrize("lanes", [None, [4, 1, 2]])
def test_loss_and_gradient_are_the_cpus_to_the_bit(card, problem, blocks, lanes):
    results = []
    for device in ("cpu", CARD):
        ensemble, rows, samples = problem(device)
        numbers = None if lanes is None else torch.tensor(lanes, device=device)
        some = rows if lanes is None else rows[numbers]
        results.append(blocks(ensemble).loss_and_gradient(some, samples, numbers))
    (loss, gradient), (on_card, gradient_on_card) = results
    assert on_card.is_cuda and gradient_on_card.is_cuda
    assert torch.equal(on_card.cpu(), loss) and torch.equal(gradient_on_card.cpu(), gradient)


def test_loss_and_gradient_wait_for_nothing(card, problem):
    ensemble, rows, samples = problem(CARD)
    card.forget()
    ensemble.loss_and_gradient(rows, samples)
    assert (card.to_device, card.to_host) == (0, 0)


@pytest.mark.parametrize("blocks", [lambda ensemble: ensemble, block_by_block], ids=["at once", "in blocks"])
def test_predictions_are_the_cpus_to_the_bit(card, problem, blocks):
    results = []
    for device in ("cpu", CARD):
        ensemble, rows, samples = problem(device)
        results.append(evaluate(blocks(ensemble), rows, samples))
    here, there = results
    for name in ("classes", "loss", "accuracy", "clipped"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    assert 0 < here.accuracy.mean() < 1


def test_samples_negated_on_the_card_are_those_of_negated_inputs(card, problem):
    ensemble, _, samples = problem(CARD)
    negated = samples.negated()
    assert negated.inputs.is_cuda
    assert torch.equal(negated.inputs[:-1].cpu(), -samples.inputs[:-1].cpu())
    assert torch.equal(negated.inputs[-1].cpu(), torch.ones(300, dtype=ensemble.dtype))


@pytest.mark.parametrize(
    "name, cards, resolved",
    [
        ("auto", 0, "cpu"),
        ("auto", 1, "cuda"),
        ("cpu", 1, "cpu"),
        ("cuda", 1, "cuda"),
        ("cuda:0", 1, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_devices_that_are_there(name, cards, resolved):
    with pretend_cuda.cards(cards):
        assert resolve_device(name) == resolved


@pytest.mark.parametrize("name, cards", [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), ("cuda:2", 2)])
def test_a_device_that_is_not_there_is_refused_in_one_line(name, cards):
    with pretend_cuda.cards(cards), pytest.raises(ValueError, match=f"^device: there is no {name} here") as error:
        resolve_device(name)
    assert len(str(error.value).splitlines()) == 1


def test_an_ensemble_on_the_second_card_stays_there(problem):
    with pretend_cuda.cards(2):
        ensemble, rows, samples = problem("cuda:1")
        loss, gradient = ensemble.loss_and_gradient(rows, samples)
        assert {loss.device, gradient.device, samples.inputs.device} == {torch.device("cuda:1")}
