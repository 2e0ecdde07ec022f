"""The paper's Tables 1 and 2, beside what the same cells give here."""

import pandas as pd

from symmetry_constrained import published, statistics

LABELS = {
    "network": "network",
    "features": "features",
    "training_set": "trained on",
    "test_set": "tested on",
    "published": "published",
    "rerun_scikit_learn": "same seed, scikit-learn",
    "rerun_ours": "same seed, ours",
    "same_seed": "same seed",
    "median": "median",
    "range": "95 % of draws",
    "n": "N",
    "percentile": "percentile",
    "typicality": "published is",
    "clean_median": "clean median",
    "clean_range": "clean 95 %",
    "clean_n": "clean N",
}
SYMBOLS = {"original": "X", "inverted": "−X", "augmented": "±X", "both": "X and −X"}


def paper_table(numbers: pd.DataFrame, clean: pd.DataFrame, table: str) -> pd.DataFrame:
    """One of the paper's tables: its rows of `published_numbers.csv`, with the clean protocol's draws beside them.

    clean: `networks.csv` rows of the same cells under the clean protocol.
    """
    rows = numbers[numbers["table"] == table].copy()
    for index, row in rows.iterrows():
        cell = clean[(clean[published.CELL] == row[published.CELL]).all(axis=1)]
        found = statistics.place(row["published"], cell[published.column(row["test_set"])].to_numpy())
        for name in ("median", "low", "high", "n"):
            rows.loc[index, f"clean_{name}"] = getattr(found, name)
    return rows.astype({"clean_n": int}).reset_index(drop=True)


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
        shown[name] = table[name].map("{:.3f}".format)
    return shown[list(LABELS)].rename(columns=LABELS)


def markdown(table: pd.DataFrame) -> str:
    """A table of text and numbers as Markdown."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * len(table.columns)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def aligned(table: pd.DataFrame) -> str:
    """A table of text and numbers in columns, for a terminal."""
    return table.to_string(index=False, justify="left") + "\n"
