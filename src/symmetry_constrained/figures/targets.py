"""The cost of a target accuracy for each model: images, the factor in images it saves, and training.

Drawing only, from the study's tables. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symmetry_constrained.analysis.columns import MODEL, STUDY
from symmetry_constrained.figures.curves import log_axis
from symmetry_constrained.figures.style import (
    COLOURS,
    MARKERS,
    WIDTH,
    models,
    networks_legend,
    present,
    set_title,
    span,
)

UNITS = {"seconds": "s", "ratio": None}  # `log_axis` units of columns that are not counts


def images_needed(efficiency: pd.DataFrame, target: dict[str, float]) -> tuple[Figure, pd.DataFrame]:
    """Images needed until a model reaches the target on both X and −X: a panel per dataset, a point per model.

    efficiency: `sample_efficiency.csv`. target: by dataset. A model that never reaches it has no point.
    """
    # Bias-free models have a second row, of the same images, against the bias-free network on ±X.
    both = efficiency[efficiency["signs"] == "both"].drop_duplicates([*STUDY, *MODEL, "target"])
    data = _at(both, target).rename(columns={"low": "images_low", "high": "images_high"})
    data.insert(0, "model", models(data))
    figure, _ = _by_dataset(data, "images", "images needed on both X and −X", target)
    networks_legend(figure, f"bar: 95 % interval, N = {span(data['n'])} networks")
    set_title(figure, _images_finding(data))
    return figure, data


def random_sign_factor(efficiency: pd.DataFrame, target: dict[str, float]) -> tuple[Figure, pd.DataFrame]:
    """The factor in images that each model saves when signs are random in training and test, and theory's 2."""
    data = _at(efficiency[efficiency["signs"] == "random-sign"], target)
    data = data[np.isfinite(data["ratio"].astype(float))].copy()
    data.insert(0, "model", models(data))
    figure, panels = _by_dataset(data, "ratio", "factor in images that is saved", target)
    for panel in panels:
        panel.axvline(1, color="#999999", linewidth=1)
        panel.axvline(2, color="black", linewidth=1.2, linestyle="--")
    note = f"bar: 95 % interval, N = {span(data['n'])} networks"
    networks_legend(figure, f"{note}; dashed: 2, theory's largest gain from the symmetry alone")
    set_title(figure, _factor_finding(data))
    return figure, data


def cost_to_target(cost: pd.DataFrame, dataset: str, target: float) -> tuple[Figure, pd.DataFrame]:
    """Evaluations, arithmetic and seconds until a network reaches the target on both X and −X, all images given."""
    data = cost[(cost["dataset"] == dataset) & (cost["target"] == target)].copy()
    data.insert(0, "model", models(data))
    quantities = {"evaluations": "evaluations of the loss", "flop": "FLOP", "seconds": "time, one network alone"}
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharey=True, layout="constrained")
    for panel, (column, label) in zip(axes, quantities.items(), strict=True):
        _points(panel, data, column, present(data["model"]))
        panel.set_xlabel(label)
    n = max(data["n"], default=0)
    note = f"point: median of N = {n}; bar: 95 % interval; not reached: by half of the networks or more"
    networks_legend(figure, note)
    set_title(figure, _cost_finding(data, dataset, target))
    return figure, data


def _at(rows: pd.DataFrame, target: dict[str, float]) -> pd.DataFrame:
    """The rows of each dataset at its target."""
    parts = (rows[(rows["dataset"] == name) & (rows["target"] == value)] for name, value in target.items())
    return pd.concat(parts)


def _by_dataset(data: pd.DataFrame, column: str, label: str, target: dict[str, float]) -> tuple[Figure, np.ndarray]:
    """A panel per dataset, a point per model, on logarithmic axes; the panels."""
    figure, axes = plt.subplots(1, len(target), figsize=(WIDTH, 3.6), sharey=True, layout="constrained", squeeze=False)
    for panel, (name, value) in zip(axes[0], target.items(), strict=True):
        _points(panel, data[data["dataset"] == name], column, present(data["model"]))
        panel.set_xlabel(label)
        panel.set_title(f"{name}, {value:.0%}", fontweight="normal", fontsize="medium")
    return figure, axes[0]


