"""The figure of norms and complete invariants on a made-up table: marks are rows, and the data decides the title."""

import pandas as pd
import pytest
from helpers.panels import drawn, title

from symmetry_constrained.figures import invariants, style
from symmetry_constrained.figures.titles import title_of

pytestmark = pytest.mark.usefixtures("style")


def invariant_table(gain=0.1):
    maps = {"inversion": ("identity", "square", "canonical"), "translation": ("identity", "power", "complete")}
    rows = [
        {"group": group, "split": split, "features": name, "network": kind, "seed": 1, "feature_count": 4}
        | {"parameters": 740, "budget": 200, "test_accuracy": 0.9}
        | {"transformed_accuracy": 0.5 + gain * place + 0.01 * split}
        for group, names in maps.items()
        for place, name in enumerate(names)
        for kind in ("biased", "bias-free")
        for split in (0, 1)
    ]
    signs = pd.DataFrame({"features": maps["inversion"], "log2_symmetries": [0, 64, 1]})
    phases = pd.DataFrame({"features": maps["translation"], "dimensions": [0, 24, 1]})
    return pd.DataFrame(rows), signs, phases


def test_invariants_are_drawn_with_the_symmetries_they_have():
    figure, data = invariants.complete_invariants(*invariant_table())
    drawn(figure)
    assert len(data) == 12
    labels = [[label.get_text() for label in panel.get_yticklabels()] for panel in figure.axes]
    assert labels == [["identity", "square", "canonical"], ["identity", "power", "complete"]]
    columns = [[text.get_text() for text in panel.texts if "chance" not in text.get_text()] for panel in figure.axes]
    assert columns == [
        ["unseen\nsign flips", "1", "$2^{64}$", "2", "weights", "740", "740", "740"],
        ["unseen\ndimensions", "0", "24", "1", "weights", "740", "740", "740"],
    ]
    for panel, group in zip(figure.axes, ("inversion", "translation"), strict=True):
        marks = [line for line in panel.lines if line.get_marker() in style.MARKERS.values()]
        found = sorted(float(line.get_xdata()[0]) for line in marks)
        assert found == pytest.approx(sorted(data.loc[data["group"] == group, "transformed_accuracy"]))
    assert title(figure) == (
        "Complete invariants beat norms alone in bias-free networks:\n"
        "by +0.10 under inversion and by +0.10 under translation"
    )


def test_the_title_says_when_complete_invariants_do_not_beat_norms():
    figure, _ = invariants.complete_invariants(*invariant_table(-0.1))
    drawn(figure)
    assert title(figure).startswith("Complete invariants do not all beat norms alone")
    assert "by −0.10 under inversion" in title(figure)
    table, signs, phases = invariant_table()
    figure, _ = invariants.complete_invariants(table[table["features"] == "identity"], signs, phases)
    drawn(figure)
    assert title(figure) == "Complete invariants were not compared with norms alone"


def test_a_figure_is_saved_with_its_data(tmp_path):
    figure, data = invariants.complete_invariants(*invariant_table())
    style.save(figure, tmp_path / "figure", data)
    assert title_of(tmp_path / "figure.png").startswith("Complete invariants beat")
    assert len(pd.read_csv(tmp_path / "figure.csv")) == len(data)
