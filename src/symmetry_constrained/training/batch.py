"""Training batches: every network of one dataset, protocol, split, feature map and training set.

For each fraction of the training images, both kinds of network and all seeds train together as one ensemble, those of
several splits too. The results hold a row per network, a row per network and checkpoint, weights and predictions.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import resolve_device
from symmetry_constrained.optim.checkpoints import Checkpoints
from symmetry_constrained.optim.problem import Budget, Progress, Ticked
from symmetry_constrained.optim.registry import train_function
from symmetry_constrained.training import capacity, results
from symmetry_constrained.training.capacity import Plan
from symmetry_constrained.training.ensembles import ensemble_of
from symmetry_constrained.training.judging import HELD_OUT
from symmetry_constrained.training.results import Batch
from symmetry_constrained.training.spec import Spec
from symmetry_constrained.training.trainer import EARLY, Trainer, in_cell

Say = Callable[[str], None]
# Bytes of training samples of several splits at once: with more, a core's cache and memory would hold too little.
TOGETHER_BYTES = 48 * 2**20


def train_batch(spec: Spec, dataset: Dataset, split: Split, progress: Say = lambda line: None) -> Batch:
    """Train and judge the batch's networks and put them in tables. `progress` is given a line every ten seconds.

    On a GPU with little memory the networks are trained in groups. ValueError in one line for a device that is not
    there or too small, and, naming the cell of the study, for inputs that are not finite, a split that does not belong
    to the dataset, or a class without training images.
    """
    [[batch]] = train_batches([[spec]], dataset, [split], progress)
    return batch


def train_batches(
    specs: list[list[Spec]], dataset: Dataset, splits: list[Split], progress: Say = lambda line: None
) -> Iterator[list[Batch]]:
    """The same for several splits, and for features that are the same training images: trained once, each judged.

    specs: for each split those of its batches, alike but for their features, where those after the first are
    `trained_as` the first. Yields each split's batches. As many splits as their samples allow are trained at once; that
    changes no byte of the results. ValueError as well where the features' training images are not the same.
    """
    try:
        at_once = _splits_at_once(specs[0][0], dataset, splits[0])
        for start in range(0, len(splits), at_once):
            own = slice(start, start + at_once)
            yield from _train_together(specs[own], dataset, splits[own], progress)
    except torch.OutOfMemoryError:
        raise ValueError(
            f"device: {specs[0][0].device} has no memory left, perhaps because others use it: lower seeds, fractions "
            "or hidden_layers, or choose cpu"
        ) from None


def _splits_at_once(spec: Spec, dataset: Dataset, split: Split) -> int:
    """How many splits are trained together: on a GPU, and by Adam, one after the other."""
    if resolve_device(spec.device) != "cpu" or spec.optimiser != "lbfgs":
        return 1
    with in_cell(spec):
        images, features = inputs.training(
            dataset, split, spec.features, spec.training_set, spec.split, max(spec.fractions)
        ).shape
    return max(1, TOGETHER_BYTES // (images * (features + CLASSES) * 4))


def _train_together(specs: list[list[Spec]], dataset: Dataset, splits: list[Split], progress: Say) -> list[list[Batch]]:
    """The batches of each split, trained at once: by fraction, and on a small GPU by groups of networks."""
    first = specs[0][0]
    plan, parts = _plan(first, dataset, splits[0]), []
    for start in range(0, plan.networks, plan.together):
        networks = slice(start, start + plan.together)
        trainers = [Trainer(own, dataset, split, plan, networks) for own, split in zip(specs, splits, strict=True)]
        parts.append([_train(trainers, fraction, progress) for fraction in first.fractions])
    by_fraction = [part for of_fraction in zip(*parts, strict=True) for part in of_fraction]
    return [
        [results.together([part[split][place] for part in by_fraction]) for place in range(len(own))]
        for split, own in enumerate(specs)
    ]


def _train(trainers: list[Trainer], fraction: float, progress: Say) -> list[list[Batch]]:
    """The networks of each trainer on one fraction of its training images, as one ensemble."""
    began, first = time.perf_counter(), trainers[0]
    sets = [trainer.samples(fraction) for trainer in trainers]
    featured = time.perf_counter()
    initial = torch.cat([trainer.initial for trainer in trainers])
    checkpoints = Checkpoints(tuple({*first.spec.checkpoints, EARLY}), initial)
    result = train_function(first.spec.optimiser)(
        first.ensemble.times(len(trainers)),
        initial,
        sets if len(sets) > 1 else sets[0],
        Budget(**first.spec.budget),
        seeds=[seed for trainer in trainers for seed in trainer.drawn_by],
        accepted=checkpoints.accepted,
        ticked=_reporter(progress, [trainer.spec for trainer in trainers], fraction, len(initial)),
    )
    seconds = {"feature_seconds": featured - began, "training_seconds": time.perf_counter() - featured}
    batches, each = [], len(first.initial)
    for number, (trainer, samples) in enumerate(zip(trainers, sets, strict=True)):
        lanes = slice(number * each, (number + 1) * each)
        own, evaluations = result.of(lanes), int(result.evaluations[lanes].sum())
        # Shared as the evaluations are.
        share = evaluations / int(result.evaluations.sum())
        cost = {"evaluations": evaluations} | {name: value * share for name, value in seconds.items()}
        batches.append(trainer.judged(fraction, samples, own, checkpoints.of(lanes), cost))
    return batches


def _plan(spec: Spec, dataset: Dataset, split: Split) -> Plan:
    """How many of the batch's networks are trained together, and in which blocks."""
    device, networks = resolve_device(spec.device), len(spec.networks) * len(spec.seeds)
    with in_cell(spec):
        test = inputs.test(dataset, split, spec.features)["original"].shape
        train = inputs.training(dataset, split, spec.features, spec.training_set, spec.split, max(spec.fractions)).shape
        architecture = Architecture(test[1], tuple(spec.hidden_layers), CLASSES)
        one = ensemble_of(spec, architecture, np.zeros(1, dtype=bool), device)
        sets, kept = [train[0], *[test[0]] * len(HELD_OUT)], len(spec.checkpoints) + 1
        how = one.trained_layers, spec.optimiser
        return capacity.plan(one.layers, networks, sets, kept, torch.device(device), *how)


def _reporter(progress: Say, specs: list[Spec], fraction: float, count: int) -> Ticked:
    """A function that reports every ten seconds the share of the budget used and the time left at this pace."""
    began = last = time.monotonic()
    spec = specs[0]
    numbers = " to ".join(dict.fromkeys(str(end.split) for end in (spec, specs[-1])))
    budget = Budget(**spec.budget)

    def ticked(state: Progress) -> None:
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
            f"{spec.dataset}/{spec.protocol} split {numbers} {spec.features}/{spec.training_set} "
            f"fraction {fraction:g}: {count} networks, {done:.0%} of the budget, at most {left:.0f} s left"
        )

    return ticked
