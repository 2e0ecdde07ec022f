"""Ensembles of small networks: parameters, loss, gradient and predictions.

A network is z <- σ(W z + b) over its hidden layers, then the logits f(x) = U z + c (section 2 of the paper), where σ is
tanh unless another of `activations` is chosen. A bias-free network has b = c = 0, so f(-x) = -f(x) if σ is odd. K
networks are evaluated together, feature-major: activations have shape (K, units, n) with the samples contiguous, and
all K first layers are one matrix product (K·units x d)(d x n).

Parameters are float64 rows, shape (K, P). Layer by layer a row holds (fan_out, fan_in + 1) in C order; the last column
is the bias, the weight of a constant input. A bias-free network has the same row with zeros there.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained import paper
from symmetry_constrained.kernels import seam
from symmetry_constrained.kernels.eager import Forward, Layers, first_products
from symmetry_constrained.networks import activations
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.mini_batches import Drawn, MiniBatches

CLIP = 1e-10  # scikit-learn 0.19 clips a class probability here, in the reported loss only
# Blocks in which PyTorch computes: one layer's activations stay in a core's cache; a GPU needs large ones.
LANE_BLOCK = {"cpu": 64, "cuda": 256}
BLOCK_BYTES = {"cpu": 655_360, "cuda": 268_435_456}  # of the widest layer's activations


def resolve_device(name: str) -> str:
    """The device of that name; `auto` is CUDA where there is a GPU, else the CPU. ValueError if it is not there."""
    kind, _, number = name.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and not number.isdecimal()):
        raise ValueError(f"device: {name!r} is unknown; choose auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ValueError(f"device: there is no {name} here; choose auto or cpu")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


class Samples:
    """Labelled inputs on a device, feature-major: (d + 1, n) with a last row of ones, and one-hot labels."""

    def __init__(self, inputs: Any, labels: np.ndarray, classes: int, dtype: torch.dtype, device: str | torch.device):
        """inputs: an array (n, d), or an object with its `shape` and `blocks`. labels (n,): 0 to classes - 1."""
        labels = np.asarray(labels)
        if len(inputs.shape) != 2 or labels.ndim != 1 or inputs.shape[0] != len(labels):
            raise ValueError(f"inputs must be (n, d) and labels (n,), not {inputs.shape} and {labels.shape}")
        if labels.dtype.kind not in "iu" or len(labels) == 0 or labels.min() < 0 or labels.max() >= classes:
            raise ValueError(f"labels must be present and integers in 0..{classes - 1}")
        self.labels = labels
        self.inputs = torch.ones((inputs.shape[1] + 1, len(labels)), dtype=dtype, device=device)
        for place, values in inputs.blocks() if hasattr(inputs, "blocks") else [(slice(None), inputs)]:
            values = torch.from_numpy(values).to(dtype)
            if not bool(values.isfinite().all()):
                raise ValueError(f"inputs must be finite in {dtype}")
            self.inputs[:-1, place] = values.T
        one_hot = np.arange(classes)[:, None] == self.labels
        self.minus_one_hot = -torch.tensor(one_hot, dtype=dtype, device=device)  # (classes, n)
        self.index = torch.tensor(self.labels, dtype=torch.int32, device=device)  # (n,)
        self._places: dict[tuple[int, int], Tensor] = {}  # by block: where the true classes are in (classes, b)

    def __len__(self) -> int:
        return len(self.labels)

    def of_true_class(self, values: Tensor, block: slice) -> Tensor:
        """Values (L, classes, b) of a block of the samples -> those of their true classes, (L, b)."""
        key = block.start, block.stop
        if key not in self._places:
            width = torch.arange(block.stop - block.start, dtype=torch.int32, device=self.index.device)
            self._places[key] = self.index[block] * len(width) + width
        # Takes half the time of a gather along the classes.
        return values.flatten(1).index_select(1, self._places[key])

    def of_networks(self, networks: slice) -> "Samples":
        """Those of some networks: all share these samples."""
        return self

    def mini_batches(self) -> MiniBatches:
        """Where each network may draw its own from."""
        return MiniBatches(self.inputs, self.index, len(self.minus_one_hot))

    def negated(self) -> "Samples":
        """The same with every input negated."""
        other = copy.copy(self)
        other.inputs = self.inputs.clone()
        other.inputs[:-1].neg_()
        return other


class Ensemble:
    """K networks of one architecture, each biased or bias-free, in one precision and on one device."""

    def __init__(
        self,
        architecture: Architecture,
        biased: np.ndarray,
        alpha: float = paper.ALPHA,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        activation: str = "tanh",
    ):
        """biased: mask (K,). alpha: weight of the L2 penalty, alpha / (2n) · sum of squared weights.

        activation: a name in `activations.ACTIVATIONS`.
        """
        self.architecture, self.dtype, self.device = architecture, dtype, torch.device(device)
        self.layers = Layers(
            sizes=tuple(map(int, (architecture.inputs, *self._widths(), architecture.classes))),
            row_length=architecture.row_length,
            split=architecture.split,
            dtype=dtype,
            activation=activations.of(activation),
            lane_block=LANE_BLOCK.get(self.device.type, LANE_BLOCK["cpu"]),
            block_bytes=BLOCK_BYTES.get(self.device.type, BLOCK_BYTES["cpu"]),
        )
        self.biased = np.asarray(biased, dtype=bool)
        self._scratch = torch.empty(0, dtype=dtype, device=self.device)
        masks = torch.tensor(np.stack([architecture.trainable(one) for one in (False, True)]), dtype=torch.float64)
        self.trainable = masks[self.biased.astype(np.int64)].to(self.device)  # (K, P)
        self.penalty = alpha * torch.tensor(~architecture.is_bias(), dtype=torch.float64, device=self.device)  # (P,)

    def _widths(self) -> list[int]:
        """How many numbers each hidden layer makes of a sample."""
        return self.architecture.units

    @property
    def trained_layers(self) -> Layers:
        """The layers that a training goes through, which may be wider than those of `architecture`."""
        return self.layers

    def samples(self, inputs: Any, labels: np.ndarray) -> Samples:
        """Inputs (n, d), an array or `blocks`, and labels (n,), laid out for this ensemble."""
        if inputs.shape[1:] != (self.architecture.inputs,):
            raise ValueError(
                f"inputs {inputs.shape}, but the networks take {self.architecture.inputs} features per sample"
            )
        return Samples(inputs, labels, self.architecture.classes, self.dtype, self.device)

    def initial(self, seeds: Iterable[int], start: str = "ordinary") -> Tensor:
        """Initial parameters (K, P) of networks with these seeds (K,); start: a name in `architecture.STARTS`."""
        each = zip(seeds, self.biased, strict=True)
        rows = [self.architecture.initial(int(seed), one, start) for seed, one in each]
        return torch.tensor(np.stack(rows), device=self.device)

    def times(self, count: int) -> Self:
        """The ensemble of so many times these networks, one set after the other."""
        if count == 1:
            return self
        other = copy.copy(self)
        other.biased, other.trainable = np.tile(self.biased, count), self.trainable.repeat(count, 1)
        return other

    def loss_and_gradient(
        self, rows: Tensor, samples: Samples | Drawn, lanes: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy plus alpha / (2n) Σ‖W‖² and its gradient (scikit-learn's loss).

        rows: parameters (L, P) float64 of the networks numbered `lanes` (all, unless given).
        samples: n that all share, or n drawn for each.
        Returns the losses (L,) and gradients (L, P) in float64; biases that are not trained have gradient 0.
        """
        return self.evaluation(rows, samples, lanes)()

    def evaluation(
        self, rows: Tensor, samples: Samples | Drawn, lanes: Tensor | None = None, gradient: Tensor | None = None
    ) -> Callable[[], tuple[Tensor, Tensor]]:
        """A function that returns `loss_and_gradient` at what the rows hold whenever it is called.

        What it returns may be overwritten by its next call. gradient (L, P): where to write it, unless anywhere.
        """
        numbers = torch.arange(len(rows), device=self.device) if lanes is None else lanes.to(torch.int64)
        kernels, by_rows = seam.of(rows), torch.empty_like(rows) if gradient is None else gradient
        together = kernels.lane_block(self.layers, len(samples))
        parts = []
        for start in range(0, len(rows), together):
            block = slice(start, start + together)
            masks = self.penalty, self.trainable, numbers[block]
            own = rows[block], samples.of_networks(block), masks, self._room, by_rows[block]
            parts.append(kernels.evaluation(self.layers, *own))

        def evaluate() -> tuple[Tensor, Tensor]:
            losses = [part() for part in parts]
            return losses[0] if len(losses) == 1 else torch.cat(losses), by_rows

        return evaluate

    def logits(self, rows: Tensor, samples: Samples) -> Iterator[tuple[slice, slice, Tensor]]:
        """Yield (lanes, samples, logits (L, classes, b)) block by block, for the parameters rows (K, P).

        The logits are overwritten by the next block.
        """
        for start in range(0, len(rows), self.layers.lane_block):
            lanes = slice(start, min(start + self.layers.lane_block, len(rows)))
            networks = Forward(self.layers, rows[lanes])
            for place, inputs, products in first_products(networks, samples, self._room):
                yield lanes, place, self._logits(networks, inputs, products)

    def _logits(self, networks: Forward, inputs: Tensor, products: Tensor) -> Tensor:
        """The logits (L, classes, b) of a block, by its inputs (d + 1, b) and the first layers times these."""
        return networks.forward(products)[-1]

    def _room(self, rows: int, width: int) -> Tensor | None:
        """A reusable scratch buffer; a fresh allocation costs about 10 % of the time.

        None on a GPU, where PyTorch reuses memory itself.
        """
        if self.device.type == "cuda":
            return None
        if self._scratch.numel() < rows * width:
            self._scratch = self._scratch.new_empty(rows * width)
        return self._scratch[: rows * width].view(rows, width)


