"""What titles of figures say, once more: each number from the data beside the picture, and each model that is named."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.figures import title_of
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import SUMMARY

SAID = "numbers and models in titles"
# Hidden layers are a name, not a number.
NUMBER, LAYERS = re.compile(r"(?<![\w.,])−?\d[\d,]*(?:\.\d+)?"), re.compile(r"\d+(?:-\d+)+|hidden layers \d+")
CALLED = {"identity, X": "trained on X", "identity, ±X": "trained on ±X", "identity, random signs": "on random signs"}
LOST = 0.1

Said = tuple[list[str], set[str]]  # numbers; models that are named


def check(results: Results) -> Iterator[Check]:
    for path in sorted(results.folder.glob("figures/*.csv")):
        read = READERS.get(path.stem) or READERS.get(path.stem.partition("-")[0])
        name = f"figures/{path.stem}"
        if read is not None and results.belongs(f"{name}.csv"):
            where = results.blame(f"{name}.png", f"{name}.csv", CONFIG)
            yield from guarded(SAID, where, _check(results, where, name, read))


def _check(results: Results, where: str, name: str, read: Callable[[Results, pd.DataFrame], Said]) -> Iterator[Check]:
    title, table = title_of(results, f"{name}.png"), results.table(f"{name}.csv")
    numbers, models = read(results, table)
    said = Counter(text.strip(",") for text in NUMBER.findall(LAYERS.sub(" ", title)))
    yield Check(SAID, where, f"numbers: {', '.join(numbers)}", ", ".join(said.elements()), said == Counter(numbers))
    named = {model for model in set(table["model"]) if re.search(rf"{_called(model)}(?!\w)", title)}
    yield Check(SAID, where, f"models: {sorted(models)}", f"{sorted(named)}", named == models)


def _called(model: str) -> str:
    return CALLED.get(model, f"{model} features")


def _share(value: float) -> str:
    return f"{100 * value:.0f}"


def _biased(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["network"] == "biased"]


def _on_pixels(model: str) -> bool:
    return model in CALLED


def _shown(values: dict[str, float]) -> list[str]:
    """Training on X, on ±X, and of what is not pixels the model with the largest value; without these the best."""
    others = [model for model in values if not _on_pixels(model)]
    shown = [model for model in list(CALLED)[:2] if model in values] + sorted(others, key=values.__getitem__)[-1:]
    return shown or sorted(values, key=values.__getitem__)[-1:]


def _sides(results: Results, table: pd.DataFrame) -> Said:
    """On X and −X what training on X, on ±X and the model that is best on its worse side classify correctly."""
    pairs: dict[str, list[float]] = {}
    for metric in ("test_accuracy", "inverted_accuracy"):
        for _, row in _biased(table)[_biased(table)["metric"] == metric].iterrows():
            pairs.setdefault(row["model"], []).append(row["mean"])
    known = {model: pair for model, pair in pairs.items() if len(pair) == 2 and np.isfinite(pair).all()}
    shown = _shown({model: min(pair) for model, pair in known.items()})
    return [text for model in shown for text in dict.fromkeys(map(_share, known[model]))], set(shown)


def _accuracy(results: Results, table: pd.DataFrame) -> Said:
    """On −X the most that training on X, on ±X and the best other model reach at any number of images."""
    rows = _biased(table)[_biased(table)["metric"] == "inverted_accuracy"].dropna(subset="mean")
    most: dict[str, float] = {}
    for _, row in rows.iterrows():
        most[row["model"]] = max(row["mean"], most.get(row["model"], 0))
    return [_share(most[model]) for model in _shown(most)], set(_shown(most))


def _gaps(results: Results, table: pd.DataFrame) -> Said:
    """The widest generalisation gap on the fewest and the most images; who loses on −X with the most."""
    rows = table[table["mean"].notna()]
    if rows.empty:
        return [], set()
    numbers, of_images = [], rows[rows["metric"] == "generalisation_gap"]
    for images in sorted({of_images["images"].min(), of_images["images"].max()}):
        widest = max(of_images["mean"][of_images["images"] == images])
        numbers += [f"{widest:.2f}".replace("-", "−"), f"{images:,}"]
    lost = rows[(rows["metric"] == "symmetry_gap") & (rows["images"] == rows["images"].max()) & (rows["mean"] > LOST)]
    return [*numbers, f"{rows['images'].max():,}", f"{LOST:g}"], set(lost["model"])


def _images_needed(results: Results, table: pd.DataFrame) -> Said:
    """By dataset the fewest images, the target, and what ±X needs or the most that there were."""
    numbers, models = [], set()
    for study in results.config["figures"]["curves"]:
        dataset = results.config["studies"][study]["dataset"]
        summary = results.table(SUMMARY)
        most = summary.loc[summary["study"] == study, "images"].max()
        rows = _biased(table)[_biased(table)["dataset"] == dataset]
        needed = dict(rows[["model", "images"]].dropna().to_numpy())
        numbers.append(_share(results.config["figures"]["target"][dataset]))
        if not needed:
            numbers.append(f"{most:,}")
            continue
        best = min(needed, key=needed.__getitem__)
        models.add(best)
        numbers.append(f"{needed[best]:,.0f}")
        if best != "identity, ±X" and "identity, ±X" in set(rows["model"]):
            numbers.append(f"{needed['identity, ±X']:,.0f}" if "identity, ±X" in needed else f"{most:,}")
    return numbers, models


def _cost(results: Results, table: pd.DataFrame) -> Said:
    """The fewest evaluations, the target, and of ±X the evaluations and how much more arithmetic, or its budget."""
    if table.empty:
        return [], set()
    target, rows = _share(table["target"].iloc[0]), _biased(table)
    budget = results.config["studies"][table["study"].iloc[0]]["budget"].values()
    limits = [f"{limit:,}" for limit in budget]
    needed = dict(rows[["model", "evaluations"]].dropna().to_numpy())
    if not needed:
        return [*limits, target], set()
    best, augmented = min(needed, key=needed.__getitem__), "identity, ±X"
    numbers = [target, f"{needed[best]:.0f}"]
    if best == augmented or augmented not in set(rows["model"]):
        return numbers, {best}
    if augmented not in needed:
        return [*numbers, *limits], {best, augmented}
    flop = dict(rows[["model", "flop"]].to_numpy())
    return [*numbers, f"{needed[augmented]:.0f}", f"{flop[augmented] / flop[best]:.1f}"], {best, augmented}


READERS: dict[str, Callable[[Results, pd.DataFrame], Said]] = {
    "sides": _sides,
    "accuracy": _accuracy,
    "gaps": _gaps,
    "images-needed": _images_needed,
    "cost": _cost,
}
