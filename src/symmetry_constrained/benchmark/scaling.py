"""How the cost of a network grows with the number of networks, of images and of hidden units, one varied at a time."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from symmetry_constrained import paper
from symmetry_constrained.benchmark.solvers import Ours
from symmetry_constrained.benchmark.throughput import (
    Bench,
    Cell,
    Training,
    architecture_of,
    timed_evaluations,
)

UPPER = 0.5  # the exponent is fitted to this share of the points, the largest


def points(varied: dict[str, Iterable[int]], fixed: dict[str, int]) -> pd.DataFrame:
    """A row per measurement: the name of what is varied, then networks, n and width; the others have `fixed` values."""
    rows = [{"varied": name} | fixed | {name: value} for name, values in varied.items() for value in sorted(values)]
    return pd.DataFrame(rows)


def measure(bench: Bench, place: Cell, point: pd.Series, flop: float, budget: int) -> float:
    """Core-seconds per network and evaluation of our ensembles, as `throughput` defines them, at one point."""
    layers = (int(point["width"]), *paper.HIDDEN_LAYERS[1:])
    n, networks = int(point["n"]), int(point["networks"])
    evaluations = timed_evaluations(architecture_of(place.dataset, layers), n, networks, flop, budget)
    bench.time(Ours.name, replace(place, n=n), [Training(networks, evaluations)], hidden_layers=layers)
    return bench.timed[-1]["seconds"]


def with_exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `points` with seconds_per_network_evaluation -> with the exponent of each curve and what it is fitted to.

    exponent: the slope of log seconds over log value by least squares, over the upper half of the values (at least
    two), where fixed costs matter least; its standard error in exponent_error, empty with two points.
    """
    parts = []
    for name, curve in table.groupby("varied", sort=False):
        ranks = curve[name].rank()
        fitted = ranks > min(len(curve) - 2, np.floor(len(curve) * (1 - UPPER)))
        x, y = (np.log(curve.loc[fitted, column]) for column in (name, "seconds_per_network_evaluation"))
        slope, error = _slope(x.to_numpy(), y.to_numpy())
        parts.append(curve.assign(fitted=fitted, exponent=slope, exponent_error=error))
    return pd.concat(parts, ignore_index=True)


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The least-squares slope of y over x and its standard error, nan with two points."""
    if len(np.unique(x)) < 2:
        return np.nan, np.nan
    fit = stats.linregress(x, y)
    return fit.slope, fit.stderr if len(x) > 2 else np.nan
