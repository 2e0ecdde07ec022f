"""How the action of a group changes losses and minima: random networks drawn again, pairs from their stored weights."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward, networks, translation
from symmetry_constrained.audit.checks import Check, close, guarded, same_table
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.orbits import ATOL, LAYERS, RTOL, WEIGHTS, Options, images
from symmetry_constrained.audit.theory.shown import blame, matrices

SAME, PAIRED, RANDOM = "losses under a group", "pairs of minima from their weights", "random angles, drawn again"
INVARIANCE, MINIMA, ANGLES = (f"theory/{name}.csv" for name in ("loss_invariance", "minima", "random_angles"))
TURN, FEW, TOGETHER = 8, 10, 1000  # angles of the cyclic group, images of random networks, which are drawn at once
GRID = 256  # angles that random ones are drawn from
Moved = Callable[[np.ndarray], np.ndarray]


def check(results: Results) -> Iterator[Check]:
    for path, what, checks in (
        (INVARIANCE, SAME, _check_invariance),
        (MINIMA, PAIRED, _check_minima),
        (ANGLES, RANDOM, _check_angles),
    ):
        if results.belongs(path):
            where = blame(results, path, WEIGHTS, CONFIG)
            yield from guarded(what, where, checks(results, where))


def groups(shape: tuple[int, int]) -> dict[str, tuple[list[Moved], Moved]]:
    """By group: its elements, and one that is not the identity, as functions of images (n, d)."""
    angles = 2 * np.pi * np.arange(TURN) / TURN
    turns: list[Moved] = [partial(translation.moved, angles=angle, shape=shape) for angle in angles]
    signs: list[Moved] = [lambda x: x, lambda x: -x]
    return {"inversion": (signs, signs[1]), f"translation by 1/{TURN}": (turns, turns[1])}


def _check_invariance(results: Results, where: str) -> Iterator[Check]:
    """The loss at W₁ and at W₁U: at W₁U it is the loss at W₁ on images moved by U."""
    options, count = Options.of(results), results.config["theory"]["orbits"].get("random_networks", 10_000)
    every, every_label, shape = images(results, options.images)
    shapes, rows, trained = forward.sizes(every.shape[1], LAYERS), [], []
    for group, (elements, element) in groups(shape).items():
        for biased in (True, False):
            drawn = list(_drawn(shapes, biased, count))
            for name, shown in (("orbit", elements), ("images alone", elements[:1])):
                x = np.concatenate([move(every[:FEW]) for move in shown])
                labels = np.tile(every_label[:FEW], len(shown))
                differences = [_change(part, x, element(x), labels) for part in drawn]
                rows.append(_row(group, name, biased, "random", len(x), np.concatenate(differences)))
        stored = matrices(results, WEIGHTS, f"minima/{group}", 2 * len(options.seeds), shapes)
        for name, shown in (("orbit", elements), ("images alone", elements[:1])):
            x = np.concatenate([move(every) for move in shown])
            change = _change(stored, x, element(x), np.tile(every_label, len(shown)))
            trained.append(_row(group, name, True, "trained", len(x), change))
    expected = pd.DataFrame(rows + trained)
    yield same_table(SAME, where, expected, results.table(INVARIANCE), rtol=RTOL, atol=ATOL, source="recomputed")


def _drawn(shapes: list[tuple[int, int]], biased: bool, count: int) -> Iterator[list[np.ndarray]]:
    """Random networks: normal numbers, times 0.01 to 10 of each network."""
    random, length = np.random.default_rng([0, biased]), sum(fan_out * (fan_in + 1) for fan_in, fan_out in shapes)
    for start in range(0, count, TOGETHER):
        number = min(TOGETHER, count - start)
        rows = random.normal(size=(number, length)) * 10 ** random.uniform(-2, 1, (number, 1))
        found = forward.layers(rows, shapes)
        for matrix in found:
            matrix[:, :, -1] *= biased
        yield found


def _change(rows: list[np.ndarray], x: np.ndarray, moved: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """|L(moved) − L(x)| / L(x) of networks (K,), few at a time."""
    found = []
    few = max(1, 200_000 // len(x))
    for start in range(0, len(rows[0]), few):
        part = [matrix[start : start + few] for matrix in rows]
        before, after = (_losses(part, shown, labels).mean(1) for shown in (x, moved))
        found.append(np.abs(after - before) / before)
    return np.concatenate(found)


def _losses(rows: list[np.ndarray], x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy (K, n) of every image."""
    logits = forward.logits(rows, x)
    return forward.log_sum(logits) - logits[:, np.arange(len(labels)), labels.astype(int)]


def _row(group: str, loss_on: str, biased: bool, parameters: str, shown: int, change: np.ndarray) -> dict:
    return {
        "group": group,
        "loss_on": loss_on,
        "network": "biased" if biased else "bias-free",
        "parameters": parameters,
        "networks": len(change),
        "images": shown,
        "median_difference": np.median(change),
        "largest_difference": change.max(),
    }


