"""The figures of the paper's results: its tables among our networks, the bound on all of them, its Figure 1.

Drawing only. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained.features import inversion
from symmetry_constrained.figures.style import (
    CLEAN_COLOUR,
    COLOURS,
    MARKERS,
    WIDTH,
    model,
    models,
    present,
    set_title,
    span,
)
from symmetry_constrained.verdicts import paper_tables, published


def paper_table(table: pd.DataFrame, networks: pd.DataFrame, clean: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A strip of dots per published number: each network's accuracy, the central 95 %, the number as a diamond.

    table: table1.csv, table2.csv or talk.csv. networks, clean: `networks.csv` rows under the two protocols.
    """
    height = 0.62 * len(table) + 1.2
    figure, axes = plt.subplots(figsize=(WIDTH, height))
    random = np.random.default_rng(0)
    drawn, labels = [], []
    for position, (_, row) in enumerate(table.iterrows()):
        column = published.column(row["test_set"])
        colour = COLOURS[model(row["features"], row["training_set"])]
        for source, offset, shade in ((networks, -0.15, colour), (clean, 0.22, CLEAN_COLOUR)):
            cell = source[(source[published.PAPER_KEYS] == row[published.PAPER_KEYS]).all(axis=1)]
            heights = position + offset + random.uniform(-0.1, 0.1, len(cell))
            axes.scatter(cell[column], heights, s=11, color=shade, alpha=0.6, linewidths=0, zorder=2)
            kept = cell[["study", "protocol", *published.PAPER_KEYS, "split", "seed"]]
            drawn.append(kept.assign(test_set=row["test_set"], accuracy=cell[column]))
        for prefix, offset in (("", -0.15), ("clean_", 0.22)):
            low, median, high = row[f"{prefix}low"], row[f"{prefix}median"], row[f"{prefix}high"]
            axes.plot([low, high], [position + offset] * 2, color="black", linewidth=1, zorder=3)
            axes.plot([median] * 2, [position + offset - 0.1, position + offset + 0.1], color="black", zorder=3)
        axes.scatter(
            row["published"], position - 0.15, marker="D", s=46, color="black", edgecolor="white", linewidth=1, zorder=4
        )
        labels.append(_row_label(row))
    axes.set_yticks(range(len(table)), labels)
    axes.invert_yaxis()
    axes.set_xlim(-0.03, 1.03)
    on = "X and on −X" if (table["test_set"] == "both").all() else "the test set named"
    axes.set_xlabel(f"accuracy on {on}")
    axes.grid(axis="y", visible=False)
    handles = [
        Line2D([], [], marker="D", color="black", linestyle="", markeredgecolor="white", markersize=8),
        Line2D([], [], marker="o", color="#555555", linestyle="", alpha=0.6, markersize=4),
        Line2D([], [], marker="o", color=CLEAN_COLOUR, linestyle="", alpha=0.6, markersize=4),
        Line2D([], [], marker="|", color="black", markersize=8),
    ]
    names = [
        "published number",
        f"one network, published protocol (colours: models; N = {span(table['n'])} a strip)",
        f"one network, clean protocol (N = {span(table['clean_n'])})",
        "median and central 95 %",
    ]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(0, -0.75 / height), ncols=2)
    axes.set_title(f"{_name(table)}: {_finding(table)};\n{_placed(table)}")
    return figure, pd.concat(drawn, ignore_index=True)


def _name(table: pd.DataFrame) -> str:
    number = str(table["table"].iloc[0])
    return f"Table {number}" if number.isdecimal() else "The talk's MNIST"


def _placed(table: pd.DataFrame) -> str:
    """How many published numbers lie outside of the draws' central 95 %, of those that there are enough draws for."""
    judged = table[table["typicality"] != "too few draws"]
    if judged.empty:
        return f"too few networks (N = {span(table['n'])}) to place the {len(table)} published numbers among"
    outside = int((judged["typicality"] != "typical").sum())
    return f"{outside} of the {len(judged)} judged numbers lie outside of 95 % of draws"


