"""Adam in ensembles, step by step against torch.optim.Adam and scikit-learn's solver."""

import warnings

import numpy as np
import pytest
import torch
from helpers import modules, pretend_cuda
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import adam
from symmetry_constrained.optim.checkpoints import Checkpoints, Marks
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training.scikit_learn import BiasFreeNetwork, Network, as_row

torch.set_num_threads(1)
ALPHA = 1e-2  # enough that a penalty left out or scaled by all samples would show
HIDDEN = (10, 5)
BIASED = np.array([True, False, True])
SEEDS = [5, 71, 100_003]


def digits(images, start=0):
    points, labels = (part[start : start + images] for part in load_digits(return_X_y=True))
    return points / 8 - 1, labels


def problem(images=450, biased=BIASED, seeds=SEEDS, alpha=ALPHA, dtype=torch.float64, **kwargs):
    """An ensemble, its initial rows and its samples: two mini-batches and a part of one, unless given otherwise."""
    ensemble = Ensemble(Architecture(64, HIDDEN), np.asarray(biased), alpha, dtype, **kwargs)
    return ensemble, ensemble.initial(seeds), ensemble.samples(*digits(images))


class Course:
    """The parameters after every epoch, as checkpoints see them."""

    def __init__(self):
        self.rows = []

    def accepted(self, state, done):
        assert done.all()
        self.rows.append(state.x.clone())


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("images", [450, 150])
@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_every_epoch_is_that_of_torchs_adam(images, name):
    """On the same mini-batches in the same order; with fewer than 200 images there is one step per epoch."""
    ensemble, rows, samples = problem(images, activation=name)
    course = Course()
    adam.train(ensemble, rows, samples, Budget(max_iterations=6), seeds=SEEDS, accepted=course.accepted)
    assert len(course.rows) == 6
    for lane, (seed, biased) in enumerate(zip(SEEDS, BIASED, strict=True)):
        drawn = list(modules.orders(seed, rows.shape[1], images, 6))
        for hat in (True, False):
            network = modules.Network(64, HIDDEN, 10, rows[lane], name, biased)
            for epoch, row in enumerate(modules.adams(network, *digits(images), ALPHA, drawn, hat)):
                apart = (course.rows[epoch][lane] - row).abs()
                # Where ε counts, in the first steps of tiny gradients, torch's own place for it moves a few weights.
                assert apart.max() < 1e-12 if hat else apart.median() < 1e-6


