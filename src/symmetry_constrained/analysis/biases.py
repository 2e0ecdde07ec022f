"""How large biases must be to break R + R̄ <= 1 (`amplification.csv`), and how fast emulated biases become exact."""

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals


def summarise(
    table: pd.DataFrame, metrics: tuple[str, ...] = ("excess", "amplification"), group: str = "depth"
) -> pd.DataFrame:
    """A row per depth (or the column `group`), ε and metric: the mean over n networks, its 95 % interval, the largest.

    table: `theory.amplification.study` of one or more depths, with `split`. A single network has no interval.
    """
    rows = []
    for (value, epsilon), networks in table.groupby([group, "epsilon"]):
        values = networks[list(metrics)].to_numpy(dtype=np.float64)
        means = intervals.means(values)
        low, high = intervals.mean_interval(values, networks["split"].to_numpy())
        for place, metric in enumerate(metrics):
            rows.append(
                {
                    group: value,
                    "epsilon": epsilon,
                    "metric": metric,
                    "mean": means[place],
                    "low": low[place],
                    "high": high[place],
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
        epsilons, splits = curves.columns.to_numpy(), curves.index.get_level_values("split").to_numpy()
        needed = intervals.crossing_needed(epsilons, curves.to_numpy(), splits, 0.0)
        low = float(np.maximum(needed.low, epsilons[0]))
        row = {"depth": depth, "smallest": above.get(depth, np.nan), "crossing": float(needed.value)}
        rows.append(row | {"low": low, "high": float(needed.high), "n": len(curves)})
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
