"""Pages that templates made: each is what its template makes of what the files hold, to the last character."""

from collections.abc import Iterator
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from symmetry_constrained.audit import explorer, front
from symmetry_constrained.audit.checks import Check, guarded, parting
from symmetry_constrained.audit.results import Results

MADE = "pages as their templates have them"
FOLDER = "src/symmetry_constrained/pages/templates"
PARTS = {
    front.INDEX: ("index.html", "page.css", "index.css", "index.js"),
    explorer.PAGE: ("explorer.html", "page.css", "explorer.css", "network.js", "explorer.js"),
}


def check_explorer(results: Results) -> Iterator[Check]:
    if results.belongs(explorer.PAGE):
        yield from guarded(MADE, explorer.PAGE, _check(results, explorer.PAGE))


def check_index(results: Results) -> Iterator[Check]:
    """The landing page, which is made when all else is."""
    yield from guarded(MADE, front.INDEX, _check(results, front.INDEX))
    yield from front.check(results)


def _check(results: Results, page: str) -> Iterator[Check]:
    found = results.text(page)
    if results.project is None and not results.exists(results.locate(f"{FOLDER}/{PARTS[page][0]}")):
        return  # an audit without the project has no template of a page that is made when the run has ended
    values = front.values(results) if page == front.INDEX else explorer.values(results)
    made = rendered({name: results.text(results.locate(f"{FOLDER}/{name}")) for name in PARTS[page]}, values)
    pairs = zip(made.split("\n"), found.split("\n"), strict=False)
    odd = next((pair for pair in enumerate(pairs, start=1) if pair[1][0] != pair[1][1]), None)
    text = f"line {odd[0]}: {_from(*odd[1])}" if odd else "so" if made == found else "another number of lines"
    yield Check(MADE, results.blame(page), "what its template makes of the files", text, made == found)


def _from(due: str, found: str) -> str:
    """Where two lines begin to differ."""
    at = parting(due, found)
    start = max(0, at - 30)
    return f"{found[start : at + 50]!r} instead of {due[start : at + 50]!r}"


def rendered(texts: dict[str, str], values: dict[str, Any]) -> str:
    """A page. texts: by name the template, which comes first, and what it includes.

    Whoever wrote a folder may have meant its template to run something: it can't, and it can't count for ever.
    """
    environment = ImmutableSandboxedEnvironment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals = {"range": lambda count: range(min(count, 10))}
    return environment.get_template(next(iter(texts))).render(values)
