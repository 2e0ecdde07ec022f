"""The page to play with: the weights, images and scaling that it holds are those stored."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from symmetry_constrained.audit import data, inputs, specs, splits
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded
from symmetry_constrained.audit.results import Results

HELD, PAGE = "page to play with holds what is stored", "explore.html"
OPENING = '<script type="application/json" id="data">'
# What is shown, by features and training set: a name, and what it means.
SIGNED = {
    ("identity", "original"): ("X", "pixels, trained on the images alone"),
    ("identity", "augmented"): ("±X", "pixels, trained on the images and their negatives"),
    ("neighbour", "original"): ("neighbour", "each pixel times the one on its right"),
    ("canonical", "original"): ("canonical", "the darker one of an image and its negative"),
}


def check(results: Results) -> Iterator[Check]:
    yield from guarded(HELD, PAGE, _check(results))


def _check(results: Results) -> Iterator[Check]:
    held, batches = _held(results), _batches(results)
    known = {(spec["features"], spec["training_set"]): folder for folder, spec in batches.items()}
    shown = [(row["features"], row["training_set"], row["network"]) for row in held["networks"]]
    due = {(*model, kind) for model in known for kind in next(iter(batches.values()))["networks"]}
    # One that diverged has no weights to show.
    extra, doubled = set(shown) - due, len(shown) - len(set(shown))
    yield equal(
        HELD, PAGE, "networks of the study, each once", _odd(extra, doubled) or "networks of the study, each once"
    )
    for row in held["networks"]:
        if (row["features"], row["training_set"]) in known:
            yield from _check_network(results, known[row["features"], row["training_set"]], row)
    yield from _check_missing(results, known, due - set(shown))
    if held["test"]:
        yield from _check_images(results, next(iter(batches.values())), held["test"])


def _held(results: Results) -> dict[str, Any]:
    """The networks and test images within the page."""
    text = results.text(PAGE)
    if OPENING not in text:
        return {"networks": [], "test": None}
    return json.JSONDecoder().raw_decode(text[text.find(OPENING) + len(OPENING) :])[0]


def values(results: Results) -> dict[str, Any]:
    """What the page's template is filled with: what the page holds, and the names of its models."""
    held = _held(results)
    cells = {(row["features"], row["training_set"], row["network"]): at for at, row in enumerate(held["networks"])}
    models = []
    for model, (name, meaning) in SIGNED.items():
        cards = [(kind, cells[*model, kind]) for kind in ("biased", "bias-free") if (*model, kind) in cells]
        models.append({"name": name, "meaning": meaning, "cards": cards, "pixels": model[0] == "identity"})
    shown = bool(held["networks"] and held["test"])
    networks, data = held["networks"], held if shown else None
    return {"models": [model for model in models if model["cards"]], "networks": networks, "data": data}


def _odd(extra: set, doubled: int) -> str:
    return f"{', '.join(sorted(extra)[0])}: not of the study" if extra else f"{doubled} twice" if doubled else ""


def _batches(results: Results) -> dict[str, dict]:
    """Of 64-10-5-10 tanh networks on all images, those of the first clean study of the digits, on its first split."""
    found: dict[str, dict] = {}
    for folder, spec in specs.of_run(results).items():
        recipe = (spec["dataset"], spec["protocol"], spec.get("activation", "tanh"), spec.get("averaging", "none"))
        if (
            recipe == ("digits", "clean", "tanh", "none")
            and list(spec["hidden_layers"]) == [10, 5]
            and 1 in spec["fractions"]
        ):
            first = next(iter(found.values()), spec)
            if (spec["study"], spec["split"]) == (first["study"], first["split"]):
                found[folder] = spec
    return {folder: spec for folder, spec in found.items() if (spec["features"], spec["training_set"]) in SIGNED}


def _stored(results: Results, folder: str, kind: str) -> dict[int, tuple[dict, np.ndarray]]:
    """By seed, the networks of a kind trained on all images: their row in networks.csv, and their weights."""
    path = f"{folder}/weights.safetensors"
    table = results.table(f"{folder}/networks.csv", ["network", "fraction", "seed", "n_train"])
    whole, weights = table[table["fraction"] == 1].reset_index(drop=True), results.tensors(path).get("1")
    if weights is None or len(weights) != len(whole):
        raise UnreadableError(path, f"has no row for each of {len(whole)} networks trained on all images")
    pairs = zip(whole.to_dict("records"), weights, strict=True)
    return {row["seed"]: (row, values) for row, values in pairs if row["network"] == kind and np.isfinite(values).all()}


def _check_network(results: Results, folder: str, row: dict) -> Iterator[Check]:
    where, name = (
        results.blame(PAGE, f"{folder}/weights.safetensors", f"{folder}/networks.csv"),
        f"{folder}, {row['network']}",
    )
    stored = _stored(results, folder, row["network"])
    yield equal(HELD, where, f"{name}: seed {next(iter(stored), None)}", f"{name}: seed {row['seed']}")
    told, weights = stored.get(row["seed"], ({}, np.empty(0)))
    same = base64.b64decode(row["weights"]) == weights.astype("<f4").tobytes()
    yield Check(HELD, where, f"{name}: the weights stored", "equal" if same else "different", same)
    for key in ("study", "split", "n_train", "test_accuracy", "inverted_accuracy"):
        yield equal(HELD, where, f"{name}: {key} {told.get(key)}", f"{name}: {key} {row[key]}")


def _check_missing(results: Results, known: dict, missing: set) -> Iterator[Check]:
    """What the page does not show has no finite weights."""
    for *model, kind in sorted(missing):
        folder = known[tuple(model)]
        stored = _stored(results, folder, kind)
        yield Check(HELD, PAGE, f"{folder}, {kind}: shown", f"left out, with {len(stored)} trained", not stored)


def _check_images(results: Results, spec: dict, held: dict) -> Iterator[Check]:
    folder = specs.split_folder(spec)
    rows, scaling = splits.read(results, folder)
    images, _ = data.read(results, spec["dataset"])
    where, rows = results.blame(PAGE, *specs.split_files(spec)), rows[rows["set"] == "test"]
    moved = zip(images[rows["image"].to_numpy()], rows["shift"], strict=True)
    pixels = np.concatenate([inputs.shifted(image[None], shift) for image, shift in moved])
    letters = "".join(np.base_repr(value, 36).lower() for value in pixels.ravel())
    stored = {"pixels": letters, "labels": "".join(map(str, rows["label"])), "offset": 0.0001}
    stored |= {name: scaling[name].tolist() for name in ("minimum", "maximum")} | {"brightest": int(pixels.max())}
    for name, value in stored.items():
        same = held[name] == value
        yield Check(HELD, where, f"{name} of {len(rows)} test images", "equal" if same else "different", same)
