"""Parameters recorded in the course of a training."""

import copy

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.optim.problem import Progress, Result


class Checkpoints:
    """Records the parameters of every network at the given iterations."""

    def __init__(self, iterations: tuple[int, ...], rows: Tensor):
        """rows: the ensemble's parameters (K, P), for their shape."""
        self.iterations = np.array(sorted(iterations), dtype=np.int64)
        shape = (len(rows), len(iterations))
        self.rows = rows.new_zeros(*shape, rows.shape[1])  # (K, C, P)
        self.evaluations = np.zeros(shape, dtype=np.int64)  # 0: not reached

    def of(self, lanes: slice) -> "Checkpoints":
        """Those of some networks."""
        own = copy.copy(self)
        own.rows, own.evaluations = self.rows[lanes], self.evaluations[lanes]
        return own

    def accepted(self, state: Progress, done: np.ndarray) -> None:
        places, checkpoints = np.nonzero(done[:, None] & (state.iterations[:, None] == self.iterations))
        lanes = state.lane[places]
        _record(self.rows, lanes, checkpoints, state.x, places)
        self.evaluations[lanes, checkpoints] = state.evaluations[places]


class Marks:
    """Records each network's parameters where smaller budgets of evaluations would have ended its training."""

    def __init__(self, budgets: list[int], rows: Tensor):
        self.budgets = np.array(sorted(budgets))
        self.rows = rows[:, None].repeat(1, len(budgets), 1)  # (K, B, P)
        self.evaluations = np.zeros((len(rows), len(budgets)), dtype=np.int64)  # 0: not yet

    def accepted(self, state: Progress, done: np.ndarray) -> None:
        # The rule by which `lbfgs` ends a run of a budget.
        passed = state.evaluations[:, None] > self.budgets
        places, budgets = np.nonzero(done[:, None] & passed & (self.evaluations[state.lane] == 0))
        lanes = state.lane[places]
        _record(self.rows, lanes, budgets, state.x, places)
        self.evaluations[lanes, budgets] = state.evaluations[places]

    def close(self, result: Result) -> None:
        """Record the result of networks that ended within a budget."""
        lanes, budgets = np.nonzero(self.evaluations == 0)
        _record(self.rows, lanes, budgets, result.x, lanes)
        self.evaluations[lanes, budgets] = result.evaluations.numpy()[lanes]


def _record(rows: Tensor, lanes: np.ndarray, columns: np.ndarray, x: Tensor, places: np.ndarray) -> None:
    """Copy the points x at these places to their lanes and columns of rows (K, C, P), all at once."""
    if len(places):
        source, target = torch.from_numpy(np.stack([places, lanes * rows.shape[1] + columns])).to(x.device)
        rows.view(-1, rows.shape[2]).index_copy_(0, target, x.index_select(0, source))
