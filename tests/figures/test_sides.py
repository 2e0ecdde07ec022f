"""What every model gets right of X and of −X, drawn from a made-up study."""

import matplotlib
import pytest
from helpers.made_up_study import ACCURACIES, study
from helpers.panels import COLOURS, title

from symmetry_constrained.analysis import summary
from symmetry_constrained.figures import sides, style

pytestmark = pytest.mark.usefixtures("style")


def test_both_sides_draws_every_model_on_all_images_and_the_title_says_three_of_them():
    found = summary.summarise(study())
    figure, data = sides.both_sides(found, "digits")
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
            name = sides.LABELS.get(row["model"], f"{row['model']} features")
            x, colour = seen[name, kinds[row["metric"]]]
            assert (x, COLOURS[matplotlib.colors.to_hex(colour)]) == (pytest.approx(row["mean"]), row["model"])
    means = 100 * data[data["network"] == "biased"].set_index(["model", "metric"])["mean"]
    on, off = (f"{means['identity, X', metric]:.0f} %" for metric in ACCURACIES)
    assert title(figure).startswith(
        f"Digits: biased networks trained on X classify {on} of X and {off} of −X correctly;\n"
    )
    assert title(figure).endswith(f", on square features {means['square', 'test_accuracy']:.0f} % of both")


def test_both_sides_of_single_networks_and_of_none(tmp_path):
    table = study()
    single = summary.summarise(table[(table["split"] == 0) & (table["seed"] == 4)])
    figure, data = sides.both_sides(single, "digits")
    style.save(figure, tmp_path / "sides", data)
    assert "mean of N = 1 networks" in figure.axes[0].get_legend().get_title().get_text()
    figure, data = sides.both_sides(single[single["network"] == "bias-free"], "digits")
    assert title(figure) == "Digits: no biased network was trained"
