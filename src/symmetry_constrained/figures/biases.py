"""The figures on biases: emulated by bias-free networks (C12), and held small in deep networks (C13).

Drawing only. Every title is computed from the data drawn.
"""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from symmetry_constrained.analysis import biases
from symmetry_constrained.figures.style import MARKERS, TRAINED, WIDTH, set_title, span

LEVELLED, SATURATED, INVERTED, CONSTANT = "#0072B2", "#009E73", "#D55E00", "#CC79A7"
DATASETS = {"digits": "digits", "mnist": "MNIST"}
SMALLEST = 1e-17  # differences of 0 are drawn here
DEPTH_MARKERS = "os^Dv"
SMALL = {"fontsize": "small", "title_fontsize": "small", "columnspacing": 1.0, "handlelength": 1.5}


def emulation(table: pd.DataFrame, conditions: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """How far a bias-free network is from the biased one it copies, against the extra neurons' weight; accuracies.

    table: `emulated_bias.csv` of one or more datasets, a column of panels each; conditions: their table of signs and
    pixels. Above, a line per network; below, means over seeds.
    """
    datasets = list(dict.fromkeys(table["dataset"]))
    figure, axes = plt.subplots(
        2, len(datasets), figsize=(WIDTH, 6.6), layout="constrained", squeeze=False, sharey="row", sharex="row"
    )
    for column, dataset in enumerate(datasets):
        rows = table[table["dataset"] == dataset]
        _differences(axes[0, column], rows)
        _accuracies(axes[1, column], rows)
        findings = (_name(dataset) + _rate_finding(rows), _pixels_finding(rows, conditions))
        for panel, text in zip(axes[:, column], findings, strict=True):
            panel.set_title(text, fontweight="normal", fontsize="medium")
    axes[0, 0].set_ylabel("difference of logits")
    ticks = [10.0**power for power in (1, -3, -7, -11)]
    axes[0, 0].set_yticks([*ticks, SMALLEST], [*(f"$10^{{{np.log10(tick):.0f}}}$" for tick in ticks), "0"])
    handles = [Line2D([], [], color=colour) for colour in (SATURATED, LEVELLED)]
    handles += [Line2D([], [], color="black", linestyle=style) for style in (":", "--")]
    handles += [Line2D([], [], color=INVERTED)]
    names = ["on X: largest, constants taken to be 1", "on X: largest, their levels divided out"]
    names += ["theory: 2 exp(−2w)", "theory: 2 exp(−2w · smallest |Σx|)", "on −X: median"]
    shapes = {"biased": MARKERS["biased"], "its bias-free copy, largest w": MARKERS["bias-free"]}
    handles += [Line2D([], [], color=LEVELLED, marker=marker, linestyle="") for marker in shapes.values()]
    names += shapes
    if (table["construction"] == "constant pixels").any():
        handles.append(Line2D([], [], color=CONSTANT, marker="s", linestyle=""))
        names.append("both, by constant pixels")
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize="small")
    set_title(figure, _copy_finding(table))
    return figure, table.reset_index(drop=True)


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
    axes[1].set_yscale("log")
    axes[1].set_xticks(depths, [str(value) for value in depths])
    axes[1].xaxis.set_minor_locator(NullLocator())
    axes[1].set(xlabel="hidden layers", ylabel="even part of logits ÷ biases (rms)")
    set_title(figure, _depth_finding(table, data))
    figure.supxlabel(f"mean of N = {span(data['n'])} networks per depth and ε; bar: 95 % interval", fontsize="small")
    return figure, data


def _differences(panel: Axes, rows: pd.DataFrame) -> None:
    """A line per network and construction, floored at SMALLEST, and theory's decay."""
    network = ["training_set", "seed", "construction"]
    for (_, _, construction), line in rows[rows["weight"].notna()].groupby(network, sort=False):
        line = line.sort_values("weight")
        colour = LEVELLED if construction == "levelled" else SATURATED
        panel.plot(
            line["weight"], line["largest_difference"].clip(lower=SMALLEST), color=colour, linewidth=1, alpha=0.7
        )
        if construction == "levelled":
            panel.plot(line["weight"], line["inverted_difference"], color=INVERTED, linewidth=1, alpha=0.7)
    for construction, style in (("saturated", ":"), ("levelled", "--")):
        line = rows[rows["construction"] == construction].drop_duplicates("weight").sort_values("weight")
        theory = 2 * np.exp(-line["predicted_rate"] * line["weight"])
        panel.plot(line["weight"][theory > SMALLEST], theory[theory > SMALLEST], color="black", linestyle=style)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.yaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("weight w of the extra neurons")


