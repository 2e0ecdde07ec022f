"""The figures on biases: emulated by bias-free networks (C12), and held small in deep networks (C13).

Drawing only. Every title is computed from the data drawn.
"""

from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from symmetry_constrained.analysis import biases
from symmetry_constrained.data import registry
from symmetry_constrained.figures.style import (
    FEW,
    MARKERS,
    TRAINED,
    WIDTH,
    chance_line,
    dataset,
    log_axis,
    number,
    percent,
    set_title,
    span,
)

LEVELLED, SATURATED, INVERTED, CONSTANT = "#0072B2", "#009E73", "#D55E00", "#CC79A7"
SMALLEST = 1e-17  # differences of 0 are drawn here
DEPTH_MARKERS = "os^Dv"
# Name -> colour and line.
LINES: dict[str, tuple[str, Any]] = {
    "on X: largest, constants taken to be 1": (SATURATED, "-."),
    "on X: largest, their levels divided out": (LEVELLED, "-"),
    "on −X: median": (INVERTED, (0, (1, 1))),
}
TESTS = {"test": "X", "inverted": "−X"}
# Construction -> colour, offset, name.
COPIES = {
    "levelled": (LEVELLED, -0.16, "biases from the second layer on, by saturated neurons"),
    "constant pixels": (CONSTANT, 0.16, "all biases, by constant pixels"),
}
SMALL = {"fontsize": "small", "title_fontsize": "small", "columnspacing": 1.0, "handlelength": 1.5}


def emulation(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """How far a bias-free network is from the biased one it copies, against the extra neurons' weight.

    table: `emulated_bias.csv` of one or more datasets, a panel each; a line per network.
    """
    data = table[table["weight"].notna()].reset_index(drop=True)
    datasets = list(dict.fromkeys(data["dataset"]))
    figure, axes = plt.subplots(
        1, len(datasets), figsize=(WIDTH, 4.2), layout="constrained", squeeze=False, sharey=True, sharex=True
    )
    for panel, name in zip(axes[0], datasets, strict=True):
        rows = data[data["dataset"] == name]
        _differences(panel, rows)
        networks = rows[["training_set", "seed"]].drop_duplicates()
        text = f"{dataset(name)}, N = {len(networks)} networks{_rate(rows)}"
        panel.set_title(text, fontweight="normal", fontsize="small")
    axes[0, 0].set_ylabel("difference of logits")
    ticks = [10.0**power for power in (1, -3, -7, -11)]
    axes[0, 0].set_yticks([*ticks, SMALLEST], [*(f"$10^{{{np.log10(tick):.0f}}}$" for tick in ticks), "0"])
    handles = [Line2D([], [], color=colour, linestyle=style) for colour, style in LINES.values()]
    handles += [Line2D([], [], color="black", linestyle=style) for style in (":", "--")]
    names = [*LINES, "theory: 2 exp(−2w)", "theory: 2 exp(−2w · smallest |Σx|)"]
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize="small")
    set_title(figure, _copy_finding(data))
    return figure, data


