"""How large biases must be to break R + R̄ <= 1 (`amplification.csv`), and how fast emulated biases become exact."""

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.analysis.sample_efficiency import images_needed


def summarise(
    table: pd.DataFrame, metrics: tuple[str, ...] = ("excess", "amplification"), group: str = "depth"
) -> pd.DataFrame:
    """A row per depth (or the column `group`), ε and metric: the mean over n networks, its 95 % interval, the largest.

    table: `theory.amplification.study` of one or more depths, with `split`. A single network has no interval.
    """
    rows = []
    for (value, epsilon), networks in table.groupby([group, "epsilon"]):
        values = networks[list(metrics)].to_numpy(dtype=np.float64)
        weights = statistics.resample(networks["split"].to_numpy())
        low, high = statistics.interval(statistics.weighted_means(weights, values))
        alone = len(values) == 1
        for place, metric in enumerate(metrics):
            rows.append(
                {
                    group: value,
                    "epsilon": epsilon,
                    "metric": metric,
                    "mean": values[:, place].mean(),
                    "low": np.nan if alone else low[place],
                    "high": np.nan if alone else high[place],
                    "largest": values[:, place].max(),
                    "n": len(values),
                }
            )
    return pd.DataFrame(rows)


def thresholds(table: pd.DataFrame) -> pd.DataFrame:
    """How large biases must be for R + R̄ to exceed 1 in the mean: a row per depth.

    smallest: the smallest ε tried at which the 95 % interval of the mean excess is above 0; nan if there is none.
    crossing: the ε at which the mean first reaches 0, interpolated in log ε between the finite ε tried; low, high:
    its 95 % interval. inf: the mean never reaches 0; the smallest ε tried: it does so there or below. n: networks per
    ε.
    """
    summary = summarise(table, ("excess",))
    above = summary[summary["low"] > 0].groupby("depth")["epsilon"].min()
    rows = []
    for depth, networks in table[(table["epsilon"] > 0) & np.isfinite(table["epsilon"])].groupby("depth"):
        curves = networks.pivot(index=["split", "seed"], columns="epsilon", values="excess")
        weights = statistics.resample(curves.index.get_level_values("split").to_numpy())
        crossing, drawn = (
            images_needed(curves.columns.to_numpy(), statistics.weighted_means(taken, curves.to_numpy()), 0.0)
            for taken in (np.ones((1, len(curves))), weights)
        )
        low, high = statistics.interval(drawn) if len(curves) > 1 else (np.nan, np.nan)
        row = {"depth": depth, "smallest": above.get(depth, np.nan), "crossing": crossing[0]}
        rows.append(row | {"low": float(low), "high": float(high), "n": len(curves)})
    return pd.DataFrame(rows, columns=["depth", "smallest", "crossing", "low", "high", "n"])


# The columns that identify a network and a construction in `emulated_bias.csv`.
CONSTRUCTED = ["dataset", "protocol", "split", "training_set", "fraction", "hidden_layers", "seed", "construction"]
# A rate is fitted to logit differences above rounding, and so small that a single image decides them.
FITTED = (1e-11, 1e-3)


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """How fast the largest difference falls as the weight grows, and theory's rate: a row per network and construction.

    rate: minus the slope of log(largest_difference) against the weight, by least squares over the points in FITTED;
    nan with fewer than three. table: that of `theory.emulated_bias.study`.
    """
    saturated = table[table["weight"].notna()]
    apart = [name for name in CONSTRUCTED if name in saturated]
    fits = []
    for identity, rows in saturated.groupby(apart, sort=False):
        fitted = rows[rows["largest_difference"].between(*FITTED)]
        slope = np.nan
        if len(fitted) >= 3:
            slope = np.polyfit(fitted["weight"], np.log(fitted["largest_difference"]), 1)[0]
        fits.append(
            dict(zip(apart, identity, strict=True))
            | {"rate": -slope, "predicted_rate": rows["predicted_rate"].iloc[0], "points": len(fitted)}
        )
    return pd.DataFrame(fits, columns=[*apart, "rate", "predicted_rate", "points"])
