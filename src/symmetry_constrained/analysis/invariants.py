"""Accuracies on incomplete and complete invariants: means with intervals, and contrasts of maps."""

import pandas as pd

from symmetry_constrained.analysis.intervals import ACCURACY, DIFFERENCE, mean_interval
from symmetry_constrained.features.groups import GROUPS

MAP_KEYS = ["group", "features", "network", "budget", "feature_count", "parameters"]
CONTRAST_COLUMNS = ["group", "network", "budget", "features", "against", "difference", "low", "high", "n"]


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `compare` -> per map, network and budget the mean accuracies with 95 % intervals, and N networks."""
    rows = []
    for cell, networks in table.groupby(MAP_KEYS, sort=False):
        row = dict(zip(MAP_KEYS, cell, strict=True)) | {"n": len(networks)}
        splits = networks["split"].to_numpy()
        for name in ("test_accuracy", "transformed_accuracy"):
            row[name] = networks[name].mean()
            ends = mean_interval(networks[name].to_numpy(), splits, possible=ACCURACY)
            row[f"{name}_low"], row[f"{name}_high"] = map(float, ends)
        rows.append(row)
    return pd.DataFrame(rows)


def contrasts(table: pd.DataFrame) -> pd.DataFrame:
    """The accuracy that each map adds to the norms alone on transformed images: mean difference, interval, N pairs.

    Networks are paired by split and seed. A group whose norms were not trained on has no row.
    """
    rows = []
    for (group, network, budget), cell in table.groupby(["group", "network", "budget"], sort=False):
        accuracy = cell.pivot(index=["split", "seed"], columns="features", values="transformed_accuracy")
        norms = GROUPS[group].norms
        for name in [name for name in GROUPS[group].maps if norms in accuracy and name in accuracy]:
            difference = (accuracy[name] - accuracy[norms]).dropna()
            if name in ("identity", norms) or difference.empty:
                continue
            splits = difference.index.get_level_values("split").to_numpy()
            low, high = map(float, mean_interval(difference.to_numpy(), splits, possible=DIFFERENCE))
            rows.append(
                dict(zip(CONTRAST_COLUMNS, (group, network, budget, name, norms), strict=False))
                | {"difference": difference.mean(), "low": low, "high": high, "n": len(difference)}
            )
    return pd.DataFrame(rows, columns=CONTRAST_COLUMNS)
