"""What each model needs for a target, drawn from made-up tables: a point per row, and titles that the data decides.

The tables are made by the library's own functions from made-up networks, so their columns are the real ones.
"""

import numpy as np
import pandas as pd
import pytest
from helpers.histories import EVALUATIONS, solo
from helpers.made_up_study import ABSENT, NOISE, courses, read_again, study, trained, without
from helpers.panels import drawn, expected_points, legend, points, title
from helpers.synthetic import at

from symmetry_constrained.analysis import cost_to_target, sample_efficiency
from symmetry_constrained.figures import targets
from symmetry_constrained.figures.style import on

pytestmark = pytest.mark.usefixtures("style")


def measured(table, *accuracies):
    return sample_efficiency.sample_efficiency(table, {name: list(accuracies) for name in ("digits", "mnist")})


IMAGES = {"digits": 1000, "mnist": 1000}  # the most that were trained on


def words(panel):
    """(position, text) of what a panel says of models without a value, or of one kind of network of them."""
    found = [(round(text.get_position()[1]), text.get_text()) for text in panel.texts if not text.get_rotation()]
    return [pair for pair in found if pair[1]]


# Images needed.


@pytest.mark.parametrize("read", [False, True])
def test_images_needed_are_a_point_per_model_that_gets_there(read, tmp_path):
    table = measured(at(study(), study(1.0, 2.0, dataset="mnist")), 0.65, 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, data = targets.images_needed(table, {"digits": 0.65, "mnist": 0.7}, IMAGES)
    drawn(figure)
    assert len(figure.axes) == 2
    for panel, dataset, target in zip(figure.axes, ("digits", "mnist"), (0.65, 0.7), strict=True):
        rows = data[data["dataset"] == dataset]
        assert set(rows["target"]) == {target} and set(rows["signs"]) == {"both"}
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
        name = {"digits": "Digits", "mnist": "MNIST"}[dataset]
        assert panel.get_title(loc="left") == f"{name}, {100 * target:.0f} % correct"
        # A model without a point is at the dear end, beyond all images; of ±X one kind of network is.
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert words(panel) == [(labels.index(name), "> 1,000") for name in ("identity, X", "identity, ±X")]
        for text in panel.texts:
            if text.get_text() == "> 1,000":
                place = panel.transAxes.inverted().transform(text.get_transform().transform(text.get_position()))
                assert place[0] > 0.9 and text.get_ha() == "right"
        assert [line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == ":"] == [1000]
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
    both = table[(table["signs"] == "both") & (table["features"] == "square") & (table["network"] == "bias-free")]
    assert both["reference"].tolist() == ["biased identity/augmented", "bias-free identity/augmented"]
    figure, data = targets.images_needed(table, {"digits": 0.7}, IMAGES)
    assert len(data) == 8
    assert len(points(figure.axes[0])) == 5


def images_title(table, **target):
    figure, data = targets.images_needed(measured(table, 0.65, 0.7), target or {"digits": 0.7}, IMAGES)
    return title(figure), data.set_index(["dataset", "model", "network"])["images"]


def images_line(images, name, best, dataset="digits", target=70):
    of_best, augmented = (images[dataset, model, "biased"] for model in (best, "identity, ±X"))
    need = f"need {of_best:,.0f} images for {target} % on X and −X, ±X {augmented:,.0f}"
    return f"{name}: {best} features {need}"


def test_the_images_title_is_computed_from_the_data():
    found, images = images_title(study())
    assert found == images_line(images, "Digits", "square")
    # Other data, other numbers: another best model, and ±X worse.
    found, images = images_title(study(canonical=6.0, augmented=0.5))
    assert found == images_line(images, "Digits", "canonical")
    found, _ = images_title(study(augmented=0.05))
    assert "Digits: square features need " in found and found.endswith(", ±X over 1,000")
    found, images = images_title(study(square=4000.0))
    assert images["digits", "square", "biased"] == 10
    assert found.startswith("Digits: square features need at most 10 images for 70 % ")


def test_the_images_title_names_both_datasets():
    found, images = images_title(at(study(), study(8.0, dataset="mnist")), digits=0.65, mnist=0.7)
    assert found.split(";\n") == [
        images_line(images, "Digits", "square", target=65),
        images_line(images, "MNIST", "canonical", "mnist"),
    ]


@pytest.mark.parametrize("absent", ABSENT, ids="; ".join)
@pytest.mark.parametrize("read", [False, True])
def test_images_needed_do_without_a_model_even_the_rival_of_all(absent, read, tmp_path):
    whole = targets.images_needed(measured(study(), 0.7), {"digits": 0.7}, IMAGES)[0]
    table = measured(without(study(), *absent), 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, _ = targets.images_needed(table, {"digits": 0.7}, IMAGES)
    kept = {key: (value, *bar) for key, (value, bar) in points(whole.axes[0]).items() if key[0] not in absent}
    found = {key: (value, *bar) for key, (value, bar) in points(figure.axes[0]).items()}
    assert set(found) == set(kept)
    for key, values in found.items():
        assert values == pytest.approx(kept[key], rel=1e-12)
    for name in (*map(on, absent), *(f"{name} features" for name in absent), "nan"):
        assert name not in title(figure)
    assert ("±X" in title(figure)) == ("identity, ±X" not in absent)


def test_points_stand_at_their_models_name_where_the_datasets_have_other_models():
    # `points` holds each marker against the label at its height; both panels share the labels.
    digits, mnist = study(), without(study(dataset="mnist"), "identity, X", "identity, random signs", "square")
    table = measured(at(digits, mnist), 0.7)
    figure, data = targets.images_needed(table, {"digits": 0.7, "mnist": 0.7}, IMAGES)
    drawn(figure)
    for panel, dataset in zip(figure.axes, ("digits", "mnist"), strict=True):
        assert points(panel) == expected_points(data[data["dataset"] == dataset], "images")


def test_images_needed_where_nothing_is_reached(tmp_path):
    table = measured(study(dataset="mnist"), 0.7, 0.999)
    for read in (False, True):
        table = read_again(table, tmp_path) if read else table
        figure, data = targets.images_needed(table, {"mnist": 0.999}, IMAGES)
        drawn(figure)
        assert points(figure.axes[0]) == {}
        assert data["images"].isna().all() and len(data) == 8
        assert title(figure) == "MNIST: no biased network reaches 100 % on X and −X with 1,000 images"
    # Nothing at all is known of a dataset: its panel is empty, the other is as ever.
    figure, data = targets.images_needed(table, {"mnist": 0.7, "digits": 0.7}, IMAGES)
    drawn(figure)
    assert len(points(figure.axes[0])) == 5 and points(figure.axes[1]) == {}
    assert set(data["dataset"]) == {"mnist"}
    figure, data = targets.images_needed(table.iloc[:0], {"digits": 0.7}, IMAGES)
    drawn(figure)
    assert data.empty


# Random signs.


@pytest.mark.parametrize("read", [False, True])
def test_the_factor_with_random_signs_is_a_point_per_model_that_has_one(read, tmp_path):
    table = measured(at(study(), study(1.5, dataset="mnist")), 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, data = targets.random_sign_factor(table, {"digits": 0.7, "mnist": 0.7})
    drawn(figure)
    assert set(data["signs"]) == {"random-sign"}
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
        # Who has none is named, where little is saved.
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert words(panel) == [(labels.index(name), "not reached") for name in ("identity, X", "identity, ±X")]
        # Theory's largest gain, and none.
        rules = [line.get_xdata()[0] for line in panel.lines if len(set(line.get_ydata())) == 2]
        assert rules == [1, 2]
    assert points(figure.axes[0])["canonical", "biased"][0] == pytest.approx(2, rel=0.1)
    assert points(figure.axes[1])["canonical", "biased"][0] == pytest.approx(1.5, rel=0.1)


def test_a_factor_below_1_is_written_without_a_prefix():
    # A tenth would be 100m.
    table = measured(at(study(), study(0.05, 0.05, 0.05, dataset="mnist")), 0.55)
    figure, data = targets.random_sign_factor(table, {"digits": 0.55, "mnist": 0.55})
    drawn(figure)
    assert data["ratio"].min() < 0.1
    panel = figure.axes[1]
    low, high = panel.get_xlim()
    labels = [text.get_text() for text in panel.get_xticklabels() if low <= text.get_position()[0] <= high]
    assert "0.1" in labels and "1" in labels


def factor_title(table, **target):
    target = target or {"digits": 0.7}
    return title(targets.random_sign_factor(measured(table, 0.7), target)[0])


def test_the_factors_title_is_computed_from_the_data():
    start, bound = "Where signs are random, the symmetry alone (canonical) saves a factor of\n", "theory allows it 2"
    assert factor_title(study()) == f"{start}2.0 on digits; {bound}, and square features save 4.0 on digits"
    assert factor_title(study(canonical=5.0, square=3.0)) == f"{start}5.0 on digits; {bound}"
    assert factor_title(at(study(), study(1.5, 6.0, dataset="mnist")), digits=0.7, mnist=0.7) == (
        f"{start}2.0 on digits and 1.5 on MNIST; {bound}, and square features save 6.0 on MNIST"
    )


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"images": np.nan, "ratio": np.nan, "at_most": False}, "not reached"),
        ({"images": 30.0, "ratio": np.inf, "at_most": False}, "reached by it alone"),
        ({"images": 10.0, "ratio": np.nan, "at_most": True}, "fewest images suffice"),
        ({"images": 30.0, "ratio": np.nan, "at_most": False}, "nothing to compare with"),
    ],
)
def test_why_a_model_has_no_factor(row, text):
    assert targets._unknown_factor(pd.Series(row, dtype=object)) == text


