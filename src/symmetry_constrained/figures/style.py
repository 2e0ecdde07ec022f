"""The style and the files of all figures: a colour and a marker per model, and each figure's data beside it as CSV.

Drawing only: nothing here trains or judges.
"""

from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

from symmetry_constrained.artifacts import whole, write_csv
from symmetry_constrained.data import registry
from symmetry_constrained.features.inversion import FEATURES

# Okabe and Ito's colours; a model is its features and training set.
COLOURS = {
    "identity, X": "#D55E00",
    "identity, ±X": "#E69F00",
    "identity, random signs": "#8C6D31",
    "square": "#56B4E9",
    "neighbour": "#0072B2",
    "permuted": "#009E73",
    "canonical": "#CC79A7",
    "absolute": "#7F7F7F",
    "quadratic": "#332288",
}
# A feature map that is not listed takes the next of seaborn's dark colours.
UNLISTED = [name for name in FEATURES if name not in (*COLOURS, "identity")]
COLOURS |= dict(zip(UNLISTED, cycle(sns.color_palette("dark").as_hex()), strict=False))
# Some of the colours turn grey for a deuteranope, so where colour tells models apart a marker does as well.
SHAPES = dict(zip(COLOURS, cycle("osD^vPXh*"), strict=False))
TRAINED = {"original": "X", "augmented": "±X", "random-sign": "random signs"}
MARKERS = {"biased": "o", "bias-free": "X"}
CLEAN_COLOUR = "#9A9A9A"
WIDTH = 7.2  # inches: a page's text
CHANCE = 0.1  # the accuracy of one answer to every image, as there are ten classes
FEW = 20  # fewer networks are drawn one by one beside their mean
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def use_style() -> None:
    """Seaborn's white style, at sizes that stay legible in a page; SVG with stable names.

    Whatever was set before, as by the user's own matplotlibrc, is left out.
    """
    matplotlib.rcdefaults()
    sns.set_theme(context="paper", style="whitegrid", font_scale=1.05)
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "symmetry-constrained",
            "svg.fonttype": "path",
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "legend.frameon": False,
            "figure.dpi": 110,
        }
    )


def save(figure: Figure, stem: Path, data: pd.DataFrame) -> None:
    """Write stem.svg, stem.png and stem.csv, the data drawn. Equal data gives equal bytes.

    The title, which states the finding, is also in the files' metadata.
    """
    title = figure.get_suptitle() or figure.axes[0].get_title(loc="left")
    for suffix, metadata in ((".svg", {"Date": None, "Creator": None}), (".png", {"Software": None})):
        with whole(stem.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, metadata=metadata | {"Title": title}, bbox_inches="tight", dpi=160)
    write_csv(data, stem.with_suffix(".csv"))


def model(features_: str, training_set: str) -> str:
    """A model's name in legends."""
    return f"identity, {TRAINED[training_set]}" if features_ == "identity" else features_


def models(networks: pd.DataFrame) -> list[str]:
    """The model of each row of `networks.csv`."""
    pairs = zip(networks["features"], networks["training_set"], strict=True)
    return [model(features_, training_set) for features_, training_set in pairs]


def dataset(name: str) -> str:
    """A dataset's name in titles and on axes."""
    text = registry.written(name)
    return text[:1].upper() + text[1:]


def on(name: str) -> str:
    """How networks of a model were trained, to follow "networks"."""
    features_, _, training_set = name.partition(", ")
    return f"trained on {training_set}" if training_set else f"on {features_} features"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def number(value: float) -> str:
    """0.12, 1,200, or 5·10⁻⁹ below a hundredth; – for nan."""
    if not abs(value) < 0.01 or value == 0:
        return "–" if np.isnan(value) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}".replace("-", "−")
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", "−")


def present(names: Iterable[str]) -> list[str]:
    """The models named, once each, in the order of every legend."""
    named = set(names)
    return [name for name in COLOURS if name in named]


def span(counts: pd.Series) -> str:
    """The range of integers for a caption: 4, or 3 to 6."""
    low, high = (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)
    return str(low) if low == high else f"{low} to {high}"


def set_title(figure: Figure, text: str, **place: Any) -> None:
    """The finding, above all panels; place: its position in a layout that is not constrained."""
    figure.suptitle(text, x=0.01, ha="left", fontweight="bold", fontsize="medium", **place)


def chance_line(panel: Axes, horizontal: bool = True, name: bool = False) -> None:
    """A dotted line at the accuracy of chance, across the panel or up; name: with the word beside it."""
    style: dict[str, Any] = {"color": "#777777", "linewidth": 1, "linestyle": ":", "zorder": 1}
    (panel.axhline if horizontal else panel.axvline)(CHANCE, **style)
    if name:
        place = (1, CHANCE) if horizontal else (CHANCE, 0)
        system = panel.get_yaxis_transform() if horizontal else panel.get_xaxis_transform()
        offset, side = ((-2, 2), "right") if horizontal else ((2, 2), "left")
        word: dict[str, Any] = {"fontsize": "x-small", "color": "#777777", "ha": side, "va": "bottom"}
        panel.annotate("chance", place, xycoords=system, xytext=offset, textcoords="offset points", **word)


def beside(panel: Axes, labels: Sequence[tuple[str, float, Any]], gap: float = 0.07) -> None:
    """Names at the right of lines, each in its line's colour: (name, height of the line's end, colour).

    Neighbours are moved apart until they are at least the gap, a share of the panel's height, from one another.
    """
    to_axes = (panel.transData + panel.transAxes.inverted()).transform
    # Ends that the eye can't tell apart keep the order given.
    ends = sorted(((to_axes((1, height))[1], name, colour) for name, height, colour in labels), key=_height)
    places = [end for end, _, _ in ends]
    for at in [*range(1, len(places))] * 100:
        lack = max(gap - (places[at] - places[at - 1]), 0)
        places[at - 1 : at + 1] = places[at - 1] - lack / 2, places[at] + lack / 2
    for place, (_, name, colour) in zip(places, ends, strict=True):
        style: dict[str, Any] = {"va": "center", "color": colour, "fontsize": "small", "annotation_clip": False}
        panel.annotate(name, (1, place), xycoords="axes fraction", xytext=(5, 0), textcoords="offset points", **style)


def _height(end: tuple[float, str, Any]) -> float:
    return round(end[0], 2)


def networks_legend(figure: Figure, note: str) -> None:
    """The two kinds of network by their markers, and a note above them."""
    handles = [Line2D([], [], color="#555555", marker=marker, linestyle="") for marker in MARKERS.values()]
    figure.legend(handles, MARKERS, loc="outside lower center", ncols=2, title=note, title_fontsize="small")


def log_axis(panel: Axes, unit: str | None = "", name: Literal["x", "y"] = "x") -> None:
    """A logarithmic axis with few ticks and short numbers: 200, 1k, 5M, 20ms; unit None, for a ratio: 0.1, 2, 1000."""
    panel.set(**{f"{name}scale": "log"})
    axis = panel.xaxis if name == "x" else panel.yaxis
    low, high = axis.get_view_interval()
    narrow = high / low < 6
    subs = (1.0, 2.0, 5.0) if high / low < 50 else (1.0,)
    axis.set_major_locator(MaxNLocator(3) if narrow else LogLocator(subs=subs, numticks=6))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}" if unit is None else EngFormatter(unit, sep=""))
