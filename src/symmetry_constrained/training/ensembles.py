"""The networks of a specification: an ensemble of them, and their start."""

from collections.abc import Iterable

import numpy as np
import torch

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.draws import initial_seeds
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.networks.registry import ensemble_class
from symmetry_constrained.training.spec import Spec

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def ensemble_of(spec: Spec, architecture: Architecture, biased: np.ndarray, device: str) -> Ensemble:
    """An ensemble of the spec's networks. biased: mask (K,)."""
    build = ensemble_class(spec.averaging, bool(architecture.filters))
    return build(architecture, biased, spec.alpha, DTYPES[spec.dtype], device, spec.activation)


def start_of(spec: Spec, ensemble: Ensemble, numbers: Iterable[int]) -> tuple[torch.Tensor, list[int]]:
    """Initial parameters (K, P) of the networks with these numbers (K,) in the spec's split, and the seeds (K,)."""
    seeds = initial_seeds(spec.split, numbers)
    return ensemble.initial(seeds, spec.start), seeds
