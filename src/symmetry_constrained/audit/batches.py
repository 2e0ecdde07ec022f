"""Every batch from its stored weights: predictions, accuracies, losses, counts; the bound; invariance."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward, inputs, specs, splits
from symmetry_constrained.audit.batch import IDENTITY, Batch, overflowed
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded, same_table
from symmetry_constrained.audit.results import Results

PREDICTED, JUDGED, TRAINED = (
    "predictions from the weights",
    "accuracies from the predictions",
    "training accuracy and loss",
)
BOUND, INVARIANT, COUNTED = "R + R̄ ≤ 1 and argmax(−x) = argmin(x)", "one prediction for X and −X", "counts of a batch"
DIVERGED = "diverged networks have no finite weights"
NO_CLASS = 10  # predicted by a network that diverged
SETS = {"original": "test", "inverted": "inverted", "negated": "negated"}  # of the predictions -> the columns' prefix
# Of a mean over float32 log-probabilities, against float64.
LOSS = {"float32": 1e-4, "float64": 1e-9}


def check(results: Results, share: specs.Share = specs.WHOLE) -> Iterator[Check]:
    for folder, spec in specs.of_share(results, share).items():
        yield from check_batch(results, folder, spec)


def check_batch(results: Results, folder: str, spec: dict) -> Iterator[Check]:
    names = ("predictions.safetensors", "weights.safetensors", "networks.csv")
    files = [f"{folder}/{name}" for name in names] + specs.split_files(spec)
    yield from guarded(PREDICTED, results.blame(*files), _check(results, folder, spec))


def _check(results: Results, folder: str, spec: dict) -> Iterator[Check]:
    batch = Batch(results, folder, spec)
    every = [batch.paths["networks"], batch.paths["predictions"], *_sources(batch)]
    yield from guarded(COUNTED, results.blame(*every), _check_counts(results, batch))
    yield from guarded(PREDICTED, results.blame(batch.paths["predictions"], *every), _check_predictions(results, batch))
    yield from guarded(JUDGED, results.blame(*every), _check_accuracies(results, batch))
    yield from guarded(TRAINED, results.blame(*every), _check_training(results, batch))


def _sources(batch: Batch) -> list[str]:
    return [batch.paths["weights"], *specs.split_files(batch.spec)]


def _check_counts(results: Results, batch: Batch) -> Iterator[Check]:
    """Which networks there are, on how many images, and their weights' layout."""
    spec, rank = batch.spec, batch.side("train")["rank"].to_numpy()
    times = 2 if spec["training_set"] == "augmented" else 1
    shared = {key: spec[key] for key in IDENTITY if key in spec} | {
        "hidden_layers": specs.hyphens(spec["hidden_layers"])
    }
    expected = pd.DataFrame(
        [
            {
                "network": network,
                "fraction": fraction,
                "seed": seed,
                "n_train": times * splits.kept(rank, fraction).sum(),
            }
            for fraction in spec["fractions"]
            for network in spec["networks"]
            for seed in spec["seeds"]
        ]
    ).assign(**shared)[IDENTITY]
    files = (batch.paths["networks"], specs.split_files(spec)[2])
    yield same_table(COUNTED, results.blame(*files), expected, batch.networks[IDENTITY], source="the spec's networks")
    kept = [*batch.keys, *(batch.early(key) for key in batch.ends)]
    yield equal(COUNTED, batch.paths["weights"], sorted(kept), sorted(batch.weights))
    names = sorted(f"{key}/{name}" for key in batch.keys for name in SETS)
    yield equal(COUNTED, batch.paths["predictions"], names, sorted(batch.predictions))
    yield _check_apart(results, batch)
    for key, matrices in batch.matrices().items():
        yield _check_diverged(results, batch, key, matrices)
        odd = batch.bias_free & ~batch.diverged(key)
        biases = max(np.abs(matrix[odd][:, :, -1]).max(initial=0) for matrix in matrices)
        yield equal(
            COUNTED,
            batch.paths["weights"],
            f"fraction {key}: bias-free biases 0.0",
            f"fraction {key}: bias-free biases {biases}",
        )


def _check_apart(results: Results, batch: Batch) -> Check:
    """No network of a fraction is that of another, which would pass as what few images are enough for."""
    twice = []
    for one, other in combinations(batch.keys, 2):
        first, second = (batch.of(batch.keys[key]) for key in (one, other))
        # Of as many images they are one training, and one that took no step has the weights of its seed.
        apart = (first["n_train"] != second["n_train"]) & (first["iterations"] > 0) & (second["iterations"] > 0)
        same = (batch.weights[one] == batch.weights[other]).all(1)
        twice += [f"fractions {one} and {other}: network {place}" for place in np.flatnonzero(apart & same)]
    where = results.blame(batch.paths["weights"], batch.paths["networks"])
    text = f"{twice[0]}; {len(twice)} are equal" if twice else "so"
    return Check(COUNTED, where, "other weights for other numbers of images", text, not twice)


