"""Losses, minima and Hessians on orbits of a group (section 4.1 of the paper): do minima form orbits, are they flat?

The claim: a loss trained on every g·x is invariant under W₁ → W₁U(g), U orthogonal, and so is the L2 penalty. Then a
minimum is one of an orbit of minima. The inversion W₁ → -W₁, with biases kept, gives an orbit of two. The translation
T(θ) around the cylinder (`translation`) is continuous: along its orbit the loss is constant, so at a minimum the
direction v = d/dθ W₁U(θ) = W₁G is a null vector of the Hessian H (a Goldstone direction), unless the minimum is itself
invariant, W₁G = 0: its orbit is then one point.

What sampling does. On m equally spaced angles the loss is invariant under those m only. As a function of θ it keeps,
of the harmonics of one image's loss, the multiples of m: that loss is smooth, so the rest falls exponentially with m.
On random angles the loss is invariant in expectation only, and varies by 1 / √(m·n).

What to compare. Once every weight is penalised by λ, a generic minimum has no flat direction: the penalty alone curves
each by λ (dead inputs too), and only a symmetry of the data can cancel that. So the curvature along v must be compared
with λ and with the Hessian's other eigenvalues; an eigenvalue below λ/1000 is called flat here. An eigenvalue may be
flat by accident, near where two minima part: on the orbit, v must be the flat eigenvector. Permutations and sign flips
of hidden units are discrete: they add minima, no flat direction. Biases would add one (all of the output's, moved
together): the Hessians are of bias-free networks. With invariant features the group does nothing to the inputs, hence
nothing to W₁: there is no direction v to look along, and what can be compared is the number of flat eigenvalues.

Moving the images by θ is the same as W₁ → W₁U(θ), so one code takes the loss along the orbit for every feature map.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from symmetry_constrained import paper
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.inputs import training_set
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import translation
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, Samples, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget, Result
from symmetry_constrained.theory.hessian import hessian

SAMPLINGS = ("equally spaced", "random")
FLAT = 1e-3  # an eigenvalue below this share of the penalty is flat
LOWEST = 20  # eigenvalues written down
ORBIT_ANGLES = 61  # at which the loss is taken; a prime, so that no harmonic of the sampled angles hides between them
GTOL = 1e-6  # largest gradient component at which L-BFGS hands over to Newton's method
STATIONARY = 1e-9  # norm of the gradient, flat directions apart, that ends Newton's method
STEPS, LONGEST = 20, 0.3  # of Newton's method: how many, and how long
EPS = 1e-12  # loss increases and steps below this count as zero
BROKEN = 1e-6  # |W₁G| below it: the minimum is itself invariant


@dataclass(frozen=True)
class Images:
    """Source images to be moved along their orbits."""

    pixels: np.ndarray  # (n, d) float64, scaled
    labels: np.ndarray  # (n,)
    shape: tuple[int, int]

    @classmethod
    def of(cls, dataset: Dataset, split: Split, count: int) -> "Images":
        """The first `count` training images, not nudged, in the split's stratified order. ValueError if too few."""
        split.check(dataset)
        rows = split.select("train")
        rows = rows[rows["shift"] == "none"].sort_values("rank", kind="stable")
        if not 1 <= count <= len(rows):
            raise ValueError(f"images: {count} is not in 1..{len(rows)}, the training images that are not nudged")
        rows = rows[:count]
        return cls(split.images(dataset.images, rows, np.float64), rows["label"].to_numpy(), dataset.shape)

    def first(self, count: int) -> "Images":
        return Images(self.pixels[:count], self.labels[:count], self.shape)

    def turned(self, angle: float) -> "Images":
        """Every image moved by one angle."""
        return Images(translation.translate(self.pixels, angle, self.shape), self.labels, self.shape)

    def orbit(self, sampling: str, count: int, seed: int = 0) -> "Images":
        """Each image at `count` angles, (count·n, d): the same equally spaced ones, or its own random ones."""
        if count < 1:
            raise ValueError(f"angles: {count} is not at least 1")
        if sampling == "equally spaced":
            angles = translation.equally_spaced(count)
        elif sampling == "random":
            angles = np.random.default_rng([seed, count]).uniform(0, 2 * np.pi, (count, len(self.pixels)))
        else:
            raise ValueError(f"sampling: {sampling!r} is unknown; choose one of {', '.join(SAMPLINGS)}")
        return Images(*translation.orbit(self.pixels, self.labels, angles, self.shape), self.shape)

    def inverted_too(self) -> "Images":
        """±X."""
        return Images(*training_set(self.pixels, self.labels, "augmented", 0), self.shape)


