"""What an optimiser is given and returns: budgets, results and the ways in which a run ends."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from symmetry_constrained.kernels import steps

FTOL = 2.220446049250313e-09  # relative reduction of the loss that counts as convergence
GTOL = 1e-4  # largest gradient component that counts as convergence


class Status(enum.IntEnum):
    """Whether and why a lane ended."""

    RUNNING = steps.RUNNING
    MAX_ITERATIONS = steps.MAX_ITERATIONS
    MAX_EVALUATIONS = steps.MAX_EVALUATIONS
    CONVERGED_GRADIENT = steps.CONVERGED_GRADIENT
    CONVERGED_LOSS = steps.CONVERGED_LOSS
    ABNORMAL = steps.ABNORMAL  # a line search failed with an empty memory
    NON_FINITE = steps.NON_FINITE  # the loss or its gradient overflowed

    @property
    def text(self) -> str:
        """The status as files have it: its name in small letters."""
        return self.name.lower()


@dataclass(frozen=True)
class Budget:
    """The most iterations and evaluations of a training.

    An evaluation is one of the loss and its gradient on every sample: a pass over the data. An iteration is an accepted
    step of L-BFGS, which takes one evaluation or more, or an epoch of Adam, which takes one.

    scikit-learn 0.19 read `max_iter` as evaluations, and reads it as iterations since 0.22.
    """

    max_iterations: int = 15_000
    max_evaluations: int = 15_000

    def __post_init__(self):
        if self.max_iterations < 1 or self.max_evaluations < 1:
            raise ValueError(f"a budget must be at least 1 iteration and 1 evaluation, not {self}")


@dataclass
class Result:
    """The ends of K lanes, in the caller's order."""

    x: Tensor  # (K, n)
    loss: Tensor  # (K,)
    gradient: Tensor  # (K, n)
    iterations: Tensor  # (K,)
    evaluations: Tensor  # (K,)
    status: list[str]  # (K,) texts of `Status`

    def of(self, lanes: slice) -> "Result":
        """Those of some lanes."""
        return Result(**{name: values[lanes] for name, values in vars(self).items()})


class Progress(Protocol):
    """What an optimiser shows of its L lanes while it runs."""

    lane: np.ndarray  # (L,) numbers of the lanes in the caller's order
    x: Tensor  # (L, n) points
    iterations: np.ndarray  # (L,)
    evaluations: np.ndarray  # (L,)


Accepted = Callable[
    [Any, np.ndarray], None
]  # Progress, and the mask (L,) of lanes that have just finished an iteration
Ticked = Callable[[Any], None]  # Progress, now and then


class Train(Protocol):
    """How every optimiser trains: from the parameters rows (K, P) of an `Ensemble` on its samples.

    seeds (K,): those of the networks' initial weights, for an optimiser that draws something.
    """

    def __call__(
        self,
        ensemble: Any,
        rows: Tensor,
        samples: Any,
        budget: Budget,
        *,
        seeds: Iterable[int],
        accepted: Accepted | None = None,
        ticked: Ticked | None = None,
    ) -> Result: ...
