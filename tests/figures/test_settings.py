"""The map: a cell for each claim and setting that was judged, its mark and colour those of the outcome."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from helpers.claim_rows import FULL, places, ratio, row, table, theorem
from helpers.panels import drawn

from symmetry_constrained.figures import settings, style
from symmetry_constrained.figures.titles import title_of

pytestmark = pytest.mark.usefixtures("style")
ROWS = [
    theorem(),
    row(published=0.3),
    row(kind="new test", protocol="clean", effect=-0.1, low=-0.2, high=-0.05),
    row(contrast="second", headline=True, kind="new test", effect=0.01, low=-0.1, high=0.1),
    row(dataset="mnist", effect=-0.3, low=-0.4, high=-0.2, published=0.3),
    ratio(),
    ratio(np.inf, 3.0, np.inf, dataset="mnist", cap="201 evaluations"),
]


def draw(*rows):
    figure, data = settings.settings_map(table(*rows), places())
    drawn(figure)
    return figure, data


def shown(figure):
    """(column, line) -> (text of the cell, its colour)."""
    (panel,) = figure.axes
    colours = {
        (round(patch.get_x() + 0.48), round(patch.get_y() + 0.46)): matplotlib.colors.to_hex(
            patch.get_facecolor()
        ).upper()
        for patch in panel.patches
    }
    texts = {}
    for text in panel.texts:
        x, y = text.get_position()
        texts.setdefault((round(x), round(y)), []).append(text.get_text())
    return {place: (texts[place], colour) for place, colour in colours.items()}


def test_each_cell_has_the_effect_and_the_mark_of_the_headline_that_decides():
    figure, data = draw(*ROWS)
    fills = {name: look[0] for name, look in settings.LOOKS.items()}
    assert shown(figure) == {
        # In the paper's setting the second headline is open.
        (0, 0): (["? +0.01", "N = 20"], fills["open"]),
        (1, 0): (["✗ −0.10", "N = 20"], fills["fails"]),
        (3 - 1, 0): (["⇄ −0.30", "N = 20"], fills["contrary"]),
        (1, 1): (["✓ ×3", "N = 20"], fills["holds"]),
        (3, 1): (["? budget", "N = 20"], fills["open"]),
    }
    # Nothing is left out: what was not judged has a dot.
    dots = [text for text in figure.axes[0].texts if text.get_text() == settings.ABSENT]
    assert len(dots) == 2 * 4 - 5 == 3
    assert data[["id", "setting", "contrast", "outcome"]].values.tolist() == [
        ["C2", "no-leak", "left − right", "fails"],
        ["C2", "paper", "second", "open"],
        ["C2", "talk", "left − right", "contrary"],
        ["C3", "no-leak", "this ÷ that", "holds"],
        ["C3", "mnist", "this ÷ that", "open"],
    ]


def test_rows_are_the_claims_in_settings_with_their_words_and_columns_the_settings():
    figure, _ = draw(*ROWS)
    (panel,) = figure.axes
    # A theorem has no settings.
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert [label.split()[-1] for label in labels] == ["C2", "C3"] and labels[0].startswith("A measurement")
    words = [text.get_text() for text in panel.texts if text.get_position()[0] > 3.5]
    assert words == ["open", "open"]
    heads = [label.get_text().split("\n") for label in panel.get_xticklabels()]
    assert [head[-4] for head in heads] == ["Digits", "Digits", "MNIST", "MNIST"]
    assert heads[0][0] == "in paper" and heads[0][-2:] == ["200", "eval."]
    assert " ".join(figure.get_suptitle().split()) == (
        "Of the 2 claims that were judged in 4 settings, 2 are open; of the 1 on theory, 1 holds."
    )


def test_the_false_verdicts_to_expect_are_said():
    text = settings.false_verdicts(table(*ROWS))
    # Five rows of the map rest on an interval, not the theorem nor the one that a budget ended.
    assert text.startswith("5 headlines behind the map are judged by a 95 % interval; 0.2 such intervals")
    few = settings.false_verdicts(table(*ROWS, row(kind="new test", setting="talk", n=19)))
    assert few == text
    figure, _ = draw(*ROWS)
    assert text in [one.get_text() for one in figure.texts]


@pytest.mark.parametrize(
    ("unit", "effect", "verdict", "text"),
    [
        ("accuracy", 0.126, "supported", "+0.13"),
        ("accuracy", -0.126, "reversed", "−0.13"),
        ("ratio", 3.44, "supported", "×3.4"),
        ("ratio", 1234.0, "supported", "×1,234"),
        ("ratio", np.inf, "not within the budget", "budget"),
        ("ratio", np.nan, "not within the budget", "budget"),
        ("ratio", np.nan, "inconclusive", "–"),
        ("accuracy", np.nan, "too few networks", "–"),
    ],
)
def test_effects_are_short(unit, effect, verdict, text):
    assert settings.effect(pd.Series({"unit": unit, "effect": effect, "verdict": verdict})) == text


def test_colours_differ_in_lightness_so_that_no_colour_need_be_told():
    fills = [matplotlib.colors.to_rgb(look[0]) for look in settings.LOOKS.values()]
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in fills)
    assert np.diff(light).min() > 0.1
    assert len({look[2] for look in settings.LOOKS.values()}) == 4


def test_without_a_claim_in_a_setting_the_map_is_empty():
    figure, data = draw(theorem())
    assert data.empty and figure.get_suptitle().startswith("Of the 0 claims")


def test_it_is_the_same_from_a_file_and_leaves_its_data(tmp_path):
    table(*FULL).to_csv(tmp_path / "claims.csv", index=False)
    places().to_csv(tmp_path / "settings.csv", index=False)
    again = [pd.read_csv(tmp_path / f"{name}.csv") for name in ("claims", "settings")]
    figure, data = settings.settings_map(*again)
    _, expected = draw(*FULL)
    pd.testing.assert_frame_equal(data, expected, check_dtype=False)
    style.save(figure, tmp_path / "settings", data)
    assert title_of(tmp_path / "settings.png") == " ".join(figure.get_suptitle().split())
