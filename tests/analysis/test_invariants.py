"""Means of accuracies on invariants, and contrasts redone by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from symmetry_constrained.analysis.invariants import contrasts, summarise


def table(splits=(0, 1, 2), seeds=(4, 7), maps=("identity", "square", "quadratic"), group="inversion"):
    """Made-up rows of `compare`."""
    random, rows = np.random.default_rng(2), []
    for split in splits:
        for name in maps:
            for network in ("biased", "bias-free"):
                for seed in seeds:
                    accuracy = 0.5 + 0.1 * maps.index(name) + random.normal(0, 0.01)
                    rows.append(
                        {"group": group, "split": split, "features": name, "network": network, "seed": seed}
                        | {"feature_count": 4, "parameters": 9, "budget": 200, "test_accuracy": accuracy + 0.01}
                        | {"transformed_accuracy": accuracy}
                    )
    return pd.DataFrame(rows)


def test_contrasts_are_paired_differences_from_the_norms():
    made_up = pd.concat([table(), table(maps=("power", "aligned", "complete"), group="translation")])
    found = contrasts(made_up)
    assert found[["group", "network", "features", "against"]].values.tolist() == [
        ["inversion", "biased", "quadratic", "square"],
        ["inversion", "bias-free", "quadratic", "square"],
        ["translation", "biased", "complete", "power"],
        ["translation", "biased", "aligned", "power"],
        ["translation", "bias-free", "complete", "power"],
        ["translation", "bias-free", "aligned", "power"],
    ]
    for _, row in found.iterrows():
        cell = made_up[(made_up["group"] == row["group"]) & (made_up["network"] == row["network"])]
        differences = []
        for (_, _), pair in cell.groupby(["split", "seed"]):
            value = pair.set_index("features")["transformed_accuracy"]
            differences.append(value[row["features"]] - value[row["against"]])
        assert row["n"] == len(differences) == 6
        assert row["difference"] == pytest.approx(np.mean(differences))
        ends = stats.ttest_1samp(np.reshape(differences, (3, 2)).mean(axis=1), 0).confidence_interval()
        assert (row["low"], row["high"]) == pytest.approx(tuple(ends), abs=0.02)


def test_a_group_without_its_norms_has_no_contrast_and_lone_networks_no_pair():
    assert contrasts(table(maps=("identity", "quadratic"))).empty
    lone = table()
    lone = lone[(lone["features"] != "quadratic") | (lone["seed"] == 7)]
    assert contrasts(lone)["n"].tolist() == [3, 3]


def test_the_summary_is_a_mean_in_its_interval():
    made_up = table()
    found = summarise(made_up)
    assert len(found) == 6
    for _, row in found.iterrows():
        cell = made_up[(made_up["features"] == row["features"]) & (made_up["network"] == row["network"])]
        for name in ("test_accuracy", "transformed_accuracy"):
            assert row[name] == pytest.approx(cell[name].mean())
            assert 0 <= row[f"{name}_low"] < row[name] < row[f"{name}_high"] <= 1
        assert row["n"] == 6
