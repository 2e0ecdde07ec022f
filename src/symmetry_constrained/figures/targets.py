"""The cost of a target accuracy for each model: images, the factor in images it saves, and training.

Drawing only, from the study's tables. Every title is computed from the data drawn.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symmetry_constrained import paper
from symmetry_constrained.analysis.columns import MODEL, STUDY
from symmetry_constrained.data import registry
from symmetry_constrained.figures.style import (
    COLOURS,
    MARKERS,
    WIDTH,
    dataset,
    log_axis,
    models,
    networks_legend,
    on,
    percent,
    present,
    set_title,
    span,
)

UNITS = {"seconds": "s", "ratio": None}  # `log_axis` units of columns that are not counts
GREY = "#666666"
ROOM = 0.3  # of a panel's width, kept free for what is beyond its dear end
BOUND = 2.0  # theory's largest factor for a group of two elements


def images_needed(
    efficiency: pd.DataFrame, target: dict[str, float], images: dict[str, int]
) -> tuple[Figure, pd.DataFrame]:
    """Images needed until a model reaches the target on both X and −X: a panel per dataset, a point per model.

    efficiency: `sample_efficiency.csv`. target, images: by dataset, the latter the most that were trained on. A model
    that does not reach the target with them is named at the dear end.
    """
    # Bias-free models have a second row, of the same images, against the bias-free network on ±X.
    both = efficiency[efficiency["signs"] == "both"].drop_duplicates([*STUDY, *MODEL, "target"])
    data = _at(both, target).rename(columns={"low": "images_low", "high": "images_high"})
    data.insert(0, "model", models(data))
    limits: dict[str, tuple[float, str]] = {name: (images[name], f"all {images[name]:,}") for name in target}
    figure, _ = _by_dataset(
        data, "images", "images needed on both X and −X", target, partial(_beyond, images=images), limits
    )
    networks_legend(figure, f"bar: 95 % interval, N = {span(data['n'])} networks")
    set_title(figure, ";\n".join(_images_finding(data, target, images)))
    return figure, data


def random_sign_factor(efficiency: pd.DataFrame, target: dict[str, float]) -> tuple[Figure, pd.DataFrame]:
    """The factor in images that each model saves when signs are random in training and test, and theory's 2."""
    data = _at(efficiency[efficiency["signs"] == "random-sign"], target).copy()
    data.insert(0, "model", models(data))
    figure, panels = _by_dataset(data, "ratio", "factor in images that is saved", target, _unknown_factor)
    for panel in panels:
        panel.axvline(1, color="#999999", linewidth=1, zorder=1)
        panel.axvline(BOUND, color="black", linewidth=1.2, linestyle="--", zorder=1)
    note = f"bar: 95 % interval, N = {span(data['n'])} networks"
    networks_legend(figure, f"{note}; dashed: {BOUND:g}, theory's largest gain from the symmetry alone")
    set_title(figure, _factor_finding(data))
    return figure, data


def cost_to_target(cost: pd.DataFrame, name: str, target: float, budget: str) -> tuple[Figure, pd.DataFrame]:
    """Evaluations, arithmetic and seconds until a network reaches the target on both X and −X, all images given.

    cost: `cost_to_target.csv`, of which the rows of the dataset named are drawn. budget: of its networks, as
    "200 evaluations".
    """
    data = cost[(cost["dataset"] == name) & (cost["target"] == target)].copy()
    data.insert(0, "model", models(data))
    quantities = {"evaluations": "evaluations of the loss", "flop": "FLOP", "seconds": "time, one network alone"}
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.6), sharey=True, layout="constrained")
    for panel, (column, label) in zip(axes, quantities.items(), strict=True):
        beyond = f"> {budget.removesuffix(' evaluations')}" if column == "evaluations" else "not reached"
        limit = (paper.BUDGET, f"the paper's {paper.BUDGET}") if column == "evaluations" else None
        _points(panel, data, column, present(data["model"]), partial(_half, text=beyond), limit)
        panel.set_xlabel(label)
    half = "> and not reached: by half of the networks or more"
    note = f"point: median of N = {span(data['n'])}; bar: 95 % interval; {half}"
    networks_legend(figure, note)
    set_title(figure, f"{dataset(name)}: {_cost_finding(data, target, budget)}")
    return figure, data


