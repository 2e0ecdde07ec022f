"""The Moré-Thuente line search of L-BFGS-B, for many lanes at once.

Every tensor holds one number per lane, shape (K,). `start` begins a search, `update` takes the value and the slope
found at the trial step and either asks for another trial or ends the search. The rules and the names are those of
`dcsrch` and `dcstep` (MINPACK-2; SciPy keeps a scalar version in `scipy/optimize/_dcsrch.py`).
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

FTOL = 1e-3  # sufficient decrease
GTOL = 0.9  # curvature
XTOL = 0.1  # relative width of an acceptable step's interval
STEP_MIN, STEP_MAX = 0.0, 1e10
EXTRAPOLATE_LOW, EXTRAPOLATE_HIGH = 1.1, 4.0
SHRINK = 0.66  # an interval that shrank by less is bisected


@dataclass
class Search:
    """The state of K line searches; every field has shape (K,)."""

    stp: Tensor  # the trial step
    finit: Tensor
    ginit: Tensor  # value and slope at step 0
    stx: Tensor
    fx: Tensor
    gx: Tensor  # the best step so far, its value and slope
    sty: Tensor
    fy: Tensor
    gy: Tensor  # the other end of the interval
    stmin: Tensor
    stmax: Tensor  # limits of the next step
    width: Tensor
    width1: Tensor  # the interval's width now and one trial before
    brackt: Tensor  # bool: is a minimiser bracketed
    stage: Tensor  # 1 or 2

    def replace(self, mask: Tensor, other: "Search") -> None:
        """Take over the lanes of `other` where `mask` holds."""
        for field in fields(self):
            setattr(self, field.name, torch.where(mask, getattr(other, field.name), getattr(self, field.name)))

    def select(self, lanes: Tensor) -> "Search":
        """Keep the given lanes only."""
        return Search(*(getattr(self, field.name)[lanes] for field in fields(self)))


def start(f: Tensor, slope: Tensor, stp: Tensor) -> Search:
    """Begin at step 0 with value f and a negative slope; the first trial is at stp."""
    zero = torch.zeros_like(stp)
    return Search(
        stp=stp,
        finit=f,
        ginit=slope,
        stx=zero,
        fx=f,
        gx=slope,
        sty=zero,
        fy=f,
        gy=slope,
        stmin=zero,
        stmax=stp + EXTRAPOLATE_HIGH * stp,
        width=torch.full_like(stp, STEP_MAX - STEP_MIN),
        width1=torch.full_like(stp, 2 * (STEP_MAX - STEP_MIN)),
        brackt=torch.zeros_like(stp, dtype=torch.bool),
        stage=torch.ones_like(stp),
    )


def update(search: Search, f: Tensor, g: Tensor) -> tuple[Search, Tensor]:
    """Value f and slope g at the trial step -> the next state, and where the search has ended.

    A search ends on convergence and on every warning of `dcsrch`; its lanes keep the step just tried.
    """
    s = search
    gtest = FTOL * s.ginit
    ftest = s.finit + s.stp * gtest
    stage = torch.where((s.stage == 1) & (f <= ftest) & (g >= 0), 2.0, s.stage)
    ended = (
        (s.brackt & ((s.stp <= s.stmin) | (s.stp >= s.stmax)))  # rounding errors prevent progress
        | (s.brackt & (s.stmax - s.stmin <= XTOL * s.stmax))  # the interval is narrow enough
        | ((s.stp == STEP_MAX) & (f <= ftest) & (g <= gtest))
        | ((s.stp == STEP_MIN) & ((f > ftest) | (g >= gtest)))
        | ((f <= ftest) & (g.abs() <= GTOL * -s.ginit))  # the strong Wolfe conditions
    )
    if bool(ended.all()):
        return s, ended

    # In stage 1 the step is chosen on psi(stp) = f(stp) - stp * gtest.
    shift = torch.where((stage == 1) & (f <= s.fx) & (f > ftest), gtest, 0.0)
    stx, fx, gx, sty, fy, gy, stp, brackt = step(
        s.stx,
        s.fx - s.stx * shift,
        s.gx - shift,
        s.sty,
        s.fy - s.sty * shift,
        s.gy - shift,
        s.stp,
        f - s.stp * shift,
        g - shift,
        s.brackt,
        s.stmin,
        s.stmax,
    )
    fx, gx, fy, gy = fx + stx * shift, gx + shift, fy + sty * shift, gy + shift

    span = (sty - stx).abs()
    stp = torch.where(brackt & (span >= SHRINK * s.width1), stx + 0.5 * (sty - stx), stp)
    width1 = torch.where(brackt, s.width, s.width1)
    width = torch.where(brackt, span, s.width)
    stmin = torch.where(brackt, torch.minimum(stx, sty), stp + EXTRAPOLATE_LOW * (stp - stx))
    stmax = torch.where(brackt, torch.maximum(stx, sty), stp + EXTRAPOLATE_HIGH * (stp - stx))
    stp = stp.clamp(STEP_MIN, STEP_MAX)
    stuck = brackt & ((stp <= stmin) | (stp >= stmax) | (stmax - stmin <= XTOL * stmax))
    stp = torch.where(stuck, stx, stp)
    following = Search(stp, s.finit, s.ginit, stx, fx, gx, sty, fy, gy, stmin, stmax, width, width1, brackt, stage)
    following.replace(ended, s)
    return following, ended


def step(stx, fx, dx, sty, fy, dy, stp, fp, dp, brackt, stpmin, stpmax):
    """`dcstep`: a safeguarded cubic or quadratic step, and the interval that holds a minimiser.

    Returns stx, fx, dx, sty, fy, dy, stp, brackt, all of shape (K,).
    """
    opposite = dp * dx.sign() < 0
    higher = fp > fx
    flatter = dp.abs() < dx.abs()
    case1, case2, case3 = higher, ~higher & opposite, ~higher & ~opposite & flatter

    def cubic(end, f_end, d_end):
        """theta and gamma of the cubic through the end point and the trial point (gamma >= 0)."""
        theta = 3.0 * (f_end - fp) / (stp - end) + d_end + dp
        scale = torch.maximum(torch.maximum(theta.abs(), d_end.abs()), dp.abs())
        discriminant = (theta / scale) ** 2 - (d_end / scale) * (dp / scale)
        return theta, scale * discriminant.clamp(min=0.0).sqrt()

    theta, gamma = cubic(stx, fx, dx)
    back = stp > stx

    # Case 1: a higher value. The minimum is bracketed.
    gamma1 = torch.where(stp < stx, -gamma, gamma)
    ratio = ((gamma1 - dx) + theta) / (((gamma1 - dx) + gamma1) + dp)
    stpc = stx + ratio * (stp - stx)
    stpq = stx + ((dx / ((fx - fp) / (stp - stx) + dx)) / 2.0) * (stp - stx)
    next1 = torch.where((stpc - stx).abs() <= (stpq - stx).abs(), stpc, stpc + (stpq - stpc) / 2.0)

    # Case 2: a lower value, slopes of opposite sign. The minimum is bracketed.
    gamma2 = torch.where(back, -gamma, gamma)
    ratio = ((gamma2 - dp) + theta) / (((gamma2 - dp) + gamma2) + dx)
    stpc = stp + ratio * (stx - stp)
    secant = stp + (dp / (dp - dx)) * (stx - stp)
    next2 = torch.where((stpc - stp).abs() > (secant - stp).abs(), stpc, secant)

    # Case 3: a lower value, the same sign, a flatter slope.
    ratio = ((gamma2 - dp) + theta) / ((gamma2 + (dx - dp)) + gamma2)
    limit = torch.where(back, stpmax, stpmin)
    stpc = torch.where((ratio < 0) & (gamma2 != 0), stp + ratio * (stx - stp), limit)
    closer = (stpc - stp).abs() < (secant - stp).abs()
    inside = torch.where(closer, stpc, secant)
    bound = stp + SHRINK * (sty - stp)
    inside = torch.where(back, torch.minimum(bound, inside), torch.maximum(bound, inside))
    farther = (stpc - stp).abs() > (secant - stp).abs()
    outside = torch.minimum(torch.maximum(torch.where(farther, stpc, secant), stpmin), stpmax)
    next3 = torch.where(brackt, inside, outside)

    # Case 4: a lower value, the same sign, a slope no flatter.
    theta, gamma = cubic(sty, fy, dy)
    gamma = torch.where(stp > sty, -gamma, gamma)
    ratio = ((gamma - dp) + theta) / (((gamma - dp) + gamma) + dy)
    next4 = torch.where(brackt, stp + ratio * (sty - stp), limit)

    chosen = torch.where(case1, next1, torch.where(case2, next2, torch.where(case3, next3, next4)))

    # The interval: the trial replaces y where it is higher, x elsewhere (x becoming y across a sign change).
    sty, fy, dy = (
        torch.where(case1, new, torch.where(case2, old, kept))
        for new, old, kept in ((stp, stx, sty), (fp, fx, fy), (dp, dx, dy))
    )
    stx, fx, dx = (torch.where(case1, old, new) for new, old in ((stp, stx), (fp, fx), (dp, dx)))
    return stx, fx, dx, sty, fy, dy, chosen, brackt | case1 | case2
