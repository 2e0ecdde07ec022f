"""SciPy's L-BFGS-B without bounds, for K lanes at once: one lane is one minimisation.

One *tick* is one batched evaluation at every live lane's trial point, followed by masked algebra. Each lane's line
search then asks for another trial, has its step accepted, or fails; no lane waits for another's line search, and no
sum couples two lanes. Finished lanes leave the batch. Vectors (K, n) and the memory stay on the device; single numbers
per lane are on the host in NumPy.

The rules are those of L-BFGS-B 3.0 on its unconstrained path (Zhu, Byrd, Lu and Nocedal 1997; `scipy/optimize`),
which scikit-learn's `solver="lbfgs"` runs. Whatever the precision of the evaluations, the optimiser computes in
float64; the pairs in its memory may be kept in theirs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels import line_search, seam, steps
from symmetry_constrained.kernels.lanes import Evaluate, Lanes
from symmetry_constrained.kernels.steps import ABNORMAL, CONVERGED_GRADIENT, RUNNING, Limits, Moves, Steps
from symmetry_constrained.optim.problem import FTOL, GTOL, Accepted, Budget, Result, Status, Ticked

MEMORY = 10  # m: pairs kept


@dataclass
class State(Steps):
    """K lanes in flight, n parameters."""

    lane: np.ndarray  # (K,) number of the lane in the caller's order
    vectors: Lanes

    @property
    def x(self) -> Tensor:
        """Trial points (K, n)."""
        return self.vectors.x

    def select(self, lanes: np.ndarray) -> "State":
        """Keep the given lanes only."""
        values = (getattr(self, field.name) for field in fields(self))
        return State(*(value[lanes] if isinstance(value, np.ndarray) else value.select(lanes) for value in values))


def minimise(
    evaluate: Evaluate,
    x0: Tensor,
    budget: Budget,
    *,
    gtol: float = GTOL,
    ftol: float = FTOL,
    dtype: torch.dtype = torch.float64,
    repeats: bool = False,
    accepted: Accepted | None = None,
    ticked: Ticked | None = None,
) -> Result:
    """Minimise K functions from the rows of x0, shape (K, n).

    dtype: the precision of the evaluations.
    repeats: whether `evaluate` only launches work on the device, the same for the same lanes, and keeps its memory.
    accepted: called with the state and the mask (L,) of lanes whose step has just been accepted.
    ticked: called after every tick.
    """
    x0 = x0.to(torch.float64).contiguous()
    state = _start(x0, dtype, repeats)
    result = Result(
        x=x0.clone(),
        loss=torch.full((len(x0),), torch.nan, dtype=torch.float64),
        gradient=torch.full_like(x0, torch.nan),
        iterations=torch.zeros(len(x0), dtype=torch.int64),
        evaluations=torch.zeros(len(x0), dtype=torch.int64),
        status=[Status.RUNNING.text] * len(x0),
    )
    limits = Limits(budget.max_iterations, budget.max_evaluations, np.array([gtol, ftol]))
    first, running = True, len(x0)
    while len(state.lane):
        state.f, largest, slope = state.vectors.evaluate(evaluate)
        if first:
            _first_point(state, largest, gtol)
            first = False
        else:
            moves = state.vectors.judge(state, largest, slope, limits)
            if accepted is not None and moves.accepted.any():
                accepted(state, moves.accepted)
            _advance(state, moves)
        if ticked is not None:
            ticked(state)
        live = int(np.count_nonzero(state.status == RUNNING))
        if live < running:
            state, running = _retire(state, result), live
    return result


def train(
    ensemble: Any, rows: Tensor, samples: Any, budget: Budget, *, seeds: Iterable[int] = (), **options: Any
) -> Result:
    """`minimise` the loss of an `Ensemble` on the samples from the parameters rows (K, P).

    samples: what all networks share; or a list, on the CPU, whose sets are those of as many networks each, in turn. It
    draws nothing, and so has no use for the seeds.
    """
    sets = samples if isinstance(samples, list) else [samples]
    groups = np.repeat(np.arange(len(sets)), len(rows) // len(sets))

    def prepared(points: Tensor, lanes: Tensor) -> Callable[[], tuple[Tensor, Tensor]]:
        if len(sets) == 1:
            return ensemble.evaluation(points, sets[0], lanes)
        # Lanes keep their order, so that those of a set are neighbours.
        ends = np.searchsorted(groups[lanes.numpy()], np.arange(len(sets) + 1)).tolist()
        places, gradient = [slice(*pair) for pair in pairwise(ends)], torch.empty_like(points)
        parts = [
            ensemble.evaluation(points[own], samples, lanes[own], gradient[own])
            for samples, own in zip(sets, places, strict=True)
            if own.start < own.stop
        ]
        return lambda: (torch.cat([part()[0] for part in parts]), gradient)

    # The points are moved in place until lanes leave.
    last: list = [None, None]

    def evaluate(points: Tensor, lanes: Tensor) -> tuple[Tensor, Tensor]:
        if points is not last[0]:
            last[:] = points, prepared(points, lanes)
        return last[1]()

    return minimise(evaluate, rows, budget, dtype=ensemble.dtype, repeats=True, **options)


def _start(x0: Tensor, dtype: torch.dtype, repeats: bool = False) -> State:
    """Lanes (K, n) before their first evaluation."""
    lanes = len(x0)

    def zeros(dtype: type = np.float64) -> np.ndarray:
        return np.zeros(lanes, dtype=dtype)

    return State(
        lane=np.arange(lanes),
        f=zeros(),
        fold=zeros(),
        search=np.stack(line_search.start(zeros(), zeros(), zeros()), 1),
        trials=zeros(np.int64),
        iterations=zeros(np.int64),
        evaluations=zeros(np.int64),
        status=zeros(np.int64),
        vectors=seam.of(x0).lanes(x0, MEMORY, dtype, repeats),
    )


@np.errstate(all="ignore")  # of lanes that have ended at once
def _first_point(s: State, largest: np.ndarray, gtol: float) -> None:
    """Begin at the starting point, unless its gradient is flat: then it is a minimum already."""
    steps.count(s, largest)
    s.status[(s.status == RUNNING) & (largest <= gtol)] = CONVERGED_GRADIENT
    begun, everywhere = s.status == RUNNING, np.ones(len(s.lane), dtype=bool)
    s.fold, s.trials = s.f.copy(), np.where(begun, 0, s.trials)
    _advance(s, Moves.along(s.stp.copy())._replace(accepted=everywhere, begun=begun))
    s.vectors.settle()
    s.stp[:] = np.where(begun, 1.0 / s.vectors.d.norm(dim=1).cpu().numpy(), s.stp)
    _advance(s, Moves.along(s.stp.copy()))


def _advance(s: State, moves: Moves) -> None:
    """Move the vectors; a lane that has no direction gives up."""
    lost = s.vectors.advance(moves)
    if lost.any():
        s.status[lost] = ABNORMAL


def _retire(s: State, result: Result) -> State:
    """Once enough lanes have finished, write their results and drop them."""
    live = s.status == RUNNING
    if live.mean() >= s.vectors.compact_below:
        return s
    finished = np.flatnonzero(~live)
    lanes = s.lane[finished]
    device = result.x.device
    ends, places = (torch.from_numpy(numbers).to(device) for numbers in (lanes, finished))
    s.vectors.settle()
    # A lane that gave up ends where its last line search began.
    result.x[ends], result.gradient[ends] = s.vectors.t[places], s.vectors.r[places]
    result.loss[lanes] = torch.from_numpy(s.fold[finished])
    result.iterations[lanes] = torch.from_numpy(s.iterations[finished])
    result.evaluations[lanes] = torch.from_numpy(s.evaluations[finished])
    for lane, status in zip(lanes.tolist(), s.status[finished].tolist(), strict=True):
        result.status[lane] = Status(status).text
    return s.select(np.flatnonzero(live))
