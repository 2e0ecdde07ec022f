"""The results of a batch: a row per network, a row per network and checkpoint, the weights and the predictions."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained import artifacts

TABLES, ARRAYS = ("networks", "history", "timings"), ("weights", "predictions")


@dataclass
class Batch:
    """The results of a batch; arrays have a row per network and are keyed by `fraction` or `fraction/test set`.

    The weights of the least and of the largest fraction are also those `fraction/10` after ten iterations, or where a
    shorter training ended.
    """

    networks: pd.DataFrame
    history: pd.DataFrame
    timings: pd.DataFrame
    weights: dict[str, np.ndarray] = field(repr=False)  # (K, P)
    predictions: dict[str, np.ndarray] = field(repr=False)  # (K, n_test) uint8

    def write(self, folder: Path) -> None:
        """Each table as a CSV file, the arrays as safetensors."""
        for name in ARRAYS:
            artifacts.write_arrays(getattr(self, name), folder / f"{name}.safetensors")
        for name in TABLES:
            artifacts.write_csv(getattr(self, name), folder / f"{name}.csv")


def together(parts: list[Batch]) -> Batch:
    """The results of one batch from those of groups of its networks, fraction by fraction."""
    history = pd.concat([part.history for part in parts], ignore_index=True)
    # A budget that ends on a checkpoint gives the same row twice.
    keys = ["network", "fraction", "seed", "iterations"]
    return Batch(
        networks=pd.concat([part.networks for part in parts], ignore_index=True),
        history=history.drop_duplicates(keys).sort_values(keys, kind="stable", ignore_index=True),
        timings=pd.concat([part.timings for part in parts]).groupby("fraction", sort=False, as_index=False).sum(),
        weights=_stacked([part.weights for part in parts]),
        predictions=_stacked([part.predictions for part in parts]),
    )


def _stacked(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of each name, one below the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.concatenate([part[name] for part in parts if name in part]) for name in names}