def _finding(table: pd.DataFrame) -> str:
    """The table's medians in a clause."""
    if (table["test_set"] == "both").all():
        best = table.loc[table["median"].idxmax()]
        worst = table.loc[table["median"].idxmin()]
        return (
            f"invariant features give one accuracy on X and −X, from {worst['median']:.2f} "
            f"({worst['features']}) to {best['median']:.2f} ({best['features']})"
        )
    inverted = table[(table["training_set"] == "original") & (table["test_set"] == "inverted")]
    verb = "fails" if inverted["high"].max() < 0.1 else "does worse"
    return f"training on X alone {verb} on −X (median at most {inverted['median'].max():.2f})"


def _row_label(row: pd.Series) -> str:
    """The network, its training set and its test set."""
    trained, tested = paper_tables.SYMBOLS[row["training_set"]], paper_tables.SYMBOLS[row["test_set"]]
    if row["test_set"] == "both":
        return f"{row['network']}, {row['features']}"
    return f"{row['network']}, trained on {trained}\ntested on {tested}"


def bound(networks: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on inverted images against accuracy on the images, a point per network, with the line R + R̄ = 1."""
    figure, axes = plt.subplots(figsize=(WIDTH, 5.2))
    data = networks[["study", *published.PAPER_KEYS, "split", "seed", "test_accuracy", "inverted_accuracy"]].copy()
    data.insert(1, "model", models(networks))
    shown = present(data["model"])
    for name in shown:
        for network, marker in MARKERS.items():
            cell = data[(data["model"] == name) & (data["network"] == network)]
            axes.scatter(
                cell["test_accuracy"],
                cell["inverted_accuracy"],
                color=COLOURS[name],
                marker=marker,
                s=16,
                alpha=0.5,
                linewidths=0,
            )
    axes.plot([0, 1], [1, 0], color="black", linewidth=1.2)
    axes.annotate("R + R̄ = 1", (0.62, 0.38), xytext=(6, 2), textcoords="offset points")
    axes.set(xlim=(-0.02, 1), ylim=(-0.02, 1), xlabel="R: accuracy on X", ylabel="R̄: accuracy on −X")
    handles = [Line2D([], [], marker="s", linestyle="", color=COLOURS[name]) for name in shown]
    handles += [Line2D([], [], marker=marker, linestyle="", color="#555555") for marker in MARKERS.values()]
    axes.legend(handles, [*shown, *MARKERS], loc="upper left", bbox_to_anchor=(1, 1))
    sums = data["test_accuracy"] + data["inverted_accuracy"]
    odd = (data["features"] == "identity") & (data["network"] == "bias-free")
    augmented = (data["model"] == "identity, ±X") & (data["network"] == "biased")
    invariant = data["features"] != "identity"
    lines = []
    if odd.any():
        lines.append(
            f"{int((sums[odd] > 1).sum())} of {odd.sum():,} bias-free networks on raw pixels break R + R̄ ≤ 1 "
            f"(largest sum {sums[odd].max():.2f})"
        )
    groups = ((augmented, "of the biased ones trained on ±X"), (invariant, "on invariant features"))
    shares = [f"{(sums[mask] > 1).mean():.0%} {of}" for mask, of in groups if mask.any()]
    if shares:
        lines.append(f"above it: {', '.join(shares)} (N = {len(data):,})")
    axes.set_title(";\n".join(lines))
    return figure, data


def figure1(image: np.ndarray, shape: tuple[int, int]) -> tuple[Figure, pd.DataFrame]:
    """The paper's Figure 1: a scaled image (d,), its inverse, and its neighbour features."""
    of_image, of_inverse = inversion.compute("neighbour", np.stack([image, -image]), shape)
    panels = {
        "image x": image,
        "inverse −x": -image,
        "neighbour features\n$x_i \\cdot x_{right\\ of\\ i}$": of_image,
    }
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.9), layout="constrained")
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        shown = axis.imshow(values.reshape(shape), cmap="gray", vmin=-1, vmax=1)
        axis.set_title(name, fontweight="normal", fontsize="medium", loc="center")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.colorbar(shown, ax=axes, label="value", shrink=0.8, ticks=[-1, 0, 1])
    change = np.abs(of_inverse - of_image).max()
    set_title(figure, f"Neighbour features do not see inversion: they change by {change:.0f} from x to −x")
    data = pd.DataFrame({"pixel": range(image.size), "image": image, "inverse": -image, "neighbour": of_image})
    return figure, data
