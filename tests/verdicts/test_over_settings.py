"""One word over the settings, by made-up outcomes in each."""

import pandas as pd
import pytest
from helpers.claim_rows import places, row, table, theorem
from helpers.judging import setting

from symmetry_constrained.verdicts import over_settings
from symmetry_constrained.verdicts.over_settings import MIXED, PAPERS

PLACES = [
    setting("paper", "a", protocol="published", paper=True),
    setting("no-leak", "b"),
    setting("longer", "c", budget="2,000 iterations"),
    setting("wider", "c", budget="2,000 iterations", hidden_layers="40-20"),
    setting("mnist", "d", "mnist"),
]
ENDS = {"+": (0.2, 0.4), "-": (-0.1, 0.01), "!": (-0.4, -0.2), "?": (0.01, 0.4)}


def rows(outcomes, contrast="left − right", **changes):
    """A row per setting: + holds, - fails, ! goes the other way, ? is open; a space: not there."""
    made = []
    for place, mark in zip(PLACES, outcomes, strict=False):
        if mark != " ":
            low, high = ENDS[mark]
            given = {"kind": "new test", "setting": place.name, "headline": True} | changes
            made.append(row("C2", contrast, (low + high) / 2, low, high, **given))
    return made


def word(*made):
    return over_settings.over_settings(table(*made), places(PLACES)).iloc[0]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("+++++", "holds throughout"),
        ("+++??", "holds throughout"),
        ("+  ++", "holds throughout"),
        ("++???", "open"),
        ("++", "open"),
        ("+----", "holds in the paper's setting only"),
        ("+-!??", "holds in the paper's setting only"),
        ("+-?? ", "open"),
        ("++---", "mixed"),
        ("-+-??", "mixed"),
        ("-----", "fails"),
        ("-!-??", "fails"),
        ("--???", "open"),
        ("?????", "open"),
    ],
)
def test_the_word_is_over_the_decided_settings_at_least_three(outcomes, expected):
    found = word(*rows(outcomes))
    assert found["over_settings"] == expected
    names = [place.name for place in PLACES]
    for column, marks in (("holds", "+"), ("fails", "-!"), ("open", "?")):
        named = [name for name, mark in zip(names, outcomes, strict=False) if mark in marks]
        assert found[column] == ", ".join(named)
    assert (found["depends_on"] == "") == (expected not in ("mixed", "holds in the paper's setting only"))


def test_every_setting_of_the_papers_must_hold_for_it_to_hold_in_the_papers_alone():
    # MNIST has published numbers as well.
    listed = places(PLACES).assign(paper=[True, False, False, False, True])
    for outcomes, expected in (("+---+", PAPERS), ("+---?", PAPERS), ("----+", MIXED), ("+----", MIXED)):
        assert over_settings.over_settings(table(*rows(outcomes)), listed)["over_settings"].tolist() == [expected]


def test_in_a_setting_the_least_favourable_headline_counts_and_no_further_row():
    two = [*rows("++++ "), *rows("+-?+ ", "second")]
    found = word(*two)
    assert (found["holds"], found["fails"], found["open"]) == ("paper, wider", "no-leak", "longer")
    assert word(*rows("+++++"), *rows("-----", "further", headline=False))["over_settings"] == "holds throughout"
    decided = over_settings.by_setting(table(*two)).set_index("setting")
    assert decided["contrast"].to_dict() == {
        "paper": "left − right",
        "no-leak": "second",
        "longer": "second",
        "wider": "left − right",
    }
    assert decided["outcome"].tolist() == ["holds", "fails", "open", "holds"] or set(decided["outcome"]) == {
        "holds",
        "fails",
        "open",
    }


def test_too_few_networks_and_a_budget_that_ended_decide_nothing():
    few = [*rows("++   "), row("C2", "left − right", 0.3, 0.2, 0.4, "new test", 19, setting="longer", headline=True)]
    assert word(*few)["open"] == "longer" and word(*few)["over_settings"] == "open"


def test_a_claim_on_theory_has_no_settings():
    found = over_settings.over_settings(table(theorem()), places(PLACES)).iloc[0]
    assert found["over_settings"] == "holds" and found[["holds", "fails", "open"]].eq("").all()
    assert over_settings.over_settings(table(theorem(effect=1.0)), places())["over_settings"].tolist() == ["fails"]


def test_what_it_depends_on_is_the_fewest_attributes_that_tell():
    def said(outcomes):
        return word(*rows(outcomes))["depends_on"]

    assert said("++--+") == "budget: holds with 200 evaluations, not with 2,000 iterations"
    assert said("++++-") == "dataset: holds with digits, not with mnist"
    # Two attributes tell, each by itself.
    assert said("+----").startswith("protocol: holds with published, not with clean")
    assert said("+++-+") == "hidden layers: holds with 10-5, not with 40-20"
    # No attribute tells alone, but two together do.
    assert "dataset and budget: holds with digits and 2,000 iterations, mnist and" not in said("--+-+")
    assert " and " in said("-+--+") or "no two" in said("-+--+")


def test_the_sentence_counts_every_claim_once():
    assert over_settings.sentence(table(theorem(), *rows("+++++")), places(PLACES)) == (
        "Of the 1 claims that were judged in 5 settings, 1 holds throughout; of the 1 on theory, 1 holds."
    )
    more = pd.concat(
        [table(*rows("++---")), table(*rows("+----")).assign(id="C3"), table(*rows("+----")).assign(id="C4")]
    )
    assert over_settings.sentence(more.reset_index(drop=True), places(PLACES)) == (
        "Of the 3 claims that were judged in 5 settings, 2 hold in the paper's setting only and 1 is mixed."
    )


def test_it_reads_alike_from_files(tmp_path):
    made, listed = table(theorem(), *rows("++--?")), places(PLACES)
    made.to_csv(tmp_path / "claims.csv", index=False)
    listed.to_csv(tmp_path / "settings.csv", index=False)
    again = [pd.read_csv(tmp_path / name) for name in ("claims.csv", "settings.csv")]
    pd.testing.assert_frame_equal(over_settings.over_settings(*again), over_settings.over_settings(made, listed))
    assert over_settings.sentence(*again) == over_settings.sentence(made, listed)
