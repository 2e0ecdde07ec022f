"""The figures of the study the paper only promises: over-fitting, images needed, training cost, budget.

Drawing only, from the study's tables. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

from symmetry_constrained.figures import COLOURS, MARKERS, WIDTH, models
from symmetry_constrained.summary import MODEL, STUDY

NETWORKS = ("biased", "bias-free")
NAMES = {
    "test_accuracy": "accuracy on X",
    "inverted_accuracy": "accuracy on −X",
    "generalisation_gap": "train − test accuracy",
    "symmetry_gap": "accuracy on X − on −X",
}
SIDES = {"test_accuracy": ("o", 6, True), "inverted_accuracy": ("D", 9, False)}  # marker, size, filled
LABELS = {
    "identity, X": "pixels, trained on X",
    "identity, ±X": "pixels, trained on ±X",
    "identity, random signs": "pixels, random signs",
}


def learning_curves(summary: pd.DataFrame, dataset: str, metrics: tuple[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Two metrics against the number of training images: a row per kind of network, a line per model.

    summary: `summary.csv` rows of one study. Lines are means over splits and seeds, bands their 95 % intervals.
    """
    data = summary[summary["metric"].isin(metrics)].copy()
    data.insert(0, "model", models(data))
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.4), sharex=True, sharey="col", layout="constrained")
    for row, network in enumerate(NETWORKS):
        for column, metric in enumerate(metrics):
            panel = axes[row, column]
            _curves(panel, data[(data["network"] == network) & (data["metric"] == metric)], "images")
            _log_axis(panel)
            panel.set_title(f"{network} networks", fontweight="normal", fontsize="medium")
            panel.set_ylabel(NAMES[metric])
            if row == 1:
                panel.set_xlabel("training images (X)")
    _legend(figure, data, f"line: mean of N = {_count(data)} networks; band: 95 % interval")
    finding = _gap_finding if "generalisation_gap" in metrics else _accuracy_finding
    figure.suptitle(f"{dataset}: {finding(data)}", x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure, data


def both_sides(summary: pd.DataFrame, dataset: str) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on X and on −X of every model trained on all images: a panel per kind of network, a row per model.

    summary: `summary.csv` rows of one study. Points are means over splits and seeds, bars their 95 % intervals.
    """
    data = summary[summary["metric"].isin(SIDES) & (summary["images"] == summary["images"].max())].copy()
    data.insert(0, "model", models(data))
    present = _present(data)
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.36 * len(present) + 1.7), sharey=True, layout="constrained")
    for panel, network in zip(axes, NETWORKS, strict=True):
        rows = data[data["network"] == network].set_index(["model", "metric"])
        for height, name in enumerate(present):
            ends = [rows.loc[(name, metric), "mean"] for metric in SIDES if (name, metric) in rows.index]
            panel.plot(ends, [height] * len(ends), color=COLOURS[name], linewidth=5, alpha=0.3, solid_capstyle="butt")
            for metric, mark in SIDES.items():
                if (name, metric) in rows.index:
                    row = rows.loc[(name, metric)]
                    bar = [[max(row["mean"] - row["low"], 0)], [max(row["high"] - row["mean"], 0)]]
                    style = {**_mark(COLOURS[name], *mark), "ecolor": COLOURS[name]}
                    panel.errorbar(row["mean"], height, xerr=bar, **style)
        panel.axvline(0.1, color="#777777", linewidth=1, linestyle=":")
        panel.set(xlim=(-0.04, 1), xlabel="test accuracy (dotted: chance)", yticks=range(len(present)))
        panel.set_yticklabels([LABELS.get(name, f"{name} features") for name in present])
        panel.set_title(f"{network} networks", fontweight="normal", fontsize="medium")
        panel.grid(axis="y", visible=False)
    panel.set_ylim(max(len(present), 1) - 0.5, -0.5)
    handles = [Line2D([], [], **_mark("#555555", *mark)) for mark in SIDES.values()]
    note = f"point: mean of N = {_count(data)} networks; bar: 95 % interval"
    labels = [NAMES[metric] for metric in SIDES]
    figure.legend(handles, labels, loc="outside lower center", ncols=2, title=note, title_fontsize="small")
    figure.suptitle(
        f"{dataset}, biased networks: {_sides_finding(data)}", x=0.01, ha="left", fontweight="bold", fontsize="medium"
    )
    return figure, data


def _mark(colour: str, marker: str, size: int, filled: bool) -> dict:
    """A mark that leaves one of the other kind visible at its place."""
    face = colour if filled else "none"
    return {"marker": marker, "markersize": size, "color": colour, "markerfacecolor": face, "linestyle": ""}


def images_needed(efficiency: pd.DataFrame, target: dict[str, float]) -> tuple[Figure, pd.DataFrame]:
    """Images needed until a model reaches the target on both X and −X: a panel per dataset, a point per model.

    efficiency: `sample_efficiency.csv`. target: by dataset. A model that never reaches it has no point.
    """
    # Bias-free models have a second row, of the same images, against the bias-free network on ±X.
    both = efficiency[efficiency["setting"] == "both"].drop_duplicates([*STUDY, *MODEL, "target"])
    data = pd.concat([both[(both["dataset"] == name) & (both["target"] == value)] for name, value in target.items()])
    data = data.rename(columns={"low": "images_low", "high": "images_high"})
    data.insert(0, "model", models(data))
    figure, _ = _by_dataset(data, "images", "images needed on both X and −X", target)
    _networks_legend(figure, f"bar: 95 % interval, N = {_count(data)} networks")
    figure.suptitle(_images_finding(data), x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure, data


def random_sign_factor(efficiency: pd.DataFrame, target: dict[str, float]) -> tuple[Figure, pd.DataFrame]:
    """The factor in images that each model saves where signs are random in training and test, and theory's 2."""
    random = efficiency[efficiency["setting"] == "random-sign"]
    data = pd.concat(
        [random[(random["dataset"] == name) & (random["target"] == value)] for name, value in target.items()]
    )
    data = data[np.isfinite(data["ratio"].astype(float))].copy()
    data.insert(0, "model", models(data))
    figure, panels = _by_dataset(data, "ratio", "factor in images that is saved", target)
    for panel in panels:
        panel.axvline(1, color="#999999", linewidth=1)
        panel.axvline(2, color="black", linewidth=1.2, linestyle="--")
    note = f"bar: 95 % interval, N = {_count(data)} networks; dashed: 2, theory's largest gain from the symmetry alone"
    _networks_legend(figure, note)
    figure.suptitle(_factor_finding(data), x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure, data


def cost_to_target(cost: pd.DataFrame, dataset: str, target: float) -> tuple[Figure, pd.DataFrame]:
    """Evaluations, arithmetic and seconds until a network reaches the target on both X and −X, all images given."""
    data = cost[(cost["dataset"] == dataset) & (cost["target"] == target)].copy()
    data.insert(0, "model", models(data))
    quantities = {"evaluations": "evaluations of the loss", "flop": "FLOP", "seconds": "time, one network alone"}
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharey=True, layout="constrained")
    for panel, (column, label) in zip(axes, quantities.items(), strict=True):
        _points(panel, data, column, data["model"], unit="s" if column == "seconds" else "")
        panel.set_xlabel(label)
    n = max(data["n"], default=0)
    _networks_legend(
        figure, f"point: median of N = {n}; bar: 95 % interval; not reached: by half of the networks or more"
    )
    finding = _cost_finding(data, dataset, target)
    figure.suptitle(finding, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure, data


def budget(data: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Accuracy on both X and −X against iterations: a panel per width, a line per model.

    data: features, training_set, hidden_layers, iterations, mean, low, high, n of the smaller of the two accuracies.
    """
    data = data.copy()
    data.insert(0, "model", models(data))
    widths = list(dict.fromkeys(data["hidden_layers"]))
    panels = max(len(widths), 1)
    figure, axes = plt.subplots(1, panels, figsize=(WIDTH, 3.6), sharey=True, layout="constrained", squeeze=False)
    for panel, width in zip(axes[0], widths, strict=False):
        _curves(panel, data[data["hidden_layers"] == width], "iterations")
        panel.axvline(200, color="#999999", linewidth=1, linestyle=":")
        _log_axis(panel)
        panel.set_xlabel("L-BFGS iterations")
        panel.set_title(f"hidden layers {width}", fontweight="normal", fontsize="medium")
    axes[0, 0].set_ylabel("accuracy on both X and −X")
    _legend(figure, data, f"band: 95 % interval, N = {max(data['n'], default=0)}; dotted: the paper's 200")
    figure.suptitle(_budget_finding(data), x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure, data


def _by_dataset(data: pd.DataFrame, column: str, label: str, target: dict[str, float]) -> tuple[Figure, np.ndarray]:
    """A panel per dataset, a point per model, on logarithmic axes; the panels."""
    figure, axes = plt.subplots(1, len(target), figsize=(WIDTH, 3.6), sharey=True, layout="constrained", squeeze=False)
    for panel, (name, value) in zip(axes[0], target.items(), strict=True):
        _points(panel, data[data["dataset"] == name], column, data["model"])
        panel.set_xlabel(label)
        panel.set_title(f"{name}, {value:.0%}", fontweight="normal", fontsize="medium")
    return figure, axes[0]


def _count(data: pd.DataFrame) -> str:
    """N, or its range."""
    counts = sorted({*data["n"]} or {0})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _log_axis(panel: Axes, unit: str = "") -> None:
    """A logarithmic axis with few ticks and plain numbers: 200, 1k, 5M, 20ms."""
    panel.set_xscale("log")
    low, high = panel.get_xlim()
    narrow = high / low < 6
    subs = (1.0, 2.0, 5.0) if high / low < 50 else (1.0,)
    panel.xaxis.set_major_locator(MaxNLocator(3) if narrow else LogLocator(subs=subs, numticks=6))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(EngFormatter(unit, sep=""))


def _curves(panel: Axes, data: pd.DataFrame, x: str) -> None:
    for name in COLOURS:
        line = data[data["model"] == name].sort_values(x)
        if line["mean"].notna().any():
            panel.plot(line[x], line["mean"], color=COLOURS[name], marker="o", markersize=3, linewidth=1.4)
            panel.fill_between(line[x], line["low"], line["high"], color=COLOURS[name], alpha=0.2, linewidth=0)


def _points(panel: Axes, data: pd.DataFrame, column: str, rows: pd.Series, unit: str = "") -> None:
    """A point and its interval per model (down the page) and kind of network (beside each other).

    rows: the models that have a place, in every panel beside this one as well.
    """
    present = [name for name in COLOURS if name in set(rows)]
    open_ends = []
    for position, name in enumerate(present):
        own = data[data["model"] == name]
        for network, offset in zip(NETWORKS, (-0.16, 0.16), strict=True):
            for _, row in own[own["network"] == network].iterrows():
                values = pd.to_numeric(row[[column, f"{column}_low", f"{column}_high"]], errors="coerce")
                middle, low, high = values.to_numpy(dtype=float)
                if not np.isfinite(middle):
                    continue
                if np.isfinite([low, high]).all():
                    panel.plot([low, high], [position + offset] * 2, color=COLOURS[name], linewidth=1.4)
                elif np.isfinite(low):
                    open_ends.append((low, middle, position + offset, COLOURS[name]))
                panel.plot(middle, position + offset, marker=MARKERS[network], color=COLOURS[name], markersize=6)
        if len(own) and not np.isfinite(pd.to_numeric(own[column], errors="coerce").astype(float)).any():
            place = panel.get_yaxis_transform()
            panel.text(0.03, position, "not reached", transform=place, va="center", color="#777777", fontsize="small")
    _log_axis(panel, unit)
    end = panel.get_xlim()[1]
    for low, middle, height, colour in open_ends:
        # An interval without an end.
        panel.plot([low, middle], [height] * 2, color=colour, linewidth=1.4)
        arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
        panel.annotate("", (end, height), xytext=(middle, height), arrowprops=arrow)
    panel.set_yticks(range(len(present)), present)
    panel.set_ylim(max(len(present), 1) - 0.5, -0.5)
    panel.grid(axis="y", visible=False)


def _present(data: pd.DataFrame) -> list[str]:
    """The models of the data, in the order of every legend."""
    return [name for name in COLOURS if name in set(data["model"])]


def _legend(figure: Figure, data: pd.DataFrame, note: str) -> None:
    names = _present(data)
    handles = [Line2D([], [], color=COLOURS[name], linewidth=2) for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=4, title=note, title_fontsize="small")


def _networks_legend(figure: Figure, note: str) -> None:
    handles = [Line2D([], [], color="#555555", marker=MARKERS[network], linestyle="") for network in NETWORKS]
    figure.legend(handles, NETWORKS, loc="outside lower center", ncols=2, title=note, title_fontsize="small")


def _accuracy_finding(data: pd.DataFrame) -> str:
    """On all images: what the plain, the augmented and the best invariant model reach on X and on −X."""
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


def _sides_finding(data: pd.DataFrame) -> str:
    """What share of X and of −X the plain, the augmented and the best invariant model get right, biased."""
    table = data[data["network"] == "biased"].pivot(index="model", columns="metric", values="mean").dropna()
    clauses = []
    for name, where in (("identity, X", "trained on X"), ("identity, ±X", "trained on ±X")):
        if name in table.index:
            on, off = (f"{table.loc[name, metric]:.0%}" for metric in SIDES)
            clauses.append(f"{where}, {on} of X and {off} of −X are right")
    invariant = table[~table.index.str.startswith("identity")].min(axis=1)
    if len(invariant):
        clauses.append(f"with {invariant.idxmax()} features, {invariant.max():.0%} of both")
    return ";\n".join(clauses) or "none was trained"


def _gap_finding(data: pd.DataFrame) -> str:
    """How far the models over-fit the fewest images, and who loses on −X with all of them."""
    data = data.dropna(subset="mean")
    if data.empty:
        return "no network was trained"
    few, all_ = data["images"].min(), data["images"].max()
    gap = data[data["metric"] == "generalisation_gap"].groupby("images")["mean"].max()
    lost = data[(data["images"] == all_) & (data["metric"] == "symmetry_gap")]
    losing = _present(lost[lost["mean"] > 0.1])
    return (
        f"train − test is up to {gap.get(few, np.nan):.2f} on {int(few)} images, "
        f"at most {gap.get(all_, np.nan):.2f} on all;\n"
        f"more than 0.1 lost on −X with all images: {', '.join(losing) or 'by no model'}"
    )


def _images_finding(data: pd.DataFrame) -> str:
    """Per dataset: the model that needs the fewest images, against ±X, both biased."""
    parts = []
    for dataset, rows in data[data["network"] == "biased"].groupby("dataset", sort=False):
        needed = pd.to_numeric(rows.set_index("model")["images"], errors="coerce")
        if needed.notna().any() and np.isfinite(needed.min()):
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
        ratio = pd.to_numeric(rows.set_index("model")["ratio"])
        alone = f"canonical saves a factor {ratio['canonical']:.1f}, " if "canonical" in ratio else ""
        parts.append(f"{dataset}: {alone}{ratio.idxmax()} {ratio.max():.1f}")
    return "With random signs, biased; " + (";\n".join(parts) or "no factor is known")


def _cost_finding(data: pd.DataFrame, dataset: str, target: float) -> str:
    """The cheapest model against ±X, both biased, in evaluations and FLOP."""
    if data.empty:
        return f"{dataset}: no network was trained on all images"
    rows = data[data["network"] == "biased"].set_index("model")
    evaluations = pd.to_numeric(rows["evaluations"], errors="coerce").dropna()
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


def _budget_finding(data: pd.DataFrame) -> str:
    """±X at the end of the budget against the best invariant model, in the narrowest and the widest network."""
    data = data.dropna(subset="mean")
    if data.empty:
        return "No network was trained"
    last = data.sort_values("iterations").groupby(["hidden_layers", "model"], sort=False).last()["mean"]
    parts = []
    for width in dict.fromkeys((data["hidden_layers"].iloc[0], data["hidden_layers"].iloc[-1])):
        means = last[width]
        texts = [f"±X {means['identity, ±X']:.2f}"] if "identity, ±X" in means else []
        invariant = means[~means.index.str.startswith("identity")]
        if len(invariant):
            texts.append(f"{invariant.idxmax()} {invariant.max():.2f}")
        if texts:
            parts.append(f"{width}: {', '.join(texts)}")
    return f"After {int(data['iterations'].max()):,} iterations, on both X and −X; " + ";\n".join(parts)
