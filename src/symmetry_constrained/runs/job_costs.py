"""What jobs cost: a formula for training, and the measured costs of a finished run.

A training job takes a while to start; then each fraction of its training images takes

    seconds = tick · E + rate · E · N · n · w

for N networks side by side, E evaluations of each, n images and w weights: `tick` is what an evaluation costs however
small it is, `rate` what each weight costs for each image.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from symmetry_constrained import layers, paper
from symmetry_constrained.data import protocols, registry
from symmetry_constrained.data.datasets import CLASSES
from symmetry_constrained.features.inversion import feature_count

# How many times longer an evaluation takes than by L-BFGS of tanh networks: on the same core, for digits' 10-5.
EFFORT, AVERAGED = {"relu": 2.1, "gelu": 2.8, "adam": 5.0}, 1.9
EVALUATIONS_PER_ITERATION = 1.1  # a line search seldom asks for a second one
# A job that takes less is not worth its own submission on a cluster.
SHORT_SECONDS = 60


@dataclass(frozen=True)
class Cost:
    """What a training job costs: seconds to start, per evaluation, and per evaluation, network, image and weight."""

    start: float
    tick: float
    rate: float

    def seconds(self, specs: Iterable[Mapping[str, Any]]) -> float:
        """A job that trains these batches (`spec.Spec`s as mappings), which use their whole budgets."""
        return self.start + sum(map(self.training_seconds, specs))

    def training_seconds(self, spec: Mapping[str, Any]) -> float:
        """A batch of it."""
        each, networks = evaluations(spec["budget"]), len(spec["networks"]) * len(spec["seeds"])
        shown = 2 if spec["training_set"] == "augmented" else 1
        images = training_images(spec["dataset"]) * sum(spec["fractions"]) * shown
        per_image = weights(spec["features"], spec["dataset"], spec["hidden_layers"])
        work = networks * images * per_image * effort(spec)
        return each * (self.tick * len(spec["fractions"]) + self.rate * work)


# The default study's on one core of an AMD EPYC virtual machine, by the pixels of an image.
TYPICAL = {64: Cost(3.0, 0.0027, 1.5e-10), 784: Cost(4.0, 0.0071, 6.1e-11)}


def expected_seconds(specs: Sequence[Mapping[str, Any]]) -> float:
    """What a job with these batches of a study takes on one core like ours, within a factor of two or so."""
    return like(TYPICAL, specs[0]["dataset"]).seconds(specs)


def like(by_pixels: Mapping[int, Any], dataset: str) -> Any:
    """Of what is known by the pixels of an image, that of the size nearest the dataset's."""
    return by_pixels[min(by_pixels, key=lambda size: abs(size - pixels(dataset)))]


def priority(specs: Iterable[Mapping[str, Any]], splits: int) -> int:
    """What Snakemake is told of jobs that train so many splits each of some batches: the seconds of the longest."""
    return round(max(splits * expected_seconds([spec]) for spec in specs))


def limit_minutes(specs: Sequence[Mapping[str, Any]]) -> int:
    """After how long such a job may be taken for hung: twenty minutes and four times what is expected."""
    return 20 + math.ceil(4 * expected_seconds(specs) / 60)


def memory_mb(dataset: str) -> int:
    """What a batch is given, as the dataset's row says."""
    return registry.known(dataset).memory_mb


def perturbed_seconds(cost: Cost, dataset: str, networks: int) -> float:
    """What so many perturbed copies of a published network take: 200 evaluations each; float64 costs twice."""
    spec = {
        "dataset": dataset,
        "features": "identity",
        "training_set": "original",
        "hidden_layers": paper.HIDDEN_LAYERS,
        "fractions": (1.0,),
        "networks": ("biased",),
        "seeds": range(networks),
        "budget": {"max_evaluations": paper.BUDGET},
    }
    return replace(cost, rate=2 * cost.rate).training_seconds(spec) if networks else 0.0


def pixels(dataset: str) -> int:
    """Pixels of an image. ValueError in one line for an unknown dataset."""
    return registry.known(dataset).pixels


def training_images(dataset: str) -> int:
    """Training images of a dataset under the clean protocol, each in all its positions."""
    return protocols.training_units(dataset, "clean") * len(registry.known(dataset).shifts)


def weights(features: str, dataset: str, hidden_layers: Iterable[layers.Hidden]) -> int:
    """Weights of a network, biases left out, a convolution's once for each pixel."""
    return layers.products(feature_count(features, pixels(dataset)), hidden_layers, CLASSES)


def effort(spec: Mapping[str, Any]) -> float:
    """How many times longer an evaluation takes than by L-BFGS of tanh networks that average nothing."""
    averaged = AVERAGED if spec.get("averaging", "none") != "none" else 1.0
    return averaged * math.prod(EFFORT.get(spec.get(key, ""), 1.0) for key in ("activation", "optimiser"))


def evaluations(budget: Mapping[str, int]) -> float:
    """Evaluations of one network that uses its whole budget."""
    iterations = budget.get("max_iterations", math.inf) * EVALUATIONS_PER_ITERATION
    return min(iterations, budget.get("max_evaluations", math.inf))


@dataclass(frozen=True)
class MeasuredCosts:
    """What a finished run cost, in seconds and bytes."""

    costs: dict[int, Cost]  # by pixels of an image
    timings: pd.DataFrame  # a row per batch and fraction: study, seconds as measured and as the formula gives them
    rerun_seconds: dict[str, float]  # of a published network by one solver and budget, by dataset
    other_seconds: dict[str, float]  # of each other job, by the name of its benchmark; a split's number left out
    network_bytes: dict[int, float]  # of a network trained on one fraction, by pixels
    split_bytes: dict[str, float]  # of one split, by dataset
    data_bytes: dict[str, float]  # by dataset
    gpu: bool