@dataclass(frozen=True)
class Minimum:
    """Where Newton's method ended, and the Hessian there over the Q trainable parameters."""

    row: np.ndarray  # (P,)
    loss: float
    gradient_norm: float
    hessian: np.ndarray  # (Q, Q)
    eigenvalues: np.ndarray  # (Q,) ascending
    vectors: np.ndarray  # (Q, Q), a column each
    steps: int


class Problem:
    """Networks to train on some images through a feature map, with the penalty λ / 2 · Σ‖W‖², in float64."""

    def __init__(self, images: Images, features: str, biased: bool, penalty: float):
        self.images, self.features, self.biased, self.penalty = images, features, biased, penalty
        inputs = self._features(images)
        self.architecture = Architecture(inputs.shape[1], paper.HIDDEN_LAYERS, CLASSES)
        self.samples = self.ensemble(1).samples(inputs, images.labels)

    def _features(self, images: Images) -> np.ndarray:
        return translation.compute(self.features, images.pixels, images.shape)

    def ensemble(self, count: int) -> Ensemble:
        # networks.py's alpha / n is λ here: the same minimum wherever copies of the images say the same.
        alpha = self.penalty * len(self.images.labels)
        return Ensemble(self.architecture, np.full(count, self.biased), alpha, torch.float64)

    def samples_of(self, images: Images) -> Samples:
        return self.ensemble(1).samples(self._features(images), images.labels)

    def initial(self, seeds: Sequence[int]) -> Tensor:
        return self.ensemble(len(seeds)).initial(seeds)

    def loss_and_gradient(self, rows: np.ndarray, samples: Samples | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Losses (K,) and gradients (K, P), penalty included, of the parameters rows (K, P)."""
        loss, gradient = self.ensemble(len(rows)).loss_and_gradient(torch.as_tensor(rows), samples or self.samples)
        return loss.numpy(), gradient.numpy()

    def train(self, rows: Tensor, iterations: int) -> Result:
        """L-BFGS from the parameters rows (K, P), until the gradient is small or the iterations are used up."""
        budget = Budget(iterations, 2 * iterations)
        return lbfgs.train(self.ensemble(len(rows)), rows, self.samples, budget, gtol=GTOL, ftol=0.0)

    def minima(self, result: Result) -> list[Minimum]:
        """The minima near where training ended; a network that did not converge is returned as it is."""
        ends = zip(result.x.numpy(), result.status, strict=True)
        return [self.polish(row, STEPS if status.startswith("converged") else 0) for row, status in ends]

    def polish(self, row: np.ndarray, steps: int = STEPS) -> Minimum:
        """Newton's method from the parameters (P,), downhill along every eigenvector that is not flat.

        Along a flat eigenvector no point is lower than another, and a step would leave a valley that bends.
        """
        keep = self.architecture.trainable(self.biased)
        for step in range(steps + 1):
            losses, gradients = self.loss_and_gradient(row[None])
            matrix = hessian(self.architecture, row, self.samples, self.penalty, self.biased)
            eigenvalues, vectors = np.linalg.eigh(matrix)
            norm = float(np.linalg.norm(gradients))
            minimum = Minimum(row, losses[0], norm, matrix, eigenvalues, vectors, step)
            slopes = np.where(np.abs(eigenvalues) < FLAT * self.penalty, 0, vectors.T @ gradients[0, keep])
            if np.linalg.norm(slopes) <= STATIONARY:
                break
            move = np.zeros_like(row)
            move[keep] = -vectors @ (slopes / np.maximum(np.abs(eigenvalues), EPS))
            move *= min(1.0, LONGEST / np.linalg.norm(move))
            while self.loss_and_gradient((row + move)[None])[0][0] > losses[0] + EPS and np.linalg.norm(move) > EPS:
                move /= 2
            row = row + move
        return minimum

    def along_orbit(self, rows: np.ndarray, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss and gradient norm, each (angles, K), where every training image is moved by each angle.

        On pixels this is the loss at W₁U(θ), and the norm of its gradient there.
        """
        losses, norms = np.empty((2, len(angles), len(rows)))
        for index, angle in enumerate(angles):
            losses[index], gradients = self.loss_and_gradient(rows, self.samples_of(self.images.turned(angle)))
            norms[index] = np.linalg.norm(gradients, axis=1)
        return losses, norms


def act(architecture: Architecture, rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Parameters (K, P) with W₁ -> W₁M for a matrix M (d, d); all else, the first bias too, is kept."""
    rows = np.array(rows)
    first = architecture.split(rows)[0]  # a view
    first[:, :, :-1] = first[:, :, :-1] @ matrix
    return rows


def direction(architecture: Architecture, row: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """d/dθ of the parameters (P,) along the orbit W₁U(θ): W₁G in the first layer, 0 elsewhere. Not normalised."""
    moved = np.zeros((1, len(row)))
    weights = architecture.split(row[None])[0][:, :, :-1]
    architecture.split(moved)[0][:, :, :-1] = weights @ translation.generator(shape)
    return moved[0]


def measure(
    images: Images, features: str, sampling: str, angles: int, seeds: list[int], penalty: float, iterations: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Train bias-free networks on a sampled orbit and analyse the Hessian at each minimum.

    Returns a row per network, a row per network and eigenvalue of the lowest, a row per network and angle of the
    orbit, and the parameters (K, P). Random angles are drawn anew for each network. Columns that need explaining:
    loss_variation, max - min along the orbit; orbit_gradient, the largest gradient norm on it; direction_norm |W₁G|;
    curvature v·H·v and image_norm |Hv| with v normalised; quantile, the share of eigenvalues below that curvature;
    overlap, the squared cosine of v and an eigenvector (in the first table the lowest one's). There is no v, hence
    no value, for invariant features and for a minimum that is itself invariant. ValueError without a penalty.
    """
    if not penalty > 0:
        raise ValueError(f"penalty: {penalty:g} is not above 0; without it directions are flat for other reasons")
    batches = [[seed] for seed in seeds] if sampling == "random" else [seeds]
    thetas = translation.equally_spaced(ORBIT_ANGLES)
    networks, spectra, orbits, parameters = [], [], [], []
    sampled = {"features": features, "sampling": sampling, "angles": angles}
    for batch in batches:
        problem = Problem(images.orbit(sampling, angles, batch[0]), features, False, penalty)
        result = problem.train(problem.initial(batch), iterations)
        minima = problem.minima(result)
        rows = np.stack([minimum.row for minimum in minima])
        losses, norms = problem.along_orbit(rows, thetas)
        accuracy = evaluate(problem.ensemble(len(rows)), torch.tensor(rows), problem.samples).accuracy
        for lane, (seed, minimum) in enumerate(zip(batch, minima, strict=True)):
            identity = sampled | {"seed": seed}
            along, overlaps = _along_direction(problem, minimum)
            training = {
                "images": len(images.labels),
                "n_train": len(problem.images.labels),
                "parameters": problem.architecture.parameters(False),
                "penalty": penalty,
                "iterations": int(result.iterations[lane]),
                "status": result.status[lane],
                "newton_steps": minimum.steps,
                "loss": minimum.loss,
                "train_accuracy": accuracy[lane],
            }
            orbit = {
                "gradient_norm": minimum.gradient_norm,
                "loss_variation": np.ptp(losses[:, lane]),
                "orbit_gradient": norms[:, lane].max(),
                "first_layer_norm": np.linalg.norm(problem.architecture.split(minimum.row[None])[0]),
            }
            spectrum = {"overlap": overlaps[0]} | _spectrum(minimum, penalty)
            networks.append(identity | {"network": "bias-free"} | training | orbit | along | spectrum)
            lowest = {"order": np.arange(1, LOWEST + 1), "eigenvalue": minimum.eigenvalues[:LOWEST]}
            spectra.append(pd.DataFrame(identity | lowest | {"overlap": overlaps[:LOWEST]}))
            orbits.append(pd.DataFrame(identity | {"angle": thetas, "loss": losses[:, lane]}))
        parameters.append(rows)
    return pd.DataFrame(networks), pd.concat(spectra), pd.concat(orbits), np.concatenate(parameters)


def _spectrum(minimum: Minimum, penalty: float) -> dict[str, float]:
    """Columns on the eigenvalues of the Hessian."""
    return {
        "smallest": minimum.eigenvalues[0],
        "second": minimum.eigenvalues[1],
        "median": np.median(minimum.eigenvalues),
        "largest": minimum.eigenvalues[-1],
        "flat": int((np.abs(minimum.eigenvalues) < FLAT * penalty).sum()),
        "negative": int((minimum.eigenvalues <= -FLAT * penalty).sum()),
    }


def _along_direction(problem: Problem, minimum: Minimum) -> tuple[dict[str, float], np.ndarray]:
    """The Hessian along v, and v's squared cosine with each eigenvector (Q,); nan where there is no v."""
    along: dict[str, float] = dict.fromkeys(("direction_norm", "curvature", "image_norm", "quantile"), np.nan)
    overlaps = np.full(len(minimum.eigenvalues), np.nan)
    if problem.features == "identity":
        v = direction(problem.architecture, minimum.row, problem.images.shape)
        v = v[problem.architecture.trainable(problem.biased)]
        norm = along["direction_norm"] = float(np.linalg.norm(v))
        if norm > BROKEN:
            v /= norm
            curved = minimum.hessian @ v
            along["curvature"], along["image_norm"] = float(v @ minimum.hessian @ v), float(np.linalg.norm(curved))
            along["quantile"] = (minimum.eigenvalues < along["curvature"]).mean()
            overlaps = (minimum.vectors.T @ v) ** 2
    return along, overlaps
