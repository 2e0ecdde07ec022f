"""The kernels for a GPU: PyTorch's, in as few launches as it allows, recorded once and then launched together.

A launch takes the host 5 to 15 µs, whatever it computes, and small networks compute little.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from symmetry_constrained.kernels.batched import BatchedLanes
from symmetry_constrained.kernels.eager import Eager, Layers, Samples, add_outer
from symmetry_constrained.kernels.lanes import Lanes

UNRECORDED = 1  # time, in which libraries set themselves up


class Recording:
    """Work on the device that is the same every time, on the same tensors; a CUDA graph after the first time."""

    def __init__(self) -> None:
        self._times = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Tensor

    def __call__(self, work: Callable[[], Tensor]) -> Tensor:
        """Do the work; what it returns is overwritten the next time."""
        self._times += 1
        if self._times <= UNRECORDED:
            return work()
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._result = work()
        self._graph.replay()
        return self._result


class CudaPass:
    """`eager.Pass` in half as many launches: sums begin with the first block, and are means over the samples."""

    def __init__(self, layers: Layers, rows: Tensor):
        """rows: parameters (L, P) in float64."""
        self.activation = layers.activation
        self.sample_block = layers.sample_block(len(rows))
        self.rows = rows
        numbers = rows.to(layers.dtype)
        self.first = layers.split(rows)[0].to(layers.dtype).flatten(0, 1)
        self._layers = layers.split(numbers)[1:]
        self._by_first = torch.empty_like(self.first)
        self._by_rest = numbers.new_empty(numbers.shape)  # by the layers above the first, in their places
        self._gradients = layers.split(self._by_rest)[1:]
        self._blocks = 0
        self._log_likelihood: Tensor  # (L,), summed over the samples

    def through_layers(self, products: Tensor, samples: Samples, block: slice) -> None:
        lanes, width = len(self.rows), products.shape[1]
        outputs, activations = [products.view(lanes, -1, width)], []
        for layer in self._layers:
            activation = products.new_empty(lanes, layer.shape[2], width)
            activation[:, -1].fill_(1.0)
            self.activation.value(outputs[-1], activation[:, :-1])
            outputs.append(torch.bmm(layer, activation))
            activations.append(activation)
        log_p = torch.log_softmax(outputs[-1], 1)
        true = samples.of_true_class(log_p, block).sum(1, dtype=torch.float64)
        self._scales = {"beta": float(self._blocks > 0), "alpha": 1 / samples.index.shape[-1]}
        self._log_likelihood = self._log_likelihood.add_(true) if self._blocks else true
        self._blocks += 1
        delta = log_p.exp_().add_(samples.minus_one_hot[..., block])  # the gradient by the logits
        for layer, gradient, activation, below in reversed(
            list(zip(self._layers, self._gradients, activations, outputs, strict=False))
        ):
            torch.baddbmm(gradient, delta, activation.mT, **self._scales, out=gradient)
            weights = layer[:, :, :-1].mT
            if self.activation.from_output:
                self.activation.slope(torch.bmm(weights, delta, out=below), activation[:, :-1], below)
            else:
                self.activation.slope(torch.bmm(weights, delta), below, below)
            delta = below

    def through_first(self, products: Tensor, inputs: Tensor) -> None:
        add_outer(self._by_first, products, inputs, **self._scales)

    def finish(self, penalty: Tensor, trainable: Tensor, numbers: Tensor, samples: int, gradient: Tensor) -> Tensor:
        penalised = self.rows * penalty
        by_first = self._by_first.view(len(self.rows), -1)
        end = by_first.shape[1]
        for part, place in ((by_first, slice(end)), (self._by_rest[:, end:], slice(end, None))):
            torch.add(part, penalised[:, place], alpha=1 / samples, out=gradient[:, place])
        gradient.mul_(trainable.index_select(0, numbers))
        scales = {"beta": -1 / samples, "alpha": 0.5 / samples}
        loss = self._log_likelihood[:, None, None]
        return loss.baddbmm_(penalised[:, None], self.rows[:, :, None], **scales)[:, 0, 0]


class Cuda(Eager):
    """The kernels, on a GPU."""

    def networks(self, layers: Layers, rows: Tensor) -> CudaPass:
        return CudaPass(layers, rows)

    def lanes(self, x: Tensor, capacity: int, dtype: torch.dtype, repeats: bool) -> Lanes:
        return BatchedLanes(x, capacity, Recording if repeats else None)
