"""Two ways to build the symmetry under x -> −x into a network without features: both average over the group {1, −1}.

`AveragedLogits`: the logits are f(x) + f(−x), in training and in testing, at the cost of two passes through f. If f is
odd (bias-free, with tanh), they are 0, because f(−x) = −f(x).

`MirroredUnits`: only the first hidden layer is averaged, its units come in tied pairs, σ(w·x + b) + σ(−w·x + b), and a
sample goes through the layers above once. If σ is odd and there are no biases, the layers above see zeros.

Either way the logits are the same for x and −x to the last bit, whatever the weights.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from symmetry_constrained.kernels.eager import Forward, Layers, times_inputs
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, Samples
from symmetry_constrained.networks.mini_batches import Drawn

EVERY = slice(None)


class Copy(NamedTuple):
    """Where a layer of f is in the network that is trained."""

    sign: int  # of its weights
    units: slice
    inputs: slice  # without the bias
    bias: bool = True  # whether its biases are added there too


class Averaged(Ensemble):
    """An ensemble of networks that average over {1, −1}; parameters, initial weights and penalty are those of f.

    Such a network is also an ordinary one with more hidden units, some of which see −x, so the same kernels train it.
    The weights of that network are copies of f's, up to a sign, and the gradient by f's sums over the copies.
    """

    def __init__(self, architecture: Architecture, *args: Any, **kwargs: Any):
        """Arguments are those of `Ensemble`, for f."""
        super().__init__(architecture, *args, **kwargs)
        wider = Architecture(architecture.inputs, self._hidden_layers(), architecture.classes)
        self.wider = Ensemble(wider, *args, **kwargs)
        for number, layer in enumerate(wider.split(self.wider.penalty[None])):
            layer /= len(self._copies(number))

    def times(self, count: int) -> Self:
        other = copy.copy(super().times(count))
        other.wider = self.wider.times(count)
        return other

    @property
    def trained_layers(self) -> Layers:
        return self.wider.layers

    def _hidden_layers(self) -> tuple[int, ...]:
        """Of the network that is trained."""
        raise NotImplementedError

    def _copies(self, number: int) -> list[Copy]:
        """Of the layer of that number, from 0."""
        raise NotImplementedError

    def evaluation(
        self, rows: Tensor, samples: Samples | Drawn, lanes: Tensor | None = None, gradient: Tensor | None = None
    ) -> Callable[[], tuple[Tensor, Tensor]]:
        by_rows = torch.empty_like(rows) if gradient is None else gradient

        def evaluate() -> tuple[Tensor, Tensor]:
            loss, by_copies = self.wider.loss_and_gradient(self.widen(rows), samples, lanes)
            by_rows.zero_()
            for layer, copies, one in self._layers(by_rows, by_copies):
                layer[:, :, :-1] += one.sign * copies[:, one.units, one.inputs]
                if one.bias:
                    layer[:, :, -1] += copies[:, one.units, -1]
            return loss, by_rows

        return evaluate

    def widen(self, rows: Tensor) -> Tensor:
        """Parameters (L, P) of f -> those of the ordinary network that is trained."""
        wider = rows.new_zeros(len(rows), self.wider.architecture.row_length)
        for layer, copies, one in self._layers(rows, wider):
            copies[:, one.units, one.inputs] = one.sign * layer[:, :, :-1]
            if one.bias:
                copies[:, one.units, -1] += layer[:, :, -1]
        return wider

    def _layers(self, rows: Tensor, wider: Tensor) -> Iterator[tuple[Tensor, Tensor, Copy]]:
        """Each layer of f beside that of the wider network, both as views, once for each copy."""
        both = zip(self.architecture.split(rows), self.wider.architecture.split(wider), strict=True)
        for number, (layer, copies) in enumerate(both):
            for one in self._copies(number):
                yield layer, copies, one


class AveragedLogits(Averaged):
    """Networks with the logits f(x) + f(−x)."""

    def _hidden_layers(self) -> tuple[int, ...]:
        return tuple(2 * units for units in self.architecture.units)

    def _copies(self, number: int) -> list[Copy]:
        layers = self.architecture.layers
        inputs, units = layers[number]
        upper, lower = slice(units), slice(units, None)
        if number == 0:  # both halves of the units have the same inputs
            return [Copy(1, upper, slice(-1)), Copy(-1, lower, slice(-1))]
        if number == len(layers) - 1:  # the logits add both halves, and their biases
            upper = lower = EVERY
        return [Copy(1, upper, slice(inputs)), Copy(1, lower, slice(inputs, -1))]

    def _logits(self, networks: Forward, inputs: Tensor, products: Tensor) -> Tensor:
        # The plain sum, which is the same for x and −x to the last bit; so is that below.
        logits = networks.forward(products)[-1].clone()
        return logits.add_(networks.forward(times_inputs(networks.first, _negated(inputs)))[-1])


class MirroredUnits(Averaged):
    """Networks with a first hidden layer of tied mirrored pairs."""

    def _hidden_layers(self) -> tuple[int, ...]:
        first, *above = self.architecture.units
        return (2 * first, *above)

    def _copies(self, number: int) -> list[Copy]:
        inputs, units = self.architecture.layers[number]
        if number == 0:
            return [Copy(1, slice(units), slice(-1)), Copy(-1, slice(units, None), slice(-1))]
        if number == 1:  # adds both halves, and its biases once
            return [Copy(1, EVERY, slice(inputs)), Copy(1, EVERY, slice(inputs, -1), bias=False)]
        return [Copy(1, EVERY, slice(-1))]

    def _logits(self, networks: Forward, inputs: Tensor, products: Tensor) -> Tensor:
        below = [products, times_inputs(networks.first, _negated(inputs))]
        for layer in networks.layers[1:]:
            lanes, _, columns = layer.shape
            activations = [layer.new_ones(lanes, columns, inputs.shape[1]) for _ in below]
            for z, activation in zip(below, activations, strict=True):
                networks.activation.value(z.view(lanes, columns - 1, -1), activation[:, :-1])
            for other in activations[1:]:
                activations[0][:, :-1] += other[:, :-1]
            below = [torch.bmm(layer, activations[0])]
        return below[0]


def _negated(inputs: Tensor) -> Tensor:
    """Inputs (d + 1, b) with another sign, the last row still ones."""
    negated = inputs.neg()
    negated[-1] = 1.0
    return negated
