"""From the run's tables to `claims.csv`: the rows that a contrast reads, and the numbers that the paper published."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from symmetry_constrained.analysis.columns import check_columns, derive, possible
from symmetry_constrained.analysis.cost_to_target import PRICE_KEYS, evaluations_needed, prices
from symmetry_constrained.verdicts import contrasts, needs
from symmetry_constrained.verdicts.claims import with_places
from symmetry_constrained.verdicts.contrasts import Contrast, select
from symmetry_constrained.verdicts.published import whole
from symmetry_constrained.verdicts.rules import Rule
from symmetry_constrained.verdicts.run_tables import Tables
from symmetry_constrained.verdicts.settings import CONVERGED, Setting
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, claim_row

NOT_RUN = "not run in this configuration"


def judged(rules: list[Rule], tables: Tables) -> pd.DataFrame:
    """Rows of `claims.csv`: one per contrast, setting and value of `by` that the tables hold, without `p_holm`.

    A contrast of an experiment on theory has no setting, but the protocol and dataset of its table. One for which
    nothing was run keeps one row, `inconclusive` with n = 0, so that no claim goes unjudged. A row is the same whatever
    other contrasts are judged, and whatever more is in the tables than the contrast needs (`needs`).
    """
    rows = []
    for rule in rules:
        try:
            found = list(_rows(rule, tables)) if needs.tables(rule) <= tables.given else []
        except ValueError as error:
            raise ValueError(f"claims: {rule.id}, {rule.name}: {error}") from None
        rows += found or [claim_row(rule, Contrast(np.nan), NOT_RUN, "", "")]
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS)


def _rows(rule: Rule, tables: Tables) -> Iterator[dict[str, object]]:
    readers = {"networks": _of_networks, "averaged": _of_averaged, "cost": _of_cost, "images": _of_images}
    readers |= {"convergence": _of_convergence, "equal_terms": _of_equal_terms}
    if rule.of in readers:
        for setting in tables.settings:
            if setting.meets(rule.settings):
                yield from readers[rule.of](rule, tables, setting)
    else:
        yield from _of_table(rule, tables.others[rule.of])


def _row(rule: Rule, setting: Setting, contrast: Contrast, file: str, **more: Any) -> dict[str, object]:
    """A row in a setting. file: the table, perhaps with a condition beside those of the setting and the rule."""
    name, _, condition = file.partition(" where ")
    where = ", ".join(filter(None, (f"{name} where {setting.where}", condition)))
    evidence = _evidence(where, rule, more.get("at", ()))
    return claim_row(rule, contrast, evidence, setting.protocol, setting.dataset, setting=setting.name, **more)


def _of_networks(rule: Rule, tables: Tables, setting: Setting) -> Iterator[dict[str, object]]:
    rows = tables.cells[setting.name]
    for at, contrast in _by_group(rule, rows):
        number = np.nan
        if setting.paper:
            number = _published(rule, tables.numbers, setting.dataset, dict(zip(rule.by, at, strict=True)))
        # Where the paper gives no number, the contrast is a new test.
        kept = replace(rule, kind="new test") if np.isnan(number) else rule
        yield _row(kept, setting, contrast, f"tables/networks.csv where {_fraction(rows)}", published=number, at=at)


def _of_averaged(rule: Rule, tables: Tables, setting: Setting) -> Iterator[dict[str, object]]:
    """As of networks, but a side may be of the study that averages over x and −x and is otherwise as the setting's."""
    sides = needs.averaged_sides(rule, setting)
    known = tables.networks[tables.networks["study"].isin([side["study"] for side in sides])]
    rows = derive(whole(known[known["hidden_layers"] == setting.hidden_layers]))
    rule = replace(rule, left=sides[0], right=sides[1])
    for at, contrast in _by_group(rule, rows):
        file = f"tables/networks.csv where hidden_layers={setting.hidden_layers}, {_fraction(rows)}"
        evidence = _evidence(file, rule, at)
        yield claim_row(rule, contrast, evidence, setting.protocol, setting.dataset, setting=setting.name, at=at)


def _of_equal_terms(rule: Rule, tables: Tables, setting: Setting) -> Iterator[dict[str, object]]:
    for at, contrast in _by_group(rule, setting.cells(tables.others["equal_terms"])):
        yield _row(rule, setting, contrast, "tables/equal_terms.csv", at=at)


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


