"""The figures of the theory's last claims: losses on orbits, flat directions, random angles, complete invariants.

Drawing only, from the tables of `measure_orbits.py` and `compare_invariants.py`. Every title is computed from the data
drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symmetry_constrained.analysis import invariants
from symmetry_constrained.figures.style import COLOURS, MARKERS, WIDTH, networks_legend, set_title, span

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
SAMPLINGS = {"equally spaced": ("#0072B2", "o"), "random": ("#D55E00", "s")}
COMPLETE = ("canonical", "quadratic", "aligned", "complete")  # maps that discard the group's action only
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ROUNDING = 1e-16  # losses that vary less are drawn here
LOWEST = 6  # eigenvalues drawn


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
    for count, shade in zip(counts, shades, strict=True):
        line = left[left["angles"] == count]
        curves.plot(np.degrees(line["angle"]), line["deviation"], color=shade, linewidth=1.5, label=str(count))
    curves.set_xticks(range(0, 361, 90))
    curves.set(xlabel="angle θ of W₁ → W₁U(θ), degrees", ylabel="loss − its mean on the orbit")
    curves.legend(title="angles trained on", ncols=3, fontsize="small", title_fontsize="small", loc="upper center")
    low, high = curves.get_ylim()
    curves.set_ylim(low, high + 0.45 * (high - low))
    _against_angles(
        points, orbits.assign(loss_variation=orbits["loss_variation"].clip(lower=ROUNDING)), "loss_variation"
    )
    points.set_ylabel("largest − smallest loss on the orbit")
    _sampling_legend(points, orbits)
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
    right.axhline(1e-3, color="#999999", linewidth=1, linestyle=":")
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
    figure, axes = plt.subplots(
        1, len(groups), figsize=(WIDTH, 0.42 * most + 1.7), layout="constrained", squeeze=False, sharex=True
    )
    kinds = {
        "inversion": "under each map: sign flips it doesn't see; weights",
        "translation": "under each map: dimensions it doesn't see; weights",
    }
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
        of_map = rows.drop_duplicates("features").set_index("features")
        free = rows[rows["network"] == "bias-free"].drop_duplicates("features").set_index("features")["parameters"]
        labels = [f"{name}\n{of_map.loc[name, 'forgets']}; {free.get(name, 0):,}" for name in names]
        panel.set_yticks(range(len(names)), labels)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_xlim(-0.02, 1)
        panel.grid(axis="y", visible=False)
        panel.set_xlabel(f"accuracy on test images under {group}")
        panel.set_title(kinds[group], fontweight="normal", fontsize="small", x=-0.35)
    n, budget = span(data["n"]), span(data["budget"])
    note = f"bar: 95 % interval of the mean of N = {n} networks, {budget} evaluations each"
    networks_legend(figure, note)
    set_title(figure, _complete_finding(invariants.contrasts(table)))
    return figure, data


def _against_angles(panel: Axes, orbits: pd.DataFrame, column: str) -> None:
    """A point per network on pixels by the number of angles, and a line through the medians; logarithmic both ways."""
    pixels = orbits[orbits["features"] == "identity"]
    for sampling, (colour, marker) in SAMPLINGS.items():
        rows = pixels[pixels["sampling"] == sampling]
        if len(rows):
            medians = rows.groupby("angles")[column].median()
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


def _setting(features_: str, angles: int) -> str:
    if features_ != "identity":
        return features_
    return "pixels\non X" if angles == 1 else f"pixels on\n{angles} angles"


def _power_of_two(exponent: int) -> str:
    return str(2**exponent) if exponent < 2 else f"$2^{{{exponent}}}$"


def _number(value: float) -> str:
    """0.12, or 5·10⁻⁹ below a hundredth."""
    if value >= 0.01 or value == 0:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def _variation_finding(orbits: pd.DataFrame) -> str:
    """How far the loss varies along the orbit with the fewest and the most angles, and with invariant features."""
    pixels = orbits[(orbits["features"] == "identity") & (orbits["sampling"] == "equally spaced")]
    medians = pixels.groupby("angles")["loss_variation"].median()
    texts = [f"{_number(value)} on {angles} angle{'s' * (angles > 1)}" for angles, value in medians.items()]
    text = f"Along the orbit the loss varies by {', by '.join(dict.fromkeys([texts[0], texts[-1]]))}"
    text += f"\n(medians of N = {pixels.groupby('angles').size().max()})"
    invariant = orbits[orbits["features"] != "identity"]
    if len(invariant):
        text += f"; with invariant features by at most {_number(invariant['loss_variation'].max())} on 1"
    return text


def _flat_finding(orbits: pd.DataFrame) -> str:
    """The curvature along the fully sampled orbit against λ and the next eigenvalue; flat directions of other maps."""
    pixels = orbits[(orbits["features"] == "identity") & (orbits["sampling"] == "equally spaced")]
    pixels = pixels[(pixels["angles"] == pixels["angles"].max()) & pixels["curvature"].notna()]
    if pixels.empty:
        text = "No minimum on the orbit breaks the symmetry: none has a direction along it"
    else:
        along = (pixels["curvature"].abs() / pixels["penalty"]).max()
        text = f"On {pixels['angles'].iloc[0]} angles the curvature along the orbit is at most {_number(along)} λ"
        if (pixels["overlap"] > 0.5).all():
            text += f", the next above {_number((pixels['second'] / pixels['penalty']).min())} λ"
        text += f" (N = {len(pixels)})"
    invariant = orbits[orbits["features"] != "identity"]
    if len(invariant):
        none = int((invariant["flat"] == 0).sum())
        text += f";\nwith invariant features {none} of {len(invariant)} minima have no flat direction"
    return text


def _random_finding(data: pd.DataFrame) -> str:
    """The fitted power of m·n, how near the prediction is, and what averaging draws leaves."""
    groups = data.groupby(["parameters", "seed", "images"])
    x, y = (
        np.log(data[name]) - groups[name].transform(lambda values: np.log(values).mean()) for name in ("points", "rms")
    )
    power = (
        f"varies as (images × angles)^{(x * y).sum() / (x * x).sum():.2f}".replace("-", "−") if x.any() else "varies"
    )
    ratio = data["rms"] / data["predicted"]
    less = (data["rms"] / data["mean_rms"]).median()
    return (
        f"On random angles the loss {power} along the orbit,\n"
        f"{ratio.min():.2f} to {ratio.max():.2f} times the prediction; "
        f"the mean of {int(data['draws'].max())} draws varies {less:.0f} times less"
    )


def _complete_finding(contrasts: pd.DataFrame) -> str:
    """Per group, what the complete maps gain over the norms alone."""
    rows = contrasts[contrasts["features"].isin(COMPLETE) & (contrasts["network"] == "bias-free")]
    if rows.empty:
        return "Complete invariants were not compared with norms alone"
    beats = "beat" if (rows["low"] > 0).all() else "do not all beat"
    parts = []
    for group, part in rows.groupby("group", sort=False):
        gains = [
            f"{row['features']} {row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"
            for _, row in part.iterrows()
        ]
        parts.append(f"{group}, over {part['against'].iloc[0]}: {', '.join(gains)}".replace("-", "−"))
    return f"Complete invariants {beats} norms alone (bias-free, N = {span(rows['n'])} pairs);\n" + ";\n".join(parts)
