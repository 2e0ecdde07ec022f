"""Images needed for an accuracy, read off the learning curves once more, and the factor against the rival."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import cells, intervals
from symmetry_constrained.audit.cells import MODEL, STUDY
from symmetry_constrained.audit.checks import Check, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import NETWORKS, ORDER

WHAT, TABLE = "images needed, from all runs", "tables/sample_efficiency.csv"
# signs -> the accuracy asked for, and what the rival, which sees pixels, is trained on.
SIGNS = {"both": ("both_accuracy", "augmented"), "random-sign": ("random_sign_accuracy", "random-sign")}
COLUMNS = [*STUDY, "network", "features", "training_set", "hidden_layers", "signs", "target", "images", "low", "high"]
COLUMNS += ["reached", "at_most", "reference", "ratio", "ratio_low", "ratio_high", "ratio_bound", "n"]


def check(results: Results) -> Iterator[Check]:
    where = results.blame(TABLE, NETWORKS, CONFIG)
    yield from guarded(WHAT, where, _check(results, where))


def _check(results: Results, where: str) -> Iterator[Check]:
    found, networks = results.table(TABLE), cells.derived(results.table(NETWORKS))
    rows = []
    for study, group in networks.groupby(STUDY, sort=False):
        for signs, (metric, rival) in SIGNS.items():
            for row in _of_signs(group, metric, rival, signs, results.config["targets"].get(study[1], [])):
                rows.append(dict(zip(STUDY, study, strict=True)) | {"signs": signs} | row)
    expected = pd.DataFrame(rows, columns=COLUMNS)
    keys = [*STUDY, *MODEL, "signs", "target", "reference"]
    yield same_table(WHAT, where, expected, found, keys=keys, rtol=ORDER, source="recomputed")


def _of_signs(rows: pd.DataFrame, metric: str, rival: str, signs: str, targets: list[float]) -> Iterator[dict]:
    """A row per model on several numbers of images, rival and target."""
    every, splits, values, _ = cells.cells(rows, [*MODEL, "images"], metric)
    curves = {}
    for model, places in every.groupby(MODEL, sort=False).groups.items():
        order = np.asarray(places)[np.argsort(every["images"].to_numpy()[places])]
        if len(order) > 1:
            curves[model] = (every["images"].to_numpy(float)[order], values[:, order])
    for model, (images, own) in curves.items():
        named = dict(zip(MODEL, model, strict=True))
        both_rivals = signs == "both" and named["network"] == "bias-free"
        for network in ("biased", "bias-free")[: 2 if both_rivals else 1]:
            against = ("identity", rival, network, named["hidden_layers"])
            for target in targets:
                needed = intervals.needed(images, own, splits, target)
                last = own[np.isfinite(own[:, -1]), -1]
                row = named | {"target": target, "n": int(np.isfinite(own).any(axis=1).sum())}
                row |= {"reached": (last >= target).mean() if len(last) else np.nan, "at_most": _at_once(own, target)}
                ends = np.array([needed[0], max(needed[1], images[0]), needed[2]])
                row |= dict(zip(("images", "low", "high"), np.where(np.isinf(ends), np.nan, ends), strict=True))
                if against in curves:
                    row["reference"] = f"{network} identity/{rival}"
                    other = intervals.needed(curves[against][0], curves[against][1], splits, target)
                    if np.isfinite(needed[0]) and not (row["at_most"] and _at_once(curves[against][1], target)):
                        # A model is itself exactly.
                        ratio = (1.0,) * 3 if model == against else intervals.quotient(other, needed)
                        row |= dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True))
                        bounds = {"at least": row["at_most"], "at most": _at_once(curves[against][1], target)}
                        row["ratio_bound"] = next((name for name, holds in bounds.items() if holds), None)
                yield row


def _at_once(curves: np.ndarray, target: float) -> bool:
    """Whether the mean curve starts at the target or above."""
    first = curves[np.isfinite(curves[:, 0]), 0]
    return bool(len(first) and first.mean() >= target)
