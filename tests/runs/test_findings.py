"""The README's sentences, of made-up tables where each outcome is known."""

import pandas as pd
import pytest
from helpers.claim_rows import places, row, table, theorem
from helpers.judging import setting

from symmetry_constrained.runs import findings

PLACES = [setting("paper", "a", protocol="published", paper=True), setting("b", "b"), setting("c", "c")]
ENDS = {"+": (0.2, 0.4), "-": (-0.1, 0.01), "?": (0.01, 0.4)}


def judged(id_, outcomes):
    """A row per setting: + holds, - fails, ? is open."""
    return [
        row(id_, "left − right", sum(ENDS[mark]) / 2, *ENDS[mark], kind="new test", setting=place.name, headline=True)
        for place, mark in zip(PLACES, outcomes, strict=True)
    ]


@pytest.mark.parametrize(
    ("second", "third", "said"),
    [
        (
            "+++",
            "-++",
            [
                "A measurement (C2)",
                "A promise (C3) holds in 2 settings (in b; in c) and fails in 1 setting (in paper)",
                "none",
                "none",
            ],
        ),
        (
            "+--",
            "+++",
            [
                "A promise (C3)",
                "A measurement (C2) holds in 1 setting (in paper) and fails in 2 settings (in b; in c)",
                "none",
                "none",
            ],
        ),
        ("---", "??+", ["none", "none", "A measurement (C2)", "A promise (C3)"]),
        ("+++", "+++", ["A measurement (C2); A promise (C3)", "none", "none", "none"]),
    ],
)
def test_each_claim_is_named_where_its_word_is(second, third, said):
    rows = table(theorem(), *judged("C2", second), *judged("C3", third))
    throughout, depends, rest = findings.by_word(rows, places(PLACES))
    assert throughout == f"**Holds throughout,** in every setting that decides: {said[0]}."
    assert depends == f"**Depends on the setting:** {said[1]}."
    assert rest == f"**Fails:** {said[2]}. **Open:** {said[3]}."


def test_many_settings_are_counted_and_few_are_named_as_the_map_names_them():
    many = [setting(name, name) for name in "abcdefg"]
    rows = table(
        theorem(),
        *(
            row("C2", "left − right", 0, *ENDS["+-"[n == 6]], kind="new test", setting=place.name, headline=True)
            for n, place in enumerate(many)
        ),
    )
    depends = findings.by_word(rows, places(many).assign(label=lambda named: named["setting"].str.upper()))[1]
    assert depends == "**Depends on the setting:** A measurement (C2) holds in 6 settings and fails in 1 setting (G)."


def test_a_theorem_is_named_where_it_fails():
    rows = table(theorem(1.0), *judged("C2", "+++"))
    assert findings.by_word(rows, places(PLACES))[-1] == "**Fails:** A theorem (C1). **Open:** none."


def number(dataset="digits", same_seed="exact", typicality="typical", n=40):
    return {"dataset": dataset, "same_seed": same_seed, "typicality": typicality, "n": n}


def test_published_numbers_are_counted_among_those_that_could_be_judged():
    numbers = [number()] * 2 + [number(same_seed="within numerical chaos", typicality="lucky")]
    numbers += [number("mnist", "not reproduced", "too few draws", 3)]
    assert findings.published(pd.DataFrame(numbers)) == (
        "**Published numbers.** Of the 3 on digits, trained again with the author's seeds, 2 match to three decimals "
        "and 1 is within the spread that rounding alone causes; 2 of 3 are typical of 40 networks of ours. Of the 1 on "
        "MNIST, trained again with the author's seeds, 1 does not come out; 3 networks of ours are too few to say "
        "which are typical."
    )
