"""Made-up histories and measured costs."""

import numpy as np

from helpers.synthetic import PAIRS, at, networks

EVALUATIONS = np.array([11, 21, 52, 101, 201])
STEP = 1000  # FLOP of an evaluation


def history(accuracies, pairs=None, evaluations=EVALUATIONS, **model):
    """`history.csv` rows: the accuracies (N, C) of N networks at C points; the one on X is never the lower one."""
    accuracies = np.array(accuracies, dtype=float)
    pairs = PAIRS[: len(accuracies)] if pairs is None else pairs
    columns = {"evaluations": evaluations, "iterations": evaluations - 1, "flop": STEP * evaluations}
    parts = [
        networks(
            pairs=pairs,
            inverted_accuracy=accuracies[:, point],
            test_accuracy=np.maximum(accuracies[:, point], 0.9),
            **{name: values[point] for name, values in columns.items()},
            **model,
        )
        for point in range(len(evaluations))
    ]
    return at(*parts).drop(columns="status")


def solo(**columns):
    rows = networks(pairs=PAIRS[:1], **columns)
    columns = ["study", "dataset", "protocol", "features", "training_set", "network", "hidden_layers", "n_train"]
    return rows[columns].assign(feature_seconds=0.5, seconds_per_evaluation=0.01)
