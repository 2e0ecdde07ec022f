"""How fast networks are trained by our ensembles and by other solvers, on the same cores in the same run.

As in a study, every measurement runs in as many single-threaded processes as there are cores, each on a core of its
own, all starting together. `seconds_per_network_evaluation` are core-seconds: the total seconds of training of all
processes over the total evaluations of their networks. A solver on a GPU runs in one process, and its seconds are the
GPU's.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from symmetry_constrained import paper
from symmetry_constrained.analysis import statistics
from symmetry_constrained.benchmark import parallel, roofline
from symmetry_constrained.benchmark.solo import peak_memory_mb
from symmetry_constrained.benchmark.solvers import REFERENCE, SOLVERS, Solver
from symmetry_constrained.data import inputs, protocols, reading, registry
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.ensemble import Ensemble, evaluate

PROTOCOL, FEATURES, TRAINING_SET, SPLIT = "published", "identity", "original", 0
LEAST_EVALUATIONS = 20  # of a timed training, however long it takes
LEAST_SECONDS = 0.5  # of a timing; short trainings are repeated
TIMING_KEYS = ["solver", "dataset", "n", "networks"]


@dataclass(frozen=True)
class Training:
    """A training to be timed: the number of networks trained at once, and the evaluations of each at most."""

    networks: int
    max_evaluations: int


@dataclass(frozen=True)
class Task:
    """The work of one process for one solver on n images, once all processes are ready."""

    solver: str
    folder: str  # of the dataset and its split
    n: int
    timed: tuple[Training, ...] = ()  # by ascending networks, from seeds 0, 1, ...
    most_seconds: float = np.inf  # a timing expected to take longer, judging by the one before, is left out
    judged: tuple[int, ...] = ()  # seeds whose networks are trained and evaluated on the test images
    max_evaluations: int = paper.BUDGET  # of these networks
    hidden_layers: tuple[int, ...] = paper.HIDDEN_LAYERS
    device: str = "cpu"

    @classmethod
    def from_dict(cls, values: dict) -> "Task":
        """From JSON."""
        timed = tuple(Training(**training) for training in values["timed"])
        return cls(**values | {"timed": timed, "hidden_layers": tuple(values["hidden_layers"])})


@dataclass(frozen=True)
class Cell:
    """A dataset, a number of its training images, and the folder that `prepare` wrote."""

    dataset: str
    n: int
    folder: str = ""


def prepare(name: str, data: Path, folder: Path) -> int:
    """Write a dataset and its split for the processes to read; returns the number of its training images."""
    dataset = reading.load(name, data / name)
    dataset.write(folder)
    protocols.make_split(name, dataset, PROTOCOL, SPLIT).write(folder / f"split-{SPLIT}")
    return protocols.training_units(name, PROTOCOL)


def architecture_of(name: str, hidden_layers: tuple[int, ...] = paper.HIDDEN_LAYERS) -> Architecture:
    return Architecture(registry.known(name).pixels, hidden_layers, CLASSES)


def measure(task: dict) -> Callable[[], dict]:
    """Prepare a `Task` given as a dictionary, for `parallel.run`; its results are `timings` and `accuracy` by seed.

    A timing holds seconds (None if it was left out), evaluations of all networks, warm_up_seconds, and peak_memory_mb
    of the process so far, of which torch, imported by every process, is some 650 MB. ValueError if the dataset can't
    be cut to n training images.
    """
    given = Task.from_dict(task)
    dataset, split = Dataset.read(Path(given.folder)), Split.read(Path(given.folder, f"split-{SPLIT}"))
    fraction = given.n / len(split.select("train"))
    train_inputs = inputs.training(dataset, split, FEATURES, TRAINING_SET, SPLIT, fraction)
    n, pixels = train_inputs.shape
    if n != given.n:
        raise ValueError(f"n: {given.n} is not a number of training images here; the nearest is {n}")
    architecture = Architecture(pixels, given.hidden_layers, CLASSES)
    kind = SOLVERS[given.solver]
    images = train_inputs if kind.takes_blocks else train_inputs.array()
    solver = kind(architecture, paper.ALPHA, images, train_inputs.labels, given.device)

    def measured() -> dict:
        timings: list[dict[str, Any]] = []
        expected = 0.0
        for training in given.timed:
            left_out = expected * training.networks * training.max_evaluations > given.most_seconds
            timings.append({"seconds": None} if left_out else _time(solver, training))
            if not left_out:
                expected = timings[-1]["seconds"] / timings[-1]["evaluations"]
        rows = []
        for start in range(0, len(given.judged), solver.best_together):
            seeds = given.judged[start : start + solver.best_together]
            rows.append(solver.train(list(seeds), given.max_evaluations).rows)
        accuracy = _accuracy(architecture, np.concatenate(rows), dataset, split) if rows else np.empty(0)
        return {"timings": timings, "accuracy": accuracy.tolist()}

    return measured


def _time(solver: Solver, training: Training) -> dict:
    """Train again and again from the same start until enough seconds have passed."""
    seeds = list(range(training.networks))
    began = time.perf_counter()
    # The first training allocates memory and compiles code.
    solver.train(seeds, 2)
    warm = time.perf_counter()
    evaluations, seconds = 0, 0.0
    while seconds < LEAST_SECONDS:
        evaluations += int(solver.train(seeds, training.max_evaluations).evaluations.sum())
        seconds = time.perf_counter() - warm
    return {
        "seconds": seconds,
        "evaluations": evaluations,
        "warm_up_seconds": warm - began,
        "peak_memory_mb": peak_memory_mb(),
    }


def _accuracy(architecture: Architecture, rows: np.ndarray, dataset: Dataset, split: Split) -> np.ndarray:
    """Test accuracy (K,) of the parameters rows (K, P), computed by the same code for every solver."""
    test_inputs = inputs.test(dataset, split, FEATURES)["original"]
    ensemble = Ensemble(architecture, np.ones(len(rows), dtype=bool), paper.ALPHA)
    return evaluate(ensemble, torch.tensor(rows), ensemble.samples(test_inputs, test_inputs.labels)).accuracy


class Bench:
    """Runs measurements on all cores and keeps their results."""

    def __init__(self, device: str, processes: int | None = None):
        """device: for the solvers that can use it. processes: one per core unless given. ValueError for none."""
        if processes is not None and processes < 1:
            raise ValueError(f"processes: there must be at least 1, not {processes}")
        self.device = device
        self.cores = processes or len(parallel.cores())
        self.timed: list[dict] = []
        self.judged: list[dict] = []
        self.peaks: list[list[dict]] = []

    def device_of(self, solver: str) -> str:
        return self.device if SOLVERS[solver].on_device else "cpu"

    def processes(self, device: str) -> int:
        return self.cores if device == "cpu" else 1

    def measure_peaks(self, seconds: float) -> None:
        """Measure the machine's peaks, for so many seconds each."""
        task = {"device": self.device, "seconds": seconds}
        self.peaks.append(parallel.run(roofline.measure, [task] * self.processes(self.device)))

    def time(self, solver: str, cell: Cell, timed: list[Training], **options: Any) -> None:
        """Time the trainings one after the other in each process."""
        tasks = [self._task(solver, cell, timed=tuple(timed), **options)] * self.processes(self.device_of(solver))
        done = parallel.run(measure, tasks)
        for training, *parts in zip(timed, *(one["timings"] for one in done), strict=True):
            # If some processes left it out, the others ran under less load.
            if all(part["seconds"] is not None for part in parts):
                self.timed.append(
                    {
                        "solver": solver,
                        "dataset": cell.dataset,
                        "n": cell.n,
                        "networks": training.networks,
                        "evaluations": training.max_evaluations,
                        "seconds": sum(part["seconds"] for part in parts) / sum(part["evaluations"] for part in parts),
                        "warm_up_seconds": max(part["warm_up_seconds"] for part in parts),
                        "peak_memory_mb": max(part["peak_memory_mb"] for part in parts),
                    }
                )

    def judge(self, solver: str, cell: Cell, networks: int, max_evaluations: int) -> None:
        """Train the networks of seeds 0, 1, ... to the end of the budget, shared among the processes."""
        shares = np.array_split(np.arange(networks), min(networks, self.processes(self.device_of(solver))))
        tasks = [
            self._task(solver, cell, judged=tuple(share.tolist()), max_evaluations=max_evaluations) for share in shares
        ]
        done = parallel.run(measure, tasks)
        for share, one in zip(shares, done, strict=True):
            for seed, accuracy in zip(share.tolist(), one["accuracy"], strict=True):
                row = {"solver": solver, "dataset": cell.dataset, "n": cell.n, "seed": seed, "accuracy": accuracy}
                self.judged.append(row)

    def _task(self, solver: str, cell: Cell, **options: Any) -> dict:
        device = self.device_of(solver)
        return asdict(Task(solver=solver, folder=cell.folder, n=cell.n, device=device, **options))


