"""The figure of norms and complete invariants (C16): the accuracy with each feature map, and what each doesn't see.

Drawing only, from the tables of `compare_invariants.py`. The title is computed from the data drawn.
"""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from symmetry_constrained.analysis import invariants
from symmetry_constrained.figures.style import COLOURS, MARKERS, WIDTH, chance_line, networks_legend, set_title, span

# The translation maps in the colours of their counterparts under inversion: norms, some phases, all, all by alignment.
FEATURES = {
    "identity": COLOURS["identity, X"],
    "square": COLOURS["square"],
    "neighbour": COLOURS["neighbour"],
    "permuted": COLOURS["permuted"],
    "quadratic": COLOURS["quadratic"],
    "canonical": COLOURS["canonical"],
    "power": COLOURS["square"],
    "bispectrum": COLOURS["neighbour"],
    "complete": COLOURS["quadratic"],
    "aligned": COLOURS["canonical"],
}
COMPLETE = ("canonical", "quadratic", "aligned", "complete")  # maps that discard the group's action only
UNSEEN = {"inversion": "unseen\nsign flips", "translation": "unseen\ndimensions"}


def complete_invariants(table: pd.DataFrame, signs: pd.DataFrame, phases: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on transformed test images by feature map, a panel per group, with the symmetries of each map.

    table: rows of `invariants.csv` at one budget. signs, phases: the tables of symmetries.
    """
    data = invariants.summarise(table)
    forgets = {("inversion", row["features"]): _power_of_two(row["log2_symmetries"]) for _, row in signs.iterrows()}
    forgets |= {("translation", row["features"]): f"{row['dimensions']}" for _, row in phases.iterrows()}
    data["forgets"] = [forgets.get(pair, "") for pair in zip(data["group"], data["features"], strict=True)]
    groups = list(dict.fromkeys(data["group"]))
    most = max(data.loc[data["group"] == group, "features"].nunique() for group in groups)
    # Between the columns of numbers and the next panel's names.
    layout = ConstrainedLayoutEngine(wspace=0.12)
    size = (WIDTH, 0.42 * most + 1.7)
    figure, axes = plt.subplots(1, len(groups), figsize=size, layout=layout, squeeze=False, sharex=True)
    for panel, group in zip(axes[0], groups, strict=True):
        rows = data[data["group"] == group]
        names = [name for name in FEATURES if name in set(rows["features"])]
        for position, name in enumerate(names):
            for network, offset in zip(MARKERS, (-0.16, 0.16), strict=True):
                for _, row in rows[(rows["features"] == name) & (rows["network"] == network)].iterrows():
                    ends = [row["transformed_accuracy_low"], row["transformed_accuracy_high"]]
                    panel.plot(ends, [position + offset] * 2, color=FEATURES[name], linewidth=1.6)
                    panel.plot(
                        row["transformed_accuracy"], position + offset, marker=MARKERS[network], color=FEATURES[name]
                    )
        _columns(panel, rows, names, UNSEEN[group])
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_xlim(-0.02, 1)
        chance_line(panel, horizontal=False, name=True)
        panel.grid(axis="y", visible=False)
        panel.set_xlabel(f"accuracy under {group}")
    n, budget = span(data["n"]), span(data["budget"])
    note = f"bar: 95 % interval of the mean of N = {n} networks, {budget} evaluations each"
    networks_legend(figure, note)
    set_title(figure, _complete_finding(invariants.contrasts(table)))
    return figure, data


def _columns(panel: Axes, rows: pd.DataFrame, names: list[str], unseen: str) -> None:
    """At the right of the panel, for each map what it does not see and the weights of a bias-free network on it."""
    of_map = rows.drop_duplicates("features").set_index("features")["forgets"]
    weights = rows[rows["network"] == "bias-free"].drop_duplicates("features").set_index("features")["parameters"]
    style: dict[str, Any] = {"fontsize": "x-small", "ha": "center", "annotation_clip": False}
    for place, head, texts in ((1.16, unseen, of_map), (1.46, "weights", weights)):
        panel.annotate(head, (place, 1.02), xycoords="axes fraction", va="bottom", color="#555555", **style)
        for position, name in enumerate(names):
            text = texts.get(name, "–")
            text = text if isinstance(text, str) else f"{text:,}"
            panel.annotate(text, (place, position), xycoords=("axes fraction", "data"), va="center", **style)


def _power_of_two(exponent: int) -> str:
    return str(2**exponent) if exponent < 2 else f"$2^{{{exponent}}}$"


def _complete_finding(contrasts: pd.DataFrame) -> str:
    """Per group, what the complete maps gain over the norms alone."""
    rows = contrasts[contrasts["features"].isin(COMPLETE) & (contrasts["network"] == "bias-free")]
    if rows.empty:
        return "Complete invariants were not compared with norms alone"
    beats = "beat" if (rows["low"] > 0).all() else "do not all beat"
    parts = []
    for group, part in rows.groupby("group", sort=False):
        ends = [f"{value:+.2f}".replace("-", "−") for value in (part["difference"].min(), part["difference"].max())]
        parts.append(f"by {' to '.join(dict.fromkeys(ends))} under {group}")
    return f"Complete invariants {beats} norms alone in bias-free networks:\n{' and '.join(parts)}"
