"""The words beside the tables of the verdict page, of the page of published numbers and of the findings, whole.

Each page's paragraphs are the texts that the code which ran has for it, filled in from the tables, in order, and no
more. Headings of tables are those of what their cells are.
"""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np

from symmetry_constrained.audit import claims, paragraphs, settings
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded
from symmetry_constrained.audit.figures import FINDINGS
from symmetry_constrained.audit.paper_tables import COLUMNS
from symmetry_constrained.audit.published import TABLE as NUMBERS
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.sentences import findings
from symmetry_constrained.audit.verdicts import PAGE, blocks, tables

WORDS, HEADED = "paragraphs, by the code that ran", "headings of tables"
COMMANDS = "commands of the claims"
COUNTED = "numbers above the claims"
HTML = "tables/published_numbers.html"
# Modules that hold a page's texts, each under a name.
LIBRARY = "src/symmetry_constrained/verdicts"
TEXTS = [("page", "INTRODUCTION"), ("page", "SETTINGS"), ("costs", "INTRODUCTION")]
OF_FINDINGS, OF_NUMBERS = "scripts/write_findings.py", "scripts/judge_published.py"
COST = re.compile(r"\d+ (?:–|\d+(?:\.\d)? (?:s|min|h)) (?:–|\d[\d,]* MB)")  # jobs, time and memory
HEADINGS = {"1": "Table 1 of the paper: raw pixels", "2": "Table 2 of the paper: invariant features"}
HEADINGS |= {"talk": "The author's later talk: MNIST"}
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
        yield from guarded(WORDS, results.blame(FINDINGS), _check_findings(results))
    if results.belongs(HTML):
        yield from guarded(WORDS, results.blame(HTML), _check_numbers(results))


def _check_page(results: Results) -> Iterator[Check]:
    where, text = results.blame(PAGE, claims.TABLE, settings.TABLE, settings.LEAK), results.text(PAGE)
    ids, found = list(claims.read(results)["id"].unique()), blocks(text)
    headings = [block for block in found if block.startswith("#")]
    yield equal(HEADED, where, ["# Verdicts", "## Headlines"], headings[:2])
    laid = tables(text)
    yield equal(HEADED, where, [*OF_PAGE, *[OF_CLAIM] * len(ids)], [heading for heading, *_ in laid])
    above = found[: found.index("## Headlines")] if "## Headlines" in found else found
    due, plain = ["# Verdicts", *_above(results)], [block for block in above if not block.startswith("|")]
    yield _alike(where, due, plain)
    # Above the claims a table follows each of three paragraphs, and in each claim's part the last of two.
    order = "." * (len(due) - 4) + "|.|...|#|" + "#..|" * len(ids)
    yield equal(
        WORDS, where, f"#{order[1:]}", "".join(block[:1] if block[:1] in ("#", "|") else "." for block in found)
    )
    _, listed, commands = ([row for _, *rows in laid[at : at + 1] for row in rows] for at in range(3))
    yield from _check_settings(results, where, listed)
    due = [f"`snakemake --cores all claim_{id_}`" for id_ in ids]
    yield equal(COMMANDS, where, list(map(list, zip(ids, due, strict=True))), [row[:2] for row in commands])
    odd = [" ".join(row) for row in commands if not COST.fullmatch(" ".join(row[2:]))]
    yield Check(COMMANDS, where, "jobs, time and memory of each", odd[0] if odd else "so", not odd)


def _above(results: Results) -> list[str]:
    """The paragraphs above the claims: of the code, and on the settings, the leak and the number of contrasts."""
    rows, listed = claims.read(results), results.table(settings.TABLE)
    opening, beside, costs = (_text(results, f"{LIBRARY}/{module}.py", name) for module, name in TEXTS)
    counts = {"networks": "20", "units": "10", "fewest": "3"}
    for name, value in {"margins": paragraphs.margins(rows), **counts}.items():
        opening = opening.replace(f"{{{name}}}", value)
    told = [paragraphs.over_settings(rows, listed), beside, paragraphs.leak(results.table(settings.LEAK))]
    return [*blocks(opening)[1:], *told, paragraphs.many(rows), costs]


def _alike(where: str, due: list[str], found: list[str]) -> Check:
    """Paragraph by paragraph, each word for word."""
    due = [block.strip("\n") for block in due]
    odd = next((block for at, block in enumerate(found) if due[at : at + 1] != [block]), "")
    said = f"{odd[:120]!r} is not as it should be" if odd else f"{len(found)} paragraphs"
    return Check(WORDS, where, f"{len(due)} paragraphs, as the code and the tables have them", said, due == found)


def _text(results: Results, module: str, name: str) -> str:
    """The text that a module which ran has under a name; UnreadableError if it has none."""
    path = results.locate(module)
    for node in ast.parse(results.text(path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            if name in [target.id for target in node.targets if isinstance(target, ast.Name)]:
                return node.value.value
    raise UnreadableError(path, f"holds no text {name}")


def _check_findings(results: Results) -> Iterator[Check]:
    """The page is the code's text around a list of findings, of one line each."""
    opening = _text(results, OF_FINDINGS, "OPENING")
    lines = "\n".join(f"- {title}" for title in findings(results))
    due = opening.replace("{findings}", lines).split("\n")
    yield _alike(results.blame(FINDINGS), due, results.text(FINDINGS).split("\n"))


def _check_settings(results: Results, where: str, found: list[list[str]]) -> Iterator[Check]:
    """The page's table of settings, cell by cell."""
    table = results.table(settings.TABLE)
    due = table[["setting", "study", *settings.ATTRIBUTES, "images", "networks"]].astype(str).to_numpy().tolist()
    shares = ["–" if np.isnan(share) else f"{share:.0%}" for share in table["converged"]]
    yield equal(COUNTED, where, [[*row, share] for row, share in zip(due, shares, strict=True)], found)


def _check_numbers(results: Results) -> Iterator[Check]:
    where, page = results.blame(HTML, NUMBERS), Texts.of(results.text(HTML))
    named = list(dict.fromkeys(results.table(NUMBERS)["table"]))
    yield equal(HEADED, where, ["Published numbers"], page["title"])
    yield equal(HEADED, where, [HEADINGS[name] for name in HEADINGS if name in named], page["h2"])
    yield equal(HEADED, where, COLUMNS * len(named), page["th"])
    yield _alike(where, [_text(results, OF_NUMBERS, "NOTE")], page["p"])
    yield equal(HEADED, where, ["1 paragraph"], [f"{len(page['p'])} paragraph", *page["beside"]])


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
