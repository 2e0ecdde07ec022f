"""A made-up study of every model, as networks on growing numbers of images and as courses over evaluations."""

import numpy as np
import pandas as pd

from helpers.histories import history
from helpers.synthetic import PAIRS, at, networks
from symmetry_constrained.figures import style

FRACTIONS = (0.01, 0.03, 0.1, 0.3, 1.0)
IMAGES = np.array([10, 30, 100, 300, 1000])
ACCURACIES = ("test_accuracy", "inverted_accuracy")
NOISE = np.random.default_rng(0).normal(0, 0.02, (1, len(PAIRS)))
RISING = np.array([0.1, 0.4, 0.6, 0.7, 0.8])
PIXELS = ("identity, X", "identity, ±X", "identity, random signs")
ABSENT = [PIXELS[:1], PIXELS[1:2], PIXELS, ("square", "canonical"), ("canonical",)]


def learner(saves=1.0, lost=0.0, **model):
    """A model whose accuracy grows with log(images), as another's would with `saves` times as many; less on −X."""
    pairs = model.get("pairs", PAIRS)
    accuracy = np.minimum(0.4 + 0.1 * np.log(saves * IMAGES / 10)[:, None] + NOISE[:, : len(pairs)], 1)
    accuracies = {"test_accuracy": accuracy, "inverted_accuracy": np.maximum(accuracy - lost, 0)}
    return networks(fractions=FRACTIONS, **({"train_accuracy": 0.99} | accuracies | model))


def study(canonical=2.0, square=4.0, augmented=1.0, dataset="digits", **columns):
    """Raw pixels in every way of training, and three invariant models; the bias-free ones lose −X on raw pixels."""
    parts = [
        learner(lost=0.7),
        learner(augmented, training_set="augmented"),
        learner(training_set="random-sign"),
        learner(square, features="square"),
        learner(canonical, features="canonical"),
        learner(lost=1.0, network="bias-free"),
        learner(augmented, lost=1.0, network="bias-free", training_set="augmented"),
        learner(square, features="square", network="bias-free"),
    ]
    return at(*parts).assign(dataset=dataset, study=f"{dataset}-clean", **columns)


def without(table, *models):
    """A table of networks or of their rows in any other table, less some models."""
    return table[~np.isin(style.models(table), models)].reset_index(drop=True)


def courses(scale, count=6):
    """Courses of networks, (N, 5), that rise the faster the larger the scale; no two alike."""
    return np.minimum(RISING * scale * (1 + np.linspace(0, 0.1, count))[:, None], 1)


def trained(augmented=0.8, square=1.1, canonical=1.0, width="10-5"):
    """`history.csv` of raw pixels on X, which never get there, of ±X, and of invariant models."""
    return at(
        history(courses(0.1), hidden_layers=width),
        history(courses(augmented), training_set="augmented", hidden_layers=width),
        history(courses(square), features="square", hidden_layers=width),
        history(courses(square), features="square", network="bias-free", hidden_layers=width),
        history(courses(canonical), features="canonical", hidden_layers=width),
    )


def read_again(table, folder):
    """The table as a notebook sees it."""
    table.to_csv(folder / "table.csv", index=False)
    return pd.read_csv(folder / "table.csv")
