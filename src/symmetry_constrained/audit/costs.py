"""Cost to target and equal terms, recomputed from the history of all runs; checks of single networks' timings."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import cells, data, efforts, forward, inputs, intervals, specs
from symmetry_constrained.audit.cells import STUDY
from symmetry_constrained.audit.checks import Check, guarded, line, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import HISTORY, ORDER

WHAT, TABLE = "cost to target, from the history", "tables/cost_to_target.csv"
ALONE, SOLO = "networks timed alone", "tables/solo_timings.csv"
EQUAL, TERMS = "equal terms, from the history", "tables/equal_terms.csv"
CELL = [*STUDY, "network", "features", "training_set", "hidden_layers", "n_train"]
ITERATIONS = 200  # the paper's
SHARED = [*STUDY, "network", "hidden_layers"]
TERMS_KEYS = [*SHARED, "features", "training_set", "terms", "split", "seed"]
CURRENCIES = ("evaluations", "flop", "seconds")
COLUMNS = [*CELL, "parameters", "target", "reached", "at_most"]
COLUMNS += [f"{name}{end}" for name in CURRENCIES for end in ("", "_low", "_high")] + ["n"]


def check(results: Results) -> Iterator[Check]:
    where = results.blame(TABLE, HISTORY, SOLO, CONFIG)
    yield from guarded(WHAT, where, _check(results, where))
    where = results.blame(SOLO, CONFIG)
    yield from guarded(ALONE, where, _check_solo(results, where))
    if results.belongs(TERMS):
        where = results.blame(TERMS, HISTORY, SOLO, CONFIG)
        yield from guarded(EQUAL, where, _check_equal_terms(results, where))


def _check(results: Results, where: str) -> Iterator[Check]:
    found, history = results.table(TABLE), results.table(HISTORY)
    rows = []
    for cell, group in cells.largest(history).groupby(CELL):
        identity = dict(zip(CELL, cell, strict=True))
        for target in results.config["targets"].get(identity["dataset"], []):
            rows.append(identity | {"target": target} | _of_cell(results, group, target))
    expected = pd.DataFrame(rows, columns=COLUMNS)
    yield same_table(WHAT, where, expected, found, keys=[*CELL, "target"], rtol=ORDER, source="recomputed")


def _of_cell(results: Results, rows: pd.DataFrame, target: float) -> dict:
    efforts = needed(rows, target)
    ends = np.array(intervals.median(efforts.to_numpy(), efforts.index.get_level_values("split").to_numpy()))
    ends[np.isinf(ends) | np.isinf(ends[0])] = np.nan
    shapes, biased = _shapes(rows), rows["network"].iloc[0] == "biased"
    starts = rows.sort_values("evaluations", kind="stable").groupby(["split", "seed"]).head(1)
    found = {
        "parameters": sum(fan_in * out + biased * out for fan_in, out in shapes),
        "reached": np.isfinite(efforts).mean(),
        "at_most": bool((both(starts) >= target).mean() >= 0.5),
        "n": len(efforts),
    }
    for name, (once, each) in prices(results, rows).items():
        found |= {f"{name}{end}": once + each * value for end, value in zip(("", "_low", "_high"), ends, strict=True)}
    return found


def both(rows: pd.DataFrame) -> np.ndarray:
    """The lower of the accuracies on X and −X."""
    return np.minimum(rows["test_accuracy"], rows["inverted_accuracy"]).to_numpy()


def on_random_signs(rows: pd.DataFrame) -> np.ndarray:
    """The accuracy expected where each test image is negated with probability a half."""
    return rows[["test_accuracy", "inverted_accuracy"]].mean(axis=1).to_numpy()


def needed(rows: pd.DataFrame, target: float) -> pd.Series:
    """By split and seed, the evaluations at which a cell's networks first reach the target; inf: never."""
    histories = rows.sort_values("evaluations", kind="stable").groupby(["split", "seed"])
    return pd.Series(
        {pair: _first(both(history), history["evaluations"].to_numpy(float), target) for pair, history in histories}
    ).rename_axis(["split", "seed"])


