"""Exponents of the cost of a network, fitted to known curves."""

import numpy as np
import pytest

from symmetry_constrained.benchmark import scaling


def test_exponents_are_fitted_to_the_upper_half():
    table = scaling.points({"n": [10, 20, 40, 80, 160, 320], "width": [2, 4]}, {"networks": 8, "n": 320, "width": 10})
    assert table["n"].tolist() == [10, 20, 40, 80, 160, 320, 320, 320]
    # Beyond 40 images the cost goes as the square; below it is flat.
    seconds = np.maximum(table["n"], 40.0) ** 2 * np.where(table["varied"] == "width", table["width"], 1.0)
    found = scaling.with_exponents(table.assign(seconds_per_network_evaluation=seconds))
    assert found["fitted"].tolist() == [False] * 3 + [True] * 5
    assert found.groupby("varied", sort=False)["exponent"].first().tolist() == pytest.approx([2, 1])
    errors = found.groupby("varied", sort=False)["exponent_error"].apply(lambda values: values.iloc[0]).tolist()
    assert errors[0] == pytest.approx(0, abs=1e-6) and np.isnan(errors[1])
