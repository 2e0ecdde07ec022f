"""The same cells by scikit-learn: does our ensemble reach the accuracies that its estimator reaches?"""

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import hyphenated
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training import scikit_learn
from symmetry_constrained.training.spec import Spec

COMPARED_KEYS = ["study", "features", "training_set", "network", "hidden_layers", "fraction"]
ACCURACIES = {"original": "test_accuracy", "inverted": "inverted_accuracy"}  # by test set


def train(spec: Spec, dataset: Dataset, split: Split) -> pd.DataFrame:
    """The networks of a batch one by one with scikit-learn in float64: identity, accuracies, effort."""
    test_inputs, labels = inputs.test_inputs(dataset, split, spec.features)
    rows = []
    for fraction in spec.fractions:
        train_inputs, train_labels = inputs.training_inputs(
            dataset, split, spec.features, spec.training_set, spec.split, fraction
        )
        for network in spec.networks:
            for seed in spec.seeds:
                fitted = scikit_learn.fit(
                    train_inputs,
                    train_labels,
                    biased=network == "biased",
                    seed=seed,
                    budget=Budget(**spec.budget),
                    hidden_layers=tuple(spec.hidden_layers),
                    alpha=spec.alpha,
                )
                accuracy = {
                    column: fitted.score(test_inputs[name].astype(np.float64), labels)
                    for name, column in ACCURACIES.items()
                }
                identity = {
                    "study": spec.study,
                    "features": spec.features,
                    "training_set": spec.training_set,
                    "network": network,
                    "hidden_layers": hyphenated(spec.hidden_layers),
                    "fraction": fraction,
                    "split": spec.split,
                    "seed": seed,
                }
                rows.append(identity | accuracy | {"evaluations": fitted.evaluations_})
    return pd.DataFrame(rows)


def compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Per cell and test set: both means, and the 95 % interval of their difference, paired by split and seed.

    `equal` where the means are within 0.01 or the interval holds 0. Normal interval of the paired differences.
    """
    paired = theirs.merge(
        ours, on=[*COMPARED_KEYS, "split", "seed"], suffixes=("_theirs", "_ours"), validate="one_to_one"
    )
    rows = []
    for cell, group in paired.groupby(COMPARED_KEYS, sort=False):
        for test_set, column in ACCURACIES.items():
            ours_, theirs_ = group[f"{column}_ours"], group[f"{column}_theirs"]
            mean, low, high, equal = statistics.paired_mean(ours_ - theirs_)
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
