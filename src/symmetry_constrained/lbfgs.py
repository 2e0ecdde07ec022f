"""SciPy's L-BFGS-B without bounds, for K lanes at once: one lane is one minimisation.

One *tick* is one batched evaluation at every live lane's trial point, followed by masked algebra on (K,)-shaped
numbers. Each lane's line search then asks for another trial, has its step accepted, or fails; no lane waits for
another's line search, and no sum couples two lanes. Finished lanes leave the batch.

The rules are those of L-BFGS-B 3.0 on its unconstrained path (Zhu, Byrd, Lu and Nocedal 1997; `scipy/optimize`),
which scikit-learn's `solver="lbfgs"` runs. The direction uses the compact form of the inverse Hessian (Byrd, Nocedal
and Schnabel 1994, eq. 3.1). The optimiser computes in float64 whatever the precision of the evaluations.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from symmetry_constrained import line_search
from symmetry_constrained.line_search import Search

MEMORY = 10  # m: pairs kept
FTOL = 2.220446049250313e-09  # relative reduction of the loss that counts as convergence
GTOL = 1e-4  # largest gradient component that counts as convergence
TRIALS = 20  # evaluations allowed in one line search
EPS = torch.finfo(torch.float64).eps
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

    lane: Tensor  # (K,) number of the lane in the caller's order
    x: Tensor  # (K, n) trial point
    f: Tensor  # (K,) loss there
    g: Tensor  # (K, n) gradient there
    t: Tensor  # (K, n) where the line search began
    r: Tensor  # (K, n) gradient there
    fold: Tensor  # (K,) loss there
    z: Tensor  # (K, n) the full step's end, t + d_raw
    d: Tensor  # (K, n) search direction, fl(z - t)
    slope: Tensor  # (K,) r·d
    search: Search
    trials: Tensor  # (K,) evaluations in this line search
    iterations: Tensor  # (K,)
    evaluations: Tensor  # (K,)
    status: Tensor  # (K,) index into STATUSES
    pairs: Tensor  # (K, 2m, n) m steps s, then m gradient differences y
    sty: Tensor  # (K, m, m) s_i·y_j
    yty: Tensor  # (K, m, m) y_i·y_j
    count: Tensor  # (K,) pairs in memory
    newest: Tensor  # (K,) slot of the newest pair
    theta: Tensor  # (K,) y·y / s·y of the newest pair

    def select(self, lanes: Tensor) -> "State":
        """Keep the given lanes only."""
        return State(
            *(
                value.select(lanes) if isinstance(value, Search) else value[lanes]
                for value in (getattr(self, field.name) for field in fields(self))
            )
        )


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
    accepted: Callable[[State, Tensor], None] | None = None,
    ticked: Callable[[State], None] | None = None,
) -> Result:
    """Minimise K functions from the rows of x0, shape (K, n).

    evaluate: points (L, n) in float64 and the numbers (L,) of their lanes -> losses (L,), gradients (L, n).
    accepted: called with the state and the mask (L,) of lanes whose step has just been accepted.
    ticked: called after every tick.
    """
    state = _start(x0.to(torch.float64), len(x0))
    result = Result(
        x=state.x.clone(),
        loss=torch.full_like(state.f, torch.nan),
        gradient=torch.full_like(state.x, torch.nan),
        iterations=torch.zeros_like(state.iterations),
        evaluations=torch.zeros_like(state.evaluations),
        status=[STATUSES[RUNNING]] * len(x0),
    )
    first = True
    while len(state.lane):
        f, g = evaluate(state.x, state.lane)
        running = state.status == RUNNING
        state.f, state.g = f.to(torch.float64), g.to(torch.float64)
        state.evaluations = state.evaluations + running
        state.trials = state.trials + running
        if first:
            _first_point(state, gtol)
            first = False
        else:
            _tick(state, budget, gtol, ftol, accepted)
        if ticked is not None:
            ticked(state)
        state = _retire(state, result)
    return result


def _start(x0: Tensor, lanes: int) -> State:
    n = x0.shape[1]
    number = torch.zeros(lanes, dtype=torch.float64, device=x0.device)
    integer = torch.zeros(lanes, dtype=torch.int64, device=x0.device)
    vector, square = torch.zeros_like(x0), x0.new_zeros(lanes, MEMORY, MEMORY)
    return State(
        lane=torch.arange(lanes, device=x0.device),
        x=x0.clone(),
        f=number,
        g=vector,
        t=vector,
        r=vector,
        fold=number,
        z=vector,
        d=vector,
        slope=number,
        search=line_search.start(number, number, number),
        trials=integer,
        iterations=integer,
        evaluations=integer,
        status=integer.clone(),
        pairs=x0.new_zeros(lanes, 2 * MEMORY, n),
        sty=square,
        yty=square.clone(),
        count=integer,
        newest=torch.full_like(integer, MEMORY - 1),
        theta=torch.ones_like(number),
    )


def _first_point(s: State, gtol: float) -> None:
    """The starting point itself: it may already be a minimum."""
    finite = s.f.isfinite() & s.g.isfinite().all(1)
    s.t, s.r, s.fold = s.x, s.g, s.f
    s.status = torch.where(finite, RUNNING, NON_FINITE)
    s.status = torch.where(finite & (s.g.abs().amax(1) <= gtol), CONVERGED_GRADIENT, s.status)
    _begin(s, s.status == RUNNING)


def _tick(s: State, budget: Budget, gtol: float, ftol: float, accepted) -> None:
    """Judge every live lane's trial point and move the lane on."""
    live = s.status == RUNNING
    finite = s.f.isfinite() & s.g.isfinite().all(1)
    s.status = torch.where(live & ~finite, NON_FINITE, s.status)
    live = live & finite

    slope = (s.g * s.d).sum(1)
    following, ended = line_search.update(s.search, s.f, slope)
    done = live & ended
    failed = live & ~ended & (s.trials >= TRIALS)
    again = live & ~ended & ~failed

    if bool(done.any()):
        s.iterations = s.iterations + done
        verdict = torch.full_like(s.status, RUNNING)
        # Later lines win, so the order is that of L-BFGS-B read from the last test to the first.
        reduction = torch.maximum(torch.maximum(s.fold.abs(), s.f.abs()), torch.ones_like(s.f))
        verdict = torch.where(s.fold - s.f <= ftol * reduction, CONVERGED_LOSS, verdict)
        verdict = torch.where(s.g.abs().amax(1) <= gtol, CONVERGED_GRADIENT, verdict)
        verdict = torch.where(s.evaluations > budget.max_evaluations, MAX_EVALUATIONS, verdict)
        verdict = torch.where(s.iterations >= budget.max_iterations, MAX_ITERATIONS, verdict)
        s.status = torch.where(done, verdict, s.status)
        if accepted is not None:
            accepted(s, done)
        _remember(s, done & (s.status == RUNNING), slope)
        column = done[:, None]
        s.t, s.r = torch.where(column, s.x, s.t), torch.where(column, s.g, s.r)
        s.fold = torch.where(done, s.f, s.fold)

    s.search.replace(again, following)
    s.x = torch.where(again[:, None], _trial(s), s.x)

    if bool(failed.any()):
        _fail(s, failed)
    begin = (done | failed) & (s.status == RUNNING)
    if bool(begin.any()):
        _begin(s, begin)


