"""What a terminal gets of one claim by itself."""

import textwrap

import pandas as pd

from symmetry_constrained.verdicts import over_settings
from symmetry_constrained.verdicts.page import HOLM, effect, number, place
from symmetry_constrained.verdicts.paper_tables import COLUMNS
from symmetry_constrained.verdicts.table import completed, main_rows, p_values


def text(rows: pd.DataFrame, settings: pd.DataFrame) -> str:
    """Where the claim holds, and each of its headlines with a p of its own.

    rows, settings: `claims.csv` and `settings.csv` of that claim.
    """
    rows = completed(rows)
    claim, p = over_settings.over_settings(rows, settings).iloc[0], p_values(rows)
    said = over_settings.of_each(rows, settings) or [f"{claim['id']}. {claim['title']}: {claim['over_settings']}."]
    lines = textwrap.wrap(said[0].replace("**", ""), COLUMNS)
    for at, row in main_rows(rows).iterrows():
        parts = [f"{row['contrast']}: {effect(row)}", f"N = {row['n']:,}"]
        parts += [f"published {number(row['published'])}"] if pd.notna(row["published"]) else []
        parts += [f"p = {number(p[at])}"] if at in p.index else []
        where = f" ({place(row)})" if place(row) else ""
        found = f"{'; '.join(parts)}{where}: {row['verdict']}"
        lines += textwrap.wrap(found, COLUMNS, initial_indent="  ", subsequent_indent="    ")
    lines += textwrap.wrap(HOLM, COLUMNS) if len(p) else []
    return "\n".join(lines) + "\n"
