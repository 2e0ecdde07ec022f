"""What a claim's row says of itself: its unit, and the file, rows and columns by which a reader can redo it."""

import re
from collections.abc import Iterator

import pandas as pd

from symmetry_constrained.audit import cells, specs
from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.claims import FILES, IN_SETTINGS, RATIOS, TABLE, averaged_study, contrasts, read
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import HISTORY, NETWORKS

NAMED, UNITS = "evidence, by the claim as it is stated", "units of the effects"
NOTHING = "not run in this configuration"
OF_FILES = FILES | {"averaged": NETWORKS, "convergence": NETWORKS, "cost": HISTORY, "networks": NETWORKS}
LARGEST = ("networks", "averaged", "convergence", "cost")  # of these the largest fraction of the images is compared
TARGET = re.compile(r"target=([\d.]+)( on both)?")


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(NAMED, results.blame(TABLE, CONFIG), _check(results))


def _check(results: Results) -> Iterator[Check]:
    rows, stated, wrong, units = read(results), contrasts(results), [], []
    settings = {one["setting"]: one for one in specs.settings(results)}
    for _, row in rows.iterrows():
        name = f"{row['id']}, {row['contrast']}"
        contrast = max(
            (one for one in stated if one["id"] == row["id"] and f"{row['contrast']}; ".startswith(f"{one['name']}; ")),
            key=lambda one: len(one["name"]),
        )
        violation = "largest violation" if contrast["direction"] == "zero" else "accuracy"
        if row["unit"] != contrast.get("unit", "ratio" if contrast["of"] in RATIOS else violation):
            units.append(f"{name}: {row['unit']}")
        due = {NOTHING} if row["n"] == 0 else set(_due(results, contrast, row, settings.get(row["setting"])))
        if parts(row["evidence"]) ^ due:
            wrong.append(f"{name}: {sorted(parts(row['evidence']) ^ due)[0]}")
    for what, found in ((NAMED, wrong), (UNITS, units)):
        text = f"{found[0]}; {len(found)} differ" if found else "all"
        yield Check(what, results.blame(TABLE, CONFIG), f"{len(rows)} rows of {TABLE}", text, not found)


def parts(evidence: str) -> set[str]:
    """`FILE where a=1, b=2; left X (c=3)` as {FILE, a=1, b=2, left X, left c=3}; a target is known by its dataset."""
    found: set[str] = set()
    for at, piece in enumerate(evidence.split("; ")):
        side, _, rest = ("", "", piece) if at == 0 else piece.partition(" ")
        name, _, conditions = rest.removesuffix(")").partition(" (") if side else rest.partition(" where ")
        found |= {f"{side} {one}".strip() for one in (name, *filter(None, conditions.split(", ")))}
    return found


def _due(results: Results, contrast: dict, row: pd.Series, setting: dict | None) -> Iterator[str]:
    """The parts that a row's evidence must have."""
    of = contrast["of"]
    yield OF_FILES.get(of, f"{of}.csv")
    values = row["contrast"].removeprefix(contrast["name"]).split("; ")[1:]
    at = dict(zip(contrast["by"], values, strict=True))
    yield from (f"{name}={value}" for name, value in (contrast["where"] | at).items())
    if setting is not None:
        yield f"hidden_layers={setting['hidden_layers']}"
        if of != "averaged":
            yield f"study={setting['study']}"
        if of in LARGEST:
            own = specs.cells(cells.largest(results.table(NETWORKS)), setting)
            yield f"fraction={own['fraction'].max():g}"
        if of in ("images", "cost"):
            found = TARGET.search(row["evidence"])
            target = next(IN_SETTINGS[of](results, contrast, setting), {}).get("target")
            yield found[0] if found and float(found[1]) == target else f"target={target}"
    for side in ("left", "right"):
        if contrast.get(side):
            yield from _side(results, contrast, side, setting)


def _side(results: Results, contrast: dict, side: str, setting: dict | None) -> Iterator[str]:
    one = dict(contrast[side])
    if "constant" in one:
        yield f"{side} {one['constant']:g}"
        return
    yield f"{side} {one.pop('value', contrast.get('currency'))}"
    if contrast["of"] == "averaged" and setting is not None:
        one["study"] = averaged_study(results, setting, one.pop("averaging", "none"))
    yield from (f"{side} {name}={value}" for name, value in one.items())