def _trial(s: State) -> Tensor:
    """The points (K, n) at the searches' trial steps; a full step ends exactly at z."""
    stp = s.search.stp[:, None]
    return torch.where(stp == 1.0, s.z, torch.addcmul(s.t, stp, s.d))


def _fail(s: State, failed: Tensor) -> None:
    """Back to where the search began: forget the memory, or give up if there is none."""
    s.status = torch.where(failed & (s.count == 0), ABNORMAL, s.status)
    _forget(s, failed)


def _forget(s: State, lanes: Tensor) -> None:
    s.count = torch.where(lanes, 0, s.count)
    s.newest = torch.where(lanes, MEMORY - 1, s.newest)
    s.theta = torch.where(lanes, 1.0, s.theta)


def _begin(s: State, lanes: Tensor) -> None:
    """Choose a direction from (t, r) and set the first trial of a new line search."""
    d_raw = _direction(s)
    z = s.t + d_raw
    d = z - s.t
    slope = (s.r * d).sum(1)
    # A direction that is not finite, or does not descend: forget the memory and follow the gradient.
    bad = lanes & ~(d.isfinite().all(1) & (slope < 0))
    if bool(bad.any()):
        s.status = torch.where(bad & (s.count == 0), ABNORMAL, s.status)
        _forget(s, bad)
        column = bad[:, None]
        z = torch.where(column, s.t - s.r, z)
        d = torch.where(column, z - s.t, d)
        slope = (s.r * d).sum(1)
        s.status = torch.where(bad & ~(slope < 0), ABNORMAL, s.status)
    column = lanes[:, None]
    s.z, s.d = torch.where(column, z, s.z), torch.where(column, d, s.d)
    s.slope = torch.where(lanes, slope, s.slope)
    stp = torch.where(s.iterations == 0, 1.0 / s.d.square().sum(1).sqrt(), 1.0)
    s.search.replace(lanes, line_search.start(s.fold, s.slope, stp))
    s.trials = torch.where(lanes, 0, s.trials)
    s.x = torch.where(column, _trial(s), s.x)


