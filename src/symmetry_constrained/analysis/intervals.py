"""Confidence and prediction intervals for networks that are grouped in splits.

Networks trained on one split share their images, so splits are the independent units (clusters). With a single split,
each network is a unit: the interval then holds for that split's images alone. Every interval is built from the t
interval of a mean with cluster-robust standard error (Liang and Zeger 1986; degrees of freedom as in Cameron and
Miller 2015, section VI). Initial weights must be independent within and between splits: networks that share them
across splits make every interval here too narrow. `tests/analysis/test_coverage.py` simulates the coverage.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.95
ANYTHING, ACCURACY, DIFFERENCE = (-np.inf, np.inf), (0.0, 1.0), (-1.0, 1.0)  # possible values
MANY, ENOUGH = 10, 39  # units and networks: one more falls outside the range of 39 with a chance of 5 %
STEPS = 8  # between two points of a curve, at which its interval is evaluated


@dataclass(frozen=True)
class Needed:
    """How much is needed to reach a target: an estimate and its interval, arrays of equal shape.

    value, high: inf if the target is not reached. low: 0 if the least that was tried may already be enough. limit: the
    most that was tried, and so a lower limit of what is needed where the target is not reached.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    limit: float


def units(splits: np.ndarray) -> np.ndarray:
    """The independent unit of each network (N,), numbered from 0: its split, or itself if all share one split."""
    names, numbers = np.unique(splits, return_inverse=True)
    return numbers if len(names) > 1 else np.arange(len(splits))


def means(values: np.ndarray) -> np.ndarray:
    """Means over the first axis of values (N, ...), nan left out; nan where nothing remains. Exact for equal values."""
    present = ~np.isnan(values)
    origin = np.where(present, values, np.inf).min(axis=0)
    count = present.sum(axis=0)
    total = np.where(present, values - origin, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0) + origin


def mean_interval(
    values: np.ndarray, splits: np.ndarray, level: float = LEVEL, possible: tuple[float, float] = ANYTHING
) -> tuple[np.ndarray, np.ndarray]:
    """The t intervals of the means of values (N, ...) over networks of splits (N,), as low and high ends (...).

    x̄ ± t(G−1) · s with s² = G/(G−1) · Σ_g u_g², u_g = Σ_{i in g} (x_i − x̄)/n, over the G units that have a value. In
    a balanced design this is Student's interval of the G unit means. Where values are bounded, the interval is that of
    logit(p) for p = (x̄ − low)/(high − low), by the delta method logit(p) ± t · s/((high − low) · p · (1 − p)), carried
    back: never beyond what is possible, almost the same far from the bounds, and it covers near them, where values are
    skewed. nan is left out; nan where fewer than two units have values.
    """
    values = np.asarray(values, dtype=np.float64)
    middle = means(values)
    half = np.sqrt((_half_widths(values, middle, units(splits), level) ** 2).sum(axis=0))
    if not np.isfinite(possible).all():
        return np.clip(middle - half, *possible), np.clip(middle + half, *possible)
    least, span = possible[0], possible[1] - possible[0]
    share = (middle - least) / span
    # Without spread, as at the bounds themselves, the interval has no width.
    spread = half > 0
    reach = np.divide(half, span * share * (1 - share), out=np.zeros_like(half), where=spread)
    ends = (least + span * special.expit(special.logit(share) + sign * reach) for sign in (-1, 1))
    low, high = (np.where(spread, end, middle + 0 * half) for end in ends)
    # An end rounded to the wrong side of the mean is the mean.
    return np.minimum(low, middle), np.maximum(high, middle)


