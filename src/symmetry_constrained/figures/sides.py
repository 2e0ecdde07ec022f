"""The study's first figure: the accuracy of every model, trained on all images, on X and on −X.

Drawing only, from `summary.csv`. The title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained.figures.curves import NAMES
from symmetry_constrained.figures.style import (
    COLOURS,
    MARKERS,
    WIDTH,
    chance_line,
    dataset,
    models,
    on,
    percent,
    present,
    set_title,
    span,
)

SIDES = {"test_accuracy": ("o", 6, True), "inverted_accuracy": ("D", 9, False)}  # marker, size, filled
LABELS = {
    "identity, X": "pixels, trained on X",
    "identity, ±X": "pixels, trained on ±X",
    "identity, random signs": "pixels, random signs",
}


def both_sides(summary: pd.DataFrame, name: str) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on X and on −X of every model trained on all images: a panel per kind of network, a row per model.

    summary: `summary.csv` rows of one study, of the dataset named. Points are means over splits and seeds, bars their
    95 % intervals.
    """
    data = summary[summary["metric"].isin(SIDES) & (summary["images"] == summary["images"].max())].copy()
    data.insert(0, "model", models(data))
    names = present(data["model"])
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.36 * len(names) + 1.7), sharey=True, layout="constrained")
    for panel, network in zip(axes, MARKERS, strict=True):
        rows = data[data["network"] == network].set_index(["model", "metric"])
        for height, own in enumerate(names):
            ends = [rows.loc[(own, metric), "mean"] for metric in SIDES if (own, metric) in rows.index]
            panel.plot(ends, [height] * len(ends), color=COLOURS[own], linewidth=5, alpha=0.3, solid_capstyle="butt")
            for metric, mark in SIDES.items():
                if (own, metric) in rows.index:
                    row = rows.loc[(own, metric)]
                    bar = [[max(row["mean"] - row["low"], 0)], [max(row["high"] - row["mean"], 0)]]
                    style = {**_mark(COLOURS[own], *mark), "ecolor": COLOURS[own]}
                    panel.errorbar(row["mean"], height, xerr=bar, **style)
        chance_line(panel, horizontal=False, name=True)
        panel.set(xlim=(-0.04, 1), xlabel="test accuracy", yticks=range(len(names)))
        panel.set_yticklabels([LABELS.get(own, f"{own} features") for own in names])
        panel.set_title(f"{network} networks", fontweight="normal", fontsize="medium")
        panel.grid(axis="y", visible=False)
    panel.set_ylim(max(len(names), 1) - 0.5, -0.5)
    handles = [Line2D([], [], **_mark("#555555", *mark)) for mark in SIDES.values()]
    note = f"mean of N = {span(data['n'])} networks, with its 95 % interval"
    labels = [NAMES[metric] for metric in SIDES]
    # An axes' legend, since one of the figure would be placed over the title.
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1.0 + 0.32 / panel.get_window_extent().height * figure.dpi)}
    axes[0].legend(handles, labels, ncols=2, title=note, title_fontsize="small", alignment="left", **above)
    set_title(figure, f"{dataset(name)}: {_sides_finding(data)}")
    return figure, data


def _mark(colour: str, marker: str, size: int, filled: bool) -> dict:
    """A mark beneath which a mark of the other kind stays visible."""
    face = colour if filled else "none"
    return {"marker": marker, "markersize": size, "color": colour, "markerfacecolor": face, "linestyle": ""}


def _sides_finding(data: pd.DataFrame) -> str:
    """The accuracy of the plain, the augmented and the best invariant model on X and −X, biased."""
    table = data[data["network"] == "biased"].pivot(index="model", columns="metric", values="mean").dropna()
    if table.empty:
        return "no biased network was trained"
    invariant = table[~table.index.str.startswith("identity")].min(axis=1)
    names = [name for name in ("identity, X", "identity, ±X") if name in table.index]
    names += [invariant.idxmax()] if len(invariant) else []
    first, *others = names or [table.min(axis=1).idxmax()]
    clauses = [f"biased networks {on(first)} classify {_two(table.loc[first])} correctly"]
    if others:
        clauses.append("those " + ", ".join(f"{on(name)} {_two(table.loc[name], short=True)}" for name in others))
    return ";\n".join(clauses)


def _two(row: pd.Series, short: bool = False) -> str:
    """`83 % of X and 1 % of −X`, in short `83 % and 1 %`; where they are the same `86 % of both`."""
    seen, other = (percent(row[metric]) for metric in SIDES)
    if seen == other:
        return f"{seen} of both" if short else f"{seen} of X and −X alike"
    return f"{seen} and {other}" if short else f"{seen} of X and {other} of −X"
