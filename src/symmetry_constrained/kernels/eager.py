"""The kernels in PyTorch: what they compute is defined here, for any device, precision and activation.

`native.Native` computes the same in compiled code. An ensemble's loss and gradient are two matrix products with the
inputs and what lies between them, for which `Networks` go through the samples block by block.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from symmetry_constrained.kernels.batched import BatchedLanes
from symmetry_constrained.kernels.lanes import Lanes

# Classes this much less likely (1e-26) add nothing to a gradient, and an exp that underflows takes 100 times as long.
FLOOR = -60.0


Masks = tuple[Tensor, Tensor, Tensor]  # penalty (P,), trainable (K, P), and the networks' rows of that (L,)
Room = Callable[[int, int], Tensor | None]  # for an array of so many rows and columns, or None


class Samples(Protocol):
    """What the kernels read of n labelled inputs: shared by all L networks, or (L, ...) of each network's own."""

    @property
    def inputs(self) -> Tensor:
        """(d + 1, n) or (L, d + 1, n): the last row ones."""

    def __len__(self) -> int: ...

    @property
    def index(self) -> Tensor:
        """(n,) or (L, n) int32: the labels."""

    @property
    def minus_one_hot(self) -> Tensor:
        """(classes, n) or (L, classes, n): -1 at the label, 0 elsewhere."""

    def of_true_class(self, values: Tensor, block: slice) -> Tensor:
        """Values (L, classes, b) of a block -> those of the samples' true classes, (L, b)."""


class Activation(Protocol):
    """What the kernels need of an activation function."""

    @property
    def name(self) -> str: ...

    @property
    def from_output(self) -> bool: ...

    @property
    def value(self) -> Callable[[Tensor, Tensor], object]:
        """(z, out): write the values at z."""

    @property
    def slope(self) -> Callable[[Tensor, Tensor, Tensor], object]:
        """(delta, at, out): write delta times the slope at the activations if `from_output`, else pre-activations."""


