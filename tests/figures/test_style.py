"""How figures look and are saved: the same bytes each time, a colour for each model, captions as they should read."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from symmetry_constrained.data import inputs
from symmetry_constrained.features import inversion
from symmetry_constrained.figures import style
from symmetry_constrained.figures.titles import title_of

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
    assert title_of(tmp_path / "figure.png") == "A line and its band"
    # The title above all panels comes before that of the first.
    style.set_title(figure, "What was\nfound")
    style.save(figure, tmp_path / "figure", data)
    assert title_of(tmp_path / "figure.png") == "What was found"


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


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.123, "0.12"), (1234.5, "1,234"), (7.0e-15, "7·10⁻¹⁵"), (-0.004, "−4·10⁻³"), (np.nan, "–")],
)
def test_numbers_are_written_with_powers_of_ten(value, text):
    assert style.number(value) == text


def test_names_in_sentences():
    assert [style.dataset(name) for name in ("digits", "mnist", "fashion-mnist", "noise")] == [
        "Digits",
        "MNIST",
        "Fashion-MNIST",
        "Noise",
    ]
    assert [style.on(name) for name in ("identity, ±X", "square")] == ["trained on ±X", "on square features"]
    assert style.percent(0.005) == "0 %" and style.percent(0.83) == "83 %"


def test_every_model_has_a_marker_that_its_colours_neighbours_lack():
    assert set(style.SHAPES) == set(style.COLOURS)
    assert len({style.SHAPES[name] for name in list(style.COLOURS)[:9]}) == 9


def test_names_beside_lines_are_apart_and_near_their_lines():
    _, panel = plt.subplots()
    panel.set_ylim(0, 1)
    style.beside(panel, [("low", 0.2, "red"), ("one", 0.5, "green"), ("two", 0.5, "blue"), ("three", 0.501, "black")])
    places = {text.get_text(): text.xy[1] for text in panel.texts}
    assert places["low"] == pytest.approx(0.2)
    heights = [places[name] for name in ("one", "two", "three")]
    assert np.diff(heights).min() > 0.069 and np.mean(heights) == pytest.approx(0.5, abs=0.01)
