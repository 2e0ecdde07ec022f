"""What the report holds within itself: its lists, the files in one of them, and the run's own audit among these."""

import base64
import json
import re
from html import unescape
from typing import Any

from symmetry_constrained.audit.checks import UnreadableError
from symmetry_constrained.audit.results import Results

REPORT = "report.html"
AUDIT = "audit/audit.html"
# The lists by the names of their elements, and what each is called there.
LISTS = {"workflow-desc": "workflow_desc", "results": "results", "categories": "categories"}
LISTS |= {"rulegraph": "rulegraph_spec", "runtimes": "runtimes_spec", "timeline": "timeline_spec"}
LISTS |= {"rules": "rules", "packages": "packages", "metadata": "metadata"}
SHOWN = 20  # failures on the first page
KIND = re.compile(r'<tr><td>([^<]*)</td><td class="n(?: bad)?">([\d,]+) of ([\d,]+)</td></tr>')
FAILED = re.compile(r"<tr><td><code>([^<]*)</code></td><td>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td></tr>")


def lists(results: Results) -> tuple[dict[str, Any], dict[str, str], str]:
    """The lists, as they are and as they are written, and the page without them; UnreadableError unless each is one."""
    text, found, written = results.text(REPORT), {}, {}
    for name, variable in LISTS.items():
        opening, end = f'<script id="{name}">\n    var {variable} = ', ";\n    </script>"
        start = text.find(opening) + len(opening)
        if start < len(opening):
            raise UnreadableError(REPORT, f"has no list of {name}")
        found[name], stop = json.JSONDecoder().raw_decode(text[start:])
        written[name] = text[start : start + stop]
        if not text.startswith(end, start + stop) or re.search(r"</?script|<!--", written[name], re.IGNORECASE):
            raise UnreadableError(REPORT, f"its list of {name} is more than a list")
        text = text[:start] + text[start + stop :]
    return found, written, text


def content(entry: dict[str, Any]) -> bytes:
    """Of a file in the list of results."""
    return base64.b64decode(entry["data_uri"].partition(",")[2])


def said(text: str) -> dict[str, Any]:
    """What the page of an audit says, by the names that `page.html` has for it."""
    kinds = {unescape(what): tuple(map(_count, pair)) for what, *pair in KIND.findall(text)}
    notes = re.search(r"<h2>Notes</h2><ul>(.*?)</ul>", text)
    names = ("where", "what", "expected", "found")
    return {
        "kinds": kinds,
        "failed": [dict(zip(names, map(unescape, cells), strict=True)) for cells in FAILED.findall(text)],
        "files": _said(r"checks of ([\d,]+) files hold", text),
        "notes": [unescape(note) for note in re.findall(r"<li>([^<]*)</li>", notes[1])] if notes else [],
        "bytes_only": _said(r"<p>([\d,]+) files are known by their hashes alone", text),
    }


def audited(results: Results) -> dict[str, Any]:
    """The run's own audit, as the first page tells of it: from its page in the report."""
    held = lists(results)[0]["results"]
    page = next((content(entry) for path, entry in held.items() if results.locate(path) == AUDIT), None)
    if page is None:
        raise UnreadableError(REPORT, "holds no audit")
    text = page.decode("utf-8")
    found = said(text)
    passed, total = (sum(pair[at] for pair in found["kinds"].values()) for at in (0, 1))
    told = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", text)
    return {
        "passed": passed,
        "failed": total - passed,
        "files": found["files"],
        "notes": found["notes"],
        "kinds": found["kinds"],
        "first": found["failed"][:SHOWN],
        "unchecked": {unescape(what): unescape(text) for what, text in told},
    }


def _said(pattern: str, text: str) -> int:
    """The number that a page says; 0 where it says none."""
    found = re.search(pattern, text)
    return _count(found[1]) if found else 0


def _count(text: str) -> int:
    return int(text.replace(",", ""))
