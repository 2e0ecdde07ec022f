"""Splits drawn again from their seeds, by the rule as it is stated and not by the code that made them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, specs
from symmetry_constrained.audit.checks import Check, UnreadableError, guarded, same_table
from symmetry_constrained.audit.inputs import shifted
from symmetry_constrained.audit.results import Results

DRAWN, NESTED = "splits from their seeds", "fractions nested and stratified"
SHIFTS = ("none", "up", "left", "right", "down")
COLUMNS = ["set", "image", "shift", "label", "rank"]


def check(results: Results) -> Iterator[Check]:
    together: dict[str, list[dict]] = {}
    for spec in [*specs.of_run(results).values(), *_published(results), *_theory(results)]:
        together.setdefault(specs.split_folder(spec), []).append(spec)
    for folder, users in sorted(together.items()):
        yield from guarded(DRAWN, f"{folder}/rows.csv", _check_drawn(results, folder, users[0]))
        fractions = sorted({fraction for spec in users for fraction in spec.get("fractions", [])})
        yield from guarded(NESTED, f"{folder}/rows.csv", check_nested(results, folder, fractions))


def read(results: Results, folder: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """rows.csv and scaling.csv of a split."""
    rows = results.table(f"{folder}/rows.csv", COLUMNS)
    return rows, results.table(f"{folder}/scaling.csv", ["pixel", "minimum", "maximum"])


def _published(results: Results) -> list[dict]:
    try:
        return list(specs.reruns(results).values())
    except ValueError:
        return []  # the check of the reruns' provenance reports it


def _theory(results: Results) -> list[dict]:
    """The splits of digits on which experiments on theory are run."""
    try:
        numbers = range(results.config["theory"]["splits"])
    except (UnreadableError, KeyError, TypeError):
        return []  # reported by the check of the configuration
    return [{"dataset": "digits", "protocol": "clean", "split": number} for number in numbers]


def _check_drawn(results: Results, folder: str, spec: dict) -> Iterator[Check]:
    rows, scaling = read(results, folder)
    images, labels = data.read(results, spec["dataset"])
    row = data.known(spec["dataset"])
    drawn = draw(labels, row["nudged"], row["training"], spec["protocol"], spec["split"])
    sources = specs.split_files(spec)[:2]
    where = results.blame(f"{folder}/rows.csv", *sources)
    yield same_table(DRAWN, where, drawn, rows, source=f"drawn again from seed {spec['split']}")
    scaled_on = drawn if spec["protocol"] == "published" else drawn[drawn["set"] == "train"]
    parts = [shifted(images[group["image"]], shift) for shift, group in scaled_on.groupby("shift")]
    low, high = (np.min([p.min(0) for p in parts], 0), np.max([p.max(0) for p in parts], 0))
    expected = pd.DataFrame({"pixel": range(low.size), "minimum": low.ravel(), "maximum": high.ravel()})
    where = results.blame(f"{folder}/scaling.csv", *sources)
    yield same_table(DRAWN, where, expected, scaling, source="least and most of each pixel")


def draw(labels: np.ndarray, nudged: bool, training: int, protocol: str, seed: int) -> pd.DataFrame:
    """rows.csv of a split of images with these labels (N,): set, image, shift, label, rank.

    nudged: each image is shown under all five shifts, and not under the first alone. training: the first so many images
    are meant for training, 0 if nobody divided them. `published` draws from the stack of all images under each shift,
    where images that were divided lie sorted by their labels, part by part; `clean` takes the parts, or draws from the
    images, and then shows each side under all shifts.
    """
    names = np.array(SHIFTS if nudged else SHIFTS[:1], dtype=object)
    count = len(labels)
    if protocol == "published":
        stack = np.arange(count)
        if training:
            parts = ((0, training), (training, count))
            stack = np.concatenate([start + np.argsort(labels[start:stop], kind="stable") for start, stop in parts])
        stack = np.concatenate([stack + count * place for place in range(len(names))])
        sides = tuple(stack[side] for side in eighty_twenty(len(stack), seed))
        shown = [(side % count, side // count) for side in sides]
        rank = ranks(labels[shown[0][0]], seed)
    else:
        sides = (np.arange(training), np.arange(training, count)) if training else eighty_twenty(count, seed)
        shown = [(np.tile(side, len(names)), np.arange(len(names)).repeat(len(side))) for side in sides]
        rank = np.tile(ranks(labels[sides[0]], seed), len(names))
    tables = [
        pd.DataFrame({"set": name, "image": image, "shift": names[shift], "label": labels[image], "rank": place})
        for name, (image, shift), place in zip(("train", "test"), shown, (rank, -1), strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def eighty_twenty(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test indices as scikit-learn's `train_test_split` draws them: a permutation, the test set first."""
    permutation = np.random.RandomState(seed).permutation(count)
    tested = -(-count // 5)
    return permutation[tested:], permutation[:tested]


def ranks(labels: np.ndarray, seed: int) -> np.ndarray:
    """The nested order (n,): classes take turns by Tijdeman's rule; within a class it is random.

    Class c has n_c of n images and has had t of p turns. It may have the next once n_c (p + 1) / n - t >= s, with
    s = 1 / (2k - 2) for k classes, which is decided in integers. Of those that may, the one whose turn must come
    soonest, by (1 - s + t) / (n_c / n), is next; of two that are equal but for rounding, as rounding in float64 has it.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    n, halves = len(labels), max(2 * len(classes) - 2, 1)
    share, slack = sizes / n, 1 / halves
    taken, turns = np.zeros(len(classes), dtype=np.int64), np.empty(n, dtype=np.int64)
    for place in range(n):
        ready = halves * (sizes * (place + 1) - taken * n) >= n
        turns[place] = np.where(ready, (1 - slack + taken) / share, np.inf).argmin()
        taken[turns[place]] += 1
    random = np.random.default_rng(seed)
    order = np.empty(n, dtype=np.int64)
    for number, label in enumerate(classes):
        order[random.permutation(np.flatnonzero(labels == label))] = np.flatnonzero(turns == number)
    return order


def kept(ranks_: np.ndarray, fraction: float) -> np.ndarray:
    """Mask of the training rows that a fraction keeps: the first by rank, where the highest rank counts them."""
    return ranks_ < (round(fraction * (ranks_.max() + 1)) if fraction < 1 else ranks_.max() + 1)


def check_nested(results: Results, folder: str, fractions: list[float]) -> Iterator[Check]:
    rows, _ = read(results, folder)
    where = results.blame(f"{folder}/rows.csv")
    train, test = (rows[rows["set"] == name] for name in ("train", "test"))
    rank = train["rank"].to_numpy()
    whole = np.array_equal(np.unique(rank), np.arange(rank.max() + 1)) and (test["rank"] == -1).all()
    yield Check(NESTED, where, "ranks 0 to N-1, none left out", "so" if whole else "a rank is left out", bool(whole))
    together = train.merge(test, on=["image", "shift"])
    yield Check(NESTED, where, "no row on both sides", f"{len(together)} on both sides", together.empty)
    if "/clean/" in folder:
        leaked = len(set(train["image"]) & set(test["image"]))
        yield Check(NESTED, where, "no source image on both sides", f"{leaked} on both sides", leaked == 0)
    shares = train["label"].value_counts(normalize=True)
    copies = len(train) / (rank.max() + 1)
    before: set = set()
    for fraction in fractions:
        part = train[kept(rank, fraction)]
        off = (part["label"].value_counts().reindex(shares.index, fill_value=0) - shares * len(part)).abs().max()
        ok = before <= set(part.index) and off <= copies + 1e-9
        text = f"fraction {fraction:g}: {len(part)} rows, a class at most {off / copies:.2f} images off its share"
        yield Check(NESTED, where, "each class within an image of its share, and nested", text, bool(ok))
        before = set(part.index)
