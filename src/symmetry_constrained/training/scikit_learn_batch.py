"""The networks of a batch one by one with scikit-learn."""

import numpy as np
import pandas as pd

from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import hyphenated
from symmetry_constrained.networks.draws import initial_seeds
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training import scikit_learn
from symmetry_constrained.training.spec import Spec


def train_batch(spec: Spec, dataset: Dataset, split: Split) -> pd.DataFrame:
    """The networks of a batch one by one with scikit-learn in float64: identity, accuracies, effort."""
    test_inputs, labels = inputs.test_inputs(dataset, split, spec.features)
    rows = []
    for fraction in spec.fractions:
        train_inputs, train_labels = inputs.training_inputs(
            dataset, split, spec.features, spec.training_set, spec.split, fraction
        )
        for network in spec.networks:
            for number, seed in zip(spec.seeds, initial_seeds(spec.split, spec.seeds), strict=True):
                fitted = scikit_learn.fit(
                    train_inputs,
                    train_labels,
                    biased=network == "biased",
                    seed=seed,
                    budget=Budget(**spec.budget),
                    hidden_layers=tuple(map(int, spec.hidden_layers)),
                    alpha=spec.alpha,
                )
                accuracy = {
                    column: fitted.score(test_inputs[name].astype(np.float64), labels)
                    for name, column in (("original", "test_accuracy"), ("inverted", "inverted_accuracy"))
                }
                identity = {
                    "study": spec.study,
                    "features": spec.features,
                    "training_set": spec.training_set,
                    "network": network,
                    "hidden_layers": hyphenated(spec.hidden_layers),
                    "fraction": fraction,
                    "split": spec.split,
                    "seed": number,
                }
                rows.append(identity | accuracy | {"evaluations": fitted.evaluations_})
    return pd.DataFrame(rows)
