"""Every claim's contrasts once more: the rows that `claims.yaml` names, paired, subtracted, judged."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import yaml

from symmetry_constrained.audit import cells, intervals, specs
from symmetry_constrained.audit.checks import Check, UnreadableError, guarded, same_table
from symmetry_constrained.audit.costs import needed, prices
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import BOUND, HISTORY, NETWORKS

EFFECTS = "claims, from the tables"
TABLE, STATED = "tables/claims.csv", "workflow/resources/claims.yaml"
FILES = {"equal_terms": "tables/equal_terms.csv", "images": "tables/sample_efficiency.csv", "bound": BOUND}
FOUND = ["effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high", "published", "n"]
FOUND += ["cap", "headline", "distinct"]
FEWEST = 5  # pairs; below it a ratio of medians has no interval
NOTHING = {"protocol": "", "dataset": "", "effect": np.nan, "n": 0}
RATIOS = ("images", "cost")


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        where = results.blame(TABLE, NETWORKS, HISTORY, CONFIG)
        yield from guarded(EFFECTS, where, _check_effects(results))


def contrasts(results: Results) -> list[dict]:
    """The contrasts of `claims.yaml` in order, each with its claim's id and its margin, its own or the shared one."""
    stated = yaml.safe_load(results.text(results.locate(STATED)))
    found = []
    for claim in stated["claims"]:
        for place, contrast in enumerate(claim["contrasts"]):
            shared = stated["factor"] if contrast["of"] in RATIOS else stated["margin"]
            limits = {"at most": contrast.get("limit"), "zero": contrast.get("tolerance", 1e-9)}
            margin = limits.get(contrast["direction"], contrast.get("margin", shared))
            contrast = {"where": {}, "by": [], "headline": place == 0, **contrast}
            found.append(contrast | {"id": claim["id"], "margin": float(margin)})
    return found


def _check_effects(results: Results) -> Iterator[Check]:
    claims, rows, files = read(results), [], {NETWORKS, HISTORY}
    for contrast in contrasts(results):
        of = contrast["of"]
        if "/" in of or of in FILES:
            files.add(FILES.get(of, f"{of}.csv"))
        found = list(
            {"networks": _of_networks, "cost": _of_cost, "images": _of_images}.get(of, _of_table)(results, contrast)
        )
        keys = {name: contrast[name] for name in ("id", "kind", "direction", "margin", "headline")}
        keys |= {"contrast": contrast["name"], "cap": ""}
        rows += [_with_distinct(contrast, keys | row) for row in found or [NOTHING]]
    expected = pd.DataFrame(
        rows, columns=["id", "contrast", "protocol", "dataset", "kind", "direction", "margin", *FOUND]
    )
    sources = (TABLE, *sorted(files), results.locate(STATED), results.locate(specs.PUBLISHED), CONFIG)
    where = results.blame(*sources)
    yield same_table(EFFECTS, where, expected, claims[list(expected)], rtol=1e-8, atol=1e-12, source="recomputed")


def _with_distinct(contrast: dict, row: dict) -> dict:
    """The row with the name of the evidence it is, its own unless the contrast shares one; no 90 % ends of a ratio."""
    values = row["contrast"].split("; ")[len(contrast["name"].split("; ")) :]
    shared = contrast.get("distinct", row["contrast"]) if len(values) == len(contrast["by"]) else row["contrast"]
    for column, value in zip(contrast["by"], values, strict=False):
        shared = shared.replace(f"{{{column}}}", value)
    return row | {"distinct": shared} | (dict.fromkeys(("low90", "high90"), np.nan) if contrast["of"] in RATIOS else {})


def read(results: Results) -> pd.DataFrame:
    table = results.table(TABLE)
    if "distinct" not in table:
        raise UnreadableError(TABLE, "was judged by the rules of release 0.1; run the study again")
    return _placed(table).astype({"cap": object}).fillna({"cap": ""})


