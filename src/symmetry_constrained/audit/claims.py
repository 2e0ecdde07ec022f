"""Every claim's contrasts once more: the rows that `claims.yaml` names, paired, subtracted, judged."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

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
PLACE = ["setting", "protocol", "dataset"]
FEWEST = 5  # pairs; below it a ratio of medians has no interval
NOTHING = {"protocol": "", "dataset": "", "effect": np.nan, "n": 0}
RATIOS = ("images", "cost", "convergence")


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        where = results.blame(TABLE, NETWORKS, HISTORY, CONFIG)
        yield from guarded(EFFECTS, where, _check_effects(results))


def contrasts(results: Results) -> list[dict]:
    """The contrasts of `claims.yaml` in order, each with its claim's id and its margin, its own or the shared one."""
    stated = results.yaml(results.locate(STATED))
    found = []
    for claim in stated["claims"]:
        for place, contrast in enumerate(claim["contrasts"]):
            shared = stated["factor"] if contrast["of"] in RATIOS else stated["margin"]
            limits = {"at most": contrast.get("limit"), "zero": contrast.get("tolerance", 1e-9)}
            margin = limits.get(contrast["direction"], contrast.get("margin", shared))
            contrast = {"where": {}, "by": [], "headline": place == 0, **contrast}
            contrast["settings"] = claim.get("settings", {}) | contrast.get("settings", {})
            found.append(contrast | {"id": claim["id"], "margin": float(margin)})
    return found


def _check_effects(results: Results) -> Iterator[Check]:
    claims, rows, files = read(results), [], {NETWORKS, HISTORY}
    for contrast in contrasts(results):
        of = contrast["of"]
        if "/" in of or of in FILES:
            files.add(FILES.get(of, f"{of}.csv"))
        found = list(_in_settings(results, contrast) if of in IN_SETTINGS else _of_table(results, contrast))
        keys = {name: contrast[name] for name in ("id", "kind", "direction", "margin", "headline")}
        keys |= {"contrast": contrast["name"], "cap": "", "setting": ""}
        rows += [_with_distinct(contrast, keys | row) for row in found or [NOTHING]]
    expected = pd.DataFrame(rows, columns=["id", "contrast", *PLACE, "kind", "direction", "margin", *FOUND])
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
    return _placed(table).astype({"cap": object, "setting": object}).fillna({"cap": "", "setting": ""})


def _placed(table: pd.DataFrame) -> pd.DataFrame:
    """Without a protocol or a dataset the place is empty text."""
    return table.astype({"protocol": object, "dataset": object}).fillna({"protocol": "", "dataset": ""})


def chosen(table: pd.DataFrame, where: dict) -> pd.DataFrame:
    """The rows with these values."""
    for name, value in where.items():
        table = table[np.isclose(table[name], value) if isinstance(value, float) else table[name] == value]
    return table


def differences(contrast: dict, rows: pd.DataFrame) -> Iterator[tuple[str, dict, pd.Series]]:
    """By the values of `by`: what they add to the row's name, these values, and the differences by split and seed."""
    rows = chosen(rows, contrast["where"])
    for at, group in rows.groupby(contrast["by"], sort=False) if contrast["by"] else [((), rows)]:
        sides = []
        for side in (contrast["left"], contrast["right"]):
            cell = chosen(group, {name: value for name, value in side.items() if name not in ("value", "constant")})
            series = cell.set_index(["split", "seed"])[side["value"]] if "value" in side else side["constant"]
            sides.append(series)
        pairs = (sides[0] - sides[1]).astype(float).dropna().sort_index()
        if len(pairs):
            yield "".join(f"; {value}" for value in at), dict(zip(contrast["by"], at, strict=True)), pairs


def of_pairs(differences: pd.Series, possible: tuple[float, float]) -> dict:
    """Mean, interval and prediction interval of differences by split and seed."""
    values, splits = differences.to_numpy(), differences.index.get_level_values("split").to_numpy()
    found = {"effect": values.mean(), "n": len(values)}
    for level, suffix in ((0.95, ""), (0.9, "90")):
        ends = intervals.mean(values, splits, level, possible)
        found |= dict(zip((f"low{suffix}", f"high{suffix}"), ends, strict=True))
    ends = intervals.prediction(values, splits, possible)
    return found | dict(zip(("prediction_low", "prediction_high"), ends, strict=True))


def possible(contrast: dict) -> tuple[float, float]:
    """The least and the most that left less right can be."""
    left, right = (
        intervals.bounds(side["value"]) if "value" in side else (side["constant"], side["constant"])
        for side in (contrast["left"], contrast["right"])
    )
    return left[0] - right[1], left[1] - right[0]


def _in_settings(results: Results, contrast: dict) -> Iterator[dict]:
    """The contrast in every setting that it is meant for and that has its cells."""
    for setting in specs.settings(results):
        if specs.applies(contrast, setting):
            place = {name: setting[name] for name in PLACE}
            yield from (place | row for row in IN_SETTINGS[contrast["of"]](results, contrast, setting))


def _whole(results: Results, setting: dict) -> pd.DataFrame:
    """The networks of a setting on the most images that can be judged."""
    rows = cells.derived(cells.largest(specs.cells(results.table(NETWORKS), setting)))
    return rows[rows["test_accuracy"].notna()]