def _check_minima(results: Results, where: str) -> Iterator[Check]:
    options, table = Options.of(results), results.table(MINIMA)
    x, labels, shape = images(results, options.images)
    shapes, rows = forward.sizes(x.shape[1], LAYERS), []
    for group, (elements, element) in groups(shape).items():
        stored = matrices(results, WEIGHTS, f"minima/{group}", 2 * len(options.seeds), shapes)
        shown = np.concatenate([move(x) for move in elements])
        loss = networks.Loss(shown, np.tile(labels, len(elements)), options.penalty)
        # U has the moved unit vectors as its columns.
        matrix = element(np.eye(x.shape[1])).T
        for place, seed in enumerate(options.seeds):
            pair = [networks.one(stored, place), networks.one(stored, len(options.seeds) + place)]
            image = [part.copy() for part in pair[0]]
            image[0][:, :-1] = pair[0][0][:, :-1] @ matrix
            (value, gradient), (moved, moved_gradient) = (loss.value_and_gradient(network) for network in pair)
            first, second, third = (networks.flat(network) for network in (*pair, image))
            rows.append(
                {
                    "group": group,
                    "network": "biased",
                    "seed": seed,
                    "n_train": len(shown),
                    "penalty": options.penalty,
                    "loss": value,
                    "moved_loss": moved,
                    "gradient_norm": np.linalg.norm(networks.flat(gradient)),
                    "moved_gradient_norm": np.linalg.norm(networks.flat(moved_gradient)),
                    "apart": np.linalg.norm(second - first) / np.linalg.norm(first),
                    "from_image": np.linalg.norm(second - third) / np.linalg.norm(first),
                }
            )
    expected = pd.DataFrame(rows)
    yield same_table(PAIRED, where, expected, table, rtol=RTOL, atol=ATOL, source="recomputed")


def _check_angles(results: Results, where: str) -> Iterator[Check]:
    """The loss on random angles as a curve over the orbit, and what independent angles would give."""
    options, settings = Options.of(results), results.config["theory"]["orbits"]
    table, draws = results.table(ANGLES), settings.get("draws", 100)
    x, labels, shape = images(results, options.images)
    shapes = forward.sizes(x.shape[1], LAYERS)
    last = [setting for setting in options.settings if setting[:2] == ("identity", "equally spaced")][-1]
    kinds = {
        "initial": networks.initials(options.seeds, shapes, biased=False),
        "trained": matrices(results, WEIGHTS, "/".join(map(str, last)), len(options.seeds), shapes),
    }
    angles, rows = 2 * np.pi * np.arange(GRID) / GRID, []
    for kind, stored in kinds.items():
        losses = np.stack([_losses(stored, translation.moved(x, angle, shape), labels) for angle in angles], axis=1)
        for place, seed in enumerate(options.seeds):
            for few in sorted({max(len(x) // 4, 1), len(x)}):
                for count in settings.get("sampled", [1, 4, 16, 64]):
                    row = {"parameters": kind, "network": "bias-free", "seed": seed, "images": few, "angles": count}
                    rows.append(row | {"draws": draws} | _variation(losses[place, :, :few], count, draws, seed))
    yield from _check_table(where, pd.DataFrame(rows), table)


def _check_table(where: str, expected: pd.DataFrame, table: pd.DataFrame) -> Iterator[Check]:
    names = list(expected)[:6]
    yield same_table(RANDOM, where, expected[names], table[names], source="the configuration's networks")
    for name in list(expected)[6:]:
        values = expected[name].to_numpy()
        yield close(RANDOM, where, name, values, table[name], RTOL * np.abs(values))


def _variation(losses: np.ndarray, count: int, draws: int, seed: int) -> dict[str, float]:
    """Of losses (GRID, n) of each image along its orbit: how the mean over `count` random angles each varies with θ."""
    grid, n = losses.shape
    random, waves = np.random.default_rng([seed, count, n]), np.fft.rfft(losses.T, axis=1)
    curves = []
    for _ in range(draws):
        places = random.integers(0, grid, (n, count))
        often = np.zeros((n, grid))
        np.add.at(often, (np.arange(n)[:, None], places), 1)
        # Σ of an image's losses from where it was drawn on: a correlation, hence a product of waves.
        curves.append(np.fft.irfft((waves * np.fft.rfft(often, axis=1).conj()).sum(0), grid) / (n * count))
    each = np.array(curves)
    rms, mean_rms = float(np.sqrt(each.var(axis=1).mean())), float(each.mean(axis=0).std())
    predicted = float(np.sqrt(losses.var(axis=0).mean() / (count * n)))
    found = {"rms": rms, "predicted": predicted, "ratio": rms / predicted, "mean_rms": mean_rms}
    mean_predicted = predicted / draws**0.5
    return found | {"mean_predicted": mean_predicted, "mean_ratio": mean_rms / mean_predicted}
