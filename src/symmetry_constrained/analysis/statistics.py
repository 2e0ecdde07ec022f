"""The rank of a published number among many draws, multiple testing, and intervals of means.

Intervals come from a two-level bootstrap, since the networks of one split share their data: splits are resampled, then
the seeds within each. Its draws are weights, so that one matrix product resamples every column of a table, and columns
over the same networks are resampled alike, hence paired.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CENTRAL = 0.95  # the share of draws that counts as typical, and that an interval holds
DRAWS = 2000  # of the bootstrap
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


def resample(splits: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each of N networks is taken in each draw of the bootstrap: whole numbers, shape (draws, N).

    splits (N,): the split of each network; the networks of one split differ by their seed. A draw takes as many
    splits as there are, with replacement, and for each split taken it draws as many of its networks as it has. A single
    split is in every draw. Few splits make the intervals narrow: the variance between S splits is underestimated by a
    factor (S - 1) / S. Equal arguments give equal bits. ValueError without networks.
    """
    labels, index, counts = np.unique(splits, return_inverse=True, return_counts=True)
    if not len(labels):
        raise ValueError("there are no networks to resample")
    random = np.random.default_rng(seed)
    taken = random.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), draws)  # (draws, S)
    weights = np.empty((draws, len(index)))
    for number, count in enumerate(counts):
        # A split taken k times draws k times as many networks, which is one multinomial draw.
        weights[:, index == number] = random.multinomial(count * taken[:, number], np.full(count, 1 / count))
    return weights


def weighted_means(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of each column of values (N, M) under each row of weights (B, N), as (B, M).

    Values are finite, or nan, which is left out; a mean without values is nan. The mean of equal values is exact.
    """
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    origin = np.where(known, values, np.inf).min(axis=0)
    offsets = np.where(known, values - origin, 0)
    total = weights @ known
    return np.divide(weights @ offsets, total, out=np.full(total.shape, np.nan), where=total > 0) + origin


def weighted_medians(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The medians (B,) of values (N,), each repeated as often as a row of weights (B, N) gives. Values may be inf."""
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
    # 0.025 and 0.975 are not exact in binary; the small term keeps a whole number of draws whole.
    low = np.floor(tail * last + 1e-9).astype(np.int64)
    low, high = np.maximum(low, 0), np.maximum(last - low, 0)
    low_end, high_end = (np.take_along_axis(draws, end[None], axis=0)[0] for end in (low, high))
    return low_end, high_end


def paired_mean(differences: pd.Series) -> tuple[float, float, float, bool]:
    """The mean of paired differences of accuracy, the ends of its 95 % interval (normal), and whether it counts as 0.

    It does within EQUIVALENCE_MARGIN of 0, or if the interval holds 0.
    """
    mean = differences.mean()
    half = 1.96 * differences.std(ddof=1) / np.sqrt(len(differences))
    return mean, mean - half, mean + half, bool(abs(mean) <= EQUIVALENCE_MARGIN or abs(mean) <= half)
