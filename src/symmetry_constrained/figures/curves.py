"""The curves of the study that the paper announces: over-fitting against images, and accuracy against evaluations.

Drawing only, from the study's tables. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained import paper
from symmetry_constrained.analysis.columns import CELL, STUDY
from symmetry_constrained.figures.style import (
    COLOURS,
    MARKERS,
    SHAPES,
    WIDTH,
    chance_line,
    dataset,
    log_axis,
    models,
    on,
    percent,
    present,
    set_title,
    span,
)

NAMES = {
    "test_accuracy": "accuracy on X",
    "inverted_accuracy": "accuracy on −X",
    "generalisation_gap": "generalisation gap:\ntrain − test accuracy",
    "symmetry_gap": "symmetry gap:\naccuracy on X − on −X",
}
LOST = 0.1  # accuracy on −X that a title counts as lost
DASH = 3.0  # of lines that coincide, in line widths
ALIKE = "lines of several colours coincide"


def learning_curves(summary: pd.DataFrame, name: str, metrics: tuple[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Two metrics against the number of training images: a row per kind of network, a line per model.

    summary: `summary.csv` rows of one study, of the dataset named. Lines are means over splits and seeds, bands their
    95 % intervals.
    """
    data = summary[summary["metric"].isin(metrics)].copy()
    data.insert(0, "model", models(data))
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.6), sharex=True, sharey=True, layout="constrained")
    for row, network in enumerate(MARKERS):
        for column, metric in enumerate(metrics):
            panel = axes[row, column]
            _curves(panel, data[(data["network"] == network) & (data["metric"] == metric)], "images")
            log_axis(panel)
            if metric.endswith("accuracy"):
                chance_line(panel, name=row == column == 0)
            else:
                panel.axhline(0, color="#777777", linewidth=1, zorder=1)
            panel.set_title(f"{network} networks", fontweight="normal", fontsize="medium")
            panel.set_ylabel(NAMES[metric])
            panel.tick_params(labelleft=True)
            if row == 1:
                panel.set_xlabel("training images (X)")
    _legend(figure, data, f"line: mean of N = {span(data['n'])} networks; band: 95 % interval; {ALIKE}")
    finding = _gap_finding if "generalisation_gap" in metrics else _accuracy_finding
    set_title(figure, f"{dataset(name)}: {finding(data)}")
    return figure, data


