"""Weights bound to their seeds: the beginnings that seeds give, and networks trained again from there.

A network's weights, as training ended and after its first iterations, must be nearer to where its own seed begins than
to where another seed of the batch does. And some networks are drawn and trained again: by SciPy's L-BFGS-B, in float64,
on the audit's own loss.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, efforts, forward, inputs, networks, specs, splits, starts
from symmetry_constrained.audit.batch import EARLY, Batch
from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.results import MANIFEST, Results

SEEDED, AGAIN = "weights and the beginnings of their seeds", "networks trained again from their seeds"
FOLLOWED = "the first checkpoints, trained again"
# What a specification may say for its networks to be trained again here; other settings need another loss or solver.
KNOWN = {"study", "dataset", "protocol", "split", "features", "training_set", "hidden_layers", "fractions", "networks"}
KNOWN |= {"seeds", "budget", "checkpoints", "alpha", "dtype", "device", "trained_as"}
ORDINARY = (None, "none", "ordinary", "lbfgs", "tanh")  # other settings that say nothing else
PER_SPLIT = 100_000  # seeds of a split's networks
DRAWN, DRAWN_DEEP = 40, 400
LARGEST = 5_000_000  # numbers that a network drawn is trained on, unless the audit is deep
# After ten iterations in float32 less than a ten-thousandth of the way was seen to be lost; after twenty a thousandth.
WAY, FURTHEST, FURTHEST_DEEP = 0.01, EARLY, 35
# How far the loss, relative, and the share of the images may be from the history's, up to FURTHEST and from there on,
# where rounding has grown to what can be seen. Of 400 networks of the default study the worst were off by 0.0002 and
# 0.0001 after 10 iterations, by 0.011 and 0.021 after 20, and by 0.076 and 0.061 after 35.
COURSE, LATER = (0.02, 0.01), (0.2, 0.15)
SETTINGS = {"maxcor": 10, "maxls": 20, "gtol": 1e-4, "ftol": 2.220446049250313e-09}


def check(results: Results, share: specs.Share = specs.WHOLE) -> Iterator[Check]:
    told = specs.of_share(results, share)
    for folder, spec in told.items():
        yield from guarded(SEEDED, _blame(results, folder, spec), check_seeds(results, folder, spec))
    for folder, drawn in _drawn(results, specs.of_run(results)).items():
        if folder not in told:
            continue
        spec = told[folder]
        yield from guarded(AGAIN, _blame(results, folder, spec), check_again(results, folder, spec, drawn))


def _blame(results: Results, folder: str, spec: dict) -> str:
    """Of the files of a batch and those that it was trained on, the one to name."""
    files = [f"{folder}/{name}" for name in ("weights.safetensors", "networks.csv", "history.csv")]
    return results.blame(*files, *specs.split_files(spec))


def seed_of(spec: dict, number: int) -> int:
    """The seed of a network's initial weights: no two networks of a study's splits share one."""
    return PER_SPLIT * (spec["split"] + 1) + number


def check_seeds(results: Results, folder: str, spec: dict) -> Iterator[Check]:
    """Every network of a batch: its first weights by where its seed begins, and its last ones by both."""
    batch = Batch(results, folder, spec)
    seeds = [seed_of(spec, number) for number in spec["seeds"]]
    start = networks.initials(seeds, batch.shapes)
    if spec.get("start") == "mirrored":
        start = networks.mirrored(start)
    begun, of = starts.vectors(start), np.tile(spec["seeds"], len(spec["networks"]))
    own = np.tile(np.arange(len(seeds)), len(spec["networks"]))
    where = results.blame(batch.paths["weights"], batch.paths["networks"])
    for key in batch.keys:
        every, kept = {key: starts.vectors(batch.layers(key))}, ~batch.diverged(key)
        if key in batch.ends:
            every[batch.early(key)] = starts.vectors(batch.layers(batch.early(key)))
        for name, ended in every.items():
            wrong = kept & starts.strangers(starts.alike(ended, begun), own)
            yield starts.told(SEEDED, where, f"{name}: nearest to where their own seeds begin", of, wrong)
        if len(every) > 1 and begun.shape[1] >= starts.WIDE:
            ended, early = every.values()
            for name, last, first in ((batch.early(key), early, begun[own]), (key, ended, early)):
                wrong = kept & starts.unrelated(last, first)
                yield starts.told(SEEDED, where, f"{name}: of those that they came from", of, wrong)


def _drawn(results: Results, told: dict[str, dict]) -> dict[str, list[tuple[str, int]]]:
    """By batch, the networks drawn: each by the fraction's key and its place."""
    every = []
    for folder, spec in told.items():
        if any(spec[name] not in ORDINARY for name in set(spec) - KNOWN):
            continue
        count = len(spec["networks"]) * len(spec["seeds"])
        for fraction in sorted({min(spec["fractions"]), max(spec["fractions"])}):
            if results.deep or _numbers(spec, fraction) <= LARGEST:
                every += [(folder, format(fraction, "g"), place) for place in range(count)]
    text = f"{results.draw} {results.sha256(MANIFEST)}"
    random = np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest(), 16))
    found: dict[str, list[tuple[str, int]]] = {}
    for number in sorted(random.permutation(len(every))[: DRAWN_DEEP if results.deep else DRAWN]):
        folder, key, place = every[number]
        found.setdefault(folder, []).append((key, place))
    return found


