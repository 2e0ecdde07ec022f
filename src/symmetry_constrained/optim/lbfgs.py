"""SciPy's L-BFGS-B without bounds, for K lanes at once: one lane is one minimisation.

One *tick* is one batched evaluation at every live lane's trial point, followed by masked algebra. Each lane's line
search then asks for another trial, has its step accepted, or fails; no lane waits for another's line search, and no
sum couples two lanes. Finished lanes leave the batch. Vectors (K, n) and the memory stay on the device; single numbers
per lane are on the host in NumPy.

The rules are those of L-BFGS-B 3.0 on its unconstrained path (Zhu, Byrd, Lu and Nocedal 1997; `scipy/optimize`),
which scikit-learn's `solver="lbfgs"` runs. Whatever the precision of the evaluations, the optimiser computes in
float64; the pairs in its memory may be kept in theirs.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels import seam
from symmetry_constrained.kernels.eager import Eager
from symmetry_constrained.kernels.memory import Memory
from symmetry_constrained.optim import line_search
from symmetry_constrained.optim.line_search import Search
from symmetry_constrained.optim.problem import FTOL, GTOL, Accepted, Budget, Evaluate, Result, Status, Ticked

# The statuses as plain integers: NumPy takes 4 times as long to compare with a member of an enumeration.
RUNNING, MAX_ITERATIONS, MAX_EVALUATIONS, CONVERGED_GRADIENT, CONVERGED_LOSS, ABNORMAL, NON_FINITE = (
    status.value for status in Status
)
MEMORY = 10  # m: pairs kept
TRIALS = 20  # evaluations allowed in one line search
EPS = np.finfo(np.float64).eps
COMPACT_BELOW = 0.75  # finished lanes leave when the share of live ones is smaller


@dataclass
class State:
    """K lanes in flight, n parameters. Vectors are changed in place: no two share memory."""

    lane: np.ndarray  # (K,) number of the lane in the caller's order
    x: Tensor  # (K, n) trial point
    f: np.ndarray  # (K,) loss there
    g: Tensor  # (K, n) gradient there
    t: Tensor  # (K, n) where the line search began
    r: Tensor  # (K, n) gradient there
    fold: np.ndarray  # (K,) loss there
    z: Tensor  # (K, n) the full step's end, t + d_raw
    d: Tensor  # (K, n) search direction, fl(z - t)
    slope: np.ndarray  # (K,) r·d
    search: Search
    trials: np.ndarray  # (K,) evaluations in this line search
    iterations: np.ndarray  # (K,)
    evaluations: np.ndarray  # (K,)
    status: np.ndarray  # (K,) of `Status`
    memory: Memory
    kernels: Eager

    def select(self, lanes: np.ndarray) -> "State":
        """Keep the given lanes only."""
        on_device = self.to_device(lanes)

        def selected(value: Any) -> Any:
            if isinstance(value, Eager):
                return value
            if isinstance(value, Search | Memory):
                return value.select(lanes)
            return value[on_device if isinstance(value, Tensor) else lanes]

        return State(*(selected(getattr(self, field.name)) for field in fields(self)))

    def to_device(self, values: np.ndarray) -> Tensor:
        """Numbers of the host, moved to the device of the vectors."""
        return torch.from_numpy(values).to(self.x.device)


def minimise(
    evaluate: Evaluate,
    x0: Tensor,
    budget: Budget,
    *,
    gtol: float = GTOL,
    ftol: float = FTOL,
    dtype: torch.dtype = torch.float64,
    accepted: Accepted | None = None,
    ticked: Ticked | None = None,
) -> Result:
    """Minimise K functions from the rows of x0, shape (K, n).

    dtype: the precision of the evaluations.
    accepted: called with the state and the mask (L,) of lanes whose step has just been accepted.
    ticked: called after every tick.
    """
    state = _start(x0.to(torch.float64).contiguous(), dtype)
    result = Result(
        x=state.x.clone(),
        loss=torch.full((len(x0),), torch.nan, dtype=torch.float64),
        gradient=torch.full_like(state.x, torch.nan),
        iterations=torch.zeros(len(x0), dtype=torch.int64),
        evaluations=torch.zeros(len(x0), dtype=torch.int64),
        status=[Status.RUNNING.text] * len(x0),
    )
    first = True
    while len(state.lane):
        f, state.g = _evaluate(state, evaluate)
        state.f, largest, slope = state.kernels.measure(f, state.g, state.d)
        running = state.status == RUNNING
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
        state = _retire(state, result)
    return result


def train(ensemble: Any, rows: Tensor, samples: Any, budget: Budget, **options: Any) -> Result:
    """`minimise` the loss of an `Ensemble` on the samples from the parameters rows (K, P)."""
    return minimise(
        lambda points, lanes: ensemble.loss_and_gradient(points, samples, lanes),
        rows,
        budget,
        dtype=ensemble.dtype,
        **options,
    )


def _evaluate(s: State, evaluate: Evaluate) -> tuple[Tensor, Tensor]:
    """Losses (K,) and gradients (K, n) at the trial points of the live lanes; finished lanes keep theirs."""
    live = s.status == RUNNING
    if live.all():
        f, g = evaluate(s.x, s.to_device(s.lane))
        return f.to(torch.float64), g.to(torch.float64).contiguous()
    lanes = s.to_device(np.flatnonzero(live))
    f, g = evaluate(s.x.index_select(0, lanes), s.to_device(s.lane[live]))
    return (
        s.to_device(s.f).index_copy(0, lanes, f.to(torch.float64)),
        s.g.index_copy_(0, lanes, g.to(torch.float64)),
    )


def _start(x0: Tensor, dtype: torch.dtype) -> State:
    """Lanes (K, n) before their first evaluation."""
    lanes, kernels = len(x0), seam.of(x0)

    def zeros(*shape: int, dtype: type = np.float64) -> np.ndarray:
        return np.zeros((lanes, *shape), dtype=dtype)

    return State(
        lane=np.arange(lanes),
        x=x0.clone(),
        f=zeros(),
        g=torch.zeros_like(x0),
        t=torch.zeros_like(x0),
        r=torch.zeros_like(x0),
        fold=zeros(),
        z=torch.zeros_like(x0),
        d=torch.zeros_like(x0),
        slope=zeros(),
        search=line_search.start(zeros(), zeros(), zeros()),
        trials=zeros(dtype=np.int64),
        iterations=zeros(dtype=np.int64),
        evaluations=zeros(dtype=np.int64),
        status=zeros(dtype=np.int64),
        memory=kernels.memory(x0, MEMORY, dtype),
        kernels=kernels,
    )


def _first_point(s: State, flat: np.ndarray) -> None:
    """Begin at the starting point, unless its gradient is `flat`: then it is a minimum already."""
    _move(s, np.ones(len(s.lane), dtype=bool))
    s.status[(s.status == RUNNING) & flat] = CONVERGED_GRADIENT
    _begin(s, s.status == RUNNING)
    s.kernels.trials(s.search.stp, s.t, s.d, s.z, s.x)


def _tick(
    s: State, slope: np.ndarray, flat: np.ndarray, budget: Budget, ftol: float, accepted: Accepted | None
) -> None:
    """Take every live lane from its trial point, where the slope is g·d and the gradient may be `flat`, to the next."""
    live = s.status == RUNNING
    following, ended = line_search.update(s.search, s.f, slope)
    done = live & ended
    failed = live & ~ended & (s.trials >= TRIALS)
    again = live & ~ended & ~failed

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
    s.kernels.trials(s.search.stp, s.t, s.d, s.z, s.x)


def _fail(s: State, failed: np.ndarray) -> None:
    """Return to the start of the search and forget the memory, or give up if it is empty."""
    s.status[failed & (s.memory.count == 0)] = ABNORMAL
    s.memory.forget(failed)


def _move(s: State, lanes: np.ndarray) -> None:
    """Make the trial point the start of the next line search of these lanes."""
    if lanes.all():
        # The next trial and its gradient will overwrite the old t and r.
        s.t, s.x, s.r, s.g, s.fold = s.x, s.t, s.g, s.r, s.f
        return
    s.fold = np.where(lanes, s.f, s.fold)
    s.kernels.copy_rows(lanes, s.x, s.t)
    s.kernels.copy_rows(lanes, s.g, s.r)


def _begin(s: State, lanes: np.ndarray) -> None:
    """Choose a direction from (t, r) and set the first trial of a new line search."""
    slope = s.memory.descend(lanes, s.t, s.r, s.z, s.d)
    # Where the direction is not finite or does not descend, forget the memory and follow the gradient.
    bad = lanes & ~(np.isfinite(slope) & (slope < 0))
    if bad.any():
        s.status[bad & (s.memory.count == 0)] = ABNORMAL
        s.memory.forget(bad)
        places = s.to_device(np.flatnonzero(bad))
        s.z[places] = s.t[places] - s.r[places]
        s.d[places] = s.z[places] - s.t[places]
        slope[bad] = torch.linalg.vecdot(s.r[places], s.d[places]).cpu().numpy()
        s.status[bad & ~(slope < 0)] = ABNORMAL
    s.slope = np.where(lanes, slope, s.slope)
    stp = np.ones_like(slope)
    if (s.iterations == 0).any():
        stp = np.where(s.iterations == 0, 1.0 / s.d.norm(dim=1).cpu().numpy(), stp)
    s.search = s.search.replaced(lanes, line_search.start(s.fold, s.slope, stp))
    s.trials = np.where(lanes, 0, s.trials)


def _remember(s: State, lanes: np.ndarray, slope: np.ndarray) -> None:
    """Append the pair of the step just accepted where its curvature is positive enough (L-BFGS-B's `matupd`)."""
    stp = s.search.stp
    curvature = (slope - s.slope) * stp  # s·y, from the slopes
    enough = lanes & (curvature > EPS * (-s.slope * stp))
    s.memory.remember(lanes, np.where(enough, curvature, 0.0), stp, s.d, s.g, s.r)


def _retire(s: State, result: Result) -> State:
    """Once enough lanes have finished, write their results and drop them."""
    live = s.status == RUNNING
    if live.mean() >= COMPACT_BELOW:
        return s
    finished = np.flatnonzero(~live)
    lanes, places = s.lane[finished], s.to_device(finished)
    # A lane that gave up ends where its last line search began.
    result.x[s.to_device(lanes)], result.gradient[s.to_device(lanes)] = s.t[places], s.r[places]
    result.loss[lanes] = torch.from_numpy(s.fold[finished])
    result.iterations[lanes] = torch.from_numpy(s.iterations[finished])
    result.evaluations[lanes] = torch.from_numpy(s.evaluations[finished])
    for lane, status in zip(lanes.tolist(), s.status[finished].tolist(), strict=True):
        result.status[lane] = Status(status).text
    return s.select(np.flatnonzero(live))
