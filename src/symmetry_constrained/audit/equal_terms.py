"""Invariance against training on ±X on equal terms, once more from the history of all runs."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit.bootstrap import STUDY
from symmetry_constrained.audit.checks import Check, guarded, same_table
from symmetry_constrained.audit.costs import CELL, SOLO, both, prices
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import HISTORY, ORDER

WHAT, TABLE = "equal terms, from the history", "tables/equal_terms.csv"
SHARED = [*STUDY, "network", "hidden_layers"]
KEYS = [*SHARED, "features", "training_set", "terms", "split", "seed"]
ITERATIONS = 200  # the paper's


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        where = results.blame(TABLE, HISTORY, SOLO, CONFIG)
        yield from guarded(WHAT, where, _check(results, where))


def _check(results: Results, where: str) -> Iterator[Check]:
    found, history = results.table(TABLE), results.table(HISTORY)
    history = history[(history["fraction"] == 1) & (history["study"] == results.config["figures"]["budget"])]
    paid = {cell: prices(results, rows) for cell, rows in history.groupby(CELL)}
    rows = []
    for shared, networks in history.sort_values("evaluations", kind="stable").groupby([*SHARED, "split", "seed"]):
        courses = {cell: course for cell, course in networks.groupby(CELL)}
        rivals = [cell for cell, course in courses.items() if _model(course) == ("identity", "augmented")]
        for cell, course in courses.items():
            if rivals and _model(course)[0] != "identity":
                features, training_set = _model(course)
                identity = dict(zip([*SHARED, "split", "seed"], shared, strict=True))
                identity |= {"features": features, "training_set": training_set}
                rival, limit = courses[rivals[0]], history["iterations"].max()
                done = max(course["iterations"].max(), rival["iterations"].max()) < limit
                for terms, accuracy, against in _on_terms(course, rival, paid[cell], paid[rivals[0]]):
                    row = {"terms": terms, "accuracy": accuracy, "rival_accuracy": against, "converged": done}
                    rows.append(identity | row)
    due = pd.DataFrame(rows, columns=[*KEYS, "accuracy", "rival_accuracy", "converged"])
    yield same_table(WHAT, where, due, found, keys=KEYS, rtol=ORDER, source="recomputed")


def _model(course: pd.DataFrame) -> tuple[str, str]:
    return course["features"].iloc[0], course["training_set"].iloc[0]


def _on_terms(own: pd.DataFrame, rival: pd.DataFrame, price: dict, other: dict) -> Iterator[tuple[str, float, float]]:
    """Terms, accuracy, and the rival's: after equal iterations, evaluations, FLOP, seconds, and at their ends."""
    early, rival_early = (course[course["iterations"] <= ITERATIONS] for course in (own, rival))
    if len(early) and len(rival_early):
        against, spent = both(rival_early)[-1], rival_early["evaluations"].iloc[-1]
        yield "iterations", both(early)[-1], against
        for terms, name in (("evaluations", "evaluations"), ("FLOP", "flop"), ("seconds", "seconds")):
            if name in price and name in other:
                cost = other[name][0] + other[name][1] * spent
                affordable = (cost - price[name][0]) / price[name][1]
                yield terms, np.interp(affordable, own["evaluations"], both(own)), against
    yield "whole budget", both(own)[-1], both(rival)[-1]
