"""The kernels in compiled code, for the CPU; what is not compiled is PyTorch's.

Compiled are the L-BFGS algebra, and the loss and gradient of tanh networks in float32.
"""

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels.compiled import Library
from symmetry_constrained.kernels.eager import Eager, Layers, Networks, Samples
from symmetry_constrained.kernels.memory import Memory

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
        self.library.through_layers(
            *(len(self.units), len(self.rows), products.shape[1], self.units),
            *(products, self.rest, samples.index[block], self.loss, self.by_rest),
        )

    def finish(self, penalty: Tensor, trainable: Tensor, numbers: Tensor, samples: int, gradient: Tensor) -> Tensor:
        masks = penalty, numbers, trainable
        self.library.penalise(*self.shape, samples, self.rows, *masks, self.by_first, self.by_rest, self.loss, gradient)
        return self.loss


class RecursiveMemory(Memory):
    """By the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), lane after lane on the CPU.

    The pairs are kept in the precision of the evaluations, half the memory to read for float32; sums are in float64.
    """

    def __init__(self, library: Library, x: Tensor, capacity: int, dtype: torch.dtype):
        super().__init__(len(x), capacity)
        self.library = library
        self.sy = np.ones((len(x), capacity))  # (K, m) s·y by slot
        # m steps s, then m gradient differences y, each from the start of a cache line. A lane's pairs are at its place
        # and stay there when other lanes leave.
        self.pairs = torch.zeros(len(x), 2 * capacity, -(-x.shape[1] // LINE) * LINE, dtype=dtype)
        self.place = np.arange(len(x))

    def _append(
        self,
        moved: np.ndarray,
        lanes: np.ndarray,
        slots: np.ndarray,
        curvature: np.ndarray,
        step: np.ndarray,
        d: Tensor,
        g: Tensor,
        r: Tensor,
    ) -> np.ndarray:
        self.sy[lanes, slots] = curvature
        yy = np.empty(len(lanes))
        shape = len(lanes), d.shape[1], self.pairs.shape[2], self.capacity
        self.library.remember(*shape, lanes, self.place, slots, step, d, g, r, self.pairs, yy)
        return yy

    def descend(self, lanes: np.ndarray, t: Tensor, r: Tensor, z: Tensor, d: Tensor) -> np.ndarray:
        slope = np.zeros(len(t))
        shape = *t.shape, self.pairs.shape[2], self.capacity
        numbers = lanes, self.place, self.count, self.newest, self.sy, self.theta
        self.library.descend(*shape, *numbers, self.pairs, t, r, z, d, slope)
        return slope


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

    def memory(self, x: Tensor, capacity: int, dtype: torch.dtype) -> Memory:
        return RecursiveMemory(self.library, x, capacity, dtype)

    def measure(self, f: Tensor, g: Tensor, d: Tensor) -> np.ndarray:
        numbers = np.empty((3, len(f)))
        numbers[0] = f
        self.library.slopes(*g.shape, g, d, numbers[1], numbers[2])
        return numbers

    def trials(self, step: np.ndarray, t: Tensor, d: Tensor, z: Tensor, out: Tensor) -> None:
        self.library.trials(*t.shape, step, t, d, z, out)

    def copy_rows(self, mask: np.ndarray, source: Tensor, target: Tensor) -> None:
        self.library.copy_rows(*source.shape, mask, source, target)


def _compiled(layers: Layers) -> bool:
    """Whether there is compiled code for such networks."""
    return layers.dtype == torch.float32 and layers.activation.name == "tanh"
