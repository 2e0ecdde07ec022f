"""Invariant features against training on ±X, at equal iterations, evaluations, FLOP or seconds, or to the budget's end.

The paper compares the two after equal iterations, when a network on ±X has processed twice the samples and is further
from convergence (C8). A network's accuracy, the mean (R + R̄) / 2 of those on X and −X, is read off its history: the
lower of the two would be unfair to ±X, whose R and R̄ differ by chance, while those of invariant features are equal.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.analysis.columns import STUDY, at_largest_fraction, check_columns
from symmetry_constrained.analysis.cost_to_target import HISTORY_KEYS, PRICE_KEYS, prices, solo_by_cell

COURSE = ["iterations", "evaluations", "mean"]
RIVAL = ("identity", "augmented")
SHARED = [*STUDY, "network", "hidden_layers"]
RIVAL_KEYS = [*SHARED, "split", "seed"]  # what a network and its rival have in common
COLUMNS = [*SHARED, "features", "training_set", "terms", "split", "seed", "accuracy", "rival_accuracy"]


def equal_terms(history: pd.DataFrame, solo: pd.DataFrame, iterations: int = paper.BUDGET) -> pd.DataFrame:
    """`history.csv` -> a row per network on invariant features and its rival of the same seed, at the largest fraction.

    terms: with `iterations`, both are read at the last checkpoint up to `iterations`; with `evaluations`, `FLOP` and
    `seconds`, the model is read where it has cost as much as the rival had at that checkpoint (interpolated linearly in
    the evaluations between two checkpoints, and at most at the end of its own budget); with `whole budget`, both are
    read at their ends. rival_accuracy: that of identity on ±X. `seconds` is left out unless the model and the rival
    both have a row in solo, `solo_timings.csv`. ValueError naming a column that is missing.
    """
    needed = [*HISTORY_KEYS, "fraction", "iterations", "evaluations", "test_accuracy", "inverted_accuracy", "flop"]
    check_columns(history, needed, "history")
    history = at_largest_fraction(history).sort_values([*HISTORY_KEYS, "evaluations"], kind="stable")
    history = history.assign(mean=mean_accuracy(history))
    timings = solo_by_cell(solo)
    paid = {cell: prices(rows.iloc[0], timings.get(cell)) for cell, rows in history.groupby(PRICE_KEYS, sort=False)}
    courses = {
        network: rows[COURSE].to_numpy(dtype=np.float64) for network, rows in history.groupby(HISTORY_KEYS, sort=False)
    }
    named = {network: dict(zip(HISTORY_KEYS, network, strict=True)) for network in courses}
    rivals = {
        tuple(names[key] for key in RIVAL_KEYS): network
        for network, names in named.items()
        if (names["features"], names["training_set"]) == RIVAL
    }
    out = []
    for network, names in named.items():
        rival = rivals.get(tuple(names[key] for key in RIVAL_KEYS))
        if names["features"] == RIVAL[0] or rival is None:
            continue
        identity = {key: names[key] for key in (*RIVAL_KEYS, "features", "training_set")}
        mine, theirs = (paid[one[: len(PRICE_KEYS)]] for one in (network, rival))
        for terms, accuracy, against in _on_terms(courses[network], courses[rival], mine, theirs, iterations):
            out.append(identity | {"terms": terms, "accuracy": accuracy, "rival_accuracy": against})
    return pd.DataFrame(out, columns=COLUMNS)


def _on_terms(
    own: np.ndarray, other: np.ndarray, mine: dict, theirs: dict, iterations: int
) -> Iterator[tuple[str, float, float]]:
    """(terms, accuracy, accuracy of the rival) for a pair of networks: their courses (C, 3), and prices by currency."""
    early, early_other = own[own[:, 0] <= iterations], other[other[:, 0] <= iterations]
    if len(early) and len(early_other):
        _, evaluations, against = early_other[-1].tolist()
        yield "iterations", float(early[-1, 2]), against
        yield "evaluations", accuracy_at(own, evaluations), against
        for terms, name in (("FLOP", "flop"), ("seconds", "seconds")):
            if name in mine and name in theirs:
                once, each = theirs[name]
                cost = once + each * evaluations
                yield terms, accuracy_at(own, (cost - mine[name][0]) / mine[name][1]), against
    yield "whole budget", float(own[-1, 2]), float(other[-1, 2])


def mean_accuracy(history: pd.DataFrame) -> pd.Series:
    """(R + R̄) / 2, the accuracy expected on test images of random sign."""
    return (history["test_accuracy"] + history["inverted_accuracy"]) / 2


def accuracy_at(course: np.ndarray, evaluations: float) -> float:
    """The accuracy of a course (C, 3) after so many evaluations, linear between checkpoints, held at both ends."""
    return float(np.interp(evaluations, course[:, 1], course[:, 2]))
