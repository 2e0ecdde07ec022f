"""From the run's tables to `claims.csv`: the rows that a contrast reads, and the numbers that the paper published."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.analysis.columns import check_columns, derive, possible
from symmetry_constrained.analysis.cost_to_target import (
    HISTORY_KEYS,
    PRICE_KEYS,
    evaluations_needed,
    prices,
    solo_by_cell,
)
from symmetry_constrained.verdicts import contrasts, published
from symmetry_constrained.verdicts.claims import with_places
from symmetry_constrained.verdicts.contrasts import Contrast, select
from symmetry_constrained.verdicts.rules import Rule
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, claim_row, with_holm


@dataclass
class Tables:
    """The tables that claims are judged by. networks, history: all rows; the others as they are on disk."""

    networks: pd.DataFrame
    history: pd.DataFrame
    solo: pd.DataFrame
    others: dict[str, pd.DataFrame]  # `equal_terms`, `images`, `bound`, `theory/...`
    numbers: pd.DataFrame  # published.csv
    studies: dict[tuple[str, str], str]  # (protocol, dataset) -> the study whose cells are the paper's
    targets: dict[str, float]  # by dataset


def judge(rules: list[Rule], tables: Tables) -> pd.DataFrame:
    """`claims.csv`: a row per contrast, protocol, dataset and value of `by` that the tables hold.

    A contrast for which nothing was run keeps one row, `inconclusive` with n = 0, so that no claim goes unjudged.
    """
    rows = []
    for rule in rules:
        try:
            judged = list(_rows(rule, tables))
        except ValueError as error:
            raise ValueError(f"claims: {rule.id}, {rule.name}: {error}") from None
        rows += judged or [claim_row(rule, Contrast(np.nan), "not run in this configuration", "", "")]
    return with_holm(pd.DataFrame(rows, columns=CLAIM_COLUMNS))


def _rows(rule: Rule, tables: Tables) -> Iterator[dict[str, object]]:
    if rule.of == "networks":
        yield from _of_networks(rule, tables)
    elif rule.of == "cost":
        yield from _of_cost(rule, tables)
    elif rule.of == "images":
        yield from _of_images(rule, tables)
    elif rule.of in tables.others:
        yield from _of_table(rule, tables.others[rule.of])


def _of_networks(rule: Rule, tables: Tables) -> Iterator[dict[str, object]]:
    for (protocol, dataset), study in tables.studies.items():
        rows = derive(published.of_the_paper(tables.networks, study))
        file = f"tables/networks.csv where study={study}, fraction=1, hidden_layers={paper.HYPHENATED}"
        for at, contrast in _by_group(rule, rows):
            number = _published(rule, tables.numbers, dataset, dict(zip(rule.by, at, strict=True)))
            # On a dataset for which the paper gives no number, the contrast is a new test.
            kept = replace(rule, kind="new test") if np.isnan(number) else rule
            yield claim_row(kept, contrast, _evidence(file, rule, at), protocol, dataset, number, at)


def _of_table(rule: Rule, table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The rows of any table; it has columns split and seed unless the rule is about all rows together."""
    table = table.assign(**{name: table.get(name, "") for name in ("protocol", "dataset")}, split=table.get("split", 0))
    table = with_places(table)
    file = f"{'' if '/' in rule.of else 'tables/'}{rule.of}.csv"
    if rule.direction == "zero":
        # One statement about all rows, under whichever protocol.
        rows, value = select(table, rule.where), rule.left["value"]
        check_columns(rows, [value])
        if len(rows):
            count = next((int(rows[name].sum()) for name in ("n", "networks") if name in rows), len(rows))
            contrast = Contrast(float(rows[value].max(skipna=False)), n=count)
            datasets = "; ".join(dict.fromkeys(name for name in rows["dataset"] if name))
            yield claim_row(rule, contrast, _evidence(file, rule, ()), "", datasets)
        return
    for (protocol, dataset), rows in table.groupby(["protocol", "dataset"], sort=False):
        for at, contrast in _by_group(rule, rows):
            yield claim_row(rule, contrast, _evidence(file, rule, at), protocol, dataset, at=at)


def _of_images(rule: Rule, tables: Tables) -> Iterator[dict[str, object]]:
    table = tables.others["images"]
    for _, row in select(table, rule.where).iterrows():
        if row["target"] != tables.targets.get(row["dataset"]) or pd.isna(row["reference"]):
            continue
        low, high = row["ratio_low"], row["ratio_high"]
        if row["n"] < contrasts.FEWEST:
            low = high = np.nan
        contrast = Contrast(row["ratio"], low, high, low, high, n=int(row["n"]))
        file = f"tables/sample_efficiency.csv where study={row['study']}, target={row['target']:g}"
        evidence = _evidence(file, rule, ())
        cap = f"{_all_images(tables, row['study']):,} images"
        yield claim_row(rule, contrast, evidence, row["protocol"], row["dataset"], cap=cap)


