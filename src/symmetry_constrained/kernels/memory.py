"""The memory of L-BFGS for K lanes: the newest pairs of steps and gradient differences, and the direction they give.

The direction is -H r, with H the inverse of the BFGS matrix on the pairs in memory and H0 = I / theta. `CompactMemory`
computes it for all lanes in a few batched products, which suits a GPU; `native.RecursiveMemory` computes it lane after
lane in compiled code, which suits a core's cache.
"""

import copy

import numpy as np
import torch
from torch import Tensor


class Memory:
    """The m pairs of K lanes in slots used in turn. Vectors are on the device, numbers per lane on the host."""

    pairs: Tensor  # of the lanes: m steps s, then m gradient differences y

    def __init__(self, lanes: int, capacity: int):
        self.capacity = capacity  # m
        self.count = np.zeros(lanes, dtype=np.int64)  # (K,) pairs in memory
        self.newest = np.full(lanes, capacity - 1)  # (K,) slot of the newest pair
        self.theta = np.ones(lanes)  # (K,) y·y / s·y of the newest pair

    def select(self, lanes: np.ndarray) -> "Memory":
        """The given lanes only."""
        other = copy.copy(self)
        vars(other).update({name: value[lanes] for name, value in vars(self).items() if isinstance(value, np.ndarray)})
        return other

    def forget(self, lanes: np.ndarray) -> None:
        """Empty the lanes of the mask (K,)."""
        self.count[lanes] = 0
        self.newest[lanes] = self.capacity - 1
        self.theta[lanes] = 1.0

    def remember(
        self, moved: np.ndarray, curvature: np.ndarray, step: np.ndarray, d: Tensor, g: Tensor, r: Tensor
    ) -> None:
        """Append the pair s = step d, y = g - r (K, n) of each lane that has a `curvature` s·y (K,) above 0.

        moved: mask (K,) of the lanes whose next direction starts at the gradient g.
        """
        lanes = np.flatnonzero(curvature > 0)
        slots = (self.newest[lanes] + 1) % self.capacity
        self.newest[lanes] = slots
        self.count[lanes] = np.minimum(self.count[lanes] + 1, self.capacity)
        self.theta[lanes] = self._append(moved, lanes, slots, curvature[lanes], step, d, g, r) / curvature[lanes]

    def _append(
        self,
        moved: np.ndarray,
        lanes: np.ndarray,
        slots: np.ndarray,
        curvature: np.ndarray,
        step: np.ndarray,
        d: Tensor,
        g: Tensor,
        r: Tensor,
    ) -> np.ndarray:
        """Write the pairs of the lanes, given by number, into their slots; returns y·y of each."""
        raise NotImplementedError

    def descend(self, lanes: np.ndarray, t: Tensor, r: Tensor, z: Tensor, d: Tensor) -> np.ndarray:
        """Write z = fl(t - H r) and d = fl(z - t), rows of (K, n), for the lanes of the mask (K,); returns r·d (K,)."""
        raise NotImplementedError


