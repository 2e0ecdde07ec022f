"""What a terminal gets of one claim by itself."""

import numpy as np
from helpers.claim_rows import FULL, places, table, theorem

from symmetry_constrained.verdicts import alone, page
from symmetry_constrained.verdicts.table import p_values

LONG = "a contrast whose name takes more than the width of a line, so that it has to be wrapped somewhere in its middle"


def test_a_claim_has_its_word_its_headlines_and_a_p_of_each_by_itself():
    own = table(*(one for one in FULL if one["id"] == "C2"))
    text = alone.text(own.assign(p_holm=np.nan), places())
    assert text.startswith("C2. A measurement: open. It holds in paper") and "**" not in text
    p = page.number(p_values(own).iloc[0])
    assert p != "–"
    told = f"\n  left − right: 0.300 [0.200, 0.400]; N = 20; published 0.350; p = {p} (paper): replicated\n"
    # The other settings are in the sentence above; no further contrast is told.
    assert told in text and text.count("replicated") == 1 and "further" not in text
    assert text.endswith(page.HOLM)


def test_a_theorem_has_no_p_and_no_setting():
    text = alone.text(table(theorem()), places().iloc[:0])
    assert text.splitlines()[0] == "C1. A theorem: holds."
    assert "a property: largest violation 0; N = 12,000: theorem, no violation found" in text and "Holm" not in text


def test_lines_are_no_wider_than_a_terminal():
    rows = table(FULL[1] | {"contrast": LONG, "distinct": LONG}, *FULL[2:4])
    assert max(map(len, alone.text(rows, places()).splitlines())) <= 100
