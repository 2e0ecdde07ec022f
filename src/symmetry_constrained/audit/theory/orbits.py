"""Networks trained on orbits of translation: losses, gradients and whole Hessians from the stored weights.

An eigenvalue is flat if it is below a thousandth of the penalty. The direction of the orbit is d/dθ of W₁T(θ).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.audit import forward, networks, specs, splits, translation
from symmetry_constrained.audit.checks import Check, UnreadableError, close, equal, guarded, same_table, within
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.theory.shown import Shown, blame, matrices

WHAT, LISTED, CURVED = "orbits from their weights", "orbits: which networks", "Hessians from the weights"
TABLE, SPECTRUM, LOSSES = (f"theory/{name}.csv" for name in ("orbits", "spectrum", "orbit_loss"))
WEIGHTS = "theory/orbits.safetensors"
LAYERS = [10, 5]
ANGLES, RANDOM, FEATURES = [1, 2, 4, 8, 16, 32, 64], [4, 16], ["power", "complete", "aligned"]
AROUND, LOWEST = 61, 20  # angles along an orbit, eigenvalues written down
FEW = 8  # every so many of the angles for what takes long, unless the audit is deep
FLAT, BROKEN = 1e-3, 1e-6
# Of losses, gradients and curvatures that may be zero but for rounding; and relative.
ATOL, RTOL = 1e-10, 1e-7


def check(results: Results) -> Iterator[Check]:
    if results.belongs(TABLE):
        yield from guarded(WHAT, blame(results, TABLE, WEIGHTS, CONFIG), _check(results))


@dataclass(frozen=True)
class Options:
    """What the configuration asks of the experiment on orbits."""

    images: int
    seeds: list[int]
    penalty: float
    settings: list[tuple[str, str, int]]  # features, sampling, angles

    @classmethod
    def of(cls, results: Results) -> "Options":
        options = results.config["theory"]["orbits"]
        settings = [("identity", "equally spaced", count) for count in options.get("angles", ANGLES)]
        settings += [("identity", "random", count) for count in options.get("random_angles", RANDOM)]
        settings += [(name, "equally spaced", 1) for name in options.get("features", FEATURES)]
        return cls(options.get("images", 150), options.get("seeds", [1, 2, 3]), options.get("penalty", 0.01), settings)


def images(results: Results, count: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The first so many training images (n, d) that nobody moved, in the split's order; their labels and shape."""
    shown = Shown.of(results, dtype=np.float64)
    rows, _ = splits.read(results, specs.split_folder({"dataset": "digits", "protocol": "clean", "split": 0}))
    train = rows[rows["set"] == "train"].reset_index(drop=True)
    still = train[train["shift"] == "none"].sort_values("rank", kind="stable").index[:count]
    return shown.train[still], shown.train_labels[still], shown.shape


