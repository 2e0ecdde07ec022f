"""Where one published number stands among many draws, and how many such numbers may stand out by chance."""

from dataclasses import dataclass

import numpy as np

CENTRAL = 0.95  # the share of draws that counts as typical


@dataclass(frozen=True)
class Place:
    """One value among n draws."""

    median: float
    low: float  # the central 95 % of the draws
    high: float
    n: int
    percentile: float  # 0-100, ties counted half
    p: float  # two-sided rank probability


def place(value: float, draws: np.ndarray, decimals: int | None = None) -> Place:
    """The place of `value` among `draws` (n,), both rounded to `decimals` as the value was published.

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


def typicality(found: Place) -> str:
    """`typical` inside the central 95 % of the draws, else `lucky` (above them) or `unlucky` (below)."""
    if found.p > 1 - CENTRAL:
        return "typical"
    return "lucky" if found.percentile > 50 else "unlucky"


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values (m,): the family-wise error stays below the level tested at."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
