"""Bias-free networks that act as biased ones on images of one polarity (section 2.2 of the paper).

One extra neuron per hidden layer carries a constant. In the first layer it is tanh(−w Σx), which is close to 1 where
Σx < 0, as on digits; a larger w brings it closer, since 1 − tanh(w |Σx|) ≈ 2 exp(−2 w |Σx|). In each later layer it is
tanh(w · the extra neuron before), and a bias becomes a weight on the extra neuron of the layer below. So on X biases
can be emulated from the second layer on. On −X the constant has the opposite sign, and the network is still odd.

Pixels that never change, as on MNIST's margin, are such a constant already. No neuron has to saturate, and biases of
the first layer can be emulated too.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from symmetry_constrained import paper
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.ensemble import Ensemble, Samples
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget

# saturated: every extra neuron counts as 1, as in the paper. levelled: the later ones carry tanh(w), tanh(w tanh(w)),
# ..., and weights are divided by these known levels. constant pixels: the constant is exact.
CONSTRUCTIONS = ("saturated", "levelled", "constant pixels")
WEIGHTS = tuple(2.0 ** (third / 3) for third in range(-30, 16))  # 0.001 to 32
COLUMNS = [
    "training_set",
    "fraction",
    "hidden_layers",
    "seed",
    "construction",
    "weight",
    "images",
    "exceptions",
    "predicted_rate",
    "deviation",
    "largest_difference",
    "median_difference",
    "exceptions_difference",
    "inverted_difference",
    "oddness",
    "test_accuracy",
    "inverted_accuracy",
    "biased_test_accuracy",
    "biased_inverted_accuracy",
]


def first_biases(architecture: Architecture) -> np.ndarray:
    """Mask (P,) of the parameters that are biases of the first layer."""
    mask = np.zeros((1, architecture.row_length), dtype=bool)
    architecture.split(mask)[0][:, :, -1] = True
    return mask[0]


def constant_pixels(split: Split) -> np.ndarray:
    """Mask (d,) of the pixels that never change in the images that define the scaling; scaled, they are exactly −1."""
    return split.minimum == split.maximum


def saturating(
    architecture: Architecture, rows: np.ndarray, weight: float, levelled: bool
) -> tuple[Architecture, np.ndarray]:
    """Networks (K, P) without biases in their first layer -> the bias-free ones whose extra neurons saturate on Σx.

    weight: of the first extra neuron on −Σx, and of each later one on the one before. Returns the wider architecture
    and its rows. ValueError if a first-layer bias is not 0: there is no constant to make it from.
    """
    if architecture.split(rows)[0][:, :, -1].any():
        raise ValueError("a saturated neuron gives no bias to its own layer, the first; these biases must be 0")
    on_inputs = np.full(architecture.inputs, -weight)
    return _widen(architecture, rows, on_inputs, level=1.0, carry=weight, levelled=levelled)


def on_constant_pixels(
    architecture: Architecture, rows: np.ndarray, constant: np.ndarray
) -> tuple[Architecture, np.ndarray]:
    """Biased networks (K, P) -> bias-free ones of the same logits wherever the pixels of the mask (d,) are −1.

    The first layer's biases are spread on these pixels. ValueError if there are none.
    """
    if not constant.any():
        raise ValueError("no pixel is constant, so a bias-free network has no constant input")
    unit = np.where(constant, -1 / constant.sum(), 0.0)  # unit · x = 1
    spread = rows.copy()
    first = architecture.split(spread)[0]
    first[:, :, :-1] += first[:, :, -1:] * unit
    first[:, :, -1] = 0
    return _widen(architecture, spread, unit, level=np.tanh(1.0), carry=1.0, levelled=True)


def _widen(
    architecture: Architecture, rows: np.ndarray, on_inputs: np.ndarray, level: float, carry: float, levelled: bool
) -> tuple[Architecture, np.ndarray]:
    """Add a neuron to every hidden layer and make biases weights on it.

    on_inputs: the first extra neuron's weights (d,); level: its value; carry: a later one's weight on the one before.
    """
    wider = Architecture(architecture.inputs, tuple(units + 1 for units in architecture.units), architecture.classes)
    widened = np.zeros((len(rows), wider.row_length))
    old, new = architecture.split(rows), wider.split(widened)
    new[0][:, :-1, :-1] = old[0][:, :, :-1]
    new[0][:, -1, :-1] = on_inputs
    for index in range(1, len(old)):
        units = old[index].shape[1]
        new[index][:, :units, :-2] = old[index][:, :, :-1]
        new[index][:, :units, -2] = old[index][:, :, -1] / (level if levelled else 1.0)
        if index < len(old) - 1:
            new[index][:, -1, -2] = carry
            level = np.tanh(carry * level)
    return wider, widened


def conditions(dataset: Dataset, split: Split) -> pd.DataFrame:
    """Whether the images provide the constants: a row for the training images and one for the test images.

    negative, zero, positive: images by the sign of Σx; smallest_sum, median_sum: of |Σx|. constant_pixels: the number
    of `constant_pixels`; unshifted_constant_pixels: the same among the training images that no nudge moved. Test images
    may still have ink there: changed_pixels and changed_images count it, and largest_value is its largest scaled value.
    """
    split.check(dataset)
    constant, rows = constant_pixels(split), []
    unshifted = split.select("train").query("shift == 'none'")["image"].to_numpy()
    pixels = dataset.images[unshifted].reshape(len(unshifted), -1)
    for subset in ("train", "test"):
        images = split.images(dataset.images, split.select(subset), np.float64)
        sums, margin = images.sum(1), images[:, constant]
        rows.append(
            {
                "set": subset,
                "images": len(images),
                "negative": (sums < 0).sum(),
                "zero": (sums == 0).sum(),
                "positive": (sums > 0).sum(),
                "smallest_sum": np.abs(sums).min(),
                "median_sum": np.median(np.abs(sums)),
                "pixels": images.shape[1],
                "constant_pixels": constant.sum(),
                "unshifted_constant_pixels": (pixels.min(0) == pixels.max(0)).sum(),
                "changed_pixels": (margin != -1).any(0).sum(),
                "changed_images": (margin != -1).any(1).sum(),
                "largest_value": margin.max() if constant.any() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def train(
    dataset: Dataset,
    split: Split,
    training_set: str,
    first_layer: bool,
    seeds: list[int],
    hidden_layers: tuple[int, ...] = paper.HIDDEN_LAYERS,
    fraction: float = 1.0,
    *,
    budget: Budget,
) -> tuple[Architecture, np.ndarray]:
    """Train networks on pixels in float32, biased from the second layer on, with `first_layer` in the first layer too.

    Returns their architecture and their parameters rows (K, P). ValueError without seeds.
    """
    if not len(seeds):
        raise ValueError("there must be at least one seed")
    images, labels = inputs.training_inputs(dataset, split, "identity", training_set, 0, fraction)
    architecture = Architecture(images.shape[1], hidden_layers, CLASSES)
    ensemble = Ensemble(architecture, np.ones(len(seeds), dtype=bool))
    ensemble.trainable *= torch.from_numpy(~first_biases(architecture) | first_layer)
    samples = ensemble.samples(images, labels)
    result = lbfgs.train(ensemble, ensemble.initial(seeds) * ensemble.trainable, samples, budget)
    return architecture, result.x.numpy()


def study(
    dataset: Dataset,
    split: Split,
    training_sets: Sequence[str],
    seeds: list[int],
    weights: Sequence[float] = WEIGHTS,
    fraction: float = 1.0,
    *,
    hidden_layers: tuple[int, ...] = paper.HIDDEN_LAYERS,
    budget: Budget,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Train, build the bias-free networks of every construction and weight, and compare logits in float64.

    A row per training set, seed, construction and weight; constant pixels have no weight, and no row in a dataset
    without them. And the biased networks' parameters (K, P) by `training set/saturated`, which levelled ones share, and
    `training set/constant pixels`. ValueError without a test image of negative Σx.

    images: test images on which the extra neuron is constant; exceptions: all others. predicted_rate: the r of theory,
    by which the difference falls as exp(−r · weight). deviation: the largest |1 − first extra neuron| on the images.
    largest_difference, median_difference: over the images, of the two networks' logits (the largest over classes);
    exceptions_difference: the smallest over the exceptions; inverted_difference: the median over the images inverted.
    oddness: the largest |f(−x) + f(x)| of the bias-free network. Accuracies are on all test images.
    """
    tests, labels = inputs.test_inputs(dataset, split, "identity", np.float64)
    sums, constant = tests["original"].sum(1), constant_pixels(split)
    negative, parts, trained = sums < 0, [], {}
    if not negative.any():
        raise ValueError("no test image has a negative Σx, so none has the constant")
    smallest = np.abs(sums[negative]).min()

    def fit(training_set: str, first_layer: bool) -> tuple[Architecture, np.ndarray]:
        return train(dataset, split, training_set, first_layer, seeds, hidden_layers, fraction=fraction, budget=budget)

    for training_set in training_sets:
        architecture, rows = fit(training_set, False)
        trained[f"{training_set}/saturated"] = rows
        comparison = Comparison(architecture, rows, tests, labels)
        for construction in CONSTRUCTIONS[:2]:
            levelled = construction == "levelled"
            # The first extra neuron saturates on Σx, each later one on the 1 of the neuron before.
            slowest = smallest if levelled or len(architecture.hidden_layers) == 1 else min(smallest, 1.0)
            for weight in weights:
                compared = comparison.against(*saturating(architecture, rows, weight, levelled), negative)
                deviation = 2 * expit(-2 * weight * smallest)  # 1 − tanh, without its rounding
                columns = {"construction": construction, "weight": weight, "predicted_rate": 2 * slowest}
                parts.append(compared.assign(training_set=training_set, seed=seeds, deviation=deviation, **columns))
        if constant.any():
            architecture, rows = fit(training_set, True)
            trained[f"{training_set}/constant pixels"] = rows
            unchanged = (tests["original"][:, constant] == -1).all(1)
            comparison = Comparison(architecture, rows, tests, labels)
            compared = comparison.against(*on_constant_pixels(architecture, rows, constant), unchanged)
            parts.append(compared.assign(training_set=training_set, seed=seeds, construction="constant pixels"))
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(fraction=fraction, hidden_layers=hyphenated(architecture.hidden_layers))
    return table[COLUMNS], trained


