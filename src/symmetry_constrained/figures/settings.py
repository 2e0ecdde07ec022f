"""The map: every claim in every setting, coloured by its verdict, with the effect that decides it.

Drawing only, from `claims.csv` and `settings.csv`. A mark repeats what the colour says.
"""

import textwrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from symmetry_constrained.figures.style import WIDTH, dataset, set_title
from symmetry_constrained.verdicts.over_settings import by_setting, over_settings, sentence
from symmetry_constrained.verdicts.rules import CAPPED
from symmetry_constrained.verdicts.table import by_interval, completed

# outcome -> fill, text colour, mark, words. Distinct in hue and in lightness.
LOOKS = {
    "holds": ("#0072B2", "white", "✓", "holds"),
    "fails": ("#F0A35E", "black", "✗", "fails"),
    "contrary": ("#8C2D04", "white", "⇄", "the opposite holds"),
    "open": ("#E3E3E3", "#444444", "?", "open"),
}
ABSENT = "·"  # not trained in this setting, or not meant for it
SHOWN = ["id", "title", "setting", "label", "contrast", "outcome", "verdict", "unit", "effect", "low", "high", "n"]
LEFT, RIGHT = 0.29, 0.86  # the map's place in the figure's width
ROW, HEAD, FOOT = 0.42, 1.3, 0.7  # inches: a claim, the headings with the title, the legend


def settings_map(claims: pd.DataFrame, settings: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """claims: `claims.csv`; settings: `settings.csv`. A row per claim about trained networks, a column per setting.

    The effect is that of the headline which decides the claim there, N its networks. Beside each row is the word over
    the settings.
    """
    over = over_settings(claims, settings)
    data = by_setting(claims).merge(settings[["setting", "label"]], on="setting")
    words = over[["id", "over_settings"]]
    data = data[SHOWN].merge(words, on="id")
    ids = [id_ for id_ in over["id"] if id_ in set(data["id"])]
    height = ROW * max(len(ids), 1) + HEAD + FOOT
    figure, panel = plt.subplots(figsize=(WIDTH, height))
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=1 - HEAD / height, bottom=FOOT / height)
    _frame(panel, over.set_index("id").loc[ids], settings)
    for line, id_ in enumerate(ids):
        for column, name in enumerate(settings["setting"]):
            cell = data[(data["id"] == id_) & (data["setting"] == name)]
            if cell.empty:
                panel.text(column, line, ABSENT, ha="center", va="center", color="#999999")
            else:
                _cell(panel, cell.iloc[0], column, line)
    handles = [Patch(facecolor=fill, label=f"{mark} {words}") for fill, _, mark, words in LOOKS.values()]
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.01, 0.28 / height), ncols=4, fontsize="small")
    figure.text(0.02, 0.06 / height, false_verdicts(claims), fontsize="x-small", color="#444444")
    set_title(figure, textwrap.fill(sentence(claims, settings), 92), y=1 - 0.02 / height, va="top")
    return figure, data


def _frame(panel: Axes, over: pd.DataFrame, settings: pd.DataFrame) -> None:
    """The names of claims and settings, and the word over the settings of each claim."""
    panel.set(xlim=(-0.5, len(settings) - 0.5), ylim=(max(len(over), 1) - 0.5, -0.5))
    panel.set_yticks(range(len(over)), [f"{textwrap.fill(row['title'], 34)}  {id_}" for id_, row in over.iterrows()])
    heads = [
        f"{textwrap.fill(row['label'], 9)}\n{dataset(row['dataset'])}\n{row['hidden_layers']}\n"
        + textwrap.fill(row["budget"].replace("evaluations", "eval.").replace("iterations", "iter."), 7)
        for _, row in settings.iterrows()
    ]
    panel.set_xticks(range(len(settings)), heads)
    panel.xaxis.tick_top()
    panel.tick_params(axis="x", labelsize="xx-small", length=0)
    panel.tick_params(axis="y", labelsize="x-small", length=0)
    panel.grid(visible=False)
    for spine in panel.spines.values():
        spine.set_visible(False)
    for line, (_, row) in enumerate(over.iterrows()):
        text = textwrap.fill(row["over_settings"], 20)
        panel.text(len(settings) - 0.4, line, text, va="center", fontsize="x-small", fontweight="bold")


def _cell(panel: Axes, row: pd.Series, column: int, line: int) -> None:
    fill, colour, mark, _ = LOOKS[row["outcome"]]
    panel.add_patch(Rectangle((column - 0.48, line - 0.46), 0.96, 0.92, facecolor=fill, linewidth=0))
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
    panel.text(column, line - 0.16, f"{mark} {effect(row)}", fontsize="xx-small", **style)
    panel.text(column, line + 0.24, f"N = {row['n']:,}", fontsize="xx-small", **style)


def effect(row: pd.Series) -> str:
    """A difference with its sign, a ratio with ×; words where a budget ended before it was known."""
    if row["verdict"] == CAPPED or not np.isfinite(row["effect"]):
        return "budget" if row["verdict"] == CAPPED else "–"
    if row["unit"] == "ratio":
        return f"×{row['effect']:.2g}" if row["effect"] < 100 else f"×{row['effect']:,.0f}"
    return f"{row['effect']:+.2f}".replace("-", "−")


def false_verdicts(claims: pd.DataFrame) -> str:
    """How many verdicts behind the map are expected to be false by chance. claims: `claims.csv`."""
    rows = completed(claims)
    rows = rows[rows["headline"] & (rows["setting"] != "")]
    count = int((by_interval(rows) & (rows["verdict"] != CAPPED)).sum())
    return (
        f"{count} headlines behind the map are judged by a 95 % interval; {0.05 * count:.1f} such intervals are "
        "expected to miss their effect,\nand so many verdicts at most to be false by chance. budget: it ended before "
        "a side of the ratio was known."
    )
