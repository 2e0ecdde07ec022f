"""Where claims are judged: the settings by the configuration, what the leak changes, and where each claim holds."""

import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from symmetry_constrained.audit import cells, intervals, specs
from symmetry_constrained.audit.checks import Check, guarded, same_table
from symmetry_constrained.audit.claims import TABLE as CLAIMS
from symmetry_constrained.audit.claims import contrasts, differences, possible, read
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import NETWORKS

PLACES, LEAKS, OVER = "settings, by the configuration", "the leak, at equal seeds", "where claims hold"
TABLE, LEAK, PAGE = "tables/settings.csv", "tables/leak.csv", "verdicts.md"
SHIFTED = ("digits",)  # datasets with shifted copies of their images
ATTRIBUTES = ["dataset", "protocol", "hidden_layers", "activation", "averaging", "start", "optimiser", "budget"]
ATTRIBUTES += ["trained_on"]  # how many of the training images
OF_LEAK = ["id", "contrast", "setting", "without", "dataset", "margin", "effect", "effect_without", "change"]
OF_LEAK += ["low", "high", "low90", "high90", "n", "verdict"]
GOOD = ("replicated", "supported", "theorem", "not in the paper, supported")
BAD = ("equivalent", "not supported", "reversed", "refuted", "not in the paper, not supported")
NAMES = ["id", "title", "over", "holds", "fails", "open", "depends"]


def check(results: Results) -> Iterator[Check]:
    if results.belongs(CLAIMS):
        yield from guarded(PLACES, results.blame(TABLE, NETWORKS, CONFIG), _check_settings(results))
        yield from guarded(LEAKS, results.blame(LEAK, NETWORKS, CONFIG), _check_leak(results))
        yield from guarded(OVER, results.blame(PAGE, TABLE, CLAIMS), _check_page(results))


