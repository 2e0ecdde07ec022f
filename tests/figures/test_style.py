"""How figures look and are saved: the same bytes each time, a colour for each model, captions as they should read."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from symmetry_constrained.data import inputs
from symmetry_constrained.features import inversion
from symmetry_constrained.figures import style

pytestmark = pytest.mark.usefixtures("style")


def curve(values):
    """A figure with what the others are made of, a line, its band, points and a legend; and its data."""
    figure, axes = plt.subplots()
    x = range(len(values))
    axes.plot(x, values, label="mean")
    axes.fill_between(x, np.array(values) - 1, np.array(values) + 1, alpha=0.2)
    axes.scatter(x, values, alpha=0.5)
    axes.legend()
    axes.set_title("A line\nand its band")
    return figure, pd.DataFrame({"x": x, "value": values})


@pytest.mark.parametrize("again", ["at once", "after another figure"])
def test_equal_data_gives_equal_bytes_in_three_files(tmp_path, again):
    for name in ("first", "second"):
        if name == "second" and again == "after another figure":
            plt.subplots()[0].savefig(tmp_path / "other.svg")
            (tmp_path / "other.svg").unlink()
        figure, data = curve([1, 3, 2])
        style.save(figure, tmp_path / f"folder/{name}", data)
    written = {path.name: path.read_bytes() for path in (tmp_path / "folder").iterdir()}
    assert sorted(written) == [f"{name}.{suffix}" for name in ("first", "second") for suffix in ("csv", "png", "svg")]
    for suffix in ("svg", "png", "csv"):
        assert written[f"first.{suffix}"] == written[f"second.{suffix}"]
    assert written["first.png"].startswith(b"\x89PNG")
    assert b"<svg" in written["first.svg"]
    for name in ("first.svg", "first.png"):
        assert b"<dc:date>" not in written[name]
        assert b"Matplotlib v" not in written[name]


def test_settings_of_ones_own_change_nothing(tmp_path):
    for name in ("first", "second"):
        if name == "second":
            own = {
                "lines.linewidth": 17,
                "font.size": 30,
                "savefig.dpi": 40,
                "svg.hashsalt": "mine",
                "axes.grid": False,
            }
            matplotlib.rcParams.update(own | {"axes.unicode_minus": False, "figure.autolayout": True})
            style.use_style()
        figure, data = curve([1, -3, 2])
        style.save(figure, tmp_path / name, data)
    for suffix in ("svg", "png"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()


def test_other_data_gives_other_bytes(tmp_path):
    for name, values in (("first", [1, 3, 2]), ("second", [1, 3, 4])):
        figure, data = curve(values)
        style.save(figure, tmp_path / name, data)
    for suffix in ("svg", "png", "csv"):
        assert (tmp_path / f"first.{suffix}").read_bytes() != (tmp_path / f"second.{suffix}").read_bytes()


def test_a_saved_figure_can_be_asked_for_its_title(tmp_path):
    figure, data = curve([1, 2])
    style.save(figure, tmp_path / "figure", data)
    assert style.title_of(tmp_path / "figure.png") == "A line and its band"
    # The title above all panels comes before that of the first.
    style.set_title(figure, "What was\nfound")
    style.save(figure, tmp_path / "figure", data)
    assert style.title_of(tmp_path / "figure.png") == "What was found"


def test_every_model_has_a_colour_of_its_own():
    models = {style.model(name, training_set) for name in inversion.FEATURES for training_set in inputs.TRAINING_SETS}
    assert models == set(style.COLOURS)
    colours = [matplotlib.colors.to_rgb(colour) for colour in (*style.COLOURS.values(), style.CLEAN_COLOUR)]
    gaps = [np.abs(np.subtract(a, b)).max() for i, a in enumerate(colours) for b in colours[:i]]
    assert min(gaps) > 0.08
    assert set(style.MARKERS) == {"biased", "bias-free"}


@pytest.mark.parametrize(
    ("features_", "training_set", "name"),
    [
        ("identity", "original", "identity, X"),
        ("identity", "augmented", "identity, ±X"),
        ("identity", "random-sign", "identity, random signs"),
        # Augmenting with −X adds nothing to invariant features.
        ("neighbour", "original", "neighbour"),
        ("neighbour", "augmented", "neighbour"),
    ],
)
def test_a_models_name(features_, training_set, name):
    assert style.model(features_, training_set) == name
    rows = pd.DataFrame({"features": [features_, "square"], "training_set": [training_set, "original"]})
    assert style.models(rows) == [name, "square"]


def test_models_are_named_once_and_in_the_order_of_the_colours():
    assert style.present(["square", "identity, ±X", "square", "identity, X"]) == [
        "identity, X",
        "identity, ±X",
        "square",
    ]
    assert style.present([]) == []


@pytest.mark.parametrize(("counts", "text"), [([4, 4], "4"), ([6, 3, 5], "3 to 6"), ([12.0], "12"), ([], "0")])
def test_counts_are_one_number_or_a_range(counts, text):
    assert style.span(pd.Series(counts)) == text