def prediction_interval(
    values: np.ndarray, splits: np.ndarray, level: float = LEVEL, possible: tuple[float, float] = ANYTHING
) -> tuple[np.ndarray, np.ndarray]:
    """Where one more network of one more split falls, for values (N, ...), finite, as low and high ends (...).

    x̄ ± t(ν) · √V, V = (1 + 1/G)·B + (1 − 1/h)·W, with B the variance of the G unit means, W the pooled variance within
    units and h the harmonic mean of networks per unit. In a balanced design V is an unbiased estimate of the variance
    of the difference between the new network and x̄; ν is Satterthwaite's (1946). With one network per unit this is
    Student's prediction interval. From ENOUGH networks on, draws need not be normal: the quantiles of the networks at
    k/(N + 1), exact for independent ones; with fewer than MANY units, the wider of the two on each side. Clipped to
    the possible values. nan for fewer than two units.
    """
    values, unit = np.asarray(values, dtype=np.float64), units(splits)
    middle, count = means(values), np.bincount(unit)
    if len(count) < 2:
        return np.full_like(middle, np.nan), np.full_like(middle, np.nan)
    tails = [(1 - level) / 2, (1 + level) / 2]
    if len(values) >= ENOUGH:
        low, high = np.quantile(values, tails, axis=0, method="weibull")
        if len(count) >= MANY:
            return low, high
    else:
        low, high = np.inf, -np.inf
    unit_means = np.tensordot(_membership(unit) / count[:, None], values - middle, axes=1)
    deviations = values - middle - unit_means[unit]
    between = (1 + 1 / len(count)) * unit_means.var(axis=0, ddof=1)
    spare = max(len(values) - len(count), 1)
    within = (1 - (1 / count).mean()) * (deviations**2).sum(axis=0) / spare
    variance, weight = between + within, between**2 / (len(count) - 1) + within**2 / spare
    freedom = np.divide(variance**2, weight, out=np.full_like(variance, len(count) - 1.0), where=weight > 0)
    half = special.stdtrit(freedom, tails[1]) * np.sqrt(variance)
    return np.clip(np.minimum(low, middle - half), *possible), np.clip(np.maximum(high, middle + half), *possible)


