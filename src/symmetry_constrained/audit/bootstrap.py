"""The two-level bootstrap once more, from its description: splits are drawn, then the seeds within each."""

from functools import lru_cache

import numpy as np
import pandas as pd

DRAWS, SEED, CENTRAL = 2000, 0, 0.95
STUDY = ["study", "dataset", "protocol"]
MODEL = ["features", "training_set", "network", "hidden_layers"]


def draws(splits: np.ndarray) -> np.ndarray:
    """How often each of N networks is taken in each draw, (DRAWS, N).

    As many splits as there are, with replacement; for each time one is taken, as many of its networks as it has.
    """
    return _draws(tuple(splits.tolist()))


@lru_cache(maxsize=32)
def _draws(labels: tuple) -> np.ndarray:
    # Most cells of a study have the same networks.
    splits, random = np.array(labels), np.random.default_rng(SEED)
    names = sorted(set(labels))
    times = random.multinomial(len(names), [1 / len(names)] * len(names), size=DRAWS)
    found = np.zeros((DRAWS, len(splits)))
    for column, name in enumerate(names):
        members = np.flatnonzero(splits == name)
        found[:, members] = random.multinomial(times[:, column] * len(members), [1 / len(members)] * len(members))
    return found


def means(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted means (B, M) of the columns of values (N, M); nan is left out."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights @ np.where(there, values, 0.0)) / (weights @ there)


def medians(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Medians (B,) of values (N,), each taken as often as a row of weights (B, N) says."""
    order = np.argsort(values, kind="stable")
    upto = weights[:, order].cumsum(axis=1)
    total = upto[:, -1:]
    low, high = ((upto > place).argmax(axis=1) for place in ((total - 1) // 2, total // 2))
    return (values[order][low] + values[order][high]) / 2


def interval(drawn: np.ndarray, level: float = CENTRAL) -> tuple[np.ndarray, np.ndarray]:
    """The draws (B, ...) that cut off an equal share at each end, counted from 0 and rounded outwards; nan left out."""
    ordered = np.sort(drawn, axis=0)
    last = np.isfinite(drawn).sum(axis=0) + np.isinf(drawn).sum(axis=0) - 1
    low = np.maximum(np.floor((1 - level) / 2 * last + 1e-9), 0).astype(int)
    ends = (low, np.maximum(last - low, 0))
    return tuple(np.take_along_axis(ordered, end[None], axis=0)[0] for end in ends)


def derived(networks: pd.DataFrame) -> pd.DataFrame:
    """networks.csv or history.csv with the images seen and the metrics that follow; an overflowed network has none."""
    test, inverted = networks["test_accuracy"], networks["inverted_accuracy"]
    found = networks.assign(
        images=np.where(networks["training_set"] == "augmented", networks["n_train"] // 2, networks["n_train"]),
        both_accuracy=np.minimum(test, inverted),
        random_sign_accuracy=0.5 * (test + inverted),
        generalisation_gap=networks["train_accuracy"] - test,
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
    n = np.isfinite(values).sum(axis=0)
    low, high = interval(means(draws(splits), values))
    one = n < 2
    return found.assign(
        metric=metric,
        mean=means(np.ones((1, len(values))), values)[0],
        low=np.where(one, np.nan, low),
        high=np.where(one, np.nan, high),
        n=n,
        failed=trained - n,
    )
