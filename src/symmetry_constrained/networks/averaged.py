"""Networks averaged over the group {1, −1}: their logits are f(x) + f(−x), in training and in testing.

They are the same for x and −x, whatever the weights: a symmetry that is built in by averaging, without features. It
costs two passes through f. If f is odd (bias-free, with tanh), it is 0 when averaged, because f(−x) = −f(x).
"""

from typing import Any

from torch import Tensor

from symmetry_constrained.kernels.eager import Forward, times_inputs
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, Samples
from symmetry_constrained.networks.mini_batches import Drawn

Place = tuple[int, slice, slice]  # sign, units and inputs of a copy of a layer's weights


class Averaged(Ensemble):
    """An ensemble of averaged networks; parameters, initial weights and penalty are those of f.

    f(x) + f(−x) is also one network with twice the hidden units, half of which see −x: so it is trained by the same
    kernels. The weights of that network are copies of f's, up to a sign, and the gradient by f's sums over the copies.
    """

    def __init__(self, architecture: Architecture, *args: Any, **kwargs: Any):
        """Arguments are those of `Ensemble`, for f."""
        super().__init__(architecture, *args, **kwargs)
        twice = tuple(2 * units for units in architecture.hidden_layers)
        self.doubled = Ensemble(Architecture(architecture.inputs, twice, architecture.classes), *args, **kwargs)
        self.doubled.penalty /= 2  # every weight is there twice

    def loss_and_gradient(
        self, rows: Tensor, samples: Samples | Drawn, lanes: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        loss, by_copies = self.doubled.loss_and_gradient(self.double(rows), samples, lanes)
        gradient = rows.new_zeros(rows.shape)
        for layer, copies, places in self._layers(gradient, by_copies):
            for sign, units, inputs in places:
                layer[:, :, :-1] += sign * copies[:, units, inputs]
                layer[:, :, -1] += copies[:, units, -1]
        return loss, gradient

    def double(self, rows: Tensor) -> Tensor:
        """Parameters (L, P) of f -> those of the network with twice the hidden units."""
        doubled = rows.new_zeros(len(rows), self.doubled.architecture.row_length)
        for layer, copies, places in self._layers(rows, doubled):
            for sign, units, inputs in places:
                copies[:, units, inputs] = sign * layer[:, :, :-1]
                copies[:, units, -1] += layer[:, :, -1]  # the logits' biases count twice
        return doubled

    def _layers(self, rows: Tensor, doubled: Tensor) -> list[tuple[Tensor, Tensor, list[Place]]]:
        """Each layer of f and of the doubled network, as views, and where the copies of the one are in the other.

        Both copies have the same inputs in the first layer, and the same units in the last, which adds the halves.
        """
        layers = self.architecture.split(rows)
        places = []
        for number, layer in enumerate(layers):
            _, units, columns = layer.shape
            first, last = number == 0, number == len(layers) - 1
            above = [slice(None)] * 2 if last else [slice(units), slice(units, None)]
            below = [slice(-1)] * 2 if first else [slice(columns - 1), slice(columns - 1, -1)]
            places.append(list(zip((1, -1 if first else 1), above, below, strict=True)))
        return list(zip(layers, self.doubled.architecture.split(doubled), places, strict=True))

    def _logits(self, networks: Forward, inputs: Tensor, products: Tensor) -> Tensor:
        # The plain sum, which is the same for x and −x to the last bit.
        logits = networks.forward(products)[-1].clone()
        negated = inputs.neg()
        negated[-1] = 1.0
        return logits.add_(networks.forward(times_inputs(networks.first, negated))[-1])