def _check_diverged(results: Results, batch: Batch, key: str, matrices: list[np.ndarray]) -> Check:
    """A row that says so has weights that are no numbers and predicts no class; else a bad seed could be left out."""
    marked = batch.diverged(key)
    finite = np.all([np.isfinite(matrix).all((1, 2)) for matrix in matrices], axis=0)
    silent = np.all([(batch.predictions[f"{key}/{name}"] == NO_CLASS).all(1) for name in SETS], axis=0)
    wrong = (marked == finite) | (marked != silent)
    text = f"network {np.flatnonzero(wrong)[0]}: {wrong.sum()} are not" if wrong.any() else f"{marked.sum()} of them"
    where = results.blame(batch.paths["networks"], batch.paths["weights"], batch.paths["predictions"])
    return Check(DIVERGED, where, f"fraction {key}: those, and no other", text, not wrong.any())


def _check_predictions(results: Results, batch: Batch) -> Iterator[Check]:
    """Each stored class is the most likely by the stored weights, up to rounding; each loss is what they give."""
    test, spec = batch.side("test"), batch.spec
    networks = len(batch.bias_free)
    for name, classes in batch.predictions.items():
        if classes.shape != (networks, len(test)):
            raise UnreadableError(
                batch.paths["predictions"], f"{name} has the shape {classes.shape}, expected {(networks, len(test))}"
            )
        # Of other numbers, -7 and 3.5 could pass for the class 3 and be counted as wrong.
        if classes.dtype != np.uint8:
            raise UnreadableError(batch.paths["predictions"], f"{name} holds {classes.dtype}, expected uint8")
    matrices = batch.matrices()
    tallies = {(key, name): forward.Tally(networks) for key in batch.keys for name in SETS}
    wrong: dict[str, list[tuple]] = {name: [] for name in SETS}
    by_rounding, not_least, moved = dict.fromkeys(SETS, 0), [], 0.0
    for block in inputs.blocks(test):
        pixels, labels = batch.pixels(test.iloc[block]), test["label"].to_numpy()[block]
        x = {"original": batch.features(pixels), "inverted": batch.features(-pixels)}
        x["negated"] = -x["original"]
        if spec["features"] != "identity":
            moved = max(moved, float(np.abs(x["original"] - x["inverted"]).max()))
        for key in batch.keys:
            for name, shown in x.items():
                # Where features are the same number for number, so is what the networks say of them.
                if name != "inverted" or spec["features"] == "identity" or moved:
                    said = forward.logits(matrices[key], shown, **batch.model)
                classes = batch.predictions[f"{key}/{name}"][:, block]
                off, rounded = forward.departures(said, classes, batch.rounding)
                off &= ~batch.diverged(key)[:, None]
                wrong[name] += [(key, network, block.start + image) for network, image in np.argwhere(off)]
                by_rounding[name] += rounded
                tallies[key, name].add(said, labels, batch.rounding)
                if name == "original" and batch.odd.any():
                    negated = batch.predictions[f"{key}/negated"][batch.odd][:, block]
                    off, _ = forward.departures(said[batch.odd], negated, batch.rounding, sign=-1)
                    off &= ~batch.diverged(key)[batch.odd, None]
                    not_least += [(key, network, block.start + image) for network, image in np.argwhere(off)]
    where = results.blame(batch.paths["predictions"], *_sources(batch))
    total = networks * len(test) * len(batch.keys)
    for name, places in wrong.items():
        expected = f"{name}: the most likely class, {total:,} times"
        found = (
            f"{name}: all, {by_rounding[name]} of them by rounding"
            if not places
            else f"{name}: {_places(batch, places, name)}"
        )
        yield Check(PREDICTED, where, expected, found, not places)
    yield from _check_invariant(batch, where, moved)
    if batch.odd.any():
        found = "all" if not not_least else _places(batch, not_least, "negated")
        expected = "on −x an odd network's class is its least likely on x"
        yield Check(BOUND, where, expected, found, not not_least)
        yield from _check_bound(batch, where, test["label"].to_numpy())
    for (key, name), tally in tallies.items():
        if name != "negated":
            yield _loss(results, batch, key, f"{SETS[name]}_loss", tally)


def _places(batch: Batch, places: list[tuple], name: str) -> str:
    key, network, image = places[0]
    stored = batch.predictions[f"{key}/{name}"][network, image]
    return f"{len(places)} are not: first network {network} at fraction {key}, test image {image}, stored {stored}"


