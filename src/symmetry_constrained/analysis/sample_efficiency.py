"""Sample efficiency: how many images a model needs for a given accuracy, and how many its rival needs.

The images needed are read off the learning curve, the mean accuracy of a model's networks against the number of
images. With the signs `both` the accuracy is the lower of those on X and −X, and the rival is the biased network
trained on ±X. With `random-sign` it is the accuracy on test images of random sign, and the rival is trained
on images of random sign. The second is that of Bietti, Venturi and Bruna (2021) and of Tahmasebi and Jegelka
(2023): invariance under a group of two elements saves at most a factor 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals
from symmetry_constrained.analysis.columns import CELL, MODEL, STUDY, derive
from symmetry_constrained.analysis.intervals import Needed
from symmetry_constrained.analysis.summary import Study

# signs -> the accuracy, and the training set of the rival, whose features are pixels.
SIGNS = {"both": ("both_accuracy", "augmented"), "random-sign": ("random_sign_accuracy", "random-sign")}
METRICS = [metric for metric, _ in SIGNS.values()]
COLUMNS = [*STUDY, "network", "features", "training_set", "hidden_layers", "signs", "target"]
COLUMNS += ["images", "low", "high", "reached", "at_most", "reference", "ratio", "ratio_low", "ratio_high"]
COLUMNS += ["ratio_bound", "n"]


def sample_efficiency(networks: pd.DataFrame, targets: dict[str, list[float]]) -> pd.DataFrame:
    """`networks.csv` -> `sample_efficiency.csv`, a row per model trained on several fractions, signs and target.

    targets: by dataset. images: the number needed (`intervals.crossing_needed`); low, high: its 95 % interval, from the
    smallest number tried; reached: the share of networks with the most images that reach the target. A number of
    images is empty where no fraction reaches the target, so an interval with an empty `high` is open. at_most: the
    smallest fraction already reaches the target, so `images` is an upper limit.
    reference: the rival, of the same hidden layers. With the signs `both`, bias-free networks have a second row against
    the bias-free rival, which cannot learn from ±X. ratio: the rival's images over the model's; inf if only the model
    reaches the target, empty without a rival or if the model does not reach it. ratio_low, ratio_high: its interval
    (`intervals.ratio`); where the rival does not reach the target, its most images count for ratio_low. An end is 0
    or inf where a curve may be at the target from the smallest fraction on, or never.
    ratio_bound: `at least` if the model's images are an upper limit, `at most` if the rival's are. If both are, the
    ratio is unknown and empty.
    """
    rows = []
    for study, group in derive(networks).groupby(STUDY, sort=False):
        accuracies = targets.get(study[STUDY.index("dataset")], [])
        rows += [dict(zip(STUDY, study, strict=True)) | row for row in _of_study(group, accuracies)]
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True)
class Curves:
    """The learning curves of a model's networks. A network that is missing or failed has nan."""

    images: np.ndarray  # (F,), ascending
    values: np.ndarray  # accuracies (N, F)
    splits: np.ndarray  # (N,)

    def needed(self, target: float) -> Needed:
        """Images needed by the mean curve."""
        return intervals.crossing_needed(self.images, self.values, self.splits, target)

    def at_most(self, target: float) -> bool:
        return bool(intervals.means(self.values[:, 0]) >= target)


def _of_study(networks: pd.DataFrame, accuracies: list[float]) -> Iterator[dict[str, object]]:
    """One study's rows, without its name."""
    study = Study.of(networks, METRICS, CELL)
    several = {
        model: cells.sort_values("images", kind="stable")["images"]
        for model, cells in study.cells.groupby(MODEL, sort=False)
        if cells["images"].nunique() > 1
    }
    for number, (signs, (_, rival)) in enumerate(SIGNS.items()):
        curves = {
            model: Curves(images.to_numpy(), study.values[:, images.index, number], study.splits)
            for model, images in several.items()
        }
        for model, own in curves.items():
            n = int((~np.isnan(own.values)).any(axis=1).sum())
            identity = dict(zip(MODEL, model, strict=True)) | {"signs": signs, "n": n}
            names = ["biased"]
            if signs == "both" and model[MODEL.index("network")] == "bias-free":
                names.append("bias-free")
            for name in names:
                other = curves.get(("identity", rival, name, model[MODEL.index("hidden_layers")]))
                identity["reference"] = None if other is None else f"{name} identity/{rival}"
                for target in accuracies:
                    yield identity | {"target": target} | _images(own, target) | _ratio(own, other, target)


def _images(own: Curves, target: float) -> dict:
    needed, most = own.needed(target), own.values[:, -1]
    ends = np.array([needed.value, np.maximum(needed.low, own.images[0]), needed.high])
    ends[np.isinf(ends)] = np.nan
    images = dict(zip(("images", "low", "high"), ends, strict=True))
    reached = (most[~np.isnan(most)] >= target).mean() if not np.isnan(most).all() else np.nan
    return images | {"reached": reached, "at_most": own.at_most(target)}


def _ratio(own: Curves, other: Curves | None, target: float) -> dict:
    """The rival's images over the model's, with its interval."""
    if other is None or (own.at_most(target) and other.at_most(target)):
        return {}
    needed = own.needed(target)
    if np.isinf(needed.value):
        return {}
    if other is own:
        return {"ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0}
    ratio, low, high = map(float, intervals.ratio(other.needed(target), needed))
    bound = "at least" if own.at_most(target) else "at most" if other.at_most(target) else None
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high, "ratio_bound": bound}