def read(results: Path, published: pd.DataFrame) -> MeasuredCosts:
    """From a finished run's folder. published: `published.csv`, for each rerun's dataset.

    ValueError in one line where there is no batch.
    """
    batches = [_batch(path.parent) for path in sorted(results.glob("batches/*/*/*/*/split-*/provenance.json"))]
    if not batches:
        raise ValueError(f"{results}: holds no training batch; run a study first")
    timings = pd.concat([rows for rows, _ in batches], ignore_index=True)
    jobs = pd.DataFrame([job for _, job in batches])
    costs = {}
    for size, part in timings.groupby("pixels"):
        start = jobs.loc[jobs["pixels"] == size, "start"].median()
        costs[int(size)] = Cost(float(start), *fit(part))
    fitted = [costs[row.pixels].tick * row.ticks + costs[row.pixels].rate * row.work for row in timings.itertuples()]
    sums = jobs.groupby("pixels")[["bytes", "networks"]].sum()
    return MeasuredCosts(
        costs=costs,
        timings=timings.assign(fitted=fitted),
        rerun_seconds=_rerun_seconds(results, published, costs),
        other_seconds=_other_seconds(results),
        network_bytes=(sums["bytes"] / sums["networks"]).to_dict(),
        split_bytes=_mean_bytes(results.glob("splits/*/*/split-*"), name=lambda folder: folder.parts[-3]),
        data_bytes=_mean_bytes(results.glob("data/*"), name=lambda folder: folder.name),
        gpu=bool((jobs["device"].str.startswith("cuda")).any()),
    )


def fit(timings: pd.DataFrame) -> tuple[float, float]:
    """tick and rate from rows of seconds, ticks and work: neither below zero, errors relative to the seconds."""
    from scipy.optimize import nnls

    rows = timings[["ticks", "work"]].to_numpy(dtype=float) / timings[["seconds"]].to_numpy()
    scale = rows.max(axis=0)
    fitted, _ = nnls(rows / scale, np.ones(len(rows)))
    return tuple((fitted / scale).tolist())


def _batch(folder: Path) -> tuple[pd.DataFrame, dict]:
    """A batch's rows of timings, one for each fraction that was trained on, and what its job took to start."""
    study, features, _, hidden, _ = folder.parts[-5:]
    timings, networks = pd.read_csv(folder / "timings.csv"), pd.read_csv(folder / "networks.csv")
    record = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    dataset, fractions = networks["dataset"].iloc[0], networks.groupby("fraction")
    per_image = weights(features, dataset, layers.parsed(hidden)) * effort(record["spec"])
    seconds = timings[["feature_seconds", "training_seconds", "judging_seconds"]].sum(axis=1)
    rows = pd.DataFrame(
        {
            "study": study,
            "pixels": pixels(dataset),
            "seconds": seconds,
            "ticks": timings["fraction"].map(fractions["evaluations"].max()),
            "work": timings["evaluations"] * timings["fraction"].map(fractions["n_train"].first()) * per_image,
        }
    )[timings["evaluations"] > 0]
    job = {
        "pixels": pixels(dataset),
        "start": record["job"]["start_seconds"],
        "bytes": _bytes(folder),
        "networks": len(networks),
        "device": record["device"],
    }
    return rows, job


def _rerun_seconds(results: Path, published: pd.DataFrame, costs: dict[int, Cost]) -> dict[str, float]:
    """Seconds of a rerun's job for each solver and budget, its perturbed networks left out, by dataset."""
    datasets = dict(zip(published["id"], published["dataset"], strict=True))
    seconds: dict[str, list[float]] = {}
    for path in sorted(results.glob("benchmarks/rerun_published/*.tsv")):
        folder = results / f"reruns/{path.stem}"
        if path.stem in datasets and all((folder / f"{name}.csv").exists() for name in ("reruns", "perturbed")):
            dataset = datasets[path.stem]
            reruns, perturbed = (len(pd.read_csv(folder / f"{name}.csv")) for name in ("reruns", "perturbed"))
            others = perturbed_seconds(costs[pixels(dataset)], dataset, perturbed) if pixels(dataset) in costs else 0.0
            seconds.setdefault(dataset, []).append(max(_seconds(path) - others, 0.0) / reruns)
    return {dataset: float(np.mean(each)) for dataset, each in seconds.items()}


def _other_seconds(results: Path) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    for path in sorted([*results.glob("benchmarks/theory/*.tsv"), *results.glob("benchmarks/*.tsv")]):
        seconds.setdefault(experiment(path), []).append(_seconds(path))
    return {name: float(np.mean(each)) for name, each in seconds.items()}


def experiment(benchmark: Path) -> str:
    """What the configuration calls the experiment whose benchmark file this is."""
    return re.sub(r"-\d+$", "", benchmark.stem).replace("-", "_")


def _seconds(benchmark: Path) -> float:
    """Seconds of a job, from Snakemake's benchmark file."""
    return float(pd.read_csv(benchmark, sep="\t")["s"].mean())


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mean_bytes(folders: Iterable[Path], name: Callable[[Path], str]) -> dict[str, float]:
    """The folders' mean size, by what `name` says of each."""
    sizes: dict[str, list[int]] = {}
    for folder in folders:
        sizes.setdefault(name(folder), []).append(_bytes(folder))
    return {key: float(np.mean(parts)) for key, parts in sorted(sizes.items())}
