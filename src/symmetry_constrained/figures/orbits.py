"""The figures of continuous symmetry: losses on orbits, flat directions, random angles.

Drawing only, from the tables of `measure_orbits.py`. Every title is computed from the data drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained.figures.style import WIDTH, beside, number, set_title, span

SAMPLINGS = {"equally spaced": ("#0072B2", "o"), "random": ("#D55E00", "s")}
ROUNDING = 1e-16  # losses that vary less are drawn here
LOWEST = 6  # eigenvalues drawn
FLAT = 1e-3  # curvature over λ
NEAR = 0.05  # a fitted power this near to a predicted one is it


def loss_on_orbit(orbit_loss: pd.DataFrame, orbits: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The loss as W₁ moves along its orbit, by the number of angles trained on, and its variation on the orbit.

    Left: one network per number of equally spaced angles, less its mean. Right: a point per network.
    """
    left = orbit_loss[(orbit_loss["features"] == "identity") & (orbit_loss["sampling"] == "equally spaced")]
    left = left[left["seed"] == left["seed"].min()].copy()
    left["deviation"] = left["loss"] - left.groupby("angles")["loss"].transform("mean")
    figure, (curves, points) = plt.subplots(1, 2, figsize=(WIDTH, 3.6), layout="constrained")
    counts = sorted(left["angles"].unique())
    shades = plt.get_cmap("viridis")(np.linspace(0.9, 0.05, len(counts)))
    ends = []
    for count, shade in zip(counts, shades, strict=True):
        line = left[left["angles"] == count]
        curves.plot(np.degrees(line["angle"]), line["deviation"], color=shade, linewidth=1.5)
        ends.append((_angles(count), line["deviation"].iloc[-1], shade))
    curves.set_xticks(range(0, 361, 90))
    curves.set(xlabel="angle θ of W₁ → W₁U(θ), degrees", ylabel="loss − its mean on the orbit")
    beside(curves, ends)
    _against_angles(
        points, orbits.assign(loss_variation=orbits["loss_variation"].clip(lower=ROUNDING)), "loss_variation"
    )
    points.set_ylabel("largest − smallest loss on the orbit")
    _sampling_legend(points, orbits)
    _note(figure, orbits)
    set_title(figure, _variation_finding(orbits))
    drawn = [left.assign(panel="left"), orbits.assign(panel="right")]
    return figure, pd.concat(drawn, ignore_index=True)


