"""Contrasts: the difference of two cells, paired network by network, with intervals that allow for few units.

Two networks of one split and seed share their images and, where shapes agree, their initial weights, so a contrast is
the mean of paired differences. Its interval comes from the two-level bootstrap of `statistics`, widened for few
units. A published pair is compared with its prediction interval, which holds one more pair with 95 % chance.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from symmetry_constrained.analysis import statistics
from symmetry_constrained.analysis.columns import check_columns

PAIR = ["split", "seed"]
FEWEST = 5  # pairs for a bootstrap of medians: resampled, three pairs are often a single one
ENOUGH = 39  # pairs: with 5 % chance, one more is outside of their range


@dataclass(frozen=True)
class Contrast:
    """An effect, its 95 % and 90 % intervals, and the interval that holds one more pair with 95 % chance."""

    effect: float
    low: float = np.nan
    high: float = np.nan
    low90: float = np.nan
    high90: float = np.nan
    prediction_low: float = np.nan
    prediction_high: float = np.nan
    n: int = 0


def select(table: pd.DataFrame, where: dict) -> pd.DataFrame:
    """The rows whose columns have these values. ValueError naming a column that the table lacks."""
    check_columns(table, where)
    for column, value in where.items():
        table = table[np.isclose(table[column], value) if isinstance(value, float) else table[column] == value]
    return table


def differences(left: pd.Series | float, right: pd.Series | float) -> pd.Series:
    """Differences left − right `by_pair`; one of them may be a number. Networks that failed are left out."""
    return pd.Series(left - right).dropna().sort_index()


def by_pair(rows: pd.DataFrame, value: str) -> pd.Series:
    """A cell's column by (split, seed). ValueError if a column is missing or a pair is there twice."""
    check_columns(rows, (*PAIR, value))
    values = rows.set_index(PAIR)[value].astype(float)
    check_pairs(values)
    return values


def check_pairs(values: pd.Series) -> None:
    """ValueError if a pair of split and seed is twice in the index."""
    if values.index.has_duplicates:
        split, seed = values.index[values.index.duplicated()][0]
        raise ValueError(f"split {split}, seed {seed} is twice in a cell of a contrast")


def of_pairs(differences: pd.Series) -> Contrast:
    """The contrast of differences indexed by (split, seed)."""
    values, n = differences.to_numpy(), len(differences)
    if n == 0:
        return Contrast(np.nan)
    effect = float(values.mean())
    if n == 1:
        return Contrast(effect, n=1)
    splits = differences.index.get_level_values("split").to_numpy()
    means = statistics.weighted_means(statistics.resample(splits), values[:, None])[:, 0]
    ends = {}
    for level, suffix in ((0.95, ""), (0.90, "90")):
        factor = widening(splits, level)
        for name, end in zip(("low", "high"), statistics.interval(means, level), strict=True):
            ends[name + suffix] = float(effect + factor * (end - effect))
    low, high = _prediction(values)
    return Contrast(effect, **ends, prediction_low=low, prediction_high=high, n=n)


def widening(splits: np.ndarray, level: float) -> float:
    """The factor by which a percentile bootstrap over few units is too narrow at this level: √(m/(m−1)) · t/z.

    m is the number of splits, or of networks if there is one split. Student's t has the networks' N − 1
    degrees of freedom: in the paper's cells the splits add next to nothing to the variance between seeds (an
    intraclass correlation of 0.00 to 0.04 over 5 splits of 20 seeds).
    """
    n, m = len(splits), len(np.unique(splits))
    m = m if m > 1 else n
    tail = (1 + level) / 2
    return float(np.sqrt(m / (m - 1)) * stats.t.ppf(tail, n - 1) / stats.norm.ppf(tail))


def _prediction(values: np.ndarray) -> tuple[float, float]:
    """The central 95 % of the pairs; below 39 of them, Student's interval for one more."""
    tail = (1 - statistics.CENTRAL) / 2
    if len(values) >= ENOUGH:
        low, high = np.quantile(values, [tail, 1 - tail], method="weibull")
    else:
        half = stats.t.ppf(1 - tail, len(values) - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / len(values))
        low, high = values.mean() - half, values.mean() + half
    return float(low), float(high)


def of_ratio(left: pd.Series, right: pd.Series, prices: tuple[tuple, tuple], ends: tuple[float, float]) -> Contrast:
    """Right's median cost over left's, for evaluations of networks indexed by (split, seed), inf where not reached.

    prices: (once, each evaluation) of left and of right. ends: the evaluations of their budgets, lower limits of what
    a network that did not reach the target would need. The effect is inf if most networks of right did not, 0 if most
    of left did not, nan if both are so. The low end uses the limit of right, and is 0 if left has no median; the high
    end uses the limit of left, and is inf if right has no median. Below five pairs there is no interval. ValueError if
    a pair is there twice.
    """
    for values in (left, right):
        check_pairs(values)
    both = left.index.intersection(right.index)
    left, right = left.loc[both].to_numpy(), right.loc[both].to_numpy()
    if len(both) == 0:
        return Contrast(np.nan)
    (left_once, left_each), (right_once, right_each) = prices
    weights = statistics.resample(both.get_level_values("split").to_numpy())
    weights = np.concatenate([np.ones((1, len(both))), weights])

    def ratios(left_limit: float, right_limit: float) -> np.ndarray:
        below = statistics.weighted_medians(weights, np.where(np.isinf(left), left_limit, left))
        above = statistics.weighted_medians(weights, np.where(np.isinf(right), right_limit, right))
        cost, other = left_once + left_each * below, right_once + right_each * above
        return np.divide(other, cost, out=np.full(len(cost), np.nan), where=np.isfinite(cost) | np.isfinite(other))

    effect = float(ratios(np.inf, np.inf)[0])
    if np.isnan(effect) or len(both) < FEWEST:
        return Contrast(effect, n=len(both))
    least, most = ratios(np.inf, ends[1])[1:], ratios(ends[0], np.inf)[1:]
    interval = {}
    for level, suffix in ((0.95, ""), (0.90, "90")):
        interval["low" + suffix] = float(statistics.interval(least, level)[0])
        interval["high" + suffix] = float(statistics.interval(most, level)[1])
    return Contrast(effect, **interval, n=len(both))
