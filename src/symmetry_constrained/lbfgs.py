"""SciPy's L-BFGS-B without bounds, for K lanes at once: one lane is one minimisation.

One *tick* is one batched evaluation at every live lane's trial point, followed by masked algebra. Each lane's line
search then asks for another trial, has its step accepted, or fails; no lane waits for another's line search, and no
sum couples two lanes. Finished lanes leave the batch. Vectors (K, n) and the memory stay on the device; what is one
number per lane, or a few hundred, is on the host in NumPy.

The rules are those of L-BFGS-B 3.0 on its unconstrained path (Zhu, Byrd, Lu and Nocedal 1997; `scipy/optimize`),
which scikit-learn's `solver="lbfgs"` runs. The direction uses the compact form of the inverse Hessian (Byrd, Nocedal
and Schnabel 1994, eq. 3.1). The optimiser computes in float64 whatever the precision of the evaluations.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained import line_search
from symmetry_constrained.line_search import Search

MEMORY = 10  # m: pairs kept
FTOL = 2.220446049250313e-09  # relative reduction of the loss that counts as convergence
GTOL = 1e-4  # largest gradient component that counts as convergence
TRIALS = 20  # evaluations allowed in one line search
EPS = np.finfo(np.float64).eps
COMPACT_BELOW = 0.75  # finished lanes leave when fewer than this share is live

STATUSES = (
    "running",
    "max_iterations",
    "max_evaluations",
    "converged_gradient",
    "converged_loss",
    "abnormal",  # a line search failed with nothing left to forget
    "non_finite",  # the loss or its gradient overflowed
)
RUNNING, MAX_ITERATIONS, MAX_EVALUATIONS, CONVERGED_GRADIENT, CONVERGED_LOSS, ABNORMAL, NON_FINITE = range(7)

Evaluate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Budget:
    """When to stop. scikit-learn 0.19 read `max_iter` as evaluations, and reads it as iterations since 0.22."""

    max_iterations: int = 15_000
    max_evaluations: int = 15_000

    def __post_init__(self):
        if self.max_iterations < 1 or self.max_evaluations < 1:
            raise ValueError(f"a budget must be at least 1 iteration and 1 evaluation, not {self}")


@dataclass
class State:
    """K lanes in flight; n parameters, m pairs of memory."""

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
    status: np.ndarray  # (K,) index into STATUSES
    pairs: Tensor  # (K, 2m, n) m steps s, then m gradient differences y, in slots that are used in turn
    sty: np.ndarray  # (K, m, m) s_i·y_j for i <= j, from the oldest pair to the newest; empty ones first
    yty: np.ndarray  # (K, m, m) y_i·y_j likewise
    count: np.ndarray  # (K,) pairs in memory
    newest: np.ndarray  # (K,) slot of the newest pair
    along: np.ndarray  # (K, 2m) each pair's s·r, then y·r
    theta: np.ndarray  # (K,) y·y / s·y of the newest pair

    def select(self, lanes: np.ndarray) -> "State":
        """Keep the given lanes only."""
        on_device = torch.from_numpy(lanes).to(self.x.device)
        values = (getattr(self, field.name) for field in fields(self))
        return State(
            *(
                value.select(lanes)
                if isinstance(value, Search)
                else value[on_device if isinstance(value, Tensor) else lanes]
                for value in values
            )
        )

    def to_device(self, values: np.ndarray) -> Tensor:
        """Numbers of the host, where the vectors are."""
        return torch.from_numpy(values).to(self.x.device)

    def choose(self, mask: np.ndarray, new: Tensor, old: Tensor) -> Tensor:
        """Rows (K, n) of `new` where the mask (K,) holds, else of `old`."""
        return new if mask.all() else torch.where(self.to_device(mask)[:, None], new, old)


@dataclass
class Result:
    """Where K lanes ended, in the caller's order."""

    x: Tensor  # (K, n)
    loss: Tensor  # (K,)
    gradient: Tensor  # (K, n)
    iterations: Tensor  # (K,)
    evaluations: Tensor  # (K,)
    status: list[str]  # K names out of STATUSES


def minimise(
    evaluate: Evaluate,
    x0: Tensor,
    budget: Budget,
    *,
    gtol: float = GTOL,
    ftol: float = FTOL,
    accepted: Callable[[State, np.ndarray], None] | None = None,
    ticked: Callable[[State], None] | None = None,
) -> Result:
    """Minimise K functions from the rows of x0, shape (K, n).

    evaluate: points (L, n) in float64 and the numbers (L,) of their lanes -> losses (L,), gradients (L, n).
    accepted: called with the state and the mask (L,) of lanes whose step has just been accepted.
    ticked: called after every tick.
    """
    state = _start(x0.to(torch.float64))
    result = Result(
        x=state.x.clone(),
        loss=torch.full((len(x0),), torch.nan, dtype=torch.float64),
        gradient=torch.full_like(state.x, torch.nan),
        iterations=torch.zeros(len(x0), dtype=torch.int64),
        evaluations=torch.zeros(len(x0), dtype=torch.int64),
        status=[STATUSES[RUNNING]] * len(x0),
    )
    first = True
    while len(state.lane):
        f, state.g = _evaluate(state, evaluate)
        # All that the host needs to know of the evaluation, in one transfer. The largest component is not finite if
        # any is.
        numbers = [f, torch.linalg.vector_norm(state.g, torch.inf, 1), torch.linalg.vecdot(state.g, state.d)]
        state.f, largest, slope = torch.stack(numbers).cpu().numpy()
        running = state.status == RUNNING
        state.evaluations = state.evaluations + running
        state.trials = state.trials + running
        state.status[running & ~(np.isfinite(state.f) & np.isfinite(largest))] = NON_FINITE
        # Finished lanes stay for a while, and their numbers may be anything.
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


