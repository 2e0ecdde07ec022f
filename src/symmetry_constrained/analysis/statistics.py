"""The rank of a published number among many draws, multiple testing, and whether two means count as equal."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals

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
