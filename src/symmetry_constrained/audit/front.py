"""The first page of a run: every value in it, from the files; what the page alone says is held against them."""

import base64
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from symmetry_constrained.audit import claims, embedded, existence, settings
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.paper_tables import STEMS, SYMBOLS
from symmetry_constrained.audit.pictures import title_of
from symmetry_constrained.audit.published import TABLE as NUMBERS
from symmetry_constrained.audit.results import MANIFEST, Results
from symmetry_constrained.audit.tables import NETWORKS
from symmetry_constrained.audit.verdicts import effect, number, place

HELD, INDEX, COMPARED = "first page, by the files", "index.html", "comparison.json"
MAP = "settings"  # the figure that is shown first
FEWEST = 3  # settings that decide a claim
MARKS = {"holds": "✓", "fails": "✗", "contrary": "⇄", "open": "?", "not counted": "·"}
CLAIMS = ["claim", "the paper", "contrast", "setting", "effect", "published", "N", "verdict"]
PUBLISHED = ["table", "network", "features", "trained on", "tested on", "published", "same seed gives"]
PUBLISHED += ["median of ours", "95 % of ours", "N", "published is"]
# What the page links, by what it is.
FILES = {
    "Notebooks": r"notebooks/[^/]+\.html",
    "Tables": r"(?:tables|theory)/[^/]+\.csv",
    "Record": r"manifest\.json|ro-crate-metadata\.json|config\.json|verdicts\.md|audit/audit\.json",
}
# By how its sentence ends or begins, whether two runs agree.
AGREED = {0: r".* agree\.", 1: r".* differ: .*", 2: r"Not compared: .*"}
DRAWN = re.compile(r'"([\w-]+?)(?:-\{dataset\})?"(?:\]\s*=|:)\s*\(\s*"(\d\. [^"]*)"')  # a figure and its category
Cell = dict[str, Any]


def values(results: Results) -> dict[str, Any]:
    """What the template is filled with."""
    text, manifest, about = results.text(INDEX), results.manifest, results.manifest["machine"]
    said = _said(text)
    pictures = {stem: _picture(results, stem) for stem in existence.stems(results)}
    first = pictures.pop(MAP, None)
    categories = _categories(results)
    grouped: dict[str, list] = {}
    for stem, picture in pictures.items():
        grouped.setdefault(categories[stem if stem in categories else stem.partition("-")[0]], []).append(picture)
    machine = [about["processor"], f"{about['cores']} cores", f"{about['memory'] / 1e9:.0f} GB of memory"]
    numbers = results.table(NUMBERS)
    return {
        "sentence": said["sentence"],
        "claims": said["claims"],
        "map": first,
        "findings": [line[2:] for line in results.text("findings.rst").splitlines() if line.startswith("- ")],
        "tables": {
            "claims": ("headlines alone", _claims(claims.read(results))),
            "numbers": ("those alone that are not typical", _numbers(numbers)),
        },
        "figures": dict(sorted(grouped.items())),
        "audit": embedded.audited(results),
        "comparison": json.loads(results.text(COMPARED)),
        "manifest": manifest,
        "machine": ", ".join([*machine, *about["gpus"]]),
        "networks": _trained(results),
        "duration": said["duration"],
        "number": number,
        "files": said["files"],
    }


def check(results: Results) -> Iterator[Check]:
    """What the page says by itself: the sentence on all claims, what it links, whether the run agrees with another."""
    yield from guarded(HELD, INDEX, _check(results))


def _check(results: Results) -> Iterator[Check]:
    said = _said(results.text(INDEX))
    title = title_of(results, f"figures/{MAP}.png")
    yield equal(HELD, INDEX, "".join(title.split()), "".join(said["sentence"].split()))
    yield equal(HELD, INDEX, list(_told(results)), said["claims"])
    for kind, pattern in FILES.items():
        found = said["files"].get(kind, [])
        missing = [path for path in results.recorded if re.fullmatch(pattern, path) and path not in found]
        odd = [path for path in found if not re.fullmatch(pattern, path) or not _known(results, path)]
        yield equal(HELD, INDEX, f"{kind}: each once", f"{kind}: {', '.join(missing + odd) or 'each once'}")
    compared = json.loads(results.text(COMPARED))
    same = re.fullmatch(AGREED[compared["status"]], compared["sentence"]) is not None
    yield Check(HELD, COMPARED, f"a sentence of status {compared['status']}", "so" if same else "another", same)


def _told(results: Results) -> Iterator[tuple[str, str]]:
    """Of each claim judged in settings its word, and where it holds and by how much."""
    over = settings.over_settings(claims.read(results), results.table(settings.TABLE))
    drawn = results.table(f"figures/{MAP}.csv")
    for _, row in over[over[["holds", "fails", "open"]].ne("").any(axis=1)].iterrows():
        own, parts = drawn[drawn["id"] == row["id"]], []
        for verb, outcomes in (("holds", ["holds"]), ("fails", ["fails", "contrary"]), ("is open", ["open"])):
            some = own[own["outcome"].isin(outcomes)]
            names, last = some["setting"].tolist()[:-1], some["setting"].tolist()[-1:]
            if last:
                where = " and ".join(filter(None, (", ".join(names), *last)))
                parts.append(f"{verb} in {where}{'' if verb == 'is open' else _span(some)}")
        text, decided = f"It {'; '.join(parts)}.", int((own["outcome"] != "open").sum())
        if row["over"] == "open" and decided < FEWEST:
            text += f" Only {decided} of {len(own)} settings decide, and {FEWEST} are needed."
        text += f" What it depends on: {row['depends']}." if row["depends"] else ""
        yield f"{row['id']}. {row['title']}: {row['over']}.", text


