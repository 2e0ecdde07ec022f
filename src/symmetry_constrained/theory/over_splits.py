"""An experiment repeated on every split of the digits without the leak, with other initial weights on each."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained import cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split, split_number

Study = Callable[..., tuple[pd.DataFrame, np.ndarray]]


def over_splits(
    data: Path, folders: list[Path], seeds: int, study: Study
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The tables of all splits in one, led by dataset, protocol and split; and the networks' parameters (N, P), `rows`.

    data, folders: of the dataset and of its splits. study: of a dataset, a split and `seeds`, so many of its own, gives
    a table and the parameters of its rows. ValueError for a folder that is no split.
    """
    dataset, tables, parameters = Dataset.read(data), [], []
    for folder in folders:
        number = split_number(folder)
        cli.say(f"split {number}")
        # No two splits share initial weights.
        table, rows = study(dataset, Split.read(folder), seeds=list(range(number * seeds, (number + 1) * seeds)))
        place = {"dataset": "digits", "protocol": "clean", "split": number}
        tables.append(table.assign(**place)[[*place, *table]])
        parameters.append(rows)
    return pd.concat(tables, ignore_index=True), {"rows": np.concatenate(parameters)}
