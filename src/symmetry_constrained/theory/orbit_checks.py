"""Checks of how a group's action changes losses and minima: up to rounding, from moved starts, and in expectation.

Three statements of the paper's section 4.1, one function each: the loss on an orbit is the same at W₁ and W₁U(g); where
training from W₁ ends in a minimum, training from W₁U(g) ends in that minimum moved by U(g), with the same loss; and an
orbit sampled at random restores the symmetry in expectation: along it the loss varies by 1 / √(m·n).
"""

import numpy as np
import pandas as pd
import torch

from symmetry_constrained.features import translation
from symmetry_constrained.theory.orbits import Images, Problem, act

TURN = 8  # translation is checked on the cyclic group of this many angles
CHECKED_IMAGES = 10  # on which random networks are compared
BLOCK = 1000  # random networks at a time
GRID = 256  # random angles are drawn from the multiples of 2π / GRID, so that each loss is computed once


def elements(images: Images) -> dict[str, tuple[Images, np.ndarray]]:
    """For each group, the images' orbit and an element U (d, d) other than the identity."""
    pixels = np.eye(images.pixels.shape[1])
    turned = translation.translate(pixels, 2 * np.pi / TURN, images.shape).T
    return {
        "inversion": (images.inverted_too(), -pixels),
        f"translation by 1/{TURN}": (images.orbit("equally spaced", TURN), turned),
    }


def loss_invariance(images: Images, count: int, seed: int) -> pd.DataFrame:
    """|L(W₁U) - L(W₁)| / L(W₁) of random networks, for losses on the whole orbit and, in contrast, on the images alone.

    Each of the `count` networks has normal parameters with its own random scale, between 0.01 and 10.
    """
    images, rows = images.first(CHECKED_IMAGES), []
    for group, (orbit, element) in elements(images).items():
        for biased in (True, False):
            for trained_on, shown in (("orbit", orbit), ("images alone", images)):
                problem, random = Problem(shown, "identity", biased, 0.0), np.random.default_rng([seed, biased])
                differences = []
                for start in range(0, count, BLOCK):
                    shape = (min(BLOCK, count - start), problem.architecture.row_length)
                    parameters = random.normal(size=shape) * 10 ** random.uniform(-2, 1, (shape[0], 1))
                    if not biased:
                        parameters[:, problem.architecture.is_bias()] = 0
                    differences.append(_differences(problem, parameters, element))
                rows.append(_invariance_row(group, problem, trained_on, "random", np.concatenate(differences)))
    return pd.DataFrame(rows)