def _span(rows: pd.DataFrame) -> str:
    """From the smallest to the largest effect."""
    if rows["unit"].nunique() > 1:
        return ""
    ends = [f"{value:.2f}".replace("-", "−") for value in (rows["effect"].min(), rows["effect"].max())]
    what = "a factor of" if rows["unit"].iloc[0] == "ratio" else "a difference of"
    return f" ({what} {' to '.join(dict.fromkeys(ends))})"


def _known(results: Results, path: str) -> bool:
    """A file that is there or should be, the record itself, or one among the paper's tables."""
    return results.belongs(path) or path == MANIFEST or PurePosixPath(path).stem in STEMS.values()


def _said(text: str) -> dict[str, Any]:
    """What the page says and no other file holds."""
    sections = {part.partition('"')[0]: part for part in text.split('<h2 id="')}
    opening, where = next(iter(sections.values())), sections.get("where", "")
    duration = re.search(r"<b>Time:</b> (\d+(?:\.\d)? (?:s|min|h)) of timed jobs", opening)
    sentence = re.search(r"<p>([^<>]*) A setting is ", where)
    told = re.findall(r"<li><b>([^<>]*)</b> ([^<>]*)</li>", where)
    files = {}
    for part in sections.get("files", "").split("<h3>")[1:]:
        files[part.partition("<")[0]] = list(dict.fromkeys(map(unescape, re.findall(r'">([^<>]*)</a></li>', part))))
    return {
        "duration": duration[1] if duration else "",
        "sentence": unescape(sentence[1]) if sentence else "",
        "claims": [(unescape(word), unescape(rest)) for word, rest in told],
        "files": {kind: files[kind] for kind in FILES if kind in files},
    }


def _picture(results: Results, stem: str) -> dict[str, str]:
    source = base64.b64encode(results.bytes(f"figures/{stem}.svg")).decode()
    title = title_of(results, f"figures/{stem}.png")
    return {"name": stem, "title": title, "source": f"data:image/svg+xml;base64,{source}"}


def _categories(results: Results) -> dict[str, str]:
    """By figure, or the part before its dataset, the heading that it is under, as the workflow has it."""
    return dict(DRAWN.findall(results.text(results.locate("workflow/rules/figures.smk"))))


def _trained(results: Results) -> int:
    """Networks but those of features that are other features number for number, which were trained once."""
    table = results.table(NETWORKS)
    studies = results.config["studies"].items()
    twice = {f"{name}/{features}" for name, study in studies if study for features in study.get("trained_as", {})}
    return int((~(table["study"] + "/" + table["features"]).isin(twice)).sum())


def _cell(text: str, key: Any = "", look: str = "") -> Cell:
    return {"text": text, "key": key, "look": look}


def _count(text: str, value: float) -> Cell:
    """A number with what it is sorted by."""
    return _cell(text, "" if pd.isna(value) else str(float(value)).replace("inf", "Infinity"), "number")


def _claims(rows: pd.DataFrame) -> dict[str, Any]:
    found = []
    for _, row in rows.iterrows():
        outcome = "not counted" if row["verdict"] == "by construction" else settings.outcome(row["verdict"])
        at = str(row["id"]).lstrip("C")
        texts = [row["title"], row["contrast"], place(row)]
        cells = [_cell(row["id"], int(at) if at.isdecimal() else 0), *(_cell(text, text) for text in texts)]
        cells += [_count(effect(row), row["effect"]), _count(number(row["published"]), row["published"])]
        cells += [_count(f"{row['n']:,}", row["n"])]
        cells += [_cell(f"{MARKS[outcome]} {row['verdict']}", row["verdict"], outcome.replace(" ", "-"))]
        found.append(cells)
    return {"columns": CLAIMS, "rows": found, "marked": [bool(value) for value in rows["headline"]]}


def _numbers(rows: pd.DataFrame) -> dict[str, Any]:
    found = []
    for _, row in rows.iterrows():
        texts = [str(row["table"]), row["network"], row["features"]]
        texts += [SYMBOLS[row[name]] for name in ("training_set", "test_set")]
        cells = [_cell(text, text) for text in texts]
        cells += [_count(number(row["published"]), row["published"]), _cell(row["same_seed"], row["same_seed"])]
        cells += [_count(number(row["median"]), row["median"])]
        cells += [_count(f"{row['low']:.3f} to {row['high']:.3f}", row["low"]), _count(f"{row['n']:,.0f}", row["n"])]
        found.append([*cells, _cell(row["typicality"], row["typicality"])])
    return {"columns": PUBLISHED, "rows": found, "marked": [value != "typical" for value in rows["typicality"]]}
