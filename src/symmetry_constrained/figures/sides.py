"""The study's first figure: the accuracy of every model, trained on all images, on X and on −X.

Drawing only, from `summary.csv`. The title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained.figures.curves import NAMES
from symmetry_constrained.figures.style import COLOURS, MARKERS, WIDTH, models, present, set_title, span

SIDES = {"test_accuracy": ("o", 6, True), "inverted_accuracy": ("D", 9, False)}  # marker, size, filled
LABELS = {
    "identity, X": "pixels, trained on X",
    "identity, ±X": "pixels, trained on ±X",
    "identity, random signs": "pixels, random signs",
}


def both_sides(summary: pd.DataFrame, dataset: str) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on X and on −X of every model trained on all images: a panel per kind of network, a row per model.

    summary: `summary.csv` rows of one study. Points are means over splits and seeds, bars their 95 % intervals.
    """
    data = summary[summary["metric"].isin(SIDES) & (summary["images"] == summary["images"].max())].copy()
    data.insert(0, "model", models(data))
    names = present(data["model"])
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.36 * len(names) + 1.7), sharey=True, layout="constrained")
    for panel, network in zip(axes, MARKERS, strict=True):
        rows = data[data["network"] == network].set_index(["model", "metric"])
        for height, name in enumerate(names):
            ends = [rows.loc[(name, metric), "mean"] for metric in SIDES if (name, metric) in rows.index]
            panel.plot(ends, [height] * len(ends), color=COLOURS[name], linewidth=5, alpha=0.3, solid_capstyle="butt")
            for metric, mark in SIDES.items():
                if (name, metric) in rows.index:
                    row = rows.loc[(name, metric)]
                    bar = [[max(row["mean"] - row["low"], 0)], [max(row["high"] - row["mean"], 0)]]
                    style = {**_mark(COLOURS[name], *mark), "ecolor": COLOURS[name]}
                    panel.errorbar(row["mean"], height, xerr=bar, **style)
        panel.axvline(0.1, color="#777777", linewidth=1, linestyle=":")
        panel.set(xlim=(-0.04, 1), xlabel="test accuracy (dotted: chance)", yticks=range(len(names)))
        panel.set_yticklabels([LABELS.get(name, f"{name} features") for name in names])
        panel.set_title(f"{network} networks", fontweight="normal", fontsize="medium")
        panel.grid(axis="y", visible=False)
    panel.set_ylim(max(len(names), 1) - 0.5, -0.5)
    handles = [Line2D([], [], **_mark("#555555", *mark)) for mark in SIDES.values()]
    note = f"point: mean of N = {span(data['n'])} networks; bar: 95 % interval"
    labels = [NAMES[metric] for metric in SIDES]
    figure.legend(handles, labels, loc="outside lower center", ncols=2, title=note, title_fontsize="small")
    set_title(figure, f"{dataset}, biased networks: {_sides_finding(data)}")
    return figure, data


def _mark(colour: str, marker: str, size: int, filled: bool) -> dict:
    """A mark beneath which a mark of the other kind stays visible."""
    face = colour if filled else "none"
    return {"marker": marker, "markersize": size, "color": colour, "markerfacecolor": face, "linestyle": ""}


def _sides_finding(data: pd.DataFrame) -> str:
    """The accuracy of the plain, the augmented and the best invariant model on X and −X, biased."""
    table = data[data["network"] == "biased"].pivot(index="model", columns="metric", values="mean").dropna()
    clauses = []
    for name, where in (("identity, X", "trained on X"), ("identity, ±X", "trained on ±X")):
        if name in table.index:
            on, off = (f"{table.loc[name, metric]:.0%}" for metric in SIDES)
            clauses.append(f"{where}, {on} of X and {off} of −X are right")
    invariant = table[~table.index.str.startswith("identity")].min(axis=1)
    if len(invariant):
        clauses.append(f"with {invariant.idxmax()} features, {invariant.max():.0%} of both")
    return ";\n".join(clauses) or "none was trained"
