"""The kernels in compiled code, for the CPU; what is not compiled is PyTorch's.

Compiled are the L-BFGS algebra, and the loss and gradient of tanh networks in float32.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.kernels.compiled import Library
from symmetry_constrained.kernels.eager import Eager, Layers, Masks, Room, Samples, add_outer, times_inputs
from symmetry_constrained.kernels.lanes import Evaluate, Lanes
from symmetry_constrained.kernels.signatures import Repeated
from symmetry_constrained.kernels.steps import Limits, Moves, Steps

# Activations are read and written once: samples to a block, and bytes of the first layer's activations in it.
SAMPLE_BLOCK, BLOCK_BYTES = 1024, 5_242_880
LINE = 16  # float32 numbers of a cache line


class NativePass:
    """Evaluates tanh networks in float32 as `Eager.evaluation` says, by calls that are prepared once."""

    def __init__(
        self,
        library: Library,
        layers: Layers,
        rows: Tensor,
        samples: Samples,
        masks: Masks,
        room: Room,
        gradient: Tensor,
    ):
        inputs, *units = layers.sizes
        lanes, n, sizes = *rows.shape, np.array(units)
        shape, count = (lanes, n, units[0], inputs), len(samples)
        self.first, self.by_first = (torch.empty(lanes * units[0], inputs) for _ in range(2))
        rest, by_rest = (torch.empty(lanes, n - units[0] * inputs) for _ in range(2))
        self.loss, sums = torch.empty(lanes, dtype=torch.float64), (self.by_first, by_rest)
        self.begin = library.unpack(*shape, rows, self.first, rest, *sums, self.loss, prepare=True)
        self.blocks: list[tuple[Tensor, Any, Callable]] = []  # inputs, room for the products, what follows
        for start in range(0, count, SAMPLE_BLOCK):
            place = slice(start, min(start + SAMPLE_BLOCK, count))
            labels, products = samples.index[..., place].contiguous(), room(lanes * units[0], place.stop - start)
            apart = labels.shape[-1] if labels.dim() == 2 else 0
            through_layers = library.through_layers(
                *(len(units), lanes, labels.shape[-1], apart, sizes),
                *(products, rest, labels, self.loss, by_rest),
                prepare=True,
            )
            self.blocks.append((samples.inputs[..., :inputs, place], products, through_layers))
        penalty, trainable, numbers = masks
        self.finish = library.penalise(
            *(*shape, count, rows, penalty, numbers, trainable, *sums, self.loss, gradient), prepare=True
        )

    def __call__(self) -> Tensor:
        self.begin()
        for inputs, products, through_layers in self.blocks:
            times_inputs(self.first, inputs, products)
            through_layers()
            add_outer(self.by_first, products, inputs)
        self.finish()
        return self.loss


class NativeLanes(Lanes):
    """By the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), lane after lane on the CPU.

    The pairs are kept in the precision of the evaluations, half the memory to read for float32; sums are in float64.
    """

    compact_below = 1.0

    def __init__(self, library: Library, x: Tensor, capacity: int, dtype: torch.dtype):
        super().__init__(len(x), capacity)
        self.library = library
        self.numbers = torch.arange(len(x))
        self.x = x.clone()
        self.t, self.r, self.g, self.d = (torch.zeros_like(x) for _ in range(4))
        self.sy = np.ones((len(x), capacity))  # (K, m) s·y by slot
        # m steps s, then m gradient differences y, each from the start of a cache line. A lane's pairs are at its place
        # and stay there when other lanes leave.
        self.pairs = torch.zeros(len(x), 2 * capacity, -(-x.shape[1] // LINE) * LINE, dtype=dtype)
        self.place = np.arange(len(x))
        self._make_room()

    def _make_room(self) -> None:
        """For what is computed in every tick, so that calls have the same arrays again."""
        lanes, library = len(self.x), self.library
        self._f = torch.empty(lanes, dtype=torch.float64)
        self._measured = self._f.numpy(), *np.empty((2, lanes))
        self._judged = reals, masks = np.empty((3, lanes)), np.empty((3, lanes), dtype=bool)
        self._moves = Moves(reals[0], reals[1], masks[0], masks[1], masks[2], reals[2])
        self._lost = np.empty(lanes, dtype=bool)
        self._judge, self._advance, self._slopes = map(Repeated, (library.judge, library.advance, library.slopes))

    def select(self, lanes: np.ndarray) -> Self:
        other = super().select(lanes)
        for name in ("numbers", "x", "t", "r", "d"):
            setattr(other, name, getattr(self, name)[torch.from_numpy(lanes)])
        other._make_room()
        return other

    def evaluate(self, evaluate: Evaluate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        f, g = evaluate(self.x, self.numbers)
        self._f.copy_(f)
        self.g = g.to(torch.float64).contiguous()
        self._slopes(tuple(self.x.shape), self.g, self.d, *self._measured[1:])
        return self._measured

    def judge(self, s: Steps, largest: np.ndarray, slope: np.ndarray, limits: Limits) -> Moves:
        self._judge(
            (len(s.f), *limits[:2]),
            *(limits.tolerances, s.f, largest, slope, self.slope, self.count),
            *(s.fold, s.search, s.trials, s.iterations, s.evaluations, s.status, *self._judged),
        )
        return self._moves

    def advance(self, moves: Moves) -> np.ndarray:
        self._advance(
            (*self.x.shape, self.pairs.shape[2], self.capacity),
            *(*moves, self.place, self.count, self.newest, self.sy, self.theta, self.pairs),
            *(self.x, self.t, self.g, self.r, self.d, self.slope, self._lost),
        )
        return self._lost


class Native(Eager):
    """The kernels, compiled where they are. Tensors are contiguous and on the CPU, vectors in float64."""

    def __init__(self, library: Library):
        self.library = library

    def evaluation(
        self, layers: Layers, rows: Tensor, samples: Samples, masks: Masks, room: Room, gradient: Tensor
    ) -> Callable[[], Tensor]:
        if not _compiled(layers):
            return super().evaluation(layers, rows, samples, masks, room, gradient)
        return NativePass(self.library, layers, rows, samples, masks, room, gradient)

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
