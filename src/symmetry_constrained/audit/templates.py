"""Pages that templates made: every line as its template has it, and what is filled in as the files have it."""

import base64
import re
from collections.abc import Iterator
from functools import cache
from html import unescape

from symmetry_constrained.audit import claims, explorer, leftovers
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded
from symmetry_constrained.audit.figures import title_of
from symmetry_constrained.audit.paper_tables import SYMBOLS
from symmetry_constrained.audit.published import TABLE as NUMBERS
from symmetry_constrained.audit.results import MANIFEST, Results
from symmetry_constrained.audit.tables import NETWORKS
from symmetry_constrained.audit.verdicts import effect, number, place

MADE, HELD = "pages as their templates have them", "first page, by the files"
INDEX, FOLDER = "index.html", "src/symmetry_constrained/pages/templates"
PARTS = {
    INDEX: ("index.html", "page.css", "index.css", "index.js"),
    explorer.PAGE: ("explorer.html", "page.css", "explorer.css", "network.js", "explorer.js"),
}
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
MARK = re.compile(r"^[✓✗⇄?·] ")  # before a verdict
INNER = r"((?:(?!\{% (?:if|endif)).)*?)"
EITHER = re.compile(r"\{% if [^%]*%\}" + INNER + r"\{% else %\}" + INNER + r"\{% endif %\}", re.DOTALL)
CELL = re.compile(r'<td data-key="[^"]*"[^>]*>(.*?)</td>')
PICTURE = re.compile(r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="([^"]*)"')
RUNS = re.compile(r"<script|<iframe|<object|<link(?! rel=\"icon\" href=\"data:,\")|\son\w+=|javascript:", re.IGNORECASE)


def check_explorer(results: Results) -> Iterator[Check]:
    if results.belongs(explorer.PAGE):
        yield from guarded(MADE, explorer.PAGE, _check_lines(results, explorer.PAGE))


def check_index(results: Results) -> Iterator[Check]:
    """The landing page, which is made when all else is."""
    yield from guarded(MADE, INDEX, _check_lines(results, INDEX))
    yield from guarded(HELD, INDEX, _check_index(results))


def _check_lines(results: Results, page: str) -> Iterator[Check]:
    if results.project is None and not results.exists(results.locate(f"{FOLDER}/{PARTS[page][0]}")):
        return  # an audit without the project has no template of a page that is made when the run has ended
    template, *parts = (results.text(results.locate(f"{FOLDER}/{name}")) for name in PARTS[page])
    exact = {line.strip() for part in parts for line in part.splitlines()} | {""}
    known, odd = patterns(template), []
    for line in results.text(page).splitlines():
        line = line.strip()
        if line not in exact:
            made = any(pattern.fullmatch(line) for pattern in known)
            # What a template's own line has is no more than what it has there once.
            if not made or len(RUNS.findall(line)) > max(len(RUNS.findall(one.pattern)) for one in known):
                odd.append(line)
    found = f"in no template: {odd[0][:80]}; {len(odd)} are not" if odd else "all"
    yield Check(MADE, results.blame(page), "every line of the page in its template", found, not odd)


@cache
def patterns(template: str) -> list[re.Pattern]:
    """What the lines of a template can become, but those that are filled in alone."""
    template = re.sub(r"-(%|\})\}\s*", r"\1}", re.sub(r"\s*\{(%|\{)-", r"{\1", template))
    # A newline behind a block's tag is left out, and of alternatives either is there.
    joined = template.replace("%}\n", "%}")
    every = [template, *(EITHER.sub(branch, joined) for branch in (r"\1", r"\2"))]
    found: dict[str, None] = {}
    for line in "\n".join(every).splitlines():
        line = re.sub(r"^(\{%.*?%\})+|(\{%[^{]*%\})+$", "", line.strip()).strip()
        pieces = TAG.split(line)
        if pieces[0] or pieces[-1]:
            between = ".*" if len(pieces) > 1 else ""
            last = pieces[-1] if len(pieces) > 1 else ""
            found[re.escape(pieces[0]) + between + re.escape(last)] = None
    return [re.compile(one) for one in found]


