"""How much of a training batch fits on a GPU at once: the memory it takes, planned before it is taken.

The samples stay on the card. Networks that do not fit together are trained in groups, one after the other, and the
samples go through their layers in smaller blocks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from symmetry_constrained.kernels.batched import OTHER_ROWS
from symmetry_constrained.kernels.eager import Layers
from symmetry_constrained.optim import adam
from symmetry_constrained.optim.lbfgs import MEMORY

SHARE = 0.9  # of the free memory; the rest is for libraries and for what is left between blocks of memory
# Bytes of the widest layer's activations. An H100 takes 5 % longer with the first than with sixteen times as much.
EFFICIENT_BLOCK, SMALLEST_BLOCK = 2**24, 2**20
WORKSPACES = 2 * 2**25  # bytes that cuBLAS takes on an H100, for PyTorch's stream and for the recording's
FLOAT64 = 8  # bytes


@dataclass(frozen=True)
class Plan:
    """How a batch is trained on its device."""

    networks: int  # of the batch
    together: int  # of them, trained at once
    block_bytes: int  # of the widest layer's activations, for `Layers`
    needed: int  # bytes on a GPU


def plan(
    layers: Layers,
    networks: int,
    samples: list[int],
    checkpoints: int,
    device: torch.device,
    trained: Layers | None = None,
    optimiser: str = "lbfgs",
) -> Plan:
    """The most networks at once, with the largest blocks, that fit on the device.

    samples: how many are in each set that is on the device, the training set first. checkpoints: how often parameters
    are kept on the way. trained: the layers that training goes through, if they are others. ValueError in one line
    where a GPU is too small for a single network.
    """
    trained = trained or layers
    sets, free = sum(_samples_bytes(layers, count) for count in samples), _free_bytes(device)
    rows = 2 * (2 * MEMORY + OTHER_ROWS)  # the lanes' vectors, and those that stay when others leave
    if optimiser == "adam":
        rows = adam.ROWS
        # Inputs once more, sample by sample, and the mini-batches that are drawn at once.
        drawn = _samples_bytes(layers, networks * min(adam.BATCH, samples[0]))
        sets += _samples_bytes(layers, samples[0]) + 2 * min(adam.DRAWN_BYTES["cuda"], drawn)
    kept = (rows + checkpoints + 5) * layers.row_length  # initial and final parameters, gradients, masks
    kept += 3 * trained.row_length * (trained is not layers)  # parameters, gradients and masks there
    for together, block in _choices(networks, layers.block_bytes):
        working = _working_bytes(trained, together, max(samples), block)
        needed = WORKSPACES + sets + together * kept * FLOAT64 + working
        if needed <= SHARE * free:
            return Plan(networks, together, block, needed)
    has, takes, images = (f"{value / 1e9:.2g} GB" for value in (free, needed, sets))
    raise ValueError(
        f"device: {device} has {has} free, and one network alone takes {takes}, {images} of it for images: "
        "lower fractions or hidden_layers, or choose cpu"
    )


def _choices(networks: int, block_bytes: int) -> Iterator[tuple[int, int]]:
    """Networks at once and bytes of a block, the fastest first."""
    together, block = networks, block_bytes
    yield together, block
    while block > EFFICIENT_BLOCK:
        block //= 2
        yield together, block
    while together > 1:
        together = -(-together // 2)
        yield together, block
    while block > SMALLEST_BLOCK:
        block //= 2
        yield together, block


def _samples_bytes(layers: Layers, count: int) -> int:
    """So many samples: inputs with a row of ones, one-hot labels, labels, and their places among the logits."""
    return count * ((layers.sizes[0] + 1 + layers.sizes[-1]) * layers.dtype.itemsize + 2 * torch.int32.itemsize)


def _working_bytes(layers: Layers, networks: int, samples: int, block_bytes: int) -> int:
    """So many networks while they are evaluated."""
    units = layers.sizes[1:]
    # Parameters and gradients in the samples' precision, the penalty, the masks.
    evaluated = min(networks, layers.lane_block)
    passing = evaluated * layers.row_length * (4 * layers.dtype.itemsize + 3 * FLOAT64)
    width = min(samples, max(256, block_bytes // (evaluated * max(units) * layers.dtype.itemsize)))
    # The products with the inputs, each hidden layer with a row of ones, each layer above; judging takes three more of
    # the logits, and what is neither tanh nor relu one more of the widest layer.
    numbers = units[0] + sum(hidden + 1 for hidden in units[:-1]) + sum(units[1:]) + 3 * units[-1] + max(units)
    return passing + evaluated * width * numbers * layers.dtype.itemsize


def _free_bytes(device: torch.device) -> float:
    """Free memory of a GPU, with what PyTorch holds there unused. The CPU's is not planned."""
    if device.type != "cuda":
        return math.inf
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