def _placed(table: pd.DataFrame) -> pd.DataFrame:
    """Without a protocol or a dataset the place is empty text."""
    return table.astype({"protocol": object, "dataset": object}).fillna({"protocol": "", "dataset": ""})


def chosen(table: pd.DataFrame, where: dict) -> pd.DataFrame:
    """The rows with these values."""
    for name, value in where.items():
        table = table[np.isclose(table[name], value) if isinstance(value, float) else table[name] == value]
    return table


def _groups(contrast: dict, rows: pd.DataFrame) -> Iterator[tuple[str, dict, pd.Series]]:
    """By the values of `by`: what they add to the row's name, these values, and the differences by split and seed."""
    rows = chosen(rows, contrast["where"])
    for at, group in rows.groupby(contrast["by"], sort=False) if contrast["by"] else [((), rows)]:
        sides = []
        for side in (contrast["left"], contrast["right"]):
            cell = chosen(group, {name: value for name, value in side.items() if name not in ("value", "constant")})
            series = cell.set_index(["split", "seed"])[side["value"]] if "value" in side else side["constant"]
            sides.append(series)
        differences = (sides[0] - sides[1]).astype(float).dropna().sort_index()
        if len(differences):
            yield "".join(f"; {value}" for value in at), dict(zip(contrast["by"], at, strict=True)), differences


def of_pairs(differences: pd.Series, possible: tuple[float, float]) -> dict:
    """Mean, interval and prediction interval of differences by split and seed."""
    values, splits = differences.to_numpy(), differences.index.get_level_values("split").to_numpy()
    found = {"effect": values.mean(), "n": len(values)}
    for level, suffix in ((0.95, ""), (0.9, "90")):
        ends = intervals.mean(values, splits, level, possible)
        found |= dict(zip((f"low{suffix}", f"high{suffix}"), ends, strict=True))
    ends = intervals.prediction(values, splits, possible)
    return found | dict(zip(("prediction_low", "prediction_high"), ends, strict=True))


def _possible(contrast: dict) -> tuple[float, float]:
    """The least and the most that left less right can be."""
    left, right = (
        intervals.bounds(side["value"]) if "value" in side else (side["constant"], side["constant"])
        for side in (contrast["left"], contrast["right"])
    )
    return left[0] - right[1], left[1] - right[0]


def _studies(results: Results) -> Iterator[tuple[str, str, str]]:
    """Protocol, dataset and study of the cells that claims are judged in."""
    for dataset, placed in results.placed.items():
        yield "published", dataset, placed["study"]
        yield "clean", dataset, placed["clean_study"]


def _of_networks(results: Results, contrast: dict) -> Iterator[dict]:
    networks = cells.derived(results.table(NETWORKS))
    for protocol, dataset, study in _studies(results):
        rows = chosen(networks, {"study": study, "fraction": 1.0, "hidden_layers": "10-5"})
        for name, at, differences in _groups(contrast, rows):
            row = {"contrast": contrast["name"] + name, "protocol": protocol, "dataset": dataset}
            published = _published(results, contrast, dataset, at)
            # What the paper has no number for is a new test.
            kind = "new test" if np.isnan(published) else contrast["kind"]
            yield row | {"kind": kind, "published": published} | of_pairs(differences, _possible(contrast))


def _published(results: Results, contrast: dict, dataset: str, at: dict) -> float:
    """The paper's own difference; nan where it gives no number for a side."""
    if contrast["kind"] != "published contrast":
        return np.nan
    numbers, values = results.table(results.locate(specs.PUBLISHED)), []
    for side in (contrast["left"], contrast["right"]):
        where = {name: value for name, value in side.items() if name not in ("value", "constant")}
        cell = chosen(numbers, {"dataset": dataset} | contrast["where"] | at | where).set_index("test_set")["published"]
        x, inverse = (cell.get(name, cell.get("both", np.nan)) for name in ("original", "inverted"))
        by_column = {"test_accuracy": x, "inverted_accuracy": inverse, "both_accuracy": np.minimum(x, inverse)}
        by_column["random_sign_accuracy"] = (x + inverse) / 2
        values.append(side["constant"] if "constant" in side else by_column.get(side["value"], np.nan))
    return values[0] - values[1]