def _check_index(results: Results) -> Iterator[Check]:
    text = results.text(INDEX)
    sections = {part.partition('"')[0]: part for part in text.split('<h2 id="')}
    yield from _check_facts(results, sections)
    yield from _check_pictures(results, text)
    for name, due in (("claims", _claims(results)), ("numbers", _numbers(results))):
        rows = [line for line in sections.get(name, "").splitlines() if line.startswith("<tr") and "<td" in line]
        found = [[MARK.sub("", unescape(cell)) for cell in CELL.findall(row)] for row in rows]
        differing = [place for place, pair in enumerate(zip(due, found, strict=False), start=1) if pair[0] != pair[1]]
        said = f"row {differing[0]} differs; {len(differing)} do" if differing else f"{len(found)} rows"
        expected = f"table of {name}: {len(due)} rows"
        yield Check(HELD, INDEX, expected, said, not differing and len(due) == len(found))


def _check_facts(results: Results, sections: dict[str, str]) -> Iterator[Check]:
    """What the page says of the audit and of the run."""
    audit, manifest = results.json("audit/audit.json"), results.manifest
    passed, failed = (audit[name] for name in ("passed", "failed"))
    counted = f"all {passed:,} checks passed" if not failed else f"{failed:,} of {passed + failed:,} checks failed"
    commit = manifest["commit"] or "unknown"
    software = ", ".join(f"{name} {version}" for name, version in manifest["software"].items())
    opening, run = next(iter(sections.values())), sections.get("run", "")
    networks = f"<b>Networks:</b> {len(results.table(NETWORKS)):,}<"
    for where, part in ((opening, counted), (opening, f"{commit[:12]}<"), (opening, networks)):
        yield equal(HELD, results.blame(INDEX, MANIFEST), part, part if part in where else "not said")
    for part in (commit, manifest["written"], software):
        yield equal(HELD, results.blame(INDEX, MANIFEST), part, part if f">{part}<" in run else "not said")
    titles = {title_of(results, path.relative_to(results.folder).as_posix()) for path in _pictures(results)}
    lines = [unescape(line[4:-5]) for line in sections.get("findings", "").splitlines() if line.startswith("<li>")]
    odd = [line for line in lines if line not in titles]
    yield Check(HELD, INDEX, "findings: titles of figures", odd[0] if odd else "titles of figures", not odd)


def _pictures(results: Results) -> list:
    left = leftovers.of(results)
    every = sorted(results.folder.glob("figures/*.png"))
    return [path for path in every if path.relative_to(results.folder).as_posix() not in left]


def _check_pictures(results: Results, text: str) -> Iterator[Check]:
    """Every picture is a file of the figures, byte for byte, under its title."""
    files = {results.bytes(path): path for path in (f"figures/{one.stem}.svg" for one in _pictures(results))}
    for data, title in PICTURE.findall(text):
        path = files.get(base64.b64decode(data))
        if path is None:
            raise UnreadableError(INDEX, f"shows a picture that is none of the figures: {unescape(title)}")
        yield equal(HELD, INDEX, title_of(results, path.replace(".svg", ".png")), unescape(title))
    shown, drawn = len(PICTURE.findall(text)), text.count("<img ")
    yield equal(HELD, INDEX, f"{drawn} pictures of the figures", f"{shown} pictures of the figures")


def _claims(results: Results) -> list[list[str]]:
    found = []
    for _, row in claims.read(results).iterrows():
        cells = [row["id"], row["title"], row["contrast"], place(row), effect(row), number(row["published"])]
        found.append([*cells, f"{row['n']:,}", row["verdict"]])
    return found


def _numbers(results: Results) -> list[list[str]]:
    found = []
    for _, row in results.table(NUMBERS).iterrows():
        cells = [str(row["table"]), row["network"], row["features"]]
        cells += [SYMBOLS[row[name]] for name in ("training_set", "test_set")]
        cells += [number(row["published"]), row["same_seed"], number(row["median"])]
        found.append([*cells, f"{row['low']:.3f} to {row['high']:.3f}", f"{row['n']:,}", row["typicality"]])
    return found
