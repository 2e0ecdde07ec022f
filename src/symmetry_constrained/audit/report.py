"""What is read by people: the report holds the files as they are, executed notebooks ran to their end."""

import base64
import json
import re
from collections.abc import Iterator

from symmetry_constrained.audit import existence, templates
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded
from symmetry_constrained.audit.paper_tables import Cells
from symmetry_constrained.audit.results import CONFIG, Results

EMBEDDED, EXECUTED = "report holds the files", "notebooks ran to their end"
INDEXED, INDEX = "first page as it was written", "index.html"
SHOWN = "pages show their pictures"
PICTURE = 'src="data:image/png;base64,'  # of each picture in a page
REPORT, RECORDED = "report.html", "report.json"
OWN = ("audit/audit.html", "audit/audit.json")
OPENING = '<script id="results">\n    var results = '  # where the page lists the files it holds


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
        rows = Cells.of(text)
        odd = [row for row in _rows(outputs) if row not in rows]
        found = f"lacks a row: {', '.join(odd[0])[:80]}" if odd else f"{len(_rows(outputs))} rows"
        yield Check(SHOWN, where, "the rows of the notebook's tables", found, not odd)


def _rows(outputs: list[dict]) -> list[list[str]]:
    """The rows of the tables that a notebook shows, cell by cell."""
    shown = ("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    return [row for text in shown for row in Cells.of(text)]


def _check_report(results: Results) -> Iterator[Check]:
    yield equal(EMBEDDED, REPORT, results.record(RECORDED)["sha256"], results.sha256(REPORT) or "missing")
    text = results.text(REPORT)
    start = text.find(OPENING)
    if start < 0:
        raise UnreadableError(REPORT, "lists no files")
    held, _ = json.JSONDecoder().raw_decode(text[start + len(OPENING) :])
    for recorded_path, entry in held.items():
        path = results.locate(recorded_path)
        if path in OWN:
            continue  # written anew by every audit
        content = base64.b64decode(entry["data_uri"].partition(",")[2])
        same = content == results.bytes(path)
        yield Check(EMBEDDED, results.blame(REPORT, path), f"{path} as it is", "equal" if same else "other bytes", same)


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
