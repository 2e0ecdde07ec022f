"""Ensembles of small tanh networks: parameters, loss, gradient and predictions.

A network is z <- tanh(W z + b) over its hidden layers, then the logits f(x) = U z + c (section 2 of the paper); a
bias-free one has b = c = 0, so f(-x) = -f(x). K networks are evaluated together, feature-major: activations have
shape (K, units, n) with the samples contiguous, and all K first layers are one matrix product (K·units x d)(d x n).

Parameters travel as float64 rows, shape (K, P). Layer by layer a row holds (fan_out, fan_in + 1) in C order, the bias
being the last column: the weight of a constant input. A bias-free network has the same row with zeros there.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained import paper
from symmetry_constrained.kernels import compiled
from symmetry_constrained.networks.architecture import Architecture

CLIP = 1e-10  # scikit-learn 0.19 clips a class probability here, in the reported loss only
# Blocks sized so that one layer's activations stay in a core's cache; a GPU wants them large.
LANE_BLOCK = {"cpu": 64, "cuda": 256}
BLOCK_BYTES = {"cpu": 655_360, "cuda": 268_435_456}  # of the widest layer's activations
# Where compiled code reads and writes them once: samples, and bytes of the first layer's activations.
COMPILED_BLOCK, COMPILED_BYTES = 1024, 5_242_880
# Classes this much less likely (1e-26) add nothing to a gradient, and an exp that underflows takes 100 times as long.
FLOOR = -60.0


def resolve_device(name: str) -> str:
    """`auto` is CUDA where there is one, then the CPU. ValueError in one line for a device that is not there."""
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

    def __init__(self, inputs, labels: np.ndarray, classes: int, dtype: torch.dtype, device: str):
        """inputs: an array (n, d), or what has its shape and gives its `blocks`. labels (n,) in 0..classes-1."""
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

    def __len__(self) -> int:
        return len(self.labels)

    def negated(self) -> "Samples":
        """The same with every input negated."""
        other = copy.copy(self)
        other.inputs = self.inputs.clone()
        other.inputs[:-1].neg_()
        return other

    def of_true_class(self, values: Tensor, block: slice) -> Tensor:
        """Values (L, classes, b) of a block of the samples -> those of their true classes, (L, b)."""
        width = values.shape[2]
        # Half the time of a gather along the classes.
        places = self.index[block] * width + torch.arange(width, device=values.device)
        return values.flatten(1).index_select(1, places)


class Ensemble:
    """K networks of one architecture, biased or bias-free each, on one precision and device."""

    def __init__(
        self,
        architecture: Architecture,
        biased: np.ndarray,
        alpha: float = paper.ALPHA,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ):
        """biased: mask (K,). alpha: weight of the L2 penalty, alpha / (2n) · sum of squared weights."""
        self.architecture = architecture
        self.alpha, self.dtype, self.device = alpha, dtype, torch.device(device)
        self.lane_block = LANE_BLOCK.get(self.device.type, LANE_BLOCK["cpu"])
        self.block_bytes = BLOCK_BYTES.get(self.device.type, BLOCK_BYTES["cpu"])
        self.biased = np.asarray(biased, dtype=bool)
        self._room = torch.empty(0)
        masks = torch.tensor(np.stack([architecture.trainable(one) for one in (False, True)]), dtype=torch.float64)
        self.trainable = masks[self.biased.astype(np.int64)].to(self.device)  # (K, P)
        self.penalty = alpha * torch.tensor(~architecture.is_bias(), dtype=torch.float64, device=self.device)  # (P,)

    def samples(self, inputs, labels: np.ndarray) -> Samples:
        """Inputs (n, d), an array or `blocks`, and labels (n,), laid out for this ensemble."""
        if inputs.shape[1:] != (self.architecture.inputs,):
            raise ValueError(
                f"inputs {inputs.shape}, but the networks take {self.architecture.inputs} features per sample"
            )
        return Samples(inputs, labels, self.architecture.classes, self.dtype, self.device)

    def initial(self, seeds) -> Tensor:
        """Initial parameters (K, P) of networks with these seeds (K,)."""
        rows = [self.architecture.initial(int(seed), one) for seed, one in zip(seeds, self.biased, strict=True)]
        return torch.tensor(np.stack(rows), device=self.device)

    def loss_and_gradient(self, rows: Tensor, samples: Samples, lanes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy plus alpha / (2n) Σ‖W‖² and its gradient (scikit-learn's loss).

        rows: parameters (L, P) float64 of the networks numbered `lanes` (all, unless given).
        Returns the losses (L,) and gradients (L, P) in float64; biases that are not trained have gradient 0.
        """
        library = compiled.library_for(rows) if self.dtype == torch.float32 else None
        if library is not None:
            return self._compiled(library, rows, samples, lanes)
        trainable = self.trainable if lanes is None else self.trainable.index_select(0, lanes)
        loss = torch.zeros(len(rows), dtype=torch.float64, device=self.device)
        gradient = torch.empty_like(rows)
        for start in range(0, len(rows), self.lane_block):
            block = slice(start, start + self.lane_block)
            some = rows[block]
            cross_entropy = self._accumulate(some.to(self.dtype), samples, gradient[block])
            penalty = some * self.penalty
            loss[block] = cross_entropy.add_(torch.linalg.vecdot(penalty, some), alpha=0.5).div_(len(samples))
            gradient[block].add_(penalty).mul_(1 / len(samples)).mul_(trainable[block])
        return loss, gradient

    def _compiled(self, library, rows: Tensor, samples: Samples, lanes: Tensor | None) -> tuple[Tensor, Tensor]:
        """`loss_and_gradient` with all but the two products with the inputs in compiled code."""
        lanes = torch.arange(len(rows)) if lanes is None else lanes.to(torch.int64)
        sizes = np.array([fan_out for _, fan_out in self.architecture.layers])
        inputs = samples.inputs[:-1]
        loss = torch.zeros(len(rows), dtype=torch.float64)
        gradient = torch.empty_like(rows)
        size = min(len(samples), COMPILED_BLOCK)
        together = max(1, COMPILED_BYTES // (size * int(sizes[0]) * inputs.itemsize))
        for start in range(0, len(rows), together):
            block = slice(start, start + together)
            some, ends = rows[block], loss[block]
            shape = (*some.shape, int(sizes[0]), len(inputs))
            weights = torch.empty(len(some) * sizes[0], len(inputs))
            rest = torch.empty(len(some), rows.shape[1] - sizes[0] * len(inputs))
            library.unpack(*shape, some, weights, rest)
            by_weights, by_rest = torch.zeros_like(weights), torch.zeros_like(rest)
            for at in range(0, len(samples), size):
                x, labels = inputs[:, at : at + size], samples.index[at : at + size]
                products = torch.mm(weights, x, out=self._products(len(weights), x.shape[1]))
                library.through_layers(sizes, len(sizes), len(some), x.shape[1], products, rest, labels, ends, by_rest)
                by_weights.addmm_(products, x.mT)
            masks = (self.penalty, self.trainable, lanes[block])
            library.penalise(*shape, len(samples), some, *masks, by_weights, by_rest, ends, gradient[block])
        return loss, gradient

    def _products(self, rows: int, columns: int) -> Tensor:
        """Room for a matrix, always the same: new pages would cost a tenth of the time."""
        if self._room.numel() < rows * columns:
            self._room = torch.empty(rows * columns)
        return self._room[: rows * columns].view(rows, columns)

    def _accumulate(self, rows: Tensor, samples: Samples, gradient: Tensor) -> Tensor:
        """Sums over the samples for L networks: cross-entropies (L,), and the gradient (L, P) written in place."""
        layers = self.architecture.split(rows)
        transposed = [layer[:, :, :-1].mT.contiguous() for layer in layers[1:]]
        gradients = [torch.zeros_like(layer) for layer in layers]
        total = torch.zeros(len(rows), dtype=torch.float64, device=self.device)
        for block, (outputs, activations) in self._forward(layers, samples):
            inputs, logits = samples.inputs[:, block], outputs[-1]
            logits -= logits.amax(1, keepdim=True)
            true = samples.of_true_class(logits, block)
            sums = logits.clamp_min_(FLOOR).exp_().sum(1, keepdim=True)
            total += (sums[:, 0].log() - true).sum(1, dtype=torch.float64)
            # d loss / d logits
            delta = torch.addcmul(samples.minus_one_hot[:, block], logits, sums.reciprocal_(), out=logits)
            for index in range(len(activations) - 1, -1, -1):
                gradients[index + 1].baddbmm_(delta, activations[index].mT)
                below = outputs[index]
                torch.bmm(transposed[index], delta, out=below)
                delta = torch.ops.aten.tanh_backward.grad_input(below, activations[index][:, :-1], grad_input=below)
            gradients[0].flatten(0, 1).addmm_(delta.flatten(0, 1), inputs.mT)
        torch.cat([part.flatten(1) for part in gradients], 1, out=gradient)
        return total

    def _forward(self, layers: list[Tensor], samples: Samples) -> Iterator[tuple[slice, tuple[list, list]]]:
        """Block by block of the samples: what each layer gives (L, units, b), the last being the logits, and the hidden
        layers' activations (L, units + 1, b) with a last row of ones. Both are overwritten by the next block.
        """
        lanes = len(layers[0])
        layers = [layer.contiguous() for layer in layers]
        size = self._sample_block(lanes)
        outputs, activations = [], []
        for start in range(0, len(samples), size):
            block = slice(start, min(start + size, len(samples)))
            width = block.stop - start
            if not outputs or outputs[0].shape[2] != width:
                outputs = [layer.new_empty(lanes, layer.shape[1], width) for layer in layers]
                activations = [layer.new_ones(lanes, layer.shape[1] + 1, width) for layer in layers[:-1]]
            torch.mm(layers[0].flatten(0, 1), samples.inputs[:, block], out=outputs[0].flatten(0, 1))
            for layer, below, activation, above in zip(layers[1:], outputs, activations, outputs[1:], strict=False):
                torch.tanh(below, out=activation[:, :-1])
                torch.bmm(layer, activation, out=above)
            yield block, (outputs, activations)

    def logits(self, rows: Tensor, samples: Samples) -> Iterator[tuple[slice, slice, Tensor]]:
        """Yield (lanes, samples, logits (L, classes, b)) block by block, for the parameters rows (K, P).

        The logits are overwritten by the next block.
        """
        for start in range(0, len(rows), self.lane_block):
            lanes = slice(start, min(start + self.lane_block, len(rows)))
            for block, (outputs, _) in self._forward(self.architecture.split(rows[lanes].to(self.dtype)), samples):
                yield lanes, block, outputs[-1]

    def _sample_block(self, lanes: int) -> int:
        """Samples per block for so many networks at once."""
        widest = max(fan_out for _, fan_out in self.architecture.layers)
        return max(256, self.block_bytes // (lanes * widest * self.dtype.itemsize))


@dataclass
class Evaluation:
    """What K networks say of n samples."""

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
