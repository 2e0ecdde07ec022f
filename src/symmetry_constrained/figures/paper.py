"""The figures of the paper's results: its tables among our networks, the bound on all of them, its Figure 1.

Drawing only. Every title is computed from the data drawn.
"""

from collections.abc import Collection

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained.features import inversion
from symmetry_constrained.figures.style import (
    CHANCE,
    CLEAN_COLOUR,
    COLOURS,
    SHAPES,
    WIDTH,
    chance_line,
    model,
    models,
    on,
    percent,
    present,
    set_title,
    span,
)
from symmetry_constrained.verdicts import paper_tables, published

ENOUGH = 39  # networks from which a central 95 % leaves any out: with fewer, a number is not judged either


def paper_table(table: pd.DataFrame, networks: pd.DataFrame, clean: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A strip of dots per published number: each network's accuracy, the central 95 %, the number as a diamond.

    table: table1.csv, table2.csv or talk.csv. networks, clean: `networks.csv` rows under the two protocols. Of fewer
    than `ENOUGH` networks no central 95 % is drawn.
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
            if row[f"{prefix}n"] >= ENOUGH:
                axes.plot([low, high], [position + offset] * 2, color="black", linewidth=1, zorder=3)
            axes.plot([median] * 2, [position + offset - 0.1, position + offset + 0.1], color="black", zorder=3)
        axes.scatter(
            row["published"], position - 0.15, marker="D", s=46, color="black", edgecolor="white", linewidth=1, zorder=4
        )
        labels.append(_row_label(row))
    axes.set_yticks(range(len(table)), labels)
    axes.invert_yaxis()
    data = pd.concat(drawn, ignore_index=True)
    axes.set_xlim(-0.03, max([CHANCE, *table["published"], *data["accuracy"].dropna()]) + 0.03)
    chance_line(axes, horizontal=False, name=True)
    where = "X and on −X" if (table["test_set"] == "both").all() else "the test set named"
    axes.set_xlabel(f"accuracy on {where}")
    axes.grid(axis="y", visible=False)
    handles = [
        Line2D([], [], marker="D", color="black", linestyle="", markeredgecolor="white", markersize=8),
        Line2D([], [], marker="o", color="#555555", linestyle="", alpha=0.6, markersize=4),
        Line2D([], [], marker="o", color=CLEAN_COLOUR, linestyle="", alpha=0.6, markersize=4),
        Line2D([], [], marker="|", color="black", markersize=8),
    ]
    names = [
        "published number",
        f"one network, published protocol (N = {span(table['n'])})",
        f"one network, clean protocol (N = {span(table['clean_n'])})",
        f"median, and central 95 % (N ≥ {ENOUGH})",
    ]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(-0.3, -0.7 / height), ncols=2, fontsize="small")
    set_title(figure, f"{_name(table)}: {_finding(table)};\n{_placed(table)}", y=0.88 + 0.08 / height, va="bottom")
    return figure, data


def _name(table: pd.DataFrame) -> str:
    number = str(table["table"].iloc[0])
    return f"Table {number}" if number.isdecimal() else "The talk's MNIST"


def _placed(table: pd.DataFrame) -> str:
    """How many published numbers lie outside the draws' central 95 %, of those that there are enough draws for."""
    judged = table[table["typicality"] != "too few draws"]
    if judged.empty:
        few = f"too few networks (N = {span(table['n'])}) were trained"
        return f"{few} to place its {len(table)} published numbers among"
    outside, inside = int((judged["typicality"] != "typical").sum()), "the central 95 % of our networks"
    if not outside:
        return f"all {len(judged)} judged numbers lie within {inside}"
    return f"{outside} of the {len(judged)} judged numbers {'lies' if outside == 1 else 'lie'} outside {inside}"


def _finding(table: pd.DataFrame) -> str:
    """The table's medians in a clause."""
    if (table["test_set"] == "both").all():
        best, *others = (
            table.loc[place] for place in dict.fromkeys((table["median"].idxmax(), table["median"].idxmin()))
        )
        text = f"{_networks(best)} classify {percent(best['median'])} of X and −X correctly"
        return text + "".join(f", {_networks(row)} {percent(row['median'])}" for row in others)
    own = table[table["training_set"] == "original"]
    seen, other = (own.loc[own["test_set"] == name, "median"].dropna() for name in ("original", "inverted"))
    if seen.empty or other.empty:
        return f"the medians of our networks are {percent(table['median'].min())} to {percent(table['median'].max())}"
    return (
        f"trained on X, networks classify at least {percent(seen.min())} of X but at most {percent(other.max())} of −X"
    )