def _at(rows: pd.DataFrame, target: dict[str, float]) -> pd.DataFrame:
    """The rows of each dataset at its target."""
    parts = (rows[(rows["dataset"] == name) & (rows["target"] == value)] for name, value in target.items())
    return pd.concat(parts)


def _beyond(row: pd.Series, images: dict[str, int]) -> str:
    return f"> {images[row['dataset']]:,}"


def _half(row: pd.Series, text: str) -> str:
    """A time may be unknown as nobody took it."""
    return text if row["reached"] <= 0.5 else "not timed"


def _unknown_factor(row: pd.Series) -> str:
    """Why a model has no factor."""
    if np.isnan(row["images"]):
        return "not reached"
    if np.isinf(row["ratio"]):
        return "reached by it alone"
    return "fewest images suffice" if row["at_most"] else "nothing to compare with"


def _by_dataset(
    data: pd.DataFrame,
    column: str,
    label: str,
    target: dict[str, float],
    unknown: Callable[[pd.Series], str],
    limits: dict[str, tuple[float, str]] | None = None,
) -> tuple[Figure, np.ndarray]:
    """A panel per dataset, a point per model, on logarithmic axes; the panels."""
    figure, axes = plt.subplots(1, len(target), figsize=(WIDTH, 3.8), sharey=True, layout="constrained", squeeze=False)
    for panel, (name, value) in zip(axes[0], target.items(), strict=True):
        limit = limits[name] if limits else None
        _points(panel, data[data["dataset"] == name], column, present(data["model"]), unknown, limit)
        panel.set_xlabel(label)
        panel.set_title(f"{dataset(name)}, {percent(value)} correct", fontweight="normal", fontsize="medium")
    return figure, axes[0]


def _points(
    panel: Axes,
    data: pd.DataFrame,
    column: str,
    names: list[str],
    unknown: Callable[[pd.Series], str],
    limit: tuple[float, str] | None = None,
) -> None:
    """A point and its interval per model (down the page) and kind of network (beside each other).

    names: the models that have a place, in every panel beside this one as well. unknown: words for a row without a
    value, at the dear end: the right, of a factor saved the left. limit: a value to mark, and what it is.
    """
    columns = [column, f"{column}_low", f"{column}_high"]
    data = data.astype(dict.fromkeys(columns, float))
    open_ends, words = [], []
    for position, name in enumerate(names):
        for network, offset in zip(MARKERS, (-0.16, 0.16), strict=True):
            for _, row in data[(data["model"] == name) & (data["network"] == network)].iterrows():
                middle, low, high = row[columns]
                if not np.isfinite(middle):
                    words.append((position, offset, unknown(row)))
                    continue
                if np.isfinite([low, high]).all():
                    panel.plot([low, high], [position + offset] * 2, color=COLOURS[name], linewidth=1.4)
                elif np.isfinite(low):
                    open_ends.append((low, middle, position + offset, COLOURS[name]))
                panel.plot(middle, position + offset, marker=MARKERS[network], color=COLOURS[name], markersize=6)
    panel.set_xscale("log")
    if limit is not None:
        _mark(panel, *limit)
    _say(panel, words, left=column == "ratio")
    log_axis(panel, UNITS.get(column, ""))
    end = panel.get_xlim()[1]
    for low, middle, height, colour in open_ends:
        # An open interval.
        panel.plot([low, middle], [height] * 2, color=colour, linewidth=1.4)
        arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
        panel.annotate("", (end, height), xytext=(middle, height), arrowprops=arrow)
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(max(len(names), 1) - 0.5, -0.5)
    panel.grid(axis="y", visible=False)


def _mark(panel: Axes, value: float, name: str) -> None:
    """A dotted line at a value that the axis is to hold."""
    # Nothing may have been drawn yet.
    low, high = panel.get_xlim() if panel.lines else (value / 10, value)
    panel.set_xlim(min(low, value / 1.1), max(high, value * 1.1))
    panel.axvline(value, color="#777777", linewidth=1, linestyle=":", zorder=1)
    style: dict[str, Any] = {"fontsize": "x-small", "color": GREY, "rotation": 90, "ha": "right", "va": "bottom"}
    panel.text(value, 0.02, name, transform=panel.get_xaxis_transform(), **style)


