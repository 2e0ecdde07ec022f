"""The audit's outcome as text: lines for a terminal, and a page that needs no other file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape
from unicodedata import combining

from symmetry_constrained.audit.checks import Check, plain
from symmetry_constrained.audit.notes import UNCHECKED

STYLE = (
    "body{font:15px sans-serif;margin:2em;color:#222;max-width:70em}table{border-collapse:collapse;margin-bottom:1.5em}"
    "th,td{padding:.35em .8em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "td.n{text-align:right;white-space:nowrap}.bad{color:#a40000;font-weight:bold}p{line-height:1.5}code{font-size:.92em}"
)


SHOWN = 200  # failures on the page


def counts(checks: list[Check]) -> dict[str, tuple[int, int]]:
    """By kind of check: how many held, of how many; kinds in the order they were made."""
    found: dict[str, tuple[int, int]] = {}
    for check in checks:
        held, total = found.get(check.what, (0, 0))
        found[check.what] = (held + check.ok, total + 1)
    return found


def lines(checks: list[Check], notes: Sequence[str] = ()) -> Iterator[str]:
    """A line per kind with its counts, then each failure with its file and reason, the notes, and the sum."""
    kinds = counts(checks)
    width = max(map(_columns, kinds), default=0)
    for what, (held, total) in kinds.items():
        yield f"{what}{' ' * (width - _columns(what))}  {held:>6,} of {total:,}{'' if held == total else '  <-'}"
    failed = [check for check in checks if not check.ok]
    for check in failed:
        yield f"FAILED {check.where}: {check.what}: expected {check.expected}; found {check.found}"
    yield from (f"note: {note}" for note in notes)
    yield f"{len(checks) - len(failed):,} checks passed, {len(failed):,} failed"


def _columns(text: str) -> int:
    """The columns that a text takes on a terminal: an overbar takes none."""
    return sum(not combining(character) for character in text)


def summary(checks: list[Check], bytes_only: list[str], notes: Sequence[str] = ()) -> dict:
    """audit.json. bytes_only: files whose content nothing looked at; only their hashes were compared.

    notes: what is no failure. unchecked: what is not recomputed.
    """
    failed = sum(not check.ok for check in checks)
    listed = [asdict(check) for check in checks]
    counted = {"passed": len(checks) - failed, "failed": failed}
    return counted | {
        "notes": list(notes),
        "unchecked": UNCHECKED,
        "bytes_only": [plain(path) for path in bytes_only],
        "checks": listed,
    }


def page(checks: list[Check], bytes_only: list[str], notes: Sequence[str] = ()) -> str:
    """audit.html: the outcome, kind by kind, the first failures, the notes, and what is not checked.

    A browser opens no page of more than 2 MB out of the report, so the list of all checks is in audit.json alone.
    """
    failed = [asdict(check) for check in checks if not check.ok][:SHOWN]
    return html(counts(checks), failed, len({check.where for check in checks}), notes, len(bytes_only))


def html(
    kinds: Mapping[str, tuple[int, int]],
    failed: Sequence[Mapping[str, str]],
    files: int,
    notes: Sequence[str],
    bytes_only: int,
) -> str:
    """The page by what it says. kinds: of `counts`; failed: the first of the failures; files: those checked."""
    every = sum(total for _, total in kinds.values())
    failures = every - sum(held for held, _ in kinds.values())
    verdict = (
        f"All {every:,} checks of {files:,} files hold."
        if not failures
        else f'<span class="bad">{failures:,} of {every:,} checks fail.</span>'
    )
    rows = "".join(
        f'<tr><td>{escape(what)}</td><td class="n{"" if held == total else " bad"}">{held:,} of {total:,}</td></tr>'
        for what, (held, total) in kinds.items()
    )
    parts = [f"<h1>Audit</h1><p>{verdict}</p>"]
    if failures:
        more = f"<p>{failures - SHOWN:,} more are in audit.json.</p>" if failures > SHOWN else ""
        parts.append(f"<h2>What does not hold</h2>{_table(failed)}{more}")
    if notes:
        parts.append(f"<h2>Notes</h2><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>")
    parts.append(f"<h2>By kind</h2><table><tr><th>checked</th><th>hold</th></tr>{rows}</table>")
    parts.append(
        "<h2>How</h2><p>Recomputed in NumPy and pandas by code that shares nothing with what trained, judged and drew: "
        "splits from their seeds, predictions and losses from the stored weights in float64, tables from the batches, "
        "figures' data from the tables. A prediction may differ by rounding where two classes are equally likely to "
        "four digits; the checks say how many do.</p>"
    )
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in UNCHECKED.items())
    parts.append(f"<h2>What is not checked</h2><dl>{items}</dl>")
    count = f"{bytes_only:,} files are known by their hashes alone"
    parts.append(f"<p>{count}. Their names, and every check with what was expected and found, are in audit.json.</p>")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Audit</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _table(checks: Sequence[Mapping[str, str]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(check['where'])}</code></td><td>{escape(check['what'])}</td>"
        f"<td>{escape(check['expected'])}</td><td>{escape(check['found'])}</td></tr>"
        for check in checks
    )
    return f"<table><tr><th>file</th><th>checked</th><th>expected</th><th>found</th></tr>{rows}</table>"