@dataclass
class Layers:
    """The layers of an ensemble's networks, and the blocks in which PyTorch computes them."""

    sizes: tuple[int, ...]  # inputs, units of each hidden layer, classes
    row_length: int  # P
    split: Callable[[Tensor], list[Tensor]]  # parameters (L, P) -> views (L, fan_out, fan_in + 1), one per layer
    dtype: torch.dtype
    activation: Activation
    lane_block: int  # networks
    block_bytes: int  # of the widest layer's activations

    def sample_block(self, lanes: int) -> int:
        """Samples per block for so many networks at once."""
        return max(256, self.block_bytes // (lanes * max(self.sizes[1:]) * self.dtype.itemsize))


class Networks(Protocol):
    """L networks on their way through the samples, block by block, with the sums over the blocks so far."""

    sample_block: int  # samples to a block
    first: Tensor  # (L·units, d or d + 1): the first layers, to be multiplied by the inputs

    def through_layers(self, products: Tensor, samples: Samples, block: slice) -> None:
        """Add a block to all sums but those of the first layers; `products` (L·units, b) become their own gradient."""

    def through_first(self, products: Tensor, inputs: Tensor) -> None:
        """Add that block to the sums of the first layers, from the gradient by the products, and inputs (·, b).

        Inputs (L, ·, b) are the networks' own.
        """

    def finish(self, penalty: Tensor, trainable: Tensor, numbers: Tensor, samples: int, gradient: Tensor) -> Tensor:
        """The penalised mean losses (L,), and their gradient (L, P) written in place.

        penalty (P,); trainable (K, P), of which the networks' rows have these numbers (L,).
        """


def first_products(
    networks: "Networks | Forward", samples: Samples, room: Room
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Block by block: its place among the samples, its inputs (d or d + 1, b), and the first layers times these.

    room: where the products (L·units, b) may be written, block after block.
    """
    rows, features = networks.first.shape
    for start in range(0, len(samples), networks.sample_block):
        place = slice(start, min(start + networks.sample_block, len(samples)))
        inputs = samples.inputs[..., :features, place]
        yield place, inputs, times_inputs(networks.first, inputs, room(rows, place.stop - start))


class Forward:
    """L networks that predict the samples, block by block."""

    def __init__(self, layers: Layers, rows: Tensor):
        """rows: parameters (L, P) in float64."""
        self.activation = layers.activation
        self.sample_block = layers.sample_block(len(rows))  # samples to a block
        self.rows = rows
        self.layers = [layer.contiguous() for layer in layers.split(rows.to(layers.dtype))]
        self.first = self.layers[0].flatten(0, 1)  # (L·units, d + 1): the first layers, to be multiplied by the inputs
        self.outputs: list[Tensor] = []  # (L, units, b) of each layer above the first
        self.activations: list[Tensor] = []  # (L, units + 1, b) of each hidden layer, the last row ones

    def forward(self, products: Tensor) -> list[Tensor]:
        """The first layers times a block of inputs, (L·units, b) -> the outputs of all layers, the last the logits.

        The first is `products` itself, and the next block overwrites the others.
        """
        lanes, width = len(self.rows), products.shape[1]
        if not self.outputs or self.outputs[0].shape[2] != width:
            self.outputs = [products.new_empty(lanes, layer.shape[1], width) for layer in self.layers[1:]]
            self.activations = [products.new_ones(lanes, layer.shape[1] + 1, width) for layer in self.layers[:-1]]
        outputs = [products.view(lanes, -1, width), *self.outputs]
        for layer, below, activation, above in zip(
            self.layers[1:], outputs, self.activations, self.outputs, strict=False
        ):
            self.activation.value(below, activation[:, :-1])
            torch.bmm(layer, activation, out=above)
        return outputs


class Pass(Forward):
    """`Networks` for any activation, precision and device."""

    def __init__(self, layers: Layers, rows: Tensor):
        super().__init__(layers, rows)
        self.transposed = [layer[:, :, :-1].mT.contiguous() for layer in self.layers[1:]]
        self.loss = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)  # (L,) sum of cross-entropies
        self.gradients = [torch.zeros_like(layer) for layer in self.layers]
        self.by_first = self.gradients[0].flatten(0, 1)  # (L·units, d + 1) the loss's gradient by `first`

    def through_layers(self, products: Tensor, samples: Samples, block: slice) -> None:
        outputs = self.forward(products)
        logits = outputs[-1]
        logits -= logits.amax(1, keepdim=True)
        true = samples.of_true_class(logits, block)
        sums = logits.clamp_min_(FLOOR).exp_().sum(1, keepdim=True)
        self.loss += (sums[:, 0].log() - true).sum(1, dtype=torch.float64)
        # The gradient by the logits.
        delta = torch.addcmul(samples.minus_one_hot[..., block], logits, sums.reciprocal_(), out=logits)
        for index in range(len(self.activations) - 1, -1, -1):
            activation, below = self.activations[index], outputs[index]
            self.gradients[index + 1].baddbmm_(delta, activation.mT)
            if self.activation.from_output:
                delta = torch.bmm(self.transposed[index], delta, out=below)
                self.activation.slope(delta, activation[:, :-1], below)
            else:
                self.activation.slope(torch.bmm(self.transposed[index], delta), below, below)
                delta = below

    def through_first(self, products: Tensor, inputs: Tensor) -> None:
        add_outer(self.by_first, products, inputs)

    def finish(self, penalty: Tensor, trainable: Tensor, numbers: Tensor, samples: int, gradient: Tensor) -> Tensor:
        torch.cat([part.flatten(1) for part in self.gradients], 1, out=gradient)
        penalised = self.rows * penalty
        gradient.add_(penalised).mul_(1 / samples).mul_(trainable.index_select(0, numbers))
        return self.loss.add_(torch.linalg.vecdot(penalised, self.rows), alpha=0.5).div_(samples)


def times_inputs(first: Tensor, inputs: Tensor, out: Tensor | None = None) -> Tensor:
    """First layers (L·units, d) times inputs (d, b), or the networks' own (L, d, b) -> (L·units, b)."""
    if inputs.dim() == 2:
        return torch.mm(first, inputs, out=out)
    shape = len(inputs), -1
    return torch.bmm(
        first.view(*shape, first.shape[1]), inputs, out=None if out is None else out.view(*shape, inputs.shape[2])
    ).flatten(0, 1)


def add_outer(sums: Tensor, products: Tensor, inputs: Tensor, beta: float = 1.0, alpha: float = 1.0) -> None:
    """sums (L·units, d) <- beta · sums + alpha · products (L·units, b) times inputs' (b, d) or (L, b, d)."""
    if inputs.dim() == 2:
        torch.addmm(sums, products, inputs.mT, beta=beta, alpha=alpha, out=sums)
        return
    by_network = sums.view(len(inputs), -1, sums.shape[1])
    products = products.view(len(inputs), -1, products.shape[1])
    torch.baddbmm(by_network, products, inputs.mT, beta=beta, alpha=alpha, out=by_network)


class Eager:
    """The kernels, in PyTorch."""

    def evaluation(
        self, layers: Layers, rows: Tensor, samples: Samples, masks: Masks, room: Room, gradient: Tensor
    ) -> Callable[[], Tensor]:
        """A function that evaluates the networks on all samples, at what rows (L, P) hold whenever it is called.

        It returns the penalised mean losses (L,), and writes the gradient (L, P) in place; both may be overwritten by
        the next call. masks, gradient: as for `Networks.finish`. room: as for `first_products`.
        """

        def evaluate() -> Tensor:
            networks = self.networks(layers, rows)
            for place, inputs, products in first_products(networks, samples, room):
                networks.through_layers(products, samples, place)
                networks.through_first(products, inputs)
            return networks.finish(*masks, len(samples), gradient)

        return evaluate

    def networks(self, layers: Layers, rows: Tensor) -> Networks:
        """The networks with parameters (L, P), before the first block of samples."""
        return Pass(layers, rows)

    def lane_block(self, layers: Layers, samples: int) -> int:
        """How many networks one pass through so many samples should hold."""
        return layers.lane_block

    def lanes(self, x: Tensor, capacity: int, dtype: torch.dtype, repeats: bool) -> Lanes:
        """Lanes of L-BFGS that begin at x (K, n), with an empty memory of so many pairs.

        dtype: of the gradients. repeats: whether evaluations do the same work on the device for the same lanes.
        """
        return BatchedLanes(x, capacity)
