"""Mirrored pairs: a shallow network with small biases that breaks R + R̄ <= 1 + O(ε) (section 2.2 of the paper).

tanh(w·x + ε) + tanh(−w·x + ε) is an even function of x. If the hidden units come in such pairs, and both units of a
pair have the same output weights, then f(−x) = f(x) and R = R̄. The logits are of the order of ε, but the most likely
class does not depend on their scale, so R is what training makes it, however small ε is.

Three kinds of networks with one hidden layer and every bias within ±ε are trained:

- tied pairs: the pairs stay mirrored, all hidden biases equal ε and the output has none. Training divides the output
  weights by 2ε, so that the loss sees logits of the usual size; the network that is evaluated and stored has the output
  weights without this factor.
- mirrored start: the same network at the start, with the factor, but then every weight and bias is trained freely, the
  biases within ±ε (`amplification.HeldBiases`).
- ordinary start: the same, from scikit-learn's initial weights.

Tied pairs train on X, in float64, as the factor enlarges rounding; the others on ±X in float32, as in the study's other
trainings. All are evaluated in float64. There is no L2 penalty: on output weights of the order of 1/ε it would decide.
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
from symmetry_constrained.optim.problem import Budget, Result
from symmetry_constrained.theory.amplification import FTOL, GTOL, HeldBiases

PAIRS = 10
EPSILONS = (1e-4, 1e-3, 1e-2, 1e-1)
TIED, MIRRORED, ORDINARY = KINDS = ("tied pairs", "mirrored start", "ordinary start")
LEADING_COLUMNS = ["dataset", "protocol", "split", "training_set", "fraction", "hidden_layers", "kind"]
LEADING_COLUMNS += ["epsilon", "seed"]


class TiedPairs:
    """An ensemble of networks with one hidden layer of mirrored pairs, network k with the biases epsilons[k].

    Its free parameters (K, F) are those of bias-free networks with one hidden unit per pair. ensemble: of networks with
    two hidden units per pair.
    """

    def __init__(self, ensemble: Ensemble, epsilons: np.ndarray):
        """epsilons (K,). ValueError unless all are finite and above 0, and the only hidden layer consists of pairs."""
        layers = ensemble.architecture.units
        if len(layers) != 1 or layers[0] % 2:
            raise ValueError(f"mirrored pairs need one hidden layer of an even number of units, not {list(layers)}")
        if not ((epsilons > 0) & np.isfinite(epsilons)).all():
            raise ValueError(f"epsilons must be above 0, not {', '.join(f'{value:g}' for value in epsilons)}")
        self.ensemble = ensemble
        self.half = Architecture(ensemble.architecture.inputs, (layers[0] // 2,), ensemble.architecture.classes)
        self.epsilons = torch.tensor(epsilons, dtype=torch.float64)[:, None, None]

    def rows(self, free: Tensor, lanes: Tensor | slice = slice(None), enlarged: bool = False) -> Tensor:
        """Free parameters (L, F) of the networks numbered `lanes` -> the networks' rows (L, P).

        Units 2j and 2j + 1 are a pair. enlarged: the output weights are divided by 2ε.
        """
        first, second = (layer[:, :, :-1] for layer in self.half.split(free))
        epsilon = self.epsilons[lanes]
        if enlarged:
            second = second / (2 * epsilon)
        pairs = torch.stack([first, -first], 2).flatten(1, 2)
        hidden = torch.cat([pairs, epsilon.expand(*pairs.shape[:2], 1)], 2)
        output = torch.cat([second.repeat_interleave(2, dim=2), second.new_zeros(*second.shape[:2], 1)], 2)
        return torch.cat([hidden.flatten(1), output.flatten(1)], 1)

    def loss_and_gradient(self, free: Tensor, samples: Samples, lanes: Tensor) -> tuple[Tensor, Tensor]:
        """`Ensemble.loss_and_gradient` of the networks with enlarged output weights, in the free parameters (L, F)."""
        loss, by_row = self.ensemble.loss_and_gradient(self.rows(free, lanes, enlarged=True), samples, lanes)
        hidden, output = (layer[:, :, :-1] for layer in self.ensemble.architecture.split(by_row))
        gradient = torch.zeros_like(free)
        first, second = self.half.split(gradient)
        first[:, :, :-1] = hidden[:, 0::2] - hidden[:, 1::2]
        second[:, :, :-1] = (output[:, :, 0::2] + output[:, :, 1::2]) / (2 * self.epsilons[lanes])
        return loss, gradient


def study(
    dataset: Dataset,
    split: Split,
    epsilons: list[float] | tuple[float, ...],
    seeds: list[int],
    fraction: float = 1.0,
    max_iterations: int = 200,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Train every kind with every ε and seed: a row per network, and the networks' parameters (N, P) in float64.

    excess: R + R̄ − 1 on the test images. train_loss: mean cross-entropy on the training images, of tied pairs with
    the enlarged output weights that were trained. largest_bias, largest_weight: in magnitude. largest_difference: of
    f(x) and f(−x), over test images and classes; largest_logit: |f(x)| or |f(−x)|, likewise.
    """
    if not len(seeds):
        raise ValueError("there must be at least one seed")
    lanes = pd.MultiIndex.from_product([epsilons, seeds], names=["epsilon", "seed"]).to_frame(index=False)
    epsilon = lanes["epsilon"].to_numpy(dtype=np.float64)
    tests, test_labels = inputs.test_inputs(dataset, split, "identity")
    judge = _ensemble(tests["original"].shape[1], len(lanes), torch.float64)
    held_out = {name: judge.samples(images, test_labels) for name, images in tests.items()}
    tied = TiedPairs(judge, epsilon)
    half = torch.from_numpy(np.stack([tied.half.initial(int(seed), biased=False) for seed in lanes["seed"]]))
    ordinary = np.stack([judge.architecture.initial(int(seed), biased=True) for seed in lanes["seed"]])
    tables, parameters = [], []
    for kind in KINDS:
        training_set = "original" if kind == TIED else "augmented"
        training = inputs.training_inputs(dataset, split, "identity", training_set, 0, fraction)
        if kind == TIED:
            result, rows = _train(tied, half, training, max_iterations)
        else:
            held = HeldBiases(_ensemble(judge.architecture.inputs, len(lanes), torch.float32), epsilon)
            # ε tanh(1) is the largest bias at the start, and the same for both units of a pair.
            start = tied.rows(half, enlarged=True) if kind == MIRRORED else held.initial(ordinary)
            result, rows = _train(held, start, training, max_iterations)
        tables.append(
            lanes.assign(
                training_set=training_set,
                fraction=fraction,
                hidden_layers=hyphenated(judge.architecture.hidden_layers),
                kind=kind,
                n_train=len(training[1]),
                **_judge(judge, rows, held_out),
                train_loss=result.loss.numpy(),
                iterations=result.iterations.numpy(),
                evaluations=result.evaluations.numpy(),
                status=result.status,
            )
        )
        parameters.append(rows.numpy())
    return pd.concat(tables, ignore_index=True), np.concatenate(parameters)


