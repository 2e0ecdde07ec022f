"""Images needed for an accuracy, read off the learning curves once more, and the factor against the rival."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import bootstrap
from symmetry_constrained.audit.bootstrap import MODEL, STUDY
from symmetry_constrained.audit.checks import Check, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import NETWORKS, ORDER

WHAT, TABLE = "images needed, from all runs", "tables/sample_efficiency.csv"
# setting -> the accuracy asked for, and what the rival, which sees pixels, is trained on.
SETTINGS = {"both": ("both_accuracy", "augmented"), "random-sign": ("random_sign_accuracy", "random-sign")}
COLUMNS = [*STUDY, "network", "features", "training_set", "hidden_layers", "setting", "target", "images", "low", "high"]
COLUMNS += ["reached", "at_most", "reference", "ratio", "ratio_low", "ratio_high", "ratio_bound", "n"]


def check(results: Results) -> Iterator[Check]:
    where = results.blame(TABLE, NETWORKS, CONFIG)
    yield from guarded(WHAT, where, _check(results, where))


def _check(results: Results, where: str) -> Iterator[Check]:
    found, networks = results.table(TABLE), bootstrap.derived(results.table(NETWORKS))
    rows = []
    for study, group in networks.groupby(STUDY, sort=False):
        for setting, (metric, rival) in SETTINGS.items():
            for row in _of_setting(group, metric, rival, setting, results.config["targets"].get(study[1], [])):
                rows.append(dict(zip(STUDY, study, strict=True)) | {"setting": setting} | row)
    expected = pd.DataFrame(rows, columns=COLUMNS)
    keys = [*STUDY, *MODEL, "setting", "target", "reference"]
    yield same_table(WHAT, where, expected, found, keys=keys, rtol=ORDER, source="recomputed")


def _of_setting(rows: pd.DataFrame, metric: str, rival: str, setting: str, targets: list[float]) -> Iterator[dict]:
    """A row per model on several numbers of images, rival and target."""
    cells, splits, values, _ = bootstrap.cells(rows, [*MODEL, "images"], metric)
    weights = np.concatenate([np.ones((1, len(splits))), bootstrap.draws(splits)])
    curves = {}
    for model, places in cells.groupby(MODEL, sort=False).groups.items():
        order = np.asarray(places)[np.argsort(cells["images"].to_numpy()[places])]
        if len(order) > 1:
            seen = np.isfinite(values[:, order]).any(axis=1).sum()
            curves[model] = (cells["images"].to_numpy()[order], bootstrap.means(weights, values[:, order]), seen)
    for model, (images, drawn, n) in curves.items():
        named = dict(zip(MODEL, model, strict=True))
        both_rivals = setting == "both" and named["network"] == "bias-free"
        for network in ("biased", "bias-free")[: 2 if both_rivals else 1]:
            other = curves.get(("identity", rival, network, named["hidden_layers"]))
            for target in targets:
                needed = crossing(images, drawn, target)
                row = named | {"target": target, "n": n, "reached": np.isfinite(needed[1:]).mean()}
                row["at_most"] = bool(drawn[0, 0] >= target)
                ends = np.array([needed[0], *bootstrap.interval(needed[1:])])
                row |= dict(zip(("images", "low", "high"), np.where(np.isinf(ends), np.nan, ends), strict=True))
                if other is not None:
                    row["reference"] = f"{network} identity/{rival}"
                    row |= _ratio(row, needed, other, target)
                yield row


def _ratio(row: dict, needed: np.ndarray, other: tuple, target: float) -> dict:
    """The rival's images over the model's, where the two say something."""
    images, drawn, _ = other
    rival, rival_at_most = crossing(images, drawn, target), bool(drawn[0, 0] >= target)
    if np.isinf(needed[0]) or (row["at_most"] and rival_at_most):
        return {}
    ratio = rival / needed  # inf: the model alone; 0: the rival alone; nan: neither
    low, high = bootstrap.interval(ratio[1:])
    bound = "at least" if row["at_most"] else "at most" if rival_at_most else None
    return {"ratio": ratio[0], "ratio_low": low, "ratio_high": high, "ratio_bound": bound}


def crossing(images: np.ndarray, curves: np.ndarray, target: float) -> np.ndarray:
    """Images (B,) at which curves (B, F) first reach the target, linear in log(images); inf: never."""
    found = np.full(len(curves), np.inf)
    for point in range(len(images) - 1, -1, -1):
        there = curves[:, point] >= target
        at = np.full(len(curves), float(images[point]))
        if point:
            before = curves[:, point - 1]
            share = (target - before) / (curves[:, point] - before)
            between = np.exp((1 - share) * np.log(images[point - 1]) + share * np.log(images[point]))
            at = np.where(np.isfinite(before) & (share < 1), between, at)
        found = np.where(there, at, found)
    return found