def _evaluate(s: State, evaluate: Evaluate) -> tuple[Tensor, Tensor]:
    """Losses (K,) and gradients (K, n) at the trial points of the live lanes; finished lanes keep theirs."""
    live = s.status == RUNNING
    if live.all():
        f, g = evaluate(s.x, s.to_device(s.lane))
        return f.to(torch.float64), g.to(torch.float64)
    lanes = s.to_device(np.flatnonzero(live))
    f, g = evaluate(s.x.index_select(0, lanes), s.to_device(s.lane[live]))
    return (
        s.to_device(s.f).index_copy(0, lanes, f.to(torch.float64)),
        s.g.index_copy(0, lanes, g.to(torch.float64)),
    )


def _start(x0: Tensor) -> State:
    """Lanes (K, n) before their first evaluation."""
    lanes = len(x0)
    vector = torch.zeros_like(x0)

    def zeros(*shape: int, dtype=np.float64) -> np.ndarray:
        return np.zeros((lanes, *shape), dtype=dtype)

    return State(
        lane=np.arange(lanes),
        x=x0.clone(),
        f=zeros(),
        g=vector,
        t=vector,
        r=vector,
        fold=zeros(),
        z=vector,
        d=vector,
        slope=zeros(),
        search=line_search.start(zeros(), zeros(), zeros()),
        trials=zeros(dtype=np.int64),
        iterations=zeros(dtype=np.int64),
        evaluations=zeros(dtype=np.int64),
        status=zeros(dtype=np.int64),
        pairs=x0.new_zeros(lanes, 2 * MEMORY, x0.shape[1]),
        sty=zeros(MEMORY, MEMORY),
        yty=zeros(MEMORY, MEMORY),
        count=zeros(dtype=np.int64),
        newest=np.full(lanes, MEMORY - 1),
        along=zeros(2 * MEMORY),
        theta=np.ones(lanes),
    )


def _first_point(s: State, flat: np.ndarray) -> None:
    """The starting point itself: it may already be a minimum, its gradient `flat`."""
    s.t, s.r, s.fold = s.x, s.g, s.f
    s.status[(s.status == RUNNING) & flat] = CONVERGED_GRADIENT
    _begin(s, s.status == RUNNING)
    s.x = _trial(s)


def _tick(s: State, slope: np.ndarray, flat: np.ndarray, budget: Budget, ftol: float, accepted) -> None:
    """Judge every live lane's trial point, where the slope is g·d and the gradient may be `flat`; move the lane on."""
    live = s.status == RUNNING
    following, ended = line_search.update(s.search, s.f, slope)
    done = live & ended
    failed = live & ~ended & (s.trials >= TRIALS)
    again = live & ~ended & ~failed

    if done.any():
        s.iterations = s.iterations + done
        reduction = np.maximum(np.maximum(np.abs(s.fold), np.abs(s.f)), 1.0)
        # The first that holds counts, in the order of L-BFGS-B.
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
        s.t, s.r = s.choose(done, s.x, s.t), s.choose(done, s.g, s.r)
        s.fold = np.where(done, s.f, s.fold)

    s.search = s.search.replaced(again, following)
    if failed.any():
        _fail(s, failed)
    begin = (done | failed) & (s.status == RUNNING)
    if begin.any():
        _begin(s, begin)
    s.x = _trial(s)


def _trial(s: State) -> Tensor:
    """The points (K, n) at the searches' trial steps; a full step ends exactly at z."""
    full = s.search.stp == 1.0
    if full.all():
        return s.z
    return s.choose(full, s.z, torch.addcmul(s.t, s.to_device(s.search.stp)[:, None], s.d))


def _fail(s: State, failed: np.ndarray) -> None:
    """Back to where the search began: forget the memory, or give up if there is none."""
    s.status[failed & (s.count == 0)] = ABNORMAL
    _forget(s, failed)


def _forget(s: State, lanes: np.ndarray) -> None:
    s.count[lanes] = 0
    s.newest[lanes] = MEMORY - 1
    s.theta[lanes] = 1.0
    s.sty[lanes] = s.yty[lanes] = 0.0


