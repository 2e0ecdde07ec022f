"""The paper's tables as a terminal shows them."""

import pandas as pd
import pytest

from symmetry_constrained.verdicts import paper_tables
from symmetry_constrained.verdicts.paper_tables import LABELS

ROW = {
    "network": "bias-free",
    "features": "neighbour",
    "training_set": "±X",
    "test_set": "X and −X",
    "published": "0.839",
    "same_seed": "within numerical chaos",
    "median": "0.832",
    "range": "0.793 to 0.860",
    "n": 100,
    "typicality": "too few draws",
}


def readable(*changes: dict) -> pd.DataFrame:
    return pd.DataFrame([{LABELS[key]: value for key, value in (ROW | row).items()} for row in changes])


def shown(table: pd.DataFrame) -> list[str]:
    return paper_tables.aligned(table).splitlines()


def test_what_is_the_same_in_all_rows_is_left_out_of_those_that_name_a_row():
    table = readable({}, {"network": "biased"})
    assert list(paper_tables.narrow(table))[:2] == ["network", "published"]
    # Numbers and verdicts stay, though all of them are equal; and of a single row everything does.
    assert list(paper_tables.narrow(table))[1:] == list(paper_tables.narrow(readable({})))[4:]
    assert list(paper_tables.narrow(readable({})))[:4] == ["network", "features", "trained on", "tested on"]


@pytest.mark.parametrize(
    "rows",
    [
        [{}],
        [{}, {"network": "biased", "features": "identity", "training_set": "X", "test_set": "X"}],
        [{"features": "a map of ones own, with a long name"}, {"network": "biased", "typicality": "outside the range"}],
    ],
)
def test_a_terminal_of_100_columns_is_wide_enough_and_every_word_is_there(rows):
    table = paper_tables.narrow(readable(*rows))
    lines = shown(table)
    assert max(map(len, lines)) <= 100
    words = set(" ".join(lines).split())
    for value in [*table.columns, *table.map(str).to_numpy().ravel()]:
        assert set(value.split()) <= words, value


def test_a_table_that_fits_has_a_line_to_a_row():
    table = readable({}, {"network": "biased"})[["network", "same seed gives"]]
    assert [line.split() for line in shown(table)[2:]] == [
        ["bias-free", "within", "numerical", "chaos"],
        ["biased", "within", "numerical", "chaos"],
    ]
