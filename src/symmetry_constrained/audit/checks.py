"""Results of an audit: a check for each value recomputed, and tables compared cell by cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category

import numpy as np
import pandas as pd

# A number that was written and read, perhaps twice, may have moved in its last place.
ROUNDED = 1e-15
LONGEST = 20_000  # characters of what is said in one check


@dataclass(frozen=True)
class Check:
    """One value recomputed: the kind of check, the file, the value expected and the value found."""

    what: str
    where: str  # a path within the results folder
    expected: str
    found: str
    ok: bool

    def __post_init__(self):
        for name in ("what", "where", "expected", "found"):
            object.__setattr__(self, name, plain(getattr(self, name)))


def plain(value: object) -> str:
    """A text that can be shown anywhere: whoever named a file may have put anything in its name."""
    text = value if isinstance(value, str) else str(value)
    if not text.isprintable():
        text = "".join(f"\\x{ord(one):02x}" if category(one) in ("Cc", "Cf", "Cs") else one for one in text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


class UnreadableError(ValueError):
    """A file that can't be read as what it should be."""

    def __init__(self, path: str, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, " ".join(str(reason).split())


def equal(what: str, where: str, expected: object, found: object) -> Check:
    return Check(what, where, str(expected), str(found), bool(expected == found))


def line(wrong: np.ndarray | pd.Series) -> int:
    """The line of a CSV file with the first row of a mask (rows,)."""
    return int(np.flatnonzero(wrong)[0]) + 2


def guarded(what: str, where: str, checks: Iterator[Check]) -> Iterator[Check]:
    """The checks, and a failed check that names the file if a file stops them."""
    try:
        yield from checks
    except UnreadableError as error:
        yield Check(what, error.path, "a file that can be read", error.reason, False)
    except Exception as error:
        # Whatever a corrupt file leads to is a finding, never a traceback.
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        yield Check(what, where, "content that can be checked", text[:300], False)


def close(
    what: str, where: str, name: str, expected: np.ndarray, found: pd.Series, slack: float | np.ndarray = 0.0
) -> Check:
    """Whether a column's numbers (rows,) are those expected, up to the slack, one for all or each its own.

    nan equals nan, and an infinity itself.
    """
    seen = pd.to_numeric(found, errors="coerce").to_numpy(dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        good = (np.abs(seen - expected) <= slack) | (seen == expected) | (np.isnan(expected) & found.isna().to_numpy())
    return _of_rows(what, where, name, good, expected, found)


def within(what: str, where: str, name: str, ends: np.ndarray, found: pd.Series) -> Check:
    """Whether a column's numbers (rows,) lie between two ends, (2, rows)."""
    seen = pd.to_numeric(found, errors="coerce").to_numpy(dtype=np.float64)
    good = (ends[0] - 1e-12 <= seen) & (seen <= ends[1] + 1e-12)
    return _of_rows(what, where, name, good, np.asarray(ends).T, found)


def _of_rows(what: str, where: str, name: str, good: np.ndarray, expected: np.ndarray, found: pd.Series) -> Check:
    due = f"{name} of {len(good)} rows"
    if good.all():
        return Check(what, where, due, "as recomputed", True)
    row = int(np.flatnonzero(~good)[0])
    text = f"line {found.index[row] + 2}: {found.iloc[row]}, recomputed {expected[row]}; {int((~good).sum())} differ"
    return Check(what, where, due, text, False)


def parting(one: Sequence, other: Sequence) -> int:
    """The first place at which two sequences differ; where one is the other's beginning, its length."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, pair in pairs if pair[0] != pair[1]), min(len(one), len(other)))


def same_table(
    what: str,
    where: str,
    expected: pd.DataFrame,
    found: pd.DataFrame,
    *,
    keys: list[str] | None = None,
    rtol: float = ROUNDED,
    atol: float = 0.0,
    source: str = "recomputed",
) -> Check:
    """Whether two tables hold the same columns, rows and values.

    keys: rows are paired by these columns rather than by their order. rtol, atol: of numbers; nan equals nan.
    source: where the expected values come from, in a word or two.
    """

    def failed(text: str) -> Check:
        return Check(what, where, source, text, False)

    if list(found) != list(expected):
        return failed(f"columns {', '.join(map(str, found))} instead of {', '.join(map(str, expected))}")
    if keys:
        expected, found = (table.sort_values(keys, kind="stable", ignore_index=True) for table in (expected, found))
    if len(found) != len(expected):
        return failed(f"{len(found)} rows instead of {len(expected)}")
    wrong = pd.DataFrame(
        {name: ~_same_cells(expected[name], found[name], rtol, atol) for name in expected}, index=range(len(expected))
    ).to_numpy()
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        name = list(expected)[column]
        place = ", ".join(str(found[key].iloc[row]) for key in keys) if keys else f"line {row + 2}"
        seen, right = found[name].iloc[row], expected[name].iloc[row]
        return failed(f"{place}: {name} is {seen}, {source}: {right}; {int(wrong.sum())} cells differ")
    return Check(what, where, source, f"{len(found)} rows, equal", True)


def _same_cells(expected: pd.Series, found: pd.Series, rtol: float, atol: float) -> np.ndarray:
    """Mask (rows,) of the cells that are equal."""
    if pd.api.types.is_numeric_dtype(expected):
        numbers = expected.to_numpy(dtype=np.float64)
        seen = pd.to_numeric(found, errors="coerce").to_numpy(dtype=np.float64)
        empty = found.isna().to_numpy()
        return np.where(np.isnan(numbers), empty, np.isclose(seen, numbers, rtol=rtol, atol=atol))
    both_empty = expected.isna().to_numpy() & found.isna().to_numpy()
    return both_empty | (expected.astype(str).to_numpy() == found.astype(str).to_numpy())
