"""The study's lines on made-up tables: every mark is a row of the data beside it, and titles that the data decides.

The tables are made by the library's own functions from made-up networks, so their columns are the real ones.
"""

import numpy as np
import pandas as pd
import pytest
from helpers.histories import EVALUATIONS, history
from helpers.made_up_study import ABSENT, ACCURACIES, courses, learner, read_again, study, trained, without
from helpers.panels import bands, drawn, legend, lines, title
from helpers.synthetic import at

from symmetry_constrained.analysis import summary
from symmetry_constrained.figures import curves, style

GAPS = ("generalisation_gap", "symmetry_gap")

pytestmark = pytest.mark.usefixtures("style")


# Learning curves.


@pytest.mark.parametrize("metrics", [ACCURACIES, GAPS])
def test_learning_curves_are_the_rows_of_the_summary(metrics, tmp_path):
    table = read_again(summary.summarise(study()), tmp_path)
    figure, data = curves.learning_curves(table, "digits", metrics)
    drawn(figure)
    expected = table[table["metric"].isin(metrics)]
    pd.testing.assert_frame_equal(data[list(table)], expected)
    assert data["model"].tolist() == style.models(expected)
    for row, network in enumerate(("biased", "bias-free")):
        for column, metric in enumerate(metrics):
            panel = figure.axes[2 * row + column]
            assert panel.get_xscale() == "log"
            assert panel.get_ylabel() == curves.NAMES[metric]
            assert panel.get_title(loc="left") == f"{network} networks"
            rows = data[(data["network"] == network) & (data["metric"] == metric)].sort_values("images")
            assert set(lines(panel)) == set(rows["model"]) and len(set(rows["model"])) == (5, 3)[row]
            for name, line in lines(panel).items():
                one = rows[rows["model"] == name]
                np.testing.assert_array_equal(line, one[["images", "mean"]])
                corners = {tuple(pair) for end in ("low", "high") for pair in one[["images", end]].round(12).to_numpy()}
                assert corners <= bands(panel)[name]
    names, note = legend(figure)
    assert names == [name for name in style.COLOURS if name in set(data["model"])]
    assert note == f"line: mean of N = 6 networks; band: 95 % interval; {curves.ALIKE}"


def test_the_accuracies_title_is_computed_from_the_data():
    table = study()

    def most(name):
        rows = table[(np.array(style.models(table)) == name) & (table["network"] == "biased")]
        return f"{100 * rows.groupby('fraction')['inverted_accuracy'].mean().max():.0f} %"

    expected = (
        "Digits: whatever the number of images, biased networks trained on X\n"
        f"classify at most {most('identity, X')} of −X, those trained on ±X {most('identity, ±X')} "
        f"and on square features {most('square')}"
    )
    assert title(curves.learning_curves(summary.summarise(table), "digits", ACCURACIES)[0]) == expected
    other = summary.summarise(study(canonical=8.0))
    found = title(curves.learning_curves(other, "mnist", ACCURACIES)[0])
    assert found.startswith("MNIST: ") and found.endswith("and on canonical features 100 %")


def test_lines_that_coincide_are_all_in_sight():
    # Canonical features of images on a dark background are the images.
    table = at(learner(), learner(features="canonical"), learner(2.0, features="square"))
    figure, _ = curves.learning_curves(summary.summarise(table), "digits", ACCURACIES)
    panel = figure.axes[0]
    found = {line.get_color(): line for line in panel.lines if line.get_marker() in style.SHAPES.values()}
    one, other, alone = (found[style.COLOURS[name]] for name in ("identity, X", "canonical", "square"))
    np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
    # Each dash of the one lies in a gap of the other, and the marker below is larger than that above, and hollow.
    (start, (dash, gap)), (other_start, other_pattern) = one._unscaled_dash_pattern, other._unscaled_dash_pattern
    assert other_pattern == (dash, gap) and dash == gap and abs(other_start - start) == dash
    assert one.get_markersize() > other.get_markersize() and one.get_markerfacecolor() == "none"
    assert alone.get_linestyle() == "-"


def test_the_gaps_title_is_computed_from_the_data():
    def gaps(square, lost):
        kept = {"train_accuracy": 0.9, "inverted_accuracy": np.full((5, 1), 0.4)}
        plain = np.array([0.5, 0.6, 0.7, 0.8, 0.85])[:, None]
        parts = [
            learner(**kept | {"test_accuracy": plain, "inverted_accuracy": plain - lost}),
            learner(features="square", **kept | {"test_accuracy": plain - square, "inverted_accuracy": plain - square}),
        ]
        figure, _ = curves.learning_curves(summary.summarise(at(*parts)), "digits", GAPS)
        return title(figure)

    assert gaps(0.1, 0.3) == (
        "Digits: the widest generalisation gap is 0.50 on 10 images and 0.15 on 1,000 images;\n"
        "with 1,000 only networks trained on X lose more than 0.1 on −X"
    )
    assert gaps(0.25, 0.05) == (
        "Digits: the widest generalisation gap is 0.65 on 10 images and 0.30 on 1,000 images;\n"
        "with 1,000 no networks lose more than 0.1 on −X"
    )


def test_curves_of_cells_with_a_single_network_have_no_band_and_their_number_is_said():
    # As in the quick configuration: one split, one seed.
    table = study()
    table = table[(table["split"] == 0) & (table["seed"] == 4)]
    assert summary.summarise(table)["low"].isna().all()
    for metrics in (ACCURACIES, GAPS):
        figure, data = curves.learning_curves(summary.summarise(table), "digits", metrics)
        drawn(figure)
        assert len(lines(figure.axes[0])) == 5
        assert legend(figure)[1] == f"line: mean of N = 1 networks; band: 95 % interval; {curves.ALIKE}"
        assert "nan" not in title(figure)
        assert (data["n"] == 1).all()


