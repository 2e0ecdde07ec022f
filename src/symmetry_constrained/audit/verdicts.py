"""The verdicts by their rules, from the numbers beside each; and the page of verdicts, row by row."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from symmetry_constrained.audit import published, settings
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded
from symmetry_constrained.audit.claims import IN_SETTINGS, RATIOS, TABLE, contrasts, read
from symmetry_constrained.audit.results import Results

VERDICTS, SHOWN, PAGE = "verdicts, by their rules", "verdict page", "verdicts.md"
CAPPED = "not within the budget"
MARKS = {"holds": "🟦", "open": "⬜", "fails": "🟧", "contrary": "🟥"}
RULE = re.compile(r"\|(:-+\|)+")  # below a table's heading


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(VERDICTS, results.blame(TABLE), _check(results))
        yield from guarded(SHOWN, results.blame(PAGE, TABLE), _check_page(results))


def _check(results: Results) -> Iterator[Check]:
    """Each verdict by the numbers beside it."""
    claims = read(results)
    stated = {(one["id"], one["name"]): one for one in contrasts(results)}
    wrong = []
    for _, row in claims.iterrows():
        # The values of `by` follow the contrast's name.
        rule = next(one for (id_, name), one in stated.items() if id_ == row["id"] and _named(row["contrast"], name))
        if row["verdict"] != verdict(row, rule["of"], rule.get("by_construction", False)):
            wrong.append(row)
    text = f"{wrong[0]['id']}, {wrong[0]['contrast']}: {wrong[0]['verdict']}; {len(wrong)} differ" if wrong else "all"
    yield Check(VERDICTS, results.blame(TABLE), f"{len(claims)} verdicts by their rules", text, not wrong)
    differs = ~np.isclose(claims["p_holm"], holm(claims), rtol=1e-9, atol=0, equal_nan=True)
    text = f"{differs.sum()} differ, the first of {claims.loc[differs.argmax(), 'id']}" if differs.any() else "all"
    yield Check(VERDICTS, results.blame(TABLE), "Holm's p of each headline", text, not differs.any())


def holm(claims: pd.DataFrame) -> np.ndarray:
    """By row, Holm's p of the headlines that an interval decides, of each the row shown first; nan for the others."""
    p = {}
    for at, row in shown_first(claims).iterrows():
        scale = np.log if row["unit"] == "ratio" else float
        unjudged = row["verdict"].startswith(("too few", "by construction")) or row["direction"] == "zero"
        numbers = row[["effect", "low", "high"]].to_numpy(float)
        if unjudged or not np.isfinite(numbers[0]) or np.isnan(numbers).any():
            continue
        near = numbers[1] if numbers[0] > _line(row) else numbers[2]
        if not np.isfinite(near) or (row["unit"] == "ratio" and min(near, numbers[0]) <= 0):
            continue
        way, half = scale(numbers[0]) - scale(_line(row)), scale(numbers[0]) - scale(near)
        # An interval of Student's t with nine degrees of freedom, that of ten splits.
        p[at] = 2 * stdtr(9, -abs(stdtrit(9, 0.975) * way / half)) if half else float(way == 0)
    stepped = published.holm(np.array(list(p.values())))
    return pd.Series(stepped, list(p), dtype=float).reindex(claims.index).to_numpy()


def shown_first(claims: pd.DataFrame) -> pd.DataFrame:
    """Of each headline the row of the overview, that of its first setting."""
    return claims[claims["headline"]].groupby(["id", "contrast"], sort=False).head(1)


def _named(text: str, name: str) -> bool:
    return text == name or text.startswith(f"{name}; ")


def verdict(row: pd.Series, of: str, by_construction: bool) -> str:
    """The verdict that the numbers of a row allow.

    of: the table it is of. Of trained networks 20 pairs are needed, and 10 of an experiment on theory.
    """
    trained = of in IN_SETTINGS
    if row["n"] == 0:
        return "inconclusive"
    if by_construction:
        return "by construction"
    if row["direction"] == "zero":
        return "theorem, no violation found" if row["effect"] <= row["margin"] else "refuted"
    if row["n"] < (20 if trained else 10):
        return "too few networks" if trained else "too few units"
    if of in RATIOS and (row["effect"] in (0, np.inf) or (of != "images" and np.isnan(row["effect"]))):
        return CAPPED
    paper = row["published"]
    if row["kind"] == "new test" or pd.isna(paper):
        return _as_new_test(row)
    claimed, against = paper > _line(row), paper < -row["margin"]
    opposite = row["high"] < -row["margin"]
    if not claimed:
        return "reversed, as published" if against and opposite else f"not in the paper, {_as_new_test(row)}"
    if row["low"] > _line(row):
        place = np.searchsorted([row["prediction_low"], row["prediction_high"]], paper)
        if row["prediction_low"] == paper or place == 1:
            return "replicated"
        return f"replicated, {'smaller' if row['effect'] < paper else 'larger'}"
    if opposite:
        return "reversed"
    within = row["direction"] == "above" and -row["margin"] < row["low90"] and row["high90"] < row["margin"]
    return "equivalent" if within else "inconclusive"


