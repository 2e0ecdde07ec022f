"""The study's figures on made-up tables: every mark is a row of the data beside it, and titles that the data decides.

The tables are made by the library's own functions from made-up networks, so their columns are the real ones.
"""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from synthetic import PAIRS, at, networks
from test_targets import EVALUATIONS, history, solo

from symmetry_constrained import efficiency, figures, study_figures, summary, targets

FRACTIONS = (0.01, 0.03, 0.1, 0.3, 1.0)
IMAGES = np.array([10, 30, 100, 300, 1000])
ACCURACIES, GAPS = ("test_accuracy", "inverted_accuracy"), ("generalisation_gap", "symmetry_gap")
NOISE = np.random.default_rng(0).normal(0, 0.02, (1, len(PAIRS)))
MARKERS = {marker: network for network, marker in figures.MARKERS.items()}
COLOURS = {matplotlib.colors.to_hex(colour): name for name, colour in figures.COLOURS.items()}


pytestmark = pytest.mark.usefixtures("style")


def learner(saves=1.0, lost=0.0, **model):
    """A model whose accuracy grows with log(images), as another's would with `saves` times as many; less on −X."""
    pairs = model.get("pairs", PAIRS)
    accuracy = np.minimum(0.4 + 0.1 * np.log(saves * IMAGES / 10)[:, None] + NOISE[:, : len(pairs)], 1)
    accuracies = {"test_accuracy": accuracy, "inverted_accuracy": np.maximum(accuracy - lost, 0)}
    return networks(fractions=FRACTIONS, **({"train_accuracy": 0.99} | accuracies | model))


def study(canonical=2.0, square=4.0, augmented=1.0, dataset="digits", **columns):
    """Raw pixels in every way of training, and three invariant models; the bias-free ones lose −X on raw pixels."""
    parts = [
        learner(lost=0.7),
        learner(augmented, training_set="augmented"),
        learner(training_set="random-sign"),
        learner(square, features="square"),
        learner(canonical, features="canonical"),
        learner(lost=1.0, network="bias-free"),
        learner(augmented, lost=1.0, network="bias-free", training_set="augmented"),
        learner(square, features="square", network="bias-free"),
    ]
    return at(*parts).assign(dataset=dataset, study=f"{dataset}-clean", **columns)


def without(table, *models):
    """A table of networks or of their rows in any other table, less some models."""
    return table[~np.isin(figures.models(table), models)].reset_index(drop=True)


def measured(table, *accuracies):
    return efficiency.sample_efficiency(table, {name: list(accuracies) for name in ("digits", "mnist")})


def read_again(table, folder):
    """The table as a notebook sees it."""
    table.to_csv(folder / "table.csv", index=False)
    return pd.read_csv(folder / "table.csv")


def drawn(figure):
    """Lay it out and draw it: a warning of matplotlib's would be an error here."""
    figure.set_dpi(40)
    figure.canvas.draw()


def title(figure):
    return figure.get_suptitle()


def lines(panel):
    """Line by model, as (N, 2); the panel's legend lines and rules have no model's colour."""
    found = {}
    for line in panel.lines:
        name = COLOURS.get(matplotlib.colors.to_hex(line.get_color()))
        if name is not None:
            assert name not in found
            found[name] = line.get_xydata()
    return found


def bands(panel):
    """The corners of the band of each model, as a set of (x, y)."""
    return {
        COLOURS[matplotlib.colors.to_hex(band.get_facecolor()[0, :3])]: {
            tuple(corner) for path in band.get_paths() for corner in path.vertices.round(12)
        }
        for band in panel.collections
    }


def points(panel):
    """(model, network) -> (value, the label at its height), by each marker of the panel; and its interval or None."""
    # The panel furthest left names the heights of all.
    labels = [label.get_text() for label in panel.figure.axes[0].get_yticklabels()]
    values, bars = {}, {}
    for line in panel.lines:
        name = COLOURS.get(matplotlib.colors.to_hex(line.get_color()))
        if name is None:
            continue
        x, height = line.get_xdata(), line.get_ydata()[0]
        if line.get_marker() in MARKERS:
            network = MARKERS[line.get_marker()]
            assert (name, network) not in values
            assert labels[round(height)] == name
            assert (height > round(height)) == (network == "bias-free")
            values[name, network] = (x[0], height)
        else:
            bars[name, height] = tuple(x)
    assert set(bars) <= {(name, height) for (name, _), (_, height) in values.items()}
    return {key: (value, bars.get((key[0], height))) for key, (value, height) in values.items()}


