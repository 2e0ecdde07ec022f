"""Notebooks: run to their end, in the cells that the code has; and their pages, which say and show what they do."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

from symmetry_constrained.audit import existence
from symmetry_constrained.audit.checks import Check, equal, guarded, parting
from symmetry_constrained.audit.paper_tables import RUNS, Cells
from symmetry_constrained.audit.results import CODE, CONFIG, Results

EXECUTED, SHOWN = "notebooks ran to their end", "pages show their pictures"
SAID = "pages say what their notebooks do"
PICTURE = 'src="data:image/png;base64,'  # of each picture in a page
LINK, ITEM = re.compile(r"\]\([^)]*\)"), re.compile(r"^\s*\d+\. ", re.MULTILINE)  # in Markdown
PARAMETERS = "injected-parameters"  # the tag of the cell that Papermill adds


def check(results: Results) -> Iterator[Check]:
    for path in sorted(results.folder.glob("notebooks/*.ipynb")):
        name = path.relative_to(results.folder).as_posix()
        yield from guarded(EXECUTED, name, _check_run(results, name))
    yield from guarded(SHOWN, CONFIG, _check_pages(results))


def _check_run(results: Results, path: str) -> Iterator[Check]:
    """Every cell of code was run, in order, and none failed; and the cells are those of the notebook in the code."""
    every = results.json(path)["cells"]
    cells = [cell for cell in every if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in cells]
    failed = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    ok = counts == list(range(1, len(cells) + 1)) and not failed
    text = f"{len(cells)} cells" if ok else f"{len(failed)} failed; run in the order {counts}"
    yield Check(EXECUTED, path, "every cell run once, none failed", text, ok)
    written = [_source(cell) for cell in results.json(f"{CODE}/{path}")["cells"]]
    own = [_source(cell) for cell in every if PARAMETERS not in cell["metadata"].get("tags", [])]
    odd = [one for one in own if one not in written] or [one for one in written if one not in own]
    found = f"another cell: {odd[0][:80]}" if odd else f"{len(own)} cells"
    yield Check(EXECUTED, results.blame(path), f"the {len(written)} cells of the code", found, own == written)


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _check_pages(results: Results) -> Iterator[Check]:
    """A notebook shows each figure that it draws once; its page has its pictures, its tables and its words."""
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
        rows, due = Cells.of(text), [row for output in outputs for row in Cells.of(_data(output, "text/html"))]
        odd = [row for row in due if row not in rows] or [row for row in rows if row not in due]
        found = f"a row in one alone: {', '.join(odd[0])[:80]}" if odd else f"{len(rows)} rows"
        yield Check(SHOWN, where, f"the rows of the notebook's tables: {len(due)} rows", found, rows == due)
        runs = RUNS.findall(text)
        yield equal(SHOWN, where, "nothing that runs", runs[0] if runs else "nothing that runs")
        said, shown = _letters("".join(_said(cells))), _letters(Words.of(text))
        at = parting(said, shown)
        found = "so" if said == shown else f"{shown[at : at + 40]!r} instead of {said[at : at + 40]!r}"
        yield Check(SAID, where, "its words in their order", found, said == shown)


def _data(output: dict, kind: str) -> str:
    return "".join(output.get("data", {}).get(kind, ""))


def _said(cells: list[dict]) -> Iterator[str]:
    """What a page of these cells says, piece by piece."""
    for cell in cells:
        if cell["cell_type"] != "code":
            yield _plain(_source(cell))
            continue
        yield f"Code In [{cell['execution_count']}] {_source(cell)}"
        for output in cell["outputs"]:
            yield f"Out [{cell['execution_count']}]" if output["output_type"] == "execute_result" else ""
            if "image/png" not in output.get("data", {}):
                html, markdown = _data(output, "text/html"), _data(output, "text/markdown")
                said = Words.of(html) if html else _plain(markdown) if markdown else _data(output, "text/plain")
                yield said + "".join(output.get("text", ""))


def _plain(markdown: str) -> str:
    """What Markdown says, without its marks."""
    return unescape(re.sub(r"<[^>]*>", "", ITEM.sub("", LINK.sub("]", markdown))))


def _letters(text: str) -> str:
    """Letters and digits alone: how a page breaks its lines, and which marks it leaves out, is its own matter."""
    return "".join(re.findall(r"[^\W_]", text))


class Words(HTMLParser):
    """All that a page says in its body."""

    def __init__(self):
        super().__init__()
        self.said: list[str] = []
        self.silent = ""

    @classmethod
    def of(cls, text: str) -> str:
        parser = cls()
        parser.feed(text)
        return "".join(parser.said)

    def handle_starttag(self, tag, attrs):
        if tag in ("style", "title"):
            self.silent = tag

    def handle_endtag(self, tag):
        self.silent = "" if tag == self.silent else self.silent

    def handle_data(self, data):
        if not self.silent:
            self.said.append(data)
