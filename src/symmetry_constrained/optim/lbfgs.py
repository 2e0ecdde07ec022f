"""SciPy's L-BFGS-B without bounds, for K lanes at once: one lane is one minimisation.

One *tick* is one batched evaluation at every live lane's trial point, followed by masked algebra. Each lane's line
search then asks for another trial, has its step accepted, or fails; no lane waits for another's line search, and no
sum couples two lanes. Finished lanes leave the batch. Vectors (K, n) and the memory stay on the device; single numbers
per lane are on the host in NumPy.

The rules are those of L-BFGS-B 3.0 on its unconstrained path (Zhu, Byrd, Lu and Nocedal 1997; `scipy/optimize`),
which scikit-learn's `solver="lbfgs"` runs. Whatever the precision of the evaluations, the optimiser computes in
float64; the pairs in its memory may be kept in theirs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels import seam
from symmetry_constrained.kernels.lanes import Evaluate, Lanes
from symmetry_constrained.optim import line_search
from symmetry_constrained.optim.line_search import Search
from symmetry_constrained.optim.problem import FTOL, GTOL, Accepted, Budget, Result, Status, Ticked

# The statuses as plain integers: NumPy takes 4 times as long to compare with a member of an enumeration.
RUNNING, MAX_ITERATIONS, MAX_EVALUATIONS, CONVERGED_GRADIENT, CONVERGED_LOSS, ABNORMAL, NON_FINITE = (
    status.value for status in Status
)
MEMORY = 10  # m: pairs kept
TRIALS = 20  # evaluations allowed in one line search
EPS = np.finfo(np.float64).eps


@dataclass
class State:
    """K lanes in flight, n parameters."""

    lane: np.ndarray  # (K,) number of the lane in the caller's order
    f: np.ndarray  # (K,) loss at the trial point
    fold: np.ndarray  # (K,) loss where the line search began
    search: Search
    trials: np.ndarray  # (K,) evaluations in this line search
    iterations: np.ndarray  # (K,)
    evaluations: np.ndarray  # (K,)
    status: np.ndarray  # (K,) of `Status`
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
    groups: np.ndarray | None = None,
    accepted: Accepted | None = None,
    ticked: Ticked | None = None,
) -> Result:
    """Minimise K functions from the rows of x0, shape (K, n).

    dtype: the precision of the evaluations.
    repeats: whether `evaluate` only launches work on the device, the same for the same lanes, and keeps its memory.
    groups: (K,) the number of each lane's set; sets do not wait for one another to drop finished lanes.
    accepted: called with the state and the mask (L,) of lanes whose step has just been accepted.
    ticked: called after every tick.
    """
    x0 = x0.to(torch.float64).contiguous()
    groups = np.zeros(len(x0), dtype=np.int64) if groups is None else groups
    state = _start(x0, dtype, repeats)
    result = Result(
        x=x0.clone(),
        loss=torch.full((len(x0),), torch.nan, dtype=torch.float64),
        gradient=torch.full_like(x0, torch.nan),
        iterations=torch.zeros(len(x0), dtype=torch.int64),
        evaluations=torch.zeros(len(x0), dtype=torch.int64),
        status=[Status.RUNNING.text] * len(x0),
    )
    first = True
    while len(state.lane):
        running = state.status == RUNNING
        state.f, largest, slope = state.vectors.evaluate(evaluate, running)
        state.evaluations = state.evaluations + running
        state.trials = state.trials + running
        state.status[running & ~(np.isfinite(state.f) & np.isfinite(largest))] = NON_FINITE
        # Finished lanes stay for a while; their numbers are meaningless.
        with np.errstate(all="ignore"):
            if first:
                _first_point(state, largest <= gtol)
                first = False
            else:
                _tick(state, slope, largest <= gtol, budget, ftol, accepted)
        if ticked is not None:
            ticked(state)
        state = _retire(state, result, groups)
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

    def evaluate(points: Tensor, lanes: Tensor) -> tuple[Tensor, Tensor]:
        if len(sets) == 1:
            return ensemble.loss_and_gradient(points, sets[0], lanes)
        # Lanes keep their order, so that those of a set are neighbours.
        ends = np.searchsorted(groups[lanes.numpy()], np.arange(len(sets) + 1))
        parts = [
            ensemble.loss_and_gradient(points[start:end], own, lanes[start:end])
            for own, (start, end) in zip(sets, pairwise(ends.tolist()), strict=True)
            if start < end
        ]
        losses, gradients = zip(*parts, strict=True)
        return torch.cat(losses), torch.cat(gradients)

    return minimise(evaluate, rows, budget, dtype=ensemble.dtype, repeats=True, groups=groups, **options)


def _start(x0: Tensor, dtype: torch.dtype, repeats: bool = False) -> State:
    """Lanes (K, n) before their first evaluation."""
    lanes = len(x0)

    def zeros(dtype: type = np.float64) -> np.ndarray:
        return np.zeros(lanes, dtype=dtype)

    return State(
        lane=np.arange(lanes),
        f=zeros(),
        fold=zeros(),
        search=line_search.start(zeros(), zeros(), zeros()),
        trials=zeros(np.int64),
        iterations=zeros(np.int64),
        evaluations=zeros(np.int64),
        status=zeros(np.int64),
        vectors=seam.of(x0).lanes(x0, MEMORY, dtype, repeats),
    )


def _first_point(s: State, flat: np.ndarray) -> None:
    """Begin at the starting point, unless its gradient is `flat`: then it is a minimum already."""
    _move(s, np.ones(len(s.lane), dtype=bool))
    s.status[(s.status == RUNNING) & flat] = CONVERGED_GRADIENT
    _begin(s, s.status == RUNNING)
    s.vectors.go(s.search.stp)


def _tick(
    s: State, slope: np.ndarray, flat: np.ndarray, budget: Budget, ftol: float, accepted: Accepted | None
) -> None:
    """Take every live lane from its trial point, where the slope is g·d and the gradient may be `flat`, to the next."""
    live = s.status == RUNNING
    started = line_search.start(s.fold, s.vectors.slope, s.search.stp)
    s.search = s.search.replaced(s.trials == 1, started)
    following, ended = line_search.update(s.search, s.f, slope)
    done = live & ended
    failed = live & ~ended & (s.trials >= TRIALS)
    rising = live & ~(s.vectors.slope < 0)
    if rising.any():
        done, failed = done & ~rising, failed | rising
    again = live & ~done & ~failed

    if done.any():
        s.iterations = s.iterations + done
        reduction = np.maximum(np.maximum(np.abs(s.fold), np.abs(s.f)), 1.0)
        # The first that holds is the status, in the order of L-BFGS-B.
        tests = {
            MAX_ITERATIONS: s.iterations >= budget.max_iterations,
            MAX_EVALUATIONS: s.evaluations > budget.max_evaluations,
            CONVERGED_GRADIENT: flat,
            CONVERGED_LOSS: s.fold - s.f <= ftol * reduction,
        }
        verdict = np.select(list(tests.values()), list(tests), RUNNING)
        s.status = np.where(done, verdict, s.status)
        if accepted is not None:
            accepted(s, done)
        _remember(s, done & (s.status == RUNNING), slope)
        _move(s, done)

    s.search = s.search.replaced(again, following)
    if failed.any():
        _fail(s, failed)
    begin = (done | failed) & (s.status == RUNNING)
    if begin.any():
        _begin(s, begin)
    s.vectors.go(s.search.stp)


def _fail(s: State, failed: np.ndarray) -> None:
    """Return to the start of the search and forget the memory, or give up if it is empty."""
    s.status[failed & (s.vectors.count == 0)] = ABNORMAL
    s.vectors.forget(failed)


def _move(s: State, lanes: np.ndarray) -> None:
    """Make the trial point the start of the next line search of these lanes."""
    s.fold = np.where(lanes, s.f, s.fold)
    s.vectors.move(lanes)


def _begin(s: State, lanes: np.ndarray) -> None:
    """Choose a direction and set the first trial of a new line search."""
    slope = s.vectors.descend(lanes)
    # Where the direction is not finite or does not descend, forget the memory and follow the gradient.
    bad = lanes & ~(np.isfinite(slope) & (slope < 0))
    if bad.any():
        s.status[bad & (s.vectors.count == 0)] = ABNORMAL
        s.vectors.forget(bad)
        slope = s.vectors.descend(bad)
        s.status[bad & ~(slope < 0)] = ABNORMAL
    stp = np.where(lanes, 1.0, s.search.stp)
    first = lanes & (s.iterations == 0)
    if first.any():
        s.vectors.settle()
        stp = np.where(first, 1.0 / s.vectors.d.norm(dim=1).cpu().numpy(), stp)
    s.search = s.search._replace(stp=stp)
    s.trials = np.where(lanes, 0, s.trials)


def _remember(s: State, lanes: np.ndarray, slope: np.ndarray) -> None:
    """Append the pair of the step just accepted where its curvature is positive enough (L-BFGS-B's `matupd`)."""
    stp, before = s.search.stp, s.vectors.slope
    curvature = (slope - before) * stp  # s·y, from the slopes
    enough = lanes & (curvature > EPS * (-before * stp))
    s.vectors.remember(np.where(enough, curvature, 0.0), stp)


def _retire(s: State, result: Result, groups: np.ndarray) -> State:
    """Once enough lanes of a group have finished, write their results and drop them."""
    live, group = s.status == RUNNING, groups[s.lane]
    share = np.bincount(group, weights=live) / np.maximum(np.bincount(group), 1)
    kept = live | (share >= s.vectors.compact_below)[group]
    if kept.all():
        return s
    finished = np.flatnonzero(~kept)
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
    return s.select(np.flatnonzero(kept))
