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

# Table -> the stem of its file; a table of an experiment is named by its place, `theory/...`.
FILES = {"networks": "networks", "history": "history", "solo": "solo_timings"}
FILES |= {"equal_terms": "equal_terms", "images": "sample_efficiency", "bound": "bound"}


@dataclass
class Tables:
    """The tables that claims are judged by, as they are on disk; one that is not there has no columns."""

    networks: pd.DataFrame
    history: pd.DataFrame
    solo: pd.DataFrame
    others: dict[str, pd.DataFrame]  # `equal_terms`, `images`, `bound`, `theory/...`
    numbers: pd.DataFrame  # published.csv
    settings: list[Setting]  # in order, the paper's first
    targets: dict[str, list[float]]  # accuracies on both X and −X, by dataset

    @property
    def given(self) -> set[str]:
        """The names of the tables that are there."""
        named = {"networks": self.networks, "history": self.history, "solo": self.solo} | self.others
        return {name for name, table in named.items() if len(table.columns)}

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
        return solo_by_cell(self.solo) if len(self.solo.columns) else {}


def read(
    tables: list[Path],
    theory: list[Path],
    results: Path,
    numbers: Path,
    settings: list[Setting],
    targets: dict[str, list[float]],
) -> Tables:
    """The tables given, those of a whole run or of a part of it.

    theory: the experiments' tables, named by their places in the run's folder, results. ValueError naming a file that
    can't be read, or a table that no claim is judged by.
    """
    names = {stem: name for name, stem in FILES.items()}
    found = {os.path.relpath(path.with_suffix(""), results): _table(path) for path in theory}
    for path in tables:
        if path.stem not in names:
            raise ValueError(f"{path}: is none of the tables that claims are judged by: {', '.join(names)}")
        found[names[path.stem]] = _table(path)
    return Tables(
        **{name: found.pop(name, pd.DataFrame()) for name in ("networks", "history", "solo")},
        others=found,
        numbers=published.read(numbers),
        settings=settings,
        targets=targets,
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"hidden_layers": str})
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
