"""Biases held within ±ε: does depth amplify what they break (section 2.2 of the paper)?

Without biases f is odd and R + R̄ <= 1. With biases of size ε the paper expects R + R̄ <= 1 + O(ε) of a shallow network,
and that a deep one may amplify ε. Networks of several depths train on ±X, the sum R + R̄ is measured, and so is what
makes it possible: the even part of the logits, (f(x) + f(−x)) / 2, per bias.

Held by reparametrisation, b = ε tanh(β / ε), and trained in β: the loss stays smooth, as L-BFGS needs, which a
projection onto ±ε would break; and small biases are undistorted, since db/dβ = 1 at 0.
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.ensemble import Ensemble, Samples, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Checkpoints
from symmetry_constrained.optim.problem import Budget

DEPTHS = (1, 2, 4, 8, 16)  # hidden layers
EPSILONS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, np.inf)
WIDTH = 10  # units of every hidden layer
# Initial biases are scikit-learn's times min(ε, START). At full size, free biases would drown the image in 16 layers:
# the even part of the logits would be 25 times the odd part, and training would fail whatever ε.
START = 0.1
AT_BOUND = 0.95  # a bias beyond this share of ε counts as at its bound
# Deep networks start on a plateau, with a loss of log 10 and gradients below the usual tolerance of 1e-4. Training must
# end at the budget of iterations, so these tolerances are lower.
GTOL, FTOL = 1e-7, 1e-12
LEADING_COLUMNS = [
    "dataset",
    "protocol",
    "split",
    "training_set",
    "fraction",
    "depth",
    "hidden_layers",
    "epsilon",
    "seed",
]


class HeldBiases:
    """An ensemble whose network k has every bias within ±epsilon[k]: 0 for none, inf for free ones."""

    def __init__(self, ensemble: Ensemble, epsilons: np.ndarray):
        """epsilons (K,). ValueError if one is negative or nan."""
        if not (epsilons >= 0).all():
            raise ValueError(f"epsilons must be 0 or above, not {', '.join(f'{value:g}' for value in epsilons)}")
        self.ensemble = ensemble
        self.epsilons = torch.tensor(epsilons)[:, None]
        self.is_bias = torch.tensor(ensemble.architecture.is_bias())

    def initial(self, rows: np.ndarray) -> Tensor:
        """Parameters (K, P), of which the biases are multiplied by min(ε, START): training starts far from ±ε."""
        free = torch.tensor(rows)
        return torch.where(self.is_bias, free * self.epsilons.clamp(max=START), free)

    def rows(self, free: Tensor, lanes: Tensor | slice = slice(None)) -> Tensor:
        """Free parameters (L, P) of the networks numbered `lanes` -> those of the networks."""
        return self._rows_and_derivatives(free, lanes)[0]

    def loss_and_gradient(self, free: Tensor, samples: Samples, lanes: Tensor) -> tuple[Tensor, Tensor]:
        """`Ensemble.loss_and_gradient` in the free parameters (L, P)."""
        rows, derivatives = self._rows_and_derivatives(free, lanes)
        loss, gradient = self.ensemble.loss_and_gradient(rows, samples, lanes)
        return loss, gradient * derivatives

    def _rows_and_derivatives(self, free: Tensor, lanes: Tensor | slice) -> tuple[Tensor, Tensor]:
        epsilon = self.epsilons[lanes]
        held = self.is_bias & epsilon.isfinite() & (epsilon > 0)
        inside = torch.tanh(torch.where(held, free / epsilon, 0.0))
        absent = self.is_bias & (epsilon == 0)
        rows = torch.where(held, epsilon * inside, free)
        return torch.where(absent, 0.0, rows), torch.where(absent, 0.0, 1 - inside.square())


def parts(ensemble: Ensemble, rows: Tensor, up: Samples, down: Samples) -> dict[str, np.ndarray]:
    """The root mean squares (K,), over images and classes, of the logits' even and odd parts (f(x) ± f(−x)) / 2.

    up, down: images and the same images inverted. The mean over classes is subtracted first, since it changes no
    probability. `shift` is the even part that all images share; `even` includes it.
    """
    squares = {name: torch.zeros(len(rows), dtype=torch.float64) for name in ("even", "odd")}
    mean = torch.zeros((len(rows), ensemble.architecture.classes), dtype=torch.float64)
    for (lanes, _, f), (_, _, g) in zip(ensemble.logits(rows, up), ensemble.logits(rows, down), strict=True):
        f, g = (values - values.mean(1, keepdim=True) for values in (f.double(), g.double()))
        for name, part in (("even", (f + g) / 2), ("odd", (f - g) / 2)):
            squares[name][lanes] += part.square().sum((1, 2))
        mean[lanes] += (f + g).sum(2) / 2 / len(up)
    sizes = {name: (value / len(up) / mean.shape[1]).sqrt() for name, value in squares.items()}
    sizes["shift"] = mean.square().mean(1).sqrt()
    return {name: value.numpy() for name, value in sizes.items()}


def study(
    dataset: Dataset,
    split: Split,
    depth: int,
    epsilons: list[float] | tuple[float, ...],
    seeds: list[int],
    fraction: float = 0.25,
    max_iterations: int = 500,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Train every ε with every seed at one depth, on ±X: a row per network, and in float32 their parameters (K, P).

    biases: `none` where ε is 0, `free` where it is infinite, else `held`. excess: R + R̄ − 1 on the test images;
    right_both_ways: the share of them that are right as they are and inverted, 0 without biases and never below the
    excess. train_excess: the excess on the training images. train_loss: mean cross-entropy on ±X, at best log 10
    without biases. halfway_*: after half of the iterations, so that a reader sees whether more would change the answer.
    bias: root mean square of the biases; largest_bias; at_bound: the share of them beyond 0.95 ε. even, odd, shift:
    `parts` on the test images; amplification = even / bias. initial_*: the same of the networks before training.
    """
    if not len(seeds):
        raise ValueError("there must be at least one seed")
    images, labels = inputs.training_inputs(dataset, split, "identity", "augmented", 0, fraction)
    tests, test_labels = inputs.test_inputs(dataset, split, "identity")
    architecture = Architecture(images.shape[1], (WIDTH,) * depth, CLASSES)
    lanes = pd.MultiIndex.from_product([epsilons, seeds], names=["epsilon", "seed"]).to_frame(index=False)
    epsilon = lanes["epsilon"].to_numpy(dtype=np.float64)
    ensemble = Ensemble(architecture, epsilon > 0)
    held = HeldBiases(ensemble, epsilon)
    initial = held.initial(np.stack([architecture.initial(int(seed), biased=True) for seed in lanes["seed"]]))
    sets = {"train": ensemble.samples(images, labels)}
    sets |= {name: ensemble.samples(tests[name], test_labels) for name in ("original", "inverted")}
    halfway = Checkpoints((max(max_iterations // 2, 1),), initial)
    result = lbfgs.minimise(
        lambda free, lanes: held.loss_and_gradient(free, sets["train"], lanes),
        initial,
        Budget(max_iterations=max_iterations),
        gtol=GTOL,
        ftol=FTOL,
        accepted=halfway.accepted,
    )
    # A network that stopped before halfway keeps the parameters it stopped with.
    reached = torch.from_numpy(halfway.evaluations[:, :1] > 0)
    middle = _judge(ensemble, held.rows(torch.where(reached, halfway.rows[:, 0], result.x)), sets)
    rows = held.rows(result.x)
    trained, untrained = (_amplification(ensemble, values, sets, epsilon) for values in (rows, held.rows(initial)))
    return lanes.assign(
        training_set="augmented",
        fraction=fraction,
        depth=depth,
        hidden_layers=hyphenated(architecture.hidden_layers),
        n_train=len(labels),
        **_judge(ensemble, rows, sets),
        halfway_train_loss=middle["train_loss"],
        halfway_excess=middle["excess"],
        **_biases(architecture, rows, epsilon),
        **trained,
        **{f"initial_{name}": values for name, values in untrained.items()},
        iterations=result.iterations.numpy(),
        evaluations=result.evaluations.numpy(),
        status=result.status,
    ), rows.to(ensemble.dtype).numpy()


def _judge(ensemble: Ensemble, rows: Tensor, sets: dict[str, Samples]) -> dict[str, np.ndarray]:
    """Accuracies, excesses and the training loss, (K,) each, of networks (K, P)."""
    judged = {name: evaluate(ensemble, rows, samples) for name, samples in sets.items()}
    test, inverted = judged["original"].accuracy, judged["inverted"].accuracy
    right = [judged[name].classes == sets[name].labels for name in ("original", "inverted")]
    return {
        "test_accuracy": test,
        "inverted_accuracy": inverted,
        "excess": test + inverted - 1,
        "right_both_ways": (right[0] & right[1]).mean(1),
        # ±X is half X, half −X, so its accuracy is the mean of R and R̄ on the training images.
        "train_excess": 2 * judged["train"].accuracy - 1,
        "train_loss": judged["train"].loss,
    }


def _amplification(
    ensemble: Ensemble, rows: Tensor, sets: dict[str, Samples], epsilon: np.ndarray
) -> dict[str, np.ndarray]:
    """`parts` on the test images, and amplification = even / bias, nan without biases; (K,) each."""
    columns = parts(ensemble, rows, sets["original"], sets["inverted"])
    bias = _biases(ensemble.architecture, rows, epsilon)["bias"]
    columns["amplification"] = np.divide(columns["even"], bias, out=np.full(len(bias), np.nan), where=bias > 0)
    return columns


def _biases(architecture: Architecture, rows: Tensor, epsilon: np.ndarray) -> dict[str, np.ndarray]:
    """biases, bias, largest_bias and at_bound, (K,) each."""
    size = np.abs(rows.numpy()[:, architecture.is_bias()])
    at_bound = (size >= AT_BOUND * epsilon[:, None]).mean(1)
    return {
        "biases": np.select([epsilon == 0, np.isinf(epsilon)], ["none", "free"], "held"),
        "bias": np.sqrt((size**2).mean(1)),
        "largest_bias": size.max(1),
        "at_bound": np.where((epsilon > 0) & np.isfinite(epsilon), at_bound, np.nan),
    }
