"""A published network trained again from its own split and seed: by scikit-learn, by us, and from perturbed weights."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from sklearn.utils import shuffle

from symmetry_constrained import paper
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training import scikit_learn

BUDGETS = {"evaluations": Budget(max_evaluations=paper.BUDGET), "iterations": Budget(max_iterations=paper.BUDGET)}


class Recipe:
    """The data and settings of one published network, given to both solvers: its split, features, labels and seed."""

    def __init__(self, row: pd.Series, dataset: Dataset, split: Split):
        # The digits were float32; mldata.org's MNIST was bytes, scaled in float64.
        dtype = np.float32 if row["dataset"] == "digits" else np.float64
        self.inputs, self.labels = inputs.training_inputs(
            dataset, split, row["features"], row["training_set"], int(row["split_seed"]), dtype=dtype
        )
        if row["table"] == "talk" and row["training_set"] == "augmented":
            self.inputs, self.labels = shuffle(self.inputs, self.labels, random_state=paper.TALK_SHUFFLE_SEED)
        self.test_inputs, self.test_labels = inputs.test_inputs(dataset, split, row["features"], dtype)
        self.architecture = Architecture(self.inputs.shape[1], paper.HIDDEN_LAYERS, CLASSES)
        self.biased, self.seed = row["network"] == "biased", int(row["network_seed"])

    def by_scikit_learn(self, budget: Budget) -> dict[str, float]:
        """One network by scikit-learn's own estimator in float64."""
        network = scikit_learn.fit(
            self.inputs,
            self.labels,
            biased=self.biased,
            seed=self.seed,
            budget=budget,
            hidden_layers=paper.HIDDEN_LAYERS,
            alpha=paper.ALPHA,
        )
        accuracy = {
            name: network.score(values.astype(np.float64), self.test_labels)
            for name, values in self.test_inputs.items()
        }
        return accuracy | {"iterations": network.n_iter_, "evaluations": network.evaluations_}

    def by_ensemble(self, budget: Budget, offsets: np.ndarray, device: str) -> pd.DataFrame:
        """Networks by our optimiser in float64, one per row of offsets (K, P) to the initial parameters."""
        ensemble = Ensemble(self.architecture, np.full(len(offsets), self.biased), paper.ALPHA, torch.float64, device)
        train = ensemble.samples(self.inputs, self.labels)
        keep = ensemble.trainable.cpu().numpy()
        initial = self.architecture.initial(self.seed, self.biased) + offsets * keep
        result = lbfgs.train(ensemble, torch.tensor(initial, device=device), train, budget)
        accuracy = {
            name: evaluate(ensemble, result.x, ensemble.samples(values, self.test_labels)).accuracy
            for name, values in self.test_inputs.items()
        }
        effort = {"iterations": result.iterations.numpy(), "evaluations": result.evaluations.numpy()}
        return pd.DataFrame(accuracy | effort | {"status": result.status})


def rerun(recipe: Recipe, device: str, solvers: list[str], budgets: list[str]) -> pd.DataFrame:
    """Train the network's seed with each solver under each reading of the budget.

    A row per solver and budget: accuracies on the test sets, iterations and evaluations.
    """
    rows = []
    for name in budgets:
        if "scikit-learn" in solvers:
            rows.append({"solver": "scikit-learn", "budget": name} | recipe.by_scikit_learn(BUDGETS[name]))
        if "ours" in solvers:
            ours = recipe.by_ensemble(BUDGETS[name], np.zeros((1, recipe.architecture.row_length)), device)
            rows.append({"solver": "ours", "budget": name} | ours.iloc[0].drop("status").to_dict())
    return pd.DataFrame(rows)


def perturb(
    recipe: Recipe,
    settled: Callable[[pd.DataFrame | None], bool],
    device: str,
    *,
    networks: int,
    at_a_time: int,
    size: float,
) -> pd.DataFrame:
    """Train networks whose initial weights are moved by up to ±size, to see how far rounding alone carries the result.

    settled: given the networks trained so far (None at the start), whether the verdict on the published numbers is
    final. Training ends once it is, or with the number of networks given.
    """
    trained = pd.DataFrame(columns=["run", "original", "inverted", "iterations", "evaluations", "status"])
    random = np.random.default_rng(0)
    done = settled(None)
    while not done and len(trained) < networks:
        count = min(at_a_time, networks - len(trained))
        offsets = random.uniform(-size, size, (count, recipe.architecture.row_length))
        more = recipe.by_ensemble(BUDGETS["evaluations"], offsets, device)
        more.insert(0, "run", range(len(trained), len(trained) + count))
        trained = more if trained.empty else pd.concat([trained, more], ignore_index=True)
        done = settled(trained)
    return trained
