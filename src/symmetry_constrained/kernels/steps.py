"""What becomes of L lanes of L-BFGS after an evaluation: another trial, an accepted step, or the end.

The numbers of each lane are on the host in NumPy. What is computed is defined here; `steps.cpp` computes the same, to
the bit.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from symmetry_constrained.kernels import line_search
from symmetry_constrained.kernels.line_search import Search

# Whether and why a lane ended: plain integers, since NumPy takes 4 times as long to compare with an enumeration.
RUNNING, MAX_ITERATIONS, MAX_EVALUATIONS, CONVERGED_GRADIENT, CONVERGED_LOSS, ABNORMAL, NON_FINITE = range(7)
TRIALS = 20  # evaluations allowed in one line search
EPS = np.finfo(np.float64).eps


@dataclass
class Steps:
    """The numbers of L lanes."""

    f: np.ndarray  # (L,) loss at the trial point
    fold: np.ndarray  # (L,) loss where the line search began
    search: np.ndarray  # (L, 15) the fields of `Search`
    trials: np.ndarray  # (L,) evaluations in this line search
    iterations: np.ndarray  # (L,)
    evaluations: np.ndarray  # (L,)
    status: np.ndarray  # (L,) `RUNNING`, or why it ended

    @property
    def stp(self) -> np.ndarray:
        """The trial steps (L,)."""
        return self.search[:, 0]


class Limits(NamedTuple):
    """When a lane ends: the budget, and what counts as convergence."""

    max_iterations: int
    max_evaluations: int
    tolerances: np.ndarray  # gtol and ftol


class Moves(NamedTuple):
    """What L lanes do between two evaluations, in this order; every field has shape (L,)."""

    curvature: np.ndarray  # s·y of the pair to be kept, or 0
    taken: np.ndarray  # the step of that pair, along d
    accepted: np.ndarray  # mask: the next line search begins at the trial point
    forgotten: np.ndarray  # mask: the memory is emptied
    begun: np.ndarray  # mask: there is a new direction
    step: np.ndarray  # then x = t + step d

    @classmethod
    def along(cls, step: np.ndarray) -> "Moves":
        """All go so far along their directions, and no more."""
        numbers, masks = np.zeros((2, len(step))), np.zeros((3, len(step)), dtype=bool)
        return cls(numbers[0], numbers[1], masks[0], masks[1], masks[2], step)


def count(s: Steps, largest: np.ndarray) -> None:
    """Count an evaluation of the lanes that run; one without a finite loss and gradient has ended."""
    running = s.status == RUNNING
    s.evaluations = s.evaluations + running
    s.trials = s.trials + running
    s.status[running & ~(np.isfinite(s.f) & np.isfinite(largest))] = NON_FINITE


@np.errstate(all="ignore")  # finished lanes stay for a while; their numbers are meaningless
def judge(
    s: Steps, largest: np.ndarray, slope: np.ndarray, before: np.ndarray, kept: np.ndarray, limits: Limits
) -> Moves:
    """Count the evaluation of the trial points, and take each line search and its lane to what comes next.

    largest (L,): the largest |component| of each gradient; slope and before (L,): g·d there and where the search began;
    kept (L,): pairs in memory.
    """
    count(s, largest)
    live = s.status == RUNNING
    search = Search(*s.search.T)
    search = search.replaced(s.trials == 1, line_search.start(s.fold, before, search.stp))
    following, ended = line_search.update(search, s.f, slope)
    rising = ~(before < 0)
    done, failed = live & ended & ~rising, live & (rising | (~ended & (s.trials >= TRIALS)))

    s.iterations = s.iterations + done
    reduction = np.maximum(np.maximum(np.abs(s.fold), np.abs(s.f)), 1.0)
    # The first that holds is the status, in the order of L-BFGS-B.
    tests = {
        MAX_ITERATIONS: s.iterations >= limits.max_iterations,
        MAX_EVALUATIONS: s.evaluations > limits.max_evaluations,
        CONVERGED_GRADIENT: largest <= limits.tolerances[0],
        CONVERGED_LOSS: s.fold - s.f <= limits.tolerances[1] * reduction,
    }
    s.status = np.where(done, np.select(list(tests.values()), list(tests), RUNNING), s.status)
    s.status[failed & (kept == 0)] = ABNORMAL

    # The pair is kept where its curvature is positive enough (L-BFGS-B's `matupd`).
    curvature = (slope - before) * search.stp  # s·y, from the slopes
    enough = done & (s.status == RUNNING) & (curvature > EPS * (-before * search.stp))
    begun = (done | failed) & (s.status == RUNNING)
    s.fold = np.where(done, s.f, s.fold)
    s.search = np.stack(following, 1)
    s.search[begun, 0] = 1.0
    s.trials = np.where(begun, 0, s.trials)
    pair = np.where(enough, curvature, 0.0), np.where(enough, search.stp, 0.0)
    return Moves(*pair, done, failed, begun, s.stp.copy())
