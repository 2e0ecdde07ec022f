"""What notebooks share beside figures: where a finished run is, and its tables as people read them."""

from pathlib import Path

import pandas as pd
from IPython.display import HTML

CHECKOUT = Path(__file__).parents[3]
ROWS = 40  # the most that a reader is shown; the CSV has them all
# Columns whose names are not yet what a reader would call them.
HEADINGS = {
    "training_set": "trained on",
    "hidden_layers": "hidden layers",
    "n": "N networks",
    "n_train": "training images",
    "target": "accuracy on X and −X",
    "ratio": "times fewer images",
    "reached": "share that reaches it",
    "flop": "FLOP",
    "low": "95 % from",
    "images_low": "95 % from",
    "ratio_low": "95 % from",
    "high": "to",
    "images_high": "to",
    "ratio_high": "to",
    "largest_sum_inverted": "largest R + R̄",
    "feature_seconds": "feature map (s an image)",
    "seconds_per_evaluation": "evaluation (s)",
    "peak_memory_mb": "peak memory (MB)",
}


def finished_run(results: str, needed: str, command: str = "make") -> Path:
    """The results folder that a notebook reads, whatever folder it is run from.

    A relative path is looked for in the working folder, in those above it and in this checkout, until one holds the
    file `needed`. FileNotFoundError says which command makes that file.
    """
    above = Path.cwd()
    places = [Path(results)] if Path(results).is_absolute() else [above, *above.parents, CHECKOUT]
    for place in places:
        if (place / results / needed).is_file():
            return place / results
    raise FileNotFoundError(f"{results} holds no {needed}: run `{command}` first, or set `results` to a finished run")


def table(rows: pd.DataFrame, places: int = 3) -> HTML:
    """Rows as a table of a page, each column under its heading, numbers with so many significant digits.

    What is missing is a dash. Of more than 40 rows the first 40 are shown, and how many there are.
    """
    named = rows.rename(columns=lambda name: HEADINGS.get(str(name), str(name).replace("_", " ")))
    shown = named.head(ROWS).map(lambda cell: _text(cell, places))
    more = f"<p>The first {ROWS} of {len(rows):,} rows.</p>" if len(rows) > ROWS else ""
    return HTML(shown.to_html(index=False, border=0, justify="left") + more)


def _text(cell: object, places: int) -> str:
    if pd.isna(cell):
        return "–"
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    if abs(cell) < 1e7 and (float(cell).is_integer() or abs(cell) >= 1000):
        return f"{cell:,.0f}"
    return f"{cell:.{places}g}"