@pytest.mark.parametrize("absent", ABSENT, ids="; ".join)
@pytest.mark.parametrize("read", [False, True])
def test_the_factor_does_without_a_model_and_is_unknown_without_the_rival(absent, read, tmp_path):
    table = measured(without(study(), *absent), 0.7)
    if read:
        table = read_again(table, tmp_path)
    figure, data = targets.random_sign_factor(table, {"digits": 0.7})
    drawn(figure)
    for name in (*map(on, absent), "nan"):
        assert name not in title(figure)
    if "identity, random signs" in absent:
        assert data["ratio"].isna().all() and points(figure.axes[0]) == {}
        assert title(figure) == "Where signs are random, no factor in images is known"
    else:
        known = data[np.isfinite(data["ratio"].astype(float))]
        assert set(points(figure.axes[0])) == set(zip(known["model"], known["network"], strict=True))


def test_factors_stand_at_their_models_name_where_a_dataset_lacks_some():
    # On MNIST neither ±X nor canonical gets there, so neither has a factor.
    table = measured(at(study(), study(0.05, augmented=0.05, dataset="mnist")), 0.7)
    figure, data = targets.random_sign_factor(table, {"digits": 0.7, "mnist": 0.7})
    drawn(figure)
    known = data[np.isfinite(data["ratio"].astype(float))]
    assert set(known.loc[known["dataset"] == "mnist", "model"]) == {"identity, random signs", "square"}
    for panel, dataset in zip(figure.axes, ("digits", "mnist"), strict=True):
        assert points(panel) == expected_points(data[data["dataset"] == dataset], "ratio")
    assert title(figure).startswith(
        "Where signs are random, the symmetry alone (canonical) saves a factor of\n2.0 on digits; "
    )


