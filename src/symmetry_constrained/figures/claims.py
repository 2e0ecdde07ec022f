"""The verdicts as a figure: a row per claim, its effect as a point with its interval, its verdict as a label."""

import textwrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from symmetry_constrained.figures.style import WIDTH, number, set_title
from symmetry_constrained.verdicts.rules import OUTCOMES
from symmetry_constrained.verdicts.table import completed, distinct, headlines, standing

SHADES = {"holds": "#0072B2", "open": "#8A8A8A", "fails": "#D55E00", "contrary": "#D55E00", "not counted": "#8A8A8A"}
# Of a headline that holds where it was judged first, and not everywhere else.
MIXED = "#9CC9E8"
LEGEND = {"holds": SHADES["holds"], "mixed: holds, but not in all settings, or few further do": MIXED}
LEGEND |= {"open": SHADES["open"], "fails": SHADES["fails"]}
ELSEWHERE = "#9A9A9A"
PAPERS = "#CC79A7"
KEY = ["id", "contrast"]  # of a headline


def verdicts(claims: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """claims: `claims.csv`. Draws the headline contrasts, each as it was judged first; in other settings as points."""
    claims = completed(claims)
    heads = headlines(claims)
    data = heads.reset_index(drop=True)
    further = distinct(claims.drop(heads.index), heads)
    keys = list(dict.fromkeys(zip(data["id"], data["contrast"], strict=True)))
    height = 0.36 * len(keys) + 1.75
    figure, (differences, ratios) = plt.subplots(
        1, 2, figsize=(WIDTH, height), sharey=True, width_ratios=(3, 1.2), gridspec_kw={"wspace": 0.08}
    )
    figure.subplots_adjust(left=0.355, right=0.76, top=1 - 0.78 / height, bottom=1.1 / height)
    ends, names = _ratio_axis(ratios, data), []
    for position, (id_, contrast) in enumerate(keys):
        own = data[(data["id"] == id_) & (data["contrast"] == contrast)]
        first = id_ not in [key for key, _ in keys[:position]]
        names.append(f"{own['title'].iloc[0]}  {id_}" if first else f"{textwrap.shorten(contrast, 54)}  {id_}")
        for _, row in own.iloc[1:].iterrows():
            _elsewhere(ratios if row["unit"] == "ratio" else differences, row, position)
        _effect(differences, ratios, own.iloc[0], position, ends)
        _labels(ratios, own, further.loc[further["id"] == id_, "verdict"], position, first)
    differences.set_yticks(range(len(keys)), names)
    differences.set_ylim(len(keys) - 0.5, -0.5)
    differences.set_xlabel("difference of accuracies")
    differences.axvline(0, color="black", linewidth=0.8)
    _margins(differences, data, keys)
    for text, x, side in (("headline", 0.775, "left"), ("further that hold", 0.995, "right")):
        figure.text(x, 1 - 0.66 / height, text, ha=side, fontsize="small", color="#555555")
    for panel in (differences, ratios):
        panel.grid(axis="y", visible=True)
    handles = [
        Line2D([], [], marker="o", color="black", linewidth=1.4, markersize=5),
        Line2D([], [], marker="|", color=ELSEWHERE, linestyle="", markersize=8),
        Line2D([], [], marker="D", color=PAPERS, linestyle="", markersize=6),
    ]
    labels = ["in the first setting, with its 95 % interval", "in others", "the paper's own effect"]
    style: dict[str, Any] = {"loc": "lower left", "fontsize": "small", "columnspacing": 1.2}
    figure.legend(handles, labels, bbox_to_anchor=(0.01, 0.22 / height), ncols=3, **style)
    patches = [Patch(facecolor=shade, label=name) for name, shade in LEGEND.items()]
    figure.legend(handles=patches, bbox_to_anchor=(0.01, 0), ncols=4, **style)
    set_title(figure, _finding(data, further["verdict"]), y=1 - 0.02 / height, va="top")
    return figure, data


def _margins(panel: Axes, data: pd.DataFrame, keys: list[tuple[str, str]]) -> None:
    """In grey, the differences that the margin counts as zero: one band, or row by row where the margins differ."""
    compared = data[data["direction"].isin(["above", "at least"]) & (data["unit"] == "accuracy")]
    margins = compared.drop_duplicates(KEY).set_index(KEY)["margin"]
    style: dict[str, Any] = {"color": "#DDDDDD", "zorder": 0, "linewidth": 0}
    if margins.nunique() == 1:
        panel.axvspan(-margins.iloc[0], margins.iloc[0], **style)
    else:
        panel.barh([keys.index(key) for key in margins.index], 2 * margins, left=-margins, height=1.0, **style)


def _ratio_axis(panel: Axes, data: pd.DataFrame) -> tuple[float, float]:
    """A logarithmic axis that holds every finite ratio; its ends."""
    values = data.loc[data["unit"] == "ratio", ["effect", "low", "high"]].to_numpy(dtype=float)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = min([0.5, *(values / 1.5)]), max([60, *(values * 1.5)])
    panel.set_xscale("log")
    panel.set_xlim(low, high)
    ticks = [tick for tick in (0.01, 0.1, 1, 10, 100, 1000) if low <= tick <= high]
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.minorticks_off()
    panel.axvline(1, color="black", linewidth=0.8)
    panel.set_xlabel("ratio")
    return low, high


def _elsewhere(panel: Axes, row: pd.Series, position: int) -> None:
    """The effect in another setting."""
    if np.isfinite(row["effect"]) and (row["unit"] != "ratio" or row["effect"] > 0):
        panel.plot(row["effect"], position, marker="|", color=ELSEWHERE, markersize=8, zorder=1)


def _effect(differences: Axes, ratios: Axes, row: pd.Series, position: int, ends: tuple[float, float]) -> None:
    """A point with its interval and the published effect; words if the effect fits neither axis."""
    panel, colour = (ratios if row["unit"] == "ratio" else differences), "black"
    if row["n"] == 0 or row["unit"] not in ("ratio", "accuracy"):
        text = "not run here" if row["n"] == 0 else f"{row['unit']} {number(row['effect'])}, N = {row['n']:,}"
        box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        differences.annotate(
            text, (0.03, position), xycoords=("axes fraction", "data"), va="center", fontsize="x-small", bbox=box
        )
        return
    effect, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    height = position
    if np.isinf(effect) or np.isinf(high):
        # An open interval is an arrow from its low end.
        start, end = max(ends[0], low), ends[1] / 1.3
        if np.isnan(low):
            start = end / 1.5  # one pair of networks
        arrow = {"arrowstyle": "->", "color": colour, "lw": 1.4}
        panel.annotate("", (end, height), xytext=(start, height), arrowprops=arrow)
        if not np.isnan(low):
            panel.plot(start, height, marker="|", color=colour, markersize=8)
    elif not np.isnan(low):
        panel.plot([max(low, ends[0]) if panel is ratios else low, high], [height] * 2, color=colour, linewidth=1.4)
    if np.isfinite(effect):
        panel.plot(effect, height, marker="o", color=colour, markersize=5)
    if pd.notna(row["published"]):
        panel.plot(row["published"], position, marker="D", color=PAPERS, markersize=6, zorder=1)


def _labels(panel: Axes, own: pd.DataFrame, further: pd.Series, position: int, first_of_claim: bool) -> None:
    """The headline's verdict, with a mark if it differs in another setting; and how many further contrasts hold.

    further: those of its claim, which are counted beside its first headline.
    """
    place = blended_transform_factory(panel.figure.transFigure, panel.transData)
    first, others = own["verdict"].iloc[0], set(own["verdict"])
    shade = _shade(own["verdict"], further)
    short = len(first) < len("replicated, smaller") + 1
    panel.text(
        0.78,
        position,
        (first if short else first.replace(", ", ",\n", 1)) + (" †" if len(others) > 1 else ""),
        transform=place,
        va="center",
        fontsize="small" if short else "xx-small",
        color="black" if shade == MIXED else "white",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": shade, "edgecolor": "none"},
    )
    if len(further) and first_of_claim:
        text = f"{_holding(further)} of {len(further)}"
        panel.text(0.995, position, text, transform=place, va="center", ha="right", fontsize="small")


def _shade(verdicts_: pd.Series, further: pd.Series) -> str:
    """A headline's colour: that of its outcome, unless it fails elsewhere or most further contrasts do not hold."""
    outcomes = verdicts_.map(OUTCOMES)
    elsewhere = outcomes.isin(["fails", "contrary"]).any() or 2 * _holding(further) < len(further)
    return MIXED if outcomes.iloc[0] == "holds" and elsewhere else SHADES[outcomes.iloc[0]]


def _holding(verdicts_: pd.Series) -> int:
    return int((verdicts_.map(OUTCOMES) == "holds").sum())


def _finding(data: pd.DataFrame, further: pd.Series) -> str:
    """How many claims hold, and which fail or are undecided."""
    outcome = pd.Series({id_: standing(own) for id_, own in data.groupby("id", sort=False)})
    failing, open_ = outcome.index[outcome.isin(["fails", "contrary"])], outcome.index[outcome == "open"]
    text = f"{(outcome == 'holds').sum()} of {len(outcome)} claims hold by their headlines"
    not_holding = "does not" if len(failing) == 1 else "do not"
    counted = ((failing, not_holding), (open_, "undecided"))
    parts = [f"{', '.join(names)} {verb}" for names, verb in counted if len(names)]
    text += f" ({'; '.join(parts)})" if parts else ""
    return f"{text};\n{_holding(further)} of {len(further)} further contrasts hold as well" if len(further) else text
