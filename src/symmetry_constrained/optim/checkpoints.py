"""Parameters recorded in the course of a training."""

import numpy as np
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

    def accepted(self, state: Progress, done: np.ndarray) -> None:
        for place, checkpoint in np.argwhere(done[:, None] & (state.iterations[:, None] == self.iterations)):
            lane = state.lane[place]
            self.rows[lane, checkpoint] = state.x[place]
            self.evaluations[lane, checkpoint] = state.evaluations[place]


class Marks:
    """Records each network's parameters where smaller budgets of evaluations would have ended its training."""

    def __init__(self, budgets: list[int], rows: Tensor):
        self.budgets = np.array(sorted(budgets))
        self.rows = rows[:, None].repeat(1, len(budgets), 1)  # (K, B, P)
        self.evaluations = np.zeros((len(rows), len(budgets)), dtype=np.int64)  # 0: not yet

    def accepted(self, state: Progress, done: np.ndarray) -> None:
        # The rule by which `lbfgs` ends a run of a budget.
        passed = state.evaluations[:, None] > self.budgets
        for place, index in np.argwhere(done[:, None] & passed & (self.evaluations[state.lane] == 0)):
            lane = state.lane[place]
            self.rows[lane, index], self.evaluations[lane, index] = state.x[place], state.evaluations[place]

    def close(self, result: Result) -> None:
        """Record the result of networks that ended within a budget."""
        for lane, index in np.argwhere(self.evaluations == 0):
            self.rows[lane, index] = result.x[lane]
            self.evaluations[lane, index] = int(result.evaluations[lane])
