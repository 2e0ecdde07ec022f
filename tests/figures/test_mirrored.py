"""The figure of mirrored pairs on made-up tables: marks are means of rows, and the data decides the title."""

import numpy as np
import pandas as pd
import pytest
from helpers.panels import drawn

from symmetry_constrained.analysis import biases
from symmetry_constrained.figures import mirrored
from symmetry_constrained.theory.mirrored_pairs import KINDS

pytestmark = pytest.mark.usefixtures("style")

EPSILONS = (0.001, 0.01, 0.1)
EXCESS = {"tied pairs": (0.6, 0.62, 0.61), "mirrored start": (-0.7, -0.4, 0.2), "ordinary start": (-0.8, -0.7, 0.1)}


def made(kinds=EXCESS, splits=4):
    """`mirrored_pairs.csv` whose means are the kinds' excesses."""
    spread = 0.05 * np.linspace(-1, 1, splits) if splits > 1 else np.zeros(1)
    parts = [
        pd.DataFrame({"kind": kind, "epsilon": epsilon, "split": range(splits), "seed": 0, "excess": value + spread})
        for kind, values in kinds.items()
        for epsilon, value in zip(EPSILONS, values, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_line_per_kind_with_its_intervals():
    figure, data = mirrored.counterexample(made())
    drawn(figure)
    pd.testing.assert_frame_equal(data, biases.summarise(made(), ("excess",), group="kind"))
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0.001", "0.01", "0.1"]
    assert set(mirrored.KINDS) == set(KINDS)
    for bars, kind in zip(panel.containers, KINDS, strict=True):
        line, _, (segments,) = bars.lines
        np.testing.assert_allclose(line.get_xydata(), np.column_stack([EPSILONS, EXCESS[kind]]))
        assert line.get_color() == mirrored.KINDS[kind][0]
        rows = data[data["kind"] == kind].sort_values("epsilon")
        for segment, (_, row) in zip(segments.get_segments(), rows.iterrows(), strict=True):
            assert segment[:, 1] == pytest.approx(row[["low", "high"]].to_numpy(dtype=float))
    # What 1 + 10 ε allows, and the names beside the lines, none over another.
    (allowed,) = panel.collections[:1]
    corners = allowed.get_paths()[0].vertices
    for epsilon in (0.001, 0.01):
        assert np.abs(corners - (epsilon, 10 * epsilon)).sum(1).min() < 0.1 * epsilon + 10 * 0.1 * epsilon
    names = [text for text in panel.texts if text.get_text() in {name for _, _, name in mirrored.KINDS.values()}]
    assert len(names) == 3
    boxes = [name.get_window_extent() for name in names]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert figure.get_supxlabel() == "mean of N = 4 networks per kind and ε; bar: 95 % interval"


def test_the_title_is_computed_from_the_data():
    figure, _ = mirrored.counterexample(made())
    first = "With one hidden layer and no bias above 0.001, mirrored pairs reach R + R̄ = 1.60"
    assert figure.get_suptitle() == f"{first},\nand ordinary training, which does not find them, 0.30"
    figure, _ = mirrored.counterexample(made(EXCESS | {"ordinary start": (0.1, 0.1, 0.1)}))
    assert figure.get_suptitle() == first


def test_one_network_of_one_kind_is_drawn_without_an_interval():
    figure, data = mirrored.counterexample(made({"tied pairs": EXCESS["tied pairs"]}, splits=1))
    drawn(figure)
    assert data["low"].isna().all()
    assert figure.get_suptitle() == "With one hidden layer and no bias above 0.001, mirrored pairs reach R + R̄ = 1.60"
