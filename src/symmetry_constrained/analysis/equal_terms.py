"""Invariant features against training on ±X, at equal iterations, evaluations, FLOP or seconds, or to the budget's end.

The paper compares the two after equal iterations, when a network on ±X has processed twice the samples and is further
from convergence (C8). A network's accuracy, the mean (R + R̄) / 2 of those on X and −X, is read off its history: the
lower of the two would be unfair to ±X, whose R and R̄ differ by chance, while those of invariant features are equal.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.analysis.columns import STUDY, check_columns
from symmetry_constrained.analysis.cost_to_target import HISTORY_KEYS, PRICE_KEYS, prices, solo_by_cell

RIVAL = ("identity", "augmented")
SHARED = [*STUDY, "network", "hidden_layers"]
RIVAL_KEYS = [*SHARED, "split", "seed"]  # what a network and its rival have in common
COLUMNS = [*SHARED, "features", "training_set", "terms", "split", "seed", "accuracy", "rival_accuracy"]


def equal_terms(history: pd.DataFrame, solo: pd.DataFrame, iterations: int = paper.BUDGET) -> pd.DataFrame:
    """`history.csv` rows at fraction 1 -> a row per network on invariant features and its rival of the same seed.

    terms: with `iterations`, both are read at the last checkpoint up to `iterations`; with `evaluations`, `FLOP` and
    `seconds`, the model is read where it has cost as much as the rival had at that checkpoint (interpolated linearly in
    the evaluations between two checkpoints, and at most at the end of its own budget); with `whole budget`, both are
    read at their ends. rival_accuracy: that of identity on ±X. `seconds` is left out unless the model and the rival
    both have a row in solo, `solo_timings.csv`. ValueError naming a column that is missing.
    """
    needed = [*HISTORY_KEYS, "fraction", "iterations", "evaluations", "test_accuracy", "inverted_accuracy", "flop"]
    check_columns(history, needed, "history")
    history = history[history["fraction"] == 1].sort_values([*HISTORY_KEYS, "evaluations"], kind="stable")
    timings = solo_by_cell(solo)
    is_rival = (history["features"] == RIVAL[0]) & (history["training_set"] == RIVAL[1])
    rivals = dict(list(history[is_rival].groupby(RIVAL_KEYS, sort=False)))
    out = []
    for _, rows in history[history["features"] != RIVAL[0]].groupby(HISTORY_KEYS, sort=False):
        network = rows.iloc[0]
        rival_rows = rivals.get(tuple(network[RIVAL_KEYS]))
        if rival_rows is None:
            continue
        identity = network[[*RIVAL_KEYS, "features", "training_set"]].to_dict()
        for terms, accuracy, against in _on_terms(rows, rival_rows, timings, iterations):
            out.append(identity | {"terms": terms, "accuracy": accuracy, "rival_accuracy": against})
    return pd.DataFrame(out, columns=COLUMNS)


def _on_terms(
    rows: pd.DataFrame, rival_rows: pd.DataFrame, timings: dict[tuple, pd.Series], iterations: int
) -> Iterator[tuple[str, float, float]]:
    """(terms, accuracy, accuracy of the rival) for one pair of networks."""
    own, other = rows[rows["iterations"] <= iterations], rival_rows[rival_rows["iterations"] <= iterations]
    if len(own) and len(other):
        against, evaluations = float(mean_accuracy(other).iloc[-1]), float(other["evaluations"].iloc[-1])
        yield "iterations", float(mean_accuracy(own).iloc[-1]), against
        yield "evaluations", accuracy_at(rows, evaluations), against
        first = (rows.iloc[0], rival_rows.iloc[0])
        mine, theirs = (prices(row, timings.get(tuple(row[PRICE_KEYS]))) for row in first)
        for terms, name in (("FLOP", "flop"), ("seconds", "seconds")):
            if name in mine and name in theirs:
                once, each = theirs[name]
                cost = once + each * evaluations
                yield terms, accuracy_at(rows, (cost - mine[name][0]) / mine[name][1]), against
    yield "whole budget", float(mean_accuracy(rows).iloc[-1]), float(mean_accuracy(rival_rows).iloc[-1])


def mean_accuracy(history: pd.DataFrame) -> pd.Series:
    """(R + R̄) / 2, the accuracy expected on test images of random sign."""
    return (history["test_accuracy"] + history["inverted_accuracy"]) / 2


def accuracy_at(rows: pd.DataFrame, evaluations: float) -> float:
    """The mean of the two accuracies after so many evaluations, linear between checkpoints, held at both ends."""
    return float(np.interp(evaluations, rows["evaluations"], mean_accuracy(rows)))
