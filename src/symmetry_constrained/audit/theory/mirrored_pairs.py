"""Mirrored pairs of hidden units, the counterexample of C13: every column of the table from the stored weights.

A network is z = tanh(W x + b), then the logits U z + c. Units 2j and 2j + 1 of tied pairs have the weights w and −w,
the same bias ε and the same output weights, and c = 0, so f(−x) = f(x).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, forward, inputs, specs, splits
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import blame

LISTED, RECOMPUTED = "mirrored pairs: which networks", "mirrored pairs from their weights"
BOUNDED, EVEN = "mirrored pairs: biases within ±ε", "mirrored pairs: f(−x) = f(x)"
TABLE, WEIGHTS = "theory/mirrored_pairs.csv", "theory/mirrored_pairs.safetensors"
TIED, KINDS = "tied pairs", ["tied pairs", "mirrored start", "ordinary start"]
MEASURES = ["n_train", "excess", "largest_bias", "largest_weight", "largest_difference", "largest_logit"]
SIGNS = {"test_accuracy": 1, "inverted_accuracy": -1}
# Of the training loss: tied pairs were trained in float64, the others in float32.
LOSS = {True: 1e-9, False: 1e-4}


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(RECOMPUTED, blame(results, TABLE, WEIGHTS, CONFIG), _check(results))


def _check(results: Results) -> Iterator[Check]:
    columns = ["dataset", "protocol", "split", "kind", "epsilon", "seed", "training_set", "fraction", "hidden_layers"]
    table = results.table(TABLE, [*columns, *MEASURES, *SIGNS, "train_loss"])
    yield from guarded(LISTED, results.blame(TABLE, CONFIG), _check_networks(results, table))
    images, _ = data.read(results, "digits")
    matrices = _matrices(results, table, images[0].size)
    where = results.blame(WEIGHTS, TABLE)
    beyond = int((~(_largest(matrices, slice(-1, None)) <= table["epsilon"].to_numpy())).sum())
    yield equal(BOUNDED, where, "networks with a bias beyond ε: 0", f"networks with a bias beyond ε: {beyond}")
    tied = (table["kind"] == TIED).to_numpy()
    yield _mirrored(where, table["epsilon"].to_numpy()[tied], [matrix[tied] for matrix in matrices])
    for split, places in table.groupby("split").indices.items():
        spec = {"dataset": "digits", "protocol": "clean", "split": split}
        where = results.blame(TABLE, WEIGHTS, *specs.split_files(spec))
        networks, own = table.iloc[places].reset_index(drop=True), [matrix[places] for matrix in matrices]
        yield from guarded(RECOMPUTED, where, _check_split(results, where, networks, own, images, spec))


def _check_networks(results: Results, table: pd.DataFrame) -> Iterator[Check]:
    """Every kind with every ε in every split of the configuration, and no initial weights in two splits."""
    theory, where = results.config["theory"], results.blame(TABLE, CONFIG)
    options = theory["mirrored_pairs"]
    seeds = options.get("seeds", 2)
    epsilons = options.get("epsilons", list(dict.fromkeys(table["epsilon"])))
    due = pd.DataFrame(
        [
            (split, kind, float(epsilon), split * seeds + number)
            for split in range(theory["splits"])
            for kind in KINDS
            for epsilon in epsilons
            for number in range(seeds)
        ],
        columns=["split", "kind", "epsilon", "seed"],
    )
    yield same_table(LISTED, where, due, table[list(due)], source="the configuration's networks")
    places = ["dataset", "protocol", "fraction", "hidden_layers"]
    settings = table[places].astype({"hidden_layers": int}).drop_duplicates().to_numpy().tolist()
    units = 2 * options.get("pairs", 10)
    yield equal(LISTED, where, [["digits", "clean", options.get("fraction", 1.0), units]], settings)
    # Even networks learn from X alone what the others are shown with ±X.
    shown = np.where(table["kind"] == TIED, "original", "augmented").tolist()
    yield equal(LISTED, where, shown, table["training_set"].tolist())


def _matrices(results: Results, table: pd.DataFrame, pixels: int) -> list[np.ndarray]:
    """The two layers of all networks, in the order of the table."""
    rows = results.tensors(WEIGHTS).get("rows", np.empty((0, 0)))
    if len(rows) != len(table):
        raise UnreadableError(WEIGHTS, f"{len(rows)} rows of weights for {len(table)} networks")
    try:
        return forward.layers(rows, forward.sizes(pixels, [int(table["hidden_layers"].iloc[0])]))
    except ValueError as error:
        raise UnreadableError(WEIGHTS, str(error)) from None


def _largest(matrices: list[np.ndarray], columns: slice) -> np.ndarray:
    """The largest magnitude (K,) in these columns of both layers."""
    return np.maximum(*(np.abs(matrix[:, :, columns]).max((1, 2)) for matrix in matrices))


def _mirrored(where: str, epsilon: np.ndarray, matrices: list[np.ndarray]) -> Check:
    """Whether tied pairs are mirrored, number for number."""
    hidden, output = matrices
    properties = {
        "opposite weights": np.array_equal(hidden[:, 1::2, :-1], -hidden[:, ::2, :-1]),
        "biases ε": bool((hidden[:, :, -1] == epsilon[:, None]).all()),
        "equal output weights": np.array_equal(output[:, :, 1:-1:2], output[:, :, 0:-1:2]),
        "no output biases": not output[:, :, -1].any(),
    }
    return equal(EVEN, where, ", ".join(properties), ", ".join(name for name, holds in properties.items() if holds))


def _check_split(
    results: Results, where: str, table: pd.DataFrame, matrices: list[np.ndarray], images: np.ndarray, spec: dict
) -> Iterator[Check]:
    """Each column of the networks of one split, from their layers."""
    rows, scaling = splits.read(results, specs.split_folder(spec))
    test = rows[rows["set"] == "test"]
    x = inputs.scaled(images, test, scaling)
    said = {name: forward.logits(matrices, sign * x) for name, sign in SIGNS.items()}
    for name, logits in said.items():
        tally = forward.Tally(len(table))
        tally.add(logits, test["label"].to_numpy(), forward.ROUNDING["float64"])
        (low, high), seen = tally.correct / tally.images, table[name].to_numpy(dtype=float)
        inside = (low - 1e-12 <= seen) & (seen <= high + 1e-12)
        yield equal(RECOMPUTED, where, f"{name}: all of {len(table)}", f"{name}: {_all(inside)} of {len(table)}")
    above, below = said.values()
    due = pd.DataFrame(
        {
            "excess": table["test_accuracy"] + table["inverted_accuracy"] - 1,
            "largest_bias": _largest(matrices, slice(-1, None)),
            "largest_weight": _largest(matrices, slice(-1)),
            "largest_difference": np.abs(above - below).max((1, 2)),
            "largest_logit": np.maximum(np.abs(above), np.abs(below)).max((1, 2)),
        }
    )
    yield same_table(RECOMPUTED, where, due, table[list(due)], rtol=1e-9, atol=1e-12)
    tied = (table["kind"] == TIED).to_numpy()
    uneven = (due["largest_difference"] > 1e-9 * due["largest_logit"]) | (
        due["excess"] != 2 * table["test_accuracy"] - 1
    )
    yield equal(
        EVEN, where, "0 tied networks that are not even", f"{uneven[tied].sum()} tied networks that are not even"
    )
    train = rows[rows["set"] == "train"]
    kept = train[splits.kept(train["rank"].to_numpy(), float(table["fraction"].iloc[0]))]
    yield from _check_training(where, table, matrices, inputs.scaled(images, kept, scaling), kept["label"].to_numpy())


def _all(mask: np.ndarray) -> str:
    return "all" if mask.all() else str(mask.sum())


def _check_training(
    where: str, table: pd.DataFrame, matrices: list[np.ndarray], x: np.ndarray, labels: np.ndarray
) -> Iterator[Check]:
    """How many images each kind was trained on, and its loss on them; of tied pairs with output weights over 2ε."""
    for kind, places in table.groupby("kind").indices.items():
        networks, (hidden, output) = table.iloc[places], (matrix[places] for matrix in matrices)
        if kind == TIED:
            output = output / (2 * networks["epsilon"].to_numpy()[:, None, None])
        tally = forward.Tally(len(networks))
        for sign in (1,) if kind == TIED else (1, -1):
            tally.add(forward.logits([hidden, output], sign * x), labels, forward.ROUNDING["float64"])
        due = pd.DataFrame({"n_train": tally.images, "train_loss": tally.loss / tally.images})
        found = networks[list(due)].reset_index(drop=True)
        yield same_table(RECOMPUTED, where, due, found, rtol=LOSS[kind == TIED], source=f"{kind}: recomputed")
