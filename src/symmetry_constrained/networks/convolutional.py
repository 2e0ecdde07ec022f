"""Ensembles of convolutional networks: a convolution is a dense layer that is applied to every patch of an image.

F filters of 3 x 3 are F units whose inputs are a pixel's neighbourhood in each channel, with zeros outside the image;
then come the activation and the average of every 2 x 2 numbers (`layers` has the sizes). So a convolution's matrix,
products and gradient are those of a dense layer, with the patches as its samples. What leaves the last one is the input
of an ordinary network. An average, unlike a maximum, is odd, and so is the network without biases if σ is odd.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from symmetry_constrained import layers
from symmetry_constrained.kernels.eager import Activation, Forward, Pass, add_outer, times_inputs
from symmetry_constrained.layers import KERNEL, POOL
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, Samples
from symmetry_constrained.networks.mini_batches import Drawn


class Convolutions:
    """The convolutions of L networks on their way through the samples, block by block."""

    def __init__(self, matrices: list[Tensor], sides: list[int], activation: Activation):
        """matrices: (L, filters, 9 · channels + 1) of each convolution. sides: as `layers.sides`."""
        self.matrices, self.sides, self.activation = matrices, sides, activation
        self.gradients = [torch.zeros_like(matrix) for matrix in matrices]  # sums over the blocks so far
        self.kept: list[tuple[Tensor, Tensor]] = []  # of the last block: each convolution's patches, and what it gives

    def forward(self, inputs: Tensor) -> Tensor:
        """A block of inputs (d + 1, b) that all share, or (L, d + 1, b), -> (L, units + 1, b), the last row ones."""
        self.kept.clear()
        image = inputs[..., :-1, :].unflatten(-2, (1, self.sides[0], self.sides[0]))
        for matrix, side in zip(self.matrices, self.sides, strict=False):
            patches = _patches(image)
            z = times_inputs(matrix.flatten(0, 1), patches).view(*matrix.shape[:2], side, side, -1)
            activations = torch.empty_like(z)
            self.activation.value(z, activations)
            self.kept.append((patches, activations if self.activation.from_output else z))
            rows = _squares(activations)
            rows = rows[:, :, :, 0] + rows[:, :, :, 1]  # one after the other: `mean` takes ten times as long
            image = (rows[:, :, :, :, 0] + rows[:, :, :, :, 1]).div_(POOL**2)
        ones = image.new_ones(len(image), 1, image.shape[-1])
        return torch.cat([image.flatten(1, 3), ones], 1)

    def backward(self, delta: Tensor) -> None:
        """Add the gradient of that block, by the gradient by what left the last convolution (L, units, b)."""
        for index in range(len(self.matrices) - 1, -1, -1):
            (patches, at), matrix, side = self.kept[index], self.matrices[index], self.sides[index]
            half = self.sides[index + 1]
            shared = (delta / POOL**2).reshape(*matrix.shape[:2], half, 1, half, 1, -1)
            by_output = torch.empty_like(at)
            self.activation.slope(shared.expand_as(_squares(at)), _squares(at), _squares(by_output))
            products = by_output.view(len(matrix) * matrix.shape[1], -1)
            add_outer(self.gradients[index].flatten(0, 1), products, patches)
            if index:
                by_patches = torch.bmm(matrix[:, :, :-1].mT, by_output.flatten(2))
                delta = _image(by_patches.view(len(matrix), -1, KERNEL, KERNEL, side, side, at.shape[-1]))


class Convolutional(Ensemble):
    """An ensemble of networks whose first layers are convolutions."""

    def __init__(self, architecture: Architecture, *args: Any, **kwargs: Any):
        """Arguments are those of `Ensemble`. ValueError if the inputs are no image that its convolutions can halve."""
        super().__init__(architecture, *args, **kwargs)
        count = len(architecture.filters)
        self.sides = layers.sides(architecture.inputs, count)
        if self.device.type == "cpu":
            self.layers.lane_block = 1  # what one network makes of a block fills a core's cache already
        self.convolved = replace(self.layers, split=lambda rows: architecture.split(rows)[:count])
        self.above = replace(self.layers, split=lambda rows: architecture.split(rows)[count:])

    def _widths(self) -> list[int]:
        """Of a convolution, its patches and what it makes of them."""
        own = self.architecture
        sizes = zip(own.layers, layers.places(own.inputs, own.hidden_layers), strict=True)
        return [
            count * (fan_in + 1 + fan_out) if place < len(own.filters) else fan_out
            for place, ((fan_in, fan_out), count) in enumerate(sizes)
        ][:-1]

    def evaluation(
        self, rows: Tensor, samples: Samples | Drawn, lanes: Tensor | None = None, gradient: Tensor | None = None
    ) -> Callable[[], tuple[Tensor, Tensor]]:
        numbers = torch.arange(len(rows), device=self.device) if lanes is None else lanes.to(torch.int64)
        by_rows = torch.empty_like(rows) if gradient is None else gradient
        starts = range(0, len(rows), self.layers.lane_block)
        blocks = [slice(start, start + self.layers.lane_block) for start in starts]

        def evaluate() -> tuple[Tensor, Tensor]:
            parts = ((rows[own], samples.of_networks(own), numbers[own], by_rows[own]) for own in blocks)
            return torch.cat([self._evaluated(*part) for part in parts]), by_rows

        return evaluate

    def _evaluated(self, rows: Tensor, samples: Samples | Drawn, numbers: Tensor, gradient: Tensor) -> Tensor:
        """The losses (L,) of one block of networks, and their gradients (L, P), written in place."""
        convolutions, above = self._convolutions(rows), Pass(self.above, rows)
        for place, given in self._given(convolutions, samples):
            products = times_inputs(above.first, given)
            above.through_layers(products, samples, place)
            above.through_first(products, given)
            by_product = products.view(len(given), -1, given.shape[2])
            convolutions.backward(torch.bmm(above.layers[0][:, :, :-1].mT, by_product))
        above.gradients[:0] = convolutions.gradients  # those of the whole rows
        return above.finish(self.penalty, self.trainable, numbers, len(samples), gradient)

    def logits(self, rows: Tensor, samples: Samples) -> Iterator[tuple[slice, slice, Tensor]]:
        for start in range(0, len(rows), self.layers.lane_block):
            lanes = slice(start, min(start + self.layers.lane_block, len(rows)))
            above = Forward(self.above, rows[lanes])
            for place, given in self._given(self._convolutions(rows[lanes]), samples):
                yield lanes, place, above.forward(times_inputs(above.first, given))[-1]

    def _convolutions(self, rows: Tensor) -> Convolutions:
        matrices = [matrix.contiguous() for matrix in self.convolved.split(rows.to(self.dtype))]
        return Convolutions(matrices, self.sides, self.layers.activation)

    def _given(self, convolutions: Convolutions, samples: Samples | Drawn) -> Iterator[tuple[slice, Tensor]]:
        """Block by block: its place among the samples, and what the layers above are given (L, units + 1, b)."""
        width = self.layers.sample_block(len(convolutions.matrices[0]))
        for start in range(0, len(samples), width):
            place = slice(start, min(start + width, len(samples)))
            yield place, convolutions.forward(samples.inputs[..., place])


def _squares(image: Tensor) -> Tensor:
    """(L, channels, side, side, b) -> (L, channels, half, 2, half, 2, b), the same numbers."""
    half = image.shape[2] // POOL
    return image.unflatten(3, (half, POOL)).unflatten(2, (half, POOL))


def _patches(image: Tensor) -> Tensor:
    """(channels, side, side, b) -> (9 · channels + 1, side · side · b), the last row ones; or the same of L images."""
    *others, channels, side, _, width = image.shape
    framed = torch.nn.functional.pad(image, (0, 0, 1, 1, 1, 1))
    windows = framed.unfold(-3, KERNEL, 1).unfold(-3, KERNEL, 1)  # (..., channels, side, side, b, 3, 3)
    patches = image.new_empty(*others, KERNEL**2 * channels + 1, side, side, width)
    patches[..., -1, :, :, :] = 1.0
    own = patches[..., :-1, :, :, :].unflatten(-4, (channels, KERNEL, KERNEL))
    own.copy_(windows.movedim((-2, -1), (-5, -4)))
    return patches.flatten(-3)


def _image(patches: Tensor) -> Tensor:
    """Patches (L, channels, 3, 3, side, side, b), added where they lie in the image: (L, channels, side, side, b)."""
    *_, side, _, width = patches.shape
    framed = patches.new_zeros(*patches.shape[:2], side + 2, side + 2, width)
    for down, right in itertools.product(range(KERNEL), repeat=2):
        framed[:, :, down : down + side, right : right + side] += patches[:, :, down, right]
    return framed[:, :, 1:-1, 1:-1]
