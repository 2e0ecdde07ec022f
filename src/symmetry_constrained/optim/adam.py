"""Adam for K networks at once, by the rules and constants of scikit-learn's `MLPClassifier(solver="adam")`.

Kingma and Ba 2015, in the form at the end of their section 2: ε is added to the root of the second moment before its
bias is corrected. Each network draws its own order of the samples for every epoch, from the random numbers that follow
those of its initial weights, and takes a step per mini-batch. In float64 a network trained here is scikit-learn's of
the same seed, up to rounding.

The budget counts passes over the data: an epoch evaluates the loss and its gradient once on every sample, though at
different parameters, and costs what one evaluation of L-BFGS costs. So `evaluations` and `iterations` are both epochs.

As in L-BFGS, evaluations have the ensemble's precision, and parameters and moments are in float64.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.optim.problem import Accepted, Budget, Result, Status, Ticked

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
BATCH = 200  # samples to a step, or all if there are fewer; the last mini-batch of an epoch has what is left
# Training has converged when the epoch's mean loss has not fallen TOL below the least so far in more than PATIENCE
# epochs running.
TOL, PATIENCE = 1e-4, 10
ROWS = 8  # of parameters: the state's, those that stay when others leave, and what a step computes
# Inputs of the mini-batches that are drawn at once: on a CPU they should stay in its cache.
DRAWN_BYTES = {"cpu": 4_194_304, "cuda": 268_435_456}


@dataclass
class State:
    """L networks in flight, P parameters each, n samples."""

    lane: np.ndarray  # (L,) number of the network in the caller's order
    x: Tensor  # (L, P) parameters
    mean: Tensor  # (L, P) first moment of the gradient
    square: Tensor  # (L, P) second moment
    random: np.ndarray  # (L,) generators
    order: np.ndarray  # (L, n) of the samples in this epoch
    iterations: np.ndarray  # (L,) epochs
    evaluations: np.ndarray  # (L,)
    steps: int
    least: np.ndarray  # (L,) the least loss of an epoch
    stale: np.ndarray  # (L,) epochs running without progress

    def select(self, lanes: np.ndarray) -> "State":
        """The given lanes only."""
        places = torch.from_numpy(lanes).to(self.x.device)
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(other, name, value.index_select(0, places))
            elif isinstance(value, np.ndarray):
                setattr(other, name, value[lanes])
        return other


def train(
    ensemble: Any,
    rows: Tensor,
    samples: Any,
    budget: Budget,
    *,
    seeds: Iterable[int],
    accepted: Accepted | None = None,
    ticked: Ticked | None = None,
    tol: float = TOL,
) -> Result:
    """Train the networks of an `Ensemble` from the parameters rows (K, P) on the samples.

    seeds (K,): those of the initial weights. accepted: called after an epoch, with the state and the mask (L,) of
    networks that ended it with finite numbers; the others end as nan. ticked: called after every epoch.
    The loss and the gradient of the result are evaluated once more at the end, on all samples, and not counted.
    """
    state = _start(rows, len(samples), seeds)
    mini_batches, ends, status = samples.mini_batches(), rows.clone(), [Status.RUNNING.text] * len(rows)
    iterations, evaluations = torch.zeros(2, len(rows), dtype=torch.int64)
    while len(state.lane):
        loss = _epoch(state, ensemble, mini_batches)
        finite = np.isfinite(loss) & state.x.isfinite().all(1).cpu().numpy()
        state.x[torch.from_numpy(~finite).to(rows.device)] = torch.nan
        state.iterations, state.evaluations = state.iterations + finite, state.evaluations + 1
        state.stale = np.where(loss > state.least - tol, state.stale + 1, 0)
        state.least = np.fmin(state.least, loss)
        if accepted is not None:
            accepted(state, finite)
        if ticked is not None:
            ticked(state)
        ended = _status(state, finite, budget)
        for place in np.flatnonzero(ended != Status.RUNNING).tolist():
            lane = int(state.lane[place])
            ends[lane], status[lane] = state.x[place], Status(ended[place]).text
            iterations[lane], evaluations[lane] = int(state.iterations[place]), int(state.evaluations[place])
        if (ended != Status.RUNNING).any():
            state = state.select(np.flatnonzero(ended == Status.RUNNING))
    final, gradient = ensemble.loss_and_gradient(ends, samples)
    return Result(ends, final.cpu(), gradient, iterations, evaluations, status)


def _start(rows: Tensor, samples: int, seeds: Iterable[int]) -> State:
    """The networks before their first epoch. ValueError unless each has a seed."""
    random = [np.random.RandomState(int(seed)) for seed in seeds]
    if len(random) != len(rows):
        raise ValueError(f"{len(rows)} networks need as many seeds, not {len(random)}")
    for generator in random:
        generator.uniform(size=rows.shape[1])  # the initial weights and biases, drawn before
    zeros, lanes = np.zeros(len(rows), dtype=np.int64), len(rows)
    return State(
        lane=np.arange(lanes),
        x=rows.to(torch.float64, copy=True).contiguous(),
        mean=torch.zeros_like(rows, dtype=torch.float64),
        square=torch.zeros_like(rows, dtype=torch.float64),
        random=np.array(random, dtype=object),
        order=np.tile(np.arange(samples), (lanes, 1)),
        iterations=zeros,
        evaluations=zeros,
        steps=0,
        least=np.full(lanes, np.inf),
        stale=zeros,
    )


def _epoch(state: State, ensemble: Any, mini_batches: Any) -> np.ndarray:
    """Take every network through its samples once; returns the mean of the losses on the way (L,)."""
    for generator, row in zip(state.random, state.order, strict=True):
        generator.shuffle(row)
    device, n = state.x.device, state.order.shape[1]
    order, numbers = torch.from_numpy(state.order).to(device), torch.from_numpy(state.lane).to(device)
    size = min(BATCH, n)
    total = torch.zeros(len(numbers), dtype=torch.float64, device=device)
    drawn = size * mini_batches.inputs[0].nbytes
    together = max(1, DRAWN_BYTES.get(device.type, DRAWN_BYTES["cpu"]) // drawn)
    for first in range(0, len(numbers), together):
        lanes = slice(first, first + together)
        x, moments = state.x[lanes], (state.mean[lanes], state.square[lanes])
        for step, start in enumerate(range(0, n, size), start=state.steps + 1):
            batch = mini_batches.draw(order[lanes, start : start + size])
            loss, gradient = ensemble.loss_and_gradient(x, batch, numbers[lanes])
            total[lanes] += loss * len(batch)
            _step(x, gradient, *moments, step)
    state.steps += -(-n // size)
    return (total / n).cpu().numpy()


def _step(x: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: int) -> None:
    """One step of Adam, the first being number 1: x, mean and square (L, P) in place."""
    mean.lerp_(gradient, 1 - BETA_1)
    square.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
    rate = LEARNING_RATE * (1 - BETA_2**step) ** 0.5 / (1 - BETA_1**step)
    x.addcdiv_(mean, square.sqrt().add_(EPSILON), value=-rate)


def _status(state: State, finite: np.ndarray, budget: Budget) -> np.ndarray:
    """Whether and why each network has ended (L,): the first test that holds."""
    tests = {
        Status.NON_FINITE: ~finite,
        Status.MAX_ITERATIONS: state.iterations >= budget.max_iterations,
        Status.MAX_EVALUATIONS: state.evaluations >= budget.max_evaluations,
        Status.CONVERGED_LOSS: state.stale > PATIENCE,
    }
    return np.select(list(tests.values()), [status.value for status in tests], Status.RUNNING.value)
