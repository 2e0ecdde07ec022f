"""What is read by people: the report holds the files as they are, executed notebooks ran to their end."""

import hashlib
import re
from collections.abc import Iterator
from html import unescape

from symmetry_constrained.audit import embedded, existence, templates
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.embedded import AUDIT, REPORT
from symmetry_constrained.audit.figures import FINDINGS
from symmetry_constrained.audit.paper_tables import RUNS, Cells
from symmetry_constrained.audit.results import CONFIG, Results

EMBEDDED, EXECUTED = "report holds the files", "notebooks ran to their end"
INDEXED, INDEX = "first page as it was written", "index.html"
SHOWN = "pages show their pictures"
PICTURE = 'src="data:image/png;base64,'  # of each picture in a page
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
    for path in sorted(results.folder.glob("notebooks/*.ipynb")):
        name = path.relative_to(results.folder).as_posix()
        yield from guarded(EXECUTED, name, _check_notebook(results, name))
    yield from guarded(SHOWN, CONFIG, _check_pages(results))


def _check_pages(results: Results) -> Iterator[Check]:
    """A notebook shows each figure that it draws once, and its page as many as the notebook."""
    for notebook, stems in existence.drawn(results).items():
        page, executed = (f"notebooks/{notebook}.{suffix}" for suffix in ("html", "ipynb"))
        cells, text = results.json(executed)["cells"], results.text(page)
        outputs = [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]
        pictures = [output["data"]["image/png"].strip() for output in outputs if "image/png" in output.get("data", {})]
        yield equal(SHOWN, executed, f"{len(stems)} pictures", f"{len(pictures)} pictures")
        yield equal(SHOWN, page, f"{len(stems)} pictures", f"{text.count(PICTURE)} pictures")
        same = [found.strip() for found in re.findall(re.escape(PICTURE) + '([^"]*)"', text)] == pictures
        where = results.blame(page, executed)
        yield Check(SHOWN, where, "the notebook's pictures", "so" if same else "other pictures", same)
        rows, due = Cells.of(text), _rows(outputs)
        odd = [row for row in due if row not in rows] or [row for row in rows if row not in due]
        found = f"a row in one alone: {', '.join(odd[0])[:80]}" if odd else f"{len(rows)} rows"
        yield Check(SHOWN, where, f"the rows of the notebook's tables: {len(due)} rows", found, rows == due)
        runs = RUNS.findall(text)
        yield equal(SHOWN, where, "nothing that runs", _first(runs, "nothing that runs"))


def _rows(outputs: list[dict]) -> list[list[str]]:
    """The rows of the tables that a notebook shows, cell by cell."""
    shown = ("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    return [row for text in shown for row in Cells.of(text)]


def _check_report(results: Results) -> Iterator[Check]:
    yield equal(EMBEDDED, REPORT, results.record(RECORDED)["sha256"], results.sha256(REPORT) or "missing")
    lists, written, page = embedded.lists(results)
    held = {results.locate(path): entry for path, entry in lists["results"].items()}
    for path, entry in held.items():
        # The audit is written anew by every audit.
        same = path == AUDIT or embedded.content(entry) == results.bytes(path)
        yield Check(EMBEDDED, results.blame(REPORT, path), f"{path} as it is", "equal" if same else "other bytes", same)
    figures = [f"figures/{stem}.svg" for stems in existence.drawn(results).values() for stem in stems]
    missing = [path for path in (*figures, *(f"tables/{name}" for name in TABLES), AUDIT) if path not in held]
    yield equal(
        EMBEDDED, REPORT, "every figure, table and the audit", _first(missing, "every figure, table and the audit")
    )
    parts = [part for own in lists["categories"].values() for part in own.values()]
    yield equal(EMBEDDED, REPORT, sorted(lists["results"]), sorted(path for part in parts for path in part))
    rules = [name for name in results.recorded if name.startswith(f"code/{RULES}")]
    known = "".join(results.text(name) for name in rules)
    odd = [name for name in lists["categories"] if rules and f'"{name}"' not in known]
    yield equal(EMBEDDED, REPORT, "headings of the workflow", _first(odd, "headings of the workflow"))
    runs = [found[0] for name in written for found in RUNS.finditer(written[name])]
    if AUDIT in held:
        runs += RUNS.findall(embedded.content(held[AUDIT]).decode("utf-8"))
    yield equal(EMBEDDED, REPORT, "nothing in its lists that runs", _first(runs, "nothing in its lists that runs"))
    due, found = _words(results.text(FINDINGS)), _words(unescape(re.sub("<[^>]*>", " ", lists["workflow-desc"])))
    yield Check(EMBEDDED, results.blame(REPORT, FINDINGS), "the findings' words", _apart(due, found), due == found)
    yield _check_page(results, page)


def _check_page(results: Results, page: str) -> Check:
    """Beside its lists a report is Snakemake's own: known by its digest, or, of another version, by its end alone."""
    styles = STYLED.findall(page)
    digest = hashlib.sha256(STYLED.sub("", page).encode()).hexdigest()
    version = results.manifest["software"].get("snakemake")
    whole = digest in PAGES.values() or (version not in PAGES and page.rstrip().endswith("</body>\n\n</html>"))
    plain = not any(re.search(r"content:|url\(|@import", style) for style in styles)
    found = "so" if whole and plain else "other words or scripts" if plain else "a style that says something"
    return Check(EMBEDDED, REPORT, f"the report of Snakemake {version}", found, whole and plain)


def _words(text: str) -> list[str]:
    """The words of a page in reStructuredText, or of one without its tags."""
    return re.findall(r"\w+", re.sub(r" <[^>]*>`_", " ", text))


def _apart(due: list[str], found: list[str]) -> str:
    at = next(
        (at for at, pair in enumerate(zip(due, found, strict=False)) if pair[0] != pair[1]), min(len(due), len(found))
    )
    return "so" if due == found else f"from word {at}: {' '.join(found[at : at + 8])}"


def _first(odd: list[str], otherwise: str) -> str:
    return f"{odd[0]}; {len(odd)} in all" if odd else otherwise


def _check_index(results: Results) -> Iterator[Check]:
    recorded = results.record("index.json")["sha256"]
    yield equal(INDEXED, INDEX, recorded, results.sha256(INDEX) or "missing")


def _check_notebook(results: Results, path: str) -> Iterator[Check]:
    """Every cell of code was run, in order, and none failed."""
    cells = [cell for cell in results.json(path)["cells"] if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in cells]
    failed = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    ok = counts == list(range(1, len(cells) + 1)) and not failed
    text = f"{len(cells)} cells" if ok else f"{len(failed)} failed; run in the order {counts}"
    yield Check(EXECUTED, path, "every cell run once, none failed", text, ok)
