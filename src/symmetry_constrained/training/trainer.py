"""The networks of one split: where they begin, what they are shown, and what is said of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch

from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.ensemble import Samples, resolve_device
from symmetry_constrained.optim.checkpoints import Checkpoints
from symmetry_constrained.optim.problem import Result
from symmetry_constrained.training.capacity import Plan
from symmetry_constrained.training.ensembles import ensemble_of, start_of
from symmetry_constrained.training.judging import HeldOut
from symmetry_constrained.training.results import Batch
from symmetry_constrained.training.spec import Spec

# Iterations after which weights are kept, so that others can train to there again: rounding has not yet grown.
EARLY = 10


class Trainer:
    """Networks of one split's batches, which begin at the same weights for every fraction of the training images.

    ValueError in one line that names the cell of the study, for data that can't be trained on.
    """

    def __init__(
        self,
        specs: list[Spec],
        dataset: Dataset,
        split: Split,
        plan: Plan,
        networks: slice,
    ):
        """specs: of the same training images. networks: which of each batch's, each kind with all seeds, in turn."""
        spec = specs[0]
        self.spec, self.dataset, self.split = spec, dataset, split
        device = resolve_device(spec.device)
        with in_cell(spec):
            shown = {other.features: inputs.test(dataset, split, other.features) for other in specs}
            width = shown[spec.features]["original"].shape[1]
            self.architecture = Architecture(width, tuple(spec.hidden_layers), CLASSES)
            for other in specs[1:]:
                _check_same(spec, other, dataset, split)
        self.biased = np.repeat([name == "biased" for name in spec.networks], len(spec.seeds))[networks]  # (K,)
        self.seeds = np.tile(spec.seeds, len(spec.networks))[networks]  # (K,)
        self.ensemble = ensemble_of(spec, self.architecture, self.biased, device)
        for layers in (self.ensemble.layers, self.ensemble.trained_layers):
            layers.block_bytes = plan.block_bytes
        with in_cell(spec):
            self.held_out = {name: HeldOut.of(self.ensemble, sets) for name, sets in shown.items()}
        self.initial, self.drawn_by = start_of(spec, self.ensemble, self.seeds)  # (K, P), (K,)

    def judged(
        self, fraction: float, train: Samples, result: Result, checkpoints: Checkpoints, cost: dict[str, float]
    ) -> list[Batch]:
        """The networks that training on a fraction led to, judged for each of the specs. cost: of the training."""
        # A network that diverged is none: neither its weights nor its predictions say anything.
        result.x[[status == "non_finite" for status in result.status]] = torch.nan
        kept, batches = self._early(fraction, checkpoints, result), []
        for features in self.held_out:
            began = time.perf_counter()
            batch = self._judged(features, fraction, train, result, checkpoints)
            judging = {"judging_seconds": time.perf_counter() - began}
            batch.weights |= kept
            batch.timings = pd.DataFrame([{"fraction": fraction, "networks": len(self.initial), **cost, **judging}])
            batches.append(batch)
            # What is trained once is counted once.
            cost = {name: type(value)(0) for name, value in cost.items()}
        return batches

    def _weights(self, rows: torch.Tensor) -> np.ndarray:
        return rows.to(self.ensemble.dtype).cpu().numpy()

    def _early(self, fraction: float, checkpoints: Checkpoints, result: Result) -> dict[str, np.ndarray]:
        """Where the networks were after the first iterations, of the least and of the largest fraction."""
        if fraction not in (min(self.spec.fractions), max(self.spec.fractions)):
            return {}
        index = checkpoints.iterations.tolist().index(EARLY)
        passed = torch.from_numpy(checkpoints.evaluations[:, [index]] > 0).to(result.x.device)
        return {f"{fraction:g}/{EARLY}": self._weights(torch.where(passed, checkpoints.rows[:, index], result.x))}

    def samples(self, fraction: float) -> Samples:
        """What is trained on: a fraction of the training images. ValueError if a class has no image among them."""
        spec = self.spec
        with in_cell(spec, fraction):
            given = inputs.training(self.dataset, self.split, spec.features, spec.training_set, spec.split, fraction)
            labels = given.labels
            missing = sorted(set(range(CLASSES)) - set(labels.tolist()))
            if missing:
                raise ValueError(f"none of its {len(labels)} training images is a {' or a '.join(map(str, missing))}")
            return self.ensemble.samples(given, labels)

    def _judged(
        self, features: str, fraction: float, train: Samples, result: Result, checkpoints: Checkpoints
    ) -> Batch:
        """The tables of the networks trained, without timings, by the test images through the features."""
        identity, held_out = self._identity(features, fraction, len(train)), self.held_out[features]
        averaging = self.spec.averaging
        flop = np.array([flop_per_evaluation(self.architecture, bool(b), len(train), averaging) for b in self.biased])
        judged, classes = held_out.judge(self.ensemble, result.x, train)
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
        passed = self._at_checkpoints(held_out, checkpoints, identity, flop, train)
        at_end = pd.concat([identity, effort, judged, end[["flop"]]], axis=1)
        key = format(fraction, "g")
        return Batch(
            networks=pd.concat([identity, judged, effort, end], axis=1),
            history=pd.concat([part[finite[part.index]] for part in (*passed, at_end)]),
            timings=pd.DataFrame(),
            weights={key: self._weights(result.x)},
            predictions={f"{key}/{name}": predicted for name, predicted in classes.items()},
        )

    def _identity(self, features: str, fraction: float, n_train: int) -> pd.DataFrame:
        """The columns that say which network each row is about."""
        spec = self.spec
        return pd.DataFrame(
            {
                "study": spec.study,
                "dataset": spec.dataset,
                "protocol": spec.protocol,
                "split": spec.split,
                "features": features,
                "training_set": spec.training_set,
                "network": np.where(self.biased, "biased", "bias-free"),
                "hidden_layers": hyphenated(spec.hidden_layers),
                "fraction": fraction,
                "seed": self.seeds,
                "n_train": n_train,
            }
        )

    def _at_checkpoints(
        self,
        held_out: HeldOut,
        checkpoints: Checkpoints,
        identity: pd.DataFrame,
        flop: np.ndarray,
        train: Samples,
    ) -> Iterator[pd.DataFrame]:
        """Per checkpoint, a row for each network that reached it, indexed by the network's place in the ensemble."""
        for index, iterations in enumerate(checkpoints.iterations.tolist()):
            if iterations not in self.spec.checkpoints:
                continue
            evaluations = checkpoints.evaluations[:, index]
            judged, _ = held_out.judge(self.ensemble, checkpoints.rows[:, index], train)
            effort = pd.DataFrame({"iterations": iterations, "evaluations": evaluations})
            cost = pd.DataFrame({"flop": flop * evaluations})
            yield pd.concat([identity, effort, judged, cost], axis=1)[evaluations > 0]


def _check_same(spec: Spec, other: Spec, dataset: Dataset, split: Split) -> None:
    own, others = (
        inputs.training(dataset, split, features, spec.training_set, spec.split, max(spec.fractions))
        for features in (spec.features, other.features)
    )
    if not own.same_as(others):
        raise ValueError(f"training images through {other.features} are other numbers; train them on their own")


@contextmanager
def in_cell(spec: Spec, fraction: float | None = None) -> Iterator[None]:
    """Put the cell of the study where a ValueError arose before its message."""
    try:
        yield
    except ValueError as error:
        layers = hyphenated(spec.hidden_layers)
        where = [spec.study, spec.features, spec.training_set, layers, f"split {spec.split}"]
        where += [] if fraction is None else [f"fraction {fraction:g}"]
        raise ValueError(f"{', '.join(where)}: {error}") from None
