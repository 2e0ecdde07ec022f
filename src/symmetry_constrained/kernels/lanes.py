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

# Points (L, n) in float64 and the numbers (L,) of their lanes -> losses (L,), gradients (L, n).
Evaluate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Lanes:
    """K lanes of n parameters. Vectors are on the device, numbers per lane on the host.

    `move`, `descend` and `go` may be done later, when the lanes are evaluated: `settle` before reading t, r or d.
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

    def evaluate(self, evaluate: Evaluate, live: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Evaluate the lanes of the mask (K,) at their trial points; `slope` is exact afterwards.

        Returns, in arrays (K,), the losses, the largest |component| of each gradient g, not finite if any is, and the
        slopes g·d. Finished lanes keep their numbers or are evaluated again.
        """
        raise NotImplementedError

    def remember(self, curvature: np.ndarray, step: np.ndarray) -> None:
        """Append the pair s = step d, y = g - r of each lane that has a `curvature` s·y (K,) above 0."""
        lanes = np.flatnonzero(curvature > 0)
        slots = (self.newest[lanes] + 1) % self.capacity
        self.newest[lanes] = slots
        self.count[lanes] = np.minimum(self.count[lanes] + 1, self.capacity)
        self.theta[lanes] = self._append(lanes, slots, curvature[lanes], step) / curvature[lanes]

    def _append(self, lanes: np.ndarray, slots: np.ndarray, curvature: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Write the pairs of the lanes, given by number, into their slots; returns y·y of each."""
        raise NotImplementedError

    def forget(self, lanes: np.ndarray) -> None:
        """Empty the memory of the lanes of the mask (K,)."""
        self.count[lanes] = 0
        self.newest[lanes] = self.capacity - 1
        self.theta[lanes] = 1.0

    def move(self, lanes: np.ndarray) -> None:
        """Make the trial point the start of the next line search of the lanes of the mask (K,)."""
        raise NotImplementedError

    def descend(self, lanes: np.ndarray) -> np.ndarray:
        """Set d = fl(fl(t - H r) - t) in the lanes of the mask (K,); returns r·d (K,), at least with its sign."""
        raise NotImplementedError

    def go(self, step: np.ndarray) -> None:
        """Set the trial points t + step d; a step (K,) of exactly 1 ends at fl(t - H r)."""
        raise NotImplementedError
