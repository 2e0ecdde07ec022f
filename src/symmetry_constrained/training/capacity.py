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
from symmetry_constrained.networks.architecture import Architecture
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


def plan(layers: Layers, networks: int, samples: list[int], checkpoints: int, device: torch.device) -> Plan:
    """The most networks at once, with the largest blocks, that fit on the device.

    samples: how many are in each set that is on the device. checkpoints: how often parameters are kept on the way.
    ValueError in one line where a GPU is too small for a single network.
    """
    sets, free = sum(_samples_bytes(layers, count) for count in samples), _free_bytes(device)
    for together, block in _choices(networks, layers.block_bytes):
        needed = WORKSPACES + sets + _working_bytes(layers, together, max(samples), checkpoints, block)
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


def _working_bytes(layers: Layers, networks: int, samples: int, checkpoints: int, block_bytes: int) -> int:
    """So many networks in training, beside the samples."""
    inputs, *units = layers.sizes
    parameters = Architecture(inputs, tuple(units[:-1]), units[-1]).row_length
    # The lanes' vectors, and those that stay when others leave; initial and final parameters, gradients, masks.
    rows = 2 * (2 * MEMORY + OTHER_ROWS) + checkpoints + 5
    # While they are evaluated: parameters and gradients in the samples' precision, the penalty, the masks.
    evaluated = min(networks, layers.lane_block)
    passing = evaluated * parameters * (4 * layers.dtype.itemsize + 3 * FLOAT64)
    width = min(samples, max(256, block_bytes // (evaluated * max(units) * layers.dtype.itemsize)))
    # The products with the inputs, each hidden layer with a row of ones, each layer above; judging takes three more of
    # the logits, and what is neither tanh nor relu one more of the widest layer.
    numbers = units[0] + sum(hidden + 1 for hidden in units[:-1]) + sum(units[1:]) + 3 * units[-1] + max(units)
    return networks * parameters * rows * FLOAT64 + passing + evaluated * width * numbers * layers.dtype.itemsize


def _free_bytes(device: torch.device) -> float:
    """Free memory of a GPU, with what PyTorch holds there unused. The CPU's is not planned."""
    if device.type != "cuda":
        return math.inf
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
