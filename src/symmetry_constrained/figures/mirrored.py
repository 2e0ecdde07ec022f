"""The figure of mirrored pairs: how far R + R̄ is above 1 in a network with one hidden layer and small biases (C13).

Drawing only. The title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from symmetry_constrained.analysis import biases
from symmetry_constrained.figures.style import CHANCE, WIDTH, set_title, span

TIED = "tied pairs"
# Colour, marker, name in the figure.
KINDS = {
    TIED: ("#D55E00", "D", "mirrored pairs,\nkept tied"),
    "mirrored start": ("#0072B2", "s", "trained freely from\nmirrored pairs"),
    "ordinary start": ("#7F7F7F", "o", "trained freely from\nordinary weights"),
}
SPACING = 0.3  # between the names of two lines
EXCESS_OF_CHANCE = 2 * CHANCE - 1  # R + R̄ − 1
ALLOWED, ALLOWANCE = 10, "#E6E6E6"  # O(ε) is drawn as at most this many times ε


def counterexample(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """R + R̄ − 1 against ε, a line per kind of training, beside what R + R̄ <= 1 + O(ε) would allow.

    table: `mirrored_pairs.csv`. Returns the means drawn, with their intervals.
    """
    data = biases.summarise(table, ("excess",), group="kind")
    epsilons = sorted(set(data["epsilon"]))
    figure, panel = plt.subplots(figsize=(WIDTH, 3.9), layout="constrained")
    ends = (epsilons[0] / 1.4, epsilons[-1] * 1.4)
    reach = np.geomspace(*ends, 100)
    panel.fill_between(reach, -1, np.minimum(ALLOWED * reach, 1), color=ALLOWANCE, linewidth=0, zorder=0)
    panel.axhline(0, color="black", linewidth=1.2)
    panel.axhline(EXCESS_OF_CHANCE, color="black", linewidth=1, linestyle=":")
    for text, height, below in (
        ("R + R̄ = 1", 0, 3),
        (f"grey: R + R̄ ≤ 1 + {ALLOWED}ε", -0.4, 0),
        ("chance", EXCESS_OF_CHANCE, -10),
    ):
        panel.annotate(text, (ends[0], height), xytext=(3, below), textcoords="offset points", fontsize="small")
    lowest = np.inf
    for kind, (colour, marker, name) in KINDS.items():
        line = data[data["kind"] == kind].sort_values("epsilon")
        if line.empty:
            continue
        bars = np.stack([line["mean"] - line["low"], line["high"] - line["mean"]])
        panel.errorbar(
            line["epsilon"],
            line["mean"],
            yerr=None if np.isnan(bars).any() else bars,
            color=colour,
            marker=marker,
            markersize=6,
            linewidth=1.8,
        )
        # Beside the end of its line, and below the name before.
        lowest = min(line["mean"].iloc[-1], lowest - SPACING)
        place = (ends[1], lowest)
        panel.annotate(
            name, place, xytext=(6, 0), textcoords="offset points", va="center", color=colour, annotation_clip=False
        )
    panel.set_xscale("log")
    panel.set_xticks(epsilons, [f"{value:g}" for value in epsilons])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set(xlim=ends, ylim=(-1, 1), xlabel="ε: no bias is larger", ylabel="R + R̄ − 1 on test images")
    set_title(figure, _finding(data))
    figure.supxlabel(f"mean of N = {span(data['n'])} networks per kind and ε; bar: 95 % interval", fontsize="small")
    return figure, data


def _finding(data: pd.DataFrame) -> str:
    """R + R̄ at the smallest ε, of tied pairs and of the other kinds."""
    epsilon = data["epsilon"].min()
    sums = 1 + data[data["epsilon"] == epsilon].set_index("kind")["mean"]
    text = f"With one hidden layer and no bias above {epsilon:g}, mirrored pairs reach R + R̄ = {sums[TIED]:.2f}"
    others = sums.drop(TIED)
    if others.empty or others.max() >= 1:
        return text
    return f"{text},\nand ordinary training, which does not find them, {others.max():.2f}"
