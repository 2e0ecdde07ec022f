"""The words beside the tables of the verdict page and of the page of published numbers: as the code that ran has them.

A paragraph must be one of the texts in the sources, with anything where the sources fill something in; what is filled
in must be counted in the tables. Headings of tables are those of what their cells are.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd

from symmetry_constrained.audit import claims, settings
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.figures import FINDINGS
from symmetry_constrained.audit.published import TABLE as NUMBERS
from symmetry_constrained.audit.results import CODE, Results
from symmetry_constrained.audit.sentences import NUMBER
from symmetry_constrained.audit.verdicts import PAGE, shown_first

WORDS, HEADED = "paragraphs, by the code that ran", "headings of tables"
COMMANDS = "commands of the claims"
COUNTED = "numbers above the claims"
HTML = "tables/published_numbers.html"
SOURCES = {PAGE: "src/symmetry_constrained/verdicts/", HTML: "scripts/judge_published.py"}
SOURCES |= {FINDINGS: "scripts/write_findings.py"}
SPOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
HEADINGS = {"1": "Table 1 of the paper: raw pixels", "2": "Table 2 of the paper: invariant features"}
HEADINGS |= {"talk": "The author's later talk: MNIST"}
PUBLISHED = ["network", "features", "trained on", "tested on", "published", "by scikit-learn", "by us"]
PUBLISHED += ["same seed gives", "median", "95 % of draws", "N", "percentile", "published is", "clean median"]
PUBLISHED += ["clean 95 %", "clean N"]
OF_PAGE = [
    ["claim", "the paper", "over the settings", "holds in", "fails in", "open in", "what it depends on"],
    ["setting", "study", *(name.replace("_", " ") for name in settings.ATTRIBUTES), "images", "N", "converged"],
    ["claim", "command", "jobs", "time", "memory"],
    ["claim", "the paper", "verdict", "setting", "headline contrast", "effect", "published", "N"],
]
OF_CLAIM = ["contrast", "setting", "effect", "published", "N", "verdict", "evidence"]


def check(results: Results) -> Iterator[Check]:
    if results.belongs(PAGE):
        yield from guarded(WORDS, results.blame(PAGE), _check_page(results))
    if results.belongs(FINDINGS):
        blocks = results.text(FINDINGS).strip().split("\n\n")
        plain = [block for block in blocks if not block.startswith("- ")]
        yield from guarded(WORDS, results.blame(FINDINGS), _as_written(results, FINDINGS, plain))
    if results.belongs(HTML):
        yield from guarded(WORDS, results.blame(HTML), _check_numbers(results))


def _check_page(results: Results) -> Iterator[Check]:
    where, text = results.blame(PAGE, claims.TABLE, settings.TABLE, settings.LEAK), results.text(PAGE)
    opening, *_ = text.split("\n## ")
    plain = [block for block in opening.split("\n\n") if block.strip() and not block.startswith("|")]
    yield from _as_written(results, PAGE, plain)
    lines = text.splitlines()
    tables = [_cells(line) for line, below in pairwise(lines) if below.startswith("|:")]
    due = [*OF_PAGE, *[OF_CLAIM] * len(dict.fromkeys(claims.read(results)["id"]))]
    yield equal(HEADED, where, due, tables[: len(due)])
    headings = [line for line in lines if line.startswith("#") and not re.match(r"## C\d+\. ", line)]
    yield equal(HEADED, where, ["# Verdicts", "## Headlines"], headings[:2])
    yield from _as_written(results, PAGE, headings[2:])
    yield from _check_settings(results, where, lines)
    ids = list(dict.fromkeys(claims.read(results)["id"]))
    commands = [cells[:2] for cells in map(_cells, lines) if len(cells) == 5 and cells[1].startswith("`snakemake ")]
    yield equal(COMMANDS, where, [[id_, f"`snakemake --cores all claim_{id_}`"] for id_ in ids], commands)
    words, known = "\n".join(plain), _known(results)
    for name in sorted(set(claims.read(results)["contrast"]), key=len, reverse=True):
        words = words.replace(name, " ")  # names hold numbers of their own
    odd = [one for one in NUMBER.findall(words) if one.strip(",") not in known]
    yield Check(COUNTED, where, "only what the tables say", f"says {odd[0]}" if odd else "so", not odd)
    yield from _check_claims(results, where, text)


def _check_claims(results: Results, where: str, text: str) -> Iterator[Check]:
    """Below each claim's statement there is one paragraph, in words that the sources have, and its table."""
    rows = claims.read(results)
    known = {word for source in _sources(results, PAGE) for word in SPOKEN.findall(source)}
    names = {name for key in ("contrast", "setting", "cap", "verdict", "dataset", "protocol") for name in rows[key]}
    for part in re.split(r"\n## (?=C\d+\. )", text)[1:]:
        part = part.partition("\n## ")[0]
        id_, blocks = part.partition(". ")[0], part.strip().split("\n\n")[1:]
        plain = [block for block in blocks if not block.startswith("|")]
        told = " ".join(plain[1:])
        for name in sorted(filter(None, names), key=len, reverse=True):
            for said in (name, name[:1].upper() + name[1:]):
                told = re.sub(rf"(?<!\w){re.escape(said)}(?!['’\w])", " ", told)
        odd = [word for word in SPOKEN.findall(told) if word not in known]
        found = f"{len(plain)} paragraphs" if len(plain) != 2 else f"says {odd[0]!r}" if odd else "so"
        yield Check(WORDS, where, f"{id_}: a statement and one paragraph in the sources' words", found, found == "so")


