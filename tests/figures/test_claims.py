"""The figure of verdicts: every mark is a row of the data beside it, in sight, and the title counts what holds."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from helpers.claim_rows import FULL, not_run, ratio, row, table, theorem
from helpers.panels import drawn

from symmetry_constrained.figures import claims, style
from symmetry_constrained.figures.titles import title_of
from symmetry_constrained.verdicts.rules import OUTCOMES

pytestmark = pytest.mark.usefixtures("style")


def draw(*rows):
    figure, data = claims.verdicts(table(*rows))
    drawn(figure)
    return figure, data


def marks(panel, marker):
    """(x, height) of every mark of a kind."""
    return [tuple(line.get_xydata()[0]) for line in panel.lines if line.get_marker() == marker]


def intervals(panel):
    """(low, high) of every drawn interval; the rule that crosses the panel is none."""
    lines = [line.get_xydata() for line in panel.lines if line.get_marker() == "None" and len(line.get_xdata()) == 2]
    return [(line[0, 0], line[1, 0]) for line in lines if line[0, 1] == line[1, 1]]


def texts(figure):
    found = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    return [text for text in found if text]


def test_each_claim_has_a_row_with_its_headline_in_every_setting():
    figure, data = draw(*FULL)
    assert list(data) == list(table())
    assert data[["id", "contrast", "setting"]].values.tolist() == [
        ["C1", "a property", ""],
        ["C2", "left − right", "paper"],
        ["C2", "left − right", "no-leak"],
        ["C3", "this ÷ that", "no-leak"],
        ["C3", "this ÷ that", "mnist"],
    ]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    for label, id_ in zip(labels, ("C1", "C2", "C3"), strict=True):
        assert id_ in label and data.loc[data["id"] == id_, "title"].iloc[0] in label
    # The first claim is at the top.
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top


def test_points_intervals_and_published_effects_stand_where_the_rows_say():
    figure, data = draw(*FULL)
    differences, ratios = figure.axes
    first, other = (row for _, row in data[data["id"] == "C2"].iterrows())
    assert marks(differences, "o") == [(first["effect"], 1)]
    assert intervals(differences) == [(first["low"], first["high"])]
    # In another setting the effect alone.
    assert marks(differences, "|") == [(other["effect"], 1)]
    # The paper's effect, on the row of its own setting.
    assert marks(differences, "D") == [(0.35, 1)]
    assert [x for x, _ in marks(ratios, "o")] == [3]
    assert intervals(ratios) == [(2, 5)]
    assert ratios.get_xscale() == "log"


def test_the_grey_band_is_the_margin_of_the_rows():
    def bands(*rows):
        figure, _ = draw(*rows)
        return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in figure.axes[0].patches]

    assert bands(*FULL) == [(-0.02, 0.02)]
    assert bands(theorem(), row(margin=0.07)) == [(-0.07, 0.07)]
    # Each row has its own where they differ.
    assert bands(row("C2", margin=0.07), row("C3")) == [(-0.07, 0.07), (-0.02, 0.02)]


def test_a_theorem_and_what_was_not_run_are_said_in_words():
    figure, _ = draw(theorem(), row(), not_run())
    assert not marks(figure.axes[0], "o")[1:]
    (violation,) = [text for text in texts(figure) if "12,000" in text]
    assert violation.startswith("largest violation 0")
    assert len([text for text in texts(figure) if "not run" in text]) == 1
    # As is an effect that fits neither axis.
    figure, _ = draw(theorem(), row(unit="bits", effect=40.0, low=30.0, high=50.0), ratio())
    assert len([text for text in texts(figure) if text.startswith("bits 40")]) == 1
    assert marks(figure.axes[0], "o") == [] and figure.axes[0].get_xlim()[1] < 20


def test_each_claim_carries_its_verdict_and_a_sign_where_the_settings_differ():
    figure, _ = draw(*FULL, row(contrast="more", effect=-0.3, low=-0.4, high=-0.2))
    shown = [(round(text.get_position()[1]), text) for text in figure.axes[1].texts if text.get_bbox_patch()]
    words = [(place, text.get_text()) for place, text in shown]
    assert words[0] == (0, "theorem,\nno violation found") and words[2] == (2, "supported †")
    assert words[1][0] == 1 and words[1][1].startswith("replicated ")
    alike, _ = draw(theorem(), row(published=0.3), row(protocol="clean", published=0.3), ratio())
    assert [text.get_text() for text in alike.axes[1].texts if text.get_bbox_patch()][1] == "replicated"
    # C2 is open without the leak, but none of its further contrasts holds.
    colours = [matplotlib.colors.to_hex(text.get_bbox_patch().get_facecolor()).upper() for _, text in shown]
    assert colours == [claims.SHADES["holds"], claims.MIXED, claims.SHADES["holds"]]
    assert {*OUTCOMES.values()} <= {*claims.SHADES}
    # Of C2 "further" is open and "more" reversed; another setting of a headline is no further contrast.
    assert [text.get_text() for text in figure.axes[1].texts if " of " in text.get_text()] == ["0 of 2"]


@pytest.mark.parametrize(
    ("rows", "parts", "absent"),
    [
        ([theorem(), row(), ratio()], ["3 of 3 "], ["C1", "C2", "C3", "\n"]),
        ([theorem(1.0), row(), ratio(low=0.5)], ["1 of 3 ", "C1 ", "C3 "], ["C2"]),
        (
            [theorem(), row(effect=-0.3, low=-0.4, high=-0.2), ratio(effect=0.5, low=0.4, high=0.6)],
            ["(C2, C3 do not)"],
            ["C1"],
        ),
        ([*FULL[:4], ratio()], ["3 of 3 ", "\n0 of 1 further contrasts hold as well"], []),
        ([*FULL, row(contrast="more"), ratio(effect=0.5, low=0.4, high=0.6, protocol="published")], ["\n1 of 2 "], []),
    ],
)
def test_the_title_counts_what_holds_and_names_what_does_not(rows, parts, absent):
    figure, _ = draw(*rows)
    title = figure.get_suptitle()
    for part in parts:
        assert part in title, title
    for part in absent:
        assert part not in title, title


@pytest.mark.parametrize(
    ("effect", "low", "high"),
    [
        (3.0, 2.0, 5.0),
        (0.02, 0.01, 0.05),
        (400.0, 300.0, 900.0),
        (np.inf, 3.0, np.inf),
        (12.0, 5.0, np.inf),
        (np.inf, 0.0, np.inf),
        (4.0, 0.0, 6.0),
        (0.0, 0.0, 0.5),
        (3.0, np.nan, np.nan),
        (np.inf, np.nan, np.nan),
        (np.nan, np.nan, np.nan),
    ],
)
def test_every_ratio_is_in_sight(effect, low, high):
    figure, _ = draw(theorem(), row(), ratio(effect, low, high, n=20 if np.isfinite(low) else 1))
    panel = figure.axes[1]
    left, right = panel.get_xlim()
    points = [x for x, _ in marks(panel, "o")]
    assert points == ([effect] if np.isfinite(effect) else [])
    assert all(left < x < right for x in points if x > 0)
    bars = intervals(panel)
    assert bars == ([(max(low, left), high)] if np.isfinite([low, high]).all() else [])
    for start, end in bars:
        assert left <= start <= end < right
    arrows = [text for text in panel.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == (np.isinf(effect) or np.isinf(high))
    for arrow in arrows:
        start, end = (arrow.xyann[0], arrow.xy[0])
        assert left <= start < end < right
        assert start == max(low, left) or np.isnan(low)
        # A tick closes the end that is known.
        assert len(marks(panel, "|")) == np.isfinite(low)


def test_one_pair_is_a_point_without_an_interval():
    figure, _ = draw(theorem(), row(low=np.nan, high=np.nan, n=1, published=0.35), ratio())
    assert [x for x, _ in marks(figure.axes[0], "o")] == [0.3]
    assert intervals(figure.axes[0]) == []
    assert marks(figure.axes[0], "D") == [(0.35, 1)]


def test_the_table_read_from_a_file_gives_the_same_figure(tmp_path):
    rows = [*FULL, not_run()]
    table(*rows).to_csv(tmp_path / "claims.csv", index=False)
    figure, data = claims.verdicts(pd.read_csv(tmp_path / "claims.csv"))
    expected, drawn = claims.verdicts(table(*rows))
    # A theorem has neither protocol nor dataset, and keeps its row.
    assert "C1" in set(data["id"])
    columns = ["id", "protocol", "dataset", "effect", "low", "high", "published", "n", "verdict"]
    pd.testing.assert_frame_equal(data[columns], drawn[columns], check_dtype=False)
    assert texts(figure) == texts(expected)


def test_saving_it_leaves_its_data(tmp_path):
    figure, data = draw(*FULL)
    style.save(figure, tmp_path / "verdicts", data)
    assert len(pd.read_csv(tmp_path / "verdicts.csv")) == len(data)
    assert title_of(tmp_path / "verdicts.png") == " ".join(figure.get_suptitle().split())


def test_a_further_headline_has_a_row_of_its_own_and_counts_for_its_claim():
    figure, data = draw(theorem(), row(), row(contrast="second", headline=True, low=-0.1, high=0.0), ratio())
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [label.split()[-1] for label in labels] == ["C1", "C2", "C2", "C3"] and labels[2].startswith("second")
    assert data["contrast"].tolist() == ["a property", "left − right", "second", "this ÷ that"]
    assert figure.get_suptitle().startswith("2 of 3 ") and "(C2 does not)" in figure.get_suptitle()
