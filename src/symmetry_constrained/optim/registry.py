"""The optimisers, by name. To add one: a module with a `train` function that fits `problem.Train`, and an entry here.

The names are readable without PyTorch: a module is imported where its function is asked for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symmetry_constrained.optim.problem import Train


def _lbfgs() -> "Train":
    from symmetry_constrained.optim import lbfgs

    return lbfgs.train


def _adam() -> "Train":
    from symmetry_constrained.optim import adam

    return adam.train


OPTIMISERS: dict[str, Callable[[], "Train"]] = {"lbfgs": _lbfgs, "adam": _adam}


def train_function(name: str) -> "Train":
    """The function that trains by the optimiser of that name. ValueError in one line if there is none."""
    if name not in OPTIMISERS:
        raise ValueError(f"optimiser: {name!r} is unknown; choose {', '.join(OPTIMISERS)}")
    return OPTIMISERS[name]()
