"""The device that a run computes on: decided once, where the workflow is started."""

import os
import shutil
from collections.abc import MutableMapping

VARIABLE = "SYMMETRY_CONSTRAINED_DEVICE"


def decide(name: str, environment: MutableMapping[str, str] = os.environ) -> str:
    """The device by its one name: `cpu`, `cuda` or `cuda:N` with N above 0.

    `auto` is `cuda` where PyTorch finds a GPU, else `cpu`. That decision is left in the environment for the Snakemake
    processes that this one starts, on a cluster's nodes too, so that every job of a run computes on the same device.
    PyTorch, which takes seconds to import, is asked only where NVIDIA's driver is installed.
    """
    if name == "auto":
        name = environment.setdefault(VARIABLE, "cuda" if has_driver() and _resolves("cuda") else "cpu")
    return "cuda" if name == "cuda:0" else name


def check(name: str) -> None:
    """ValueError in one line if this machine has no such device."""
    if name.startswith("cuda") and not (has_driver() and _resolves(name)):
        raise ValueError(f"config: device is {name!r}, but there is no {name} here; it must be auto or cpu")


def uses_gpu(name: str) -> bool:
    return name.startswith("cuda")


def has_driver() -> bool:
    return shutil.which("nvidia-smi") is not None


def _resolves(name: str) -> bool:
    from symmetry_constrained.networks.ensemble import resolve_device

    try:
        return resolve_device(name) == name
    except ValueError:
        return False
