"""Is a unit saturated on Σx why bias-free networks train? (section 2.2 of the paper, which calls it probable)

Where Σx has one sign, as on digits, a unit whose weights are nearly equal is nearly constant, and the next layer can
use it as a bias. Networks are trained on X as it is, and on images whose mean is subtracted: then Σx = 0 for each of
them, so no unit can saturate on it, and all else is left. If such a unit is why bias-free networks train, they lose
accuracy without Σx; and if they use one, it is found among the units of the first layer.
"""

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget

INPUTS = ("pixels", "without Σx")
NETWORKS = ("biased", "bias-free")
# A unit is saturated if its output exceeds LEVEL in magnitude, with one sign, on this SHARE of the training images.
LEVEL, SHARE = 0.9, 0.99


def shown(kind: str, images: np.ndarray) -> np.ndarray:
    """Images (n, d) as they are, or each less its mean."""
    return images if kind == INPUTS[0] else images - images.mean(axis=1, keepdims=True)


def study(
    dataset: Dataset, split: Split, seeds: list[int], fraction: float = 0.25, max_evaluations: int = paper.BUDGET
) -> tuple[pd.DataFrame, np.ndarray]:
    """Train every kind of network on every kind of inputs from each seed: a row per network, and the parameters (N, P).

    saturated_units: of the first layer's, how many are saturated with one sign on nearly all training images.
    test_accuracy: on X, shown as in training. ValueError without seeds.
    """
    if not seeds:
        raise ValueError("there must be at least one seed")
    images, labels = inputs.training_inputs(dataset, split, "identity", "original", 0, fraction)
    tests, test_labels = inputs.test_inputs(dataset, split, "identity")
    lanes = pd.MultiIndex.from_product([NETWORKS, seeds], names=["network", "seed"]).to_frame(index=False)
    architecture = Architecture(images.shape[1], paper.HIDDEN_LAYERS, CLASSES)
    ensemble = Ensemble(architecture, (lanes["network"] == "biased").to_numpy())
    initial, tables, parameters = ensemble.initial(lanes["seed"].tolist()), [], []
    for kind in INPUTS:
        x = shown(kind, images)
        samples = ensemble.samples(x, labels)
        result = lbfgs.train(ensemble, initial, samples, Budget(max_evaluations=max_evaluations))
        rows = result.x.numpy()
        held_out = ensemble.samples(shown(kind, tests["original"]), test_labels)
        tables.append(
            lanes.assign(
                inputs=kind,
                n_train=len(labels),
                test_accuracy=evaluate(ensemble, result.x, held_out).accuracy,
                saturated_units=saturated(architecture, rows, x),
                evaluations=result.evaluations.numpy(),
                status=result.status,
            )
        )
        parameters.append(rows)
    return pd.concat(tables, ignore_index=True), np.concatenate(parameters)


def saturated(architecture: Architecture, rows: np.ndarray, images: np.ndarray) -> np.ndarray:
    """How many first-layer units of networks (K, P) are saturated with one sign on the images (n, d), as (K,)."""
    first = architecture.split(rows.astype(np.float64))[0]
    output = np.tanh(first[:, :, :-1] @ images.T.astype(np.float64) + first[:, :, -1:])  # (K, units, n)
    shares = [(sign * output > LEVEL).mean(axis=-1) for sign in (1, -1)]
    return (np.maximum(*shares) >= SHARE).sum(axis=-1)