def median_needed(needed: np.ndarray, splits: np.ndarray, limit: float = np.inf, level: float = LEVEL) -> Needed:
    """The median of what networks need, (N, ...), inf where not within the limit, with its interval.

    Woodruff's interval (1952): the share of networks below the median is a mean of zeros and ones; the t interval of
    that mean around 1/2 is carried over to the sample quantiles at its ends. At most from the smallest to the largest;
    nan for a single network.
    """
    ordered, last = np.sort(needed, axis=0), len(needed) - 1
    left, right = ordered[last // 2], ordered[(last + 1) // 2]
    # A network at the median counts half, but not one that has not reached the target.
    below = 0.5 * (((needed <= left) & np.isfinite(needed)).astype(np.float64) + (needed < right))
    half = np.sqrt((_half_widths(below, means(below), units(splits), level) ** 2).sum(axis=0))
    places = [np.floor((last + 1) * (0.5 - half) + 1e-9), np.ceil((last + 1) * (0.5 + half) - 1e-9) - 1]
    low, high = (
        np.take_along_axis(ordered, np.clip(np.nan_to_num(place), 0, last).astype(int)[None], axis=0)[0]
        for place in places
    )
    low, high = (np.where(np.isnan(half), np.nan, end) for end in (np.minimum(low, left), np.maximum(high, right)))
    return Needed((left + right) / 2, low, high, limit)


def crossing(points: np.ndarray, curves: np.ndarray, target: float) -> np.ndarray:
    """Where curves (..., F) over points (F,), ascending and positive, first reach the target, as (...).

    Curves are linear in log(point) between points. inf: never reached. A curve that starts at the target or above
    gives the first point, an upper limit. nan on a curve has not reached it.
    """
    reached = curves >= target
    after = reached.argmax(axis=-1)
    before = np.maximum(after - 1, 0)
    start, end = (np.take_along_axis(curves, place[..., None], axis=-1)[..., 0] for place in (before, after))
    share = np.ones(after.shape)
    # Where there is no point before the crossing to draw a line from, the crossing itself is all that is known.
    between = (after > 0) & ~np.isnan(start)
    np.divide(target - start, end - start, out=share, where=between & reached.any(axis=-1))
    log = np.log(points)
    # At the ends exactly: exp(log(n)) may miss n.
    found = np.where(share == 1, points[after], np.exp(log[before] + share * (log[after] - log[before])))
    return np.where(reached.any(axis=-1), found, np.inf)


def crossing_needed(
    points: np.ndarray, values: np.ndarray, splits: np.ndarray, target: float, level: float = LEVEL
) -> Needed:
    """Where the mean curve of values (N, ..., F) over points (F,) first reaches the target, with its interval.

    The interval inverts the t test of the mean at each point: it starts where the upper end of the mean's interval
    first reaches the target and ends where the lower end does. Between points, means are linear in log(point), and so
    are the units' contributions u_g to their errors (`mean_interval`). Points at which a mean has no interval are left
    out of it; nan if all are.
    """
    middle = means(values)
    value, limit = crossing(points, middle, target), float(points[-1])
    errors = _half_widths(values, middle, units(splits), level)
    known = ~np.isnan(errors).any(axis=tuple(range(errors.ndim - 1)))
    if not known.any():
        return Needed(value, np.full_like(value, np.nan), np.full_like(value, np.nan), limit)
    points, middle, errors = points[known], middle[..., known], errors[..., known]
    share = np.arange((len(points) - 1) * STEPS + 1) / STEPS
    line = np.maximum(0, 1 - np.abs(share - np.arange(len(points))[:, None]))  # (F, steps), interpolates a curve
    fine = np.exp(np.log(points) @ line)
    fine[::STEPS] = points
    curve, half = middle @ line, np.sqrt(((errors @ line) ** 2).sum(axis=0))
    low, high = crossing(fine, curve + half, target), crossing(fine, curve - half, target)
    low = np.where(curve[..., 0] + half[..., 0] >= target, 0.0, low)
    return Needed(value, low, high, limit)


def ratio(above: Needed, below: Needed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """above / below with the ends of its interval, by MOVER on the logarithms (Zou and Donner 2008).

    log low = log(a/b) − √(log²(a/a_low) + log²(b_high/b)), and likewise for the high end: exact where the two errors
    are normal and independent, wide where they are positively correlated. Where `above` is not reached, the ratio is
    inf, and its low end is that of its limit; where `below` is not, 0. nan if neither is reached.
    """
    neither = np.isinf(above.value) & np.isinf(below.value)
    value = np.divide(above.value, below.value, out=np.full(np.shape(above.value), np.nan), where=~neither)
    with np.errstate(divide="ignore"):
        low, high = _least(above, below), 1 / _least(below, above)
    return value, np.where(neither, np.nan, low), np.where(neither, np.nan, high)


def _least(above: Needed, below: Needed) -> np.ndarray:
    """The low end of above / below; 0 where `below` may not be reached, or the least tried may do for `above`.

    nan where an end that it needs is unknown.
    """
    value = np.minimum(above.value, above.limit)
    unknown, open_end = np.isnan(above.low) | np.isnan(below.high), np.isinf(below.high) | (above.low == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.hypot(np.log(value / np.minimum(above.low, value)), np.log(below.high / below.value))
        return np.where(unknown, np.nan, np.where(open_end, 0.0, value / below.value * np.exp(-error)))


def _membership(unit: np.ndarray) -> np.ndarray:
    """(G, N) of zeros and ones: which network is in which unit."""
    return (np.arange(unit.max() + 1)[:, None] == unit).astype(np.float64)


def _half_widths(values: np.ndarray, middle: np.ndarray, unit: np.ndarray, level: float) -> np.ndarray:
    """Contributions (G, ...) of the units to the half-widths of intervals of means (...), whose squares they add to.

    nan where fewer than two units have values.
    """
    present, member = ~np.isnan(values), _membership(unit)
    count, groups = present.sum(axis=0), (np.tensordot(member, present, axes=1) > 0).sum(axis=0)
    totals = np.tensordot(member, np.where(present, values - middle, 0.0), axes=1)
    enough = groups > 1
    spare = np.where(enough, groups - 1, 1)
    factor = special.stdtrit(spare, (1 + level) / 2) * np.sqrt(groups / spare) / np.maximum(count, 1)
    return totals * np.where(enough, factor, np.nan)
