"""The paper's estimator against an independent optimisation, and against the ensembles."""

import numpy as np
import pytest
import torch
from helpers import oracles
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training import scikit_learn

torch.set_num_threads(1)

SIZES = [64, 10, 5, 10]
ALPHA = 1e-5
BUDGET = Budget(max_iterations=12)


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return images[:600] / 8.0 - 1.0, labels[:600]


@pytest.fixture
def calls(monkeypatch):
    """The packed parameters of every evaluation that scikit-learn makes."""
    points = []
    original = MLPClassifier._loss_grad_lbfgs

    def recording(self, packed, *args, **kwargs):
        points.append(packed.copy())
        return original(self, packed, *args, **kwargs)

    monkeypatch.setattr(MLPClassifier, "_loss_grad_lbfgs", recording)
    return points


def centred(values):
    return values - values.mean(-1, keepdims=True)


def test_a_bias_free_networks_intercepts_never_move(digits, calls):
    network = scikit_learn.fit(*digits, biased=False, seed=3, budget=BUDGET)
    assert [len(intercepts) for intercepts in network.intercepts_] == SIZES[1:]
    assert all((intercepts == 0).all() for intercepts in network.intercepts_)
    assert len(calls) > 12
    assert all((packed[-25:] == 0).all() for packed in calls)
    biased = scikit_learn.fit(*digits, biased=True, seed=3, budget=BUDGET)
    assert all((intercepts != 0).all() for intercepts in biased.intercepts_)


def test_a_bias_free_network_is_odd(digits):
    inputs, _ = digits
    network = scikit_learn.fit(*digits, biased=False, seed=3, budget=BUDGET)
    logits = centred(np.log(network.predict_proba(inputs)))
    np.testing.assert_allclose(centred(np.log(network.predict_proba(-inputs))), -logits, atol=1e-10)
    assert np.abs(logits).max() > 1
    biased = scikit_learn.fit(*digits, biased=True, seed=3, budget=BUDGET)
    sums = centred(np.log(biased.predict_proba(inputs))) + centred(np.log(biased.predict_proba(-inputs)))
    assert np.abs(sums).max() > 0.1


@pytest.mark.parametrize("seed", [0, 2])
def test_both_networks_of_a_seed_start_with_the_same_weights(digits, calls, seed):
    starts = []
    for biased in (True, False):
        calls.clear()
        scikit_learn.fit(*digits, biased=biased, seed=seed, budget=Budget(max_iterations=1))
        starts.append(calls[0])
    np.testing.assert_array_equal(starts[0][:740], starts[1][:740])
    assert (starts[0][740:] != 0).all() and (starts[1][740:] == 0).all()


@pytest.mark.parametrize("biased", [True, False])
def test_evaluations_are_counted_for_each_fit_apart(digits, calls, biased):
    for budget in (Budget(max_iterations=4), Budget(max_iterations=9)):
        calls.clear()
        network = scikit_learn.fit(*digits, biased=biased, seed=1, budget=budget)
        assert network.evaluations_ == len(calls) > budget.max_iterations
        assert network.n_iter_ == budget.max_iterations
    assert scikit_learn.Network.evaluations_ == 0


@pytest.mark.parametrize("evaluations", [1, 8, 30])
def test_a_budget_of_evaluations_is_the_first_accepted_point_beyond_it(digits, evaluations):
    network = scikit_learn.fit(*digits, biased=True, seed=1, budget=Budget(max_evaluations=evaluations))
    assert evaluations < network.evaluations_ <= evaluations + 20
    shorter = scikit_learn.fit(*digits, biased=True, seed=1, budget=Budget(max_iterations=max(network.n_iter_ - 1, 1)))
    assert network.n_iter_ == 1 or shorter.evaluations_ <= evaluations


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("budget", [BUDGET, Budget(max_evaluations=15)], ids=["iterations", "evaluations"])
def test_fit_ends_where_an_independent_minimisation_ends(digits, biased, budget):
    inputs, labels = digits
    network = scikit_learn.fit(inputs, labels, biased=biased, seed=5, budget=budget)
    scipys = oracles.lbfgsb(
        lambda row: oracles.loss_and_gradient(row, SIZES, inputs, labels, ALPHA, biased),
        Architecture(64, (10, 5)).initial(5, biased),
        budget.max_iterations,
        budget.max_evaluations,
    )
    assert (network.n_iter_, network.evaluations_) == (scipys.nit, scipys.nfev)
    assert network.loss_ == pytest.approx(scipys.fun, rel=1e-10)
    np.testing.assert_allclose(scikit_learn.as_row(network), scipys.x, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("biased", [True, False])
def test_a_row_gives_the_estimators_probabilities(digits, biased):
    inputs, labels = digits
    network = scikit_learn.fit(inputs, labels, biased=biased, seed=4, budget=BUDGET)
    row = scikit_learn.as_row(network)
    for (weights, biases), theirs, intercepts in zip(
        oracles.unpack(row, SIZES), network.coefs_, network.intercepts_, strict=True
    ):
        np.testing.assert_array_equal(weights, theirs.T)
        np.testing.assert_array_equal(biases, intercepts)
    ensemble = Ensemble(Architecture(64, (10, 5)), np.array([biased]), dtype=torch.float64)
    samples, rows = ensemble.samples(inputs, labels), torch.tensor(row)[None]
    (_, _, logits), *rest = ensemble.logits(rows, samples)
    logits = torch.cat([logits, *(block for _, _, block in rest)], 2)[0].T
    np.testing.assert_allclose(torch.softmax(logits, 1), network.predict_proba(inputs), rtol=1e-10, atol=1e-300)
    judged = evaluate(ensemble, rows, samples)
    np.testing.assert_array_equal(judged.classes[0], network.predict(inputs))
    assert judged.accuracy[0] == network.score(inputs, labels)


@pytest.mark.parametrize("hidden", [(7,), (6, 5, 4)])
def test_other_layers_and_penalties_reach_the_estimator(digits, hidden):
    inputs, labels = digits
    sizes = [64, *hidden, 10]
    network = scikit_learn.fit(inputs, labels, biased=True, seed=0, budget=BUDGET, hidden_layers=hidden, alpha=5.0)
    row = scikit_learn.as_row(network)
    assert network.loss_ == pytest.approx(oracles.loss_and_gradient(row, sizes, inputs, labels, 5.0)[0], rel=1e-10)
    assert network.loss_ > 1.001 * oracles.loss_and_gradient(row, sizes, inputs, labels, 0.0)[0]


def test_inputs_in_single_precision_are_trained_in_double(digits):
    inputs, labels = digits
    network = scikit_learn.fit(inputs.astype(np.float32), labels, biased=True, seed=0, budget=BUDGET)
    double = scikit_learn.fit(inputs, labels, biased=True, seed=0, budget=BUDGET)
    assert network.coefs_[0].dtype == np.float64
    np.testing.assert_array_equal(scikit_learn.as_row(network), scikit_learn.as_row(double))
