"""The cost of training one network alone: seconds per evaluation, memory, and the energy of a GPU.

The same optimiser, ensemble and budget as a training batch, with one network in the ensemble. The
networks of an ensemble share its seconds; one network alone does not, so its seconds are what a reader who trains a
single network will see.
"""

import contextlib
import ctypes
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.inputs import training_set
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import inversion
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.ensemble import Ensemble, Samples, resolve_device
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.optim.registry import train_function
from symmetry_constrained.training.ensembles import ensemble_of, start_of
from symmetry_constrained.training.spec import Spec

ENERGY_SECONDS = 2.0  # the driver's energy counter moves in steps of up to 0.1 s


@dataclass
class Solo:
    """One network and its training samples, to be trained again and again from the same start."""

    ensemble: Ensemble
    initial: torch.Tensor  # (1, P)
    samples: Samples
    budget: Budget
    seeds: list[int]  # (1,)
    optimiser: str

    def warm_up(self) -> None:
        """One evaluation: memory is allocated, kernels are chosen and loaded."""
        self.ensemble.loss_and_gradient(self.initial, self.samples)

    def train(self) -> tuple[float, int]:
        """Seconds and evaluations of one training."""
        _synchronise(self.ensemble.device)
        began = time.perf_counter()
        train = train_function(self.optimiser)
        result = train(self.ensemble, self.initial, self.samples, self.budget, seeds=self.seeds)
        _synchronise(self.ensemble.device)
        return time.perf_counter() - began, int(result.evaluations[0])

    def joules_per_evaluation(self) -> float:
        """Energy drawn by the whole GPU, its idle draw included; nan without a GPU or where the driver reports none."""
        joules = energy_counter(self.ensemble.device)
        if joules is None:
            return np.nan
        before, began, evaluations = joules(), time.perf_counter(), 0
        while time.perf_counter() - began < ENERGY_SECONDS:
            evaluations += self.train()[1]
        return (joules() - before) / evaluations


def time_solo(
    spec: Spec, dataset: Dataset, split: Split, *, repeats: int = 3, max_evaluations: int = 50
) -> pd.DataFrame:
    """Train the spec's first seed alone on all its training images, once per repeat and kind of network: a row each.

    max_evaluations: a lower budget than the spec's, since seconds per evaluation hardly depend on it.
    feature_seconds and seconds_per_evaluation are medians over the repeats; low and high are the least and the most.
    peak_memory_mb: of the whole process, software and source images included, from the reading of the images it
    trains on to the end of the row's trainings. peak_gpu_memory_mb, energy_joules_per_evaluation: empty without a
    GPU. ValueError without repeats.
    """
    if repeats < 1:
        raise ValueError(f"repeats: there must be at least 1, not {repeats}")
    device = resolve_device(spec.device)
    _forget_peaks(device)
    inputs, labels, mapping = _timed_inputs(spec, dataset, split, repeats)
    limit = min(max_evaluations, spec.budget.get("max_evaluations", max_evaluations))
    budget = Budget(**spec.budget | {"max_evaluations": limit})
    architecture = Architecture(inputs.shape[1], tuple(spec.hidden_layers), CLASSES)
    table = []
    for network in spec.networks:
        biased = np.array([network == "biased"])
        ensemble = ensemble_of(spec, architecture, biased, device)
        initial, seeds = start_of(spec, ensemble, spec.seeds[:1])
        solo = Solo(ensemble, initial, ensemble.samples(inputs, labels), budget, seeds, spec.optimiser)
        solo.warm_up()
        timed = [solo.train() for _ in range(repeats)]
        each = [seconds / evaluations for seconds, evaluations in timed]
        table.append(
            {
                "study": spec.study,
                "dataset": spec.dataset,
                "protocol": spec.protocol,
                "features": spec.features,
                "training_set": spec.training_set,
                "network": network,
                "hidden_layers": hyphenated(spec.hidden_layers),
                "n_train": len(inputs),
                "repeats": repeats,
                "evaluations": timed[0][1],
                "feature_seconds": np.median(mapping),
                "seconds_per_evaluation": np.median(each),
                "seconds_per_evaluation_low": min(each),
                "seconds_per_evaluation_high": max(each),
                "peak_memory_mb": peak_memory_mb(),
                "peak_gpu_memory_mb": _peak_gpu_memory_mb(ensemble.device),
                "energy_joules_per_evaluation": solo.joules_per_evaluation(),
                "device": device,
            }
        )
    return pd.DataFrame(table)


def _timed_inputs(
    spec: Spec, dataset: Dataset, split: Split, repeats: int
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The spec's features (n, m) and labels (n,) of all training images, and the seconds of each repeat of the map."""
    rows = split.select("train")
    images, labels = training_set(
        split.images(dataset.images, rows),
        rows["label"].to_numpy(),
        spec.training_set,
        spec.split,
        rows.index.to_numpy(),
    )
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        inputs = inversion.compute(spec.features, images, dataset.shape)
        seconds.append(time.perf_counter() - began)
    return inputs, labels, seconds


def _forget_peaks(device: str) -> None:
    """Count peak memory from here on Linux, through /proc; on other systems it is counted from the process's start."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb() -> float:
    """The most memory this process has had resident, in MB (10⁶ bytes)."""
    with contextlib.suppress(OSError):
        # The maximum of getrusage starts at the size of the parent process, so it can't be used here.
        high_water = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.M)
        if high_water:
            return int(high_water[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6  # macOS counts bytes, Linux KiB


def _peak_gpu_memory_mb(device: torch.device) -> float:
    return torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else np.nan


def _synchronise(device: torch.device) -> None:
    """Wait until the GPU has finished; its calls return before their work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def energy_counter(device: torch.device) -> Callable[[], float] | None:
    """A function that reads the joules a GPU has drawn since its driver was loaded; None if the device has no counter.

    NVIDIA's management library, which comes with the driver: `nvmlDeviceGetTotalEnergyConsumption`, Volta and later.
    """
    if device.type != "cuda":
        return None
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}".encode()
    handle, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByUUID(uuid, ctypes.byref(handle)):
        return None

    def joules() -> float:
        if nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)):
            return np.nan
        return millijoules.value / 1000

    return None if np.isnan(joules()) else joules
