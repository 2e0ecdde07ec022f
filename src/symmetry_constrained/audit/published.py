"""The published numbers once more: the place of each among its draws, and both verdicts."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import specs
from symmetry_constrained.audit.checks import Check, equal, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import NETWORKS, ORDER

RERUN, PLACED = "reruns agree with themselves", "published numbers, from reruns and all runs"
TABLE = "tables/published_numbers.csv"
CELL = ["dataset", "network", "features", "training_set"]
NEEDED = 200  # perturbed networks before a number is called not reproduced


def check(results: Results) -> Iterator[Check]:
    yield from guarded(RERUN, CONFIG, _check_reruns(results))
    yield from guarded(PLACED, results.blame(TABLE, NETWORKS, CONFIG), _check_numbers(results))


def _check_reruns(results: Results) -> Iterator[Check]:
    for id_, rerun in specs.reruns(results).items():
        yield from guarded(RERUN, f"reruns/{id_}/reruns.csv", _check_rerun(results, f"reruns/{id_}", rerun))


def _check_rerun(results: Results, folder: str, rerun: dict) -> Iterator[Check]:
    """Their weights are not kept, so they are not redone: who ran what, whole numbers of images, efforts that agree."""
    again, perturbed = results.table(f"{folder}/reruns.csv"), results.table(f"{folder}/perturbed.csv")
    spec, where = rerun["spec"], results.blame(f"{folder}/reruns.csv", CONFIG)
    expected = [
        (solver, budget)
        for budget in spec["budgets"]
        for solver in ("scikit-learn", "ours")
        if solver in spec["solvers"]
    ]
    yield equal(RERUN, where, expected, list(zip(again["solver"], again["budget"], strict=True)))
    rows = results.table(f"{specs.split_folder(rerun)}/rows.csv")
    tested = int((rows["set"] == "test").sum())
    for name, table in (("reruns", again), ("perturbed", perturbed)):
        right = table[["original", "inverted"]].to_numpy(dtype=float) * tested
        whole = bool(
            np.isclose(right, right.round(), rtol=0, atol=1e-6).all() and ((right >= 0) & (right <= tested)).all()
        )
        agree = whole and bool((table["iterations"] <= table["evaluations"]).all())
        text = "so" if agree else "not so"
        yield Check(
            RERUN, f"{folder}/{name}.csv", f"shares of {tested:,} images, iterations within evaluations", text, agree
        )
    where = results.blame(f"{folder}/perturbed.csv", CONFIG)
    runs = perturbed["run"].tolist()
    yield equal(RERUN, where, "runs 0 to N-1", "runs 0 to N-1" if runs == list(range(len(runs))) else runs)
    limit = spec["perturbed_networks"]
    yield Check(RERUN, where, f"{limit} perturbed networks at most", f"{len(runs)}", len(runs) <= limit)


def _numbers(results: Results) -> pd.DataFrame:
    numbers = results.table(results.locate(specs.PUBLISHED))
    return numbers[numbers["id"].isin(specs.reruns(results))]


def draws(results: Results, key: str, number: pd.Series) -> np.ndarray:
    """The accuracies that a number is placed among: its cell's in the studies, all images, the paper's layers.

    key: `study`, for the studies with the leak, or `clean_study`.
    """
    networks, studies = results.table(NETWORKS), [placed[key] for placed in results.placed.values()]
    keep = networks["study"].isin(studies) & (networks["fraction"] == 1)
    keep &= (networks["hidden_layers"] == "10-5") & (networks["status"] != "non_finite")
    for name in CELL:
        keep &= networks[name] == number[name]
    return networks.loc[keep, "inverted_accuracy" if number["test_set"] == "inverted" else "test_accuracy"].to_numpy()


def _check_numbers(results: Results) -> Iterator[Check]:
    found, numbers = results.table(TABLE), _numbers(results)
    rows, files = [], []
    for _, number in numbers.iterrows():
        folder = f"reruns/{number['id']}"
        paths = [f"{folder}/reruns.csv", f"{folder}/perturbed.csv"]
        files += paths
        again, perturbed = (results.table(path) for path in paths)
        side = "inverted" if number["test_set"] == "inverted" else "original"
        row = {name: number[name] for name in ("id", "table", *CELL, "test_set", "published")}
        for budget, end in (("evaluations", ""), ("iterations", "_iterations")):
            for solver, name in (("scikit-learn", "scikit_learn"), ("ours", "ours")):
                value = again.loc[(again["solver"] == solver) & (again["budget"] == budget), side]
                row[f"rerun_{name}{end}"] = value.iloc[0] if len(value) else np.nan
        row |= {"perturbed_low": perturbed[side].min(), "perturbed_high": perturbed[side].max()}
        row["perturbed_n"] = len(perturbed)
        row |= place(float(number["published"]), draws(results, "study", number), int(number["decimals"]))
        row["same_seed"] = same_seed(number, again[again["budget"] == "evaluations"], perturbed, side)
        row["typicality"] = typicality(row)
        rows.append(row)
    expected = pd.DataFrame(rows)
    expected["p_holm"] = holm(expected["p"].to_numpy())
    expected = expected[[name for name in found if name in expected]] if set(expected) == set(found) else expected
    where = results.blame(TABLE, NETWORKS, CONFIG, results.locate(specs.PUBLISHED), *files)
    keys = ["id", "table", "test_set", "published"]
    yield same_table(PLACED, where, expected, found, keys=keys, rtol=ORDER, source="recomputed")


def place(value: float, draws: np.ndarray, decimals: int) -> dict:
    """Median and central 95 % of the draws (n,), and the value's rank among them, all rounded as it was published."""
    ordered = np.sort(draws)
    rounded, value = np.round(draws, decimals), round(value, decimals)
    equal_ = np.abs(rounded - value) <= 1e-12
    below, above = (
        ((rounded < value) & ~equal_).sum() + equal_.sum() / 2,
        ((rounded > value) & ~equal_).sum() + equal_.sum() / 2,
    )
    found = {"n": len(draws), "percentile": 100 * below / len(draws)}
    for name, share in (("median", 0.5), ("low", 0.025), ("high", 0.975)):
        position = share * (len(draws) - 1)
        at = int(position)
        upper = ordered[min(at + 1, len(draws) - 1)]
        found[name] = ordered[at] + (position - at) * (upper - ordered[at])
    found["p"] = min(1.0, 2 * (1 + min(below, above)) / (len(draws) + 1))
    return found


def typicality(row: dict) -> str:
    if row["n"] < 39:
        return "too few draws"
    if row["p"] > 0.05:
        return "typical"
    return "lucky" if row["percentile"] > 50 else "unlucky"


def same_seed(number: pd.Series, again: pd.DataFrame, perturbed: pd.DataFrame, side: str) -> str:
    """What the same seeds give: the number to its decimals, a range that holds it, or neither."""
    half, published = 0.5 * 10.0 ** -int(number["decimals"]) + 1e-12, number["published"]
    theirs = again.loc[again["solver"] == "scikit-learn", side]
    if len(theirs) and (np.abs(theirs - published) <= half).all():
        return "exact"
    values = [*again[side], *perturbed[side]]
    if min(values) - half <= published <= max(values) + half:
        return "within numerical chaos"
    return "not reproduced" if len(perturbed) >= NEEDED else "not judged"


def holm(p: np.ndarray) -> np.ndarray:
    """Each p-value (m,) times the number of those not below it, never falling from small to large, at most 1."""
    found, largest = np.empty(len(p)), 0.0
    for done, index in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, p[index] * (len(p) - done))
        found[index] = min(largest, 1.0)
    return found
