"""Bias-free copies of biased networks: built again from the stored weights, and compared with them on X and on −X.

A neuron more in each hidden layer carries e₁ = tanh(u), e₂ = tanh(w e₁), ..., where u = −w Σx, or is exactly 1 on
images whose margin never changes. A bias b of a layer becomes b / level times the e of the layer below, where the
level is what is taken for that e: 1 of all if saturated, else 1, tanh(w), tanh(w tanh(w)), ... in turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from symmetry_constrained.audit import forward, specs
from symmetry_constrained.audit.checks import Check, close, equal, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import EMULATED_ON
from symmetry_constrained.audit.theory.shown import SIGNS, Shown, accuracy, blame, matrices

WHAT, LISTED = "emulated biases from their weights", "emulated biases: which networks"
WEIGHTS = tuple(2.0 ** (third / 3) for third in range(-30, 16))
SATURATED, LEVELLED, CONSTANT = "saturated", "levelled", "constant pixels"
LAYERS = [10, 5]
# Of differences between logits: rounding, absolute and relative.
ATOL, RTOL = 1e-11, 1e-8


def check(results: Results) -> Iterator[Check]:
    for path in EMULATED_ON:
        if results.belongs(path):
            dataset = path.rpartition("/")[2].removesuffix(".csv")
            where = blame(results, path, _weights(path), CONFIG, dataset=dataset)
            yield from guarded(WHAT, where, _check(results, path, dataset))


def _weights(path: str) -> str:
    return path.replace(".csv", ".safetensors")


def _check(results: Results, path: str, dataset: str) -> Iterator[Check]:
    options = results.config["theory"].get(f"emulated_bias_{dataset}", {})
    shown = Shown.of(results, fraction=0.0, dtype=np.float64, dataset=dataset)
    table = results.table(path, ["training_set", "construction", "weight", "seed", *SIGNS, "largest_difference"])
    seeds = list(range(options.get("seeds", 3)))
    due = _networks(options, seeds, bool(shown.constant.any()), dataset)
    where = results.blame(path, CONFIG)
    yield same_table(LISTED, where, due, table[list(due)], source="the configuration's networks")
    shapes = forward.sizes(shown.test.shape[1], LAYERS)
    where = results.blame(path, _weights(path), *shown.files)
    for training_set in dict.fromkeys(due["training_set"]):
        own = table[table["training_set"] == training_set]
        for trained, constructions in ((SATURATED, [SATURATED, LEVELLED]), (CONSTANT, [CONSTANT])):
            copies = own[own["construction"].isin(constructions)]
            if len(copies):
                name = f"{training_set}/{trained}"
                rows = matrices(results, _weights(path), name, len(seeds), shapes)
                if trained == SATURATED:
                    first = float(np.abs(rows[0][:, :, -1]).max())
                    text = f"{name}: largest bias of the first layer: "
                    yield equal(WHAT, results.blame(_weights(path), path), f"{text}0.0", f"{text}{first}")
                yield from _check_copies(where, copies, rows, shown)


def _networks(options: dict, seeds: list[int], margin: bool, dataset: str) -> pd.DataFrame:
    """The rows that the configuration asks for, in order."""
    kinds = [(name, weight) for name in (SATURATED, LEVELLED) for weight in options.get("weights", WEIGHTS)]
    rows = [
        (dataset, "clean", 0, training_set, options.get("fraction", 1.0), specs.hyphens(LAYERS), seed, *kind)
        for training_set in ("original", "augmented")
        for kind in [*kinds, *([(CONSTANT, np.nan)] if margin else [])]
        for seed in seeds
    ]
    names = ["dataset", "protocol", "split", "training_set", "fraction", "hidden_layers", "seed", "construction"]
    return pd.DataFrame(rows, columns=[*names, "weight"]).astype({"weight": float})


@dataclass(frozen=True)
class Carrier:
    """The constant that a copy carries: its argument u (n,) in the first layer, its weight on, and the levels."""

    argument: np.ndarray
    carry: float
    level: float
    levelled: bool


def _check_copies(where: str, own: pd.DataFrame, rows: list[np.ndarray], shown: Shown) -> Iterator[Check]:
    """Every copy of some networks, (K,) of each construction and weight in turn."""
    sums, seeds = shown.test.sum(1), len(rows[0])
    smallest = np.abs(sums[sums < 0]).min()
    biased = {name: forward.logits(rows, sign * shown.test) for name, sign in SIGNS.items()}
    first = {name: sign * shown.test @ np.swapaxes(rows[0][:, :, :-1], 1, 2) for name, sign in SIGNS.items()}
    for place in range(0, len(own), seeds):
        part = own.iloc[place : place + seeds]
        kind, weight = part["construction"].iloc[0], float(part["weight"].iloc[0])
        if kind == CONSTANT:
            margin = shown.test[:, shown.constant]
            carrier = Carrier(-margin.sum(1) / shown.constant.sum(), 1.0, np.tanh(1.0), True)
            steady = (margin == -1).all(1)
            due = {"predicted_rate": np.nan, "deviation": np.nan}
            # The first layer has biases too, on the exact constant.
            inner = {
                name: z + sign * carrier.argument[:, None] * rows[0][:, None, :, -1]
                for (name, z), sign in zip(first.items(), SIGNS.values(), strict=True)
            }
        else:
            carrier, steady, inner = Carrier(-weight * sums, weight, 1.0, kind == LEVELLED), sums < 0, first
            rate = 2 * (smallest if kind == LEVELLED else min(smallest, 1.0))
            due = {"predicted_rate": rate, "deviation": 2 * expit(-2 * weight * smallest)}
        copies = {name: _copies(rows, inner[name], carrier, sign) for name, sign in SIGNS.items()}
        yield from _check_kind(where, part, biased, copies, steady, shown.test_labels, due)


def _copies(rows: list[np.ndarray], z: np.ndarray, carrier: Carrier, sign: int) -> np.ndarray:
    """The copies' logits (K, n, classes), from the first layer's z (K, n, units) without its extra neuron."""
    carried, level = np.tanh(sign * carrier.argument), carrier.level
    for matrix in rows[1:]:
        biases = matrix[:, None, :, -1] / (level if carrier.levelled else 1.0)
        z = np.tanh(z) @ np.swapaxes(matrix[:, :, :-1], 1, 2) + carried[None, :, None] * biases
        carried, level = np.tanh(carrier.carry * carried), np.tanh(carrier.carry * level)
    return z


def _check_kind(
    where: str,
    own: pd.DataFrame,
    biased: dict[str, np.ndarray],
    copies: dict[str, np.ndarray],
    steady: np.ndarray,
    labels: np.ndarray,
    due: dict[str, float],
) -> Iterator[Check]:
    """Each column of copies (K,) of one construction and weight; steady: mask (n,) where the constant holds."""
    above, below = (np.abs(copies[name] - biased[name]).max(-1) for name in SIGNS)
    columns: dict[str, np.ndarray | float] = {
        **due,
        "images": steady.sum(),
        "exceptions": (~steady).sum(),
        "largest_difference": above[:, steady].max(1),
        "median_difference": np.median(above[:, steady], axis=1),
        "exceptions_difference": np.nan if steady.all() else above[:, ~steady].min(1),
        "inverted_difference": np.median(below[:, steady], axis=1),
        "oddness": np.abs(copies["test_accuracy"] + copies["inverted_accuracy"]).max((1, 2)),
    }
    for name, values in columns.items():
        expected = np.broadcast_to(np.asarray(values, dtype=float), len(own))
        slack = RTOL * np.nan_to_num(np.abs(expected)) + (0.0 if name in due else ATOL)
        yield close(WHAT, where, name, expected, own[name], slack)
    for prefix, said in (("", copies), ("biased_", biased)):
        for name in SIGNS:
            yield accuracy(WHAT, where, prefix + name, said[name], labels, "float64", own[prefix + name])
