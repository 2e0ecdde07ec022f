"""A row per cell and metric: its mean, and the 95 % interval of that mean, with splits as units.

A cell is a set of networks that differ only in split and seed. Two gaps are derived for each network. The
generalisation gap, training minus test accuracy, is over-fitting to images; the symmetry gap, test minus inverted
accuracy, is over-fitting to their polarity, and 0 where features are invariant.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals
from symmetry_constrained.analysis.columns import CELL, METRICS, NETWORK, STUDY, derive, possible

STATISTICS = ["metric", "mean", "low", "high", "n", "failed"]


@dataclass
class Study:
    """The networks of one study: N pairs of split and seed, C cells. Rows line up, so that cells can be paired."""

    cells: pd.DataFrame  # (C,) identities, in the order of the table
    splits: np.ndarray  # (N,) the split of each pair
    values: np.ndarray = field(repr=False)  # (N, C, M); nan: no such network, or it failed
    trained: np.ndarray = field(repr=False)  # (C,) networks, the failed ones included

    @classmethod
    def of(cls, networks: pd.DataFrame, metrics: list[str], cell: list[str]) -> "Study":
        """From the study's rows of `derive`; cell: the columns that identify its cells.

        ValueError if a network has two rows.
        """
        cells = networks[cell].drop_duplicates(ignore_index=True)
        place = networks.groupby(cell, sort=False).ngroup().to_numpy()
        pairs = networks.groupby(["split", "seed"])
        pair, (splits, _) = pairs.ngroup().to_numpy(), zip(*pairs.groups, strict=True)
        count = np.zeros((len(splits), len(cells)), dtype=np.int64)
        np.add.at(count, (pair, place), 1)
        if (count > 1).any():
            again = networks.iloc[np.flatnonzero(count[pair, place] > 1)[-1]]
            raise ValueError(f"a network is twice in the table: {', '.join(map(str, again[NETWORK]))}")
        values = np.full((*count.shape, len(metrics)), np.nan)
        values[pair, place] = networks[metrics]
        values[~np.isfinite(values)] = np.nan
        return cls(cells, np.array(splits), values, count.sum(axis=0))

    def means(self, metrics: list[str]) -> pd.DataFrame:
        """A row per cell and metric: its mean, and the interval of that mean (`intervals.mean_interval`)."""
        ends = [
            intervals.mean_interval(self.values[:, :, number], self.splits, possible=possible(metric))
            for number, metric in enumerate(metrics)
        ]
        low, high = np.moveaxis(np.array(ends), 0, -1).reshape(2, -1)  # (C·M,) each
        n = (~np.isnan(self.values)).sum(axis=0).ravel()
        rows = self.cells.loc[self.cells.index.repeat(len(metrics))].reset_index(drop=True)
        return rows.assign(
            metric=np.tile(metrics, len(self.cells)),
            mean=intervals.means(self.values).ravel(),
            low=low,
            high=high,
            n=n,
            failed=self.trained.repeat(len(metrics)) - n,
        )


def summarise(networks: pd.DataFrame) -> pd.DataFrame:
    """`networks.csv` -> `summary.csv`, a row per cell and metric.

    low, high: the interval of the mean (`intervals.mean_interval`), empty for a single network. n: the networks in the
    mean. failed: those left out, as their training overflowed or the metric is not finite.
    """
    return _by_study(derive(networks), METRICS, CELL)


def at_checkpoints(history: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`history.csv` -> one metric and the evaluations spent, by iterations: rows as of `summarise`, with `iterations`.

    A row per cell and checkpoint, and one at the most iterations of any network of the study. A network that stopped
    earlier keeps its last value. A checkpoint is a number of iterations at which most of the networks that got so far
    were evaluated; numbers at which single networks happened to stop do not count.
    """
    parts, metrics = [], [metric, "evaluations"]
    for _, rows in derive(history).groupby(STUDY, sort=False):
        wide = rows.set_index([*NETWORK, "n_train", "images"]).pivot(columns="iterations", values=metrics)
        curves = wide[metric]
        ends = curves.apply(pd.Series.last_valid_index, axis=1)
        checkpoint = curves.notna().sum() > [(ends >= number).sum() / 2 for number in curves]
        checkpoint.iloc[-1] = True
        kept = [wide[name].ffill(axis=1).loc[:, checkpoint.to_numpy()] for name in metrics]
        columns = [
            one.melt(value_name=name, ignore_index=False).reset_index() for one, name in zip(kept, metrics, strict=True)
        ]
        parts.append(columns[0].assign(evaluations=columns[1]["evaluations"]))
        parts[-1]["iterations"] = parts[-1]["iterations"].astype(np.int64)
    together = pd.concat(parts, ignore_index=True) if parts else history.assign(images=[], **{metric: []})
    return _by_study(together, metrics, [*CELL, "iterations"])


def _by_study(derived: pd.DataFrame, metrics: list[str], cell: list[str]) -> pd.DataFrame:
    """`Study.means` of every study, one below the other."""
    columns, parts = [*STUDY, *cell, *STATISTICS], []
    for study, rows in derived.groupby(STUDY, sort=False):
        means = Study.of(rows, metrics, cell).means(metrics)
        parts.append(means.assign(**dict(zip(STUDY, study, strict=True))))
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