def test_the_factor_where_nothing_is_reached():
    figure, data = targets.random_sign_factor(measured(study(), 0.999), {"digits": 0.999})
    drawn(figure)
    assert data["ratio"].isna().all()
    assert title(figure) == "Where signs are random, no factor in images is known"


# Cost to a target.


BUDGET = "200 evaluations"


def costs(table, target=0.5):
    timings = at(
        solo(),
        solo(training_set="augmented").assign(seconds_per_evaluation=0.02),
        solo(features="square"),
        solo(features="canonical"),
    )
    return cost_to_target.cost_to_target(table, {"digits": [target, 0.99]}, timings)


@pytest.mark.parametrize("read", [False, True])
def test_costs_are_a_point_per_model_whose_median_is_known(read, tmp_path):
    table = costs(trained())
    if read:
        table = read_again(table, tmp_path)
    figure, data = targets.cost_to_target(table, "digits", 0.5, BUDGET)
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
    # Nobody timed the bias-free network; ±X reaches it.
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    texts = [words(panel) for panel in figure.axes]
    assert texts[:2] == [[(labels.index("identity, X"), text)] for text in ("> 200", "not reached")]
    assert texts[2] == [(labels.index("identity, X"), "not reached"), (labels.index("square"), "not timed")]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linestyle() == ":"] == [200]
    note = "point: median of N = 6; bar: 95 % interval; > and not reached: by half of the networks or more"
    assert legend(figure) == (["biased", "bias-free"], note)