def _ensemble(pixels: int, networks: int, dtype: torch.dtype) -> Ensemble:
    architecture = Architecture(pixels, (2 * PAIRS,), CLASSES)
    return Ensemble(architecture, np.ones(networks, dtype=bool), alpha=0.0, dtype=dtype)


def _train(
    networks: TiedPairs | HeldBiases, start: Tensor, training: tuple[np.ndarray, np.ndarray], max_iterations: int
) -> tuple[Result, Tensor]:
    """The end of training on images and labels, and the networks' rows; of tied pairs they are not enlarged."""
    samples = networks.ensemble.samples(*training)
    result = lbfgs.minimise(
        lambda free, lanes: networks.loss_and_gradient(free, samples, lanes),
        start,
        Budget(max_iterations=max_iterations),
        gtol=GTOL,
        ftol=FTOL,
    )
    return result, networks.rows(result.x)


def _judge(ensemble: Ensemble, rows: Tensor, held_out: dict[str, Samples]) -> dict[str, np.ndarray]:
    """The columns that describe trained networks (K, P), (K,) each."""
    test, inverted = (evaluate(ensemble, rows, samples).accuracy for samples in held_out.values())
    difference, logit = torch.zeros(2, len(rows), dtype=torch.float64)
    blocks = (ensemble.logits(rows, samples) for samples in held_out.values())
    for (lanes, _, f), (_, _, g) in zip(*blocks, strict=True):
        difference[lanes] = torch.maximum(difference[lanes], (f - g).abs().amax((1, 2)))
        logit[lanes] = torch.maximum(logit[lanes], torch.maximum(f.abs(), g.abs()).amax((1, 2)))
    size, is_bias = np.abs(rows.numpy()), ensemble.architecture.is_bias()
    return {
        "test_accuracy": test,
        "inverted_accuracy": inverted,
        "excess": test + inverted - 1,
        "largest_bias": size[:, is_bias].max(1),
        "largest_weight": size[:, ~is_bias].max(1),
        "largest_difference": difference.numpy(),
        "largest_logit": logit.numpy(),
    }