def _points(panel: Axes, data: pd.DataFrame, column: str, names: list[str]) -> None:
    """A point and its interval per model (down the page) and kind of network (beside each other).

    names: the models that have a place, in every panel beside this one as well.
    """
    columns = [column, f"{column}_low", f"{column}_high"]
    data = data.astype(dict.fromkeys(columns, float))
    open_ends = []
    for position, name in enumerate(names):
        own = data[data["model"] == name]
        for network, offset in zip(MARKERS, (-0.16, 0.16), strict=True):
            for middle, low, high in own.loc[own["network"] == network, columns].to_numpy():
                if not np.isfinite(middle):
                    continue
                if np.isfinite([low, high]).all():
                    panel.plot([low, high], [position + offset] * 2, color=COLOURS[name], linewidth=1.4)
                elif np.isfinite(low):
                    open_ends.append((low, middle, position + offset, COLOURS[name]))
                panel.plot(middle, position + offset, marker=MARKERS[network], color=COLOURS[name], markersize=6)
        if len(own) and not np.isfinite(own[column]).any():
            place = panel.get_yaxis_transform()
            panel.text(0.03, position, "not reached", transform=place, va="center", color="#777777", fontsize="small")
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


def _images_finding(data: pd.DataFrame) -> str:
    """Per dataset: the model that needs the fewest images, against ±X, both biased."""
    parts = []
    for dataset, rows in data[data["network"] == "biased"].groupby("dataset", sort=False):
        needed = rows.set_index("model")["images"].astype(float)
        if needed.notna().any():
            against = ""
            if "identity, ±X" in needed:
                augmented = needed["identity, ±X"]
                against = f", {augmented:,.0f} on ±X" if np.isfinite(augmented) else ", never on ±X"
            parts.append(f"{dataset}: {needed.min():,.0f} images with {needed.idxmin()}{against}")
    return "Images needed on X and −X, biased; " + (";\n".join(parts) or "no model reaches the target")


def _factor_finding(data: pd.DataFrame) -> str:
    """The factor that canonical, the symmetry alone, saves, and the largest of all."""
    parts = []
    for dataset, rows in data[data["network"] == "biased"].groupby("dataset", sort=False):
        ratio = rows.set_index("model")["ratio"].astype(float)
        alone = f"canonical saves a factor {ratio['canonical']:.1f}, " if "canonical" in ratio else ""
        parts.append(f"{dataset}: {alone}{ratio.idxmax()} {ratio.max():.1f}")
    return "With random signs, biased; " + (";\n".join(parts) or "no factor is known")


def _cost_finding(data: pd.DataFrame, dataset: str, target: float) -> str:
    """The cheapest model against ±X, both biased, in evaluations and FLOP."""
    if data.empty:
        return f"{dataset}: no network was trained on all images"
    rows = data[data["network"] == "biased"].set_index("model")
    evaluations = rows["evaluations"].astype(float).dropna()
    if evaluations.empty:
        return f"{dataset}: no biased model reaches {target:.0%} on both X and −X in its budget"
    best = evaluations.idxmin()
    text = f"{dataset}: {best} reaches {target:.0%} on both X and −X in {evaluations.min():.0f} evaluations"
    if "identity, ±X" not in rows.index:
        return f"{text} (biased)"
    if "identity, ±X" not in evaluations:
        return f"{text};\nunder half of the networks trained on ±X reach it at all"
    factor = rows.loc["identity, ±X", "flop"] / rows.loc[best, "flop"]
    return f"{text},\n±X in {evaluations['identity, ±X']:.0f} and with {factor:.1f} times the arithmetic (biased)"
