"""The Moré-Thuente line search of L-BFGS-B, for many lanes at once.

Every array holds one number per lane, shape (K,); for so few numbers, NumPy on the host is faster than any device.
`start` begins a search; `update` takes the value and the slope at the trial step and either asks for another trial or
ends the search. The rules and the names are those of `dcsrch` and `dcstep` (MINPACK-2; SciPy keeps a scalar
version in `scipy/optimize/_dcsrch.py`).
"""

from typing import NamedTuple

import numpy as np

FTOL = 1e-3  # sufficient decrease
GTOL = 0.9  # curvature
XTOL = 0.1  # relative width of an acceptable step's interval
STEP_MIN, STEP_MAX = 0.0, 1e10
EXTRAPOLATE_LOW, EXTRAPOLATE_HIGH = 1.1, 4.0
SHRINK = 0.66  # an interval that shrank by less is bisected


class Search(NamedTuple):
    """The state of K line searches; every field has shape (K,)."""

    stp: np.ndarray  # the trial step
    finit: np.ndarray
    ginit: np.ndarray  # value and slope at step 0
    stx: np.ndarray
    fx: np.ndarray
    gx: np.ndarray  # the best step so far, its value and slope
    sty: np.ndarray
    fy: np.ndarray
    gy: np.ndarray  # the other end of the interval
    stmin: np.ndarray
    stmax: np.ndarray  # limits of the next step
    width: np.ndarray
    width1: np.ndarray  # the interval's width now and one trial before
    brackt: np.ndarray  # 1 once a minimiser is bracketed, 0 before
    stage: np.ndarray  # 1 or 2

    def replaced(self, mask: np.ndarray, other: "Search") -> "Search":
        """With the lanes of `other` where `mask` holds."""
        if not mask.any():
            return self
        return other if mask.all() else Search(*np.where(mask, other, self))


def start(f: np.ndarray, slope: np.ndarray, stp: np.ndarray) -> Search:
    """Begin at step 0 with value f and a negative slope; the first trial is at stp."""
    zero = np.zeros_like(stp)
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
        width=np.full_like(stp, STEP_MAX - STEP_MIN),
        width1=np.full_like(stp, 2 * (STEP_MAX - STEP_MIN)),
        brackt=zero,
        stage=np.ones_like(stp),
    )


@np.errstate(all="ignore")  # every case is computed for every lane
def update(search: Search, f: np.ndarray, g: np.ndarray) -> tuple[Search, np.ndarray]:
    """Value f and slope g at the trial step -> the next state, and the mask (K,) of searches that have ended.

    A search ends on convergence and on every warning of `dcsrch`; its lanes keep the step just tried.
    """
    s = search
    bracketed = s.brackt != 0
    gtest = FTOL * s.ginit
    ftest = s.finit + s.stp * gtest
    stage = np.where((s.stage == 1) & (f <= ftest) & (g >= 0), 2.0, s.stage)
    ended = (
        (bracketed & ((s.stp <= s.stmin) | (s.stp >= s.stmax)))  # rounding errors prevent progress
        | (bracketed & (s.stmax - s.stmin <= XTOL * s.stmax))  # the interval is narrow enough
        | ((s.stp == STEP_MAX) & (f <= ftest) & (g <= gtest))
        | ((s.stp == STEP_MIN) & ((f > ftest) | (g >= gtest)))
        | ((f <= ftest) & (np.abs(g) <= GTOL * -s.ginit))  # the strong Wolfe conditions
    )
    if ended.all():
        return s, ended

    # In stage 1 the step is chosen on psi(stp) = f(stp) - stp * gtest.
    shift = np.where((stage == 1) & (f <= s.fx) & (f > ftest), gtest, 0.0)
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
        bracketed,
        s.stmin,
        s.stmax,
    )
    fx, gx, fy, gy = fx + stx * shift, gx + shift, fy + sty * shift, gy + shift

    span = np.abs(sty - stx)
    stp = np.where(brackt & (span >= SHRINK * s.width1), stx + 0.5 * (sty - stx), stp)
    width1 = np.where(brackt, s.width, s.width1)
    width = np.where(brackt, span, s.width)
    stmin = np.where(brackt, np.minimum(stx, sty), stp + EXTRAPOLATE_LOW * (stp - stx))
    stmax = np.where(brackt, np.maximum(stx, sty), stp + EXTRAPOLATE_HIGH * (stp - stx))
    stp = np.clip(stp, STEP_MIN, STEP_MAX)
    stuck = brackt & ((stp <= stmin) | (stp >= stmax) | (stmax - stmin <= XTOL * stmax))
    stp = np.where(stuck, stx, stp)
    following = Search(stp, s.finit, s.ginit, stx, fx, gx, sty, fy, gy, stmin, stmax, width, width1, brackt, stage)
    return following.replaced(ended, s), ended