def _accuracies(panel: Axes, rows: pd.DataFrame) -> None:
    """Accuracy on X and −X of the biased networks and of their bias-free copies at the largest weight."""
    places = [(trained, test) for trained in dict.fromkeys(rows["training_set"]) for test in ("test", "inverted")]
    for construction, colour, offset in (("levelled", LEVELLED, -0.14), ("constant pixels", CONSTANT, 0.18)):
        last = rows[rows["construction"] == construction]
        last = last[last["weight"].isna() | (last["weight"] == last["weight"].max())]
        for height, (trained, test) in enumerate(places):
            cell = last[last["training_set"] == trained]
            if len(cell):
                values = [cell[f"{prefix}{test}_accuracy"].mean() for prefix in ("biased_", "")]
                panel.plot(values, [height + offset] * 2, color=colour, linewidth=1)
                for value, marker in zip(values, MARKERS.values(), strict=True):
                    panel.plot(value, height + offset, marker=marker, color=colour, markersize=7, alpha=0.85)
    names = {"test": "X", "inverted": "−X"}
    panel.set_yticks(
        range(len(places)), [f"trained on {TRAINED[trained]},\ntested on {names[test]}" for trained, test in places]
    )
    panel.set_ylim(len(places) - 0.5, -0.5)
    panel.set_xlim(-0.03, 1)
    panel.set_xlabel("accuracy (mean over seeds)")
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


def _copy_finding(table: pd.DataFrame) -> str:
    """How close the copies are on X, and their accuracy on −X."""
    weighted = table[table["weight"].notna()]
    last = weighted[weighted["weight"] == weighted["weight"].max()]
    within = f"{_within(last['largest_difference'].max())} (w = {last['weight'].iloc[0]:g})"
    text = f"On X a bias-free network copies biases from the second layer on {within}"
    for training_set in ("augmented", "original"):
        cell = last[(last["training_set"] == training_set) & (last["construction"] == "levelled")]
        if len(cell):
            biased, copy = (cell[f"{prefix}inverted_accuracy"].mean() for prefix in ("biased_", ""))
            text += f";\nnot on −X: trained on {TRAINED[training_set]}, {biased:.2f} with biases, "
            return f"{text}{copy:.2f} in the copy (N = {len(cell)})"
    return text


def _rate_finding(rows: pd.DataFrame) -> str:
    """The rate at which the copies of one dataset approach the networks on X."""
    rates = biases.rates(rows[rows["construction"] == "levelled"]).dropna(subset="rate")
    if rates.empty:
        return ""
    return f": rate {rates['rate'].median():.4g} (theory {rates['predicted_rate'].iloc[0]:.4g})"


def _pixels_finding(rows: pd.DataFrame, conditions: pd.DataFrame) -> str:
    """The biases of the first layer by constant pixels on one dataset; empty if there are none."""
    copies = rows[rows["construction"] == "constant pixels"]
    if copies.empty:
        return ""
    train = conditions[(conditions["dataset"] == rows["dataset"].iloc[0]) & (conditions["set"] == "train")].iloc[0]
    share = f"{train['constant_pixels']} of {train['pixels']}"
    return f"{share} pixels never change: biases\nin the first layer too, {_within(copies['largest_difference'].max())}"


def _within(difference: float) -> str:
    return "to the last bit" if difference == 0 else f"within {difference:.0e}"


def _name(dataset: str) -> str:
    return DATASETS.get(dataset, dataset)


def _depth_finding(table: pd.DataFrame, data: pd.DataFrame) -> str:
    """How large the even part becomes per bias, at the smallest ε, and from which ε on R + R̄ exceeds 1, by depth."""
    depths = sorted(set(data["depth"]))
    if len(depths) < 2:
        return "A single depth: nothing to compare"
    epsilon = min((value for value in data["epsilon"] if 0 < value < np.inf), default=None)
    if epsilon is None:
        return "No ε between none and free: nothing to compare"
    rows = data[data["epsilon"] == epsilon].set_index(["metric", "depth"])
    trained, untrained = rows.loc["amplification"], rows.loc["initial_amplification"]["mean"]
    deep = trained["mean"].idxmax()
    more = trained.loc[deep, "low"] > trained.loc[depths[0], "high"]
    crossing = biases.thresholds(table).set_index("depth")["crossing"]
    words = ["no ε tried" if np.isinf(value) else f"{value:.2g}" for value in crossing]
    means = trained["mean"]
    return (
        f"{'Depth amplifies' if more else 'Depth is not seen to amplify'} small biases once trained:\n"
        f"even part ÷ bias from {means[depths[0]]:.0f} ({depths[0]} hidden) to {means[deep]:.0f} ({deep} hidden) "
        f"at ε = {epsilon:g}; untrained at most {untrained.max():.1f};\n"
        f"R + R̄ > 1 from ε = {', '.join(words)} on, with {', '.join(map(str, crossing.index))} hidden layers"
    )
