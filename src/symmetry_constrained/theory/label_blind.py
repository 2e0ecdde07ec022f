"""Bias-free networks trained on ±X end at loss log 10 and chance accuracy, whatever the labels.

For f(−x) = −f(x) the label of an image cancels from the sum of its two losses (`random_networks`). The
remaining loss is smallest where f is constant, hence 0: there each class has probability 1/10, and the loss is
log 10 = 2.302585.
"""

import numpy as np
import pandas as pd
import torch

from symmetry_constrained import paper
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget

LABELS = ("true", "shuffled", "random", "all zero")


def train(
    dataset: Dataset,
    split: Split,
    seeds: list[int],
    fraction: float = 1.0,
    max_iterations: int = 2000,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Train each seed on ±X with each kind of labels, in float64, until it stops.

    Returns a row per network, and the networks' parameters (N, P).

    labels: `true`; `shuffled` among the images; `random`, drawn anew for each image; `all zero`. An image and its
    inverse share one label. loss: mean cross-entropy on ±X; distance: |loss − log 10|. test_accuracy,
    inverted_accuracy: of the true test labels; accuracy: their mean.
    """
    images, true = inputs.training_inputs(dataset, split, "identity", "augmented", 0, fraction, np.float64)
    tests, test_labels = inputs.test_inputs(dataset, split, "identity", np.float64)
    architecture = Architecture(images.shape[1], paper.HIDDEN_LAYERS, CLASSES)
    ensemble = Ensemble(architecture, np.zeros(len(seeds), dtype=bool), dtype=torch.float64)
    initial = ensemble.initial(seeds)
    samples = {name: ensemble.samples(values, test_labels) for name, values in tests.items()}
    half = len(true) // 2  # ±X is X stacked over −X
    parts, parameters = [], []
    for name in LABELS:
        train_samples = ensemble.samples(images, np.tile(_labels(name, true[:half]), 2))
        result = lbfgs.train(ensemble, initial, train_samples, Budget(max_iterations=max_iterations))
        loss = evaluate(ensemble, result.x, train_samples).loss
        accuracy = {test: evaluate(ensemble, result.x, values).accuracy for test, values in samples.items()}
        parts.append(
            pd.DataFrame(
                {
                    "labels": name,
                    "seed": seeds,
                    "n_train": len(true),
                    "iterations": result.iterations.numpy(),
                    "status": result.status,
                    "loss": loss,
                    "distance": np.abs(loss - np.log(CLASSES)),
                    "test_accuracy": accuracy["original"],
                    "inverted_accuracy": accuracy["inverted"],
                    "accuracy": (accuracy["original"] + accuracy["inverted"]) / 2,
                }
            )
        )
        parameters.append(result.x.numpy())
    return pd.concat(parts, ignore_index=True), np.concatenate(parameters)


def _labels(name: str, true: np.ndarray) -> np.ndarray:
    """Labels (n,) of X; the draws are the same for every seed of the networks."""
    random = np.random.default_rng(0)
    return {
        "true": lambda: true,
        "shuffled": lambda: random.permutation(true),
        "random": lambda: random.integers(CLASSES, size=len(true)),
        "all zero": lambda: np.zeros_like(true),
    }[name]()
