"""Cost to target: evaluations, FLOP and seconds until a network has a given accuracy on both X and −X.

Read off the recorded history, so a network's cost is where its course between two checkpoints crosses the target, and
a cell's is the median over its networks. The feature map is paid once, before the first evaluation. Seconds are those
of one network trained alone (`solo`).
"""

import math
import re

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.analysis.columns import STUDY, check_columns
from symmetry_constrained.data.datasets import CLASSES, SHAPES, check_name
from symmetry_constrained.features.inversion import feature_count, feature_flop
from symmetry_constrained.networks.architecture import Architecture

CELL = [*STUDY, "network", "features", "training_set", "hidden_layers", "n_train"]
COURSE = [*CELL, "split", "seed"]  # the rows of one network
COLUMNS = [*CELL, "parameters", "target", "reached", "at_most"]
COLUMNS += [f"{name}{end}" for name in ("evaluations", "flop", "seconds") for end in ("", "_low", "_high")]
COLUMNS += ["n"]


def cost_to_target(
    history: pd.DataFrame, targets: dict[str, list[float]], solo: pd.DataFrame | None = None
) -> pd.DataFrame:
    """`history.csv` rows of many batches -> `cost_to_target.csv`, a row per cell at fraction 1 and target.

    targets: accuracies by dataset. solo: rows of `solo.time_solo`, at most one per cell and n_train.
    reached: the share of networks that reach the target within their budget. at_most: half of them are there at their
    first checkpoint or before, so the medians are upper limits. Median evaluations, FLOP (the feature
    map included) and seconds (empty without a solo timing), each with the 95 % interval of the median over splits and
    seeds. They are empty if half of the networks or more do not get there, and the interval's high end is empty if
    it has none. ValueError naming a column that is missing, a cell timed twice, or a dataset of unknown size.
    """
    columns = [*COURSE, "fraction", "evaluations", "test_accuracy", "inverted_accuracy", "flop"]
    check_columns(history, columns, "history")
    timings = solo_by_cell(solo) if solo is not None else {}
    history = history[history["fraction"] == 1].sort_values([*COURSE, "evaluations"], kind="stable")
    rows = []
    for dataset, group in history.groupby("dataset"):
        # A column per target, a row per network.
        needed = pd.DataFrame({target: evaluations_needed(group, target) for target in targets.get(dataset, [])})
        if needed.empty:
            continue
        start = group.drop_duplicates(COURSE).set_index(COURSE)
        first = group.drop_duplicates(CELL).set_index(CELL, drop=False)
        for cell, networks in needed.groupby(level=CELL):
            drawn = statistics.resample(networks.index.get_level_values("split").to_numpy())
            row = first.loc[[cell]].iloc[0]
            identity = dict(zip(CELL, cell, strict=True)) | {"parameters": _parameters(row)}
            for target, values in networks.items():
                found = _of_cell(values.to_numpy(), drawn, prices(row, timings.get(cell)))
                at_once = both_accuracy(start.loc[networks.index]).ge(target).mean() >= 0.5
                rows.append(identity | {"target": target, "at_most": at_once} | found)
    return pd.DataFrame(rows, columns=COLUMNS)


def both_accuracy(history: pd.DataFrame) -> pd.Series:
    """The lower of the accuracies on X and on −X."""
    return np.minimum(history["test_accuracy"], history["inverted_accuracy"])


def evaluations_needed(history: pd.DataFrame, target: float) -> pd.Series:
    """Evaluations at which each network first has the target on both test sets, by `COURSE`; inf if it never has.

    history: sorted by network and evaluations. Between two checkpoints the accuracy, the lower of the two, is taken
    as linear in the evaluations; a network that is there at its first checkpoint is given that checkpoint's.
    """
    both = both_accuracy(history)
    network = history.groupby(COURSE, sort=False).ngroup()
    same = network.eq(network.shift())
    before, evaluations = both.shift(), history["evaluations"]
    share = ((target - before) / (both - before)).where(same, 1.0)
    crossing = evaluations.shift().where(same, 0) * (1 - share) + evaluations * share
    there = history[COURSE].assign(needed=crossing)[both >= target].drop_duplicates(COURSE)
    every = pd.MultiIndex.from_frame(history[COURSE].drop_duplicates())
    return there.set_index(COURSE)["needed"].reindex(every, fill_value=np.inf)


def _of_cell(needed: np.ndarray, drawn: np.ndarray, price: dict[str, tuple[float, float]]) -> dict:
    """A cell's share of networks there, and its medians, from the evaluations needed by its networks (N,)."""
    median = statistics.weighted_medians(np.ones((1, len(needed))), needed)[0]
    low, high = statistics.interval(statistics.weighted_medians(drawn, needed))
    ends = np.array([median, low, high])
    ends[np.isinf(ends)] = np.nan
    if np.isinf(median):
        ends[:] = np.nan
    elif len(needed) < 2:
        ends[1:] = np.nan
    found = {"reached": np.isfinite(needed).mean(), "n": len(needed)}
    for name, (once, each) in price.items():
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), once + each * ends, strict=True))
    return found


def prices(row: pd.Series, timing: pd.Series | None) -> dict[str, tuple[float, float]]:
    """What is paid once, and what for each evaluation, in every currency. row: any of the cell's in the history."""
    map_ = feature_flop(row["features"], _pixels(row), int(row["n_train"]))
    price = {"evaluations": (0, 1), "flop": (map_, row["flop"] / row["evaluations"])}
    if timing is not None:
        price["seconds"] = (timing["feature_seconds"], timing["seconds_per_evaluation"])
    return price


def _parameters(row: pd.Series) -> int:
    hidden = tuple(map(int, str(row["hidden_layers"]).split("-")))
    architecture = Architecture(feature_count(row["features"], _pixels(row)), hidden, CLASSES)
    return architecture.parameters(row["network"] == "biased")


def _pixels(row: pd.Series) -> int:
    check_name(row["dataset"])
    return math.prod(SHAPES[row["dataset"]])


def solo_by_cell(solo: pd.DataFrame) -> dict[tuple, pd.Series]:
    """The rows of `solo_timings.csv` by `CELL`. ValueError for a cell timed twice."""
    check_columns(solo, [*CELL, "feature_seconds", "seconds_per_evaluation"], "solo timings")
    again = solo.duplicated(CELL)
    if again.any():
        raise ValueError(f"timed twice: {', '.join(map(str, solo.loc[again, CELL].iloc[0]))}")
    return {tuple(row[CELL]): row for _, row in solo.iterrows()}


def read_targets(texts: list[str]) -> dict[str, list[float]]:
    """["digits=0.7", "digits=0.8"] -> {"digits": [0.7, 0.8]}. ValueError in one line for anything else."""
    targets: dict[str, list[float]] = {}
    for text in texts:
        found = re.fullmatch(r"([^=\s]+)=(0?\.[0-9]+|1(?:\.0*)?)", text)
        if not found or not float(found[2]):
            raise ValueError(f"target: {text!r} is not a dataset and an accuracy above 0 and at most 1, as digits=0.7")
        accuracies = targets.setdefault(found[1], [])
        if float(found[2]) not in accuracies:
            accuracies.append(float(found[2]))
    return targets