def scikit_learns(images, biased, seed, epochs, alpha=ALPHA, **options):
    network = (Network if biased else BiasFreeNetwork)(
        solver="adam",
        activation="tanh",
        alpha=alpha,
        hidden_layer_sizes=HIDDEN,
        random_state=seed,
        max_iter=epochs,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(*digits(images))


@pytest.mark.usefixtures("arithmetic")
def test_in_float64_the_networks_are_scikit_learns_of_the_same_seeds():
    ensemble, rows, samples = problem()
    result = adam.train(ensemble, rows, samples, Budget(max_iterations=30), seeds=SEEDS)
    assert result.status == ["max_iterations"] * 3
    for lane, (seed, biased) in enumerate(zip(SEEDS, BIASED, strict=True)):
        network = scikit_learns(450, biased, seed, 30)
        np.testing.assert_allclose(result.x[lane], as_row(network), rtol=1e-9, atol=1e-11)


def test_training_stops_where_scikit_learns_does():
    biased, seeds = np.arange(8) % 2 == 0, list(range(8))
    ensemble, rows, samples = problem(150, biased, seeds)
    for tol in (1e-2, 5e-3):
        result = adam.train(ensemble, rows, samples, Budget(), seeds=seeds, tol=tol)
        networks = [scikit_learns(150, *both, 3000, tol=tol) for both in zip(biased, seeds, strict=True)]
        assert result.status == ["converged_loss"] * 8
        assert result.iterations.tolist() == [network.n_iter_ for network in networks]
        assert torch.equal(result.evaluations, result.iterations)
        assert len(set(result.iterations.tolist())) > 2
        np.testing.assert_allclose(result.x, [as_row(network) for network in networks], rtol=1e-6, atol=1e-8)


def test_accuracies_in_float32_are_scikit_learns():
    """Of 24 networks on 300 images, held against 600 others; rounding changes single images."""
    count, images, epochs, alpha = 24, 300, 120, 1e-5
    biased, seeds = np.arange(count) % 2 == 0, np.arange(count) + 1000
    ensemble, rows, samples = problem(images, biased, seeds, alpha, torch.float32)
    result = adam.train(ensemble, rows, samples, Budget(max_iterations=epochs), seeds=seeds)
    unseen = digits(600, start=images)
    ours = evaluate(ensemble, result.x, ensemble.samples(*unseen)).accuracy
    networks = [scikit_learns(images, *both, epochs, alpha) for both in zip(biased, seeds, strict=True)]
    theirs = np.array([network.score(*unseen) for network in networks])
    assert theirs.mean() > 0.5 and theirs.std() > 0.02  # so that agreement says something
    assert abs(ours.mean() - theirs.mean()) < 0.002
    np.testing.assert_allclose(np.sort(ours), np.sort(theirs), rtol=0, atol=0.01)


def test_each_network_draws_its_own_order():
    """The same start with other seeds ends elsewhere, and with the same seed at the same place."""
    ensemble, rows, samples = problem(biased=[True] * 3, seeds=[7, 7, 7])
    x = adam.train(ensemble, rows, samples, Budget(max_iterations=2), seeds=[7, 8, 7]).x
    assert torch.equal(x[0], x[2]) and not torch.equal(x[0], x[1])


@pytest.mark.parametrize("bytes_at_once", [1, 250_000])
def test_networks_alone_or_in_groups_are_the_same(bytes_at_once, monkeypatch):
    ensemble, rows, samples = problem()
    together = adam.train(ensemble, rows, samples, Budget(max_iterations=3), seeds=SEEDS)
    monkeypatch.setitem(adam.DRAWN_BYTES, "cpu", bytes_at_once)
    grouped = adam.train(ensemble, rows, samples, Budget(max_iterations=3), seeds=SEEDS)
    torch.testing.assert_close(grouped.x, together.x, rtol=1e-9, atol=1e-12)
    for lane, seed in enumerate(SEEDS):
        alone, row, _ = problem(biased=BIASED[lane : lane + 1], seeds=[seed])
        result = adam.train(alone, row, samples, Budget(max_iterations=3), seeds=[seed])
        torch.testing.assert_close(result.x[0], together.x[lane], rtol=1e-9, atol=1e-12)


def test_a_network_goes_on_as_if_the_others_had_not_stopped():
    ensemble, rows, samples = problem(150)
    course = Course()
    result = adam.train(ensemble, rows, samples, Budget(), seeds=SEEDS, tol=5e-3)
    longest = int(result.iterations.argmax())
    assert result.iterations.min() < result.iterations.max()
    alone, row, _ = problem(150, BIASED[longest : longest + 1], SEEDS[longest : longest + 1])
    expected = adam.train(alone, row, samples, Budget(), seeds=[SEEDS[longest]], tol=5e-3, accepted=course.accepted)
    assert expected.iterations[0] == result.iterations[longest] == len(course.rows)
    torch.testing.assert_close(result.x[longest], expected.x[0], rtol=1e-6, atol=1e-9)


def test_biases_that_are_not_trained_stay_zero():
    ensemble, rows, samples = problem(dtype=torch.float32)
    x = adam.train(ensemble, rows, samples, Budget(max_iterations=4), seeds=SEEDS).x
    biases = x[:, torch.tensor(ensemble.architecture.is_bias())]
    assert (biases[1] == 0).all() and (biases[[0, 2]] != 0).all()


def test_an_epoch_is_an_iteration_and_an_evaluation():
    """A budget of so many passes gives as many, checkpoints are at epochs, and the start is left as it was."""
    ensemble, rows, samples = problem()
    before, checkpoints, ticks = rows.clone(), Checkpoints((2, 5, 9), rows), []
    result = adam.train(
        *(ensemble, rows, samples, Budget(max_evaluations=7)),
        seeds=SEEDS,
        accepted=checkpoints.accepted,
        ticked=lambda state: ticks.append(state.evaluations.tolist()),
    )
    assert torch.equal(rows, before)
    assert result.status == ["max_evaluations"] * 3
    assert result.iterations.tolist() == result.evaluations.tolist() == [7] * 3
    assert ticks == [[count] * 3 for count in range(1, 8)]
    assert checkpoints.evaluations.tolist() == [[2, 5, 0]] * 3
    for column, epochs in enumerate((2, 5)):
        shorter = adam.train(ensemble, rows, samples, Budget(max_iterations=epochs), seeds=SEEDS)
        assert torch.equal(checkpoints.rows[:, column], shorter.x)
    loss, gradient = ensemble.loss_and_gradient(result.x, samples)
    assert torch.equal(result.loss, loss) and torch.equal(result.gradient, gradient)


def test_marks_of_smaller_budgets_are_closed():
    ensemble, rows, samples = problem()
    marks = Marks([3, 50], rows)
    result = adam.train(ensemble, rows, samples, Budget(max_iterations=5), seeds=SEEDS, accepted=marks.accepted)
    marks.close(result)
    assert marks.evaluations.tolist() == [[4, 5]] * 3
    assert torch.equal(marks.rows[:, 1], result.x)


@pytest.mark.usefixtures("arithmetic")
def test_a_network_that_overflows_says_so_and_leaves_the_others():
    ensemble, rows, samples = problem(dtype=torch.float32)
    expected = adam.train(ensemble, rows, samples, Budget(max_iterations=4), seeds=SEEDS)
    rows[1, 0] = 1e200
    result = adam.train(ensemble, rows, samples, Budget(max_iterations=4), seeds=SEEDS)
    assert result.status == ["max_iterations", "non_finite", "max_iterations"]
    assert result.iterations.tolist() == [4, 0, 4] and result.evaluations.tolist() == [4, 1, 4]
    assert result.x[1].isnan().all()
    torch.testing.assert_close(result.x[[0, 2]], expected.x[[0, 2]], rtol=1e-6, atol=1e-9)


def test_every_network_needs_a_seed():
    with pytest.raises(ValueError, match=r"^3 networks need as many seeds, not 2$"):
        adam.train(*problem(), Budget(), seeds=[1, 2])


def test_on_a_card_the_networks_are_the_cpus_to_the_bit(monkeypatch):
    pretend_cuda.compute_as_a_card(monkeypatch)
    results = []
    with pretend_cuda.cards():
        for device in ("cpu", "cuda"):
            given = problem(150, dtype=torch.float32, device=device)
            results.append(adam.train(*given, Budget(), seeds=SEEDS, tol=1e-2))
        here, there = results
        assert there.x.is_cuda and there.status == here.status
        assert torch.equal(there.iterations, here.iterations) and len(set(here.iterations.tolist())) > 1
        assert torch.equal(there.x.cpu(), here.x) and torch.equal(there.loss, here.loss)
