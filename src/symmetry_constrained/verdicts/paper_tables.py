"""The paper's Tables 1 and 2 beside the results of the same cells here."""

import itertools
import textwrap

import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.verdicts import published

LABELS = {
    "network": "network",
    "features": "features",
    "training_set": "trained on",
    "test_set": "tested on",
    "published": "published",
    "rerun_scikit_learn": "by scikit-learn",
    "rerun_ours": "by us",
    "same_seed": "same seed gives",
    "median": "median",
    "range": "95 % of draws",
    "n": "N",
    "percentile": "percentile",
    "typicality": "published is",
    "clean_median": "clean median",
    "clean_range": "clean 95 %",
    "clean_n": "clean N",
}
HEADINGS = {
    "1": "Table 1 of the paper: raw pixels",
    "2": "Table 2 of the paper: invariant features",
    "talk": "The author's later talk: MNIST",
}
COLUMNS = 100  # of a terminal, at least
# What is shown there, of the first four only what differs from row to row.
NARROW = ["network", "features", "training_set", "test_set"]
NARROW += ["published", "same_seed", "range", "n", "typicality"]
SYMBOLS = {"original": "X", "inverted": "−X", "augmented": "±X", "both": "X and −X"}


def paper_table(numbers: pd.DataFrame, clean: pd.DataFrame, table: str) -> pd.DataFrame:
    """One of the paper's tables: its rows of `published_numbers.csv`, with the clean protocol's draws beside them.

    clean: `networks.csv` rows of the same cells under the clean protocol.
    """
    rows = numbers[numbers["table"] == table].copy()
    for index, row in rows.iterrows():
        cell = clean[(clean[published.PAPER_KEYS] == row[published.PAPER_KEYS]).all(axis=1)]
        rank = statistics.place(row["published"], cell[published.column(row["test_set"])].to_numpy())
        for name in ("median", "low", "high", "n"):
            rows.loc[index, f"clean_{name}"] = getattr(rank, name)
    return rows.astype({"clean_n": int}).reset_index(drop=True) if len(rows) else rows


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A paper table for people: three decimals, ranges in one column, the field's symbols."""
    shown = table.assign(
        range=[f"{low:.3f} to {high:.3f}" for low, high in zip(table["low"], table["high"], strict=True)],
        clean_range=[
            f"{low:.3f} to {high:.3f}" for low, high in zip(table["clean_low"], table["clean_high"], strict=True)
        ],
        percentile=table["percentile"].round().astype(int),
        training_set=table["training_set"].map(SYMBOLS),
        test_set=table["test_set"].map(SYMBOLS),
    )
    for name in ("published", "rerun_scikit_learn", "rerun_ours", "median", "clean_median"):
        shown[name] = ["–" if value != value else f"{value:.3f}" for value in table[name]]
    return shown[list(LABELS)].rename(columns=LABELS)


def markdown(table: pd.DataFrame) -> str:
    """A table of text and numbers as Markdown."""
    text = table.map(lambda cell: str(cell).replace("|", "\\|"))
    return text.to_markdown(index=False, disable_numparse=True) + "\n"


def page(parts: dict[str, pd.DataFrame], note: str) -> str:
    """Readable tables by heading, and a note below them, as a page that needs no other file."""
    body = "".join(
        f"<h2>{heading}</h2>{table.to_html(index=False, border=0, justify='left')}" for heading, table in parts.items()
    )
    style = (
        "body{font:15px sans-serif;margin:2em;color:#222}table{border-collapse:collapse}"
        "th,td{padding:.35em .8em;border-bottom:1px solid #ddd;text-align:left}p{max-width:60em;line-height:1.5}"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Published numbers</title>'
        f"<style>{style}</style></head><body>{body}<p>{note}</p></body></html>\n"
    )


def narrow(table: pd.DataFrame) -> pd.DataFrame:
    """A readable table's columns that fit a terminal."""
    names = [LABELS[name] for name in NARROW]
    return table[[name for place, name in enumerate(names) if place > 3 or table[name].nunique() > 1 or len(table) < 2]]


def aligned(table: pd.DataFrame) -> str:
    """A table of text and numbers in columns for a terminal: wide headings and cells take several lines."""
    rows = [list(table.columns), *table.map(str).to_numpy().tolist()]
    widths = [max(*map(len, cells), *map(len, name.split())) for name, *cells in zip(*rows, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > COLUMNS:
        widths[widths.index(max(widths))] -= 1
    lines: list[tuple[str, ...]] = []
    for row in rows:
        parts = [textwrap.wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        lines += itertools.zip_longest(*parts, fillvalue="")
        if row is rows[0]:
            lines.append(tuple("-" * width for width in widths))
    texts = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "\n".join(texts) + "\n"
