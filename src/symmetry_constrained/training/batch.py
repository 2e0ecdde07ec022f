"""A training batch: every network of one dataset, protocol, split, feature map and training set.

For each fraction of the training images, both kinds of network and all seeds train together as one ensemble. The
batch leaves one row per network, one row per network and checkpoint, the weights and the predictions.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.ensemble import Ensemble, evaluate, resolve_device
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Checkpoints
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training.spec import Spec

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass
class Batch:
    """What a batch leaves; arrays are keyed by `fraction` or `fraction/test set`, with a row per network."""

    networks: pd.DataFrame
    history: pd.DataFrame
    timings: pd.DataFrame
    weights: dict[str, np.ndarray] = field(repr=False)  # (K, P)
    predictions: dict[str, np.ndarray] = field(repr=False)  # (K, n_test) uint8


def train_batch(
    spec: Spec, dataset: Dataset, split: Split, progress: Callable[[str], None] = lambda line: None
) -> Batch:
    """Train, judge and tabulate the batch. `progress` gets a line now and then."""
    device = resolve_device(spec.device)
    dtype = DTYPES[spec.dtype]
    with _in_cell(spec):
        test_inputs = inputs.test(dataset, split, spec.features)

    biased = np.repeat([name == "biased" for name in spec.networks], len(spec.seeds))
    seeds = np.tile(spec.seeds, len(spec.networks))
    architecture = Architecture(test_inputs["original"].shape[1], tuple(spec.hidden_layers), CLASSES)
    ensemble = Ensemble(architecture, biased, spec.alpha, dtype, device)
    with _in_cell(spec):
        tests = {name: ensemble.samples(values, values.labels) for name, values in test_inputs.items()}
    # What C1 speaks of: the network's own input negated, whatever the features.
    tests["negated"] = tests["original"].negated()
    # Often one and the same: pixels inverted are pixels negated, and invariant features do not change.
    for name, other in (("inverted", "original"), ("negated", "inverted")):
        if torch.equal(tests[name].inputs, tests[other].inputs):
            tests[name] = tests[other]
    initial = ensemble.initial(seeds)

    batch = Batch(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), {}, {})
    parts: dict[str, list[pd.DataFrame]] = {"networks": [], "history": [], "timings": []}
    for fraction in spec.fractions:
        began = time.perf_counter()
        with _in_cell(spec, fraction):
            train_inputs = inputs.training(dataset, split, spec.features, spec.training_set, spec.split, fraction)
            labels = train_inputs.labels
            missing = sorted(set(range(CLASSES)) - set(labels.tolist()))
            if missing:
                raise ValueError(f"none of its {len(labels)} training images is a {' or a '.join(map(str, missing))}")
            train = ensemble.samples(train_inputs, labels)
        featured = time.perf_counter()

        checkpoints = Checkpoints(spec.checkpoints, initial)
        result = lbfgs.train(
            ensemble,
            initial,
            train,
            Budget(**spec.budget),
            accepted=checkpoints.accepted,
            ticked=_reporter(progress, spec, fraction, len(initial)),
        )
        trained = time.perf_counter()

        identity = pd.DataFrame(
            {
                "study": spec.study,
                "dataset": spec.dataset,
                "protocol": spec.protocol,
                "split": spec.split,
                "features": spec.features,
                "training_set": spec.training_set,
                "network": np.where(biased, "biased", "bias-free"),
                "hidden_layers": hyphenated(spec.hidden_layers),
                "fraction": fraction,
                "seed": seeds,
                "n_train": len(labels),
            }
        )
        flop = np.array([flop_per_evaluation(architecture, bool(b), len(labels)) for b in biased])
        final, classes = _judge(ensemble, result.x, train, tests)
        evaluations = result.evaluations.numpy()
        effort = pd.DataFrame({"iterations": result.iterations.numpy(), "evaluations": evaluations})
        closing = pd.DataFrame(
            {
                "status": result.status,
                "parameters": [architecture.parameters(bool(b)) for b in biased],
                "flop": flop * evaluations,
            }
        )
        parts["networks"].append(pd.concat([identity, final, effort, closing], axis=1))
        # A network that diverged has a row with its status, and no course that a mean could take in.
        finite = (closing["status"] != "non_finite").to_numpy()
        course = _history(ensemble, checkpoints, identity, flop, train, tests)
        parts["history"].append(course[finite[course.index]])
        parts["history"].append(pd.concat([identity, effort, final, closing[["flop"]]], axis=1)[finite])
        key = format(fraction, "g")
        batch.weights[key] = result.x.to(dtype).cpu().numpy()
        batch.predictions |= {f"{key}/{name}": predicted for name, predicted in classes.items()}
        parts["timings"].append(
            pd.DataFrame(
                {
                    "fraction": [fraction],
                    "networks": [len(initial)],
                    "evaluations": [int(evaluations.sum())],
                    "feature_seconds": [featured - began],
                    "training_seconds": [trained - featured],
                    "judging_seconds": [time.perf_counter() - trained],
                }
            )
        )
    batch.networks = pd.concat(parts["networks"], ignore_index=True)
    batch.timings = pd.concat(parts["timings"], ignore_index=True)
    history = pd.concat(parts["history"], ignore_index=True)
    # A budget that ends on a checkpoint gives the same row twice.
    keys = ["network", "fraction", "seed", "iterations"]
    batch.history = history.drop_duplicates(keys).sort_values(keys, kind="stable", ignore_index=True)
    return batch


@contextmanager
def _in_cell(spec: Spec, fraction: float | None = None) -> Iterator[None]:
    """A ValueError that says where in the study it arose."""
    try:
        yield
    except ValueError as error:
        layers = hyphenated(spec.hidden_layers)
        where = [spec.study, spec.features, spec.training_set, layers, f"split {spec.split}"]
        where += [] if fraction is None else [f"fraction {fraction:g}"]
        raise ValueError(f"{', '.join(where)}: {error}") from None


def _judge(ensemble: Ensemble, rows: Tensor, train, tests: dict) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Accuracy and mean cross-entropy of the parameters rows (K, P) on each set, and the classes predicted."""
    sets = {"train": train, **tests}
    # Each set once: test sets may be one and the same.
    found = {samples: evaluate(ensemble, rows, samples) for samples in dict.fromkeys(sets.values())}
    judged = {name: found[samples] for name, samples in sets.items()}
    columns = {}
    for name, evaluation in judged.items():
        column = "test" if name == "original" else name
        columns[f"{column}_accuracy"] = evaluation.accuracy
        if name != "negated":
            columns[f"{column}_loss"] = evaluation.loss
    columns["clipped"] = judged["train"].clipped
    return pd.DataFrame(columns), {name: judged[name].classes for name in tests}


def _history(ensemble, checkpoints: Checkpoints, identity, flop, train, tests) -> pd.DataFrame:
    """The networks at each checkpoint they reached."""
    parts = []
    for index, iterations in enumerate(checkpoints.iterations.tolist()):
        evaluations = checkpoints.evaluations[:, index]
        reached = evaluations > 0
        judged, _ = _judge(ensemble, checkpoints.rows[:, index], train, tests)
        effort = pd.DataFrame({"iterations": iterations, "evaluations": evaluations})
        cost = pd.DataFrame({"flop": flop * evaluations})
        parts.append(pd.concat([identity, effort, judged, cost], axis=1)[reached])
    return pd.concat(parts) if parts else pd.DataFrame()


def _reporter(progress, spec: Spec, fraction: float, count: int):
    """A line every ten seconds: how far, and how long still at this pace."""
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
