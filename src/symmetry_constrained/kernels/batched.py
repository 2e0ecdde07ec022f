"""All lanes of L-BFGS in a few batched products, by the compact form of the inverse Hessian.

Between two evaluations there is one transfer each way: the host gets the products of all vectors that its decisions
need, and the device gets what to do. The compact form: Byrd, Nocedal and Schnabel 1994, eq. 3.1.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels.lanes import Evaluate, Lanes
from symmetry_constrained.kernels.steps import Moves

OTHER_ROWS = 8  # beside the pairs: r, t, two that nothing reads, d, y, g, x
CERTAIN = 1e-8  # a sum this much larger than rounding of its parts has the right sign


class Orders:
    """What the host asks of the device between two evaluations, in one buffer that is copied at once."""

    def __init__(self, lanes: int, capacity: int, device: torch.device):
        parts = {
            "weights": (np.float64, (lanes, 1, 2 * capacity + 2)),  # of r, t and the pairs in -H r
            "step": (np.float64, (lanes, 1)),
            "slots": (np.int64, (lanes, 2)),  # where to keep d and y
            "moved": (np.bool_, (lanes, 1, 1)),  # whether the trial point is where the next search begins
            "begun": (np.bool_, (lanes, 1)),  # whether there is a new direction
        }
        ends = np.cumsum([0, *(np.dtype(dtype).itemsize * int(np.prod(shape)) for dtype, shape in parts.values())])
        self._here = np.zeros(ends[-1], dtype=np.uint8)
        self._there = torch.zeros(int(ends[-1]), dtype=torch.uint8, device=device)
        self.here: dict[str, np.ndarray] = {}
        self.there: dict[str, Tensor] = {}
        for (name, (dtype, shape)), start, end in zip(parts.items(), ends.tolist(), ends.tolist()[1:], strict=False):
            self.here[name] = self._here[start:end].view(dtype).reshape(shape)
            self.there[name] = self._there[start:end].view(torch.from_numpy(self.here[name]).dtype).view(shape)
        self._nowhere = 2 * capacity, 2 * capacity + 1  # rows that nothing reads
        self.clear()

    def clear(self) -> None:
        """Ask for nothing but the same trial points."""
        self.here["slots"][:] = self._nowhere
        self.here["moved"][:] = self.here["begun"][:] = False

    def send(self) -> None:
        self._there.copy_(torch.from_numpy(self._here))


class BatchedLanes(Lanes):
    """Lanes whose vectors are the rows of one array, so that one batched product gives all their products."""

    compact_below = 1.0

    def __init__(self, x: Tensor, capacity: int, record: Callable[[], Callable] | None = None):
        """Lanes at x (K, n), with an empty memory of so many pairs.

        record: makes a function that does what it is given, the same every time, perhaps from a recording.
        """
        super().__init__(len(x), capacity)
        lanes, m = len(x), capacity
        # By lane: r, t, the pairs' directions, their gradient differences, two rows that nothing reads, d, y, g, x.
        self._rows = x.new_zeros(lanes, 2 * m + OTHER_ROWS, x.shape[1])
        self._numbers = torch.arange(lanes, device=x.device)
        self._orders = Orders(lanes, m, x.device)
        self._record = record
        self._name_rows()
        self.t.copy_(x)  # the first trial point, with a step of 0
        self._products = np.zeros((lanes, 3, 2 * m + 7))  # of d, y and g with all rows but x
        self._lengths = np.ones((lanes, m))  # a pair's step is so many times its direction
        self._r_r = np.zeros(lanes)
        # From the oldest pair to the newest, empty ones first.
        self._sty = np.zeros((lanes, m, m))  # s_i·y_j for i <= j
        self._yty = np.zeros((lanes, m, m))  # y_i·y_j
        self._along = np.zeros((lanes, 2 * m))  # each pair's s·r, then y·r, slot by slot

    def _name_rows(self) -> None:
        rows, m = self._rows, self.capacity
        self.r, self.t, self._start = rows[:, 0], rows[:, 1], rows[:, :2]
        self._basis, self._pairs = rows[:, : 2 * m + 2], rows[:, 2 : 2 * m + 4]  # the second has the rows of no use
        self.d, self._y, self._pair = rows[:, -4], rows[:, -3], rows[:, -4:-2]
        self._g, self.x, self._trial = rows[:, -2], rows[:, -1], rows[:, -2:]
        self._places = torch.arange(len(rows), device=rows.device)[:, None]
        self._run = self._record() if self._record else lambda work: work()
        self.compact_below = 0.75 if self._record else BatchedLanes.compact_below

    def settle(self) -> None:
        self._orders.send()
        self._proceed()
        self._orders.clear()

    def select(self, lanes: np.ndarray) -> Self:
        self.settle()
        other = super().select(lanes)
        places = torch.from_numpy(lanes).to(self.x.device)
        other._rows, other._numbers = (values.index_select(0, places) for values in (self._rows, self._numbers))
        other._name_rows()
        other._orders = Orders(len(lanes), self.capacity, self.x.device)
        other._orders.here["step"][:] = self._orders.here["step"][lanes]
        return other

    def evaluate(self, evaluate: Evaluate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._orders.send()
        numbers = self._run(lambda: self._tick(evaluate)).cpu().numpy()
        self._orders.clear()
        lanes = len(self._rows)
        f, largest, products = numbers[:lanes], numbers[lanes : 2 * lanes], numbers[2 * lanes :]
        self._products = products.reshape(lanes, 3, -1)
        self.slope = self._products[:, 0, 0]
        return f, largest, self._products[:, 2, -3]

    def _tick(self, evaluate: Evaluate) -> Tensor:
        """All that the device does from one transfer to the next; losses, largest components and products, flat."""
        self._proceed()
        f, g = evaluate(self.x, self._numbers)
        self._g.copy_(g)
        torch.sub(self._g, self.r, out=self._y)
        largest = torch.linalg.vector_norm(self._g, torch.inf, 1)
        products = torch.bmm(self._rows[:, -4:-1], self._rows[:, :-1].mT)
        return torch.cat([f.to(torch.float64), largest, products.flatten()])

    def _proceed(self) -> None:
        """Keep pairs, move to trial points, take new directions and go along them, as ordered."""
        ordered = self._orders.there
        self._pairs.index_put_((self._places, ordered["slots"]), self._pair)
        torch.where(ordered["moved"], self._trial, self._start, out=self._start)
        z = self.t + torch.bmm(ordered["weights"], self._basis)[:, 0]
        torch.where(ordered["begun"], z - self.t, self.d, out=self.d)
        # With a step of 1 that is z again: fl(t + fl(z - t)) = z where z is a sum rounded once.
        torch.addcmul(self.t, ordered["step"], self.d, out=self.x)

    @np.errstate(all="ignore")  # finished lanes stay for a while; their numbers are meaningless
    def advance(self, moves: Moves) -> np.ndarray:
        lost = np.zeros(len(moves.step), dtype=bool)
        if moves.accepted.any():
            self._remember(moves.curvature, moves.taken)
            self._move(moves.accepted)
        if moves.forgotten.any():
            self._forget(moves.forgotten)
        if moves.begun.any():
            slope = self._descend(moves.begun)
            bad = moves.begun & ~(np.isfinite(slope) & (slope < 0))
            if bad.any():
                lost = bad & (self.count == 0)
                self._forget(bad)
                lost = lost | (bad & ~(self._descend(bad) < 0))
        self._orders.here["step"][:, 0] = moves.step
        return lost

    def _remember(self, curvature: np.ndarray, step: np.ndarray) -> None:
        """Append the pair s = step d, y = g - r of each lane that has a `curvature` s·y (K,) above 0."""
        lanes = np.flatnonzero(curvature > 0)
        slots = (self.newest[lanes] + 1) % self.capacity
        self.newest[lanes] = slots
        self.count[lanes] = np.minimum(self.count[lanes] + 1, self.capacity)
        self.theta[lanes] = self._append(lanes, slots, curvature[lanes], step) / curvature[lanes]

    def _slots(self) -> np.ndarray:
        """Each lane's slots (K, m), from the oldest pair to the newest, empty slots first."""
        return (self.newest[:, None] + 1 + np.arange(self.capacity)) % self.capacity

    def _kept(self, lanes: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Which of those slots hold a pair."""
        return np.arange(self.capacity) >= self.capacity - self.count[lanes, None]

    def _with_pairs(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Products of y (row 1) or g (2) with each pair's s and y, slot by slot, (K, m) each."""
        products, m = self._products[:, row], self.capacity
        return self._lengths * products[:, 2 : 2 + m], products[:, 2 + m : 2 + 2 * m]

    def _append(self, lanes: np.ndarray, slots: np.ndarray, curvature: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Write the pairs of the lanes, given by number, into their slots; returns y·y of each."""
        m = self.capacity
        self._orders.here["slots"][lanes] = np.stack([slots, m + slots], 1)
        self._lengths[lanes, slots] = step[lanes]
        # Products with the new pair replace those with the pair that was in its slots.
        self._products[lanes, :, 2 + slots] = self._products[lanes, :, -3]
        self._products[lanes, :, 2 + m + slots] = self._products[lanes, :, -2]
        s_y, y_y = self._with_pairs(1)
        each, order, kept = lanes[:, None], self._slots()[lanes], self._kept(lanes)
        sty, yty = np.zeros((2, len(lanes), m, m))
        sty[:, :-1, :-1], yty[:, :-1, :-1] = self._sty[lanes, 1:, 1:], self._yty[lanes, 1:, 1:]
        sty[:, :, -1] = s_y[each, order] * kept
        sty[:, -1, -1] = curvature
        yty[:, :, -1] = yty[:, -1, :] = y_y[each, order] * kept
        self._sty[lanes], self._yty[lanes] = sty, yty
        return yty[:, -1, -1]

    def _forget(self, lanes: np.ndarray) -> None:
        """Empty the memory of the lanes of the mask (K,)."""
        self.count[lanes] = 0
        self.newest[lanes] = self.capacity - 1
        self.theta[lanes] = 1.0
        self._sty[lanes] = self._yty[lanes] = 0.0

    def _move(self, lanes: np.ndarray) -> None:
        """Make the trial point the start of the next line search of the lanes of the mask (K,)."""
        self._orders.here["moved"][lanes] = True
        self._along = np.where(lanes[:, None], np.concatenate(self._with_pairs(2), 1), self._along)
        self._r_r = np.where(lanes, self._products[:, 2, -1], self._r_r)

    def _descend(self, lanes: np.ndarray) -> np.ndarray:
        """Set d in the lanes of the mask (K,); returns r·d (K,), at least with its sign."""
        m, gamma, slots, kept = self.capacity, 1.0 / self.theta, self._slots(), self._kept()
        each, age = np.arange(len(gamma))[:, None], np.arange(m)
        s_r, y_r = self._along[each, slots] * kept, self._along[each, m + slots] * kept
        diagonal = self._sty[:, age, age]
        triangle = self._sty.copy()
        triangle[:, age, age] = np.where(kept, diagonal, 1.0)
        upper = torch.from_numpy(triangle)  # R, with 1 for an empty slot
        u = torch.linalg.solve_triangular(upper, torch.from_numpy(s_r[:, :, None]), upper=True).numpy()  # R⁻¹ S'r
        inner = diagonal[:, :, None] * u + gamma[:, None, None] * (self._yty @ u - y_r[:, :, None])
        top = torch.linalg.solve_triangular(upper.mT, torch.from_numpy(inner), upper=False).numpy()
        by_s, by_y = -top[:, :, 0] * kept, gamma[:, None] * u[:, :, 0] * kept
        weights = np.zeros((len(gamma), 2 * m + 2))
        weights[:, 0] = -gamma
        weights[each, 2 + slots] = by_s * self._lengths[each, slots]
        weights[each, 2 + m + slots] = by_y
        self._orders.here["begun"][lanes] = True
        self._orders.here["weights"][lanes, 0] = weights[lanes]
        parts = np.concatenate([(-gamma * self._r_r)[:, None], by_s * s_r, by_y * y_r], 1)  # of -r·H r
        slope = parts.sum(1)
        # Rounding to t counts most where a memory is empty: at the start, and at the end.
        uncertain = (self.count == 0) | ~(slope < -CERTAIN * np.abs(parts).sum(1))
        if (lanes & uncertain).any():
            self.settle()
            self.slope = torch.linalg.vecdot(self.r, self.d).cpu().numpy()
            return self.slope
        return slope
