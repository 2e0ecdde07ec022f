"""Tables of many jobs put into one, each checked to be whole: a table that was cut off reads like a shorter one."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

NETWORK = ["network", "fraction", "seed"]  # what tells the networks of a batch apart


def gather(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of all tables, in the order given.

    ValueError in one line for a table that is cut off, has other columns than the first, or lacks its batch's networks.
    """
    tables: list[pd.DataFrame] = []
    for path in paths:
        check_whole(path)
        table = pd.read_csv(path)
        if tables and list(table) != list(tables[0]):
            raise ValueError(f"{path}: has other columns than the first table: {', '.join(table)}")
        if path.name in ("networks.csv", "history.csv") and path.with_name("provenance.json").exists():
            _check_batch(path, table)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def check_whole(path: Path) -> None:
    """ValueError in one line unless each line of a CSV file is whole, the last one too, and has as many cells."""
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    if not text.endswith("\n"):
        raise ValueError(f"{path}: cut off: its last line has no end; make it again")
    rows = csv.reader(text.splitlines())
    columns = len(next(rows, []))
    for number, row in enumerate(rows, start=2):
        if len(row) != columns:
            raise ValueError(f"{path}: line {number} has {len(row)} cells, expected {columns}; make it again")


def _check_batch(path: Path, table: pd.DataFrame) -> None:
    """A batch's table has a row for each network of its spec; its history ends where each network ended."""
    spec = json.loads(path.with_name("provenance.json").read_text(encoding="utf-8"))["spec"]
    networks = pd.read_csv(path.with_name("networks.csv"))
    expected = pd.MultiIndex.from_product([spec["networks"], spec["fractions"], spec["seeds"]], names=NETWORK)
    missing = expected.difference(pd.MultiIndex.from_frame(networks[NETWORK]))
    if path.name == "history.csv" and not len(missing):
        # Networks that diverged have no history.
        ended = networks[networks["status"] != "non_finite"].set_index(NETWORK)["iterations"]
        last = table.groupby(NETWORK)["iterations"].max().reindex(ended.index)
        missing = ended.index[last != ended]
    if len(missing):
        raise ValueError(f"{path}: lacks {len(missing)} of its batch's networks; remove it, and it is made again")
