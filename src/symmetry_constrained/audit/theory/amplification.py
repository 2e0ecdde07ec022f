"""Networks of several depths with biases held within ±ε: bounds, sums R + R̄ and even parts from the stored weights."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward, networks, specs
from symmetry_constrained.audit.checks import Check, close, equal, guarded, same_table, within
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import SIGNS, Shown, blame, matrices, tally

WHAT, LISTED = "held biases from their weights", "held biases: which networks"
HELD, STARTED = "held biases: within ±ε", "held biases: networks as they began"
TABLE, WEIGHTS = "theory/amplification.csv", "theory/amplification.safetensors"
DEPTHS, EPSILONS = [1, 2, 4, 8, 16], [0, 0.01, 0.03, 0.1, 0.3, 1, np.inf]
WIDTH, START, AT_BOUND = 10, 0.1, 0.95
LOSS = 1e-4  # of a mean over float32 log-probabilities, relative
# Of logits in float32, relative to their root mean square: the even part is a small difference of large numbers. What
# the logits of an image have in common, which no part has, was rounded too.
LOGITS, COMMON = 3e-5, 2.0**-24


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(WHAT, blame(results, TABLE, WEIGHTS, CONFIG), _check(results))


def _check(results: Results) -> Iterator[Check]:
    options = results.config["theory"]["amplification"]
    table = results.table(TABLE, ["depth", "epsilon", "seed", "n_train", "excess", "even", "odd", *SIGNS])
    shown = Shown.of(results, fraction=options.get("fraction", 0.25))
    cells = [
        (depth, specs.hyphens([WIDTH] * depth), float(epsilon), seed, 2 * len(shown.train))
        for depth in options.get("depths", DEPTHS)
        for epsilon in options.get("epsilons", EPSILONS)
        for seed in range(options.get("seeds", 5))
    ]
    due = pd.DataFrame(cells, columns=["depth", "hidden_layers", "epsilon", "seed", "n_train"])
    due = due.assign(dataset="digits", protocol="clean", split=0, training_set="augmented")
    due["fraction"] = options.get("fraction", 0.25)
    due["biases"] = np.select([due["epsilon"] == 0, np.isinf(due["epsilon"])], ["none", "free"], "held")
    where = blame(results, TABLE, CONFIG)
    yield same_table(LISTED, where, due, table[list(due)], source="the configuration's networks")
    where = results.blame(TABLE, WEIGHTS, *shown.files)
    for depth, own in table.groupby("depth", sort=False):
        yield from guarded(WHAT, where, _check_depth(results, where, int(depth), own, shown))


def _check_depth(results: Results, where: str, depth: int, own: pd.DataFrame, shown: Shown) -> Iterator[Check]:
    shapes = forward.sizes(shown.test.shape[1], [WIDTH] * depth)
    rows = matrices(results, WEIGHTS, str(depth), len(own), shapes)
    epsilon = own["epsilon"].to_numpy(dtype=float)
    biases = np.concatenate([np.abs(matrix[:, :, -1]) for matrix in rows], axis=1)
    beyond = int((biases.max(1) > epsilon * (1 + 1e-6)).sum())
    expected = f"depth {depth}: networks with a bias beyond ε: "
    yield equal(HELD, results.blame(WEIGHTS, TABLE), f"{expected}0", f"{expected}{beyond}")
    said = {name: forward.logits(rows, sign * shown.test) for name, sign in SIGNS.items()}
    counts = {name: tally(logits, shown.test_labels, "float32") for name, logits in said.items()}
    for name, part in counts.items():
        yield within(WHAT, where, name, part.correct / part.images, own[name])
    yield close(WHAT, where, "excess", own[list(SIGNS)].sum(axis=1) - 1, own["excess"], 1e-14)
    yield within(WHAT, where, "right_both_ways", _both_ways(said, shown.test_labels), own["right_both_ways"])
    up, down = (tally(forward.logits(rows, sign * shown.train), shown.train_labels, "float32") for sign in (1, -1))
    loss, ends = up.loss + down.loss, up.correct + down.correct
    yield close(WHAT, where, "train_loss", loss / (2 * len(shown.train)), own["train_loss"], LOSS * own["train_loss"])
    yield within(WHAT, where, "train_excess", ends / len(shown.train) - 1, own["train_excess"])
    yield close(WHAT, where, "bias", np.sqrt((biases**2).mean(1)), own["bias"], 1e-6 * own["bias"])
    yield close(WHAT, where, "largest_bias", biases.max(1), own["largest_bias"], 1e-6 * own["largest_bias"])
    held = (epsilon > 0) & np.isfinite(epsilon)
    shares = [(biases >= AT_BOUND * (1 + slack) * epsilon[:, None]).mean(1) for slack in (1e-6, -1e-6)]
    yield within(WHAT, where, "at_bound", np.stack(shares)[:, held], own["at_bound"][held])
    yield from _check_parts(WHAT, where, "", said, np.sqrt((biases**2).mean(1)), own)
    began = _beginning(own, epsilon, shapes)
    said = {name: forward.logits(began, sign * shown.test) for name, sign in SIGNS.items()}
    size = np.sqrt(np.mean(np.concatenate([matrix[:, :, -1] for matrix in began], axis=1) ** 2, axis=1))
    yield from _check_parts(STARTED, where, "initial_", said, size, own)


def _both_ways(said: dict[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """At least and at most the share (2, K) of images that are right as they are and inverted."""
    sides = []
    for logits in said.values():
        slack = forward.ROUNDING["float32"] * np.maximum(1, np.abs(logits).max(axis=-1))
        true = logits[:, np.arange(len(labels)), labels.astype(int)]
        others = np.where(np.arange(logits.shape[-1]) == labels[:, None], -np.inf, logits).max(axis=-1)
        sides.append((true > others + slack, true >= others - slack))
    return np.stack([(first & second).mean(1) for first, second in zip(*sides, strict=True)])


def _check_parts(
    what: str, where: str, prefix: str, said: dict[str, np.ndarray], bias: np.ndarray, own: pd.DataFrame
) -> Iterator[Check]:
    """The logits' even and odd parts, without their mean over classes, and the even part per bias."""
    above, below = (logits - logits.mean(-1, keepdims=True) for logits in said.values())
    parts = {"even": (above + below) / 2, "odd": (above - below) / 2}
    sizes = {name: np.sqrt((part**2).mean((1, 2))) for name, part in parts.items()}
    sizes["shift"] = np.sqrt((parts["even"].mean(1) ** 2).mean(1))
    common = np.sqrt(np.mean([(logits**2).mean((1, 2)) for logits in said.values()], axis=0))
    slack = LOGITS * np.sqrt(sizes["even"] ** 2 + sizes["odd"] ** 2) + COMMON * common
    for name, size in sizes.items():
        yield close(what, where, prefix + name, size, own[prefix + name], slack)
    ratio = np.divide(sizes["even"], bias, out=np.full(len(bias), np.nan), where=bias > 0)
    slack = np.divide(slack, bias, out=np.zeros(len(bias)), where=bias > 0) + 1e-6 * np.nan_to_num(ratio)
    yield close(what, where, f"{prefix}amplification", ratio, own[f"{prefix}amplification"], slack)


def _beginning(own: pd.DataFrame, epsilon: np.ndarray, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    """The networks from their seeds: each bias b as ε tanh(b min(ε, 0.1) / ε), and b times 0.1 where it is free."""
    found = networks.initials(own["seed"].tolist(), shapes)
    end = epsilon[:, None]
    for matrix in found:
        small = matrix[:, :, -1] * np.minimum(end, START)
        held = np.where((end > 0) & np.isfinite(end), end, 1.0)
        matrix[:, :, -1] = np.where(np.isinf(end), small, np.where(end > 0, held * np.tanh(small / held), 0.0))
    return found
