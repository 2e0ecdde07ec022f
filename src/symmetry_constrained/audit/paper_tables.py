"""The paper's tables as they are laid out: as CSV, as Markdown, and on a page, cell by cell."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from symmetry_constrained.audit.checks import Check, equal, guarded, same_table
from symmetry_constrained.audit.published import TABLE, draws, place
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import NETWORKS, ORDER

LAID = "the paper's tables"
STEMS = {"1": "table1", "2": "table2", "talk": "talk"}
RUNS = re.compile(r"<script|<iframe|<object|<embed|<link|<meta http|\s(?:on\w+|srcdoc)=|javascript:", re.IGNORECASE)
COLUMNS = ["network", "features", "trained on", "tested on", "published", "by scikit-learn", "by us"]
COLUMNS += ["same seed gives", "median", "95 % of draws", "N", "percentile", "published is", "clean median"]
COLUMNS += ["clean 95 %", "clean N"]
# All that may be in a tag of the page, and its style.
TAGS = r'html lang="en"|meta charset="utf-8"|table class="dataframe"|tr style="text-align: left;"'
TAG = re.compile(rf"!DOCTYPE html|/?(?:html|head|title|style|body|h2|table|thead|tbody|tr|th|td|p|code)|{TAGS}")
STYLE = (
    "body{font:15px sans-serif;margin:2em;color:#222}table{border-collapse:collapse}"
    "th,td{padding:.35em .8em;border-bottom:1px solid #ddd;text-align:left}p{max-width:60em;line-height:1.5}"
)
SYMBOLS = {"original": "X", "inverted": "−X", "augmented": "±X", "both": "X and −X"}


def check(results: Results) -> Iterator[Check]:
    yield from guarded(LAID, TABLE, _check(results))


def _check(results: Results) -> Iterator[Check]:
    judged = results.table(TABLE)
    grids = []
    for name, stem in STEMS.items():
        rows = judged[judged["table"] == name].reset_index(drop=True)
        if rows.empty:
            continue
        clean = pd.DataFrame(
            [place(row["published"], draws(results, "clean_study", row), 17) for _, row in rows.iterrows()]
        )
        expected = rows.assign(**{f"clean_{key}": clean[key] for key in ("median", "low", "high", "n")})
        path = f"tables/{stem}.csv"
        where = results.blame(path, TABLE, NETWORKS, CONFIG)
        yield from guarded(
            LAID, path, iter([same_table(LAID, where, expected, results.table(path), rtol=ORDER, source=TABLE)])
        )
        grids.append(grid(expected))
        yield from guarded(LAID, f"tables/{stem}.md", _check_markdown(results, f"tables/{stem}.md", grids[-1]))
    page = "tables/published_numbers.html"
    yield from guarded(LAID, page, _check_page(results, page, grids))


def grid(table: pd.DataFrame) -> list[list[str]]:
    """A paper table's cells as they are shown, row by row."""

    def three(value: float) -> str:
        return "–" if np.isnan(value) else f"{value:.3f}"

    return [
        [
            row["network"],
            row["features"],
            SYMBOLS[row["training_set"]],
            SYMBOLS[row["test_set"]],
            three(row["published"]),
            three(row["rerun_scikit_learn"]),
            three(row["rerun_ours"]),
            row["same_seed"],
            three(row["median"]),
            f"{row['low']:.3f} to {row['high']:.3f}",
            str(row["n"]),
            str(round(row["percentile"])),
            row["typicality"],
            three(row["clean_median"]),
            f"{row['clean_low']:.3f} to {row['clean_high']:.3f}",
            str(row["clean_n"]),
        ]
        for _, row in table.iterrows()
    ]


def _check_markdown(results: Results, path: str, expected: list[list[str]]) -> Iterator[Check]:
    first, ruled, *lines = results.text(path).splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in (first, *lines)]
    yield _same_grid(results.blame(path, TABLE), [COLUMNS, *expected], found)
    plain = re.fullmatch(r"(?:\|:-+)+\|", ruled) is not None
    yield Check(LAID, path, "a line below the headings", "so" if plain else ruled, plain)


def _check_page(results: Results, path: str, expected: list[list[list[str]]]) -> Iterator[Check]:
    text = results.text(path)
    found = Cells.of(text)
    yield _same_grid(results.blame(path, TABLE), [row for rows in expected for row in rows], found)
    # Nothing from elsewhere, nothing that runs, and no style that says something.
    odd = [tag for tag in re.findall(r"<([^>]*)>?", text) if not TAG.fullmatch(tag)] + RUNS.findall(text)
    yield Check(LAID, path, "a page that stands alone", f"holds {odd[0]}" if odd else "so", not odd)
    yield equal(LAID, path, [STYLE], re.findall(r"<style>(.*?)</style>", text, re.DOTALL))


def _same_grid(where: str, expected: list[list[str]], found: list[list[str]]) -> Check:
    pairs = zip(expected, found, strict=False)
    differing = [
        f"{seen} instead of {cell}" for a, b in pairs for cell, seen in zip(a, b, strict=False) if cell != seen
    ]
    if [len(row) for row in expected] != [len(row) for row in found]:
        differing.append(f"{len(found)} rows instead of {len(expected)}, or cells missing")
    return Check(LAID, where, "as in the table", "; ".join(differing[:3]) or f"{len(found)} rows, equal", not differing)


class Cells(HTMLParser):
    """The body cells of a page's tables, row by row."""

    def __init__(self):
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    @classmethod
    def of(cls, text: str) -> list[list[str]]:
        parser = cls()
        parser.feed(text)
        return [row for row in parser.rows if row]

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        self.inside = tag == "td"
        if self.inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data
