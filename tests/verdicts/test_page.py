"""The verdict page: every claim with its verdict and numbers, and sentences that the rows decide."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.claim_rows import FULL, STATED, not_run, places, ratio, row, table, theorem

from symmetry_constrained.verdicts import costs, leak
from symmetry_constrained.verdicts import page as verdict_page


def page(*rows):
    return whole(table(*rows))


def whole(rows):
    each = pd.DataFrame(
        [("C1", 0, 0.0, np.nan), ("C2", 3, 75.4, 612.3), ("C3", 1, np.nan, np.nan)], columns=costs.COLUMNS
    )
    return verdict_page.page(rows, STATED, places(), pd.DataFrame(columns=leak.COLUMNS), each)


def headlines(text):
    """The part of the page with a row per headline."""
    return text.partition("## Headlines")[2].split("## C1")[0]


def sections(text):
    """The text below each heading of level two, by heading."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def cells(text):
    """The rows of the Markdown tables in a text, as lists of cells, headings included."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_margins_on_the_page_are_those_of_the_rows():
    def said(*rows):
        return re.search(r"It must clear (.*)\.$", page(*rows).replace("\n", " ").partition("*Headlines*")[0].strip())[
            1
        ]

    assert said(*FULL) == "a margin of 0.02 in accuracy, or a factor 1.1"
    assert said(theorem(), row(margin=0.05), not_run()) == "a margin of 0.02 or 0.05 in accuracy"
    assert said(theorem(), row(), ratio(margin=1.5)) == "a margin of 0.02 in accuracy, or a factor 1.5"


def test_every_claim_has_a_section_with_its_statement_and_a_row_for_each_of_its_rows():
    found = sections(page(*FULL))
    assert len(found) == 4 and "Headlines" in found
    found.pop("Headlines")
    for claim, (heading, text) in zip(STATED, found.items(), strict=True):
        assert claim.id in heading and claim.title in heading
        assert claim.statement in text and claim.section in text
        own = [one for one in FULL if one["id"] == claim.id]
        heading_row, *lines = cells(text)
        assert len(lines) == len(own)
        for line, one in zip(lines, own, strict=True):
            assert len(line) == len(heading_row)
            assert line[0] == one["contrast"]
            assert line[heading_row.index("N")] == str(one["n"])
            more = f" ({one['needed']:,.0f} more pairs would decide)" if np.isfinite(one["needed"]) else ""
            assert line[heading_row.index("verdict")].endswith(one["verdict"] + more)
            assert line[heading_row.index("evidence")] == f"`{one['evidence']}`"
            assert line[1] == one["setting"]


def test_the_page_has_a_row_per_headline_as_it_was_judged_first():
    heading, *lines = cells(headlines(page(*FULL)))
    assert [line[0] for line in lines] == ["C1", "C2", "C3"]
    by = dict(zip(heading, lines[1], strict=True))
    assert by["verdict"].endswith("replicated") and by["setting"] == "paper"
    assert by["effect"] == "0.300 [0.200, 0.400]" and by["published"] == "0.350" and by["N"] == "20"
    assert [dict(zip(heading, line, strict=True))["setting"] for line in lines] == ["", "paper", "no-leak"]
    assert dict(zip(heading, lines[2], strict=True))["verdict"].endswith(" supported")


def test_the_page_opens_with_where_each_claim_holds_and_what_the_settings_are():
    opening = page(*FULL).split("## Headlines")[0]
    assert "Of the 2 claims that were judged in 4 settings, 2 are open; of the 1 on theory, 1 holds." in opening
    lines = cells(opening)
    assert lines[0][:4] == ["claim", "the paper", "over the settings", "holds in"]
    assert lines[2] == ["C2", "A measurement", "open", "paper", "", "no-leak", ""]
    assert lines[4][0] == "setting" and [line[0] for line in lines[5:9]] == ["paper", "no-leak", "talk", "mnist"]
    assert lines[5][-5:] == ["200 evaluations", "all images", "1000", "20", "50%"]


def test_a_terminal_gets_each_headline_in_two_narrow_lines(tmp_path):
    table(*FULL).to_csv(tmp_path / "claims.csv", index=False)
    for rows in (table(*FULL), pd.read_csv(tmp_path / "claims.csv")):
        lines = verdict_page.brief(rows).splitlines()
        assert len(lines) == 6
        for first, second, main in zip(lines[::2], lines[1::2], (FULL[0], FULL[1], FULL[4]), strict=True):
            assert first.split() == [main["id"], *main["title"].split(), *main["verdict"].split()]
            assert second.startswith(f"     {main['contrast']}: {verdict_page.effect(main)}")
            assert second.endswith(f"; N = {main['n']}")
            assert ("; published " in second) == pd.notna(main["published"])
            assert first.rindex(main["verdict"]) == lines[0].rindex(FULL[0]["verdict"])  # a column


def test_what_a_terminal_gets_is_at_most_100_columns_wide():
    rows = table(row(contrast="a contrast of many words " * 12, effect=1e-12, low=-1e-12, high=1e-9, n=1_000_000))
    lines = verdict_page.brief(rows).splitlines()
    assert len(lines) > 3 and max(map(len, lines)) <= 100
    assert " ".join(" ".join(lines).split()).count("a contrast of many words") == 12


def test_every_verdict_has_a_mark_and_marks_tell_what_holds_from_what_does_not():
    holds = {
        verdict_page.MARKS[name]
        for name in ("replicated", "replicated, smaller", "supported", "theorem, no violation found")
    }
    fails = {verdict_page.MARKS[name] for name in ("equivalent", "reversed", "not supported", "refuted")}
    assert len(holds) == 1 and holds.isdisjoint(fails)
    assert verdict_page.MARKS["inconclusive"] not in holds | fails


# The sentences.


def said(*rows):
    return " ".join(verdict_page.sentences(table(*rows)))


def test_the_sentences_hold_the_headlines_numbers_and_verdict():
    text = said(row(n=1234, published=0.35))
    for part in ("0.300 [0.200, 0.400]", "N = 1,234", "0.350", "0 to 0.600", "replicated"):
        assert part in text
    assert "outside" not in text
    text = said(row(published=0.9))
    assert "outside" in text and "0.900" in text and "replicated, smaller" in text
    # The paper gives none.
    assert "paper" not in said(row())
    text = said(theorem(2.5e-15))
    assert "2.5e−15" in text and "12,000" in text and "theorem, no violation found" in text


def test_the_other_protocol_and_dataset_and_the_further_rows_are_said():
    further = [row(contrast=f"further {number}", effect=effect) for number, effect in enumerate((0.3, 0.3, -0.5))]
    wide = [
        row(contrast="wide", effect=0.1, low=-0.02, high=0.22),
        row(contrast="wider", effect=0.1, low=-0.5, high=0.7),
    ]
    other = row(protocol="clean", effect=-0.2, low=-0.3, high=-0.1, published=0.3)
    text = said(row(published=0.3), other, *further[:2], *wide)
    assert "Elsewhere: no-leak: −0.200 [−0.300, −0.100], reversed" in text
    more = [claims_["needed"] for claims_ in wide]
    assert f"{min(more):,.0f} to {max(more):,.0f} more pairs" in text
    assert "4 further rows: 2 supported, 2 inconclusive" in text
    # What repeats the headline or another row, or holds by construction, is no further row.
    again = [row(contrast=name, distinct="same") for name in ("same", "in seconds", "in FLOP")]
    text = said(row(distinct="left"), row(contrast="left again", distinct="left"), *again, row(by_construction=True))
    assert "Of 1 further rows: 1 supported." in text
    # One number is no range.
    assert f"{more[0]:,.0f} more pairs" in said(row(), wide[0])
    assert f"{more[0]:,.0f} to" not in said(row(), wide[0])


def test_an_inconclusive_headline_says_how_many_more_pairs_would_decide_or_why_that_is_not_known():
    open_ = row(effect=0.05, low=-0.01, high=0.11, n=1000)
    assert open_["needed"] == pytest.approx(3000, abs=1)
    assert f"{open_['needed']:,.0f} more pairs" in said(open_)
    reasons = [
        said(row(effect=0.02, low=-0.01, high=0.05)),  # on the line
        said(ratio(effect=1.2, low=0.0, high=np.inf)),  # no end
        said(ratio(effect=np.nan, low=np.nan, high=np.nan)),  # never there
    ]
    for text in reasons:
        assert "inconclusive" in text and "nan" not in text and not re.search(r"\d more pairs", text)
    # Each its own reason.
    endings = [text.split("inconclusive")[1] for text in reasons]
    assert len(set(endings)) == 3


def test_too_few_networks_are_counted_against_what_is_needed():
    assert said(row(low=np.nan, high=np.nan, n=1)).endswith("N = 1: too few networks, below 20.")
    assert said(row(n=19, published=0.3)).endswith(": too few networks, below 20.")
    assert said(row(of="theory/orbits", kind="new test", n=9)).endswith(": too few units, below 10.")


def test_what_the_paper_does_not_show_is_said_with_what_our_networks_do():
    text = said(row(published=-0.087))
    assert "the paper's own −0.087 does not show it, and our networks do: not in the paper, supported." in text
    against = {"effect": -0.3, "low": -0.4, "high": -0.2, "prediction": (-0.5, -0.1)}
    assert "our networks do not either: not in the paper, not supported." in said(row(published=0.01, **against))
    text = said(row(published=-0.2, **against))
    assert "the paper's −0.200 goes against the claim as well, and lies where one more pair falls" in text
    assert text.endswith(": reversed, as published.")


def test_a_cap_is_no_infinity():
    given = {"cap": "201 evaluations"}
    assert verdict_page.effect(ratio(np.inf, 3.4, np.inf, **given)) == "not within 201 evaluations; at least 3.400"
    assert verdict_page.effect(ratio(np.inf, np.nan, np.nan, **given)) == "not within 201 evaluations"
    assert verdict_page.effect(ratio(3.0, 2.0, np.inf, **given)) == "3.000 [2.000, no upper end]"
    assert verdict_page.effect(ratio(0.0, 0.0, 0.5, **given)) == "divisor not within 201 evaluations; at most 0.500"
    assert verdict_page.effect(ratio(3.0, 2.0, 5.0, **given)) == "3.000 [2.000, 5.000]"
    assert "∞" not in page(theorem(), row(), ratio(np.inf, 3.4, np.inf, **given))


def test_one_pair_is_not_compared_with_where_one_more_would_fall():
    text = said(row(low=np.nan, high=np.nan, n=1, published=0.35))
    assert "outside" not in text and "–" not in text.replace("left − right", "")


def test_what_was_not_run_is_said_and_the_page_is_whole():
    text = page(theorem(n=0, effect=np.nan, evidence="not run"), row(), not_run())
    found = sections(text)
    assert "ot run" in found["C1. A theorem"] and "ot run" in found["C3. A promise"]
    assert "nan" not in text
    heading, *lines = cells(headlines(text))
    assert [dict(zip(heading, line, strict=True))["effect"] for line in lines] == ["–", "0.300 [0.200, 0.400]", "–"]


def test_many_contrasts_are_corrected_and_false_verdicts_expected():
    near = {"effect": 0.07, "low": 0.021, "high": 0.119}
    rows = table(theorem(), row(), row(contrast="near", headline=True, **near), ratio(3.0, 1.0, 9.0), row(contrast="b"))
    text = verdict_page.many(rows)
    assert "Of the 3 headlines with a p-value, 2 are decided; after Holm's correction over all 3, 1 still are" in text
    assert "(not: C2, near)" in text
    # Four rows rest on an interval, of which one in twenty misses.
    assert "Of the 4 distinct results that rest on a 95 % interval, 0.2 intervals are expected to miss" in text
    assert text in whole(rows)


# Numbers.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-0.12345, "−0.123"),
        (0, "0"),
        (-0.0, "0"),
        (0.001, "0.001"),
        (0.00099, "9.9e−04"),
        (-2.5e-15, "−2.5e−15"),
        (12.3456, "12.346"),
        (123.456, "123"),
        (1234567.8, "1,234,568"),
        (np.inf, "∞"),
        (-np.inf, "−∞"),
        (np.nan, "–"),
    ],
)
def test_numbers_are_short(value, text):
    assert verdict_page.number(value) == text


def test_a_bar_in_a_text_does_not_break_a_table():
    text = page(theorem(evidence="where |x| = 1"), row(contrast="|left| − right"), ratio())
    for part in sections(text).values():
        assert len({len(line) for line in cells(part)}) == 1


def test_the_table_read_again_gives_the_same_page(tmp_path):
    rows = table(*FULL, not_run())
    rows.to_csv(tmp_path / "claims.csv", index=False)
    again = pd.read_csv(tmp_path / "claims.csv")
    assert whole(again) == whole(rows)
    # Where no row has a dataset, the column is read as numbers.
    table(theorem(), not_run("C2"), not_run()).to_csv(tmp_path / "claims.csv", index=False)
    again = pd.read_csv(tmp_path / "claims.csv")
    assert whole(again) == page(theorem(), not_run("C2"), not_run())


def test_beside_each_claim_are_its_command_and_what_it_costs():
    found = cells(page(*FULL).partition("**One claim at a time.**")[2].partition("## Headlines")[0])
    assert found[0] == ["claim", "command", "jobs", "time", "memory"]
    assert found[1:] == [
        ["C1", "`snakemake --cores all claim_C1`", "0", "0 s", "–"],
        ["C2", "`snakemake --cores all claim_C2`", "3", "75 s", "612 MB"],
        ["C3", "`snakemake --cores all claim_C3`", "1", "–", "–"],
    ]


def test_without_holms_adjustment_the_page_says_so():
    rows = table(*FULL)
    assert "after Holm's correction over all" in whole(rows)
    without = whole(rows.assign(p_holm=np.nan))
    assert "after Holm's correction" not in without and verdict_page.HOLM.strip() in without
