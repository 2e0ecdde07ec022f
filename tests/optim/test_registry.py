"""Optimisers by name; one more is an entry in the table."""

import numpy as np
import pytest
import torch

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.optim import adam, lbfgs, registry
from symmetry_constrained.optim.checkpoints import Checkpoints
from symmetry_constrained.optim.problem import Budget, Result, Status


class Descent:
    """Gradient descent with a fixed step: what it shows of itself while it runs, and how it trains."""

    def __init__(self, rows):
        self.lane = np.arange(len(rows))
        self.x = rows.clone()
        self.iterations = self.evaluations = np.zeros(len(rows), dtype=np.int64)

    @classmethod
    def train(cls, ensemble, rows, samples, budget, *, seeds, accepted=None, ticked=None):
        state = cls(rows)
        for count in range(1, budget.max_iterations + 1):
            _, gradient = ensemble.loss_and_gradient(state.x, samples)
            state.x = state.x - 0.5 * gradient
            state.iterations = state.evaluations = np.full(len(rows), count)
            if accepted is not None:
                accepted(state, np.ones(len(rows), dtype=bool))
            if ticked is not None:
                ticked(state)
        loss, gradient = ensemble.loss_and_gradient(state.x, samples)
        counts = torch.from_numpy(state.iterations)
        return Result(state.x, loss, gradient, counts, counts + 1, [Status.MAX_ITERATIONS.text] * len(rows))


def problem():
    random = np.random.default_rng(0)
    ensemble = Ensemble(Architecture(4, (5,), 3), np.array([True, False]))
    samples = ensemble.samples(random.normal(size=(60, 4)), random.integers(0, 3, 60))
    return ensemble, ensemble.initial([1, 2]), samples


def test_both_are_in_the_table():
    assert registry.train_function("lbfgs") is lbfgs.train
    assert registry.train_function("adam") is adam.train


def test_an_unknown_optimiser_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^optimiser: 'newton' is unknown; choose lbfgs, adam$"):
        registry.train_function("newton")


@pytest.mark.parametrize("name", [*registry.OPTIMISERS, "descent"])
def test_whatever_is_in_the_table_trains_with_checkpoints(name, monkeypatch):
    monkeypatch.setitem(registry.OPTIMISERS, "descent", lambda: Descent.train)
    ensemble, initial, samples = problem()
    checkpoints, ticks = Checkpoints((3, 7), initial), []
    result = registry.train_function(name)(
        ensemble,
        initial,
        samples,
        Budget(max_iterations=7),
        seeds=[1, 2],
        accepted=checkpoints.accepted,
        ticked=lambda state: ticks.append(int(state.evaluations.max())),
    )
    assert result.status == [Status.MAX_ITERATIONS.text] * 2 == ["max_iterations"] * 2
    assert result.iterations.tolist() == [7, 7]
    assert (result.loss < ensemble.loss_and_gradient(initial, samples)[0]).all()
    assert torch.equal(checkpoints.rows[:, 1], result.x)
    assert not torch.equal(checkpoints.rows[:, 0], result.x)
    assert ticks == sorted(ticks) and len(ticks) >= 7
