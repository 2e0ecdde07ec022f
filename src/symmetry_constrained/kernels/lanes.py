"""The vectors of K lanes of L-BFGS: where each is, its search direction, and the memory that gives it.

A lane searches from the point t, whose gradient is r, along d, and is evaluated at its trial point x. Its memory holds
the m newest pairs of steps s and gradient differences y, in slots used in turn. The direction is -H r, with H the
inverse of the BFGS matrix on the pairs in memory and H0 = I / theta.

`native.NativeLanes` computes lane after lane in compiled code, which suits a core's cache; `batched.BatchedLanes`
computes all lanes in a few batched products, which suits a GPU.
"""

import copy
from collections.abc import Callable
from typing import Self

import numpy as np
from torch import Tensor

from symmetry_constrained.kernels import steps
from symmetry_constrained.kernels.steps import Limits, Moves, Steps

# Points (L, n) in float64 and the numbers (L,) of their lanes -> losses (L,), gradients (L, n).
Evaluate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Lanes:
    """K lanes of n parameters. Vectors are on the device, numbers per lane on the host.

    `advance` may be done later, when the lanes are evaluated: `settle` before reading t, r or d.
    """

    x: Tensor  # (K, n) trial points
    t: Tensor  # (K, n) where the line searches began
    r: Tensor  # (K, n) gradients there
    d: Tensor  # (K, n) directions
    compact_below: float  # finished lanes should leave when the share of live ones is smaller

    def __init__(self, lanes: int, capacity: int):
        self.capacity = capacity  # m
        self.slope = np.zeros(lanes)  # (K,) r·d
        self.count = np.zeros(lanes, dtype=np.int64)  # (K,) pairs in memory
        self.newest = np.full(lanes, capacity - 1)  # (K,) slot of the newest pair
        self.theta = np.ones(lanes)  # (K,) y·y / s·y of the newest pair

    def select(self, lanes: np.ndarray) -> Self:
        """The lanes of these numbers only."""
        other = copy.copy(self)
        vars(other).update({name: value[lanes] for name, value in vars(self).items() if isinstance(value, np.ndarray)})
        return other

    def settle(self) -> None:
        """Do now what was put off."""

    def evaluate(self, evaluate: Evaluate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Evaluate all lanes at their trial points; `slope` is exact afterwards.

        Returns, in arrays (K,), the losses, the largest |component| of each gradient g, not finite if any is, and the
        slopes g·d.
        """
        raise NotImplementedError

    def judge(self, s: Steps, largest: np.ndarray, slope: np.ndarray, limits: Limits) -> Moves:
        """`steps.judge` after an evaluation, which may overwrite what it returned before."""
        return steps.judge(s, largest, slope, self.slope, self.count, limits)

    def advance(self, moves: Moves) -> np.ndarray:
        """Make these moves; a step of exactly 1 ends at fl(t - H r).

        New directions are d = fl(fl(t - H r) - t). Where that is not finite or does not descend, a lane forgets its
        memory and follows the gradient. Returns a mask (K,): where there was no memory, or that does not descend.
        """
        raise NotImplementedError
