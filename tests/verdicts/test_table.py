"""Rows of `claims.csv`."""

import numpy as np
from helpers.contrasts import found, rule

from symmetry_constrained.verdicts.rules import needed
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, claim_row


def test_a_row_has_the_columns_of_the_table_and_names_the_values_of_by():
    rule_ = rule("published contrast", by=("network", "terms"))
    contrast = found(-0.01, 0.11, prediction=(-0.1, 0.2), n=10)
    row = claim_row(rule_, contrast, "where to look", "clean", "digits", 0.07, ("biased", "FLOP"))
    assert list(row) == CLAIM_COLUMNS
    assert row["contrast"] == "a contrast; biased; FLOP"
    assert (row["id"], row["title"], row["section"], row["kind"]) == ("C0", "a title", "2.2", "published contrast")
    assert (row["effect"], row["low"], row["high"], row["n"]) == (contrast.effect, -0.01, 0.11, 10)
    assert (row["prediction_low"], row["prediction_high"], row["published"]) == (-0.1, 0.2, 0.07)
    assert (row["protocol"], row["dataset"], row["evidence"]) == ("clean", "digits", "where to look")
    assert (row["verdict"], row["needed"]) == ("inconclusive", needed(rule_, contrast))
    decided = claim_row(rule_, found(0.1, 0.3), "", "clean", "digits")
    assert decided["verdict"] == "replicated" and np.isnan(decided["needed"])