def _begin(s: State, lanes: np.ndarray) -> None:
    """Choose a direction from (t, r) and set the first trial of a new line search."""
    z = s.t + _direction(s)
    d = z - s.t
    slope = torch.linalg.vecdot(s.r, d).cpu().numpy()
    # A direction that is not finite, or does not descend: forget the memory and follow the gradient.
    bad = lanes & ~(np.isfinite(slope) & (slope < 0))
    if bad.any():
        s.status[bad & (s.count == 0)] = ABNORMAL
        _forget(s, bad)
        z = s.choose(bad, s.t - s.r, z)
        d = s.choose(bad, z - s.t, d)
        slope = torch.linalg.vecdot(s.r, d).cpu().numpy()
        s.status[bad & ~(slope < 0)] = ABNORMAL
    s.z, s.d = s.choose(lanes, z, s.z), s.choose(lanes, d, s.d)
    s.slope = np.where(lanes, slope, s.slope)
    stp = np.ones_like(slope)
    if (s.iterations == 0).any():
        stp = np.where(s.iterations == 0, 1.0 / s.d.norm(dim=1).cpu().numpy(), stp)
    s.search = s.search.replaced(lanes, line_search.start(s.fold, s.slope, stp))
    s.trials = np.where(lanes, 0, s.trials)


def _slots(s: State) -> np.ndarray:
    """Where each lane's pairs lie, from the oldest to the newest, empty ones first; (K, m)."""
    return (s.newest[:, None] + 1 + np.arange(MEMORY)) % MEMORY


def _direction(s: State) -> Tensor:
    """-H r, shape (K, n), with H the compact inverse of the BFGS matrix on the pairs in memory, H0 = I / theta."""
    gamma = 1.0 / s.theta
    slots = _slots(s)
    kept = np.arange(MEMORY) >= MEMORY - s.count[:, None]  # (K, m)
    s_r = np.take_along_axis(s.along[:, :MEMORY], slots, 1) * kept
    y_r = np.take_along_axis(s.along[:, MEMORY:], slots, 1) * kept
    empty = np.zeros_like(s.sty)
    empty[:, range(MEMORY), range(MEMORY)] = ~kept
    upper = torch.from_numpy(s.sty + empty)  # R, with 1 for an empty slot
    u = torch.linalg.solve_triangular(upper, torch.from_numpy(s_r[:, :, None]), upper=True).numpy()  # R⁻¹ S'r
    diagonal = np.diagonal(s.sty, axis1=1, axis2=2)
    inner = diagonal[:, :, None] * u + gamma[:, None, None] * (s.yty @ u - y_r[:, :, None])
    top = torch.linalg.solve_triangular(upper.mT, torch.from_numpy(inner), upper=False).numpy()
    weights = np.zeros_like(s.along)
    np.put_along_axis(weights[:, :MEMORY], slots, top[:, :, 0] * kept, 1)
    np.put_along_axis(weights[:, MEMORY:], slots, -gamma[:, None] * u[:, :, 0] * kept, 1)
    scaled = s.to_device(-gamma)[:, None, None] * s.r[:, None, :]
    return torch.baddbmm(scaled, s.to_device(-weights)[:, None, :], s.pairs)[:, 0]


def _remember(s: State, lanes: np.ndarray, slope: np.ndarray) -> None:
    """Append the pair of the step just accepted where its curvature is positive enough (L-BFGS-B's `matupd`)."""
    stp = s.search.stp
    curvature = (slope - s.slope) * stp  # s·y, from the slopes
    update = np.flatnonzero(lanes & (curvature > EPS * (-s.slope * stp)))
    y = s.g - s.r
    slot = (s.newest[update] + 1) % MEMORY
    s.newest[update] = slot
    s.count[update] = np.minimum(s.count[update] + 1, MEMORY)
    lane, place = s.to_device(update), s.to_device(slot)
    s.pairs[lane, place] = s.to_device(stp[update])[:, None] * s.d[lane]
    s.pairs[lane, MEMORY + place] = y[lane]
    # The one reading of the whole memory but the direction's: for every lane, since picking some out would copy it.
    products = torch.bmm(torch.stack([s.g, y], 1), s.pairs.mT).cpu().numpy()  # (K, 2, 2m): by g, by y
    s.along = np.where(lanes[:, None], products[:, 0], s.along)
    by_y = products[update, 1]  # S'y, Y'y
    slots = _slots(s)[update]
    sty, yty = np.zeros((2, len(update), MEMORY, MEMORY))
    sty[:, :-1, :-1], yty[:, :-1, :-1] = s.sty[update, 1:, 1:], s.yty[update, 1:, 1:]
    # What an empty slot holds is of no memory.
    kept = np.arange(MEMORY) >= MEMORY - s.count[update][:, None]
    sty[:, :, -1] = np.take_along_axis(by_y[:, :MEMORY], slots, 1) * kept
    sty[:, -1, -1] = curvature[update]
    yty[:, :, -1] = yty[:, -1, :] = np.take_along_axis(by_y[:, MEMORY:], slots, 1) * kept
    s.sty[update], s.yty[update] = sty, yty
    s.theta[update] = yty[:, -1, -1] / curvature[update]


def _retire(s: State, result: Result) -> State:
    """Write the finished lanes down, and drop them once enough have finished."""
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
        result.status[lane] = STATUSES[status]
    return s.select(np.flatnonzero(live))
