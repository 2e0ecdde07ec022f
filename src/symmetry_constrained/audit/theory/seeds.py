"""The weights that experiments on theory left, by the starts that their seeds give."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, forward, networks, starts, translation
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.retrained import PER_SPLIT
from symmetry_constrained.audit.tables import EMULATED_ON
from symmetry_constrained.audit.theory import (
    amplification,
    invariants,
    label_blind,
    mirrored_pairs,
    orbit_checks,
    orbits,
    saturated_units,
)
from symmetry_constrained.audit.theory.shown import blame, matrices

SEEDED = "theory's weights and the starts of their seeds"
LAYERS = [10, 5]
# In standard deviations of the likeness of unrelated weights. Of networks trained for 500 iterations without a penalty,
# or to a minimum with one, a pair was nearer to one another's starts by 3.9 at most, and each group like its own by 3.4
# in the mean; that of unrelated weights is 0.8.
NEARER, RELATED, MANY = 6.0, 2.5, 3


@dataclass(frozen=True)
class Stored:
    """Networks under one name of a file: their layers, the seed of each, and the starts that seeds give."""

    table: str
    weights: str
    name: str
    layers: list[np.ndarray]
    seeds: np.ndarray  # (K,)
    known: np.ndarray  # (S,) every seed of the experiment, in order
    begun: list[np.ndarray]  # their starts
    tensor: str = ""  # the name in the file, if it is another

    def checks(self, where: str) -> Iterator[Check]:
        own = np.searchsorted(self.known, self.seeds)
        # Where signs do not matter to the loss, training may lead through zero to weights of the other sign.
        alike = np.abs(starts.alike(starts.vectors(self.layers), starts.vectors(self.begun)))
        wrong = starts.strangers(alike, own, NEARER) | starts.exchanged(alike, own, NEARER)
        yield starts.told(SEEDED, where, f"{self.name}: nearest to the starts of their own seeds", self.seeds, wrong)
        if len(own) >= MANY:
            mean = float(alike[np.arange(len(own)), own].mean())
            expected = f"{self.name}: like their starts by {RELATED} standard deviations of chance in the mean"
            yield Check(SEEDED, where, expected, f"{mean:.1f} standard deviations", mean >= RELATED)


def check(results: Results) -> Iterator[Check]:
    for path, weights, stored in _every(results):
        if results.belongs(path):
            yield from guarded(SEEDED, blame(results, weights, path), _checks(results, weights, stored))


def _checks(results: Results, weights: str, stored: Iterator[Stored]) -> Iterator[Check]:
    names = set()
    for one in stored:
        names.add(one.tensor or one.name)
        yield from one.checks(results.blame(one.weights, one.table))
    yield equal(SEEDED, results.blame(weights), f"names: {sorted(names)}", f"names: {sorted(results.tensors(weights))}")


def _every(results: Results) -> Iterator[tuple[str, str, Iterator[Stored]]]:
    for one, reader in (
        (label_blind, _label_blind),
        (amplification, _amplification),
        (mirrored_pairs, _mirrored_pairs),
        (saturated_units, _saturated_units),
        (orbits, _orbits),
    ):
        yield one.TABLE, one.WEIGHTS, reader(results, one.TABLE, one.WEIGHTS)
    for path in EMULATED_ON:
        weights = path.replace(".csv", ".safetensors")
        yield path, weights, _emulated(results, path, weights)
    for split in range(invariants.asked_for(results)[0]):
        folder = invariants.FOLDER.format(split)
        path, weights = f"{folder}/invariants.csv", f"{folder}/invariants.safetensors"
        yield path, weights, _invariants(results, path, weights, split)


def _seeds(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The seed of each row, and every one of them once, in order."""
    seeds = table["seed"].to_numpy(dtype=np.int64)
    return seeds, np.unique(seeds)


def _label_blind(results: Results, path: str, weights: str) -> Iterator[Stored]:
    seeds, known = _seeds(results.table(path, ["seed"]))
    shapes = _shapes("digits")
    layers = matrices(results, weights, "rows", len(seeds), shapes)
    yield Stored(path, weights, "rows", layers, seeds, known, networks.initials(known.tolist(), shapes))


def _amplification(results: Results, path: str, weights: str) -> Iterator[Stored]:
    for depth, own in results.table(path, ["depth", "seed"]).groupby("depth", sort=False):
        (seeds, known), shapes = _seeds(own), _shapes("digits", [amplification.WIDTH] * int(depth))
        layers = matrices(results, weights, str(depth), len(own), shapes)
        begun = networks.initials(known.tolist(), shapes)
        yield Stored(path, weights, f"depth {depth}", layers, seeds, known, begun, str(depth))


