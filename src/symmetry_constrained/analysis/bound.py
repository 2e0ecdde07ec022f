"""The bound R + R̄ <= 1 (section 2.2 of the paper), checked on the predictions of the trained networks.

A bias-free network is odd, f(-x) = -f(x), if its activation is and if it averages nothing over x and -x (`not_odd` are
studies of others). Then the most likely class of -x is the least likely of x, so no input is
classified correctly both as it is and negated. On raw pixels the negated input is the inverted image. With features
that do not change under inversion, the bound still holds for the network's input, but no longer for images.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file

BOUND_KEYS = ["study", "dataset", "protocol", "features", "training_set", "network"]
FUNCTIONS = {True: "odd", False: "not odd"}  # what the networks of a cell are by their definition


def check(networks: pd.DataFrame, predictions: dict[str, np.ndarray], labels: np.ndarray) -> pd.DataFrame:
    """R, R̄ on inverted images, R̄ on negated inputs, and inputs classified correctly both ways, per network of a batch.

    networks: the batch's networks.csv. predictions: `fraction/test set` -> classes (K, n). labels: (n,).
    """
    parts = []
    for fraction, rows in networks.groupby("fraction", sort=False):
        correct = {name: predictions[f"{fraction:g}/{name}"] == labels for name in ("original", "inverted", "negated")}
        parts.append(
            rows[[*BOUND_KEYS, "split", "fraction", "hidden_layers", "seed"]].assign(
                original=correct["original"].mean(1),
                inverted=correct["inverted"].mean(1),
                negated=correct["negated"].mean(1),
                right_both_ways=(correct["original"] & correct["negated"]).sum(1),
            )
        )
    return pd.concat(parts, ignore_index=True)


def summarise(checked: pd.DataFrame, not_odd: Collection[str] = ()) -> pd.DataFrame:
    """Per cell: whether its networks are odd functions, how many they are, the largest R + R̄ on inverted images and on
    negated inputs, and violations of the bound.

    A violation is an odd network with R + R̄ > 1 on negated inputs, or with an input that it classifies
    correctly both ways. not_odd: studies whose bias-free networks need not keep the bound.
    """
    sums = checked.assign(
        inverted_sum=checked["original"] + checked["inverted"], negated_sum=checked["original"] + checked["negated"]
    )
    odd = (checked["network"] == "bias-free") & ~checked["study"].isin(not_odd)
    sums["function"] = odd.map(FUNCTIONS)
    sums["violations"] = odd & ((sums["negated_sum"] > 1) | (checked["right_both_ways"] > 0))
    return sums.groupby(BOUND_KEYS, sort=False, as_index=False).agg(
        function=("function", "first"),
        networks=("original", "size"),
        largest_sum_inverted=("inverted_sum", "max"),
        largest_sum_negated=("negated_sum", "max"),
        right_both_ways=("right_both_ways", "sum"),
        violations=("violations", "sum"),
    )


def check_batch(folder: Path, split: Path) -> pd.DataFrame:
    """`check` for a batch's folder and its split's folder. ValueError in one line for a file that can't be read."""
    rows = pd.read_csv(split / "rows.csv", keep_default_na=False)
    labels = rows.loc[rows["set"] == "test", "label"].to_numpy()
    try:
        predictions = load_file(folder / "predictions.safetensors")
    except SafetensorError as error:
        raise ValueError(f"{folder / 'predictions.safetensors'}: {error}") from None
    return check(pd.read_csv(folder / "networks.csv"), predictions, labels)
