"""Networks on incomplete and on complete invariants (section 4.2 of the paper).

The norm of each irrep is an invariant, but norms alone discard more than the group requires. Two groups are compared:
- inversion: each pixel is an irrep. `square` keeps the norms, `neighbour` and `permuted` some of the relative signs,
  `quadratic` all of them, and so does `canonical`, which needs one feature per pixel only.
- translation around the cylinder (`translation`): each wave of a row is an irrep. `power` keeps the norms, `bispectrum`
  the phases within a row, `complete` those between rows too, and so does `aligned`, one feature per pixel.
What each map discards is counted in `features.symmetries`. Maps differ in their number of features and so of
parameters; `square` and `canonical` are the pair of equal size.
"""

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features.groups import GROUPS
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.draws import initial_seeds
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Marks
from symmetry_constrained.optim.problem import Budget


def compare(
    dataset: Dataset,
    split: Split,
    number: int,
    group: str,
    features_: str,
    seeds: list[int],
    budgets: list[int],
    fraction: float = 1.0,
) -> tuple[pd.DataFrame, dict[int, np.ndarray]]:
    """Train both kinds of network on X through one of a group's maps.

    Returns a row per network, seed and budget, and by budget the networks' parameters (K, P) in float32, as judged.
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
        raise ValueError(f"fraction: {fraction:g} keeps no training image")
    images = {name: split.images(dataset.images, of) for name, of in rows.items()}
    images["transformed"] = acting.transform(images["test"], dataset.shape, np.random.default_rng(number))
    inputs = {name: acting.compute(features_, values, dataset.shape) for name, values in images.items()}

    biased, lanes = np.repeat([True, False], len(seeds)), [*seeds, *seeds]
    architecture = Architecture(inputs["train"].shape[1], paper.HIDDEN_LAYERS, CLASSES)
    ensemble = Ensemble(architecture, biased)
    samples = {name: ensemble.samples(values, rows[name]["label"].to_numpy()) for name, values in inputs.items()}
    starts = ensemble.initial(initial_seeds(number, lanes))
    marks = Marks(budgets, starts)
    budget = Budget(max_evaluations=max(budgets))
    result = lbfgs.train(ensemble, starts, samples["train"], budget, accepted=marks.accepted)
    marks.close(result)
    tables, parameters = [], {}
    for index, budget in enumerate(marks.budgets.tolist()):
        parameters[budget] = marks.rows[:, index].to(ensemble.dtype).numpy()
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
    return pd.concat(tables, ignore_index=True), parameters
