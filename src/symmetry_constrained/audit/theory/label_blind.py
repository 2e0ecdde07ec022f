"""Bias-free networks on ±X with true and other labels: losses and accuracies from the stored weights."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward
from symmetry_constrained.audit.checks import Check, close, equal, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import SIGNS, Shown, accuracy, blame, matrices, tally

WHAT, LISTED = "label-blind networks from their weights", "label-blind networks: which"
TABLE, WEIGHTS = "theory/label_blind.csv", "theory/label_blind.safetensors"
LABELS = ("true", "shuffled", "random", "all zero")


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(WHAT, blame(results, TABLE, WEIGHTS, CONFIG), _check(results))


def _check(results: Results) -> Iterator[Check]:
    options = results.config["theory"]["label_blind"]
    table = results.table(TABLE, ["labels", "seed", "n_train", "loss", "distance", "accuracy", *SIGNS])
    shown = Shown.of(results, fraction=options.get("fraction", 0.25), dtype=np.float64)
    seeds = range(options.get("seeds", 5))
    due = pd.DataFrame(
        [(name, 0, seed, 2 * len(shown.train)) for name in LABELS for seed in seeds],
        columns=["labels", "split", "seed", "n_train"],
    )
    where = blame(results, TABLE, CONFIG)
    yield same_table(LISTED, where, due, table[list(due)], source="the configuration's networks")
    rows = matrices(results, WEIGHTS, "rows", len(due), forward.sizes(shown.train.shape[1], [10, 5]))
    where = results.blame(TABLE, WEIGHTS, *shown.files)
    biases = max(float(np.abs(matrix[:, :, -1]).max()) for matrix in rows)
    yield equal(WHAT, results.blame(WEIGHTS, TABLE), "largest bias: 0.0", f"largest bias: {biases}")
    loss = np.concatenate(
        [
            _loss([matrix[place : place + len(seeds)] for matrix in rows], shown.train, labels)
            for place, labels in zip(range(0, len(due), len(seeds)), _labels(shown.train_labels), strict=True)
        ]
    )
    yield close(WHAT, where, "loss", loss, table["loss"], 1e-12)
    yield close(WHAT, where, "distance", np.abs(loss - np.log(10)), table["distance"], 1e-12)
    for name, sign in SIGNS.items():
        said = forward.logits(rows, sign * shown.test)
        yield accuracy(WHAT, where, name, said, shown.test_labels, "float64", table[name])
    yield close(WHAT, where, "accuracy", table[list(SIGNS)].mean(axis=1), table["accuracy"], 1e-15)


def _labels(true: np.ndarray) -> Iterator[np.ndarray]:
    """The labels (n,) of X in each way: as they are, shuffled, drawn anew, all zero."""
    yield true
    yield np.random.default_rng(0).permutation(true)
    yield np.random.default_rng(0).integers(10, size=len(true))
    yield np.zeros_like(true)


def _loss(rows: list[np.ndarray], x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean cross-entropy (K,) on ±X, an image and its inverse with one label."""
    above, below = (tally(forward.logits(rows, sign * x), labels, "float64").loss for sign in (1, -1))
    return (above + below) / (2 * len(x))
