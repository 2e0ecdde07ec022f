"""What is made when all else is: the report holds the files as they are, and the first page tells of them."""

import hashlib
import re
from collections.abc import Iterator
from html import unescape

from symmetry_constrained.audit import embedded, existence, notebooks, notes, page, templates
from symmetry_constrained.audit.checks import Check, equal, guarded, parting
from symmetry_constrained.audit.embedded import AUDIT, REPORT
from symmetry_constrained.audit.figures import FINDINGS
from symmetry_constrained.audit.paper_tables import RUNS
from symmetry_constrained.audit.results import Results

EMBEDDED = "report holds the files"
INDEXED, INDEX = "first page as it was written", "index.html"
RECORDED = "report.json"
# What the report shows beside the figures and the audit.
TABLES = "published_numbers.csv published_numbers.html summary.csv sample_efficiency.csv cost_to_target.csv".split()
TABLES += ["bound.csv", "claims.csv"]
RULES = "workflow/rules/"  # where the headings of the report's parts are
STYLED = re.compile(r"<style>(.*?)</style>", re.DOTALL)
# By Snakemake's version the digest of a report without its lists and its styles: its own words and scripts.
PAGES = {"9.27.1": "df1378fd829f33b7ff24333bd96758eff718537dd167fb0870db31bbdffcc3b5"}


def check(results: Results) -> Iterator[Check]:
    # Made when all else is: the run's own audit, which comes before, leaves out this link.
    yield from guarded(EMBEDDED, REPORT, _check_report(results))
    yield from guarded(INDEXED, INDEX, _check_index(results))
    yield from templates.check_index(results)
    yield from notebooks.check(results)


def _check_report(results: Results) -> Iterator[Check]:
    yield equal(EMBEDDED, REPORT, results.record(RECORDED)["sha256"], results.sha256(REPORT) or "missing")
    lists, written, rest = embedded.lists(results)
    held = {results.locate(path): entry for path, entry in lists["results"].items()}
    for path, entry in held.items():
        # The audit is written anew by every audit.
        same = path == AUDIT or embedded.content(entry) == results.bytes(path)
        yield Check(EMBEDDED, results.blame(REPORT, path), f"{path} as it is", "equal" if same else "other bytes", same)
    figures = [f"figures/{stem}.svg" for stem in existence.stems(results)]
    missing = [path for path in (*figures, *(f"tables/{name}" for name in TABLES), AUDIT) if path not in held]
    yield _none(missing, "every figure, table and the audit")
    parts = [part for own in lists["categories"].values() for part in own.values()]
    yield equal(EMBEDDED, REPORT, sorted(lists["results"]), sorted(path for part in parts for path in part))
    rules = [name for name in results.recorded if name.startswith(f"code/{RULES}")]
    known = "".join(results.text(name) for name in rules)
    odd = [name for name in lists["categories"] if rules and f'"{name}"' not in known]
    yield _none(odd, "headings of the workflow")
    runs = [found[0] for name in written for found in RUNS.finditer(written[name])]
    if AUDIT in held:
        audit = embedded.content(held[AUDIT]).decode("utf-8")
        runs += RUNS.findall(audit)
        yield from _check_audit(results, audit)
    yield _none(runs, "nothing in its lists that runs")
    due, found = _words(results.text(FINDINGS)), _words(unescape(re.sub("<[^>]*>", " ", lists["workflow-desc"])))
    yield Check(EMBEDDED, results.blame(REPORT, FINDINGS), "the findings' words", _apart(due, found), due == found)
    yield _check_page(results, rest)


def _check_audit(results: Results, text: str) -> Iterator[Check]:
    """The run's own audit is what its counts, failures and notes make of this checkout's page."""
    if notes.elsewhere(results) is None:
        due = page.html(**embedded.said(text))
        found = "so" if text == due else repr(text[parting(text, due) :][:60])
        yield Check(EMBEDDED, REPORT, "the page of an audit, and nothing else", found, text == due)


def _check_page(results: Results, rest: str) -> Check:
    """Beside its lists a report is Snakemake's own: known by its digest, or, of another version, by its end alone."""
    styles = STYLED.findall(rest)
    digest = hashlib.sha256(STYLED.sub("", rest).encode()).hexdigest()
    version = results.manifest["software"].get("snakemake")
    whole = digest in PAGES.values() or (version not in PAGES and rest.rstrip().endswith("</body>\n\n</html>"))
    plain = not any(re.search(r"content:|url\(|@import", style) for style in styles)
    found = "so" if whole and plain else "other words or scripts" if plain else "a style that says something"
    return Check(EMBEDDED, REPORT, f"the report of Snakemake {version}", found, whole and plain)


def _words(text: str) -> list[str]:
    """The words of a page in reStructuredText, or of one without its tags."""
    return re.findall(r"\w+", re.sub(r" <[^>]*>`_", " ", text))


def _apart(due: list[str], found: list[str]) -> str:
    at = parting(due, found)
    return "so" if due == found else f"from word {at}: {' '.join(found[at : at + 8])}"


def _none(odd: list[str], expected: str) -> Check:
    """As expected if nothing is odd."""
    return equal(EMBEDDED, REPORT, expected, f"{odd[0]}; {len(odd)} in all" if odd else expected)


def _check_index(results: Results) -> Iterator[Check]:
    recorded = results.record("index.json")["sha256"]
    yield equal(INDEXED, INDEX, recorded, results.sha256(INDEX) or "missing")