def test_unequal_numbers_of_networks_are_said_as_a_range():
    table = study()
    table.loc[(table["features"] == "square") & (table["seed"] == 7), "status"] = "non_finite"
    figure, _ = curves.learning_curves(summary.summarise(table), "digits", ACCURACIES)
    assert legend(figure)[1] == f"line: mean of N = 3 to 6 networks; band: 95 % interval; {curves.ALIKE}"


@pytest.mark.parametrize("absent", ABSENT, ids="; ".join)
@pytest.mark.parametrize("metrics", [ACCURACIES, GAPS])
def test_learning_curves_do_without_a_model_and_do_not_speak_of_it(absent, metrics):
    table = summary.summarise(without(study(), *absent))
    figure, _ = curves.learning_curves(table, "digits", metrics)
    assert not set(absent) & set(lines(figure.axes[0]))
    assert not set(absent) & set(legend(figure)[0])
    for name in (*map(style.on, absent), "nan"):
        assert f"{name}," not in f"{title(figure)},"


@pytest.mark.parametrize("metrics", [ACCURACIES, GAPS])
@pytest.mark.parametrize("network", ["biased", "bias-free", "neither", "failed"])
def test_learning_curves_of_one_kind_of_network_or_of_none(network, metrics):
    table = study()
    if network == "failed":
        table["status"] = "non_finite"
    else:
        table = table[table["network"] == network]
    figure, data = curves.learning_curves(summary.summarise(table), "digits", metrics)
    drawn(figure)
    assert title(figure).startswith("Digits: ")
    assert "nan" not in title(figure)
    if network in ("neither", "failed"):
        assert data["mean"].isna().all()
        assert "was trained" in title(figure)


# The budget.


def course(table):
    """Of the biased networks alone, as the notebook has it."""
    return summary.at_checkpoints(table[table["network"] == "biased"], "random_sign_accuracy")


def test_the_budgets_lines_are_the_rows_of_the_history(tmp_path):
    table = read_again(course(at(trained(), trained(1.0, width="40-20"))), tmp_path)
    figure, data = curves.budget(table)
    drawn(figure)
    pd.testing.assert_frame_equal(data[list(table)], table)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["hidden layers 10-5", "hidden layers 40-20"]
    for panel, width in zip(figure.axes, ("10-5", "40-20"), strict=True):
        rows = data[(data["hidden_layers"] == width) & (data["metric"] != "evaluations")].sort_values("iterations")
        assert set(lines(panel)) == {"identity, X", "identity, ±X", "square", "canonical"}
        for name, line in lines(panel).items():
            one = rows[rows["model"] == name]
            assert one["iterations"].tolist() == (EVALUATIONS - 1).tolist()
            np.testing.assert_array_equal(line, np.column_stack([EVALUATIONS, one["mean"]]))
            corners = {
                (float(at_), round(value, 12))
                for end in ("low", "high")
                for at_, value in zip(EVALUATIONS, one[end], strict=True)
            }
            assert corners <= bands(panel)[name]
        assert panel.get_xlabel() == "evaluations of the loss"
        # The paper's budget.
        rules = [line.get_xdata() for line in panel.lines if line.get_color() == "#777777"]
        assert [x[0] for x in rules if len(set(x)) == 1] == [200]
    names, note = legend(figure)
    assert names == ["identity, X", "identity, ±X", "square", "canonical"]
    assert note.startswith("band: 95 % interval, N = 6; dashed: the paper's 200; dotted: chance")


def end(scale, point=-1):
    """The mean accuracy on X, which is 0.9 or more, and on −X."""
    inverted = courses(scale)[:, point]
    return (np.maximum(inverted, 0.9) + inverted).mean() / 2


def test_the_budgets_title_is_computed_from_the_data():
    figure, _ = curves.budget(course(at(trained(), trained(1.05, 0.7, 0.9, width="40-20"))))
    assert title(figure) == (
        f"After 200 iterations, ±X trails square features by {end(1.1) - end(0.8):.2f} with hidden layers 10-5,\n"
        f"and ±X leads canonical features by {end(1.05) - end(0.9):.2f} with hidden layers 40-20"
    )
    figure, _ = curves.budget(course(trained(0.5, 0.6, 0.9)[lambda rows: rows["iterations"] < 110]))
    assert title(figure) == (
        f"After 100 iterations, ±X trails canonical features by {end(0.9, -2) - end(0.5, -2):.2f} "
        "with hidden layers 10-5"
    )


@pytest.mark.parametrize("absent", [*ABSENT[:2], ("identity, X", "identity, ±X"), *ABSENT[3:]], ids="; ".join)
def test_the_budget_does_without_a_model_and_does_not_speak_of_it(absent):
    figure, _ = curves.budget(course(without(trained(), *absent)))
    assert not set(absent) & set(lines(figure.axes[0]))
    assert not set(absent) & set(legend(figure)[0])
    for name in (*absent, "±X" if "identity, ±X" in absent else "nan"):
        assert name not in title(figure)


def test_the_budget_of_a_single_network_and_of_none():
    # As in the quick configuration: one split, one seed.
    alone = at(*(history(courses(1.0, 1), features=name) for name in ("identity", "square")))
    figure, data = curves.budget(course(alone))
    drawn(figure)
    assert data["low"].isna().all()
    assert set(lines(figure.axes[0])) == {"identity, X", "square"}
    assert (
        title(figure)
        == "After 200 iterations, networks on square features classify 85 % correctly with hidden layers 10-5"
    )
    figure, data = curves.budget(course(alone).iloc[:0])
    drawn(figure)
    assert data.empty
    assert title(figure) == "No network was trained"
