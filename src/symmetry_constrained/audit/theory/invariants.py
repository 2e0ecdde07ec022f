"""Incomplete and complete invariants: accuracies and losses from the stored weights, and the sign flips of each map."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward, inputs, translation
from symmetry_constrained.audit.checks import Check, close, equal, guarded, same_table, within
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import Shown, accuracy, blame, matrices, tally

WHAT, LISTED, SIGNED = "invariants from their weights", "invariants: which networks", "sign flips of each map"
FOLDER, LAYERS = "theory/invariants/split-{}", [10, 5]
MAPS = {
    "inversion": ["identity", "square", "neighbour", "permuted", "canonical", "quadratic"],
    "translation": ["identity", "power", "bispectrum", "complete", "aligned"],
}
LOSS = 1e-4  # of a mean over float32 log-probabilities
SHOWN, TRIED = 200, 50  # test images, and random members of a group, on which flips are tried
KEYS = ["group", "split", "features", "network", "seed", "fraction", "n_train", "feature_count", "parameters", "budget"]


def check(results: Results) -> Iterator[Check]:
    for split in range(asked_for(results)[0]):
        folder = FOLDER.format(split)
        table, weights = f"{folder}/invariants.csv", f"{folder}/invariants.safetensors"
        if results.belongs(table):
            where = blame(results, table, weights, CONFIG, split=split)
            yield from guarded(WHAT, where, _check(results, table, weights, split))
        signs = f"{folder}/sign_symmetries.csv"
        if results.belongs(signs):
            yield from guarded(SIGNED, blame(results, signs, CONFIG, split=split), _check_signs(results, signs, split))


def asked_for(results: Results) -> tuple[int, dict]:
    """How many splits, and the experiment's options; none of a run without a configuration of it."""
    theory = results.config.get("theory", {})
    return theory.get("splits", 0) if "invariants" in theory else 0, theory.get("invariants", {})


