"""Made-up tables of networks, in the form that training leaves them."""

import numpy as np
import pandas as pd

STUDY = {"study": "made-up", "dataset": "digits", "protocol": "clean"}
PAIRS = [(split, seed) for split in (0, 1, 2) for seed in (4, 7)]


def networks(
    features="identity",
    training_set="original",
    network="biased",
    hidden_layers="10-5",
    *,
    fractions=(1.0,),
    pairs=PAIRS,
    images=1000,
    **columns,
) -> pd.DataFrame:
    """A model's rows of `networks.csv`: every fraction with every pair of split and seed.

    columns: values over fractions x pairs, in shapes that broadcast to (F, N).
    """
    shape = (len(fractions), len(pairs))
    shown = np.round(np.array(fractions) * images).astype(int) * (2 if training_set == "augmented" else 1)
    values = {
        "fraction": np.array(fractions)[:, None],
        "split": np.array([split for split, _ in pairs]),
        "seed": np.array([seed for _, seed in pairs]),
        "n_train": shown[:, None],
        "train_accuracy": 0.9,
        "test_accuracy": 0.8,
        "inverted_accuracy": 0.7,
        "train_loss": 0.3,
        "test_loss": 0.5,
        "inverted_loss": 0.6,
        "iterations": 190,
        "evaluations": 201,
        "flop": 201000,
        "status": "max_evaluations",
    } | columns
    model = {"features": features, "training_set": training_set, "network": network, "hidden_layers": hidden_layers}
    table = {name: np.broadcast_to(value, shape).ravel() for name, value in values.items()}
    return pd.DataFrame(STUDY | model | table, index=range(shape[0] * shape[1]))


def at(*tables) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)