def _line(row: pd.Series) -> float:
    """What the effect must be above, or at most."""
    if row["direction"] != "at least":
        return row["margin"]
    return 1 / row["margin"] if row["unit"] == "ratio" else -row["margin"]


def _as_new_test(row: pd.Series) -> str:
    """Whether the interval lies beyond the line, short of it, or across it."""
    if pd.isna(row[["effect", "low", "high"]]).any():
        return "inconclusive"
    below, above = row["high"] < _line(row), row["low"] > _line(row)
    if row["direction"] == "at most":
        below, above = above, row["high"] <= _line(row)
    return "supported" if above else "not supported" if below else "inconclusive"


def _check_page(results: Results) -> Iterator[Check]:
    """Its tables have as many rows as there are, and those of the claims show every row, in order, as it is."""
    claims, found = read(results), tables(results.text(PAGE))
    where, heads = results.blame(PAGE, TABLE), shown_first(claims)
    of_claims = [len(own) for _, own in claims.groupby("id", sort=False)]
    due = [len(of_claims), len(results.table(settings.TABLE)), len(of_claims), len(heads), *of_claims]
    yield equal(SHOWN, where, f"tables of {due} rows", f"tables of {[len(rows) for _, *rows in found]} rows")
    first = [(f"the overview's {row['id']}", _first(row)) for _, row in heads.iterrows()]
    each = [(f"{row['id']}, {row['contrast']}", _shown(row)) for _, row in claims.iterrows()]
    rows = [row for _, *body in found[3:] for row in body]
    missing = [name for at, (name, cells_) in enumerate([*first, *each]) if rows[at : at + 1] != [cells_]]
    text = f"{missing[0]} differs; {len(missing)} do" if missing else f"{len(claims)} rows, as in the table"
    yield Check(SHOWN, where, f"the {len(claims)} rows of {TABLE}", text, not missing)


def blocks(text: str) -> list[str]:
    """What empty lines part: headings, paragraphs and tables."""
    return text.strip("\n").split("\n\n")


def tables(text: str) -> list[list[list[str]]]:
    """Of every table of the page the cells of its heading and of its rows."""
    found = []
    for block in blocks(text):
        if block.startswith("|"):
            heading, *below = block.split("\n")
            odd = [line for line in (heading, *below[1:]) if not (line.startswith("| ") and line.endswith(" |"))]
            if odd or not RULE.fullmatch("".join(below[:1])):
                raise UnreadableError(
                    PAGE, f"a line among those of a table that is no row: {(odd or below or [heading])[0][:80]}"
                )
            found.append([cells(line) for line in (heading, *below[1:])])
    return found


def cells(line: str) -> list[str]:
    """Of a table's line: padded to their column's width, a bar within one escaped."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _marked(verdict: str) -> str:
    mark = "◽" if verdict == "by construction" else MARKS[settings.outcome(verdict)]
    return f"{mark} {verdict}"


def _first(row: pd.Series) -> list[str]:
    """The overview's row of a headline."""
    opening = [row["id"], row["title"], _marked(row["verdict"]), row["setting"], row["contrast"]]
    return [*opening, effect(row), number(row["published"]), str(row["n"])]


def _shown(row: pd.Series) -> list[str]:
    """A row in its claim's table."""
    open_ = row["verdict"].endswith("inconclusive") and np.isfinite(row["needed"])
    more = f" ({row['needed']:,.0f} more pairs would decide)" if open_ else ""
    opening = [row["contrast"], place(row), effect(row), number(row["published"]), str(row["n"])]
    return [*opening, _marked(row["verdict"]) + more, f"`{row['evidence']}`"]


def place(row: pd.Series) -> str:
    """Where a row was judged: its setting, or the dataset and protocol of an experiment on theory."""
    return row["setting"] or ", ".join(name for name in (row["dataset"], row["protocol"]) if name)


def effect(row: pd.Series) -> str:
    if row["n"] == 0:
        return "–"
    if row["direction"] == "zero":
        return f"largest violation {number(row['effect'])}"
    low, high = (number(row[name]) for name in ("low", "high"))
    if row["verdict"] == CAPPED and np.isnan(row["effect"]):
        return f"neither within {row['cap']}"
    if row["cap"] and row["effect"] in (0, np.inf):
        who, bound = ("", f"at least {low}") if row["effect"] else ("divisor ", f"at most {high}")
        return f"{who}not within {row['cap']}" + ("" if low == "–" else f"; {bound}")
    if row["cap"] and row["high"] == np.inf:
        high = "no upper end"
    return number(row["effect"]) + ("" if low == "–" else f" [{low}, {high}]")


def number(value: float) -> str:
    """As the page shows it: three decimals where they say something."""
    if np.isnan(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    text = "∞" if np.isinf(size) else f"{size:.1e}" if size < 1e-3 else f"{size:.3f}" if size < 100 else f"{size:,.0f}"
    return ("−" if value < 0 else "") + text.replace("-", "−")
