"""What a GPU does with this study: ticks, networks beside the CPU's, a whole study in a loop, energy.

`scripts/measure_card.py` runs these in a few minutes and keeps the numbers with the card's name.
"""

import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from symmetry_constrained.analysis import intervals
from symmetry_constrained.benchmark import roofline, solo, throughput
from symmetry_constrained.benchmark.throughput import Bench
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import hyphenated
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.ensemble import Ensemble, Samples
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training.batch import train_batch
from symmetry_constrained.training.spec import Spec

COMPARED = ("train_accuracy", "test_accuracy", "inverted_accuracy", "train_loss", "evaluations")
FIRST_TICK, TICKS = 8, 20  # of those profiled: by then a tick is recorded


def about(device: torch.device) -> dict[str, Any]:
    """The card, its driver, and the software that used it."""
    return {
        "name": torch.cuda.get_device_name(device),
        "memory_bytes": torch.cuda.mem_get_info(device)[1],
        "driver": driver(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "float32_products_in_tf32": torch.backends.cuda.matmul.allow_tf32,
    }


def driver() -> str | None:
    """The version of NVIDIA's driver, as its own tool says; None without it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return None


def file_name(card: str) -> str:
    """Where a card's numbers are kept, by its name."""
    return f"card-{re.sub('[^a-z0-9]+', '-', card.lower()).strip('-')}.json"


@dataclass
class Case:
    """Networks and their samples on a device."""

    ensemble: Ensemble
    initial: Tensor  # (K, P)
    samples: Samples

    def train(self, evaluations: int, ticked: Callable[[lbfgs.State], None] | None = None) -> int:
        """Train up to so many evaluations each; returns those of all networks."""
        budget = Budget(max_evaluations=evaluations)
        result = lbfgs.train(self.ensemble, self.initial, self.samples, budget, ticked=ticked)
        torch.cuda.synchronize(self.ensemble.device)
        return int(result.evaluations.sum())


def tick(case: Case) -> dict[str, float]:
    """Milliseconds of a tick, and what the device does in one: kernels, transfers, and milliseconds busy."""
    case.train(FIRST_TICK)
    stamps: list[float] = []
    profiler = profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], acc_events=True)

    def profiled(state: lbfgs.State) -> None:
        stamps.append(time.perf_counter())
        if len(stamps) == FIRST_TICK:
            profiler.start()
        if len(stamps) == FIRST_TICK + TICKS:
            torch.cuda.synchronize(case.ensemble.device)
            profiler.stop()

    case.train(FIRST_TICK + TICKS + 2, profiled)
    counts: Counter[str] = Counter()
    busy = 0.0
    for event in profiler.events() or []:
        if str(event.device_type).endswith("CUDA"):
            copies = {"HtoD": "to_device", "DtoH": "to_host"}
            counts[next((kind for mark, kind in copies.items() if mark in event.name), "kernels")] += 1
            busy += event.device_time / 1e3
        counts["graph_launches"] += event.name == "cudaGraphLaunch"
    stamps.clear()
    case.train(FIRST_TICK + TICKS, lambda state: stamps.append(time.perf_counter()))
    milliseconds = 1e3 * float(np.median(np.diff(stamps[FIRST_TICK:])))
    names = ("kernels", "graph_launches", "to_device", "to_host")
    return {"milliseconds": milliseconds, "busy_milliseconds": busy / TICKS} | {n: counts[n] / TICKS for n in names}


def energy(case: Case, seconds: float, evaluations: int) -> dict[str, float | None]:
    """Joules per network and evaluation, and watts, of the whole card while it trains for so many seconds.

    None where the driver counts no energy.
    """
    case.train(2)
    spent, began, done = _spent(case.ensemble.device), time.perf_counter(), 0
    while not done or time.perf_counter() - began < seconds:
        done += case.train(evaluations)
    joules, took = spent(), time.perf_counter() - began
    per = {"joules_per_network_evaluation": done, "watts": took}
    return {name: None if joules is None else joules / amount for name, amount in per.items()}


def _spent(device: torch.device) -> Callable[[], float | None]:
    """A function that says how many joules the card has drawn from now on, None where its driver does not."""
    joules = solo.energy_counter(device)
    if joules is None:
        return lambda: None
    before = joules()
    return lambda: joules() - before


def rates(bench: Bench) -> list[dict[str, Any]]:
    """How fast the networks of each timing are trained, and how near to what the card can do."""
    peaks, rows = roofline.best(bench.peaks), []
    for timed in bench.timed:
        architecture, n, networks = throughput.architecture_of(timed["dataset"]), timed["n"], timed["networks"]
        flop = flop_per_evaluation(architecture, True, n) / timed["seconds"]
        least = roofline.least_seconds(architecture, n, networks, peaks)
        rows.append(
            {name: timed[name] for name in ("dataset", "n", "networks", "evaluations")}
            | {
                "seconds_per_network_evaluation": timed["seconds"],
                "flop_per_second": flop,
                "share_of_float32_peak": flop / peaks.flop,
                "roofline_share": least / timed["seconds"],
            }
        )
    return rows


def beside_cpu(spec: Spec, dataset: Dataset, split: Split, device: str) -> list[dict[str, Any]]:
    """One batch on the card and on the CPU: for each kind of network and number, how far the two differ.

    Networks are paired by seed: mean difference, card less CPU, with its 95 % interval. Their distributions: the p of
    the two-sample Kolmogorov-Smirnov test.
    """
    tables, seconds = [], []
    for place in (device, "cpu"):
        began = time.perf_counter()
        tables.append(train_batch(replace(spec, device=place), dataset, split).networks)
        seconds.append(time.perf_counter() - began)
    rows = []
    for kind in spec.networks:
        card, cpu = (table[table["network"] == kind] for table in tables)
        for name in COMPARED:
            here, there = card[name].to_numpy(dtype=float), cpu[name].to_numpy(dtype=float)
            low, high = intervals.mean_interval(here - there, np.zeros(len(here)))
            rows.append(
                {
                    "study": spec.study,
                    "features": spec.features,
                    "training_set": spec.training_set,
                    "network": kind,
                    "networks": len(here),
                    "number": name,
                    "mean_on_card": here.mean(),
                    "mean_on_cpu": there.mean(),
                    "difference": float((here - there).mean()),
                    "difference_low": float(low),
                    "difference_high": float(high),
                    "ks_p": float(stats.ks_2samp(here, there).pvalue),
                    "seconds_on_card": seconds[0],
                    "seconds_on_cpu": seconds[1],
                }
            )
    return rows


def study(batches: Iterable[tuple[Spec, Dataset, Split]], seconds: float, device: torch.device) -> dict[str, Any]:
    """Train one batch after the other until so many seconds have passed: a row each, and the joules of all."""
    rows: list[dict[str, Any]] = []
    spent, began = _spent(device), time.perf_counter()
    last = began
    for spec, dataset, split in batches:
        if last - began > seconds:
            break
        torch.cuda.reset_peak_memory_stats(device)
        batch = train_batch(spec, dataset, split)
        now = time.perf_counter()
        row = {name: getattr(spec, name) for name in ("study", "features", "training_set", "split")}
        row |= {"hidden_layers": hyphenated(spec.hidden_layers), "networks": len(batch.networks), "seconds": now - last}
        row |= batch.timings.drop(columns=["fraction", "networks"]).sum().to_dict()
        rows.append(row | {"peak_gpu_memory_mb": torch.cuda.max_memory_allocated(device) / 1e6})
        last = now
    return {"batches": len(rows), "seconds": last - began, "joules": spent(), "table": rows}