def expected_points(data, column):
    """What `points` must find: the rows whose value is known."""
    found = {}
    for _, row in data.iterrows():
        value, low, high = (float(row[name]) for name in (column, f"{column}_low", f"{column}_high"))
        if np.isfinite(value):
            found[row["model"], row["network"]] = (value, (low, high) if np.isfinite([low, high]).all() else None)
    return found


def legend(figure):
    (one,) = figure.legends
    return [text.get_text() for text in one.get_texts()], one.get_title().get_text()


# Learning curves.


@pytest.mark.parametrize("metrics", [ACCURACIES, GAPS])
def test_learning_curves_are_the_rows_of_the_summary(metrics, tmp_path):
    table = read_again(summary.summarise(study()), tmp_path)
    figure, data = study_figures.learning_curves(table, "digits", metrics)
    drawn(figure)
    expected = table[table["metric"].isin(metrics)]
    pd.testing.assert_frame_equal(data[list(table)], expected)
    assert data["model"].tolist() == figures.models(expected)
    for row, network in enumerate(("biased", "bias-free")):
        for column, metric in enumerate(metrics):
            panel = figure.axes[2 * row + column]
            assert panel.get_xscale() == "log"
            assert panel.get_ylabel() == study_figures.NAMES[metric]
            assert panel.get_title(loc="left") == f"{network} networks"
            rows = data[(data["network"] == network) & (data["metric"] == metric)].sort_values("images")
            assert set(lines(panel)) == set(rows["model"]) and len(set(rows["model"])) == (5, 3)[row]
            for name, line in lines(panel).items():
                one = rows[rows["model"] == name]
                np.testing.assert_array_equal(line, one[["images", "mean"]])
                corners = {tuple(pair) for end in ("low", "high") for pair in one[["images", end]].round(12).to_numpy()}
                assert corners <= bands(panel)[name]
    names, note = legend(figure)
    assert names == [name for name in figures.COLOURS if name in set(data["model"])]
    assert note == "line: mean of N = 6 networks; band: 95 % interval"


def test_the_accuracies_title_is_computed_from_the_data():
    table = study()

    def mean(name, column):
        rows = table[(np.array(figures.models(table)) == name) & (table["network"] == "biased")]
        return rows.loc[rows["fraction"] == 1, column].mean()

    reached = [mean(name, column) for name in ("identity, X", "identity, ±X") for column in ACCURACIES]
    expected = (
        "digits: on X / on −X with all 1,000 images, biased:\n"
        f"identity, X {reached[0]:.2f} / {reached[1]:.2f}, identity, ±X {reached[2]:.2f} / {reached[3]:.2f}, "
        f"square {mean('square', 'test_accuracy'):.2f} on both"
    )
    assert title(study_figures.learning_curves(summary.summarise(table), "digits", ACCURACIES)[0]) == expected
    # The best of the invariant models by the lower of its accuracies.
    other = summary.summarise(study(canonical=8.0))
    found = title(study_figures.learning_curves(other, "mnist", ACCURACIES)[0])
    assert found.startswith("mnist: on X / on −X with all 1,000 images")
    assert "canonical 1.00 on both" in found
    assert found != expected