@dataclass
class Evaluation:
    """Predictions of K networks for n samples."""

    classes: np.ndarray  # (K, n) uint8: the most likely class
    loss: np.ndarray  # (K,) mean cross-entropy, without the penalty
    accuracy: np.ndarray  # (K,)
    clipped: np.ndarray  # (K,) samples whose true class has a probability that scikit-learn 0.19 would clip


def evaluate(ensemble: Ensemble, rows: Tensor, samples: Samples) -> Evaluation:
    """Predict the samples with the parameters rows (K, P)."""
    classes = np.empty((len(rows), len(samples)), dtype=np.uint8)
    loss = torch.zeros(len(rows), dtype=torch.float64, device=ensemble.device)
    clipped = torch.zeros(len(rows), dtype=torch.int64, device=ensemble.device)
    count = ensemble.architecture.classes
    countdown = torch.arange(count, 0, -1, dtype=torch.uint8, device=ensemble.device)[:, None]
    for lanes, block, logits in ensemble.logits(rows, samples):
        # From the logits: subtracting log Σ exp could round two close ones to a tie.
        # Not argmax, which is 14 times slower along this axis; ties go to the first class either way.
        best = (logits == logits.amax(1, keepdim=True)) * countdown
        classes[lanes, block] = (count - best.amax(1)).cpu().numpy()
        true = samples.of_true_class(torch.log_softmax(logits, 1), block)
        loss[lanes] -= true.sum(1, dtype=torch.float64)
        clipped[lanes] += (true < np.log(CLIP)).sum(1)
    return Evaluation(
        classes=classes,
        loss=(loss / len(samples)).cpu().numpy(),
        accuracy=(classes == samples.labels).mean(1),
        clipped=clipped.cpu().numpy(),
    )
