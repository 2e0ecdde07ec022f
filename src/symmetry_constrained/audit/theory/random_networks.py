"""Properties of every bias-free network, on the random ones drawn again from their seeds."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward, networks, specs
from symmetry_constrained.audit.checks import Check, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import Shown

WHAT, TABLE = "random networks, drawn again", "theory/random_networks.csv"
SHAPES, SCALES = ([10], [10, 5], [20, 10], [8, 8, 8, 8]), (0.1, 1.0, 10.0)
TOGETHER = 100  # networks whose seeds are drawn at once
# Violations are rounding alone, so two ways to compute them agree no better.
ROUNDED = 1e-10


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        where = results.blame(TABLE, CONFIG, *specs.split_files({"dataset": "digits", "protocol": "clean", "split": 0}))
        yield from guarded(WHAT, where, _check(results, where))


def _check(results: Results, where: str) -> Iterator[Check]:
    options = results.config["theory"]["random_networks"]
    count, few = options.get("networks", 1000), options.get("images", 100)
    shown, random = Shown.of(results), np.random.default_rng(0)
    x, labels = shown.test[:few].astype(np.float64), shown.test_labels[:few]
    other, rows = random.integers(10, size=len(labels)), []
    for hidden, scale in itertools.product(SHAPES, SCALES):
        shapes, worst = (
            forward.sizes(x.shape[1], hidden),
            dict.fromkeys(("odd", "opposite", "bound", "label-blind"), 0.0),
        )
        for start in range(0, count, TOGETHER):
            seeds = random.integers(2**31, size=min(TOGETHER, count - start)).tolist()
            drawn = [scale * matrix for matrix in networks.initials(seeds, shapes, biased=False)]
            above, below = forward.logits(drawn, x), forward.logits(drawn, -x)
            for name, value in violations(above, below, labels, other).items():
                worst[name] = float(np.maximum(worst[name], value))
        shape = {"hidden_layers": specs.hyphens(hidden), "scale": scale}
        rows += [shape | {"property": name, "violation": value, "n": count} for name, value in worst.items()]
    yield same_table(WHAT, where, pd.DataFrame(rows), results.table(TABLE), atol=ROUNDED, source="recomputed")


def violations(above: np.ndarray, below: np.ndarray, labels: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """The largest of each property, of logits (K, n, classes) on x and on −x, for labels and other labels (n,)."""
    said, negated = above.argmax(-1), below.argmax(-1)
    # The most favourable labels for the bound are those that the network itself gives to x.
    sums = [((said == truth) * 1.0 + (negated == truth)).mean(1).max() for truth in (labels, said)]
    losses = [_loss(above, truth) + _loss(below, truth) for truth in (labels, other)]
    return {
        "odd": float(np.abs(above + below).max()),
        "opposite": float((negated != above.argmin(-1)).sum(1).max()),
        "bound": max(float(max(sums)) - 1, 0.0),
        "label-blind": float(np.abs(losses[0] - losses[1]).max() / 2),
    }


def _loss(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy (K,)."""
    return (forward.log_sum(logits) - logits[:, np.arange(len(labels)), labels.astype(int)]).mean(1)
