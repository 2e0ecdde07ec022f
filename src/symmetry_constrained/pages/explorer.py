"""A page on which a reader draws a digit, slides it to its negative, and sees what trained networks answer.

The page computes the networks' answers itself, from the stored weights; nothing is computed here.
"""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file

from symmetry_constrained import layers, paper
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split, nudge
from symmetry_constrained.pages.templating import render

TEMPLATE = "templates/explorer.html"
PARTS = ("templates/page.css", "templates/explorer.css", "templates/network.js", "templates/explorer.js")
ALL_IMAGES = "1"  # the fraction of the training images, as the arrays of a batch are keyed
HIDDEN_LAYERS = (10, 5)
SHAPE = (8, 8)
# (features, training set) -> a name, and what it means. The page knows how to compute these features, and no others.
SHOWN = {
    ("identity", "original"): ("X", "pixels, trained on the images alone"),
    ("identity", "augmented"): ("±X", "pixels, trained on the images and their negatives"),
    ("neighbour", "original"): ("neighbour", "each pixel times the one on its right"),
    ("canonical", "original"): ("canonical", "the darker one of an image and its negative"),
}
KINDS = ("biased", "bias-free")


def networks(batches: Iterable[Path]) -> list[dict[str, Any]]:
    """The first network of each kind that each batch trained on all images, in the order of the page.

    batches: folders with networks.csv and weights.safetensors, all of one study and split; the weights are in base64,
    little-endian float32. Left out are other features, networks that diverged, and batches that did not train on all
    images. ValueError in one line naming a file that is not one of a batch.
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for folder in batches:
        table = pd.read_csv(folder / "networks.csv")
        weights = _weights(folder / "weights.safetensors")
        whole = table[table["fraction"] == 1].reset_index(drop=True)
        if whole.empty:
            continue
        if len(whole) != len(weights):
            raise ValueError(f"{folder}: {len(weights)} rows of weights for {len(whole)} networks")
        for place, row in whole.iterrows():
            key = row["features"], row["training_set"], row["network"]
            if key[:2] in SHOWN and np.isfinite(weights[place]).all():
                found.setdefault(key, _network(row, weights[place]))
    keys = [(*model, kind) for model in SHOWN for kind in KINDS]
    return [found[key] for key in keys if key in found]


def _weights(path: Path) -> np.ndarray:
    """Rows of the networks trained on all images; none where there are no such."""
    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path}: {error}") from None
    length = layers.parameters(layers.pairs(SHAPE[0] * SHAPE[1], HIDDEN_LAYERS, CLASSES), True)
    rows = arrays.get(ALL_IMAGES, np.empty((0, length), dtype=np.float32))
    if rows.ndim != 2 or rows.shape[1] != length:
        raise ValueError(f"{path}: has rows of the shape {rows.shape[1:]}, expected ({length},)")
    return rows


def _network(row: pd.Series, weights: np.ndarray) -> dict[str, Any]:
    named = {name: row[name] for name in ("study", "features", "training_set", "network")}
    named |= {name: int(row[name]) for name in ("split", "seed", "n_train")}
    named |= {name: float(row[name]) for name in ("test_accuracy", "inverted_accuracy")}
    return named | {"weights": base64.b64encode(weights.astype("<f4").tobytes()).decode()}


def images(dataset: Dataset, split: Split) -> dict[str, Any]:
    """The test images and what scales them: pixels as digits to the base 36, image after image, labels likewise.

    ValueError in one line for images of another size, or of more than 36 shades.
    """
    if dataset.shape != SHAPE:
        raise ValueError(f"images have {dataset.shape[0]} × {dataset.shape[1]} pixels; the page shows those of 8 × 8")
    split.check(dataset)
    rows = split.select("test")
    pixels = dataset.images[rows["image"].to_numpy()]
    for shift in set(rows["shift"]):
        moved = (rows["shift"] == shift).to_numpy()
        pixels[moved] = nudge(pixels[moved], shift)
    if pixels.max() >= 36:
        raise ValueError(f"a pixel has the value {pixels.max()}, and the page shows those up to 35")
    letters = np.array(list("0123456789abcdefghijklmnopqrstuvwxyz"))
    return {
        "pixels": "".join(letters[pixels.ravel()]),
        "labels": "".join(letters[rows["label"].to_numpy()]),
        "minimum": split.minimum.tolist(),
        "maximum": split.maximum.tolist(),
        "brightest": int(pixels.max()),
        "offset": paper.SCALE_OFFSET,
    }


def page(shown: list[dict[str, Any]], test: dict[str, Any] | None) -> str:
    """The page. shown: of `networks`; test: of `images`. With neither, it says that there is nothing to show."""
    cells = {(row["features"], row["training_set"], row["network"]): number for number, row in enumerate(shown)}
    models = [
        {
            "name": name,
            "meaning": meaning,
            "cards": [(kind, cells[*model, kind]) for kind in KINDS if (*model, kind) in cells],
            "pixels": model[0] == "identity",
        }
        for model, (name, meaning) in SHOWN.items()
        if any((*model, kind) in cells for kind in KINDS)
    ]
    data = {"test": test, "networks": shown}
    return render(TEMPLATE, PARTS, models=models, networks=shown, data=data if shown and test else None)
