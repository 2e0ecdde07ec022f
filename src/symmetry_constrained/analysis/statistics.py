"""Where one published number stands among many draws, how many may stand out by chance, and intervals of means.

The intervals are of a two-level bootstrap, since the networks of one split share their data: splits are resampled,
then the seeds within each. Its draws are weights, so that one matrix product resamples every column of a table, and
columns over the same networks are resampled alike, hence paired.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CENTRAL = 0.95  # the share of draws that counts as typical, and that an interval holds
DRAWS = 2000  # of the bootstrap
TOLERANCE = 0.01  # a difference of mean accuracies that is as good as none


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
    """`typical` inside the central 95 % of the draws, else `lucky` (above them) or `unlucky` (below).

    `too few draws` where no value could lie outside: below 39 of them, since p is at least 2 / (n + 1).
    """
    if 2 / (found.n + 1) > 1 - CENTRAL + 1e-9:
        return "too few draws"
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


def resample(splits: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each of N networks is taken in each draw of the bootstrap: whole numbers, shape (draws, N).

    splits (N,): the split of each network; the networks of one split differ by their seed. A draw takes as many
    splits as there are, with replacement, and for each one taken, anew, as many of its networks as it has. One split
    is always itself. Few splits make the intervals narrow: the variance between S of them comes out S / (S - 1) too
    small. Equal arguments give equal bits. ValueError without networks.
    """
    labels, index, counts = np.unique(splits, return_inverse=True, return_counts=True)
    if not len(labels):
        raise ValueError("there are no networks to resample")
    random = np.random.default_rng(seed)
    taken = random.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), draws)  # (draws, S)
    weights = np.empty((draws, len(index)))
    for number, count in enumerate(counts):
        # A split taken k times draws k times its networks: one multinomial of their number.
        weights[:, index == number] = random.multinomial(count * taken[:, number], np.full(count, 1 / count))
    return weights


def weighted_means(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of each column of values (N, M) under each row of weights (B, N), as (B, M).

    A value is finite, or nan and left out; where nothing is left, the mean is nan. The mean of equal values is exact.
    """
    values = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(values)
    origin = np.where(there, values, np.inf).min(axis=0)
    offsets = np.where(there, values - origin, 0)
    total = weights @ there
    return np.divide(weights @ offsets, total, out=np.full(total.shape, np.nan), where=total > 0) + origin


def weighted_medians(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The median of values (N,) taken as often as each row of weights (B, N) says, as (B,). A value may be inf."""
    order = np.argsort(values, kind="stable")
    values, passed = np.asarray(values, dtype=np.float64)[order], weights[:, order].cumsum(axis=1)
    half = passed[:, -1:] / 2
    return (values[(passed >= half).argmax(axis=1)] + values[(passed > half).argmax(axis=1)]) / 2


def interval(draws: np.ndarray, level: float = CENTRAL) -> tuple[np.ndarray, np.ndarray]:
    """Low and high end of the central share of draws (B, ...), rounded outwards to a draw, so that they may be inf.

    A nan is left out; without any draw both ends are nan.
    """
    draws = np.sort(draws, axis=0)  # nan comes last
    last = (~np.isnan(draws)).sum(axis=0) - 1
    tail = (1 - level) / 2
    # 0.025 and 0.975 are no binary fractions: a whole number of draws must stay one.
    low = np.floor(tail * last + 1e-9).astype(np.int64)
    low, high = np.maximum(low, 0), np.maximum(last - low, 0)
    return tuple(np.take_along_axis(draws, end[None], axis=0)[0] for end in (low, high))


def paired_mean(differences: pd.Series) -> tuple[float, float, float, bool]:
    """The mean of paired differences of accuracy, the ends of its 95 % interval (normal), and whether it is as good as
    none: within TOLERANCE, or the interval holds 0."""
    mean = differences.mean()
    half = 1.96 * differences.std(ddof=1) / np.sqrt(len(differences))
    return mean, mean - half, mean + half, bool(abs(mean) <= TOLERANCE or abs(mean) <= half)