def _all_images(tables: Tables, study: str) -> int:
    """The images of a study's largest training set."""
    return int(derive(tables.networks[tables.networks["study"] == study])["images"].max())


def _of_cost(rule: Rule, tables: Tables) -> Iterator[dict[str, object]]:
    timings = solo_by_cell(tables.solo)
    for (protocol, dataset), study in tables.studies.items():
        if protocol != "clean" or dataset not in tables.targets:
            continue
        rows = select(tables.history, {"study": study, "fraction": 1.0, "hidden_layers": paper.HYPHENATED} | rule.where)
        costs, price, ends = [], [], []
        for side in (rule.left, rule.right):
            cell = select(rows, side).sort_values([*HISTORY_KEYS, "evaluations"], kind="stable")
            if cell.empty:
                break
            needed = evaluations_needed(cell, tables.targets[dataset])
            costs.append(needed.droplevel([name for name in needed.index.names if name not in contrasts.PAIR]))
            by_currency = prices(cell.iloc[0], timings.get(tuple(cell[PRICE_KEYS].iloc[0])))
            if rule.currency not in by_currency:
                break
            price.append(by_currency[rule.currency])
            ends.append(float(cell["evaluations"].max()))
        if len(price) == 2:
            contrast = contrasts.of_ratio(costs[0], costs[1], (price[0], price[1]), (ends[0], ends[1]))
            file = f"tables/history.csv where study={study}, fraction=1, target={tables.targets[dataset]:g} on both"
            cap = f"{ends[0] if contrast.effect == 0 else ends[1]:,.0f} evaluations"
            yield claim_row(rule, contrast, _evidence(file, rule, ()), protocol, dataset, cap=cap)


def _by_group(rule: Rule, rows: pd.DataFrame) -> Iterator[tuple[tuple, Contrast]]:
    """(values of the rule's `by`, the contrast) in the table's order; a single contrast of all rows without `by`."""
    rows = select(rows, rule.where)
    check_columns(rows, rule.by)
    for at, cells in rows.groupby(list(rule.by), sort=False) if rule.by else [((), rows)]:
        contrast = contrasts.of_pairs(_differences(rule, cells), _possible(rule))
        if contrast.n:
            yield at, contrast


def _differences(rule: Rule, rows: pd.DataFrame) -> pd.Series:
    """left − right by (split, seed)."""
    left, right = (
        float(side["constant"])
        if "constant" in side
        else contrasts.by_pair(select(rows, _rows_of(side)), side["value"])
        for side in (rule.left, rule.right)
    )
    return contrasts.differences(left, right)


def _possible(rule: Rule) -> tuple[float, float]:
    """The least and the largest possible difference of the rule's sides."""
    (left_least, left_most), (right_least, right_most) = (
        (float(side["constant"]),) * 2 if "constant" in side else possible(side["value"])
        for side in (rule.left, rule.right)
    )
    return left_least - right_most, left_most - right_least


def _rows_of(side: dict) -> dict:
    """The cell of a side, without the column that is read."""
    return {name: value for name, value in side.items() if name != "value"}


def _published(rule: Rule, numbers: pd.DataFrame, dataset: str, at: dict) -> float:
    """The paper's own effect, from the numbers it gives for both cells; nan if it gives no number for one of them."""
    if rule.kind != "published contrast":
        return np.nan
    values = []
    for side in (rule.left, rule.right):
        if "constant" in side:
            values.append(float(side["constant"]))
            continue
        cell = select(numbers, {"dataset": dataset} | rule.where | at | _rows_of(side))
        cell = cell.set_index("test_set")["published"]
        known = {name: cell.get(name, cell.get("both", np.nan)) for name in ("original", "inverted")}
        values.append(
            {
                "test_accuracy": known["original"],
                "inverted_accuracy": known["inverted"],
                "both_accuracy": min(known.values()) if not np.isnan(list(known.values())).any() else np.nan,
                "random_sign_accuracy": sum(known.values()) / 2,
            }.get(side["value"], np.nan)
        )
    return float(values[0] - values[1])


def _evidence(file: str, rule: Rule, at: tuple) -> str:
    """The file, the rows and the columns, so that a reader can redo the row by hand."""

    def text(side: dict) -> str:
        if "constant" in side:
            return f"{side['constant']:g}"
        rows = ", ".join(f"{name}={value}" for name, value in _rows_of(side).items())
        return f"{side.get('value', rule.currency)}{f' ({rows})' if rows else ''}"

    shared = [f"{name}={value}" for name, value in (rule.where | dict(zip(rule.by, at, strict=True))).items()]
    joint = ", " if " where " in file else " where "
    parts = [file + (joint + ", ".join(shared) if shared else "")]
    if rule.left:
        parts.append(f"left {text(rule.left)}")
    if rule.right:
        parts.append(f"right {text(rule.right)}")
    return "; ".join(parts)


def read_tables(
    results: Path, numbers: Path, theory: list[Path], studies: dict[tuple[str, str], str], targets: dict[str, float]
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
        studies=studies,
        targets=targets,
    )