def test_both_sides_draws_every_model_on_all_images_and_the_title_says_three_of_them():
    found = summary.summarise(study())
    figure, data = study_figures.both_sides(found, "digits")
    assert (data["images"] == 1000).all() and set(data["metric"]) == set(ACCURACIES)
    kinds = {"test_accuracy": "o", "inverted_accuracy": "D"}
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    for panel, network in zip(figure.axes, ("biased", "bias-free"), strict=True):
        rows = data[data["network"] == network]
        marks = [line for line in panel.get_lines() if line.get_marker() in kinds.values()]
        seen = {
            (names[round(line.get_ydata()[0])], line.get_marker()): (line.get_xdata()[0], line.get_color())
            for line in marks
        }
        assert len(seen) == len(rows) == 2 * rows["model"].nunique()
        for _, row in rows.iterrows():
            name = study_figures.LABELS.get(row["model"], f"{row['model']} features")
            x, colour = seen[name, kinds[row["metric"]]]
            assert (x, COLOURS[matplotlib.colors.to_hex(colour)]) == (pytest.approx(row["mean"]), row["model"])
    means = data[data["network"] == "biased"].set_index(["model", "metric"])["mean"]
    on, off = (f"{means['identity, X', metric]:.0%}" for metric in ACCURACIES)
    assert title(figure).startswith(f"digits, biased networks: trained on X, {on} of X and {off} of −X are right;\n")
    assert title(figure).endswith(f"with square features, {means['square', 'test_accuracy']:.0%} of both")


def test_both_sides_of_single_networks_and_of_none(tmp_path):
    table = study()
    single = summary.summarise(table[(table["split"] == 0) & (table["seed"] == 4)])
    figure, data = study_figures.both_sides(single, "digits")
    figures.save(figure, tmp_path / "sides", data)
    assert "mean of N = 1 networks" in figure.legends[0].get_title().get_text()
    figure, data = study_figures.both_sides(single[single["network"] == "bias-free"], "digits")
    assert title(figure) == "digits, biased networks: none was trained"


def test_the_gaps_title_is_computed_from_the_data():
    def gaps(square, lost):
        kept = {"train_accuracy": 0.9, "inverted_accuracy": np.full((5, 1), 0.4)}
        plain = np.array([0.5, 0.6, 0.7, 0.8, 0.85])[:, None]
        parts = [
            learner(**kept | {"test_accuracy": plain, "inverted_accuracy": plain - lost}),
            learner(features="square", **kept | {"test_accuracy": plain - square, "inverted_accuracy": plain - square}),
        ]
        figure, _ = study_figures.learning_curves(summary.summarise(at(*parts)), "digits", GAPS)
        return title(figure)

    assert gaps(0.1, 0.3) == (
        "digits: train − test is up to 0.50 on 10 images, at most 0.15 on all;\n"
        "more than 0.1 lost on −X with all images: identity, X"
    )
    assert gaps(0.25, 0.05) == (
        "digits: train − test is up to 0.65 on 10 images, at most 0.30 on all;\n"
        "more than 0.1 lost on −X with all images: by no model"
    )


def test_curves_of_cells_with_a_single_network_have_no_band_and_their_number_is_said(tmp_path):
    # As in the quick configuration: one split, one seed.
    table = study()
    table = table[(table["split"] == 0) & (table["seed"] == 4)]
    assert summary.summarise(table)["low"].isna().all()
    for metrics in (ACCURACIES, GAPS):
        figure, data = study_figures.learning_curves(summary.summarise(table), "digits", metrics)
        drawn(figure)
        assert len(lines(figure.axes[0])) == 5
        assert legend(figure)[1] == "line: mean of N = 1 networks; band: 95 % interval"
        assert "nan" not in title(figure)
        assert (data["n"] == 1).all()


def test_unequal_numbers_of_networks_are_said_as_a_range():
    table = study()
    table.loc[(table["features"] == "square") & (table["seed"] == 7), "status"] = "non_finite"
    figure, _ = study_figures.learning_curves(summary.summarise(table), "digits", ACCURACIES)
    assert legend(figure)[1] == "line: mean of N = 3 to 6 networks; band: 95 % interval"


PIXELS = ("identity, X", "identity, ±X", "identity, random signs")
ABSENT = [PIXELS[:1], PIXELS[1:2], PIXELS, ("square", "canonical"), ("canonical",)]


@pytest.mark.parametrize("absent", ABSENT, ids="; ".join)
@pytest.mark.parametrize("metrics", [ACCURACIES, GAPS])
def test_learning_curves_do_without_a_model_and_do_not_speak_of_it(absent, metrics):
    table = summary.summarise(without(study(), *absent))
    figure, _ = study_figures.learning_curves(table, "digits", metrics)
    assert not set(absent) & set(lines(figure.axes[0]))
    assert not set(absent) & set(legend(figure)[0])
    for name in (*absent, "nan"):
        assert name not in title(figure)


