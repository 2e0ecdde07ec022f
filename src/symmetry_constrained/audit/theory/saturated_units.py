"""Networks with and without Σx in their inputs: accuracies and saturated units from the stored weights."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward
from symmetry_constrained.audit.checks import Check, equal, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import Shown, accuracy, blame, matrices

WHAT, LISTED = "saturated units from their weights", "saturated units: which networks"
TABLE, WEIGHTS = "theory/saturated_units.csv", "theory/saturated_units.safetensors"
KEYS = ["split", "inputs", "network", "seed"]
LEVEL, SHARE = 0.9, 0.99  # of tanh, and of the training images


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(WHAT, blame(results, TABLE, WEIGHTS, CONFIG), _check(results))


def _check(results: Results) -> Iterator[Check]:
    table = results.table(TABLE, [*KEYS, "dataset", "protocol", "n_train", "test_accuracy", "saturated_units"])
    options, splits = results.config["theory"]["saturated_units"], range(results.config["theory"]["splits"])
    own, fraction = options.get("seeds", 2), options.get("fraction", 0.25)
    due = pd.DataFrame(
        [
            (split, kind, network, split * own + number)
            for split in splits
            for kind in ("pixels", "without Σx")
            for network in ("biased", "bias-free")
            for number in range(own)
        ],
        columns=KEYS,
    ).assign(dataset="digits", protocol="clean")
    yield same_table(
        LISTED, blame(results, TABLE, CONFIG), due, table[list(due)], source="the configuration's networks"
    )
    layers = matrices(results, WEIGHTS, "rows", len(table), forward.sizes(64, [10, 5]))
    free = (table["network"] == "bias-free").to_numpy()
    largest = max(float(np.abs(matrix[free][:, :, -1]).max()) for matrix in layers)
    where = results.blame(WEIGHTS, TABLE)
    yield equal(
        WHAT, where, "largest bias of bias-free networks: 0.0", f"largest bias of bias-free networks: {largest}"
    )
    for (split, kind), places in table.groupby(["split", "inputs"]).indices.items():
        shown = Shown.of(results, int(split), fraction)
        where = results.blame(TABLE, WEIGHTS, *shown.files)
        yield from guarded(
            WHAT, where, _check_cell(where, table.iloc[places], [one[places] for one in layers], shown, kind)
        )


def _check_cell(where: str, rows: pd.DataFrame, layers: list[np.ndarray], shown: Shown, kind: str) -> Iterator[Check]:
    """The networks of one split and kind of inputs."""
    train, test = shown.train, shown.test
    if kind != "pixels":
        # What is left of an image beside its multiple of the image of ones.
        train, test = (x - np.outer(x.sum(1) / x.shape[1], np.ones(x.shape[1], x.dtype)) for x in (train, test))
    yield equal(WHAT, where, [len(train)] * len(rows), rows["n_train"].tolist())
    said = forward.logits(layers, test)
    yield accuracy(WHAT, where, "test_accuracy", said, shown.test_labels, "float32", rows["test_accuracy"])
    counts = []
    for matrix in layers[0]:
        output = np.tanh(train.astype(float) @ matrix[:, :-1].T + matrix[:, -1])  # (n, units)
        constant = np.maximum((output > LEVEL).mean(0), (output < -LEVEL).mean(0)) >= SHARE
        counts.append(int(constant.sum()))
    yield equal(WHAT, where, counts, rows["saturated_units"].tolist())
