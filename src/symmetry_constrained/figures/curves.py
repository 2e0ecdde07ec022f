"""The curves of the study that the paper announces: over-fitting against images, and accuracy against iterations.

Drawing only, from the study's tables. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

from symmetry_constrained import paper
from symmetry_constrained.figures.style import COLOURS, MARKERS, WIDTH, models, present, set_title, span

NAMES = {
    "test_accuracy": "accuracy on X",
    "inverted_accuracy": "accuracy on −X",
    "generalisation_gap": "train − test accuracy",
    "symmetry_gap": "accuracy on X − on −X",
}


def learning_curves(summary: pd.DataFrame, dataset: str, metrics: tuple[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Two metrics against the number of training images: a row per kind of network, a line per model.

    summary: `summary.csv` rows of one study. Lines are means over splits and seeds, bands their 95 % intervals.
    """
    data = summary[summary["metric"].isin(metrics)].copy()
    data.insert(0, "model", models(data))
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.4), sharex=True, sharey="col", layout="constrained")
    for row, network in enumerate(MARKERS):
        for column, metric in enumerate(metrics):
            panel = axes[row, column]
            _curves(panel, data[(data["network"] == network) & (data["metric"] == metric)], "images")
            log_axis(panel)
            panel.set_title(f"{network} networks", fontweight="normal", fontsize="medium")
            panel.set_ylabel(NAMES[metric])
            if row == 1:
                panel.set_xlabel("training images (X)")
    _legend(figure, data, f"line: mean of N = {span(data['n'])} networks; band: 95 % interval")
    finding = _gap_finding if "generalisation_gap" in metrics else _accuracy_finding
    set_title(figure, f"{dataset}: {finding(data)}")
    return figure, data


def budget(data: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The mean accuracy on X and −X against iterations: a panel per width, a line per model.

    data: features, training_set, hidden_layers, iterations, mean, low, high, n of the mean (R + R̄) / 2 of the two
    accuracies, since the lower of them would be unfair to ±X alone.
    """
    data = data.copy()
    data.insert(0, "model", models(data))
    widths = list(dict.fromkeys(data["hidden_layers"]))
    panels = max(len(widths), 1)
    figure, axes = plt.subplots(1, panels, figsize=(WIDTH, 3.6), sharey=True, layout="constrained", squeeze=False)
    for panel, width in zip(axes[0], widths, strict=False):
        _curves(panel, data[data["hidden_layers"] == width], "iterations")
        panel.axvline(paper.BUDGET, color="#999999", linewidth=1, linestyle=":")
        log_axis(panel)
        panel.set_xlabel("L-BFGS iterations")
        panel.set_title(f"hidden layers {width}", fontweight="normal", fontsize="medium")
    axes[0, 0].set_ylabel("accuracy on X and −X, (R + R̄) / 2")
    _legend(figure, data, f"band: 95 % interval, N = {max(data['n'], default=0)}; dotted: the paper's 200")
    set_title(figure, _budget_finding(data))
    return figure, data


def log_axis(panel: Axes, unit: str | None = "") -> None:
    """A logarithmic axis with few ticks and short numbers: 200, 1k, 5M, 20ms; unit None, for a ratio: 0.1, 2, 1000."""
    panel.set_xscale("log")
    low, high = panel.get_xlim()
    narrow = high / low < 6
    subs = (1.0, 2.0, 5.0) if high / low < 50 else (1.0,)
    panel.xaxis.set_major_locator(MaxNLocator(3) if narrow else LogLocator(subs=subs, numticks=6))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter("{x:g}" if unit is None else EngFormatter(unit, sep=""))


def _curves(panel: Axes, data: pd.DataFrame, x: str) -> None:
    for name in COLOURS:
        line = data[data["model"] == name].sort_values(x)
        if line["mean"].notna().any():
            panel.plot(line[x], line["mean"], color=COLOURS[name], marker="o", markersize=3, linewidth=1.4)
            panel.fill_between(line[x], line["low"], line["high"], color=COLOURS[name], alpha=0.2, linewidth=0)


def _legend(figure: Figure, data: pd.DataFrame, note: str) -> None:
    names = present(data["model"])
    handles = [Line2D([], [], color=COLOURS[name], linewidth=2) for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=4, title=note, title_fontsize="small")


def _accuracy_finding(data: pd.DataFrame) -> str:
    """The accuracy of the plain, the augmented and the best invariant model on X and on −X, with all images."""
    largest = data[(data["images"] == data["images"].max()) & (data["network"] == "biased")].dropna(subset="mean")
    if largest.empty:
        return "no biased network was trained"
    table = largest.pivot(index="model", columns="metric", values="mean")
    parts = []
    for name in ("identity, X", "identity, ±X"):
        if name in table.index:
            parts.append(f"{name} {table.loc[name, 'test_accuracy']:.2f} / {table.loc[name, 'inverted_accuracy']:.2f}")
    invariant = table[~table.index.str.startswith("identity")].min(axis=1)
    if len(invariant):
        parts.append(f"{invariant.idxmax()} {invariant.max():.2f} on both")
    return f"on X / on −X with all {int(data['images'].max()):,} images, biased:\n" + ", ".join(parts)


def _gap_finding(data: pd.DataFrame) -> str:
    """How far the models over-fit the fewest images, and which models lose accuracy on −X with all images."""
    data = data.dropna(subset="mean")
    if data.empty:
        return "no network was trained"
    few, all_ = data["images"].min(), data["images"].max()
    gap = data[data["metric"] == "generalisation_gap"].groupby("images")["mean"].max()
    lost = data[(data["images"] == all_) & (data["metric"] == "symmetry_gap")]
    losing = present(lost.loc[lost["mean"] > 0.1, "model"])
    return (
        f"train − test is up to {gap.get(few, np.nan):.2f} on {int(few)} images, "
        f"at most {gap.get(all_, np.nan):.2f} on all;\n"
        f"more than 0.1 lost on −X with all images: {', '.join(losing) or 'by no model'}"
    )


def _budget_finding(data: pd.DataFrame) -> str:
    """±X at the end of the budget against the best invariant model, in the narrowest and the widest network."""
    data = data.dropna(subset="mean")
    if data.empty:
        return "No network was trained"
    last = data.sort_values("iterations").groupby(["hidden_layers", "model"], sort=False).last()["mean"]
    parts = []
    for width in dict.fromkeys((data["hidden_layers"].iloc[0], data["hidden_layers"].iloc[-1])):
        means = last[width]
        texts = [f"±X classifies {means['identity, ±X']:.0%} correctly"] if "identity, ±X" in means else []
        invariant = means[~means.index.str.startswith("identity")]
        if len(invariant):
            texts.append(f"{invariant.idxmax()} {'' if texts else 'classifies '}{invariant.max():.0%}")
        if texts:
            parts.append(f"with hidden layers {width}, {' and '.join(texts)}")
    return f"After {int(data['iterations'].max()):,} iterations, " + ";\n".join(parts)
