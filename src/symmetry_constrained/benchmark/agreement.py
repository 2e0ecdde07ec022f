"""The same cells trained by scikit-learn: whether our ensemble reaches the accuracies of its estimator."""

import pandas as pd

from symmetry_constrained.analysis import statistics

COMPARED_KEYS = ["study", "features", "training_set", "network", "hidden_layers", "fraction"]
ACCURACIES = {"original": "test_accuracy", "inverted": "inverted_accuracy"}  # by test set


def compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Per cell and test set: both means, and the 95 % interval of their difference, paired by split and seed.

    equal: the means are within 0.01, or the interval holds 0.
    """
    paired = theirs.merge(
        ours, on=[*COMPARED_KEYS, "split", "seed"], suffixes=("_theirs", "_ours"), validate="one_to_one"
    )
    rows = []
    for cell, group in paired.groupby(COMPARED_KEYS, sort=False):
        for test_set, column in ACCURACIES.items():
            ours_, theirs_ = group[f"{column}_ours"], group[f"{column}_theirs"]
            mean, low, high, equal = statistics.paired_mean(ours_ - theirs_, group["split"].to_numpy())
            rows.append(
                dict(zip(COMPARED_KEYS, cell, strict=True))
                | {
                    "test_set": test_set,
                    "n": len(group),
                    "scikit_learn": theirs_.mean(),
                    "ours": ours_.mean(),
                    "difference": mean,
                    "low": low,
                    "high": high,
                    "equal": equal,
                }
            )
    return pd.DataFrame(rows)
