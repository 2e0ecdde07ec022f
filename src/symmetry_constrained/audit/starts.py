"""Trained weights and the seeds they started from: how alike they are to the start of their own and of others."""

import numpy as np

from symmetry_constrained.audit.checks import Check

# In standard deviations of the correlation of unrelated weights: how much nearer to another start weights may be,
# and how near at least to those that they came from. In trials of 2,000 iterations the least was 10.
NEARER, RELATED = 4.5, 5.0
WIDE = 500  # weights of a network for which that holds


def vectors(matrices: list[np.ndarray]) -> np.ndarray:
    """K networks' weights, without biases, as vectors (K, P) of length 1."""
    rows = np.concatenate([matrix[:, :, :-1].reshape(len(matrix), -1) for matrix in matrices], axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def alike(ended: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Correlations (K, S) of networks (K, P) with starts (S, P), in standard deviations of what chance gives."""
    return ended @ starts.T * np.sqrt(starts.shape[1])


def strangers(alike_: np.ndarray, own: np.ndarray, limit: float = NEARER) -> np.ndarray:
    """Mask (K,) of the networks that are clearly more alike to another start than to their own, number `own`.

    Nothing is known of weights that are not finite.
    """
    return alike_.max(1) - alike_[np.arange(len(own)), own] > limit


def exchanged(alike_: np.ndarray, own: np.ndarray, limit: float) -> np.ndarray:
    """Mask (K,) of the networks of which a pair would be clearly more alike to its starts the other way round."""
    crosswise = alike_[:, own]
    gain = crosswise + crosswise.T - np.add.outer(crosswise.diagonal(), crosswise.diagonal())
    return (gain > limit).any(axis=1)


def unrelated(ended: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Mask (K,) of the networks (K, P) that have little in common with what they came from (K, P)."""
    return ~((ended * first).sum(1) * np.sqrt(first.shape[1]) > RELATED)


def told(what: str, where: str, expected: str, seeds: np.ndarray, wrong: np.ndarray) -> Check:
    """The check of a mask (K,) of networks with these seeds (K,)."""
    if not wrong.any():
        return Check(what, where, f"{len(wrong)} networks {expected}", "all", True)
    network = int(np.flatnonzero(wrong)[0])
    found = f"network {network}, of seed {seeds[network]}, is not; {int(wrong.sum())} are not"
    return Check(what, where, f"{len(wrong)} networks {expected}", found, False)
