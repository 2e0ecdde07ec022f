"""Rows of `claims.csv`."""

import numpy as np
import pandas as pd
import pytest
from helpers.claim_rows import FULL, not_run, ratio, row, table, theorem
from helpers.contrasts import found, rule
from scipy import stats

from symmetry_constrained.audit import verdicts as audited
from symmetry_constrained.verdicts.rules import needed
from symmetry_constrained.verdicts.table import (
    CLAIM_COLUMNS,
    claim_row,
    completed,
    distinct,
    headlines,
    main_rows,
    standing,
)


def test_a_row_has_the_columns_of_the_table_and_names_the_values_of_by():
    rule_ = rule("published contrast", by=("network", "terms"))
    contrast = found(-0.01, 0.11, prediction=(-0.1, 0.2), n=20)
    row = claim_row(rule_, contrast, "where to look", "clean", "digits", 0.07, ("biased", "FLOP"))
    assert list(row) == CLAIM_COLUMNS
    assert row["contrast"] == "a contrast; biased; FLOP"
    assert (row["id"], row["title"], row["section"], row["kind"]) == ("C0", "a title", "2.2", "published contrast")
    assert (row["effect"], row["low"], row["high"], row["n"]) == (contrast.effect, -0.01, 0.11, 20)
    assert (row["prediction_low"], row["prediction_high"], row["published"]) == (-0.1, 0.2, 0.07)
    assert (row["protocol"], row["dataset"], row["evidence"]) == ("clean", "digits", "where to look")
    assert (row["verdict"], row["needed"]) == ("inconclusive", needed(rule_, contrast, 0.07))
    decided = claim_row(rule_, found(0.1, 0.3), "", "clean", "digits", 0.2, ("", ""))
    assert decided["verdict"] == "replicated" and np.isnan(decided["needed"])


def test_contrasts_that_repeat_one_another_have_one_name():
    rule_ = rule(by=("network", "terms"), distinct="on equal terms, {network}")
    rows = [claim_row(rule_, found(0.1, 0.3), "", "clean", "digits", at=("biased", terms)) for terms in ("FLOP", "s")]
    assert [one["distinct"] for one in rows] == ["on equal terms, biased"] * 2
    # What was not run has no values of `by`.
    assert claim_row(rule_, found(0.1, 0.3, n=0), "", "", "")["distinct"] == "a contrast"
    assert claim_row(rule(), found(0.1, 0.3), "", "clean", "digits")["distinct"] == "a contrast"


def counted(*rows, besides=()):
    found_ = distinct(table(*rows), table(*besides))
    return found_[["contrast", "verdict"]].values.tolist()


def test_evidence_that_repeats_itself_counts_once_as_the_least_favourable():
    one = {"kind": "new test", "distinct": "costs"}
    good, open_ = row(contrast="FLOP", **one), row(contrast="s", low=0.01, high=0.5, **one)
    bad = row(contrast="evaluations", low=-0.1, high=0.01, **one)
    other = row(contrast="other", kind="new test")
    assert counted(good, open_, bad, other) == [["evaluations", "not supported"], ["other", "supported"]]
    assert counted(good, other, open_) == [["other", "supported"], ["s", "inconclusive"]]
    # Not of another dataset, protocol or claim; nor is anything new that repeats the headline.
    assert len(counted(good, row(contrast="FLOP", dataset="mnist", **one))) == 2
    assert len(counted(good, row("C3", contrast="FLOP", **one))) == 2
    assert counted(good, bad, other, besides=[open_]) == [["other", "supported"]]
    assert counted(row(by_construction=True), other) == [["other", "supported"]]


def test_a_table_read_again_is_as_it_was(tmp_path):
    table(*FULL, ratio(cap="201 evaluations")).to_csv(tmp_path / "claims.csv", index=False)
    again = completed(pd.read_csv(tmp_path / "claims.csv"))
    assert again["cap"].tolist() == [""] * len(FULL) + ["201 evaluations"]


# Headlines.


def test_a_claim_may_have_several_headlines_and_stands_as_the_least_favourable():
    rows = [row(), row(protocol="clean"), row(contrast="further"), row(contrast="second", headline=True)]
    heads = headlines(table(*rows))
    assert heads["contrast"].tolist() == ["left − right", "left − right", "second"]
    assert main_rows(table(*rows))[["contrast", "protocol"]].values.tolist() == [
        ["left − right", "published"],
        ["second", "published"],
    ]
    assert standing(table(*rows)) == "holds"
    # One that is open or fails under the headline's protocol; neither further rows nor another protocol.
    assert standing(table(*rows[:3], row(contrast="second", headline=True, n=19))) == "open"
    assert standing(table(*rows[:3], row(contrast="second", headline=True, low=-0.1, high=0.0))) == "fails"
    assert standing(table(row(), row(protocol="clean", n=19), row(contrast="further", n=19))) == "holds"


def test_holms_p_by_hand():
    # Of 0.05 from the line and 0.03 to the end of the interval; of log 3 and log 1.5, with the line at 1.1.
    rows = table(theorem(), row(effect=0.07, low=0.04, high=0.1), ratio(3.0, 2.0, 4.5), row(contrast="further"))
    distances = np.array([0.05 / 0.03, np.log(3 / 1.1) / np.log(1.5)])
    plain = 2 * stats.t.sf(2.2621571628 * distances, 9)
    assert plain[1] < plain[0] < 0.05
    assert rows["p_holm"].tolist() == pytest.approx([np.nan, plain[0], 2 * plain[1], np.nan], nan_ok=True, rel=1e-8)
    # The end on the line has 5 %, of an effect above it or below; the correction then undoes a decision.
    assert table(row(effect=0.07, low=0.02, high=0.12))["p_holm"].tolist() == pytest.approx([0.05])
    assert table(row(effect=-0.03, low=-0.08, high=0.02))["p_holm"].tolist() == pytest.approx([0.05])
    twice = table(row(effect=0.07, low=0.021, high=0.119), row("C3", effect=0.07, low=0.021, high=0.119))
    assert (twice["verdict"] == "supported").all() and (twice["p_holm"] > 0.05).all()


def test_rows_that_no_interval_decides_have_no_p():
    rows = table(theorem(), row(n=19), ratio(np.inf, 3.0, np.inf))
    assert rows["p_holm"].isna().all()
    assert table(theorem(n=0), not_run("C2"), not_run())["p_holm"].isna().all()


@pytest.mark.parametrize("seed", range(20))
def test_the_audits_own_holm_agrees(seed):
    random = np.random.default_rng(seed)
    rows = []
    for number in range(6):
        effect, half = random.normal(0, 0.1), random.uniform(0.01, 0.2)
        given = {"protocol": random.choice(["published", "clean"]), "headline": bool(random.random() < 0.6)}
        rows.append(row("C2", f"contrast {number}", effect, effect - half, effect + half, "new test", **given))
        rows.append(ratio(np.exp(effect), np.exp(effect - half), np.exp(effect + half), contrast=f"ratio {number}"))
    rows += [row("C2", "contrast 0", 0.1, 0.0, 0.2, "new test", protocol="clean"), theorem()]
    made = table(*rows)
    assert made["p_holm"].notna().sum() >= 2
    np.testing.assert_allclose(audited.holm(made), made["p_holm"], rtol=1e-9)
