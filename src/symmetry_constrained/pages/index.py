"""The page that a run ends with: where each claim holds, the findings, figures, tables, audit and provenance.

It needs no other file to be read, and links those that lie beside it.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from symmetry_constrained.pages.templating import render
from symmetry_constrained.verdicts import over_settings, paper_tables
from symmetry_constrained.verdicts import page as verdict_page
from symmetry_constrained.verdicts.costs import duration
from symmetry_constrained.verdicts.rules import OUTCOMES
from symmetry_constrained.verdicts.table import completed

TEMPLATE = "templates/index.html"
PARTS = ("templates/page.css", "templates/index.css", "templates/index.js")
MAP = "settings"  # the figure that is shown first
MARKS = {"holds": "✓", "fails": "✗", "contrary": "⇄", "open": "?", "not counted": "·"}


@dataclass(frozen=True)
class Figure:
    """A figure of the run: its place in the report, its name, its title, and the picture."""

    category: str
    name: str
    title: str
    svg: bytes

    @property
    def source(self) -> str:
        """As an image's address: within an image no script of the SVG runs, and its names meet no other's."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what is shown, what it is sorted by, and a class of its look."""

    text: str
    key: str | float = ""
    look: str = ""


@dataclass(frozen=True)
class Table:
    """A table that a reader may sort and search. marked: which rows a reader may ask for alone, one for each row."""

    columns: list[str]
    rows: list[list[Cell]]
    marked: list[bool]


def claims_table(rows: pd.DataFrame) -> Table:
    """Every contrast of `claims.csv`; marked are the headlines."""
    columns = ["claim", "the paper", "contrast", "setting", "effect", "published", "N", "verdict"]
    found = []
    for _, row in (table := completed(rows)).iterrows():
        outcome = OUTCOMES[row["verdict"]]
        number = int(str(row["id"]).lstrip("C")) if str(row["id"]).lstrip("C").isdecimal() else 0
        found.append(
            [
                Cell(row["id"], number),
                Cell(row["title"], row["title"]),
                Cell(row["contrast"], row["contrast"]),
                Cell(verdict_page.place(row), verdict_page.place(row)),
                Cell(verdict_page.effect(row), _key(row["effect"]), "number"),
                Cell(verdict_page.number(row["published"]), _key(row["published"]), "number"),
                Cell(f"{row['n']:,}", _key(row["n"]), "number"),
                Cell(f"{MARKS[outcome]} {row['verdict']}", row["verdict"], outcome.replace(" ", "-")),
            ]
        )
    return Table(columns, found, [bool(value) for value in table["headline"]])


def numbers_table(numbers: pd.DataFrame) -> Table:
    """Every published number of `published_numbers.csv`; marked are those that are not typical of ours."""
    columns = ["table", "network", "features", "trained on", "tested on", "published", "same seed gives"]
    columns += ["median of ours", "95 % of ours", "N", "published is"]
    found = []
    for _, row in numbers.iterrows():
        texts = [str(row["table"]), row["network"], row["features"]]
        texts += [paper_tables.SYMBOLS.get(row[name], row[name]) for name in ("training_set", "test_set")]
        found.append(
            [
                *(Cell(text, text) for text in texts),
                Cell(verdict_page.number(row["published"]), _key(row["published"]), "number"),
                Cell(str(row["same_seed"]), str(row["same_seed"])),
                Cell(verdict_page.number(row["median"]), _key(row["median"]), "number"),
                Cell(f"{row['low']:.3f} to {row['high']:.3f}", _key(row["low"]), "number"),
                Cell(f"{row['n']:,.0f}", _key(row["n"]), "number"),
                Cell(str(row["typicality"]), str(row["typicality"])),
            ]
        )
    return Table(columns, found, [row["typicality"] != "typical" for _, row in numbers.iterrows()])


def _key(value: float) -> str | float:
    """A number to sort by; none where it is unknown. JavaScript writes infinity in its own way."""
    if pd.isna(value):
        return ""
    return str(float(value)).replace("inf", "Infinity")


def where(rows: pd.DataFrame, settings: pd.DataFrame) -> tuple[str, list[tuple[str, str]]]:
    """A sentence on all claims; and for each claim that was judged in settings its word, and where it holds."""
    said = []
    for text in over_settings.of_each(rows, settings):
        match = re.fullmatch(r"\*\*(.*?)\*\* (.*)", text, re.S)
        said.append((match[1], match[2]) if match else ("", text))
    return over_settings.sentence(rows, settings), said


def audited(audit: dict[str, Any]) -> dict[str, Any]:
    """Of `audit.json`: its counts, how many checks of each kind held, and the first that failed."""
    kinds: dict[str, list[int]] = {}
    for check in audit["checks"]:
        held = kinds.setdefault(check["what"], [0, 0])
        held[0] += check["ok"]
        held[1] += 1
    failed = [check for check in audit["checks"] if not check["ok"]]
    files = len({check["where"] for check in audit["checks"]})
    shared = {name: audit[name] for name in ("passed", "failed", "notes")}
    return shared | {"kinds": kinds, "first": failed[:20], "files": files, "unchecked": audit["unchecked"]}


def machine(manifest: dict[str, Any]) -> str:
    """The machine of a run in a few words."""
    about = manifest["machine"]
    parts = [about["processor"], f"{about['cores']} cores", f"{about['memory'] / 1e9:.0f} GB of memory", *about["gpus"]]
    return ", ".join(parts)


def job_seconds(results: Path) -> float:
    """The seconds of all jobs that were timed, one after the other, of the run's benchmarks."""
    return float(sum(pd.read_csv(path, sep="\t")["s"].sum() for path in sorted(results.glob("benchmarks/**/*.tsv"))))


def grouped(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """The figures by category, both in the order given but the categories by name, which begins with a number."""
    found: dict[str, list[Figure]] = {}
    for figure in figures:
        found.setdefault(figure.category, []).append(figure)
    return dict(sorted(found.items()))


def page(
    tables: dict[str, pd.DataFrame],
    networks: int,
    figures: list[Figure],
    findings: list[str],
    manifest: dict[str, Any],
    audit: dict[str, Any],
    comparison: dict[str, Any],
    seconds: float,
    files: dict[str, list[str]],
) -> str:
    """The page.

    tables: claims, settings and published_numbers, as stored. networks: how many were trained. findings: a sentence
    each. comparison: with the reference, as `comparison.json`. seconds: of `job_seconds`. files: paths within the
    page's folder, by what they are.
    """
    sentence, claims = where(tables["claims"], tables["settings"])
    first = next((figure for figure in figures if figure.name == MAP), None)
    return render(
        TEMPLATE,
        PARTS,
        sentence=sentence,
        claims=claims,
        map=first,
        findings=findings,
        tables={
            "claims": ("headlines alone", claims_table(tables["claims"])),
            "numbers": ("those alone that are not typical", numbers_table(tables["published_numbers"])),
        },
        figures=grouped(figure for figure in figures if figure is not first),
        audit=audited(audit),
        comparison=comparison,
        manifest=manifest,
        machine=machine(manifest),
        networks=networks,
        duration=duration(seconds),
        number=verdict_page.number,
        files=files,
    )