def copies(table: pd.DataFrame, conditions: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on X and −X of biased networks and of their bias-free copies at the largest weight, a panel per dataset.

    table: `emulated_bias.csv`; conditions: the tables of its datasets' signs and pixels. A point per network where
    there are few, with their mean.
    """
    heaviest = table.groupby(["dataset", "construction"])["weight"].transform("max")
    data = table[table["construction"].isin(COPIES) & (table["weight"].isna() | (table["weight"] == heaviest))]
    data = data.reset_index(drop=True)
    datasets = list(dict.fromkeys(data["dataset"]))
    figure, axes = plt.subplots(
        1, len(datasets), figsize=(WIDTH, 3.8), layout="constrained", squeeze=False, sharey=True
    )
    places = [(trained, test) for trained in dict.fromkeys(data["training_set"]) for test in TESTS]
    for panel, name in zip(axes[0], datasets, strict=True):
        rows = data[data["dataset"] == name]
        _accuracies(panel, rows, places)
        text = f"{dataset(name)}, N = {span(rows.groupby(['construction', 'training_set']).size())} each"
        panel.set_title(text + _pixels(name, conditions), fontweight="normal", fontsize="small")
    shapes = {"biased network": MARKERS["biased"], "its bias-free copy": MARKERS["bias-free"]}
    handles = [Line2D([], [], color="#555555", marker=marker, linestyle="") for marker in shapes.values()]
    shown = {name: look for name, look in COPIES.items() if name in set(data["construction"])}
    handles += [Line2D([], [], color=colour, linewidth=2) for colour, _, _ in shown.values()]
    figure.legend(handles, [*shapes, *(name for _, _, name in shown.values())], loc="outside lower center", ncols=2)
    set_title(figure, _copies_finding(data))
    return figure, data


def depth(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """R + R̄ − 1 against ε, a line per depth; and the even part of the logits per bias against depth, per ε.

    table: `amplification.csv`. Returns the means drawn, with their intervals.
    """
    metrics = ("excess", "amplification", "initial_amplification")
    data = biases.summarise(table, metrics)
    epsilons, depths = sorted(set(data["epsilon"])), sorted(set(data["depth"]))
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.6), layout="constrained", width_ratios=(1.2, 1))
    colours = _ordered(len(depths))
    excess = data[data["metric"] == "excess"]
    for index, value in enumerate(depths):
        line = excess[excess["depth"] == value].sort_values("epsilon")
        places = [epsilons.index(epsilon) for epsilon in line["epsilon"]]
        _line(axes[0], places, line, colours[index], DEPTH_MARKERS[index % len(DEPTH_MARKERS)], str(value))
    axes[0].axhline(0, color="black", linewidth=1.2)
    axes[0].set_xticks(range(len(epsilons)), [_epsilon(value) for value in epsilons])
    axes[0].set(xlabel="ε: no bias is larger", ylabel="R + R̄ − 1 on test images")
    axes[0].legend(title="hidden layers", ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.17), **SMALL)
    shown = _some([value for value in epsilons if 0 < value < np.inf])
    shades = _ordered(len(shown), "plasma")
    for index, epsilon in enumerate(shown):
        rows = data[(data["epsilon"] == epsilon) & (data["metric"] == "amplification")].sort_values("depth")
        _line(axes[1], rows["depth"], rows, shades[index], "o", f"ε = {epsilon:g}")
    if shown:
        rows = data[(data["epsilon"] == shown[0]) & (data["metric"] == "initial_amplification")].sort_values("depth")
        _line(axes[1], rows["depth"], rows, "#7F7F7F", "X", "untrained", linestyle="--")
        axes[1].legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.17), **SMALL)
    axes[1].set_xscale("log", base=2)
    log_axis(axes[1], unit=None, name="y")
    axes[1].set_xticks(depths, [str(value) for value in depths])
    axes[1].xaxis.set_minor_locator(NullLocator())
    axes[1].set(xlabel="hidden layers", ylabel="even part of logits ÷ biases (rms)")
    set_title(figure, _depth_finding(data))
    figure.supxlabel(f"mean of N = {span(data['n'])} networks per depth and ε; bar: 95 % interval", fontsize="small")
    return figure, data


def _differences(panel: Axes, rows: pd.DataFrame) -> None:
    """A line per network and construction, floored at SMALLEST, and theory's decay."""
    (saturated, levelled, inverted), network = LINES.values(), ["training_set", "seed", "construction"]
    for (_, _, construction), line in rows.groupby(network, sort=False):
        line = line.sort_values("weight")
        drawn = [("largest_difference", levelled if construction == "levelled" else saturated)]
        drawn += [("inverted_difference", inverted)] if construction == "levelled" else []
        for column, (colour, style) in drawn:
            values = line[column].clip(lower=SMALLEST)
            panel.plot(line["weight"], values, color=colour, linestyle=style, linewidth=1, alpha=0.7)
    for construction, style in (("saturated", ":"), ("levelled", "--")):
        line = rows[rows["construction"] == construction].drop_duplicates("weight").sort_values("weight")
        theory = 2 * np.exp(-line["predicted_rate"] * line["weight"])
        panel.plot(line["weight"][theory > SMALLEST], theory[theory > SMALLEST], color="black", linestyle=style)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.yaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("weight w of the extra neurons")


def _accuracies(panel: Axes, rows: pd.DataFrame, places: list[tuple[str, str]]) -> None:
    """The accuracies at each place, a training set with a test set: means, and beside them the networks if few."""
    for construction, (colour, offset, _) in COPIES.items():
        for height, (trained, test) in enumerate(places):
            cell = rows[(rows["construction"] == construction) & (rows["training_set"] == trained)]
            if len(cell):
                columns = [cell[f"{prefix}{test}_accuracy"] for prefix in ("biased_", "")]
                means = [column.mean() for column in columns]
                panel.plot(means, [height + offset] * 2, color=colour, linewidth=1)
                for column, mean, marker in zip(columns, means, MARKERS.values(), strict=True):
                    panel.plot(mean, height + offset, marker=marker, color=colour, markersize=7, alpha=0.85)
                    if len(column) < FEW:
                        beside = np.full(len(column), height + 2 * offset)
                        panel.scatter(column, beside, marker=marker, color=colour, s=9, linewidths=0)
    panel.set_yticks(
        range(len(places)), [f"trained on {TRAINED[trained]},\ntested on {TESTS[test]}" for trained, test in places]
    )
    panel.set_ylim(len(places) - 0.5, -0.5)
    panel.set_xlim(-0.03, 1)
    chance_line(panel, horizontal=False, name=True)
    panel.set_xlabel("accuracy (large: mean)")
    panel.grid(axis="y", visible=False)


def _line(
    panel: Axes,
    places: list[int] | pd.Series,
    rows: pd.DataFrame,
    colour: str | tuple[float, ...],
    marker: str,
    label: str,
    linestyle: str = "-",
) -> None:
    """A line of means, with intervals unless one of them is missing."""
    reach = np.stack([rows["mean"] - rows["low"], rows["high"] - rows["mean"]])
    panel.errorbar(
        places,
        rows["mean"],
        yerr=None if np.isnan(reach).any() else reach,
        color=colour,
        marker=marker,
        markersize=4.5,
        linewidth=1.4,
        linestyle=linestyle,
        label=label,
    )


def _ordered(count: int, scale: str = "viridis") -> list:
    """Colours from dark to light for an ordered quantity, distinct for colour-blind readers too."""
    return [matplotlib.colormaps[scale](share) for share in np.linspace(0, 0.85, count)]


def _some(values: list) -> list:
    """At most three of the values: the first, the middle and the last."""
    return [values[index] for index in sorted({0, len(values) // 2, len(values) - 1})] if values else []


def _epsilon(value: float) -> str:
    return "free" if np.isinf(value) else f"{value:g}"


def _copy_finding(data: pd.DataFrame) -> str:
    """How close the copies are on X at the largest weight, by dataset."""
    parts: dict[str, list[str]] = {}
    for name, rows in data.groupby("dataset", sort=False):
        worst = rows.loc[rows["weight"] == rows["weight"].max(), "largest_difference"].max()
        equal = "are equal to the last bit" if worst == 0 else f"differ by at most {number(worst)}"
        parts.setdefault(equal, []).append(registry.written(name))
    text = ", and ".join(f"{equal} on {' and '.join(names)}" for equal, names in parts.items())
    return f"Logits on X of bias-free copies and of the networks with biases that they copy\n{text}"


def _rate(rows: pd.DataFrame) -> str:
    """The rate at which the copies of one dataset approach the networks on X; empty where too few points tell."""
    rates = biases.rates(rows[rows["construction"] == "levelled"]).dropna(subset="rate")
    if rates.empty:
        return ""
    return (
        f":\nthe difference falls at rate {rates['rate'].median():.3g} (theory {rates['predicted_rate'].iloc[0]:.3g})"
    )


def _copies_finding(data: pd.DataFrame) -> str:
    """Accuracy on −X of the biased networks and of their copies, by dataset, of the training set with both signs."""
    for training_set in ("augmented", "original"):
        rows = data[(data["construction"] == "levelled") & (data["training_set"] == training_set)]
        parts = [
            f"{percent(own['biased_inverted_accuracy'].mean())} of −X on {registry.written(name)}, "
            f"bias-free copies {percent(own['inverted_accuracy'].mean())}"
            for name, own in rows.groupby("dataset", sort=False)
        ]
        if parts:
            return f"Trained on {TRAINED[training_set]}, biased networks classify " + ";\n".join(parts)
    return "No network was copied"


def _pixels(name: str, conditions: pd.DataFrame) -> str:
    """How many pixels of a dataset never change; empty where none does."""
    train = conditions[(conditions["dataset"] == name) & (conditions["set"] == "train")]
    if train.empty or not train["constant_pixels"].iloc[0]:
        return ""
    return f"; {train['constant_pixels'].iloc[0]} of {train['pixels'].iloc[0]} pixels never change"


def _depth_finding(data: pd.DataFrame) -> str:
    """How large the even part is per bias at the smallest ε, in the shallowest network and in the most amplifying."""
    depths = sorted(set(data["depth"]))
    if len(depths) < 2:
        return "One depth was trained, so there is nothing to compare"
    epsilon = min((value for value in data["epsilon"] if 0 < value < np.inf), default=None)
    if epsilon is None:
        return "No ε between none and free was tried, so there is nothing to compare"
    rows = data[data["epsilon"] == epsilon].set_index(["metric", "depth"])
    trained = rows.loc["amplification"]
    deep, means = trained["mean"].idxmax(), trained["mean"]
    if not trained.loc[deep, "low"] > trained.loc[depths[0], "high"]:
        return (
            f"Depth is not seen to amplify small biases: with {depths[0]} to {depths[-1]} hidden layers the logits'\n"
            f"even part is {means.min():.2g} to {means.max():.2g} times the biases, where none exceeds {epsilon:g}"
        )
    return (
        f"Depth amplifies small biases once trained: the logits' even part is {means[depths[0]]:.2g} times the biases\n"
        f"with {_hidden(depths[0])}, and {means[deep]:.0f} times with {deep}, where none exceeds {epsilon:g}"
    )


def _hidden(depth_: int) -> str:
    return f"{depth_} hidden layer{'' if depth_ == 1 else 's'}"