def _direction(s: State) -> Tensor:
    """-H r, shape (K, n), with H the compact inverse of the BFGS matrix on the pairs in memory, H0 = I / theta."""
    gamma = 1.0 / s.theta[:, None]
    # Slots from the oldest pair to the newest; the empty ones come first.
    step = torch.arange(MEMORY, device=s.x.device)
    slot = (s.newest[:, None] + 1 + step) % MEMORY  # (K, m)
    kept = step >= MEMORY - s.count[:, None]
    both = kept[:, :, None] & kept[:, None, :]

    projected = torch.bmm(s.pairs, s.r[:, :, None])[:, :, 0]  # (K, 2m)
    s_r = projected[:, :MEMORY].gather(1, slot) * kept
    y_r = projected[:, MEMORY:].gather(1, slot) * kept
    index = slot[:, :, None] * MEMORY + slot[:, None, :]
    sty = torch.where(both, s.sty.flatten(1).gather(1, index.flatten(1)).unflatten(1, (MEMORY, MEMORY)), 0.0)
    yty = torch.where(both, s.yty.flatten(1).gather(1, index.flatten(1)).unflatten(1, (MEMORY, MEMORY)), 0.0)
    diagonal = torch.diagonal(sty, dim1=1, dim2=2)
    upper = sty.triu() + torch.diag_embed((~kept).to(sty.dtype))  # R, with 1 for an empty slot

    u = torch.linalg.solve_triangular(upper, s_r[:, :, None], upper=True)[:, :, 0]  # R⁻¹ S'r
    inner = diagonal * u + gamma * (torch.bmm(yty, u[:, :, None])[:, :, 0] - y_r)
    top = torch.linalg.solve_triangular(upper.mT, inner[:, :, None], upper=False)[:, :, 0]
    weights = torch.zeros_like(projected)
    weights[:, :MEMORY].scatter_(1, slot, top * kept)
    weights[:, MEMORY:].scatter_(1, slot, -gamma * u * kept)
    return -torch.baddbmm(gamma[:, :, None] * s.r[:, None, :], weights[:, None, :], s.pairs)[:, 0]


def _remember(s: State, lanes: Tensor, slope: Tensor) -> None:
    """Append the pair of the step just accepted where its curvature is positive enough (L-BFGS-B's `matupd`)."""
    stp = s.search.stp
    curvature = (slope - s.slope) * stp  # s·y, from the slopes
    update = (lanes & (curvature > EPS * (-s.slope * stp))).nonzero()[:, 0]
    if not len(update):
        return
    y = s.g - s.r
    slot = (s.newest[update] + 1) % MEMORY
    s.newest = s.newest.index_put((update,), slot)
    s.count = s.count.index_put((update,), (s.count[update] + 1).clamp(max=MEMORY))
    s.pairs[update, slot] = stp[update, None] * s.d[update]
    s.pairs[update, MEMORY + slot] = y[update]
    # For every lane, since picking out the memory of some would copy it.
    products = torch.bmm(s.pairs, y[:, :, None])[update, :, 0]  # (L, 2m): S'y, Y'y
    s.sty[update, :, slot] = products[:, :MEMORY]
    s.sty[update, slot, slot] = curvature[update]
    s.yty[update, :, slot] = products[:, MEMORY:]
    s.yty[update, slot, :] = products[:, MEMORY:]
    y_y = products[:, MEMORY:].gather(1, slot[:, None])[:, 0]
    s.theta = s.theta.index_put((update,), y_y / curvature[update])


def _retire(s: State, result: Result) -> State:
    """Write the finished lanes down, and drop them once enough have finished."""
    live = s.status == RUNNING
    if bool(live.all()):
        return s
    if float(live.double().mean()) >= COMPACT_BELOW:
        return s
    finished = ~live
    lanes = s.lane[finished]
    # A lane that gave up ends where its last line search began.
    result.x[lanes], result.loss[lanes], result.gradient[lanes] = s.t[finished], s.fold[finished], s.r[finished]
    result.iterations[lanes], result.evaluations[lanes] = s.iterations[finished], s.evaluations[finished]
    for lane, status in zip(lanes.tolist(), s.status[finished].tolist(), strict=True):
        result.status[lane] = STATUSES[status]
    return s.select(live.nonzero()[:, 0])
