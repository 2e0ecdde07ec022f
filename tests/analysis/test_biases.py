"""Means of known curves, and rates from known slopes."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from symmetry_constrained.analysis import biases

LEVELS = (0.01, 0.1, 1.0, np.inf)


def made(curves, epsilons=LEVELS, **columns):
    """A table of networks, `curves` by depth: excess (N, number of epsilons)."""
    parts = []
    for depth, values in curves.items():
        values = np.asarray(values, dtype=float)
        for seed, row in enumerate(values):
            parts.append(pd.DataFrame({"depth": depth, "epsilon": epsilons, "seed": seed, "excess": row}))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(split=0, amplification=table["excess"] ** 2, **columns)


def around(curve, spread=0.1):
    """Five networks whose mean is the curve."""
    return np.array(curve) + spread * np.linspace(-1, 1, 5)[:, None]


def test_the_summary_is_the_mean_its_interval_and_the_largest():
    table = made({2: around([-0.5, -0.2, 0.1, 0.3]), 8: around([0.1, 0.2, 0.3, 0.4])})
    found = biases.summarise(table).set_index(["depth", "epsilon", "metric"])
    assert len(found) == 2 * 4 * 2
    for (depth, epsilon, metric), row in found.iterrows():
        values = table[(table["depth"] == depth) & (table["epsilon"] == epsilon)][metric]
        assert row["mean"] == pytest.approx(values.mean())
        assert (row["largest"], row["n"]) == (values.max(), 5)
        expected = stats.ttest_1samp(values, 0).confidence_interval()
        assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    assert biases.summarise(table[table["seed"] == 0])[["low", "high"]].isna().all(axis=None)


def test_a_rate_is_the_slope_between_rounding_and_what_is_large():
    weights = np.linspace(0.5, 20, 40)
    table = pd.DataFrame(
        {
            "seed": np.repeat([1, 2], 40),
            "construction": "levelled",
            "weight": np.tile(weights, 2),
            "largest_difference": np.concatenate([5 * np.exp(-1.5 * weights), 9 * np.exp(-0.1 * weights)]),
            "predicted_rate": 1.25,
        }
    )
    # What is rounding, and what is no longer small, would bend the line.
    table.loc[table["largest_difference"] < 1e-11, "largest_difference"] = 1e-15
    table.loc[table["largest_difference"] > 1e-3, "largest_difference"] = 2.0
    found = biases.rates(table).set_index("seed")
    assert found.loc[1, "rate"] == pytest.approx(1.5)
    assert (
        found.loc[1, "points"] == ((5 * np.exp(-1.5 * weights) <= 1e-3) & (5 * np.exp(-1.5 * weights) >= 1e-11)).sum()
    )
    # The second network never gets there.
    assert np.isnan(found.loc[2, "rate"]) and found.loc[2, "points"] == 0
    assert found["predicted_rate"].tolist() == [1.25, 1.25]
