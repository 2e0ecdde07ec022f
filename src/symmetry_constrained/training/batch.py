"""A training batch: every network of one dataset, protocol, split, feature map and training set.

For each fraction of the training images, both kinds of network and all seeds train together as one ensemble. The
result holds a row per network, a row per network and checkpoint, the weights and the predictions.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.draws import initial_seeds
from symmetry_constrained.networks.ensemble import Ensemble, Samples, resolve_device
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Checkpoints
from symmetry_constrained.optim.problem import Budget, Result
from symmetry_constrained.training import capacity
from symmetry_constrained.training.capacity import Plan
from symmetry_constrained.training.judging import HELD_OUT, HeldOut
from symmetry_constrained.training.spec import Spec

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass
class Batch:
    """The results of a batch; arrays are keyed by `fraction` or `fraction/test set`, with a row per network."""

    networks: pd.DataFrame
    history: pd.DataFrame
    timings: pd.DataFrame
    weights: dict[str, np.ndarray] = field(repr=False)  # (K, P)
    predictions: dict[str, np.ndarray] = field(repr=False)  # (K, n_test) uint8


def train_batch(
    spec: Spec, dataset: Dataset, split: Split, progress: Callable[[str], None] = lambda line: None
) -> Batch:
    """Train and judge the batch's networks and put them in tables. `progress` is given a line every ten seconds.

    On a GPU with little memory the networks are trained in groups. ValueError in one line for a device that is not
    there or too small, and, naming the cell of the study, for inputs that are not finite, a split that does not belong
    to the dataset, or a class without training images.
    """
    try:
        plan = _plan(spec, dataset, split)
        groups = [
            _train_group(spec, dataset, split, progress, plan, slice(start, start + plan.together))
            for start in range(0, plan.networks, plan.together)
        ]
    except torch.OutOfMemoryError:
        raise ValueError(
            f"device: {spec.device} has no memory left, perhaps because others use it: lower seeds, fractions or "
            "hidden_layers, or choose cpu"
        ) from None
    parts = [part for of_fraction in zip(*groups, strict=True) for part in of_fraction]
    history = pd.concat([part.history for part in parts], ignore_index=True)
    # A budget that ends on a checkpoint gives the same row twice.
    keys = ["network", "fraction", "seed", "iterations"]
    return Batch(
        networks=pd.concat([part.networks for part in parts], ignore_index=True),
        history=history.drop_duplicates(keys).sort_values(keys, kind="stable", ignore_index=True),
        timings=pd.concat([part.timings for part in parts]).groupby("fraction", sort=False, as_index=False).sum(),
        weights=_stacked([part.weights for part in parts]),
        predictions=_stacked([part.predictions for part in parts]),
    )


def _stacked(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of each name, one below the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.concatenate([part[name] for part in parts if name in part]) for name in names}


def _plan(spec: Spec, dataset: Dataset, split: Split) -> Plan:
    """How many of the batch's networks are trained together, and in which blocks."""
    device, networks = resolve_device(spec.device), len(spec.networks) * len(spec.seeds)
    with _in_cell(spec):
        test = inputs.test(dataset, split, spec.features)["original"].shape
        train = inputs.training(dataset, split, spec.features, spec.training_set, spec.split, max(spec.fractions)).shape
        architecture = Architecture(test[1], tuple(spec.hidden_layers), CLASSES)
        layers = Ensemble(architecture, np.zeros(1, dtype=bool), spec.alpha, DTYPES[spec.dtype], device).layers
        sets = [train[0], *[test[0]] * len(HELD_OUT)]
        return capacity.plan(layers, networks, sets, len(spec.checkpoints), torch.device(device))


def _train_group(*arguments: Any) -> list[Batch]:
    """The results of a `_Trainer`, fraction by fraction."""
    trainer = _Trainer(*arguments)
    return [trainer.train(fraction) for fraction in trainer.spec.fractions]