@pytest.mark.parametrize("metrics", [ACCURACIES, GAPS])
@pytest.mark.parametrize("network", ["biased", "bias-free", "neither", "failed"])
def test_learning_curves_of_one_kind_of_network_or_of_none(network, metrics, tmp_path):
    table = study()
    if network == "failed":
        table["status"] = "non_finite"
    else:
        table = table[table["network"] == network]
    figure, data = study_figures.learning_curves(summary.summarise(table), "digits", metrics)
    drawn(figure)
    assert title(figure).startswith("digits: ")
    assert "nan" not in title(figure)
    if network in ("neither", "failed"):
        assert data["mean"].isna().all()
        assert "was trained" in title(figure)


# Images needed.


@pytest.mark.parametrize("read", [False, True])
def test_images_needed_are_a_point_per_model_that_gets_there(read, tmp_path):
    table = measured(at(study(), study(1.0, 2.0, dataset="mnist")), 0.65, 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, data = study_figures.images_needed(table, {"digits": 0.65, "mnist": 0.7})
    drawn(figure)
    assert len(figure.axes) == 2
    for panel, dataset, target in zip(figure.axes, ("digits", "mnist"), (0.65, 0.7), strict=True):
        rows = data[data["dataset"] == dataset]
        assert set(rows["target"]) == {target} and set(rows["setting"]) == {"both"}
        # A row for each model, a point for each that has a number.
        assert len(rows) == 8
        found = points(panel)
        assert found == expected_points(rows, "images")
        assert ("identity, X", "biased") not in found
        assert ("identity, ±X", "bias-free") not in found
        assert set(found) == {
            *((name, "biased") for name in ("identity, ±X", "identity, random signs", "square", "canonical")),
            ("square", "bias-free"),
        }
        assert panel.get_xscale() == "log"
        assert panel.get_xlabel() == "images needed on both X and −X"
        assert panel.get_title(loc="left") == f"{dataset}, {target:.0%}"
        # A model without a point has words instead.
        unreached = set(rows["model"]) - {name for name, _ in found}
        assert [text.get_text() for text in panel.texts] == ["not reached"] * len(unreached) and unreached
    # 0.4 + 0.1 log(saves · n / 10) on average over the networks, whose noise is shared.
    rows = data[data["dataset"] == "digits"].set_index(["model", "network"])
    assert rows.loc[("square", "biased"), "images"] == pytest.approx(
        2.5 * np.exp((0.65 - 0.4 - NOISE.mean()) / 0.1), rel=0.1
    )
    n = sorted(set(data["n"]))
    count = f"{n[0]}" if len(n) == 1 else f"{n[0]} to {n[-1]}"
    assert legend(figure) == (["biased", "bias-free"], f"bar: 95 % interval, N = {count} networks")


def test_a_bias_free_model_has_one_point_although_it_has_two_rivals():
    table = measured(study(), 0.7)
    both = table[(table["setting"] == "both") & (table["features"] == "square") & (table["network"] == "bias-free")]
    assert both["reference"].tolist() == ["biased identity/augmented", "bias-free identity/augmented"]
    figure, data = study_figures.images_needed(table, {"digits": 0.7})
    assert len(data) == 8
    assert len(points(figure.axes[0])) == 5


def images_title(table, **target):
    figure, data = study_figures.images_needed(measured(table, 0.65, 0.7), target or {"digits": 0.7})
    return title(figure), data.set_index(["dataset", "model", "network"])["images"]


def test_the_images_title_is_computed_from_the_data():
    found, images = images_title(study())
    best, augmented = (images["digits", name, "biased"] for name in ("square", "identity, ±X"))
    assert found == (
        f"Images needed on X and −X, biased; digits: {best:,.0f} images with square, {augmented:,.0f} on ±X"
    )
    # Other data, other numbers: another best model, and ±X worse.
    found, images = images_title(study(canonical=6.0, augmented=0.5))
    best, augmented = (images["digits", name, "biased"] for name in ("canonical", "identity, ±X"))
    assert found == (
        f"Images needed on X and −X, biased; digits: {best:,.0f} images with canonical, {augmented:,.0f} on ±X"
    )
    found, _ = images_title(study(augmented=0.05))
    assert found.endswith(" images with square, never on ±X")


def test_the_images_title_names_both_datasets():
    found, images = images_title(at(study(), study(8.0, dataset="mnist")), digits=0.65, mnist=0.7)
    first, second = found.split(";\n")
    assert first == (
        "Images needed on X and −X, biased; "
        f"digits: {images['digits', 'square', 'biased']:,.0f} images with square, "
        f"{images['digits', 'identity, ±X', 'biased']:,.0f} on ±X"
    )
    assert second == (
        f"mnist: {images['mnist', 'canonical', 'biased']:,.0f} images with canonical, "
        f"{images['mnist', 'identity, ±X', 'biased']:,.0f} on ±X"
    )


@pytest.mark.parametrize("absent", ABSENT, ids="; ".join)
@pytest.mark.parametrize("read", [False, True])
def test_images_needed_do_without_a_model_even_the_rival_of_all(absent, read, tmp_path):
    whole = study_figures.images_needed(measured(study(), 0.7), {"digits": 0.7})[0]
    table = measured(without(study(), *absent), 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, _ = study_figures.images_needed(table, {"digits": 0.7})
    kept = {key: (value, *bar) for key, (value, bar) in points(whole.axes[0]).items() if key[0] not in absent}
    found = {key: (value, *bar) for key, (value, bar) in points(figure.axes[0]).items()}
    assert set(found) == set(kept)
    for key, values in found.items():
        assert values == pytest.approx(kept[key], rel=1e-12)
    for name in (*absent, "on ±X" if "identity, ±X" in absent else "nan"):
        assert name not in title(figure)


def test_points_stand_at_their_models_name_where_the_datasets_have_other_models(tmp_path):
    # `points` holds each marker against the label at its height; both panels share the labels.
    digits, mnist = study(), without(study(dataset="mnist"), "identity, X", "identity, random signs", "square")
    table = measured(at(digits, mnist), 0.7)
    figure, data = study_figures.images_needed(table, {"digits": 0.7, "mnist": 0.7})
    drawn(figure)
    for panel, dataset in zip(figure.axes, ("digits", "mnist"), strict=True):
        assert points(panel) == expected_points(data[data["dataset"] == dataset], "images")


def test_images_needed_where_nothing_is_reached(tmp_path):
    table = measured(study(dataset="mnist"), 0.7, 0.999)
    for read in (False, True):
        table = read_again(table, tmp_path) if read else table
        figure, data = study_figures.images_needed(table, {"mnist": 0.999})
        drawn(figure)
        assert points(figure.axes[0]) == {}
        assert data["images"].isna().all() and len(data) == 8
        assert title(figure) == "Images needed on X and −X, biased; no model reaches the target"
    # Nothing at all is known of a dataset: its panel is empty, the other is as ever.
    figure, data = study_figures.images_needed(table, {"mnist": 0.7, "digits": 0.7})
    drawn(figure)
    assert len(points(figure.axes[0])) == 5 and points(figure.axes[1]) == {}
    assert set(data["dataset"]) == {"mnist"}
    figure, data = study_figures.images_needed(table.iloc[:0], {"digits": 0.7})
    drawn(figure)
    assert data.empty


# Random signs.


@pytest.mark.parametrize("read", [False, True])
def test_the_factor_with_random_signs_is_a_point_per_model_that_has_one(read, tmp_path):
    table = measured(at(study(), study(1.5, dataset="mnist")), 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, data = study_figures.random_sign_factor(table, {"digits": 0.7, "mnist": 0.7})
    drawn(figure)
    assert set(data["setting"]) == {"random-sign"} and np.isfinite(data["ratio"].astype(float)).all()
    for panel, dataset in zip(figure.axes, ("digits", "mnist"), strict=True):
        rows = data[data["dataset"] == dataset]
        found = points(panel)
        assert found == expected_points(rows, "ratio")
        # Whoever loses −X has half of each, and never gets to 0.7.
        assert set(found) == {
            *((name, "biased") for name in ("identity, ±X", "identity, random signs", "square", "canonical")),
            ("square", "bias-free"),
        }
        assert found["identity, random signs", "biased"][0] == 1
        # Theory's largest gain, and none.
        rules = [line.get_xdata()[0] for line in panel.lines if len(set(line.get_ydata())) == 2]
        assert rules == [1, 2]
    assert points(figure.axes[0])["canonical", "biased"][0] == pytest.approx(2, rel=0.1)
    assert points(figure.axes[1])["canonical", "biased"][0] == pytest.approx(1.5, rel=0.1)


def factor_title(table, **target):
    target = target or {"digits": 0.7}
    return title(study_figures.random_sign_factor(measured(table, 0.7), target)[0])


def test_the_factors_title_is_computed_from_the_data():
    assert factor_title(study()) == "With random signs, biased; digits: canonical saves a factor 2.0, square 4.0"
    assert factor_title(study(canonical=5.0, square=3.0)) == (
        "With random signs, biased; digits: canonical saves a factor 5.0, canonical 5.0"
    )
    assert factor_title(at(study(), study(1.5, 3.0, dataset="mnist")), digits=0.7, mnist=0.7) == (
        "With random signs, biased; digits: canonical saves a factor 2.0, square 4.0;\n"
        "mnist: canonical saves a factor 1.5, square 3.0"
    )


@pytest.mark.parametrize("absent", ABSENT, ids="; ".join)
@pytest.mark.parametrize("read", [False, True])
def test_the_factor_does_without_a_model_and_is_unknown_without_the_rival(absent, read, tmp_path):
    table = measured(without(study(), *absent), 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, data = study_figures.random_sign_factor(table, {"digits": 0.7})
    drawn(figure)
    for name in (*absent, "nan"):
        assert name not in title(figure)
    if "identity, random signs" in absent:
        assert data.empty and points(figure.axes[0]) == {}
        assert title(figure) == "With random signs, biased; no factor is known"
    else:
        assert set(points(figure.axes[0])) == set(zip(data["model"], data["network"], strict=True))


def test_factors_stand_at_their_models_name_where_a_dataset_lacks_some(tmp_path):
    # On MNIST neither ±X nor canonical gets there, so neither has a factor.
    table = measured(at(study(), study(0.05, augmented=0.05, dataset="mnist")), 0.7)
    figure, data = study_figures.random_sign_factor(table, {"digits": 0.7, "mnist": 0.7})
    drawn(figure)
    assert set(data.loc[data["dataset"] == "mnist", "model"]) == {"identity, random signs", "square"}
    for panel, dataset in zip(figure.axes, ("digits", "mnist"), strict=True):
        assert points(panel) == expected_points(data[data["dataset"] == dataset], "ratio")
    assert title(figure).endswith(";\nmnist: square 4.0")


def test_the_factor_where_nothing_is_reached(tmp_path):
    figure, data = study_figures.random_sign_factor(measured(study(), 0.999), {"digits": 0.999})
    drawn(figure)
    assert data.empty
    assert title(figure) == "With random signs, biased; no factor is known"


# Cost to a target.

RISING = np.array([0.1, 0.4, 0.6, 0.7, 0.8])


def courses(scale, count=6):
    """Courses of networks, (N, 5), that rise the faster the larger the scale; no two alike."""
    return np.minimum(RISING * scale * (1 + np.linspace(0, 0.1, count))[:, None], 1)


def trained(augmented=0.8, square=1.1, canonical=1.0, width="10-5"):
    """`history.csv` of raw pixels on X, which never get there, of ±X, and of invariant models."""
    return at(
        history(courses(0.1), hidden_layers=width),
        history(courses(augmented), training_set="augmented", hidden_layers=width),
        history(courses(square), features="square", hidden_layers=width),
        history(courses(square), features="square", network="bias-free", hidden_layers=width),
        history(courses(canonical), features="canonical", hidden_layers=width),
    )


def costs(table, target=0.5):
    timings = at(
        solo(),
        solo(training_set="augmented").assign(seconds_per_evaluation=0.02),
        solo(features="square"),
        solo(features="canonical"),
    )
    return targets.cost_to_target(table, {"digits": [target, 0.99]}, timings)


@pytest.mark.parametrize("read", [False, True])
def test_costs_are_a_point_per_model_whose_median_is_known(read, tmp_path):
    table = costs(trained())
    if read:
        table = read_again(table, tmp_path)
    figure, data = study_figures.cost_to_target(table, "digits", 0.5)
    drawn(figure)
    assert len(data) == 5 and set(data["target"]) == {0.5}
    labels = ["evaluations of the loss", "FLOP", "time, one network alone"]
    for panel, column, label in zip(figure.axes, ("evaluations", "flop", "seconds"), labels, strict=True):
        found = points(panel)
        assert found == expected_points(data, column)
        assert ("identity, X", "biased") not in found
        # Nobody timed the bias-free network.
        assert (("square", "bias-free") in found) == (column != "seconds")
        assert len(found) == (3 if column == "seconds" else 4)
        assert (panel.get_xlabel(), panel.get_xscale()) == (label, "log")
    note = "point: median of N = 6; bar: 95 % interval; not reached: by half of the networks or more"
    assert legend(figure) == (["biased", "bias-free"], note)


def cost_title(table, target=0.5):
    figure, data = study_figures.cost_to_target(costs(table), "digits", target)
    rows = data[data["network"] == "biased"].set_index("model")
    return title(figure), rows


@pytest.mark.parametrize(("values", "best"), [((0.8, 1.1, 1.0), "square"), ((0.9, 1.0, 1.2), "canonical")])
def test_the_costs_title_is_computed_from_the_data(values, best):
    found, rows = cost_title(trained(*values))
    needed = np.median([np.interp(0.5, course, EVALUATIONS) for course in courses(max(values))])
    augmented = np.median([np.interp(0.5, course, EVALUATIONS) for course in courses(values[0])])
    factor = rows.loc["identity, ±X", "flop"] / rows.loc[best, "flop"]
    assert found == (
        f"digits: {best} reaches 50% on both X and −X in {needed:.0f} evaluations,\n"
        f"±X in {augmented:.0f} and with {factor:.1f} times the arithmetic (biased)"
    )


def test_the_costs_title_where_models_do_not_get_there():
    found, _ = cost_title(trained(augmented=0.3))
    assert found.startswith("digits: square reaches 50% on both X and −X in ")
    assert found.endswith(" evaluations;\nunder half of the networks trained on ±X reach it at all")
    assert cost_title(trained(), 0.99)[0] == "digits: no biased model reaches 99% on both X and −X in its budget"


def test_costs_where_nothing_is_reached_have_no_points(tmp_path):
    for table in (costs(trained()), read_again(costs(trained()), tmp_path)):
        figure, data = study_figures.cost_to_target(table, "digits", 0.99)
        drawn(figure)
        assert [points(panel) for panel in figure.axes] == [{}, {}, {}]
        assert len(data) == 5 and data["evaluations"].isna().all()


@pytest.mark.parametrize("absent", [*ABSENT[:2], ("identity, X", "identity, ±X"), *ABSENT[3:]], ids="; ".join)
def test_costs_do_without_a_model(absent):
    figure, _ = study_figures.cost_to_target(costs(without(trained(), *absent)), "digits", 0.5)
    assert not set(absent) & {name for name, _ in points(figure.axes[0])}
    for name in (*absent, "±X in" if "identity, ±X" in absent else "nan"):
        assert name not in title(figure)
    if "identity, ±X" in absent:
        assert "trained on ±X" not in title(figure)


def test_costs_of_a_study_without_networks_on_all_images(tmp_path):
    # As MNIST in the quick configuration.
    table = costs(trained().assign(fraction=0.1))
    assert table.empty
    for columns in (table, read_again(table, tmp_path)):
        figure, data = study_figures.cost_to_target(columns, "mnist", 0.5)
        drawn(figure)
        assert data.empty
        assert title(figure) == "mnist: no network was trained on all images"


def test_costs_without_a_timing_and_of_bias_free_networks_alone(tmp_path):
    table = targets.cost_to_target(trained(), {"digits": [0.5]})
    figure, _ = study_figures.cost_to_target(read_again(table, tmp_path), "digits", 0.5)
    drawn(figure)
    assert [len(points(panel)) for panel in figure.axes] == [4, 4, 0]
    figure, _ = study_figures.cost_to_target(table[table["network"] == "bias-free"], "digits", 0.5)
    assert set(points(figure.axes[0])) == {("square", "bias-free")}
    assert title(figure) == "digits: no biased model reaches 50% on both X and −X in its budget"


# The budget.


def course(table):
    """Of the biased networks alone, as the budget study has no others."""
    return summary.at_checkpoints(table[table["network"] == "biased"], "both_accuracy")


def test_the_budgets_lines_are_the_rows_of_the_history(tmp_path):
    table = read_again(course(at(trained(), trained(1.0, width="40-20"))), tmp_path)
    figure, data = study_figures.budget(table)
    drawn(figure)
    pd.testing.assert_frame_equal(data[list(table)], table)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["hidden layers 10-5", "hidden layers 40-20"]
    for panel, width in zip(figure.axes, ("10-5", "40-20"), strict=True):
        rows = data[data["hidden_layers"] == width].sort_values("iterations")
        assert set(lines(panel)) == {"identity, X", "identity, ±X", "square", "canonical"}
        for name, line in lines(panel).items():
            one = rows[rows["model"] == name]
            assert one["iterations"].tolist() == (EVALUATIONS - 1).tolist()
            np.testing.assert_array_equal(line, one[["iterations", "mean"]])
            corners = {tuple(pair) for end in ("low", "high") for pair in one[["iterations", end]].round(12).to_numpy()}
            assert corners <= bands(panel)[name]
        # The paper's budget.
        assert [line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == ":"] == [200]
    names, note = legend(figure)
    assert names == ["identity, X", "identity, ±X", "square", "canonical"]
    assert note == "band: 95 % interval, N = 6; dotted: the paper's 200"


def end(scale):
    return f"{courses(scale)[:, -1].mean():.2f}"


def test_the_budgets_title_is_computed_from_the_data():
    figure, _ = study_figures.budget(course(at(trained(), trained(1.05, 0.7, 0.9, width="40-20"))))
    assert title(figure) == (
        f"After 200 iterations, on both X and −X; 10-5: ±X {end(0.8)}, square {end(1.1)};\n"
        f"40-20: ±X {end(1.05)}, canonical {end(0.9)}"
    )
    figure, _ = study_figures.budget(course(trained(0.5, 0.6, 0.9)[lambda rows: rows["iterations"] < 110]))
    found = [f"{courses(scale)[:, -2].mean():.2f}" for scale in (0.5, 0.9)]
    assert title(figure) == f"After 100 iterations, on both X and −X; 10-5: ±X {found[0]}, canonical {found[1]}"


@pytest.mark.parametrize("absent", [*ABSENT[:2], ("identity, X", "identity, ±X"), *ABSENT[3:]], ids="; ".join)
def test_the_budget_does_without_a_model_and_does_not_speak_of_it(absent):
    figure, _ = study_figures.budget(course(without(trained(), *absent)))
    assert not set(absent) & set(lines(figure.axes[0]))
    assert not set(absent) & set(legend(figure)[0])
    for name in (*absent, ": ±X" if "identity, ±X" in absent else "nan"):
        assert name not in title(figure)


def test_the_budget_of_a_single_network_and_of_none(tmp_path):
    # As in the quick configuration: one split, one seed.
    alone = at(*(history(courses(1.0, 1), features=name) for name in ("identity", "square")))
    figure, data = study_figures.budget(course(alone))
    drawn(figure)
    assert data["low"].isna().all()
    assert set(lines(figure.axes[0])) == {"identity, X", "square"}
    assert title(figure) == "After 200 iterations, on both X and −X; 10-5: square 0.80"
    figure, data = study_figures.budget(course(alone).iloc[:0])
    drawn(figure)
    assert data.empty
    assert title(figure) == "No network was trained"


def test_equal_data_gives_equal_bytes(tmp_path):
    for name in ("first", "second"):
        figure, data = study_figures.budget(course(trained()))
        figures.save(figure, tmp_path / name, data)
    for suffix in ("svg", "png", "csv"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