def _numbers(spec: dict, fraction: float) -> float:
    """About how many numbers a network is trained on."""
    known = data.known(spec["dataset"])
    images = (known["training"] or 0.8 * known["test"]) * (5 if known["nudged"] else 1)
    times = 2 if spec["training_set"] == "augmented" else 1
    return times * fraction * images * inputs.width(spec["features"], known["shape"][0] * known["shape"][1])


def check_again(results: Results, folder: str, spec: dict, drawn: list[tuple[str, int]]) -> Iterator[Check]:
    """Networks of a batch trained again for their first iterations, and on to its first checkpoints."""
    batch = Batch(results, folder, spec)
    history = results.table(f"{folder}/history.csv", ["fraction", "network", "seed", "iterations", "train_loss"])
    where, furthest = _blame(results, folder, spec), FURTHEST_DEEP if results.deep else FURTHEST
    for key, place in drawn:
        row = batch.of(batch.keys[key]).iloc[place]
        if row["status"] == "non_finite":
            continue
        own = history[(history["fraction"] == batch.keys[key]) & (history["seed"] == row["seed"])]
        own = own[(own["network"] == row["network"]) & (own["iterations"] <= min(furthest, row["iterations"] - 1))]
        early = min(EARLY, int(row["iterations"]))
        again = Again(batch, key, row)
        course = again.course(max([early, *own["iterations"]]))
        stored, found = networks.flat(networks.one(batch.layers(batch.early(key)), place)), course[early]
        apart = float(np.linalg.norm(stored - found) / np.linalg.norm(found - again.start))
        name = f"{key}: {row['network']}, seed {row['seed']}"
        yield Check(AGAIN, where, f"{name}: within {WAY} of its way", f"{apart:.1e} of it apart", bool(apart <= WAY))
        for _, passed in own.iterrows():
            judged = again.judged(course[int(passed["iterations"])])
            yield _passed(results, folder, name, judged, passed)


def _passed(results: Results, folder: str, name: str, judged: tuple[float, float], passed: pd.Series) -> Check:
    """A row of the history before its end, by the network trained to there again."""
    loss, accuracy = judged
    of_loss, of_images = COURSE if passed["iterations"] <= FURTHEST else LATER
    near = abs(passed["train_loss"] / loss - 1) <= of_loss and abs(passed["test_accuracy"] - accuracy) <= of_images
    where = results.blame(f"{folder}/history.csv", f"{folder}/networks.csv")
    expected = f"{name}, {passed['iterations']} iterations: loss {loss:.4f}, accuracy {accuracy:.4f}"
    return Check(FOLLOWED, where, expected, f"{passed['train_loss']:.4f}, {passed['test_accuracy']:.4f}", bool(near))


class Again:
    """One network, trained again from where its seed begins, with what its batch was shown."""

    def __init__(self, batch: Batch, key: str, row: pd.Series):
        spec, train = batch.spec, batch.side("train")
        train = train[splits.kept(train["rank"].to_numpy(), batch.keys[key])]
        pixels, labels = batch.pixels(train), train["label"].to_numpy()
        factors = inputs.signs(spec["training_set"], train, spec["split"])
        x = np.concatenate([batch.features(pixels * factor) for factor in factors]).astype(np.float64)
        self.batch, self.biased = batch, row["network"] == "biased"
        self.loss = networks.Loss(x, np.tile(labels, len(factors)), spec["alpha"] / len(x))
        self.start = networks.flat(networks.initial(seed_of(spec, int(row["seed"])), batch.shapes, self.biased))

    def matrices(self, row: np.ndarray) -> list[np.ndarray]:
        return networks.one(forward.layers(row[None], self.batch.shapes), 0)

    def course(self, iterations: int) -> list[np.ndarray]:
        """The parameters (P,) at the start and after each of so many iterations; the last again where none is left."""
        from scipy.optimize import minimize

        found = [self.start]
        if iterations:
            options = SETTINGS | {"maxiter": iterations, "maxfun": efforts.UNLIMITED}
            keep = {"method": "L-BFGS-B", "callback": lambda row: found.append(row.copy())}
            minimize(self._evaluated, self.start, jac=True, options=options, **keep)
        return found + [found[-1]] * (iterations + 1 - len(found))

    def _evaluated(self, row: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = self.loss.value_and_gradient(self.matrices(row))
        for part in gradient:
            part[:, -1] *= self.biased
        return value, networks.flat(gradient)

    def judged(self, row: np.ndarray) -> tuple[float, float]:
        """The cross-entropy on the training images, and the accuracy on the test images."""
        matrices = self.matrices(row)
        value, _ = self.loss.value_and_gradient(matrices)
        penalty = self.loss.penalty / 2 * sum((matrix[:, :-1] ** 2).sum() for matrix in matrices)
        test = self.batch.side("test")
        said = forward.logits([matrix[None] for matrix in matrices], self.batch.features(self.batch.pixels(test)))
        return value - penalty, float((said[0].argmax(-1) == test["label"].to_numpy()).mean())
