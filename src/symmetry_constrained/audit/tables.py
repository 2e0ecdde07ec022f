"""The tables of all runs, from the batches: every row in one, each cell's mean and interval, the bound by cell."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import cells, forward, specs, splits
from symmetry_constrained.audit.cells import MODEL, STUDY
from symmetry_constrained.audit.checks import Check, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results

GATHERED, MEANS, LARGEST = "all runs from the batches", "summary from all runs", "bound by cell from the predictions"
NETWORKS, HISTORY, SUMMARY, BOUND = (f"tables/{name}.csv" for name in ("networks", "history", "summary", "bound"))
INVARIANTS = "theory/invariants.csv"
EMULATED, EMULATED_ON = "theory/emulated_bias.csv", [f"theory/emulated_bias/{name}.csv" for name in ("digits", "mnist")]
CELL = [*MODEL, "fraction", "n_train", "images"]
METRICS = ["train_accuracy", "test_accuracy", "inverted_accuracy", "both_accuracy", "random_sign_accuracy"]
METRICS += ["generalisation_gap", "symmetry_gap", "train_loss", "test_loss", "inverted_loss"]
METRICS += ["iterations", "evaluations", "flop"]
# Sums in another order; of an interval's ends too, which are draws.
ORDER = 1e-9


def check(results: Results) -> Iterator[Check]:
    of_theory = [path for path in (EMULATED, INVARIANTS) if results.belongs(path)]
    for path in (NETWORKS, HISTORY, *of_theory):
        yield from guarded(GATHERED, results.blame(path, CONFIG), _check_gathered(results, path))
    where = results.blame(SUMMARY, NETWORKS)
    yield from guarded(MEANS, where, _check_summary(results, where))
    names = ("predictions.safetensors", "networks.csv")
    files = [f"{folder}/{name}" for folder in specs.of_run(results) for name in names]
    files += [specs.split_files(spec)[2] for spec in specs.of_run(results).values()]
    where = results.blame(BOUND, CONFIG, *files)
    yield from guarded(LARGEST, where, _check_bound(results, where))


def _check_gathered(results: Results, path: str) -> Iterator[Check]:
    name = path.rpartition("/")[2]
    files = [f"{folder}/{name}" for folder in specs.of_run(results)]
    if path == EMULATED:
        files = [file for file in EMULATED_ON if results.belongs(file)]
    if path == INVARIANTS:
        files = [
            f"theory/invariants/split-{split}/invariants.csv" for split in range(results.config["theory"]["splits"])
        ]
    expected = pd.concat([results.table(file) for file in files], ignore_index=True)
    where = results.blame(path, CONFIG, *files)
    yield same_table(GATHERED, where, expected, results.table(path), rtol=1e-14, source=f"{len(files)} tables")


def _check_summary(results: Results, where: str) -> Iterator[Check]:
    found, networks = results.table(SUMMARY), cells.derived(results.table(NETWORKS))
    parts = []
    for study, rows in networks.groupby(STUDY, sort=False):
        table = pd.concat([cells.summary(rows, CELL, metric) for metric in METRICS])
        parts.append(table.assign(**dict(zip(STUDY, study, strict=True))))
    expected = pd.concat(parts, ignore_index=True)[[*STUDY, *CELL, "metric", "mean", "low", "high", "n", "failed"]]
    keys = [*STUDY, *CELL, "metric"]
    yield same_table(MEANS, where, expected, found, keys=keys, rtol=ORDER, atol=1e-12, source="recomputed")


def _check_bound(results: Results, where: str) -> Iterator[Check]:
    keys = [*STUDY, "features", "training_set", "network"]
    parts = []
    for folder, spec in specs.of_run(results).items():
        rows = splits.read(results, specs.split_folder(spec))[0]
        labels = rows.loc[rows["set"] == "test", "label"].to_numpy()
        predictions = results.tensors(f"{folder}/predictions.safetensors")
        networks = results.table(f"{folder}/networks.csv")
        for fraction, table in networks.groupby("fraction", sort=False):
            right = {
                name: predictions[f"{fraction:g}/{name}"] == labels for name in ("original", "inverted", "negated")
            }
            parts.append(
                table[keys].assign(
                    odd=forward.may_be_odd(spec) & (table["network"] == "bias-free"),
                    largest_sum_inverted=right["original"].mean(1) + right["inverted"].mean(1),
                    largest_sum_negated=right["original"].mean(1) + right["negated"].mean(1),
                    right_both_ways=(right["original"] & right["negated"]).sum(1),
                )
            )
    every = pd.concat(parts)
    every["violations"] = every["odd"] & ((every["largest_sum_negated"] > 1) | (every["right_both_ways"] > 0))
    cells = every.groupby(keys, sort=False)
    expected = pd.DataFrame(
        {
            "function": cells["odd"].all().map({True: "odd", False: "not odd"}),
            "networks": cells.size(),
            "largest_sum_inverted": cells["largest_sum_inverted"].max(),
            "largest_sum_negated": cells["largest_sum_negated"].max(),
            "right_both_ways": cells["right_both_ways"].sum(),
            "violations": cells["violations"].sum(),
        }
    ).reset_index()
    yield same_table(LARGEST, where, expected, results.table(BOUND), keys=keys, source="by the predictions")
    broken = int(results.table(BOUND).loc[lambda table: table["function"] == "odd", "violations"].sum())
    text = f"{broken} of {int(every['odd'].sum()):,} odd networks"
    yield Check(LARGEST, where, "no odd network breaks R + R̄ <= 1", text, bool(broken == 0 and np.isfinite(broken)))
