"""Mini-batches that each network of an ensemble draws for itself."""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor


class MiniBatches:
    """The samples from which L networks draw, laid out so that a draw copies whole samples."""

    def __init__(self, inputs: Tensor, index: Tensor, classes: int):
        """inputs (d + 1, n), the last row ones; index (n,): the labels, 0 to classes - 1."""
        self.inputs = inputs.T.contiguous()  # (n, d + 1)
        self.index, self.classes = index, classes

    def __len__(self) -> int:
        return len(self.index)

    def draw(self, places: Tensor) -> "Drawn":
        """places (L, b): which of the samples each network draws."""
        flat = places.flatten()
        inputs = self.inputs.index_select(0, flat).view(*places.shape, -1)
        return Drawn(inputs.mT, self.index.index_select(0, flat).view(places.shape), self.classes)


@dataclass(frozen=True)
class Drawn:
    """b samples of its own for each of L networks."""

    inputs: Tensor  # (L, d + 1, b), the last row ones
    index: Tensor  # (L, b): the labels
    classes: int

    def __len__(self) -> int:
        return self.index.shape[1]

    @functools.cached_property
    def minus_one_hot(self) -> Tensor:
        """(L, classes, b): -1 at the label, 0 elsewhere."""
        classes = torch.arange(self.classes, dtype=self.index.dtype, device=self.index.device)
        return (self.index[:, None] == classes[:, None]).to(self.inputs.dtype).neg_()

    def of_true_class(self, values: Tensor, block: slice) -> Tensor:
        """Values (L, classes, b) of a block of the samples -> those of their true classes, (L, b)."""
        return values.gather(1, self.index[:, None, block].to(torch.int64))[:, 0]

    def of_networks(self, networks: slice) -> "Drawn":
        """Those of some of the networks."""
        return Drawn(self.inputs[networks], self.index[networks], self.classes)
