"""Rows of `claims.csv`."""

import numpy as np
import pandas as pd
from helpers.claim_rows import FULL, ratio, row, table
from helpers.contrasts import found, rule

from symmetry_constrained.verdicts.rules import needed
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, claim_row, completed, distinct


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


def test_a_table_of_release_0_1_gets_the_columns_that_it_lacks(tmp_path):
    old = table(*FULL).drop(columns=["cap", "distinct"])
    assert completed(old)["distinct"].tolist() == old["contrast"].tolist()
    assert set(completed(old)["cap"]) == {""}
    # One of now is as it was, read again or not.
    table(*FULL, ratio(cap="201 evaluations")).to_csv(tmp_path / "claims.csv", index=False)
    again = completed(pd.read_csv(tmp_path / "claims.csv"))
    assert again["cap"].tolist() == [""] * len(FULL) + ["201 evaluations"]