class _Trainer:
    """Trains networks of a batch on one fraction of the training images after the other, from the same start."""

    def __init__(
        self,
        spec: Spec,
        dataset: Dataset,
        split: Split,
        progress: Callable[[str], None],
        plan: Plan,
        networks: slice,
    ):
        """networks: which of the batch's are trained, each of `spec.networks` with all seeds, in turn."""
        self.spec, self.dataset, self.split, self.progress = spec, dataset, split, progress
        device = resolve_device(spec.device)
        with _in_cell(spec):
            shown = inputs.test(dataset, split, spec.features)
            self.architecture = Architecture(shown["original"].shape[1], tuple(spec.hidden_layers), CLASSES)
        self.biased = np.repeat([name == "biased" for name in spec.networks], len(spec.seeds))[networks]  # (K,)
        self.seeds = np.tile(spec.seeds, len(spec.networks))[networks]  # (K,)
        self.ensemble = Ensemble(self.architecture, self.biased, spec.alpha, DTYPES[spec.dtype], device)
        self.ensemble.layers.block_bytes = plan.block_bytes
        with _in_cell(spec):
            self.held_out = HeldOut.of(self.ensemble, shown)
        self.initial = self.ensemble.initial(initial_seeds(spec.split, self.seeds))  # (K, P)

    def train(self, fraction: float) -> Batch:
        """The batch's networks on one fraction of the training images."""
        began = time.perf_counter()
        train = self._training_samples(fraction)
        featured = time.perf_counter()
        checkpoints = Checkpoints(self.spec.checkpoints, self.initial)
        result = lbfgs.train(
            self.ensemble,
            self.initial,
            train,
            Budget(**self.spec.budget),
            accepted=checkpoints.accepted,
            ticked=_reporter(self.progress, self.spec, fraction, len(self.initial)),
        )
        trained = time.perf_counter()
        batch = self._judged(fraction, train, result, checkpoints)
        batch.timings = pd.DataFrame(
            {
                "fraction": [fraction],
                "networks": [len(self.initial)],
                "evaluations": [int(result.evaluations.sum())],
                "feature_seconds": [featured - began],
                "training_seconds": [trained - featured],
                "judging_seconds": [time.perf_counter() - trained],
            }
        )
        return batch

    def _training_samples(self, fraction: float) -> Samples:
        """ValueError if a class has no image among them."""
        spec = self.spec
        with _in_cell(spec, fraction):
            given = inputs.training(self.dataset, self.split, spec.features, spec.training_set, spec.split, fraction)
            labels = given.labels
            missing = sorted(set(range(CLASSES)) - set(labels.tolist()))
            if missing:
                raise ValueError(f"none of its {len(labels)} training images is a {' or a '.join(map(str, missing))}")
            return self.ensemble.samples(given, labels)

    def _judged(self, fraction: float, train: Samples, result: Result, checkpoints: Checkpoints) -> Batch:
        """The tables of the networks trained, without timings."""
        identity = self._identity(fraction, len(train))
        flop = np.array([flop_per_evaluation(self.architecture, bool(b), len(train)) for b in self.biased])
        judged, classes = self.held_out.judge(self.ensemble, result.x, train)
        evaluations = result.evaluations.numpy()
        effort = pd.DataFrame({"iterations": result.iterations.numpy(), "evaluations": evaluations})
        end = pd.DataFrame(
            {
                "status": result.status,
                "parameters": [self.architecture.parameters(bool(b)) for b in self.biased],
                "flop": flop * evaluations,
            }
        )
        # Networks that diverged keep their row in `networks`, and are left out of the history.
        finite = (end["status"] != "non_finite").to_numpy()
        passed = self._at_checkpoints(checkpoints, identity, flop, train)
        at_end = pd.concat([identity, effort, judged, end[["flop"]]], axis=1)
        key = format(fraction, "g")
        return Batch(
            networks=pd.concat([identity, judged, effort, end], axis=1),
            history=pd.concat([part[finite[part.index]] for part in (*passed, at_end)]),
            timings=pd.DataFrame(),
            weights={key: result.x.to(self.ensemble.dtype).cpu().numpy()},
            predictions={f"{key}/{name}": predicted for name, predicted in classes.items()},
        )

    def _identity(self, fraction: float, n_train: int) -> pd.DataFrame:
        """The columns that say which network each row is about."""
        spec = self.spec
        return pd.DataFrame(
            {
                "study": spec.study,
                "dataset": spec.dataset,
                "protocol": spec.protocol,
                "split": spec.split,
                "features": spec.features,
                "training_set": spec.training_set,
                "network": np.where(self.biased, "biased", "bias-free"),
                "hidden_layers": hyphenated(spec.hidden_layers),
                "fraction": fraction,
                "seed": self.seeds,
                "n_train": n_train,
            }
        )

    def _at_checkpoints(
        self, checkpoints: Checkpoints, identity: pd.DataFrame, flop: np.ndarray, train: Samples
    ) -> Iterator[pd.DataFrame]:
        """Per checkpoint, a row for each network that reached it, indexed by the network's place in the ensemble."""
        for index, iterations in enumerate(checkpoints.iterations.tolist()):
            evaluations = checkpoints.evaluations[:, index]
            judged, _ = self.held_out.judge(self.ensemble, checkpoints.rows[:, index], train)
            effort = pd.DataFrame({"iterations": iterations, "evaluations": evaluations})
            cost = pd.DataFrame({"flop": flop * evaluations})
            yield pd.concat([identity, effort, judged, cost], axis=1)[evaluations > 0]


@contextmanager
def _in_cell(spec: Spec, fraction: float | None = None) -> Iterator[None]:
    """Put the cell of the study where a ValueError arose before its message."""
    try:
        yield
    except ValueError as error:
        layers = hyphenated(spec.hidden_layers)
        where = [spec.study, spec.features, spec.training_set, layers, f"split {spec.split}"]
        where += [] if fraction is None else [f"fraction {fraction:g}"]
        raise ValueError(f"{', '.join(where)}: {error}") from None


def _reporter(
    progress: Callable[[str], None], spec: Spec, fraction: float, count: int
) -> Callable[[lbfgs.State], None]:
    """A function that reports every ten seconds the share of the budget used and the time left at this pace."""
    began = last = time.monotonic()
    budget = Budget(**spec.budget)

    def ticked(state: lbfgs.State) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 10:
            return
        last = now
        done = max(
            state.iterations.mean() / budget.max_iterations,
            state.evaluations.mean() / budget.max_evaluations,
        )
        left = (now - began) * (1 - done) / max(done, 1e-9)
        progress(
            f"{spec.dataset}/{spec.protocol} split {spec.split} {spec.features}/{spec.training_set} "
            f"fraction {fraction:g}: {count} networks, {done:.0%} of the budget, at most {left:.0f} s left"
        )

    return ticked
