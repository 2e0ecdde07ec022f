"""The rank of a published number among many draws, multiple testing, and whether two means count as equal."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from symmetry_constrained.analysis import intervals

TAIL = 0.025  # beyond each end of a 95 % interval
CENTRAL = 0.95  # the share of draws that counts as typical
EQUIVALENCE_MARGIN = 0.01  # mean accuracies closer than this count as equal


@dataclass(frozen=True)
class Place:
    """The rank of one value among n draws."""

    median: float
    low: float  # the central 95 % of the draws
    high: float
    n: int
    percentile: float  # 0-100, ties counted half
    p: float  # two-sided rank probability


def place(value: float, draws: np.ndarray, decimals: int | None = None) -> Place:
    """Compare `value` with `draws` (n,), both rounded to `decimals` as the value was published.

    p = 2 · min(1 + #{a <= x}, 1 + #{a >= x}) / (n + 1), at most 1, a draw equal to the value counting half on each
    side. ValueError without draws, or if one is not finite.
    """
    draws = np.asarray(draws, dtype=np.float64)
    if not len(draws) or not np.isfinite(draws).all():
        raise ValueError("a place needs at least one draw, and finite ones")
    exact = draws
    if decimals is not None:
        value, draws = round(value, decimals), draws.round(decimals)
    ties = np.isclose(draws, value, rtol=0, atol=1e-12).sum() / 2
    below, above = (draws < value - 1e-12).sum() + ties, (draws > value + 1e-12).sum() + ties
    tail = (1 - CENTRAL) / 2
    low, high = np.quantile(exact, [tail, 1 - tail])
    return Place(
        median=float(np.median(exact)),
        low=float(low),
        high=float(high),
        n=len(draws),
        percentile=float(100 * below / len(draws)),
        p=float(min(1.0, 2 * (1 + min(below, above)) / (len(draws) + 1))),
    )


def typicality(rank: Place) -> str:
    """`typical` inside the central 95 % of the draws, else `lucky` (above them) or `unlucky` (below).

    `too few draws` below 39 of them: then no value can be outside, since p is at least 2 / (n + 1).
    """
    if 2 / (rank.n + 1) > 1 - CENTRAL + 1e-9:
        return "too few draws"
    if rank.p > 1 - CENTRAL:
        return "typical"
    return "lucky" if rank.percentile > 50 else "unlucky"


@dataclass(frozen=True)
class Difference:
    """A difference of means (...), how far its 95 % interval reaches to each side, and its two-sided p-value.

    half and p are nan where there is no interval.
    """

    value: np.ndarray
    half: np.ndarray
    p: np.ndarray


def p_value(distance: np.ndarray, half: np.ndarray, degrees: np.ndarray | int) -> np.ndarray:
    """Two-sided p-values of distances (...) from what is tested, by Student's t with these degrees of freedom.

    half: the half-widths of 95 % intervals (...). Where an interval has no width, p is 1 for no distance and 0 for any.
    """
    distance, half = np.asarray(distance, dtype=np.float64), np.asarray(half, dtype=np.float64)
    ratio = np.divide(distance, half, out=np.where(distance == 0, 0.0, np.inf), where=half != 0)
    return 2 * stdtr(degrees, stdtrit(degrees, TAIL) * abs(ratio))


def difference_in_pairs(differences: np.ndarray, splits: np.ndarray) -> Difference:
    """The mean of paired differences (N, ...) of networks of splits (N,), with splits as units."""
    low, high = intervals.mean_interval(differences, splits)
    value, half = intervals.means(differences), (high - low) / 2
    return Difference(value, half, p_value(value, half, intervals.units(splits).max()))


def difference_of_means(
    ours: np.ndarray, our_splits: np.ndarray, theirs: np.ndarray, their_splits: np.ndarray
) -> Difference:
    """The mean of ours (N, ...) less that of theirs (M, ...), drawn independently, each with its splits as units.

    The two standard errors are those of the means' intervals, the degrees of freedom Welch's (1947).
    """
    degrees = [intervals.units(splits).max() for splits in (our_splits, their_splits)]
    variances = []
    for values, splits, own in ((ours, our_splits, degrees[0]), (theirs, their_splits, degrees[1])):
        low, high = intervals.mean_interval(values, splits)
        variances.append(((high - low) / 2 / stdtrit(own, TAIL)) ** 2)
    variance, weight = sum(variances), sum(one**2 / own for one, own in zip(variances, degrees, strict=True) if own)
    together = np.divide(variance**2, weight, out=np.full(np.shape(variance), float(min(degrees))), where=weight > 0)
    value, half = intervals.means(ours) - intervals.means(theirs), -stdtrit(together, TAIL) * np.sqrt(variance)
    return Difference(value, half, p_value(value, half, together))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values (m,): it keeps the family-wise error below the level of the tests."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def paired_mean(differences: pd.Series, splits: np.ndarray) -> tuple[float, float, float, bool]:
    """The mean of paired differences of accuracy, the ends of its 95 % interval, and whether it counts as 0.

    It does within EQUIVALENCE_MARGIN of 0, or if the interval holds 0. splits: of the pairs.
    """
    values = differences.to_numpy()
    low, high = map(float, intervals.mean_interval(values, splits, possible=intervals.DIFFERENCE))
    mean = float(intervals.means(values))
    return mean, low, high, bool(abs(mean) <= EQUIVALENCE_MARGIN or low <= 0 <= high)