def _of_networks(results: Results, contrast: dict, setting: dict) -> Iterator[dict]:
    for name, at, pairs in differences(contrast, _whole(results, setting)):
        published = _published(results, contrast, setting["dataset"], at) if setting["paper"] else np.nan
        # What the paper has no number for is a new test.
        kind = "new test" if np.isnan(published) else contrast["kind"]
        row = {"contrast": contrast["name"] + name, "kind": kind, "published": published}
        yield row | of_pairs(pairs, possible(contrast))


def _of_averaged(results: Results, contrast: dict, setting: dict) -> Iterator[dict]:
    """Each side from the study that averages as it says: the setting's own, or one configured beside it."""
    sides = []
    for side in (contrast["left"], contrast["right"]):
        study = averaged_study(results, setting, side.get("averaging", "none"))
        if study is None:
            return
        rows = _whole(results, setting | {"study": study})
        cell = chosen(rows, contrast["where"] | {key: side[key] for key in side if key not in ("value", "averaging")})
        sides.append(cell.set_index(["split", "seed"])[side["value"]])
    pairs = (sides[0] - sides[1]).dropna().sort_index()
    if len(pairs):
        yield {"contrast": contrast["name"]} | of_pairs(pairs, possible(contrast))


def averaged_study(results: Results, setting: dict, kind: str) -> str | None:
    """The study that averages in this way: the setting's own, or one configured beside it; None if none does."""
    config = results.config
    named = [setting["study"], *config["settings"][setting["setting"]].get("averaged", [])]
    return next((name for name in named if config["studies"][name].get("averaging", "none") == kind), None)


def _of_equal_terms(results: Results, contrast: dict, setting: dict) -> Iterator[dict]:
    for name, _, pairs in differences(contrast, specs.cells(results.table(FILES["equal_terms"]), setting)):
        yield {"contrast": contrast["name"] + name} | of_pairs(pairs, possible(contrast))


def _of_convergence(results: Results, contrast: dict, setting: dict) -> Iterator[dict]:
    """What networks used until they stopped by themselves, right over left."""
    rows, currency, sides = chosen(_whole(results, setting), contrast["where"]), contrast["currency"], []
    for side in (contrast["left"], contrast["right"]):
        cell = chosen(rows, side).set_index(["split", "seed"])
        stopped = cell["status"].isin(["converged_gradient", "converged_loss"])
        sides.append((cell[currency].astype(float).mask(~stopped, np.inf), (0, 1), cell[currency].max()))
    if len(sides[0][0].index.intersection(sides[1][0].index)):
        found = of_ratio(*sides)
        yield {"cap": setting["budget"]} | found


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
        for name, _, pairs in differences(contrast, rows):
            row = {"contrast": contrast["name"] + name, "protocol": protocol, "dataset": dataset}
            yield row | of_pairs(pairs, possible(contrast))


def _of_images(results: Results, contrast: dict, setting: dict) -> Iterator[dict]:
    rows = chosen(specs.cells(results.table(FILES["images"]), setting), contrast["where"])
    by_target = {row["target"]: row for _, row in rows.iterrows() if not pd.isna(row["reference"])}
    if by_target:
        row = by_target[_reached_by_both({target: one["ratio"] for target, one in by_target.items()})]
        low, high = (row["ratio_low"], row["ratio_high"]) if row["n"] >= FEWEST else (np.nan, np.nan)
        given = specs.cells(results.table(NETWORKS), setting)
        cap = (given["n_train"] // np.where(given["training_set"] == "augmented", 2, 1)).max()
        yield {
            "target": row["target"],
            "effect": row["ratio"],
            "n": row["n"],
            "low": low,
            "high": high,
            "cap": f"{cap:,} images",
        }


def _reached_by_both(ratios: dict[float, float]) -> float:
    """The largest target whose ratio is a number; else the least at which one side is known, or the least of all."""
    finite = [target for target, ratio in ratios.items() if 0 < ratio < np.inf]
    known = [target for target, ratio in ratios.items() if not np.isnan(ratio)]
    return max(finite) if finite else min(known or ratios)


def _of_cost(results: Results, contrast: dict, setting: dict) -> Iterator[dict]:
    """Medians of what a target costs, right over left."""
    rows = cells.largest(specs.cells(results.table(HISTORY), setting))
    rows, targets = chosen(rows, contrast["where"]), results.config["targets"]
    sides = []
    for side in (contrast["left"], contrast["right"]):
        cell = chosen(rows, side)
        price = prices(results, cell).get(contrast["currency"]) if len(cell) else None
        if price is None:
            return
        sides.append((cell, price, cell["evaluations"].max()))
    found = {
        target: of_ratio(*((needed(cell, target), price, limit) for cell, price, limit in sides))
        for target in targets.get(setting["dataset"], [])
    }
    if found:
        target = _reached_by_both({target: one["effect"] for target, one in found.items()})
        row = found[target] | {"target": target}
        # Where the cost of the left is not known, it is left's budget that ended.
        yield {"cap": f"{sides[0][2] if row['effect'] == 0 else sides[1][2]:,.0f} evaluations"} | row


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


IN_SETTINGS: dict[str, Callable[[Results, dict, dict], Iterator[dict]]] = {
    "networks": _of_networks,
    "averaged": _of_averaged,
    "equal_terms": _of_equal_terms,
    "images": _of_images,
    "cost": _of_cost,
    "convergence": _of_convergence,
}
