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
