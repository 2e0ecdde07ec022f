"""The cells of a study, the networks of each, and their means once more."""

import math

import numpy as np
import pandas as pd

from symmetry_constrained.audit import intervals

STUDY = ["study", "dataset", "protocol"]
MODEL = ["features", "training_set", "network", "hidden_layers"]


def largest(table: pd.DataFrame) -> pd.DataFrame:
    """Networks that were given the most of the training images of all in their study."""
    return table[table["fraction"] >= table["study"].map(table.groupby("study")["fraction"].max())]


def derived(networks: pd.DataFrame) -> pd.DataFrame:
    """networks.csv or history.csv with the images seen and the metrics that follow; an overflowed network has none."""
    test, inverted = networks["test_accuracy"], networks["inverted_accuracy"]
    # The share of negated images among those trained on is that among test images drawn alike.
    negated = networks["training_set"].map({"original": 0.0, "augmented": 0.5, "random-sign": 0.5})
    found = networks.assign(
        images=np.where(networks["training_set"] == "augmented", networks["n_train"] // 2, networks["n_train"]),
        both_accuracy=np.minimum(test, inverted),
        random_sign_accuracy=0.5 * (test + inverted),
        generalisation_gap=networks["train_accuracy"] - test - negated * (inverted - test),
        symmetry_gap=test - inverted,
    )
    if "status" in found:
        numbers = found.columns[found.columns.str.contains("accuracy|gap|loss|iterations|evaluations|flop")]
        found[numbers] = found[numbers].astype(float)
        found.loc[found["status"] == "non_finite", numbers] = np.nan
    return found


def cells(rows: pd.DataFrame, by: list[str], metric: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """One study's rows -> its cells (C,), the splits (N,), the metric (N, C) and the networks (C,) of each cell.

    N are the pairs of split and seed, in order; nan where a cell has no such network, or no finite metric.
    """
    wide = rows.pivot(index=["split", "seed"], columns=by, values=metric).sort_index()
    counts = rows.groupby(by, sort=False).size()
    wide = wide[counts.index]
    values = wide.to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    splits = wide.index.get_level_values("split").to_numpy()
    return counts.index.to_frame(index=False), splits, values, counts.to_numpy()


def summary(rows: pd.DataFrame, by: list[str], metric: str) -> pd.DataFrame:
    """Mean, 95 % interval, n and failed of every cell of one study's rows."""
    found, splits, values, trained = cells(rows, by, metric)
    known = [column[np.isfinite(column)] for column in values.T]
    n = np.array([len(column) for column in known])
    ends = [intervals.mean(column, splits, possible=intervals.bounds(metric)) for column in values.T]
    return found.assign(
        metric=metric,
        mean=[math.fsum(column) / len(column) if len(column) else math.nan for column in known],
        low=[low for low, _ in ends],
        high=[high for _, high in ends],
        n=n,
        failed=trained - n,
    )