def sampled(x: np.ndarray, sampling: str, count: int, seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Each image (n, d) under so many angles, (count · n, d): the same ones, or of each its own."""
    if sampling == "equally spaced":
        angles = [2 * np.pi * number / count for number in range(count)]
    else:
        angles = list(np.random.default_rng([seed, count]).uniform(0, 2 * np.pi, (count, len(x))))
    return np.concatenate([translation.moved(x, angle, shape) for angle in angles])


def _check(results: Results) -> Iterator[Check]:
    options, table = Options.of(results), results.table(TABLE, ["features", "sampling", "angles", "seed", "loss"])
    x, labels, shape = images(results, options.images)
    due = pd.DataFrame(
        [
            (*setting, seed, "bias-free", len(x), setting[2] * len(x), options.penalty)
            for setting in options.settings
            for seed in options.seeds
        ],
        columns=["features", "sampling", "angles", "seed", "network", "images", "n_train", "penalty"],
    )
    where = blame(results, TABLE, CONFIG)
    yield same_table(LISTED, where, due, table[list(due)], source="the configuration's networks")
    spectrum, losses = results.table(SPECTRUM), results.table(LOSSES)
    for path, part, each in ((SPECTRUM, spectrum, LOWEST), (LOSSES, losses, AROUND)):
        # Those of each network are compared below; no network is left over.
        yield equal(LISTED, blame(results, path, CONFIG), f"{len(due) * each} rows", f"{len(part)} rows")
    for setting in options.settings:
        name = "/".join(map(str, setting))
        of = [part[_of(part, setting)] for part in (table, spectrum, losses)]
        inputs = translation.features(setting[0], x[:1], shape).shape[1]
        rows = matrices(results, WEIGHTS, name, len(options.seeds), forward.sizes(inputs, LAYERS))
        if any(matrix[:, :, -1].any() for matrix in rows):
            raise UnreadableError(WEIGHTS, f"{name}: biases in bias-free networks")
        for place, seed in enumerate(options.seeds):
            network = networks.one(rows, place)
            # Networks share equally spaced angles; of random ones each has its own.
            shown = sampled(x, setting[1], setting[2], seed, shape)
            problem = Problem(network, setting[0], shown, np.tile(labels, setting[2]), shape, options.penalty)
            own = [part[part["seed"] == seed] for part in of]
            yield from guarded(WHAT, blame(results, TABLE, WEIGHTS), _check_network(results, problem, *own))


def _of(table: pd.DataFrame, setting: tuple[str, str, int]) -> np.ndarray:
    names = ("features", "sampling", "angles")
    return np.logical_and.reduce([table[name] == value for name, value in zip(names, setting, strict=True)])


@dataclass(frozen=True)
class Problem:
    """One network, the images (n, d) that it was trained on, and the penalty."""

    network: list[np.ndarray]
    features: str
    x: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int]
    penalty: float

    def loss(self, angle: float | None = None) -> networks.Loss:
        """The loss where every image is moved by an angle."""
        x = self.x if angle is None else translation.moved(self.x, angle, self.shape)
        return networks.Loss(translation.features(self.features, x, self.shape), self.labels, self.penalty)

    def value(self, angle: float) -> float:
        """The loss."""
        loss = self.loss(angle)
        logits = forward.logits([matrix[None] for matrix in self.network], loss.x)
        crossed = forward.log_sum(logits)[0] - logits[0, np.arange(len(self.labels)), self.labels.astype(int)]
        weights = sum(float((matrix[:, :-1] ** 2).sum()) for matrix in self.network)
        return float(crossed.mean()) + self.penalty / 2 * weights

    def value_and_norm(self, angle: float | None = None) -> tuple[float, float]:
        """The loss, and the norm of its gradient by the weights."""
        value, gradient = self.loss(angle).value_and_gradient(self.network)
        return value, float(np.sqrt(sum((part[:, :-1] ** 2).sum() for part in gradient)))


def _check_network(
    results: Results, problem: Problem, own: pd.DataFrame, spectrum: pd.DataFrame, losses: pd.DataFrame
) -> Iterator[Check]:
    where = blame(results, TABLE, WEIGHTS)
    (value, norm), loss = problem.value_and_norm(), problem.loss()
    angles = 2 * np.pi * np.arange(AROUND) / AROUND
    around = np.array([problem.value(angle) for angle in angles])
    # The gradient takes three times as long as the loss; its norm is largest at one of the angles, and not above that.
    steepest = max(problem.value_and_norm(angle)[1] for angle in angles[:: 1 if results.deep else FEW])
    first = problem.network[0][:, :-1]
    columns = {
        "parameters": sum(matrix[:, :-1].size for matrix in problem.network),
        "loss": value,
        "gradient_norm": norm,
        "loss_variation": np.ptp(around),
        "first_layer_norm": np.linalg.norm(first),
    }
    yield from _close(WHAT, where, columns, own)
    slack, largest = ATOL + RTOL * steepest, steepest if results.deep else np.inf
    yield within(
        WHAT, where, "orbit_gradient", np.array([[steepest - slack], [largest + slack]]), own["orbit_gradient"]
    )
    said = forward.logits([matrix[None] for matrix in problem.network], loss.x)
    counts = forward.Tally(1)
    counts.add(said, loss.labels, forward.ROUNDING["float64"])
    yield within(WHAT, where, "train_accuracy", counts.correct / counts.images, own["train_accuracy"])
    at = blame(results, LOSSES, WEIGHTS)
    yield close(WHAT, at, "angle", angles, losses["angle"], 1e-12)
    yield close(WHAT, at, "loss", around, losses["loss"], ATOL)
    matrix = networks.hessian(loss, problem.network)
    yield from _check_curvature(results, problem, matrix, own, spectrum)


def _close(what: str, where: str, columns: dict[str, float], own: pd.DataFrame) -> Iterator[Check]:
    for name, value in columns.items():
        yield close(what, where, name, np.full(len(own), value), own[name], ATOL + RTOL * abs(np.nan_to_num(value)))


def _check_curvature(
    results: Results, problem: Problem, matrix: np.ndarray, own: pd.DataFrame, spectrum: pd.DataFrame
) -> Iterator[Check]:
    """The Hessian's eigenvalues, and what it is along the orbit; the weights of each layer are its rows."""
    where, found = blame(results, TABLE, WEIGHTS), np.linalg.eigvalsh(matrix)
    columns = {
        "smallest": found[0],
        "second": found[1],
        "median": np.median(found),
        "largest": found[-1],
    }
    flat = FLAT * problem.penalty
    slack = 1e-9 * max(abs(found[-1]), 1.0)
    counted = {
        "flat": [(np.abs(found) < flat - slack).sum(), (np.abs(found) < flat + slack).sum()],
        "negative": [(found <= -flat - slack).sum(), (found <= -flat + slack).sum()],
    }
    along = dict.fromkeys(("direction_norm", "curvature", "image_norm"), np.nan)
    quantile = [np.nan, np.nan]
    if problem.features == "identity":
        # Moving W₁ by T(θ) is moving what it is multiplied with, so the rate is that of its rows the other way.
        direction = -translation.rate(problem.network[0][:, :-1], problem.shape)
        along["direction_norm"] = norm = float(np.linalg.norm(direction))
        if norm > BROKEN:
            v = np.zeros(len(matrix))
            v[: direction.size] = direction.ravel() / norm
            curvature = float(v @ matrix @ v)
            along |= {"curvature": curvature, "image_norm": float(np.linalg.norm(matrix @ v))}
            quantile = [(found < curvature + sign * slack).mean() for sign in (-1, 1)]
    yield from _close(CURVED, where, columns | along, own)
    for name, ends in counted.items():
        yield within(CURVED, where, name, np.array(ends)[:, None], own[name])
    if np.isnan(quantile).any():
        yield equal(CURVED, where, "no quantile", "no quantile" if own["quantile"].isna().all() else "a quantile")
    else:
        yield within(CURVED, where, "quantile", np.array(quantile)[:, None], own["quantile"])
    at = blame(results, SPECTRUM, WEIGHTS)
    yield equal(CURVED, at, list(range(1, LOWEST + 1)), spectrum["order"].tolist())
    yield close(CURVED, at, "eigenvalue", found[:LOWEST], spectrum["eigenvalue"], slack)
