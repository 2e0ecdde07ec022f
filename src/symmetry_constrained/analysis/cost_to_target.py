"""Cost to target: evaluations, FLOP and seconds until a network has a given accuracy on both X and −X.

The cost of a network is read off its history, where the accuracy crosses the target between two checkpoints; the cost
of a cell is the median over its networks. The feature map is computed once, before the first evaluation. Seconds are
those of one network trained alone (`benchmark.solo`).
"""

import numpy as np
import pandas as pd

from symmetry_constrained import layers
from symmetry_constrained.analysis import intervals
from symmetry_constrained.analysis.columns import STUDY, at_largest_fraction, check_columns
from symmetry_constrained.data import registry
from symmetry_constrained.data.datasets import CLASSES
from symmetry_constrained.features.inversion import feature_count, feature_flop

# Networks that agree in these cost the same per evaluation; `solo_timings.csv` has a row for each.
PRICE_KEYS = [*STUDY, "network", "features", "training_set", "hidden_layers", "n_train"]
HISTORY_KEYS = [*PRICE_KEYS, "split", "seed"]  # rows that agree in them are the history of one network
COLUMNS = [*PRICE_KEYS, "parameters", "target", "reached", "at_most"]
COLUMNS += [f"{name}{end}" for name in ("evaluations", "flop", "seconds") for end in ("", "_low", "_high")]
COLUMNS += ["n"]


def cost_to_target(
    history: pd.DataFrame, targets: dict[str, list[float]], solo: pd.DataFrame | None = None
) -> pd.DataFrame:
    """`history.csv` -> `cost_to_target.csv`, a row per target and cell of a study's largest fraction.

    targets: accuracies by dataset. solo: rows of `solo.time_solo`, at most one per cell and n_train.
    reached: the share of networks that reach the target within their budget. at_most: half of them reach it at their
    first checkpoint or before, so the medians are upper limits. Median evaluations, FLOP (with the feature map) and
    seconds (empty without a row in solo) each have the 95 % interval of the median. They are
    empty if half of the networks or more do not reach the target; the high end of an interval is empty if it is
    infinite. ValueError naming a column that is missing, a cell timed twice, or a dataset of unknown size.
    """
    columns = [*HISTORY_KEYS, "fraction", "evaluations", "test_accuracy", "inverted_accuracy", "flop"]
    check_columns(history, columns, "history")
    timings = solo_by_cell(solo) if solo is not None else {}
    history = at_largest_fraction(history).sort_values([*HISTORY_KEYS, "evaluations"], kind="stable")
    rows = []
    for dataset, group in history.groupby("dataset"):
        # A column per target, a row per network.
        needed = pd.DataFrame({target: evaluations_needed(group, target) for target in targets.get(dataset, [])})
        if needed.empty:
            continue
        start = group.drop_duplicates(HISTORY_KEYS).set_index(HISTORY_KEYS)
        first = group.drop_duplicates(PRICE_KEYS).set_index(PRICE_KEYS, drop=False)
        for cell, networks in needed.groupby(level=PRICE_KEYS):
            splits = networks.index.get_level_values("split").to_numpy()
            row = first.loc[[cell]].iloc[0]
            identity = dict(zip(PRICE_KEYS, cell, strict=True)) | {"parameters": _parameters(row)}
            for target, values in networks.items():
                costs = _of_cell(values.to_numpy(), splits, prices(row, timings.get(cell)))
                at_once = both_accuracy(start.loc[networks.index]).ge(target).mean() >= 0.5
                rows.append(identity | {"target": target, "at_most": at_once} | costs)
    return pd.DataFrame(rows, columns=COLUMNS)


def both_accuracy(history: pd.DataFrame) -> pd.Series:
    """The lower of the accuracies on X and on −X."""
    return np.minimum(history["test_accuracy"], history["inverted_accuracy"])


def evaluations_needed(history: pd.DataFrame, target: float) -> pd.Series:
    """Evaluations at which each network first reaches the target on both test sets, by `HISTORY_KEYS`; inf if never.

    history: sorted by network and evaluations. The lower of the two accuracies is interpolated linearly in the
    evaluations between two checkpoints. A network that has reached the target at its first checkpoint counts with the
    evaluations of that checkpoint.
    """
    both = both_accuracy(history)
    network = history.groupby(HISTORY_KEYS, sort=False).ngroup()
    same = network.eq(network.shift())
    before, evaluations = both.shift(), history["evaluations"]
    share = ((target - before) / (both - before)).where(same, 1.0)
    crossing = evaluations.shift().where(same, 0) * (1 - share) + evaluations * share
    reached = history[HISTORY_KEYS].assign(needed=crossing)[both >= target].drop_duplicates(HISTORY_KEYS)
    every = pd.MultiIndex.from_frame(history[HISTORY_KEYS].drop_duplicates())
    return reached.set_index(HISTORY_KEYS)["needed"].reindex(every, fill_value=np.inf)


def _of_cell(needed: np.ndarray, splits: np.ndarray, price: dict[str, tuple[float, float]]) -> dict[str, float]:
    """A cell's share of networks that reach the target, and its medians, from the evaluations each needs (N,)."""
    median = intervals.median_needed(needed, splits)
    ends = np.array([median.value, median.low, median.high])
    ends[np.isinf(ends)] = np.nan
    if np.isinf(median.value):
        ends[:] = np.nan
    costs = {"reached": np.isfinite(needed).mean(), "n": len(needed)}
    for name, (once, each) in price.items():
        costs |= dict(zip((name, f"{name}_low", f"{name}_high"), once + each * ends, strict=True))
    return costs


def prices(row: pd.Series, timing: pd.Series | None) -> dict[str, tuple[float, float]]:
    """By currency, the cost of the feature map and that of an evaluation. row: any row of the cell in the history.

    timing: the row of `solo_timings.csv`; without it there is no price in seconds.
    """
    map_ = feature_flop(row["features"], registry.known(row["dataset"]).pixels, int(row["n_train"]))
    price: dict[str, tuple[float, float]] = {
        "evaluations": (0, 1),
        "flop": (map_, row["flop"] / row["evaluations"]),
    }
    if timing is not None:
        price["seconds"] = (timing["feature_seconds"], timing["seconds_per_evaluation"])
    return price


def _parameters(row: pd.Series) -> int:
    hidden = layers.parsed(str(row["hidden_layers"]))
    sizes = layers.pairs(feature_count(row["features"], registry.known(row["dataset"]).pixels), hidden, CLASSES)
    return layers.parameters(sizes, row["network"] == "biased")


def solo_by_cell(solo: pd.DataFrame) -> dict[tuple, pd.Series]:
    """The rows of `solo_timings.csv` by `PRICE_KEYS`. ValueError for a cell timed twice."""
    check_columns(solo, [*PRICE_KEYS, "feature_seconds", "seconds_per_evaluation"], "solo timings")
    again = solo.duplicated(PRICE_KEYS)
    if again.any():
        raise ValueError(f"timed twice: {', '.join(map(str, solo.loc[again, PRICE_KEYS].iloc[0]))}")
    return {tuple(row[PRICE_KEYS]): row for _, row in solo.iterrows()}