def _say(panel: Axes, words: list[tuple[int, float, str]], left: bool) -> None:
    """Words at an end of the panel, with room for them; once where both kinds of network have the same."""
    if words:
        low, high = panel.get_xlim()
        room = (high / low) ** (ROOM / (1 - ROOM))
        panel.set_xlim(low / room if left else low, high if left else high * room)
    place, side = (0.02, "left") if left else (0.98, "right")
    style: dict[str, Any] = {"va": "center", "ha": side, "color": GREY, "fontsize": "x-small"}
    for position, offset, text in words:
        twin = (position, -offset, text) in words
        if not twin or offset < 0:
            height = position if twin else position + offset
            panel.text(place, height, text, transform=panel.get_yaxis_transform(), **style)


def _images_finding(data: pd.DataFrame, target: dict[str, float], images: dict[str, int]) -> list[str]:
    """A line per dataset: the model that needs the fewest images, and ±X, both biased."""
    lines = []
    for name, value in target.items():
        most, goal = f"{images[name]:,}", f"{percent(value)} on X and −X"
        rows = data[(data["dataset"] == name) & (data["network"] == "biased")].set_index("model")
        needed = rows["images"].astype(float).dropna()
        if needed.empty:
            lines.append(f"{dataset(name)}: no biased network reaches {goal} with {most} images")
            continue
        best = needed.idxmin()
        least = "at most " if rows.loc[best, "at_most"] else ""
        who = f"networks {on(best)}" if best.startswith("identity") else f"{best} features"
        text = f"{dataset(name)}: {who} need {least}{needed[best]:,.0f} images for {goal}"
        if "identity, ±X" in needed and best != "identity, ±X":
            text += f", ±X {needed['identity, ±X']:,.0f}"
        elif "identity, ±X" in rows.index and best != "identity, ±X":
            text += f", ±X over {most}"
        lines.append(text)
    return lines


def _factor_finding(data: pd.DataFrame) -> str:
    """The factor that canonical, the symmetry alone, saves, beside theory's 2; and the largest of all."""
    biased = data[(data["network"] == "biased") & np.isfinite(data["ratio"].astype(float))]
    if biased.empty:
        return "Where signs are random, no factor in images is known"
    canonical = biased[biased["model"] == "canonical"]
    alone = [f"{row['ratio']:.1f} on {registry.written(row['dataset'])}" for _, row in canonical.iterrows()]
    largest = biased.loc[biased["ratio"].astype(float).idxmax()]
    most = f"{largest['model']} features save {largest['ratio']:.1f} on {registry.written(largest['dataset'])}"
    if not alone:
        return f"Where signs are random, {most}"
    text = f"Where signs are random, the symmetry alone (canonical) saves a factor of\n{' and '.join(alone)}; "
    return f"{text}theory allows it {BOUND:g}" + ("" if largest["model"] == "canonical" else f", and {most}")


def _cost_finding(data: pd.DataFrame, target: float, budget: str) -> str:
    """The cheapest model against ±X, both biased, in evaluations and FLOP."""
    if data.empty:
        return "no network was trained on all images"
    rows, goal = data[data["network"] == "biased"].set_index("model"), f"{percent(target)} on X and −X"
    evaluations = rows["evaluations"].astype(float).dropna()
    if evaluations.empty:
        return f"within {budget} at most half of the biased networks of any model reach {goal}"
    best = evaluations.idxmin()
    least = "at most " if rows.loc[best, "at_most"] else ""
    text = f"biased networks {on(best)} reach {goal} after {least}{evaluations[best]:.0f} evaluations"
    if "identity, ±X" not in rows.index or best == "identity, ±X":
        return text
    if "identity, ±X" not in evaluations:
        return f"{text};\nat most half of those trained on ±X do within {budget}"
    factor = rows.loc["identity, ±X", "flop"] / rows.loc[best, "flop"]
    return f"{text};\nthose trained on ±X take {evaluations['identity, ±X']:.0f}, and {factor:.1f} times the arithmetic"