def minima(
    images: Images, seeds: list[int], penalty: float, iterations: int
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
    """Pairs of trained networks, biased and on the whole orbit, that start at W₁ and at W₁U.

    Returns a row per pair: their losses, how far apart they end (‖difference‖ / ‖parameters‖), and how far the second
    is from the first moved by U (about 1e-7, since moving all output biases together changes nothing); and
    `loss_invariance` of the networks trained; and by group their parameters (2K, P), those from W₁ first.
    """
    rows, invariance, trained = [], [], {}
    for group, (orbit, element) in elements(images).items():
        problem = Problem(orbit, "identity", True, penalty)
        starts = problem.initial(seeds).numpy()
        moved = act(problem.architecture, starts, element)
        result = problem.train(torch.tensor(np.concatenate([starts, moved])), iterations)
        ends = problem.minima(result)
        trained[group] = parameters = np.stack([end.row for end in ends])
        images_of = act(problem.architecture, parameters[: len(seeds)], element)
        for seed, first, second, image in zip(seeds, ends, ends[len(seeds) :], images_of, strict=False):
            size = np.linalg.norm(first.row)
            rows.append(
                {
                    "group": group,
                    "network": "biased",
                    "seed": seed,
                    "n_train": len(orbit.labels),
                    "penalty": penalty,
                    "loss": first.loss,
                    "moved_loss": second.loss,
                    "gradient_norm": first.gradient_norm,
                    "moved_gradient_norm": second.gradient_norm,
                    "apart": np.linalg.norm(second.row - first.row) / size,
                    "from_image": np.linalg.norm(second.row - image) / size,
                }
            )
        for trained_on, shown in (("orbit", orbit), ("images alone", images)):
            judged = Problem(shown, "identity", True, 0.0)
            differences = _differences(judged, parameters, element)
            invariance.append(_invariance_row(group, judged, trained_on, "trained", differences))
    return pd.DataFrame(rows), pd.DataFrame(invariance), trained


def _differences(problem: Problem, parameters: np.ndarray, element: np.ndarray) -> np.ndarray:
    """|L(W₁U) - L(W₁)| / L(W₁) of each network (K,)."""
    loss, _ = problem.loss_and_gradient(parameters)
    moved, _ = problem.loss_and_gradient(act(problem.architecture, parameters, element))
    return np.abs(moved - loss) / loss


def _invariance_row(
    group: str, problem: Problem, trained_on: str, parameters: str, differences: np.ndarray
) -> dict[str, object]:
    return {
        "group": group,
        "loss_on": trained_on,
        "network": "biased" if problem.biased else "bias-free",
        "parameters": parameters,
        "networks": len(differences),
        "images": len(problem.images.labels),
        "median_difference": np.median(differences),
        "largest_difference": differences.max(),
    }


def random_angles(
    images: Images, networks: dict[str, np.ndarray], seeds: list[int], counts: list[int], draws: int
) -> pd.DataFrame:
    """How far a loss on random angles is from invariance (C15), for bias-free networks that did not see the draw.

    networks: name -> parameters (K, P), one per seed. For each count m of angles, and for a quarter of the images and
    all: rms, the root mean square over draws and orbit of L(θ) less its mean, and what is predicted: the root of the
    images' mean variance along the orbit, over √(m·n). ratio: one over the other. mean_rms is that of the mean of all
    draws, which invariance in expectation makes smaller by √draws: mean_predicted; mean_ratio: one over the other.
    """
    problem, rows = Problem(images, "identity", False, 0.0), []
    for name, parameters in networks.items():
        everywhere = _losses_per_image(problem, torch.as_tensor(parameters))
        for lane, seed in enumerate(seeds):
            for n in sorted({max(len(images.labels) // 4, 1), len(images.labels)}):
                losses = everywhere[lane, :, :n]
                for count in counts:
                    curves = _random_curves(losses, count, draws, seed)
                    predicted = np.sqrt(losses.var(axis=0).mean() / (count * n))
                    rms, mean_rms = np.sqrt(curves.var(axis=1).mean()), curves.mean(axis=0).std()
                    mean_predicted = predicted / np.sqrt(draws)
                    rows.append(
                        {
                            "parameters": name,
                            "network": "bias-free",
                            "seed": seed,
                            "images": n,
                            "angles": count,
                            "draws": draws,
                            "rms": rms,
                            "predicted": predicted,
                            "ratio": rms / predicted,
                            "mean_rms": mean_rms,
                            "mean_predicted": mean_predicted,
                            "mean_ratio": mean_rms / mean_predicted,
                        }
                    )
    return pd.DataFrame(rows)


def _losses_per_image(problem: Problem, rows: torch.Tensor) -> np.ndarray:
    """Cross-entropy (K, GRID, n) of every image at every angle of the grid."""
    images = problem.images
    losses = np.empty((len(rows), GRID, len(images.labels)))
    for index, angle in enumerate(translation.equally_spaced(GRID)):
        samples = problem.samples_of(images.turned(angle))
        for lanes, block, logits in problem.ensemble(len(rows)).logits(rows, samples):
            losses[lanes, index, block] = -samples.of_true_class(logits.log_softmax(1), block).numpy()
    return losses


def _random_curves(losses: np.ndarray, count: int, draws: int, seed: int) -> np.ndarray:
    """L(θ) on `count` random angles of each image, shape (draws, GRID), from the images' own losses (GRID, n)."""
    grid, n = losses.shape
    random = np.random.default_rng([seed, count, n])
    spectra = np.fft.rfft(losses, axis=0).T  # (n, frequencies)
    curves = np.empty((draws, grid))
    for draw in range(draws):
        shifts = random.integers(0, grid, (n, count))
        # How often each image is drawn at each angle; L is the correlation of the losses with these counts.
        often = np.bincount((np.arange(n)[:, None] * grid + shifts).ravel(), minlength=n * grid).reshape(n, grid)
        spectrum = (spectra * np.fft.rfft(often, axis=1).conj()).sum(axis=0)
        curves[draw] = np.fft.irfft(spectrum, n=grid) / (n * count)
    return curves
