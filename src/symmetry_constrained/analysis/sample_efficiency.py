"""Sample efficiency: how many images a model needs for a given accuracy, and how many its rival needs.

The images needed are read off the learning curve, the mean accuracy of a model's networks against the number of
images. In the setting `both` the accuracy is the lower of those on X and −X, and the rival is the biased network
trained on ±X. In the setting `random-sign` it is the accuracy on test images of random sign, and the rival is trained
on images of random sign. The second is the setting of Bietti, Venturi and Bruna (2021) and of Tahmasebi and Jegelka
(2023): invariance under a group of two elements saves at most a factor 2.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.analysis.columns import CELL, MODEL, STUDY, derive
from symmetry_constrained.analysis.summary import Study

# setting -> the accuracy, and the training set of the rival, whose features are pixels.
SETTINGS = {"both": ("both_accuracy", "augmented"), "random-sign": ("random_sign_accuracy", "random-sign")}
METRICS = [metric for metric, _ in SETTINGS.values()]
COLUMNS = [*STUDY, "network", "features", "training_set", "hidden_layers", "setting", "target"]
COLUMNS += ["images", "low", "high", "reached", "at_most", "reference", "ratio", "ratio_low", "ratio_high"]
COLUMNS += ["ratio_bound", "n"]


def images_needed(images: np.ndarray, curves: np.ndarray, target: float) -> np.ndarray:
    """Images (B,) at which curves (B, F) over images (F,), ascending, first reach the target.

    Accuracy is interpolated linearly against log(images). inf: never reached. A curve that starts at the target or
    above gives the first number of images, an upper limit. A nan counts as below the target.
    """
    reached = curves >= target
    after = reached.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    row = np.arange(len(curves))
    start, end = curves[row, before], curves[row, after]
    share = np.ones(len(curves))
    # Without a point before the crossing to interpolate from, the crossing itself is used.
    between = (after > 0) & ~np.isnan(start)
    np.divide(target - start, end - start, out=share, where=between & reached.any(axis=1))
    log = np.log(images)
    # Exact at the points themselves, where exp(log(n)) may differ from n.
    needed = np.where(share == 1, images[after], np.exp(log[before] + share * (log[after] - log[before])))
    return np.where(reached.any(axis=1), needed, np.inf)


def sample_efficiency(networks: pd.DataFrame, targets: dict[str, list[float]]) -> pd.DataFrame:
    """`networks.csv` -> `sample_efficiency.csv`, a row per model trained on several fractions, setting and target.

    targets: by dataset. images: the number needed; low, high: its 95 % interval (`statistics.resample`); reached: the
    share of the bootstrap's draws that reach the target. A number of images is empty where no fraction reached the
    target, so an interval with an empty `high` is open. at_most: the smallest fraction already reaches the target, so
    `images` is an upper limit.
    reference: the rival, of the same hidden layers, its networks resampled together with the model's. In the setting
    `both`, bias-free networks have a second row against the bias-free rival, which cannot learn from ±X. ratio: the
    rival's images over the model's; inf if only the model reaches the target, empty without a rival or if the model
    does not reach it. ratio_low, ratio_high: over the draws in which one of the two does; 0 if only the rival does.
    ratio_bound: `at least` if the model's images are an upper limit, `at most` if the rival's are. If both are, the
    ratio is unknown and empty.
    """
    rows = []
    for study, group in derive(networks).groupby(STUDY, sort=False):
        accuracies = targets.get(study[STUDY.index("dataset")], [])
        rows += [dict(zip(STUDY, study, strict=True)) | row for row in _of_study(group, accuracies)]
    return pd.DataFrame(rows, columns=COLUMNS)


class Curves:
    """The learning curves of a model: of its networks, then in every draw of the bootstrap."""

    def __init__(self, cells: pd.DataFrame, values: np.ndarray, weights: np.ndarray):
        """cells: the model's (F,). values: accuracies (N, F). weights: (B, N), the first row all ones."""
        order = np.argsort(cells["images"].to_numpy(), kind="stable")
        self.images = cells["images"].to_numpy()[order]  # (F,)
        self.curves = statistics.weighted_means(weights, values[:, order])  # (B, F)
        self.n = int((~np.isnan(values)).any(axis=1).sum())

    def needed(self, target: float) -> np.ndarray:
        """Images needed, (B,): by its networks, then in each draw."""
        return images_needed(self.images, self.curves, target)

    def at_most(self, target: float) -> bool:
        return bool(self.curves[0, 0] >= target)


def _of_study(networks: pd.DataFrame, accuracies: list[float]) -> Iterator[dict[str, object]]:
    """One study's rows, without its name."""
    study = Study.of(networks, METRICS, CELL)
    drawn = statistics.resample(study.splits)
    weights = np.concatenate([np.ones((1, len(study.splits))), drawn])
    several = {
        model: cells.index.to_numpy()
        for model, cells in study.cells.groupby(MODEL, sort=False)
        if cells["images"].nunique() > 1
    }
    for number, (setting, (_, rival)) in enumerate(SETTINGS.items()):
        curves = {
            model: Curves(study.cells.loc[cells], study.values[:, cells, number], weights)
            for model, cells in several.items()
        }
        for model, own in curves.items():
            identity = dict(zip(MODEL, model, strict=True)) | {"setting": setting, "n": own.n}
            names = ["biased"]
            if setting == "both" and model[MODEL.index("network")] == "bias-free":
                names.append("bias-free")
            for name in names:
                other = curves.get(("identity", rival, name, model[MODEL.index("hidden_layers")]))
                identity["reference"] = None if other is None else f"{name} identity/{rival}"
                for target in accuracies:
                    yield identity | {"target": target} | _images(own, target) | _ratio(own, other, target)


def _images(own: Curves, target: float) -> dict:
    needed = own.needed(target)
    ends = np.array([needed[0], *statistics.interval(needed[1:])])
    ends[np.isinf(ends)] = np.nan
    images = dict(zip(("images", "low", "high"), ends, strict=True))
    return images | {"reached": np.isfinite(needed[1:]).mean(), "at_most": own.at_most(target)}


def _ratio(own: Curves, other: Curves | None, target: float) -> dict:
    """The rival's images over the model's, with the interval of its draws."""
    if other is None or (own.at_most(target) and other.at_most(target)):
        return {}
    model, reference = own.needed(target), other.needed(target)
    if np.isinf(model[0]):
        return {}
    neither = np.isinf(model) & np.isinf(reference)
    ratio = np.divide(reference, model, out=np.full(len(model), np.nan), where=~neither)
    low, high = statistics.interval(ratio[1:])
    bound = "at least" if own.at_most(target) else "at most" if other.at_most(target) else None
    return {"ratio": ratio[0], "ratio_low": low, "ratio_high": high, "ratio_bound": bound}