def timed_evaluations(architecture: Architecture, n: int, networks: int, flop: float, budget: int) -> int:
    """Evaluations of a timed training: as many as the FLOP allow, the budget at most."""
    affordable = flop / (networks * flop_per_evaluation(architecture, True, n))
    return min(budget, max(LEAST_EVALUATIONS, round(affordable)))


def judged_networks(architecture: Architecture, n: int, flop: float, budget: int, most: int) -> int:
    """Networks trained to the end of the budget: as many as the FLOP allow, two at least."""
    return int(min(most, max(2, flop / (budget * flop_per_evaluation(architecture, True, n)))))


def table(bench: Bench, budget: int) -> pd.DataFrame:
    """`throughput.csv`: a row per solver, cell and number of networks trained at once.

    seconds_per_network_evaluation: of the best round, seconds_slowest of the worst. speed_ratio: the reference's time
    over this solver's, in the same cell and by all processes. roofline_share: the least time by `roofline` over the
    time measured. accuracy_difference: of the mean, from the reference's networks of the same seeds, with its 95 %
    interval; equal_quality where that holds 0 or the means are within 0.01.
    """
    peaks = roofline.best(bench.peaks)
    timed = pd.DataFrame(bench.timed)
    rows = []
    for key, rounds in timed.groupby(TIMING_KEYS, sort=False):
        solver, dataset, n, networks = key
        architecture = architecture_of(dataset)
        device = bench.device_of(solver)
        seconds = rounds["seconds"].min()
        flop = flop_per_evaluation(architecture, True, n)
        rows.append(
            dict(zip(TIMING_KEYS, key, strict=True))
            | {
                "device": device,
                "dtype": SOLVERS[solver].dtype,
                "threads": 1,
                "processes": bench.processes(device),
                "rounds": len(rounds),
                "evaluations": rounds["evaluations"].iloc[0],
                "seconds_per_network_evaluation": seconds,
                "seconds_slowest": rounds["seconds"].max(),
                "networks_per_minute": 60 * bench.processes(device) / (seconds * budget),
                "flop_per_second": flop / seconds,
                "flop_per_byte": roofline.intensity(architecture, n, networks),
                "roofline_share": roofline.least_seconds(architecture, n, networks, peaks) / seconds,
                "peak_memory_mb": rounds["peak_memory_mb"].max(),
                "warm_up_seconds": rounds["warm_up_seconds"].min(),
            }
        )
    result = pd.DataFrame(rows)
    cell = ["dataset", "n"]
    reference = result[result["solver"] == REFERENCE].set_index(cell)["networks_per_minute"]
    place = pd.MultiIndex.from_frame(result[cell])
    ratio = result["networks_per_minute"] / reference.reindex(place).to_numpy()
    result.insert(result.columns.get_loc("networks_per_minute"), "speed_ratio", ratio)
    compared = compare(pd.DataFrame(bench.judged, columns=["solver", *cell, "seed", "accuracy"]))
    return result.merge(compared, on=["solver", *cell], how="left", validate="many_to_one")


def compare(judged: pd.DataFrame) -> pd.DataFrame:
    """Accuracies (solver, dataset, n, seed, accuracy) -> by solver and cell: the median, and the mean's difference from
    the reference's, paired by seed, with its 95 % interval; all on one split."""
    cell, keys = ["solver", "dataset", "n"], ["dataset", "n", "seed"]
    reference = judged.loc[judged["solver"] == REFERENCE, [*keys, "accuracy"]]
    paired = judged.merge(reference, on=keys, how="left", suffixes=("", "_reference"), validate="many_to_one")
    rows = []
    for key, group in paired.groupby(cell, sort=False):
        differences = group["accuracy"] - group["accuracy_reference"]
        mean, low, high, equal = statistics.paired_mean(differences, np.zeros(len(group)))
        rows.append(
            dict(zip(cell, key, strict=True))
            | {
                "networks_judged": len(group),
                "median_accuracy": group["accuracy"].median(),
                "mean_accuracy": group["accuracy"].mean(),
                "accuracy_difference": mean,
                "difference_low": low,
                "difference_high": high,
                "equal_quality": equal,
            }
        )
    return pd.DataFrame(rows)