def _mirrored_pairs(results: Results, path: str, weights: str) -> Iterator[Stored]:
    """By the first layer: that of pairs begins as the units of a network half as wide, and their mirrors."""
    table = results.table(path, ["kind", "seed", "hidden_layers"])
    units = int(table["hidden_layers"].iloc[0])
    shapes = {wide: _shapes("digits", [wide]) for wide in (units, units // 2)}
    first, *_ = matrices(results, weights, "rows", len(table), shapes[units])
    _, known = _seeds(table)
    whole, half = (networks.initials(known.tolist(), shapes[wide])[0] for wide in (units, units // 2))
    pairs = np.stack([half, -half], axis=2).reshape(whole.shape)
    for kind, places in table.groupby("kind", sort=False).indices.items():
        seeds, _ = _seeds(table.iloc[places])
        begun = whole if kind == mirrored_pairs.KINDS[-1] else pairs
        yield Stored(path, weights, str(kind), [first[places]], seeds, known, [begun], "rows")


def _saturated_units(results: Results, path: str, weights: str) -> Iterator[Stored]:
    (seeds, known), shapes = _seeds(results.table(path, ["seed"])), _shapes("digits")
    layers = matrices(results, weights, "rows", len(seeds), shapes)
    yield Stored(path, weights, "rows", layers, seeds, known, networks.initials(known.tolist(), shapes))


def _orbits(results: Results, path: str, weights: str) -> Iterator[Stored]:
    """Networks on pixels and on features; pairs of minima, of which the second starts where the first does, moved."""
    options = orbits.Options.of(results)
    known, shape = np.unique(options.seeds), data.known("digits")["shape"]
    for features, *rest in options.settings:
        name = "/".join(map(str, (features, *rest)))
        shapes = _shapes("digits", inputs=translation.features(features, np.zeros((1, 64)), shape).shape[1])
        layers = matrices(results, weights, name, len(options.seeds), shapes)
        begun = networks.initials(known.tolist(), shapes)
        yield Stored(path, weights, name, layers, np.array(options.seeds), known, begun)
    shapes, count = _shapes("digits"), len(options.seeds)
    begun = networks.initials(known.tolist(), shapes)
    for group, (_, element) in orbit_checks.groups(shape).items():
        layers = matrices(results, weights, f"minima/{group}", 2 * count, shapes)
        moved = [np.concatenate([begun[0][:, :, :-1] @ element(np.eye(64)).T, begun[0][:, :, -1:]], axis=2), *begun[1:]]
        for name, places, start in (("from W₁", slice(count), begun), ("from W₁U", slice(count, None), moved)):
            own = [matrix[places] for matrix in layers]
            of = np.array(options.seeds)
            yield Stored(path, weights, f"minima/{group} {name}", own, of, known, start, f"minima/{group}")


def _emulated(results: Results, path: str, weights: str) -> Iterator[Stored]:
    dataset = path.rpartition("/")[2].removesuffix(".csv")
    (_, known), shapes = _seeds(results.table(path, ["seed"])), _shapes(dataset)
    begun = networks.initials(known.tolist(), shapes)
    for name in results.tensors(weights):
        yield Stored(path, weights, name, matrices(results, weights, name, len(known), shapes), known, known, begun)


def _invariants(results: Results, path: str, weights: str, split: int) -> Iterator[Stored]:
    table = results.table(path, ["group", "features", "budget", "feature_count", "seed"])
    keys = ["group", "features", "budget", "feature_count"]
    for (group, features, budget, count), own in table.groupby(keys, sort=False):
        (seeds, known), shapes = _seeds(own), _shapes("digits", inputs=int(count))
        name = f"{group}/{features}/{budget}"
        begun = networks.initials([PER_SPLIT * (split + 1) + int(seed) for seed in known], shapes)
        yield Stored(path, weights, name, matrices(results, weights, name, len(own), shapes), seeds, known, begun)


def _shapes(dataset: str, hidden: list[int] | None = None, inputs: int = 0) -> list[tuple[int, int]]:
    """Of layers on pixels, unless there are so many inputs, and of the paper's widths unless others are given."""
    return forward.sizes(inputs or int(np.prod(data.known(dataset)["shape"])), hidden or LAYERS)
