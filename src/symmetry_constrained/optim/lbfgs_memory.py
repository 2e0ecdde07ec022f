"""The memory of L-BFGS for K lanes: the newest pairs of steps and gradient differences, and the direction they give.

`of` gives the one that fits the device: `CompactMemory` computes all lanes' directions in a few batched products, which
suits a GPU; `RecursiveMemory` lane after lane in compiled code, which suits a core's cache. Both are -H r with H the
inverse of the BFGS matrix on the pairs in memory, H0 = I / theta.
"""

import copy

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels import compiled

MEMORY = 10  # m: pairs kept
LINE = 16  # numbers of a cache line, or two


def of(x: Tensor, dtype: torch.dtype) -> "Memory":
    """An empty memory for the points x (K, n), whose gradients are computed in the dtype."""
    return CompactMemory(x) if compiled.library_for(x) is None else RecursiveMemory(x, dtype)


class Memory:
    """The pairs of K lanes in slots that are used in turn; vectors are on the device, numbers per lane on the host."""

    def __init__(self, lanes: int):
        self.count = np.zeros(lanes, dtype=np.int64)  # (K,) pairs in memory
        self.newest = np.full(lanes, MEMORY - 1)  # (K,) slot of the newest pair
        self.theta = np.ones(lanes)  # (K,) y·y / s·y of the newest pair

    def select(self, lanes: np.ndarray) -> "Memory":
        """The given lanes only."""
        other = copy.copy(self)
        vars(other).update({name: value[lanes] for name, value in vars(self).items() if isinstance(value, np.ndarray)})
        return other

    def forget(self, lanes: np.ndarray) -> None:
        """Empty the lanes of the mask (K,)."""
        self.count[lanes] = 0
        self.newest[lanes] = MEMORY - 1
        self.theta[lanes] = 1.0

    def remember(self, moved: np.ndarray, curvature: np.ndarray, step: np.ndarray, d: Tensor, g: Tensor, r: Tensor):
        """Append the pair s = step d, y = g - r (K, n) of each lane that has a `curvature` s·y (K,) above 0.

        moved: mask (K,) of the lanes whose next direction starts at the gradient g.
        """
        lanes = np.flatnonzero(curvature > 0)
        slots = (self.newest[lanes] + 1) % MEMORY
        self.newest[lanes] = slots
        self.count[lanes] = np.minimum(self.count[lanes] + 1, MEMORY)
        self.theta[lanes] = self._append(moved, lanes, slots, curvature[lanes], step, d, g, r) / curvature[lanes]

    def _append(self, moved, lanes, slots, curvature, step, d, g, r) -> np.ndarray:
        """Write the pairs of the lanes, given by number, into their slots; y·y of each."""
        raise NotImplementedError

    def descend(self, lanes: np.ndarray, t: Tensor, r: Tensor, z: Tensor, d: Tensor) -> np.ndarray:
        """Write z = fl(t - H r) and d = fl(z - t), rows of (K, n), for the lanes of the mask (K,); r·d (K,)."""
        raise NotImplementedError