def cost_title(table, target=0.5):
    figure, data = targets.cost_to_target(costs(table), "digits", target, BUDGET)
    rows = data[data["network"] == "biased"].set_index("model")
    return title(figure), rows


@pytest.mark.parametrize(("values", "best"), [((0.8, 1.1, 1.0), "square"), ((0.9, 1.0, 1.2), "canonical")])
def test_the_costs_title_is_computed_from_the_data(values, best):
    found, rows = cost_title(trained(*values))
    needed = np.median([np.interp(0.5, course, EVALUATIONS) for course in courses(max(values))])
    augmented = np.median([np.interp(0.5, course, EVALUATIONS) for course in courses(values[0])])
    factor = rows.loc["identity, ±X", "flop"] / rows.loc[best, "flop"]
    assert found == (
        f"Digits: biased networks on {best} features reach 50 % on X and −X after {needed:.0f} evaluations;\n"
        f"those trained on ±X take {augmented:.0f}, and {factor:.1f} times the arithmetic"
    )


def test_the_costs_title_where_models_do_not_get_there():
    found, _ = cost_title(trained(augmented=0.3))
    assert found.startswith("Digits: biased networks on square features reach 50 % on X and −X after ")
    assert found.endswith(" evaluations;\nat most half of those trained on ±X do within 200 evaluations")
    assert cost_title(trained(), 0.99)[0] == (
        "Digits: within 200 evaluations at most half of the biased networks of any model reach 99 % on X and −X"
    )


def test_costs_where_nothing_is_reached_have_no_points(tmp_path):
    for table in (costs(trained()), read_again(costs(trained()), tmp_path)):
        figure, data = targets.cost_to_target(table, "digits", 0.99, BUDGET)
        drawn(figure)
        assert [points(panel) for panel in figure.axes] == [{}, {}, {}]
        assert len(data) == 5 and data["evaluations"].isna().all()


@pytest.mark.parametrize("absent", [*ABSENT[:2], ("identity, X", "identity, ±X"), *ABSENT[3:]], ids="; ".join)
def test_costs_do_without_a_model(absent):
    figure, _ = targets.cost_to_target(costs(without(trained(), *absent)), "digits", 0.5, BUDGET)
    assert not set(absent) & {name for name, _ in points(figure.axes[0])}
    for name in (*map(on, absent), "nan"):
        assert name not in title(figure)


def test_costs_of_a_dataset_without_networks(tmp_path):
    table = costs(trained()).iloc[:0]
    for columns in (table, read_again(table, tmp_path)):
        figure, data = targets.cost_to_target(columns, "mnist", 0.5, BUDGET)
        drawn(figure)
        assert data.empty
        assert title(figure) == "MNIST: no network was trained on all images"


def test_costs_without_a_timing_and_of_bias_free_networks_alone(tmp_path):
    table = cost_to_target.cost_to_target(trained(), {"digits": [0.5]})
    figure, _ = targets.cost_to_target(read_again(table, tmp_path), "digits", 0.5, BUDGET)
    drawn(figure)
    assert [len(points(panel)) for panel in figure.axes] == [4, 4, 0]
    figure, _ = targets.cost_to_target(table[table["network"] == "bias-free"], "digits", 0.5, BUDGET)
    assert set(points(figure.axes[0])) == {("square", "bias-free")}
    assert title(figure).startswith("Digits: within 200 evaluations at most half of the biased networks of any model")