def _check_settings(results: Results) -> Iterator[Check]:
    networks, rows = cells.largest(results.table(NETWORKS)), []
    for one in specs.settings(results):
        own = networks[(networks["study"] == one["study"]) & (networks["hidden_layers"] == one["hidden_layers"])]
        status = own["status"].tolist()
        stopped = [name in ("converged_gradient", "converged_loss") for name in status]
        # ±X shows each image twice.
        shown = own["n_train"].where(own["training_set"] != "augmented", own["n_train"] // 2)
        one |= {"images": shown.max() if len(own) else 0}
        rows.append(one | {"networks": len(status), "converged": np.mean(stopped) if stopped else np.nan})
    names = ["setting", "label", "study", *ATTRIBUTES, "paper", "images", "networks", "converged"]
    where = results.blame(TABLE, NETWORKS, CONFIG)
    yield same_table(PLACES, where, pd.DataFrame(rows, columns=names), results.table(TABLE), source="recomputed")


def _check_leak(results: Results) -> Iterator[Check]:
    """Differences with the leak less those without it, for the splits and seeds that both have."""
    networks, rows = cells.derived(results.table(NETWORKS)), []
    whole = cells.largest(networks)
    whole = whole[whole["test_accuracy"].notna()]
    listed = list(specs.settings(results))
    for contrast in contrasts(results):
        if contrast["kind"] != "published contrast":
            continue
        for leaking in listed:
            alike = [one for one in listed if _differs_in_leak(leaking, one)]
            if not alike or leaking["dataset"] not in SHIFTED or not specs.applies(contrast, leaking, alike[0]):
                continue
            own, other = (
                {name: pairs for name, _, pairs in differences(contrast, specs.cells(whole, one))}
                for one in (leaking, alike[0])
            )
            rows += [_leak(contrast, name, own[name], other[name], leaking, alike[0]) for name in own if name in other]
    found = results.table(LEAK)
    expected = pd.DataFrame([row for row in rows if row["n"]], columns=OF_LEAK)
    where = results.blame(LEAK, NETWORKS, CONFIG)
    yield same_table(LEAKS, where, expected, found, rtol=1e-8, atol=1e-12, source="recomputed")


def _differs_in_leak(one: dict, other: dict) -> bool:
    same = all(one[name] == other[name] for name in ATTRIBUTES if name != "protocol")
    return same and (one["protocol"], other["protocol"]) == ("published", "clean")


def _leak(contrast: dict, name: str, own: pd.Series, other: pd.Series, leaking: dict, clean: dict) -> dict:
    pairs = pd.concat([own, other], axis=1, join="inner", keys=["own", "other"]).sort_index()
    change, splits = (pairs["own"] - pairs["other"]).to_numpy(), pairs.index.get_level_values("split").to_numpy()
    least, most = possible(contrast)
    row = {"id": contrast["id"], "contrast": contrast["name"] + name, "margin": contrast["margin"], "n": len(pairs)}
    row |= {"setting": leaking["setting"], "without": clean["setting"], "dataset": leaking["dataset"]}
    if not len(pairs):
        return row
    row |= {"effect": pairs["own"].mean(), "effect_without": pairs["other"].mean(), "change": change.mean()}
    for level, suffix in ((0.95, ""), (0.9, "90")):
        ends = intervals.mean(change, splits, level, (least - most, most - least))
        row |= dict(zip((f"low{suffix}", f"high{suffix}"), ends, strict=True))
    margin = contrast["margin"]
    within = -margin < row["low90"] and row["high90"] < margin
    beyond = row["low"] > margin or -row["high"] > margin
    word = "equivalent" if within else "changes" if beyond else "inconclusive"
    return row | {"verdict": word if len(pairs) >= 20 else "too few networks"}


def over_settings(claims: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """By claim, the word over the settings that decide it, which these are, and by which attributes they differ."""
    rows = []
    for id_ in dict.fromkeys(claims["id"]):
        own = claims[(claims["id"] == id_) & claims["headline"]]
        signs = {
            name: _sign(own[own["setting"] == name]) for name in settings["setting"] if (own["setting"] == name).any()
        }
        lists = {sign: [name for name, own_ in signs.items() if own_ == sign] for sign in (1, -1, 0)}
        row = {"id": id_, "title": own["title"].iloc[0], "depends": ""}
        row |= {name: ", ".join(lists[sign]) for name, sign in (("holds", 1), ("fails", -1), ("open", 0))}
        if signs:
            row["over"] = _word(lists, set(settings.loc[settings["paper"], "setting"]))
        else:
            # Of each contrast of an experiment on theory, the row shown first.
            row["over"] = {1: "holds", 0: "open", -1: "fails"}[_sign(own.drop_duplicates("contrast"))]
        if row["over"] == "mixed" or row["over"].endswith("only"):
            row["depends"] = _depends(lists, settings.set_index("setting"))
        rows.append(row)
    return pd.DataFrame(rows, columns=NAMES)


def outcome(verdict: str) -> str:
    """What a verdict says of its claim."""
    if verdict.startswith(("reversed", "refuted")):
        return "contrary"
    return "holds" if verdict.startswith(GOOD) else "fails" if verdict.startswith(BAD) else "open"


def _sign(headlines: pd.DataFrame) -> int:
    """-1 if one of them fails, else 0 if one is open, else 1."""
    signs = {"holds": 1, "open": 0, "fails": -1, "contrary": -1}
    return min(signs[outcome(verdict)] for verdict in headlines["verdict"])


def _word(lists: dict[int, list[str]], papers: set[str]) -> str:
    good, bad = lists[1], lists[-1]
    if len(good) + len(bad) < 3:
        return "open"
    if not bad:
        return "holds throughout"
    if not good:
        return "fails"
    return "holds in the paper's setting only" if set(good) == papers & {*good, *bad} else "mixed"


def _depends(lists: dict[int, list[str]], table: pd.DataFrame) -> str:
    """Attributes, as few as can be, whose values with which it holds are never those with which it fails."""
    table = table.astype({name: str for name in ATTRIBUTES})
    for size in (1, 2):
        parts = []
        for names in combinations(ATTRIBUTES, size):
            good, bad = (
                list(dict.fromkeys(" and ".join(table.loc[setting, list(names)]) for setting in lists[sign]))
                for sign in (1, -1)
            )
            if not set(good) & set(bad):
                what = " and ".join(names).replace("_", " ")
                parts.append(f"{what}: holds with {', '.join(good)}, not with {', '.join(bad)}")
        if parts:
            return "; or ".join(parts)
    return "no two attributes of the settings tell where it holds"


def _check_page(results: Results) -> Iterator[Check]:
    """The page's table of where claims hold, cell by cell."""
    expected = over_settings(read(results), results.table(TABLE))
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in results.text(PAGE).splitlines() if line.startswith("| C")]
    # Its rows come first; others have another number of cells, or a contrast at their end.
    shown = [[cell.strip().replace("\\|", "|") for cell in line] for line in lines][: len(expected)]
    wrong = [row[0] for row, due in zip(shown, expected.to_numpy().tolist(), strict=False) if row != due]
    text = f"{wrong[0]} differs; {len(wrong)} do" if wrong else f"{len(shown)} rows, as recomputed"
    where = results.blame(PAGE, TABLE, CLAIMS)
    yield Check(
        OVER, where, f"{len(expected)} claims over the settings", text, not wrong and len(shown) == len(expected)
    )