def _networks(row: pd.Series) -> str:
    return f"{row['network']} networks {on(row['features'])}"


def _row_label(row: pd.Series) -> str:
    """The network, its training set and its test set."""
    trained, tested = paper_tables.SYMBOLS[row["training_set"]], paper_tables.SYMBOLS[row["test_set"]]
    if row["test_set"] == "both":
        return f"{row['network']}, {row['features']}"
    return f"{row['network']}, trained on {trained}\ntested on {tested}"


def bound(networks: pd.DataFrame, not_odd: Collection[str] = ()) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on −X against accuracy on X, a point per network: where the bound R + R̄ ≤ 1 applies, and where not.

    not_odd: studies whose bias-free networks are not odd functions, so that the bound does not apply to them.
    """
    data = networks[["study", *published.PAPER_KEYS, "split", "seed", "test_accuracy", "inverted_accuracy"]].copy()
    data.insert(1, "model", models(data))
    pixels = data["features"] == "identity"
    odd = pixels & (data["network"] == "bias-free") & ~data["study"].isin(not_odd)
    panels = {"pixels, no biases": odd, "pixels, others": pixels & ~odd, "invariant features": ~pixels}
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.9), sharex=True, sharey=True, layout="constrained")
    for panel, (name, mask) in zip(axes, panels.items(), strict=True):
        for model_ in present(data["model"]):
            cell = data[mask & (data["model"] == model_)]
            style = {"color": COLOURS[model_], "marker": SHAPES[model_], "s": 14, "alpha": 0.5, "linewidths": 0}
            panel.scatter(cell["test_accuracy"], cell["inverted_accuracy"], **style)
        panel.plot([0, 1], [1, 0], color="black", linewidth=0.8)
        panel.set(xlim=(-0.02, 1), ylim=(-0.02, 1), xlabel="R: accuracy on X", aspect="equal", xticks=(0, 0.5, 1))
        panel.set_title(f"{name}, N = {int(mask.sum()):,}", fontweight="normal", fontsize="small")
    axes[0].fill_between([0, 1], [1, 0], 1, color="#E3E3E3", linewidth=0, zorder=0)
    axes[0].text(0.97, 0.95, "impossible for\nodd functions", ha="right", va="top", fontsize="small", color="#444444")
    axes[-1].annotate("R + R̄ = 1", (0, 1), xytext=(6, -12), textcoords="offset points", fontsize="small")
    axes[0].set_ylabel("R̄: accuracy on −X")
    shown = present(data["model"])
    handles = [Line2D([], [], marker=SHAPES[name], linestyle="", color=COLOURS[name]) for name in shown]
    count = f"a point: a network on its features, {len(data):,} in all"
    note = f"{count}; on invariant features the bound says nothing of images"
    figure.legend(handles, shown, loc="outside lower center", ncols=4, title=note, title_fontsize="small")
    set_title(figure, _bound_finding(data, odd, pixels))
    return figure, data


def _bound_finding(data: pd.DataFrame, odd: pd.Series, pixels: pd.Series) -> str:
    """How many networks that the bound applies to exceed it, and the share above it of those that it does not."""
    sums, lines = data["test_accuracy"] + data["inverted_accuracy"], []
    if odd.any():
        above = int((sums[odd] > 1).sum())
        verb = "exceeds" if above <= 1 else "exceed"
        lines.append(f"{above or 'None'} of {odd.sum():,} bias-free networks on pixels {verb} R + R̄ = 1")
    groups = (
        (~odd & pixels & (data["training_set"] != "original"), "of the others trained on both signs"),
        (~pixels, "on invariant features"),
    )
    shares = [f"{percent((sums[mask] > 1).mean())} {of}" for mask, of in groups if mask.any()]
    lines += (
        [f"{' and '.join(shares)} do"]
        if shares and odd.any()
        else [f"{' and '.join(shares)} exceed R + R̄ = 1"] * bool(shares)
    )
    return ";\n".join(lines) or f"Each of {len(data):,} networks is a point"


def figure1(image: np.ndarray, shape: tuple[int, int]) -> tuple[Figure, pd.DataFrame]:
    """The paper's Figure 1: a scaled image (d,), its inverse, and its neighbour features."""
    of_image, of_inverse = inversion.compute("neighbour", np.stack([image, -image]), shape)
    panels = {
        "an image x": image,
        "its negative −x": -image,
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
    alike = "identical neighbour features" if change == 0 else f"neighbour features that differ by up to {change:.2g}"
    set_title(figure, f"An image and its negative have {alike}")
    data = pd.DataFrame({"pixel": range(image.size), "image": image, "inverse": -image, "neighbour": of_image})
    return figure, data
