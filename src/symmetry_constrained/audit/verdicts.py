"""The verdicts by their rules, from the numbers beside each; and the page of verdicts, row by row."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.claims import TABLE, read
from symmetry_constrained.audit.results import Results

VERDICTS, SHOWN, PAGE = "verdicts, by their rules", "verdict page", "verdicts.md"


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(VERDICTS, results.blame(TABLE), _check(results))
        yield from guarded(SHOWN, results.blame(PAGE, TABLE), _check_page(results))


def _check(results: Results) -> Iterator[Check]:
    """Each verdict by the numbers beside it."""
    claims = read(results)
    wrong = [row for _, row in claims.iterrows() if row["verdict"] not in verdicts(row)]
    text = f"{wrong[0]['id']}, {wrong[0]['contrast']}: {wrong[0]['verdict']}; {len(wrong)} differ" if wrong else "all"
    yield Check(VERDICTS, results.blame(TABLE), f"{len(claims)} verdicts by their rules", text, not wrong)


def verdicts(row: pd.Series) -> set[str]:
    """The verdicts that the numbers of a row allow; `absent` rests on a narrower interval that is not in the table."""
    effect, low, high, margin = row["effect"], row["low"], row["high"], row["margin"]
    if row["n"] == 0:
        return {"inconclusive"}
    if row["direction"] == "zero":
        return {"proved" if effect <= margin else "refuted"}
    if pd.isna([effect, low, high]).any():
        return {"inconclusive"}
    line = margin
    if row["direction"] == "at least":
        line = 1 / margin if row["unit"] == "ratio" else -margin
    holds, fails = (high <= line, low > line) if row["direction"] == "at most" else (low > line, high < line)
    if row["kind"] == "new test":
        return {"supported"} if holds else {"not supported"} if fails else {"inconclusive"}
    if holds:
        published = row["published"]
        if pd.isna(published) or row["prediction_low"] <= published <= row["prediction_high"]:
            return {"replicated"}
        return {"replicated, smaller" if effect < published else "replicated, larger"}
    if high < -margin:
        return {"reversed"}
    if row["direction"] == "above" and -margin < low and high < margin:
        return {"absent"}
    # Within the margin by nine intervals in ten, perhaps.
    return {"inconclusive", "absent"} if row["direction"] == "above" and abs(effect) < margin else {"inconclusive"}


def _check_page(results: Results) -> Iterator[Check]:
    """Every row of the table is on the page, in order, with its numbers."""
    # Cells are padded to their column's width, and a bar within one is escaped.
    lines = (re.split(r"(?<!\\)\|", line)[1:-1] for line in results.text(PAGE).splitlines() if line.startswith("| "))
    rows = [row for row in ([cell.strip() for cell in line] for line in lines) if row[-1].startswith("`")]
    claims, missing = read(results), []
    for at, (_, row) in enumerate(claims.iterrows()):
        place = ", ".join(name for name in (row["dataset"], row["protocol"]) if name)
        contrast, evidence = (row[name].replace("|", "\\|") for name in ("contrast", "evidence"))
        due = [contrast, place, _effect(row), number(row["published"]), str(row["n"])]
        open_ = row["verdict"] == "inconclusive" and np.isfinite(row["needed"])
        more = f" ({row['needed']:,.0f} more pairs would decide)" if open_ else ""
        *cells, verdict, source = rows[at] if at < len(rows) else ["", ""]
        if cells != due or source != f"`{evidence}`" or not verdict.endswith(f" {row['verdict']}{more}"):
            missing.append(f"{row['id']}, {row['contrast']}")
    text = f"{missing[0]} is told otherwise; {len(missing)} are" if missing else f"{len(rows)} rows, as in the table"
    ok = not missing and len(rows) == len(claims)
    yield Check(SHOWN, results.blame(PAGE, TABLE), f"the {len(claims)} rows of {TABLE}", text, ok)


def _effect(row: pd.Series) -> str:
    if row["n"] == 0:
        return "–"
    if row["direction"] == "zero":
        return f"largest violation {number(row['effect'])}"
    interval = "" if np.isnan(row["low"]) else f" [{number(row['low'])}, {number(row['high'])}]"
    return number(row["effect"]) + interval


def number(value: float) -> str:
    """As the page shows it: three decimals where they say something."""
    if np.isnan(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    text = "∞" if np.isinf(size) else f"{size:.1e}" if size < 1e-3 else f"{size:.3f}" if size < 100 else f"{size:,.0f}"
    return ("−" if value < 0 else "") + text.replace("-", "−")
