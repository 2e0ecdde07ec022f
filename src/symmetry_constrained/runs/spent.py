"""What a finished run cost: read from its timings, benchmark files and folders.

A training job takes a while to start; then each fraction of its training images takes

    seconds = tick · E + rate · E · N · n · w

for N networks side by side, E evaluations of each, n images and w weights: `tick` is what an evaluation costs however
small it is, `rate` what each weight costs for each image.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained.runs.planning import Cost, perturbed_seconds, pixels, weights


@dataclass(frozen=True)
class Spent:
    """What a finished run cost, in seconds and bytes."""

    costs: dict[int, Cost]  # by pixels of an image
    timings: pd.DataFrame  # a row per batch and fraction: study, seconds as measured and as the formula gives them
    rerun_seconds: dict[str, float]  # of a published network by one solver and budget, by dataset
    other_seconds: dict[str, float]  # of each other job, by the name of its benchmark; a split's number left out
    network_bytes: dict[int, float]  # of a network trained on one fraction, by pixels
    split_bytes: dict[str, float]  # of one split, by dataset
    data_bytes: dict[str, float]  # by dataset
    gpu: bool


def read(results: Path, published: pd.DataFrame) -> Spent:
    """From a finished run's folder. published: `published.csv`, for each rerun's dataset.

    ValueError in one line where there is no batch with its benchmark.
    """
    batches = [_batch(folder, results) for folder in sorted(results.glob("batches/*/*/*/*/split-*"))]
    batches = [batch for batch in batches if batch is not None]
    if not batches:
        raise ValueError(f"{results}: holds no training batch with its benchmark; run a study first")
    timings = pd.concat([rows for rows, _ in batches], ignore_index=True)
    jobs = pd.DataFrame([job for _, job in batches])
    costs = {}
    for size, part in timings.groupby("pixels"):
        start = jobs.loc[jobs["pixels"] == size, "start"].median()
        costs[int(size)] = Cost(float(start), *fit(part))
    fitted = [costs[row.pixels].tick * row.ticks + costs[row.pixels].rate * row.work for row in timings.itertuples()]
    sums = jobs.groupby("pixels")[["bytes", "networks"]].sum()
    return Spent(
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
    found, _ = nnls(rows / scale, np.ones(len(rows)))
    return tuple((found / scale).tolist())


def _batch(folder: Path, results: Path) -> tuple[pd.DataFrame, dict] | None:
    """A batch's rows of timings, and what its job took beside them; None without a benchmark."""
    study, features, training_set, layers, split = folder.parts[-5:]
    name = "-".join([study, features, training_set, layers, split.removeprefix("split-")])
    benchmark = results / f"benchmarks/train_batch/{name}.tsv"
    if not (benchmark.exists() and (folder / "timings.csv").exists()):
        return None
    timings, networks = pd.read_csv(folder / "timings.csv"), pd.read_csv(folder / "networks.csv")
    record = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    dataset, fractions = networks["dataset"].iloc[0], networks.groupby("fraction")
    per_image = weights(features, dataset, map(int, layers.split("-")))
    seconds = timings[["feature_seconds", "training_seconds", "judging_seconds"]].sum(axis=1)
    rows = pd.DataFrame(
        {
            "study": study,
            "pixels": pixels(dataset),
            "seconds": seconds,
            "ticks": timings["fraction"].map(fractions["evaluations"].max()),
            "work": timings["evaluations"] * timings["fraction"].map(fractions["n_train"].first()) * per_image,
        }
    )
    job = {
        "pixels": pixels(dataset),
        "start": max(_seconds(benchmark) - seconds.sum(), 0.0),
        "bytes": _bytes(folder),
        "networks": len(networks),
        "device": record["device"],
    }
    return rows, job


def _rerun_seconds(results: Path, published: pd.DataFrame, costs: dict[int, Cost]) -> dict[str, float]:
    """Seconds of a rerun's job for each solver and budget, its perturbed networks left out, by dataset."""
    datasets = dict(zip(published["id"], published["dataset"], strict=True))
    spent: dict[str, list[float]] = {}
    for path in sorted(results.glob("benchmarks/rerun_published/*.tsv")):
        folder = results / f"reruns/{path.stem}"
        if path.stem in datasets and all((folder / f"{name}.csv").exists() for name in ("reruns", "perturbed")):
            dataset = datasets[path.stem]
            reruns, perturbed = (len(pd.read_csv(folder / f"{name}.csv")) for name in ("reruns", "perturbed"))
            others = perturbed_seconds(costs[pixels(dataset)], dataset, perturbed) if pixels(dataset) in costs else 0.0
            spent.setdefault(dataset, []).append(max(_seconds(path) - others, 0.0) / reruns)
    return {dataset: float(np.mean(seconds)) for dataset, seconds in spent.items()}


def _other_seconds(results: Path) -> dict[str, float]:
    spent: dict[str, list[float]] = {}
    for path in sorted([*results.glob("benchmarks/theory/*.tsv"), *results.glob("benchmarks/*.tsv")]):
        name = re.sub(r"-\d+$", "", path.stem).replace("-", "_")
        spent.setdefault(name, []).append(_seconds(path))
    return {name: float(np.mean(seconds)) for name, seconds in spent.items()}


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