def _of_images(rule: Rule, tables: Tables, setting: Setting) -> Iterator[dict[str, object]]:
    """The ratio at the highest accuracy that the model and its rival both reach; else at the lowest that one does."""
    rows = select(setting.cells(tables.others["images"]), rule.where)
    rows = rows[rows["reference"].notna()]
    if rows.empty:
        return
    row = rows.loc[_target(rows["target"], rows["ratio"])]
    low, high = row["ratio_low"], row["ratio_high"]
    if row["n"] < contrasts.FEWEST:
        low = high = np.nan
    contrast = Contrast(row["ratio"], low, high, low, high, n=int(row["n"]))
    most = int(derive(setting.cells(tables.networks))["images"].max())
    file, cap = f"tables/sample_efficiency.csv where target={row['target']:g}", f"{most:,} images"
    yield _row(rule, setting, contrast, file, cap=cap)


def _of_cost(rule: Rule, tables: Tables, setting: Setting) -> Iterator[dict[str, object]]:
    """The ratio of median costs at the highest accuracy that both reach; else at the lowest that one does."""
    targets = tables.targets.get(setting.dataset, [])
    history, sides = tables.histories[setting.name], []
    for side in (rule.left, rule.right):
        cell = select(select(history, rule.where), side)
        if cell.empty or not targets:
            return
        by_currency = prices(cell.iloc[0], tables.timings.get(tuple(cell[PRICE_KEYS].iloc[0])))
        if rule.currency not in by_currency:
            return
        needed = pd.DataFrame({target: evaluations_needed(cell, target) for target in targets})
        needed = needed.droplevel([name for name in needed.index.names if name not in contrasts.PAIR])
        sides.append((needed, by_currency[rule.currency], float(cell["evaluations"].max())))
    (left, price, end), (right, price_, end_) = sides
    found = {
        target: contrasts.of_ratio(left[target], right[target], (price, price_), (end, end_)) for target in targets
    }
    target = targets[_target(pd.Series(targets), pd.Series([one.effect for one in found.values()]))]
    cap = f"{end if found[target].effect == 0 else end_:,.0f} evaluations"
    file = f"tables/history.csv where {_fraction(history)}, target={target:g} on both"
    yield _row(rule, setting, found[target], file, cap=cap)


def _fraction(rows: pd.DataFrame) -> str:
    """The fraction of the images that rows of a setting are of, as evidence names it."""
    return f"fraction={rows['fraction'].iloc[0]:g}" if len(rows) else ""


def _target(targets: pd.Series, ratios: pd.Series) -> int:
    """The label of the highest target with a finite ratio; else of the lowest at which it is known, or of all."""
    ratios = ratios.astype(float)
    finite = targets[np.isfinite(ratios) & (ratios > 0)]
    return finite.idxmax() if len(finite) else targets[ratios.notna() if ratios.notna().any() else slice(None)].idxmin()


def _of_convergence(rule: Rule, tables: Tables, setting: Setting) -> Iterator[dict[str, object]]:
    """The ratio of median iterations or evaluations until networks stopped by themselves; inf if their budget ended."""
    rows = select(tables.cells[setting.name], rule.where)
    cells = [select(rows, side) for side in (rule.left, rule.right)]
    ends = [float(cell[rule.currency].max()) for cell in cells]
    used = (cell[rule.currency].where(cell["status"].str.startswith(CONVERGED), np.inf) for cell in cells)
    needed = [contrasts.by_pair(cell.assign(needed=one), "needed") for cell, one in zip(cells, used, strict=True)]
    contrast = contrasts.of_ratio(needed[0], needed[1], ((0, 1), (0, 1)), (ends[0], ends[1]))
    if contrast.n:
        where = f"tables/networks.csv where {_fraction(rows)}"
        yield _row(rule, setting, contrast, where, cap=setting.budget)


def _by_group(rule: Rule, rows: pd.DataFrame) -> Iterator[tuple[tuple, Contrast]]:
    """(values of the rule's `by`, the contrast) in the table's order; a single contrast of all rows without `by`."""
    for at, differences in groups(rule, rows):
        yield at, contrasts.of_pairs(differences, possible_differences(rule))


def groups(rule: Rule, rows: pd.DataFrame) -> Iterator[tuple[tuple, pd.Series]]:
    """(values of the rule's `by`, the differences by split and seed) of those that there are, in the table's order."""
    rows = select(rows, rule.where)
    check_columns(rows, rule.by)
    for at, cells in rows.groupby(list(rule.by), sort=False) if rule.by else [((), rows)]:
        differences = _differences(rule, cells)
        if len(differences):
            yield at, differences


def _differences(rule: Rule, rows: pd.DataFrame) -> pd.Series:
    """left − right by (split, seed)."""
    left, right = (
        float(side["constant"])
        if "constant" in side
        else contrasts.by_pair(select(rows, _rows_of(side)), side["value"])
        for side in (rule.left, rule.right)
    )
    return contrasts.differences(left, right)


def possible_differences(rule: Rule) -> tuple[float, float]:
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