def step(stx, fx, dx, sty, fy, dy, stp, fp, dp, brackt, stpmin, stpmax):
    """`dcstep`: a safeguarded cubic or quadratic step, and the interval that holds a minimiser.

    Returns stx, fx, dx, sty, fy, dy, stp, brackt, all of shape (K,).
    """
    opposite = dp * np.sign(dx) < 0
    higher = fp > fx
    flatter = np.abs(dp) < np.abs(dx)
    case1, case2, case3 = higher, ~higher & opposite, ~higher & ~opposite & flatter

    theta, gamma = _cubic(stx, fx, dx, stp, fp, dp)
    back = stp > stx

    # Case 1: a higher value. The minimum is bracketed.
    gamma1 = np.where(stp < stx, -gamma, gamma)
    ratio = ((gamma1 - dx) + theta) / (((gamma1 - dx) + gamma1) + dp)
    stpc = stx + ratio * (stp - stx)
    stpq = stx + ((dx / ((fx - fp) / (stp - stx) + dx)) / 2.0) * (stp - stx)
    next1 = np.where(np.abs(stpc - stx) <= np.abs(stpq - stx), stpc, stpc + (stpq - stpc) / 2.0)

    # Case 2: a lower value, slopes of opposite sign. The minimum is bracketed.
    gamma2 = np.where(back, -gamma, gamma)
    ratio = ((gamma2 - dp) + theta) / (((gamma2 - dp) + gamma2) + dx)
    stpc = stp + ratio * (stx - stp)
    secant = stp + (dp / (dp - dx)) * (stx - stp)
    next2 = np.where(np.abs(stpc - stp) > np.abs(secant - stp), stpc, secant)

    # Case 3: a lower value, the same sign, a flatter slope.
    ratio = ((gamma2 - dp) + theta) / ((gamma2 + (dx - dp)) + gamma2)
    limit = np.where(back, stpmax, stpmin)
    stpc = np.where((ratio < 0) & (gamma2 != 0), stp + ratio * (stx - stp), limit)
    closer = np.abs(stpc - stp) < np.abs(secant - stp)
    inside = np.where(closer, stpc, secant)
    bound = stp + SHRINK * (sty - stp)
    inside = np.where(back, np.minimum(bound, inside), np.maximum(bound, inside))
    farther = np.abs(stpc - stp) > np.abs(secant - stp)
    outside = np.minimum(np.maximum(np.where(farther, stpc, secant), stpmin), stpmax)
    next3 = np.where(brackt, inside, outside)

    # Case 4: a lower value, the same sign, a slope no flatter.
    theta, gamma = _cubic(sty, fy, dy, stp, fp, dp)
    gamma = np.where(stp > sty, -gamma, gamma)
    ratio = ((gamma - dp) + theta) / (((gamma - dp) + gamma) + dy)
    next4 = np.where(brackt, stp + ratio * (sty - stp), limit)

    chosen = np.where(case1, next1, np.where(case2, next2, np.where(case3, next3, next4)))

    # The interval: the trial replaces y where it is higher, x elsewhere (x becoming y across a sign change).
    sty, fy, dy = (
        np.where(case1, new, np.where(case2, old, kept))
        for new, old, kept in ((stp, stx, sty), (fp, fx, fy), (dp, dx, dy))
    )
    stx, fx, dx = (np.where(case1, old, new) for new, old in ((stp, stx), (fp, fx), (dp, dx)))
    return stx, fx, dx, sty, fy, dy, chosen, brackt | case1 | case2


def _cubic(end, f_end, d_end, stp, fp, dp):
    """theta and gamma of the cubic through the end point and the trial point (gamma >= 0)."""
    theta = 3.0 * (f_end - fp) / (stp - end) + d_end + dp
    scale = np.maximum(np.maximum(np.abs(theta), np.abs(d_end)), np.abs(dp))
    discriminant = (theta / scale) ** 2 - (d_end / scale) * (dp / scale)
    return theta, scale * np.sqrt(np.maximum(discriminant, 0.0))
