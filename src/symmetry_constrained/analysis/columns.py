"""Columns of the tables of networks, by what they identify, and metrics derived from them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals

STUDY = ["study", "dataset", "protocol"]
MODEL = ["features", "training_set", "network", "hidden_layers"]
NETWORK = [*STUDY, *MODEL, "fraction", "split", "seed"]
CELL = [*MODEL, "fraction", "n_train", "images"]  # of a study: shared by the networks of all splits and seeds
METRICS = [
    "train_accuracy",
    "test_accuracy",
    "inverted_accuracy",
    "both_accuracy",
    "random_sign_accuracy",
    "generalisation_gap",
    "symmetry_gap",
    "train_loss",
    "test_loss",
    "inverted_loss",
    "iterations",
    "evaluations",
    "flop",
]
BOTH_SIGNS = ("augmented", "random-sign")  # training sets that show X and −X alike
DERIVED = ("both_accuracy", "random_sign_accuracy", "generalisation_gap", "symmetry_gap")


def check_columns(table: pd.DataFrame, columns: Iterable[str], what: str = "") -> None:
    """ValueError naming the first of the columns that the table, called `what`, lacks."""
    for name in columns:
        if name not in table:
            there = ", ".join(map(str, table.columns))
            raise ValueError(f"{f'{what}: ' if what else ''}the column {name} is missing; there are {there}")


def possible(metric: str) -> tuple[float, float]:
    """The least and the largest possible value of a metric, by its name."""
    if metric.endswith("accuracy"):
        return intervals.ACCURACY
    return intervals.DIFFERENCE if metric.endswith("gap") else intervals.ANYTHING


def at_largest_fraction(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks with the most images: of each study's largest fraction. table: names study and fraction."""
    return table[table["fraction"] == table.groupby("study")["fraction"].transform("max")]


def derive(networks: pd.DataFrame) -> pd.DataFrame:
    """`networks.csv` or `history.csv` with the metrics that follow from its columns.

    images: the number trained on, each of which is two training samples in ±X. both_accuracy: the lower of the
    two test accuracies. random_sign_accuracy: that expected when each test image has a random sign, (R + R̄) / 2.
    generalisation_gap: accuracy on the training set less that on test images drawn alike. For a network trained on X
    these are X. ±X holds each image under both signs, and with random signs each sign has probability 1/2, so both are
    compared with (R + R̄) / 2. symmetry_gap: R − R̄. A network whose training overflowed has no metrics. ValueError
    naming a column that is missing.
    """
    needed = [*NETWORK, "n_train", *(name for name in METRICS if name not in DERIVED)]
    check_columns(networks, needed, "networks")
    test, inverted = networks["test_accuracy"], networks["inverted_accuracy"]
    doubled, mean = networks["training_set"] == "augmented", (test + inverted) / 2
    derived = networks.assign(
        images=networks["n_train"] // np.where(doubled, 2, 1),
        both_accuracy=np.minimum(test, inverted),
        random_sign_accuracy=mean,
        generalisation_gap=networks["train_accuracy"] - mean.where(networks["training_set"].isin(BOTH_SIGNS), test),
        symmetry_gap=test - inverted,
    )
    derived = derived.astype(dict.fromkeys(METRICS, np.float64))
    if "status" in derived:
        derived.loc[derived["status"] == "non_finite", METRICS] = np.nan
    return derived