def _features(group: str, name: str, x: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return (inputs if group == "inversion" else translation).features(name, x, shape)


def _check(results: Results, path: str, weights: str, split: int) -> Iterator[Check]:
    _, options = asked_for(results)
    table = results.table(path, [*KEYS, "train_loss", "train_accuracy", "test_accuracy", "transformed_accuracy"])
    shown = Shown.of(results, split, options.get("fraction", 1.0))
    random = np.random.default_rng(split)
    angles = random.uniform(0, 2 * np.pi, len(shown.test))
    turned = {"inversion": -shown.test, "translation": translation.moved(shown.test, angles, shown.shape)}
    seeds, parts, shown_to = options.get("seeds", [1, 2]), [], []
    for group, every in MAPS.items():
        for name in options.get(group, every):
            maps = {"train": shown.train, "test": shown.test, "transformed": turned[group].astype(np.float32)}
            x = {side: _features(group, name, images, shown.shape) for side, images in maps.items()}
            shapes = forward.sizes(x["train"].shape[1], LAYERS)
            for budget in sorted(options.get("evaluations", [200])):
                due = _networks(group, split, name, seeds, shapes, budget)
                due |= {"fraction": options.get("fraction", 1.0), "n_train": len(shown.train)}
                parts.append(pd.DataFrame(due)[KEYS])
                shown_to.append((f"{group}/{name}/{budget}", x, shapes))
    where = blame(results, path, CONFIG, split=split)
    expected = pd.concat(parts, ignore_index=True)
    yield same_table(LISTED, where, expected, table[KEYS], source="the configuration's networks")
    where = results.blame(path, weights, *shown.files)
    for place, (name, x, shapes) in enumerate(shown_to):
        own = table.iloc[place * 2 * len(seeds) :][: 2 * len(seeds)]
        rows = matrices(results, weights, name, len(own), shapes)
        yield from _check_map(where, name, rows, x, shown, own)


def _networks(
    group: str, split: int, features: str, seeds: list[int], shapes: list[tuple[int, int]], budget: int
) -> dict:
    """What says which networks the rows of a map and a budget are."""
    weights, biases = (sum(counts) for counts in zip(*((i * o, o) for i, o in shapes), strict=True))
    return {
        "group": group,
        "split": split,
        "features": features,
        "network": np.repeat(["biased", "bias-free"], len(seeds)),
        "seed": [*seeds, *seeds],
        "feature_count": shapes[0][0],
        "parameters": np.repeat([weights + biases, weights], len(seeds)),
        "budget": budget,
    }


def _check_map(
    where: str, name: str, rows: list[np.ndarray], x: dict[str, np.ndarray], shown: Shown, own: pd.DataFrame
) -> Iterator[Check]:
    free = (own["network"] == "bias-free").to_numpy()
    largest = max(float(np.abs(matrix[free][:, :, -1]).max(initial=0)) for matrix in rows)
    yield equal(WHAT, where, f"{name}: bias-free biases 0.0", f"{name}: bias-free biases {largest}")
    said = {side: forward.logits(rows, images) for side, images in x.items()}
    trained = tally(said["train"], shown.train_labels, "float32")
    loss = trained.loss / trained.images
    yield close(WHAT, where, f"{name}: train_loss", loss, own["train_loss"], LOSS * np.maximum(loss, 1e-3))
    accuracies = trained.correct / trained.images
    yield within(WHAT, where, f"{name}: train_accuracy", accuracies, own["train_accuracy"])
    for side in ("test", "transformed"):
        column = own[f"{side}_accuracy"]
        yield accuracy(WHAT, where, f"{name}: {side}_accuracy", said[side], shown.test_labels, "float32", column)


def _check_signs(results: Results, path: str, split: int) -> Iterator[Check]:
    """How many flips of signs leave a map as it is, counted from its definition, and tried on the test images."""
    table, shown = results.table(path), Shown.of(results, split, dtype=np.float64)
    x, random, rows = shown.test[:SHOWN], np.random.default_rng([split, 3]), []
    for name in asked_for(results)[1].get("inversion", MAPS["inversion"]):
        basis = flips(name, shown.shape)
        members = np.concatenate([basis, random.integers(0, 2, (TRIED, len(basis))) @ basis % 2])
        before = inputs.features(name, x, shown.shape)
        # Features in the precision of the studies would hide what is lost in rounding.
        errors = [np.abs(inputs.features(name, x * (1 - 2 * flip), shown.shape) - before).max() for flip in members]
        rows.append(
            {
                "features": name,
                "feature_count": before.shape[1],
                "rank": x.shape[1] - len(basis),
                "log2_symmetries": len(basis),
                "symmetries": f"2^{len(basis)}",
                "members_tried": len(members),
                "members_error": max(errors),
            }
        )
    expected = pd.DataFrame(rows)
    where = results.blame(path, CONFIG, *shown.files)
    yield same_table(SIGNED, where, expected, table[list(expected)], atol=1e-12, source="by the map's definition")


def flips(name: str, shape: tuple[int, int]) -> np.ndarray:
    """A basis (k, d) of the sign flips that leave a map of inversion as it is, a 1 where a pixel is flipped.

    Of a map whose features are products of two pixels, two that meet in a product flip together.
    """
    pixels = shape[0] * shape[1]
    every, partners = np.arange(pixels), {"neighbour": inputs.right_neighbours, "permuted": inputs.drawn_partners}
    if name == "identity":
        return np.zeros((0, pixels), dtype=np.int64)
    if name in ("canonical", "quadratic"):
        return np.ones((1, pixels), dtype=np.int64)
    if name in ("square", "absolute"):
        return np.eye(pixels, dtype=np.int64)
    group, partner = every.copy(), partners[name](shape)
    for _ in every:  # as often as the longest chain could need
        group = np.minimum(group, group[partner])
        np.minimum.at(group, partner, group.copy())
    return (np.unique(group)[:, None] == group).astype(np.int64)