def _check_invariant(batch: Batch, where: str, moved: float) -> Iterator[Check]:
    """Invariant features have one prediction for an image and its inverse, averages for x and −x."""

    def same(name: str) -> bool:
        pairs = ((batch.predictions[f"{key}/original"], batch.predictions[f"{key}/{name}"]) for key in batch.keys)
        return all(np.array_equal(*pair) for pair in pairs)

    if batch.spec["features"] != "identity":
        equals = same("inverted")
        found = f"{'equal' if equals else 'unequal'} predictions; features move by {moved:g}"
        yield Check(INVARIANT, where, "equal predictions; features move by 0", found, equals and moved == 0)
    if batch.spec["averaging"] != "none":
        equals = same("negated")
        found = f"{'equal' if equals else 'unequal'} predictions for x and −x"
        yield Check(INVARIANT, where, "equal predictions for x and −x", found, equals)


def _check_bound(batch: Batch, where: str, labels: np.ndarray) -> Iterator[Check]:
    largest, both_ways = 0.0, 0
    for key in batch.keys:
        right = {name: batch.predictions[f"{key}/{name}"][batch.odd] == labels for name in ("original", "negated")}
        largest = max(largest, (right["original"].mean(1) + right["negated"].mean(1)).max())
        both_ways += int((right["original"] & right["negated"]).sum())
    found = f"largest sum {largest:.4f}; {both_ways} inputs right both ways"
    yield Check(BOUND, where, "no sum above 1, no input right both ways", found, largest <= 1 and both_ways == 0)


def _check_accuracies(results: Results, batch: Batch) -> Iterator[Check]:
    """The shares of right predictions, exactly."""
    labels = batch.side("test")["label"].to_numpy()
    where = results.blame(batch.paths["networks"], batch.paths["predictions"], specs.split_files(batch.spec)[2])
    columns = [f"{prefix}_accuracy" for prefix in SETS.values()]
    expected = {
        f"{prefix}_accuracy": np.concatenate(
            [(batch.predictions[f"{key}/{name}"] == labels).mean(1) for key in batch.keys]
        )
        for name, prefix in SETS.items()
    }
    yield same_table(JUDGED, where, pd.DataFrame(expected), batch.networks[columns], source="by the predictions")


def _check_training(results: Results, batch: Batch) -> Iterator[Check]:
    """Accuracy, loss and clipped probabilities on the images trained on."""
    train, matrices = batch.side("train"), batch.matrices()
    ranks = train["rank"].to_numpy()
    keep = {key: splits.kept(ranks, fraction) for key, fraction in batch.keys.items()}
    tallies = {key: forward.Tally(len(batch.bias_free)) for key in batch.keys}
    factors = inputs.signs(batch.spec["training_set"], train, batch.spec["split"])
    for block in inputs.blocks(train):
        pixels, labels = batch.pixels(train.iloc[block]), train["label"].to_numpy()[block]
        for factor in factors:
            x = batch.features(pixels * factor[block])
            for key in batch.keys:
                mask = keep[key][block]
                if mask.any():
                    said = forward.logits(matrices[key], x[mask], **batch.model)
                    tallies[key].add(said, labels[mask], batch.rounding)
    for key, tally in tallies.items():
        where, table = results.blame(batch.paths["networks"], *_sources(batch)), batch.of(batch.keys[key])
        for column, counts in (("train_accuracy", tally.correct / tally.images), ("clipped", tally.clipped)):
            seen = table[column].to_numpy(dtype=float)
            inside = (counts[0] - 1e-12 <= seen) & (seen <= counts[1] + 1e-12) | overflowed(table)
            found = "all within" if inside.all() else _first(table, column, ~inside, counts.T)
            yield Check(
                TRAINED, where, f"fraction {key}: {column} by the weights, up to rounding", found, bool(inside.all())
            )
        yield _loss(results, batch, key, "train_loss", tally)


def _loss(results: Results, batch: Batch, key: str, column: str, tally: forward.Tally) -> Check:
    table, expected = batch.of(batch.keys[key]), tally.loss / tally.images
    seen = table[column].to_numpy(dtype=float)
    near = np.isclose(
        seen, expected, rtol=LOSS[batch.spec["dtype"]], atol=LOSS[batch.spec["dtype"]] / 1000
    ) | overflowed(table)
    apart = np.abs(seen / expected - 1).max(where=~overflowed(table), initial=0)
    found = f"at most {apart:.1e} apart" if near.all() else _first(table, column, ~near, expected)
    where = results.blame(batch.paths["networks"], *_sources(batch))
    return Check(
        TRAINED if column == "train_loss" else PREDICTED,
        where,
        f"fraction {key}: {column} by the weights",
        found,
        bool(near.all()),
    )


def _first(table: pd.DataFrame, column: str, wrong: np.ndarray, expected: np.ndarray) -> str:
    row = int(np.flatnonzero(wrong)[0])
    network = f"{table['network'].iloc[row]}, seed {table['seed'].iloc[row]}"
    return f"{network}: {column} is {table[column].iloc[row]}, recomputed {expected[row]}; {int(wrong.sum())} differ"