def _check_settings(results: Results, where: str, lines: list[str]) -> Iterator[Check]:
    """The page's table of settings, cell by cell."""
    table = results.table(settings.TABLE)
    due = table[["setting", "study", *settings.ATTRIBUTES, "images", "networks"]].astype(str).to_numpy().tolist()
    shares = ["–" if np.isnan(share) else f"{share:.0%}" for share in table["converged"]]
    heads = [at for at, line in enumerate(lines) if _cells(line) == OF_PAGE[1]]
    found = [_cells(line) for line in lines[heads[0] + 2 :][: len(due)]] if heads else []
    yield equal(COUNTED, where, [[*row, share] for row, share in zip(due, shares, strict=True)], found)


def _check_numbers(results: Results) -> Iterator[Check]:
    where, page = results.blame(HTML, NUMBERS), Texts.of(results.text(HTML))
    named = list(dict.fromkeys(results.table(NUMBERS)["table"]))
    yield equal(HEADED, where, ["Published numbers"], page["title"])
    yield equal(HEADED, where, [HEADINGS[name] for name in HEADINGS if name in named], page["h2"])
    yield equal(HEADED, where, PUBLISHED * len(named), page["th"])
    yield from _as_written(results, HTML, page["p"])
    yield equal(HEADED, where, ["1 paragraph"], [f"{len(page['p'])} paragraph", *page["beside"]])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _as_written(results: Results, page: str, paragraphs: list[str]) -> Iterator[Check]:
    """Each paragraph is a text of the sources that wrote the page."""
    known = [one for source in _sources(results, page) for one in texts(source)]
    odd = [" ".join(one.split()) for one in paragraphs]
    odd = [one for one in odd if not any(text.fullmatch(one) for text in known)]
    found = f"in no source: {odd[0][:80]}; {len(odd)} are not" if odd else f"{len(paragraphs)}, all"
    yield Check(WORDS, results.blame(page), "every paragraph in the sources", found, not odd)


def _sources(results: Results, page: str) -> list[str]:
    """The modules that wrote a page."""
    prefix = f"{CODE}/{SOURCES[page]}"
    names = [name.removeprefix(f"{CODE}/") for name in results.recorded if name.startswith(prefix)]
    return [results.text(results.locate(name)) for name in names or [SOURCES[page]]]


@cache
def texts(source: str) -> list[re.Pattern]:
    """The paragraphs that a module's texts can become: anything where something is filled in, if less than half is."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            pieces = [str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            pieces = [re.sub(r"\{\w*\}", "\0", node.value)]
        else:
            continue
        for paragraph in re.split(r"\n\n+", "".join(pieces)):
            text = " ".join(paragraph.split())
            if len(text) > 8 * text.count("\0"):
                found.append(re.compile(re.escape(text).replace("\0", "(.*?)"), re.DOTALL))
    return found


class Texts(HTMLParser):
    """The texts of a page's elements by their names, in order."""

    def __init__(self):
        super().__init__()
        self.found: dict[str, list[str]] = {"title": [], "h2": [], "th": [], "p": [], "beside": []}
        self.inside = ""

    @classmethod
    def of(cls, text: str) -> dict[str, list[str]]:
        parser = cls()
        parser.feed(text)
        return {name: [" ".join(one.split()) for one in found] for name, found in parser.found.items()}

    def handle_starttag(self, tag, attrs):
        if tag in self.found:
            self.found[tag].append("")
        if tag in (*self.found, "td", "style"):
            self.inside = tag

    def handle_endtag(self, tag):
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data):
        if self.inside in self.found:
            self.found[self.inside][-1] += data
        elif not self.inside and data.strip():
            self.found["beside"].append(data)


def _known(results: Results) -> set[str]:
    """The numbers that may stand above the claims: rules, and what is counted in the tables of verdicts and leaks."""
    rows, leak = claims.read(results), results.table(settings.LEAK)
    known = {"95", "5", "3", "20", "10", *(f"{margin:g}" for margin in rows["margin"])}
    over = settings.over_settings(rows, results.table(settings.TABLE))
    known |= {str(count) for count in (*over["over"].value_counts(), len(results.table(settings.TABLE)))}
    in_settings = over[["holds", "fails", "open"]].ne("").any(axis=1)
    known |= {str(int(count)) for count in (in_settings.sum(), (~in_settings).sum())}
    for part in (over[in_settings], over[~in_settings]):
        known |= {str(count) for count in part["over"].value_counts()}
    return known | _of_leak(leak) | _of_many(rows)


def _of_leak(leak: pd.DataFrame) -> set[str]:
    judged = leak[leak["verdict"] != "too few networks"]
    known = {str(len(judged)), *map(str, judged["verdict"].value_counts()), *(f"{n:,}" for n in judged["n"])}
    change = judged["change"].abs()
    known |= {f"{value:.3f}".replace("-", "−") for name in ("effect", "effect_without") for value in judged[name]}
    return known | {f"{value:.3f}" for value in (change.median(), change.max()) if not np.isnan(value)}


def _of_many(rows: pd.DataFrame) -> set[str]:
    """Headlines with a p-value, those decided, those decided after Holm's correction; and expected misses."""
    heads = shown_first(rows)
    tested = heads[heads["p_holm"].notna()]
    known = tested[tested["verdict"].map(settings.outcome).ne("open")]
    kept = int((known["p_holm"] < 0.05).sum())
    counts = {str(count) for count in (len(tested), len(known), kept)}
    judged = ~rows["verdict"].str.startswith(("too few", "by construction"))
    own = rows[judged & rows[["effect", "low", "high"]].notna().all(axis=1)]
    distinct = len(own.drop_duplicates(["id", "distinct", "setting", "protocol", "dataset"]))
    return counts | {str(distinct), f"{0.05 * distinct:.1f}"}
