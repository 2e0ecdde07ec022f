"""The figures of the benchmark: each solver below the machine's roofline, and how a network's cost grows.

Drawing only, from throughput.csv, peaks.csv and scaling.csv. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from symmetry_constrained.benchmark import roofline
from symmetry_constrained.benchmark.roofline import Peaks
from symmetry_constrained.benchmark.solvers import REFERENCE, Ours
from symmetry_constrained.benchmark.throughput import architecture_of
from symmetry_constrained.figures.style import WIDTH, set_title
from symmetry_constrained.figures.style import dataset as named
from symmetry_constrained.networks.costs import flop_per_evaluation

# Okabe and Ito's colours, each with its own marker.
SOLVERS = {
    "ours": ("#0072B2", "o"),
    "scikit-learn": ("#D55E00", "s"),
    "scikit-learn-float32": ("#E69F00", "D"),
    "torch": ("#009E73", "^"),
    "jax": ("#CC79A7", "v"),
}
WRITTEN = {"scikit-learn-float32": "scikit-learn, float32", "torch": "PyTorch", "jax": "JAX"}  # where not as above
AXES = {
    "networks": "networks at once",
    "n": "training images",
    "width": "units of the first hidden layer",
}


def roofline_figure(throughput: pd.DataFrame, peaks: pd.Series) -> tuple[Figure, pd.DataFrame]:
    """FLOP/s of each solver against the networks trained at once, a panel per cell, with the machine's ceilings.

    throughput, peaks: `throughput.csv` and the row of `peaks.csv`.
    """
    data, machine = throughput.copy(), Peaks(**peaks[list(Peaks.__dataclass_fields__)])
    cells = list(data[["dataset", "n"]].drop_duplicates().itertuples(index=False, name=None))
    rows = -(-len(cells) // 2)
    figure, axes = plt.subplots(
        rows, min(2, len(cells)), figsize=(WIDTH, 2.9 * rows + 0.9), sharey=True, layout="constrained", squeeze=False
    )
    sizes = np.geomspace(1, max(2, data["networks"].max()), 50)
    for panel, (dataset, n) in zip(axes.flat, cells, strict=False):
        architecture = architecture_of(dataset)
        cell = data[(data["dataset"] == dataset) & (data["n"] == n)]
        flop = flop_per_evaluation(architecture, True, n)
        ceiling = [flop / roofline.least_seconds(architecture, n, size, machine) for size in sizes]
        panel.axhline(machine.flop, color="black", linewidth=1.2)
        panel.plot(sizes, ceiling, color="black", linewidth=1.2, linestyle="--")
        for name, (colour, marker) in SOLVERS.items():
            line = cell[cell["solver"] == name].sort_values("networks")
            panel.plot(line["networks"], line["flop_per_second"], color=colour, marker=marker, markersize=5)
        best = cell[cell["solver"] == Ours.name]
        reached = f"\nwe reach {best['roofline_share'].max():.0%} of the limit" if len(best) else ""
        panel.set_title(f"{named(dataset)}, {n:,} images{reached}", fontweight="normal", fontsize="medium")
        panel.set(xscale="log", yscale="log")
        panel.set_xticks(sorted(cell["networks"].unique()), [str(size) for size in sorted(cell["networks"].unique())])
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.yaxis.set_major_formatter(EngFormatter(sep=""))
    for panel in axes[-1]:
        panel.set_xlabel("networks trained at once")
    for panel in axes[:, 0]:
        panel.set_ylabel("FLOP/s of one core")
    for panel in axes.flat[len(cells) :]:
        panel.set_visible(False)
    handles = [
        Line2D([], [], color="black", linewidth=1.2),
        Line2D([], [], color="black", linewidth=1.2, linestyle="--"),
    ]
    names = ["large matrix product", "limit: with tanh, exp and memory"]
    for name, (colour, marker) in SOLVERS.items():
        if (data["solver"] == name).any():
            handles.append(Line2D([], [], color=colour, marker=marker, markersize=5))
            names.append(WRITTEN.get(name, name))
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    set_title(figure, _speed_finding(data, cells))
    return figure, data


def _speed_finding(data: pd.DataFrame, cells: list[tuple]) -> str:
    """How many times faster we are than the reference and than the fastest other, over the cells."""
    over, ahead, rivals = [], [], []
    for name, n in cells:
        cell = data[(data["dataset"] == name) & (data["n"] == n)]
        ours, others = cell[cell["solver"] == Ours.name], cell[cell["solver"] != Ours.name]
        if not ours["speed_ratio"].isna().all() and len(others):
            best = others.loc[others["networks_per_minute"].idxmax()]
            over.append(ours["speed_ratio"].max())
            ahead.append(ours["networks_per_minute"].max() / best["networks_per_minute"])
            rivals.append(best["solver"])
    if not over:
        return f"Only {', '.join(dict.fromkeys(data['solver']))} was timed, so there is nothing to compare"
    next_ = f"{WRITTEN.get(rivals[0], rivals[0])}, the next fastest" if len({*rivals}) == 1 else "the next fastest"
    text = f"Our networks train {_times(over)} as fast as {REFERENCE}'s"
    return text if {*rivals} == {REFERENCE} else f"{text},\nand {_times(ahead)} as fast as those of {next_}"


def _times(ratios: list[float]) -> str:
    ends = dict.fromkeys(f"{value:.1f}" for value in (min(ratios), max(ratios)))
    return f"{' to '.join(ends)} times"


def scaling_figure(scaling: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Core-seconds per network and evaluation against networks, images and width, with the fitted exponents."""
    kinds = list(dict.fromkeys(scaling["varied"]))
    figure, axes = plt.subplots(1, len(kinds), figsize=(WIDTH, 3.3), sharey=True, layout="constrained", squeeze=False)
    for panel, name in zip(axes[0], kinds, strict=True):
        curve = scaling[scaling["varied"] == name].sort_values(name)
        fitted = curve[curve["fitted"]]
        x, y = curve[name], curve["seconds_per_network_evaluation"]
        panel.plot(x, y, color=SOLVERS["ours"][0], marker="o", markersize=5, linestyle="")
        slope = curve["exponent"].iloc[0]
        centre = np.log(fitted["seconds_per_network_evaluation"]).mean() - slope * np.log(fitted[name]).mean()
        panel.plot(fitted[name], np.exp(centre) * fitted[name] ** slope, color="black", linewidth=1.2)
        panel.set(xscale="log", yscale="log", xlabel=AXES[name])
        panel.xaxis.set_major_locator(LogLocator(numticks=5))
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.yaxis.set_major_formatter(EngFormatter("s", sep=""))
        fixed = ", ".join(f"{other} = {curve[other].iloc[0]:,}" for other in kinds if other != name)
        panel.set_title(f"exponent {_exponent(curve)}\n({fixed})", fontweight="normal", fontsize="medium")
    axes[0, 0].set_ylabel("core-seconds per network\nand evaluation")
    found = {name: scaling.loc[scaling["varied"] == name, "exponent"].iloc[0] for name in kinds}
    words = {"networks": "(networks at once)", "n": "images", "width": "width"}
    terms = [f"{words[name]}^{value:.2f}".replace("-", "−") for name, value in found.items()]
    figure.supxlabel("lines: fits to the upper half of the points", fontsize="small")
    set_title(figure, f"A network's cost per evaluation goes as {', '.join(terms)}")
    return figure, scaling


def _exponent(curve: pd.DataFrame) -> str:
    error = curve["exponent_error"].iloc[0]
    return f"{curve['exponent'].iloc[0]:.2f}" + ("" if np.isnan(error) else f" ± {error:.2f}")
