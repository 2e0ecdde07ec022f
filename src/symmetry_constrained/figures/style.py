"""The style and the files of all figures: one colour per model, and the data of each figure beside it as CSV.

Drawing only: nothing here trains or judges.
"""

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from symmetry_constrained.artifacts import whole, write_csv
from symmetry_constrained.features.inversion import FEATURES

# Okabe and Ito's colours, which colour-blind readers can distinguish; a model is its features and training set.
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
TRAINED = {"original": "X", "augmented": "±X", "random-sign": "random signs"}
MARKERS = {"biased": "o", "bias-free": "X"}
CLEAN_COLOUR = "#9A9A9A"
WIDTH = 7.2  # inches: a page's text


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


def title_of(png: Path) -> str:
    """The title of a figure that `save` wrote, in one line."""
    with Image.open(png) as image:
        return " ".join(image.info["Title"].split())


def model(features_: str, training_set: str) -> str:
    """A model's name in legends."""
    return f"identity, {TRAINED[training_set]}" if features_ == "identity" else features_


def models(networks: pd.DataFrame) -> list[str]:
    """The model of each row of `networks.csv`."""
    pairs = zip(networks["features"], networks["training_set"], strict=True)
    return [model(features_, training_set) for features_, training_set in pairs]


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


def networks_legend(figure: Figure, note: str) -> None:
    """The two kinds of network by their markers, and a note above them."""
    handles = [Line2D([], [], color="#555555", marker=marker, linestyle="") for marker in MARKERS.values()]
    figure.legend(handles, MARKERS, loc="outside lower center", ncols=2, title=note, title_fontsize="small")
