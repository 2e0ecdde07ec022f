"""The kernels in compiled code, for the CPU; what is not compiled is PyTorch's.

Compiled are the L-BFGS algebra, and the loss and gradient of tanh networks in float32.
"""

from typing import Self

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels.compiled import Library
from symmetry_constrained.kernels.eager import Eager, Layers, Networks, Samples, add_outer
from symmetry_constrained.kernels.lanes import Evaluate, Lanes

# Activations are read and written once: samples to a block, and bytes of the first layer's activations in it.
SAMPLE_BLOCK, BLOCK_BYTES = 1024, 5_242_880
LINE = 16  # float32 numbers of a cache line


class NativePass:
    """`Networks` for tanh in float32."""

    def __init__(self, library: Library, layers: Layers, rows: Tensor):
        """rows: parameters (L, P) in float64, contiguous."""
        self.library, self.rows = library, rows
        inputs, *units = layers.sizes
        self.sample_block = SAMPLE_BLOCK
        self.units = np.array(units)
        self.shape = (*rows.shape, units[0], inputs)
        self.first = torch.empty(rows.shape[0] * units[0], inputs)
        self.rest = torch.empty(rows.shape[0], rows.shape[1] - units[0] * inputs)
        library.unpack(*self.shape, rows, self.first, self.rest)
        self.by_first, self.by_rest = torch.zeros_like(self.first), torch.zeros_like(self.rest)
        self.loss = torch.zeros(rows.shape[0], dtype=torch.float64)

    def through_layers(self, products: Tensor, samples: Samples, block: slice) -> None:
        width = products.shape[1]
        labels = samples.index[..., block].contiguous()
        apart = width if labels.dim() == 2 else 0
        self.library.through_layers(
            *(len(self.units), len(self.rows), width, apart, self.units),
            *(products, self.rest, labels, self.loss, self.by_rest),
        )

    def through_first(self, products: Tensor, inputs: Tensor) -> None:
        add_outer(self.by_first, products, inputs)

    def finish(self, penalty: Tensor, trainable: Tensor, numbers: Tensor, samples: int, gradient: Tensor) -> Tensor:
        masks = penalty, numbers, trainable
        self.library.penalise(*self.shape, samples, self.rows, *masks, self.by_first, self.by_rest, self.loss, gradient)
        return self.loss


class NativeLanes(Lanes):
    """By the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), lane after lane on the CPU.

    The pairs are kept in the precision of the evaluations, half the memory to read for float32; sums are in float64.
    """

    compact_below = 0.75

    def __init__(self, library: Library, x: Tensor, capacity: int, dtype: torch.dtype):
        super().__init__(len(x), capacity)
        self.library = library
        self.lane = np.arange(len(x))
        self.f = np.zeros(len(x))
        self.x = x.clone()
        self.t, self.r, self.g, self.z, self.d = (torch.zeros_like(x) for _ in range(5))
        self.sy = np.ones((len(x), capacity))  # (K, m) s·y by slot
        # m steps s, then m gradient differences y, each from the start of a cache line. A lane's pairs are at its place
        # and stay there when other lanes leave.
        self.pairs = torch.zeros(len(x), 2 * capacity, -(-x.shape[1] // LINE) * LINE, dtype=dtype)
        self.place = np.arange(len(x))

    def select(self, lanes: np.ndarray) -> Self:
        other = super().select(lanes)
        for name in ("x", "t", "r", "g", "z", "d"):
            setattr(other, name, getattr(self, name)[torch.from_numpy(lanes)])
        return other

    def evaluate(self, evaluate: Evaluate, live: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if live.all():
            f, g = evaluate(self.x, torch.from_numpy(self.lane))
            self.f, self.g = f.to(torch.float64).numpy(), g.to(torch.float64).contiguous()
        else:
            lanes = np.flatnonzero(live)
            f, g = evaluate(self.x.index_select(0, torch.from_numpy(lanes)), torch.from_numpy(self.lane[live]))
            self.f = self.f.copy()
            self.f[lanes] = f.to(torch.float64).numpy()
            self.g.index_copy_(0, torch.from_numpy(lanes), g.to(torch.float64))
        largest, slope = np.empty((2, len(self.f)))
        self.library.slopes(*self.g.shape, self.g, self.d, largest, slope)
        return self.f, largest, slope

    def _append(self, lanes: np.ndarray, slots: np.ndarray, curvature: np.ndarray, step: np.ndarray) -> np.ndarray:
        self.sy[lanes, slots] = curvature
        yy = np.empty(len(lanes))
        shape = len(lanes), self.d.shape[1], self.pairs.shape[2], self.capacity
        vectors = self.d, self.g, self.r
        self.library.remember(*shape, lanes, self.place, slots, step, *vectors, self.pairs, yy)
        return yy

    def move(self, lanes: np.ndarray) -> None:
        if lanes.all():
            # The next trial and its gradient will overwrite the old t and r.
            self.t, self.x, self.r, self.g = self.x, self.t, self.g, self.r
            return
        self.library.copy_rows(*self.x.shape, lanes, self.x, self.t)
        self.library.copy_rows(*self.x.shape, lanes, self.g, self.r)

    def descend(self, lanes: np.ndarray) -> np.ndarray:
        slope = np.zeros(len(lanes))
        shape = *self.t.shape, self.pairs.shape[2], self.capacity
        numbers = lanes, self.place, self.count, self.newest, self.sy, self.theta
        self.library.descend(*shape, *numbers, self.pairs, self.t, self.r, self.z, self.d, slope)
        self.slope = np.where(lanes, slope, self.slope)
        return slope

    def go(self, step: np.ndarray) -> None:
        self.library.trials(*self.t.shape, step, self.t, self.d, self.z, self.x)


class Native(Eager):
    """The kernels, compiled where they are. Tensors are contiguous and on the CPU, vectors in float64."""

    def __init__(self, library: Library):
        self.library = library

    def networks(self, layers: Layers, rows: Tensor) -> Networks:
        return NativePass(self.library, layers, rows) if _compiled(layers) else super().networks(layers, rows)

    def lane_block(self, layers: Layers, samples: int) -> int:
        if not _compiled(layers):
            return super().lane_block(layers, samples)
        activations = min(samples, SAMPLE_BLOCK) * layers.sizes[1] * layers.dtype.itemsize
        return max(1, BLOCK_BYTES // activations)

    def lanes(self, x: Tensor, capacity: int, dtype: torch.dtype, repeats: bool) -> Lanes:
        return NativeLanes(self.library, x, capacity, dtype)


def _compiled(layers: Layers) -> bool:
    """Whether there is compiled code for such networks."""
    return layers.dtype == torch.float32 and layers.activation.name == "tanh"
