"""Contrasts: the difference of two cells, paired network by network, with intervals that allow for few units.

Two networks of one split and seed share their images and, where shapes agree, their initial weights, so a contrast is
the mean of paired differences. Its intervals are those of `analysis.intervals`, with splits as units. A published
pair is compared with its prediction interval, which holds one more pair with 95 % chance.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals
from symmetry_constrained.analysis.columns import check_columns
from symmetry_constrained.analysis.intervals import Needed

PAIR = ["split", "seed"]
FEWEST = 5  # pairs for the interval of a ratio of medians
LEVELS = {"": 0.95, "90": 0.90}  # of intervals, by the ending of their names


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


def of_pairs(differences: pd.Series, possible: tuple[float, float] = intervals.ANYTHING) -> Contrast:
    """The contrast of differences indexed by (split, seed). possible: the least and the largest that they can be."""
    values, n = differences.to_numpy(), len(differences)
    if n == 0:
        return Contrast(np.nan)
    splits = differences.index.get_level_values("split").to_numpy()
    ends: dict[str, float] = {}
    for suffix, level in LEVELS.items():
        low, high = intervals.mean_interval(values, splits, level, possible)
        ends |= {f"low{suffix}": float(low), f"high{suffix}": float(high)}
    low, high = intervals.prediction_interval(values, splits, possible=possible)
    return Contrast(float(intervals.means(values)), **ends, prediction_low=float(low), prediction_high=float(high), n=n)


def of_ratio(left: pd.Series, right: pd.Series, prices: tuple[tuple, tuple], ends: tuple[float, float]) -> Contrast:
    """Right's median cost over left's, for evaluations of networks indexed by (split, seed), inf where not reached.

    prices: (once, each evaluation) of left and of right. ends: the evaluations of their budgets, lower limits of what
    a network that did not reach the target would need. The effect is inf if most networks of right did not, 0 if most
    of left did not, nan if both are so. Its intervals are those of `intervals.ratio`. Below five pairs there is no
    interval. ValueError if a pair is there twice.
    """
    for values in (left, right):
        check_pairs(values)
    both = left.index.intersection(right.index)
    left, right = left.loc[both].to_numpy(), right.loc[both].to_numpy()
    if len(both) == 0:
        return Contrast(np.nan)
    splits = both.get_level_values("split").to_numpy()
    found: dict[str, float] = {}
    for suffix, level in LEVELS.items():
        below, above = (
            _cost(intervals.median_needed(values, splits, end, level), *price)
            for values, end, price in zip((left, right), ends, prices, strict=True)
        )
        effect, low, high = map(float, intervals.ratio(above, below))
        found |= {f"low{suffix}": low, f"high{suffix}": high}
    if np.isnan(effect) or len(both) < FEWEST:
        return Contrast(effect, n=len(both))
    return Contrast(effect, **found, n=len(both))


def _cost(needed: Needed, once: float, each: float) -> Needed:
    """The cost of the evaluations that are needed."""
    value, low, high = (once + each * number for number in (needed.value, needed.low, needed.high))
    return Needed(value, low, high, once + each * needed.limit)