class CompactMemory(Memory):
    """By the compact form of the inverse Hessian (Byrd, Nocedal and Schnabel 1994, eq. 3.1), all lanes together."""

    def __init__(self, x: Tensor, capacity: int):
        super().__init__(len(x), capacity)
        self.pairs = x.new_zeros(len(x), 2 * capacity, x.shape[1])  # m steps s, then m gradient differences y
        # From the oldest pair to the newest, empty ones first.
        self.sty = np.zeros((len(x), capacity, capacity))  # s_i·y_j for i <= j
        self.yty = np.zeros((len(x), capacity, capacity))  # y_i·y_j
        self.along = np.zeros((len(x), 2 * capacity))  # each pair's s·r, then y·r, slot by slot

    def select(self, lanes: np.ndarray) -> Memory:
        other = super().select(lanes)
        other.pairs = self.pairs[torch.from_numpy(lanes).to(self.pairs.device)]
        return other

    def forget(self, lanes: np.ndarray) -> None:
        super().forget(lanes)
        self.sty[lanes] = self.yty[lanes] = 0.0

    def _slots(self) -> np.ndarray:
        """Each lane's slots (K, m), from the oldest pair to the newest, empty slots first."""
        return (self.newest[:, None] + 1 + np.arange(self.capacity)) % self.capacity

    def _append(
        self,
        moved: np.ndarray,
        lanes: np.ndarray,
        slots: np.ndarray,
        curvature: np.ndarray,
        step: np.ndarray,
        d: Tensor,
        g: Tensor,
        r: Tensor,
    ) -> np.ndarray:
        y = g - r
        lane, place = (torch.from_numpy(numbers).to(d.device) for numbers in (lanes, slots))
        self.pairs[lane, place] = torch.from_numpy(step[lanes]).to(d.device)[:, None] * d[lane]
        self.pairs[lane, self.capacity + place] = y[lane]
        # Reads the whole memory, as only the direction does too; for every lane, since selecting some would copy it.
        products = torch.bmm(torch.stack([g, y], 1), self.pairs.mT).cpu().numpy()  # (K, 2, 2m): by g, by y
        self.along = np.where(moved[:, None], products[:, 0], self.along)
        by_y = products[lanes, 1]  # S'y, Y'y
        order = self._slots()[lanes]
        sty, yty = np.zeros((2, len(lanes), self.capacity, self.capacity))
        sty[:, :-1, :-1], yty[:, :-1, :-1] = self.sty[lanes, 1:, 1:], self.yty[lanes, 1:, 1:]
        # Mask slots that hold no pair yet.
        kept = np.arange(self.capacity) >= self.capacity - self.count[lanes][:, None]
        sty[:, :, -1] = np.take_along_axis(by_y[:, : self.capacity], order, 1) * kept
        sty[:, -1, -1] = curvature
        yty[:, :, -1] = yty[:, -1, :] = np.take_along_axis(by_y[:, self.capacity :], order, 1) * kept
        self.sty[lanes], self.yty[lanes] = sty, yty
        return yty[:, -1, -1]

    def descend(self, lanes: np.ndarray, t: Tensor, r: Tensor, z: Tensor, d: Tensor) -> np.ndarray:
        gamma = 1.0 / self.theta
        slots = self._slots()
        kept = np.arange(self.capacity) >= self.capacity - self.count[:, None]  # (K, m)
        s_r = np.take_along_axis(self.along[:, : self.capacity], slots, 1) * kept
        y_r = np.take_along_axis(self.along[:, self.capacity :], slots, 1) * kept
        empty = np.zeros_like(self.sty)
        empty[:, range(self.capacity), range(self.capacity)] = ~kept
        upper = torch.from_numpy(self.sty + empty)  # R, with 1 for an empty slot
        u = torch.linalg.solve_triangular(upper, torch.from_numpy(s_r[:, :, None]), upper=True).numpy()  # R⁻¹ S'r
        diagonal = np.diagonal(self.sty, axis1=1, axis2=2)
        inner = diagonal[:, :, None] * u + gamma[:, None, None] * (self.yty @ u - y_r[:, :, None])
        top = torch.linalg.solve_triangular(upper.mT, torch.from_numpy(inner), upper=False).numpy()
        weights = np.zeros_like(self.along)
        np.put_along_axis(weights[:, : self.capacity], slots, top[:, :, 0] * kept, 1)
        np.put_along_axis(weights[:, self.capacity :], slots, -gamma[:, None] * u[:, :, 0] * kept, 1)
        scaled = torch.from_numpy(-gamma).to(t.device)[:, None, None] * r[:, None, :]
        weighed = torch.from_numpy(-weights).to(t.device)[:, None, :]
        end = t + torch.baddbmm(scaled, weighed, self.pairs)[:, 0]
        places = torch.from_numpy(np.flatnonzero(lanes)).to(t.device)
        z.index_copy_(0, places, end.index_select(0, places))
        d.index_copy_(0, places, (end - t).index_select(0, places))
        return torch.linalg.vecdot(r, d).cpu().numpy()
