"""The tables of a run that claims are judged by, and the cells of each setting in them."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from symmetry_constrained.analysis.columns import at_largest_fraction, derive
from symmetry_constrained.analysis.cost_to_target import HISTORY_KEYS, solo_by_cell
from symmetry_constrained.verdicts import published
from symmetry_constrained.verdicts.settings import Setting


@dataclass
class Tables:
    """The tables that claims are judged by. networks, history: all rows; the others as they are on disk."""

    networks: pd.DataFrame
    history: pd.DataFrame
    solo: pd.DataFrame
    others: dict[str, pd.DataFrame]  # `equal_terms`, `images`, `bound`, `theory/...`
    numbers: pd.DataFrame  # published.csv
    settings: list[Setting]  # in order, the paper's first
    targets: dict[str, list[float]]  # accuracies on both X and −X, by dataset

    @cached_property
    def cells(self) -> dict[str, pd.DataFrame]:
        """By setting, its networks on the most images, with the metrics that follow. Less those that overflowed."""
        known = published.whole(self.networks)
        return {setting.name: derive(setting.cells(known)) for setting in self.settings}

    @cached_property
    def histories(self) -> dict[str, pd.DataFrame]:
        """By setting, the history of its networks on the most images, in order."""
        rows = at_largest_fraction(self.history).sort_values([*HISTORY_KEYS, "evaluations"], kind="stable")
        return {setting.name: setting.cells(rows) for setting in self.settings}

    @cached_property
    def timings(self) -> dict[tuple, pd.Series]:
        return solo_by_cell(self.solo)


def read(
    results: Path, numbers: Path, theory: list[Path], settings: list[Setting], targets: dict[str, list[float]]
) -> Tables:
    """The tables of a run's folder; theory: the experiments' tables, named by their places in it."""
    text = {"hidden_layers": str}

    def table(path: Path) -> pd.DataFrame:
        try:
            return pd.read_csv(path, dtype=text)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from None

    folder = results / "tables"
    others = {"equal_terms": "equal_terms", "images": "sample_efficiency", "bound": "bound"}
    return Tables(
        networks=table(folder / "networks.csv"),
        history=table(folder / "history.csv"),
        solo=table(folder / "solo_timings.csv"),
        others={name: table(folder / f"{stem}.csv") for name, stem in others.items()}
        | {os.path.relpath(path.with_suffix(""), results): table(path) for path in theory},
        numbers=published.read(numbers),
        settings=settings,
        targets=targets,
    )