def prices(results: Results, rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """By currency, a cell's cost of the feature map and of each evaluation. rows: its rows of the history."""
    row = rows.iloc[0]
    map_ = inputs.map_of(row["features"]).operations * _width(row) * row["n_train"]
    found = {"evaluations": (0, 1), "flop": (map_, row["flop"] / row["evaluations"])}
    solo = results.table(SOLO)
    timing = solo[(solo[CELL] == row[CELL]).all(axis=1)]
    if len(timing):
        found["seconds"] = tuple(timing.iloc[0][["feature_seconds", "seconds_per_evaluation"]])
    return found


def _width(row: pd.Series) -> int:
    """How many features an image has in a row's cell."""
    return inputs.width(row["features"], math.prod(data.known(row["dataset"])["shape"]))


def _shapes(rows: pd.DataFrame) -> list[tuple[int, int]]:
    """(fan_in, fan_out) of a cell's layers."""
    row = rows.iloc[0]
    return forward.sizes(_width(row), specs.hidden(row["hidden_layers"]))


def _first(both: np.ndarray, effort: np.ndarray, target: float) -> float:
    """Evaluations at which a history first reaches the target, linear between its rows; inf: never."""
    there = np.flatnonzero(both >= target)
    if not len(there):
        return np.inf
    at = there[0]
    if at == 0:
        return effort[0]
    share = (target - both[at - 1]) / (both[at] - both[at - 1])
    return effort[at - 1] + share * (effort[at] - effort[at - 1])


def _check_solo(results: Results, where: str) -> Iterator[Check]:
    """Which networks were timed, on how many samples, and that the numbers agree: not the seconds themselves."""
    solo, config = results.table(SOLO), results.config
    drawn = [name for name in config["figures"]["curves"] if 1 in config["studies"][name]["fractions"]]
    models: dict[str, dict] = {}
    for folder, spec in specs.of_run(results).items():
        if spec["study"] in (*drawn, config["figures"]["budget"]):
            models.setdefault(folder.rpartition("/")[0], spec)
    expected = pd.DataFrame(
        [
            {key: spec[key] for key in (*STUDY, "features", "training_set")}
            | {"network": network, "hidden_layers": specs.hyphens(spec["hidden_layers"])}
            | {"n_train": _samples(results, spec), "repeats": config["solo"]["repeats"]}
            for spec in models.values()
            for network in spec["networks"]
        ]
    )
    yield same_table(ALONE, where, expected, solo[list(expected)], keys=CELL, source="the configuration's models")
    middle, low, high = (solo[f"seconds_per_evaluation{end}"] for end in ("", "_low", "_high"))
    ordered = (low <= middle) & (middle <= high) & (low > 0) & (solo["feature_seconds"] >= 0)
    ok = bool(ordered.all())
    yield Check(ALONE, where, "0 < least <= median <= most", "so" if ok else f"line {line(~ordered)}", ok)
    limit = config["solo"]["max_evaluations"]
    # A training may end before its budget, but not beyond the line searches of one iteration.
    within = (solo["evaluations"] >= 1) & (solo["evaluations"] <= limit + efforts.SEARCHES)
    yield Check(
        ALONE, where, f"about {limit} evaluations at most", "so" if within.all() else "not so", bool(within.all())
    )
    of_card = solo[["peak_gpu_memory_mb", "energy_joules_per_evaluation"]].notna().any(axis=1)
    odd = (solo["device"] != config["device"]) | of_card & (config["device"] == "cpu")
    found = f"line {line(odd)}: {solo['device'][odd].iloc[0]}, or measures of a card" if odd.any() else "so"
    yield Check(ALONE, where, f"timed on {config['device']}", found, not odd.any())


def _samples(results: Results, spec: dict) -> int:
    """Training samples of a spec with all its images."""
    rows = results.table(f"{specs.split_folder(spec)}/rows.csv")
    return int((rows["set"] == "train").sum()) * (2 if spec["training_set"] == "augmented" else 1)


def _check_equal_terms(results: Results, where: str) -> Iterator[Check]:
    """Invariant features against training on ±X, network by network."""
    found, history = results.table(TERMS), results.table(HISTORY)
    studies = {setting["study"] for setting in results.config["settings"].values()}
    history = cells.largest(history[history["study"].isin(studies)])
    paid = {cell: prices(results, rows) for cell, rows in history.groupby(CELL)}
    rows = []
    for shared, networks in history.sort_values("evaluations", kind="stable").groupby([*SHARED, "split", "seed"]):
        histories = dict(list(networks.groupby(CELL)))
        rivals = [cell for cell, own in histories.items() if _model(own) == ("identity", "augmented")]
        for cell, own in histories.items():
            if rivals and _model(own)[0] != "identity":
                features, training_set = _model(own)
                identity = dict(zip([*SHARED, "split", "seed"], shared, strict=True))
                identity |= {"features": features, "training_set": training_set}
                rival = histories[rivals[0]]
                for terms, accuracy, against in _on_terms(own, rival, paid[cell], paid[rivals[0]]):
                    row = {"terms": terms, "accuracy": accuracy, "rival_accuracy": against}
                    rows.append(identity | row)
    expected = pd.DataFrame(rows, columns=[*TERMS_KEYS, "accuracy", "rival_accuracy"])
    yield same_table(EQUAL, where, expected, found, keys=TERMS_KEYS, rtol=ORDER, source="recomputed")


def _model(history: pd.DataFrame) -> tuple[str, str]:
    return history["features"].iloc[0], history["training_set"].iloc[0]


def _on_terms(own: pd.DataFrame, rival: pd.DataFrame, price: dict, other: dict) -> Iterator[tuple[str, float, float]]:
    """Terms, accuracy, and the rival's: after equal iterations, evaluations, FLOP, seconds, and at their ends."""
    early, rival_early = (history[history["iterations"] <= ITERATIONS] for history in (own, rival))
    if len(early) and len(rival_early):
        against, evaluations = on_random_signs(rival_early)[-1], rival_early["evaluations"].iloc[-1]
        yield "iterations", on_random_signs(early)[-1], against
        for terms, name in (("evaluations", "evaluations"), ("FLOP", "flop"), ("seconds", "seconds")):
            if name in price and name in other:
                cost = other[name][0] + other[name][1] * evaluations
                affordable = (cost - price[name][0]) / price[name][1]
                yield terms, np.interp(affordable, own["evaluations"], on_random_signs(own)), against
    yield "whole budget", on_random_signs(own)[-1], on_random_signs(rival)[-1]