def _of_table(results: Results, contrast: dict) -> Iterator[dict]:
    table = results.table(FILES.get(contrast["of"], f"{contrast['of']}.csv"))
    absent = {name: value for name, value in {"protocol": "", "dataset": "", "split": 0}.items() if name not in table}
    table = _placed(table.assign(**absent))
    if contrast["direction"] == "zero":
        rows = chosen(table, contrast["where"])
        counts = [rows[name].sum() for name in ("n", "networks") if name in rows]
        if len(rows):
            names = "; ".join(dict.fromkeys(name for name in rows["dataset"] if name))
            effect = rows[contrast["left"]["value"]].max(skipna=False)
            yield {"protocol": "", "dataset": names, "effect": effect, "n": counts[0] if counts else len(rows)}
        return
    for (protocol, dataset), rows in table.groupby(["protocol", "dataset"], sort=False):
        for name, _, differences in _groups(contrast, rows):
            row = {"contrast": contrast["name"] + name, "protocol": protocol, "dataset": dataset}
            yield row | of_pairs(differences, _possible(contrast))


def _of_images(results: Results, contrast: dict) -> Iterator[dict]:
    targets, table = results.config["figures"]["target"], results.table(FILES["images"])
    for _, row in chosen(table, contrast["where"]).iterrows():
        if row["target"] != targets.get(row["dataset"]) or pd.isna(row["reference"]):
            continue
        low, high = row["ratio_low"], row["ratio_high"]
        if row["n"] < FEWEST:
            low = high = np.nan
        known = {"protocol": row["protocol"], "dataset": row["dataset"], "effect": row["ratio"], "n": row["n"]}
        given = results.table(NETWORKS)
        given = given[given["study"] == row["study"]]
        cap = (given["n_train"] // np.where(given["training_set"] == "augmented", 2, 1)).max()
        yield known | {"low": low, "high": high, "cap": f"{cap:,} images"}


def _of_cost(results: Results, contrast: dict) -> Iterator[dict]:
    """Medians of what a target costs, right over left."""
    history, targets = results.table(HISTORY), results.config["figures"]["target"]
    for protocol, dataset, study in _studies(results):
        if protocol != "clean" or dataset not in targets:
            continue
        rows = chosen(history, {"study": study, "fraction": 1.0, "hidden_layers": "10-5"} | contrast["where"])
        sides = []
        for side in (contrast["left"], contrast["right"]):
            cell = chosen(rows, side)
            price = prices(results, cell).get(contrast["currency"]) if len(cell) else None
            if price is None:
                break
            sides.append((needed(cell, targets[dataset]), price, cell["evaluations"].max()))
        if len(sides) == 2:
            found = of_ratio(*sides)
            # Where the cost of the left is not known, it is left's budget that ended.
            given = sides[0][2] if found["effect"] == 0 else sides[1][2]
            yield {"protocol": protocol, "dataset": dataset, "cap": f"{given:,.0f} evaluations"} | found


def of_ratio(left: tuple, right: tuple) -> dict:
    """Right's median cost over left's. A side: evaluations by split and seed, (once, each), the most it was given."""
    both = left[0].index.intersection(right[0].index).sort_values()
    found: dict[str, float] = {"n": len(both)}
    for level, suffix in ((0.95, ""), (0.9, "90")):
        costs = []
        for values, (once, each), limit in (right, left):
            ends = intervals.median(values.loc[both].to_numpy(), both.get_level_values("split").to_numpy(), level)
            costs.append(tuple(once + each * effort for effort in (*ends, limit)))
        found["effect"], low, high = intervals.quotient(*costs)
        if len(both) >= FEWEST and not np.isnan(found["effect"]):
            found |= {f"low{suffix}": low, f"high{suffix}": high}
    return found
