"""Incomplete against complete invariants (section 4.2 of the paper): what do networks reach on them?

The norm of each irrep is an invariant, but norms alone forget more than the group asks for. For two groups:
- inversion: each pixel is an irrep. `square` keeps the norms, `neighbour` and `permuted` some of the relative signs,
  `quadratic` all of them, and so does `canonical`, which needs one feature per pixel only.
- translation around the cylinder (`translation`): each wave of a row is an irrep. `power` keeps the norms, `bispectrum`
  the phases within a row, `complete` those between rows too, and so does `aligned`, one feature per pixel.
What each map forgets in fact is counted in `symmetries`. The number of features differs, hence that of parameters:
`square` against `canonical` is the pair of equal size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.analysis.statistics import interval, resample, weighted_means
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import inversion, translation
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Marks
from symmetry_constrained.optim.problem import Budget

INVERSION = ("identity", "square", "neighbour", "permuted", "canonical", "quadratic")
TRANSLATION = tuple(translation.MAPS)
HIDDEN_LAYERS = (10, 5)
CELL = ["group", "features", "network", "budget", "feature_count", "parameters"]
CONTRAST = ["group", "network", "budget", "features", "against", "difference", "low", "high", "n"]


@dataclass(frozen=True)
class Group:
    """A group that acts on images, and the feature maps compared under it."""

    maps: tuple[str, ...]
    norms: str  # of the maps, the one that gives the norms of the irreps alone
    compute: Callable[[str, np.ndarray, tuple[int, int]], np.ndarray]
    # By a random element, or the only one but the identity.
    transform: Callable[[np.ndarray, tuple[int, int], np.random.Generator], np.ndarray]


GROUPS = {
    "inversion": Group(INVERSION, "square", inversion.compute, lambda images, shape, random: -images),
    "translation": Group(
        TRANSLATION,
        "power",
        translation.compute,
        lambda images, shape, random: translation.translate(images, random.uniform(0, 2 * np.pi, len(images)), shape),
    ),
}


def compare(
    dataset: Dataset,
    split: Split,
    number: int,
    group: str,
    features_: str,
    seeds: list[int],
    budgets: list[int],
    fraction: float = 1.0,
) -> pd.DataFrame:
    """Train both kinds of network on X through one of a group's maps: a row per network, seed and budget.

    Accuracy on the test images as they are and transformed: inverted, or each moved by a random angle that `number`,
    the split's, draws. All in float32, as the studies are. ValueError if the map is not one of the group's.
    """
    acting = GROUPS[group]
    if features_ not in acting.maps:
        raise ValueError(f"features: {features_!r} is unknown for {group}; choose one of {', '.join(acting.maps)}")
    split.check(dataset)
    rows = {"train": split.select("train", fraction), "test": split.select("test")}
    rows["transformed"] = rows["test"]
    if rows["train"].empty:
        raise ValueError(f"fraction: {fraction:g} of the training images is none")
    images = {name: split.images(dataset.images, of) for name, of in rows.items()}
    images["transformed"] = acting.transform(images["test"], dataset.shape, np.random.default_rng(number))
    inputs = {name: acting.compute(features_, values, dataset.shape) for name, values in images.items()}

    biased, lanes = np.repeat([True, False], len(seeds)), [*seeds, *seeds]
    architecture = Architecture(inputs["train"].shape[1], HIDDEN_LAYERS, CLASSES)
    ensemble = Ensemble(architecture, biased)
    samples = {name: ensemble.samples(values, rows[name]["label"].to_numpy()) for name, values in inputs.items()}
    starts = ensemble.initial(lanes)
    marks = Marks(budgets, starts)
    budget = Budget(max_evaluations=max(budgets))
    result = lbfgs.train(ensemble, starts, samples["train"], budget, accepted=marks.accepted)
    marks.close(result)
    tables = []
    for index, budget in enumerate(marks.budgets.tolist()):
        judged = {name: evaluate(ensemble, marks.rows[:, index], part) for name, part in samples.items()}
        columns = {
            "group": group,
            "split": number,
            "features": features_,
            "network": np.where(biased, "biased", "bias-free"),
            "seed": lanes,
            "fraction": fraction,
            "n_train": len(samples["train"]),
            "feature_count": architecture.inputs,
            "parameters": [architecture.parameters(bool(with_biases)) for with_biases in biased],
            "budget": budget,
            "evaluations": marks.evaluations[:, index],
            "train_loss": judged["train"].loss,
        }
        tables.append(pd.DataFrame(columns | {f"{name}_accuracy": part.accuracy for name, part in judged.items()}))
    return pd.concat(tables, ignore_index=True)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `compare` -> per map, network and budget the mean accuracies with 95 % intervals, and N networks.

    Intervals by resampling splits, then seeds.
    """
    rows = []
    for cell, networks in table.groupby(CELL, sort=False):
        row = dict(zip(CELL, cell, strict=True)) | {"n": len(networks)}
        weights = resample(networks["split"].to_numpy())
        for name in ("test_accuracy", "transformed_accuracy"):
            row[name] = networks[name].mean()
            draws = weighted_means(weights, networks[[name]].to_numpy())[:, 0]
            row[f"{name}_low"], row[f"{name}_high"] = interval(draws)
        rows.append(row)
    return pd.DataFrame(rows)


def contrasts(table: pd.DataFrame) -> pd.DataFrame:
    """What each map adds to the norms alone on transformed images: mean difference, 95 % interval, N pairs.

    Networks are paired by split and seed. A group whose norms were not trained on has no row.
    """
    rows = []
    for (group, network, budget), cell in table.groupby(["group", "network", "budget"], sort=False):
        accuracy = cell.pivot(index=["split", "seed"], columns="features", values="transformed_accuracy")
        norms = GROUPS[group].norms
        for name in [name for name in GROUPS[group].maps if norms in accuracy and name in accuracy]:
            difference = (accuracy[name] - accuracy[norms]).dropna()
            if name in ("identity", norms) or difference.empty:
                continue
            weights = resample(difference.index.get_level_values("split").to_numpy())
            low, high = interval(weighted_means(weights, difference.to_numpy()[:, None])[:, 0])
            rows.append(
                dict(zip(CONTRAST, (group, network, budget, name, norms), strict=False))
                | {"difference": difference.mean(), "low": low, "high": high, "n": len(difference)}
            )
    return pd.DataFrame(rows, columns=CONTRAST)