def budget(data: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The mean accuracy on X and −X against evaluations of the loss: a panel per width, a line per model.

    data: `summary.at_checkpoints` of the mean (R + R̄) / 2 of the two accuracies: the lower of them would be unfair
    to ±X alone.
    """
    data = data.copy()
    data.insert(0, "model", models(data))
    means = _at_evaluations(data)
    widths = list(dict.fromkeys(means["hidden_layers"]))
    panels = max(len(widths), 1)
    figure, axes = plt.subplots(1, panels, figsize=(WIDTH, 3.6), sharey=True, layout="constrained", squeeze=False)
    for panel, width in zip(axes[0], widths, strict=False):
        _curves(panel, means[means["hidden_layers"] == width], "evaluations")
        panel.axvline(paper.BUDGET, color="#777777", linewidth=1, linestyle="--", zorder=1)
        chance_line(panel)
        log_axis(panel)
        panel.set_xlabel("evaluations of the loss")
        panel.set_title(f"hidden layers {width}", fontweight="normal", fontsize="medium")
    axes[0, 0].set_ylabel("accuracy on X and −X,\n(R + R̄) / 2")
    note = f"band: 95 % interval, N = {span(means['n'])}; dashed: the paper's {paper.BUDGET}; dotted: chance"
    _legend(figure, means, note)
    set_title(figure, _budget_finding(means))
    return figure, data


def _at_evaluations(data: pd.DataFrame) -> pd.DataFrame:
    """The means of the accuracy, each beside the mean number of evaluations spent until then."""
    keys, spent = [*STUDY, *CELL, "iterations"], data["metric"] == "evaluations"
    evaluations = data.loc[spent, [*keys, "mean"]].rename(columns={"mean": "evaluations"})
    return data[~spent].merge(evaluations, on=keys)


def _curves(panel: Axes, data: pd.DataFrame, x: str) -> None:
    lines = {}
    for name in COLOURS:
        line = data[data["model"] == name].sort_values(x)
        if line["mean"].notna().any():
            lines[name] = line
    for group in _coinciding({name: line[[x, "mean"]].to_numpy() for name, line in lines.items()}):
        for place, name in enumerate(group):
            line, colour = lines[name], COLOURS[name]
            # Of lines that coincide each shows in turn, and its markers around those of the next.
            turn = (place * DASH, (DASH, DASH * (len(group) - 1)))
            panel.plot(
                line[x],
                line["mean"],
                color=colour,
                marker=SHAPES[name],
                markersize=4 + 1.8 * (len(group) - 1 - place),
                markerfacecolor=colour if place == len(group) - 1 else "none",
                linewidth=1.4,
                linestyle=turn if len(group) > 1 else "-",
            )
            panel.fill_between(line[x], line["low"], line["high"], color=colour, alpha=0.2, linewidth=0)


def _coinciding(lines: dict[str, np.ndarray]) -> list[list[str]]:
    """The names of lines, (N, 2) each, in groups of those that coincide."""
    groups: list[list[str]] = []
    for name, line in lines.items():
        for group in groups:
            other = lines[group[0]]
            if line.shape == other.shape and np.allclose(line, other, rtol=0, atol=1e-9, equal_nan=True):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _legend(figure: Figure, data: pd.DataFrame, note: str) -> None:
    names = present(data["model"])
    handles = [Line2D([], [], color=COLOURS[name], marker=SHAPES[name], markersize=5, linewidth=2) for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=4, title=note, title_fontsize="small")


def _accuracy_finding(data: pd.DataFrame) -> str:
    """The most that training on X, on ±X and the best of the other features reach on −X, whatever the images."""
    rows = data[(data["network"] == "biased") & (data["metric"] == "inverted_accuracy")]
    most = rows.groupby("model")["mean"].max().dropna()
    if most.empty:
        return "no biased network was trained"
    invariant = most[~most.index.str.startswith("identity")]
    names = [name for name in ("identity, X", "identity, ±X") if name in most]
    names += [invariant.idxmax()] if len(invariant) else []
    if not names:
        names = [most.idxmax()]
    first = f"{on(names[0])}\nclassify at most {percent(most[names[0]])} of −X"
    text = f"whatever the number of images, biased networks {first}"
    others = [f"{on(name)} {percent(most[name])}" for name in names[1:]]
    return f"{text}, those {' and '.join(others)}" if others else text


def _gap_finding(data: pd.DataFrame) -> str:
    """How far the models over-fit the fewest and the most images, and which lose accuracy on −X with the most."""
    data = data.dropna(subset="mean")
    if data.empty:
        return "no network was trained"
    gap, most = data[data["metric"] == "generalisation_gap"].groupby("images")["mean"].max(), data["images"].max()
    ends = dict.fromkeys((*gap.index[:1], *gap.index[-1:]))
    clauses = [f"{gap[count]:.2f} on {int(count):,} images".replace("-", "−") for count in ends]
    lost = data[(data["images"] == most) & (data["metric"] == "symmetry_gap")]
    losing, kept = present(lost.loc[lost["mean"] > LOST, "model"]), present(lost["model"])
    who = f"networks {' and '.join(map(on, losing))}" if losing else "no networks"
    only = "only " if losing and len(losing) < len(kept) else ""
    return (
        f"the widest generalisation gap is {' and '.join(clauses)};\n"
        f"with {int(most):,} {only}{who} lose more than {LOST:g} on −X"
    )


def _budget_finding(means: pd.DataFrame) -> str:
    """How far ±X is from the best other features where training ends, in the narrowest and the widest network."""
    means = means.dropna(subset="mean")
    if means.empty:
        return "No network was trained"
    last = means.sort_values("iterations").groupby(["hidden_layers", "model"], sort=False).last()["mean"]
    parts = []
    for width in dict.fromkeys((means["hidden_layers"].iloc[0], means["hidden_layers"].iloc[-1])):
        own = last[width]
        other = own[~own.index.str.startswith("identity")]
        if "identity, ±X" in own and len(other):
            behind = other.max() - own["identity, ±X"]
            verb = "trails" if behind >= 0 else "leads"
            parts.append(f"±X {verb} {other.idxmax()} features by {abs(behind):.2f} with hidden layers {width}")
        else:
            best = (other if len(other) else own).idxmax()
            parts.append(f"networks {on(best)} classify {percent(own[best])} correctly with hidden layers {width}")
    return f"After {int(means['iterations'].max()):,} iterations, " + ",\nand ".join(parts)