def flat_direction(orbits: pd.DataFrame, spectrum: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The curvature along the orbit by the number of angles trained on, and the lowest eigenvalues of each Hessian.

    Both in units of the penalty λ, which alone would curve every direction by 1. A point per network.
    """
    penalty = orbits["penalty"].iloc[0]
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 4.0), layout="constrained", width_ratios=(1, 1.5))
    pixels = orbits[(orbits["features"] == "identity") & orbits["curvature"].notna()]
    _against_angles(left, pixels.assign(curvature=pixels["curvature"].abs() / penalty), "curvature")
    left.axhline(1, color="black", linewidth=1, linestyle="--")
    left.set_ylabel("|curvature along the orbit| / λ")
    _sampling_legend(left, pixels)

    data = spectrum[(spectrum["order"] <= LOWEST) & (spectrum["sampling"] == "equally spaced")].copy()
    most = data.loc[data["features"] == "identity", "angles"].max()
    data = data[(data["features"] != "identity") | data["angles"].isin([1, most])]
    data["relative"] = data["eigenvalue"].abs() / penalty
    data["along_orbit"] = data["overlap"] > 0.5
    columns = list(dict.fromkeys(zip(data["features"], data["angles"], strict=True)))
    for place, (features_, angles) in enumerate(columns):
        rows = data[(data["features"] == features_) & (data["angles"] == angles)]
        for flag, marker, size in ((False, "o", 16), (True, "*", 110)):
            chosen = rows[rows["along_orbit"] == flag]
            offset = place + 0.22 * (chosen["order"] - (LOWEST + 1) / 2) / LOWEST * 3
            colour = "#D55E00" if flag else "#555555"
            right.scatter(offset, chosen["relative"], marker=marker, s=size, color=colour, alpha=0.8, linewidths=0)
    names = [_setting(features_, int(angles)) for features_, angles in columns]
    right.set_xticks(range(len(columns)), names, fontsize="small")
    right.axhline(1, color="black", linewidth=1, linestyle="--")
    right.axhline(FLAT, color="#999999", linewidth=1, linestyle=":")
    right.set_yscale("log")
    right.set_ylabel(f"the {LOWEST} lowest |eigenvalues| / λ")
    right.grid(axis="x", visible=False)
    handles = [
        Line2D([], [], marker="*", linestyle="", color="#D55E00", markersize=11),
        Line2D([], [], marker="o", linestyle="", color="#555555", markersize=4),
        Line2D([], [], color="black", linewidth=1, linestyle="--"),
        Line2D([], [], color="#999999", linewidth=1, linestyle=":"),
    ]
    labels = ["the direction along the orbit", "other", "λ: the penalty alone", "λ/1000: flat"]
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="small")
    set_title(figure, _flat_finding(orbits))
    drawn = [pixels.assign(panel="left"), data.assign(panel="right")]
    return figure, pd.concat(drawn, ignore_index=True)


def random_angles(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """How much a loss on random angles varies along the orbit, against the number of images times angles.

    A panel per kind of network, a point per network, number of images and of angles; lines: what 1 / √(m·n) predicts.
    """
    data = table.copy()
    data["points"] = data["images"] * data["angles"]
    kinds = list(dict.fromkeys(data["parameters"]))
    figure, axes = plt.subplots(1, len(kinds), figsize=(WIDTH, 3.4), sharey=True, layout="constrained", squeeze=False)
    sizes = sorted(data["images"].unique())
    shades = dict(zip(sizes, ("#56B4E9", "#0072B2"), strict=False))
    for panel, kind in zip(axes[0], kinds, strict=True):
        for (_, images), line in data[data["parameters"] == kind].groupby(["seed", "images"]):
            line = line.sort_values("points")
            colour = shades[images]
            panel.plot(line["points"], line["predicted"], color=colour, linewidth=1)
            panel.scatter(line["points"], line["rms"], color=colour, s=22, marker="o", linewidths=0)
            panel.scatter(line["points"], line["mean_rms"], color=colour, s=22, marker="x", linewidths=1.2)
        panel.set(xscale="log", yscale="log", xlabel="images × random angles")
        panel.set_title(f"{kind} networks", fontweight="normal", fontsize="medium")
    axes[0, 0].set_ylabel("rms of loss(θ) − its mean")
    handles = [Line2D([], [], marker="s", linestyle="", color=shades[size]) for size in sizes]
    handles += [
        Line2D([], [], marker="o", linestyle="", color="#555555", markersize=5),
        Line2D([], [], color="#555555", linewidth=1),
        Line2D([], [], marker="x", linestyle="", color="#555555", markersize=5),
    ]
    draws = int(data["draws"].max())
    names = [f"{size} images" for size in sizes]
    names += ["one draw of the angles", "predicted, ∝ 1/√(images × angles)", f"mean of {draws} draws"]
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize="small")
    set_title(figure, _random_finding(data))
    return figure, data


def _against_angles(panel: Axes, orbits: pd.DataFrame, column: str) -> None:
    """A point per network on pixels by the number of angles, and a line through three medians or more; log axes."""
    pixels = orbits[orbits["features"] == "identity"]
    for sampling, (colour, marker) in SAMPLINGS.items():
        rows = pixels[pixels["sampling"] == sampling]
        if len(rows):
            medians = rows.groupby("angles")[column].median()
            if len(medians) > 2:
                panel.plot(medians.index, medians, color=colour, linewidth=1.2)
            panel.scatter(rows["angles"], rows[column], color=colour, marker=marker, s=20, alpha=0.8, linewidths=0)
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    counts = sorted(pixels["angles"].unique())
    panel.set_xticks(counts, [str(count) for count in counts])
    panel.minorticks_off()
    panel.set_xlabel("angles trained on, each image")


def _sampling_legend(panel: Axes, orbits: pd.DataFrame) -> None:
    present = [name for name in SAMPLINGS if name in set(orbits.loc[orbits["features"] == "identity", "sampling"])]
    handles = [Line2D([], [], color=SAMPLINGS[name][0], marker=SAMPLINGS[name][1], markersize=5) for name in present]
    panel.legend(handles, present, loc="lower left", fontsize="small")


def _note(figure: Figure, orbits: pd.DataFrame) -> None:
    pixels = orbits[orbits["features"] == "identity"]
    n = span(pixels.groupby(["sampling", "angles"]).size())
    figure.supxlabel(f"right: a point per network, N = {n} for each number of angles; line: medians", fontsize="small")


def _setting(features_: str, angles: int) -> str:
    if features_ != "identity":
        return features_
    return "pixels\non X" if angles == 1 else f"pixels on\n{angles} angles"


def _variation_finding(orbits: pd.DataFrame) -> str:
    """How far the loss varies along the orbit with the fewest and the most angles, and with invariant features."""
    pixels = orbits[(orbits["features"] == "identity") & (orbits["sampling"] == "equally spaced")]
    medians = pixels.groupby("angles")["loss_variation"].median()
    texts = [f"by {number(value)} on {_angles(angles)}" for angles, value in medians.items()]
    text = f"The loss varies along the orbit {' and '.join(dict.fromkeys([texts[0], texts[-1]]))}"
    invariant = orbits[orbits["features"] != "identity"]
    if len(invariant):
        text += f",\nand by at most {number(invariant['loss_variation'].max())} on invariant features"
    return text


def _angles(count: int) -> str:
    return f"{count} angle{'' if count == 1 else 's'}"


def _flat_finding(orbits: pd.DataFrame) -> str:
    """Whether the loss is flat along the fully sampled orbit, in units of λ, and how many minima of other maps are."""
    pixels = orbits[(orbits["features"] == "identity") & (orbits["sampling"] == "equally spaced")]
    pixels = pixels[(pixels["angles"] == pixels["angles"].max()) & pixels["curvature"].notna()]
    if pixels.empty:
        text = "No minimum on the orbit breaks the symmetry, so none has a direction along it"
    else:
        along = (pixels["curvature"].abs() / pixels["penalty"]).max()
        flat = "is flat" if along < FLAT else "is not flat"
        text = (
            f"On {_angles(pixels['angles'].iloc[0])} the loss {flat} along the orbit: "
            f"its curvature is at most {number(along)} λ"
        )
    invariant = orbits[orbits["features"] != "identity"]
    if len(invariant):
        flat_ones = int((invariant["flat"] > 0).sum())
        verb = "has" if flat_ones <= 1 else "have"
        text += f";\n{flat_ones or 'none'} of {len(invariant)} minima on invariant features {verb} a flat direction"
    return text


def _random_finding(data: pd.DataFrame) -> str:
    """Whether the variation falls as one over the root of m·n, and what averaging draws leaves."""
    groups = data.groupby(["parameters", "seed", "images"])
    x, y = (
        np.log(data[name]) - groups[name].transform(lambda values: np.log(values).mean()) for name in ("points", "rms")
    )
    text = "On random angles the loss varies along the orbit"
    if x.any():
        power = (x * y).sum() / (x * x).sum()
        text = "On n = images × random angles the loss varies along the orbit"
        text += " as 1/√n, as predicted" if abs(power + 0.5) < NEAR else f" as n^{power:.2f}, not as 1/√n"
    less = (data["rms"] / data["mean_rms"]).median()
    return f"{text.replace('-', '−')};\nthe mean of {int(data['draws'].max())} draws varies {less:.0f} times less"