class RecursiveMemory(Memory):
    """By the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), lane after lane on the CPU.

    The pairs are kept in the precision of the evaluations, half the memory to read for float32; sums are in float64.
    """

    def __init__(self, x: Tensor, dtype: torch.dtype):
        super().__init__(len(x))
        self.sy = np.ones((len(x), MEMORY))  # (K, m) s·y, slot by slot
        # m steps s, then m gradient differences y. A lane's lie at its place, and stay there when others leave. Each
        # begins at a cache line.
        self.pairs = torch.zeros(len(x), 2 * MEMORY, -(-x.shape[1] // LINE) * LINE, dtype=dtype)
        self.place = np.arange(len(x))
        number = {torch.float32: "float", torch.float64: "double"}[dtype]
        self._remember, self._descend = (
            getattr(compiled.library(), f"{name}_{number}") for name in ("remember", "descend")
        )

    def _append(self, moved, lanes, slots, curvature, step, d, g, r) -> np.ndarray:
        self.sy[lanes, slots] = curvature
        yy = np.empty(len(lanes))
        self._remember(
            len(lanes), d.shape[1], self.pairs.shape[2], MEMORY, lanes, self.place, slots, step, d, g, r, self.pairs, yy
        )
        return yy

    def descend(self, lanes: np.ndarray, t: Tensor, r: Tensor, z: Tensor, d: Tensor) -> np.ndarray:
        slope = np.zeros(len(t))
        numbers = (lanes, self.place, self.count, self.newest, self.sy, self.theta)
        self._descend(*t.shape, self.pairs.shape[2], MEMORY, *numbers, self.pairs, t, r, z, d, slope)
        return slope


class CompactMemory(Memory):
    """By the compact form of the inverse Hessian (Byrd, Nocedal and Schnabel 1994, eq. 3.1), all lanes together."""

    def __init__(self, x: Tensor):
        super().__init__(len(x))
        self.pairs = x.new_zeros(len(x), 2 * MEMORY, x.shape[1])  # m steps s, then m gradient differences y
        # From the oldest pair to the newest, empty ones first.
        self.sty = np.zeros((len(x), MEMORY, MEMORY))  # s_i·y_j for i <= j
        self.yty = np.zeros((len(x), MEMORY, MEMORY))  # y_i·y_j
        self.along = np.zeros((len(x), 2 * MEMORY))  # each pair's s·r, then y·r, slot by slot

    def select(self, lanes: np.ndarray) -> Memory:
        other = super().select(lanes)
        other.pairs = self.pairs[torch.from_numpy(lanes).to(self.pairs.device)]
        return other

    def forget(self, lanes: np.ndarray) -> None:
        super().forget(lanes)
        self.sty[lanes] = self.yty[lanes] = 0.0

    def _slots(self) -> np.ndarray:
        """Where each lane's pairs lie, from the oldest to the newest, empty ones first; (K, m)."""
        return (self.newest[:, None] + 1 + np.arange(MEMORY)) % MEMORY

    def _append(self, moved, lanes, slots, curvature, step, d, g, r) -> np.ndarray:
        y = g - r
        lane, place = (torch.from_numpy(numbers).to(d.device) for numbers in (lanes, slots))
        self.pairs[lane, place] = torch.from_numpy(step[lanes]).to(d.device)[:, None] * d[lane]
        self.pairs[lane, MEMORY + place] = y[lane]
        # The one reading of the whole memory but the direction's: for every lane, since picking some out would copy it.
        products = torch.bmm(torch.stack([g, y], 1), self.pairs.mT).cpu().numpy()  # (K, 2, 2m): by g, by y
        self.along = np.where(moved[:, None], products[:, 0], self.along)
        by_y = products[lanes, 1]  # S'y, Y'y
        order = self._slots()[lanes]
        sty, yty = np.zeros((2, len(lanes), MEMORY, MEMORY))
        sty[:, :-1, :-1], yty[:, :-1, :-1] = self.sty[lanes, 1:, 1:], self.yty[lanes, 1:, 1:]
        # What an empty slot holds is of no memory.
        kept = np.arange(MEMORY) >= MEMORY - self.count[lanes][:, None]
        sty[:, :, -1] = np.take_along_axis(by_y[:, :MEMORY], order, 1) * kept
        sty[:, -1, -1] = curvature
        yty[:, :, -1] = yty[:, -1, :] = np.take_along_axis(by_y[:, MEMORY:], order, 1) * kept
        self.sty[lanes], self.yty[lanes] = sty, yty
        return yty[:, -1, -1]

    def descend(self, lanes: np.ndarray, t: Tensor, r: Tensor, z: Tensor, d: Tensor) -> np.ndarray:
        gamma = 1.0 / self.theta
        slots = self._slots()
        kept = np.arange(MEMORY) >= MEMORY - self.count[:, None]  # (K, m)
        s_r = np.take_along_axis(self.along[:, :MEMORY], slots, 1) * kept
        y_r = np.take_along_axis(self.along[:, MEMORY:], slots, 1) * kept
        empty = np.zeros_like(self.sty)
        empty[:, range(MEMORY), range(MEMORY)] = ~kept
        upper = torch.from_numpy(self.sty + empty)  # R, with 1 for an empty slot
        u = torch.linalg.solve_triangular(upper, torch.from_numpy(s_r[:, :, None]), upper=True).numpy()  # R⁻¹ S'r
        diagonal = np.diagonal(self.sty, axis1=1, axis2=2)
        inner = diagonal[:, :, None] * u + gamma[:, None, None] * (self.yty @ u - y_r[:, :, None])
        top = torch.linalg.solve_triangular(upper.mT, torch.from_numpy(inner), upper=False).numpy()
        weights = np.zeros_like(self.along)
        np.put_along_axis(weights[:, :MEMORY], slots, top[:, :, 0] * kept, 1)
        np.put_along_axis(weights[:, MEMORY:], slots, -gamma[:, None] * u[:, :, 0] * kept, 1)
        scaled = torch.from_numpy(-gamma).to(t.device)[:, None, None] * r[:, None, :]
        weighed = torch.from_numpy(-weights).to(t.device)[:, None, :]
        end = t + torch.baddbmm(scaled, weighed, self.pairs)[:, 0]
        places = torch.from_numpy(np.flatnonzero(lanes)).to(t.device)
        z.index_copy_(0, places, end.index_select(0, places))
        d.index_copy_(0, places, (end - t).index_select(0, places))
        return torch.linalg.vecdot(r, d).cpu().numpy()
