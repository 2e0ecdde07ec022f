"""Networks are counted once, however many features they are judged on."""

import pandas as pd
import pytest

from symmetry_constrained.runs import trained

ROWS = [("a", "identity"), ("a", "identity"), ("a", "canonical"), ("b", "canonical"), ("b", "square")]
NETWORKS = pd.DataFrame(ROWS, columns=["study", "features"])


@pytest.mark.parametrize(
    ("studies", "left"),
    [
        ({"a": {"trained_as": {"canonical": "identity"}}, "b": {}}, [0, 1, 3, 4]),
        ({"a": {"trained_as": {}}, "b": None}, [0, 1, 2, 3, 4]),
        ({"b": {"trained_as": {"canonical": "identity", "square": "identity"}}}, [0, 1, 2]),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_what_is_trained_as_another_is_not_counted(studies, left):
    assert trained.own(NETWORKS, {"studies": studies}).index.tolist() == left
    assert len(trained.own(NETWORKS, {})) == 5
