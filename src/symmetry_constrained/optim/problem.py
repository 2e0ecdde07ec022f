"""What an optimiser is given and what it returns: budgets, ends, results."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

FTOL = 2.220446049250313e-09  # relative reduction of the loss that counts as convergence


GTOL = 1e-4  # largest gradient component that counts as convergence


STATUSES = (
    "running",
    "max_iterations",
    "max_evaluations",
    "converged_gradient",
    "converged_loss",
    "abnormal",  # a line search failed with nothing left to forget
    "non_finite",  # the loss or its gradient overflowed
)


RUNNING, MAX_ITERATIONS, MAX_EVALUATIONS, CONVERGED_GRADIENT, CONVERGED_LOSS, ABNORMAL, NON_FINITE = range(7)


Evaluate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Budget:
    """When to stop. scikit-learn 0.19 read `max_iter` as evaluations, and reads it as iterations since 0.22."""

    max_iterations: int = 15_000
    max_evaluations: int = 15_000

    def __post_init__(self):
        if self.max_iterations < 1 or self.max_evaluations < 1:
            raise ValueError(f"a budget must be at least 1 iteration and 1 evaluation, not {self}")


@dataclass
class Result:
    """Where K lanes ended, in the caller's order."""

    x: Tensor  # (K, n)
    loss: Tensor  # (K,)
    gradient: Tensor  # (K, n)
    iterations: Tensor  # (K,)
    evaluations: Tensor  # (K,)
    status: list[str]  # K names out of STATUSES