class Comparison:
    """The logits of biased networks on test images as they are and inverted, to compare bias-free networks with."""

    def __init__(self, architecture: Architecture, rows: np.ndarray, tests: dict[str, np.ndarray], labels: np.ndarray):
        """rows (K, P). tests: images (n, d), `original` and `inverted`, in float64; labels (n,)."""
        ensemble = Ensemble(architecture, np.ones(len(rows), dtype=bool), dtype=torch.float64)
        self.labels = labels
        self.samples = {name: ensemble.samples(images, labels) for name, images in tests.items()}
        self.logits = {name: logits(ensemble, rows, samples) for name, samples in self.samples.items()}

    def against(self, architecture: Architecture, rows: np.ndarray, constant: np.ndarray) -> pd.DataFrame:
        """The columns of `study` for bias-free networks (K, P'), a row each.

        constant: mask (n,) of the images on which the extra neuron is constant.
        """
        ensemble = Ensemble(architecture, np.zeros(len(rows), dtype=bool), dtype=torch.float64)
        copies = {name: logits(ensemble, rows, samples) for name, samples in self.samples.items()}
        apart = {name: np.abs(copies[name] - self.logits[name]).max(1) for name in copies}  # (K, n)
        return pd.DataFrame(
            {
                "images": constant.sum(),
                "exceptions": (~constant).sum(),
                "largest_difference": apart["original"][:, constant].max(1),
                "median_difference": np.median(apart["original"][:, constant], axis=1),
                "exceptions_difference": apart["original"][:, ~constant].min(1) if not constant.all() else np.nan,
                "inverted_difference": np.median(apart["inverted"][:, constant], axis=1),
                "oddness": np.abs(copies["original"] + copies["inverted"]).max((1, 2)),
                "test_accuracy": self._accuracy(copies["original"]),
                "inverted_accuracy": self._accuracy(copies["inverted"]),
                "biased_test_accuracy": self._accuracy(self.logits["original"]),
                "biased_inverted_accuracy": self._accuracy(self.logits["inverted"]),
            }
        )

    def _accuracy(self, values: np.ndarray) -> np.ndarray:
        """Logits (K, classes, n) -> (K,)."""
        return (values.argmax(1) == self.labels).mean(1)


def logits(ensemble: Ensemble, rows: np.ndarray, samples: Samples) -> np.ndarray:
    """The logits (K, classes, n) of parameters rows (K, P)."""
    together = np.empty((len(rows), ensemble.architecture.classes, len(samples)))
    for lanes, block, values in ensemble.logits(torch.from_numpy(rows), samples):
        together[lanes, :, block] = values.numpy()
    return together
