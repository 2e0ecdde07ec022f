"""The speed limit of this machine: its peaks, measured, and the least time that they allow for an evaluation.

One evaluation of the loss and its gradient, of one network among K that are evaluated together on n samples, takes

    seconds >= max( FLOP / matrix peak + tanh calls / tanh rate + exp calls / exp rate,  bytes / bandwidth )

with the FLOP of `costs.flop_per_evaluation`, a tanh per sample and hidden unit, an exp per sample and class (the
softmax), and the inputs read from memory once for all K networks, n·d numbers / K each. The matrix peak is that of a
large square product, so a network's narrow layers count as if they were as fast.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.costs import flop_per_evaluation

SIDE = {"cpu": 1536, "cuda": 8192}  # of the square matrices
CACHED = {"cpu": 32_768, "cuda": 2**26}  # elements of tanh and exp: 128 kB fit a core's cache; a GPU's is small
STREAMED = 2**26  # elements read for the bandwidth: 256 MB, beyond the caches
BLOCK_SECONDS = 0.05
BYTES = 4  # of a float32


@dataclass(frozen=True)
class Peaks:
    """The rates per second of one core while all are busy, or of the whole GPU, in float32."""

    flop: float  # of a large matrix product
    tanh: float  # elements
    exp: float  # elements
    bandwidth: float  # bytes read from memory


def measure(task: dict) -> Callable[[], dict]:
    """Peaks of the device in this process, for `parallel.run`; task: device, and seconds for each peak."""
    device = torch.device(task["device"])
    generator = torch.Generator().manual_seed(0)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator).to(device)

    side, cached = SIDE[device.type], CACHED[device.type]
    left, right, elements, streamed = numbers(side, side), numbers(side, side), numbers(cached), numbers(STREAMED)
    product, values = torch.empty_like(left), torch.empty_like(elements)
    work = {
        "flop": (lambda: torch.mm(left, right, out=product), 2 * side**3),
        "tanh": (lambda: torch.tanh(elements, out=values), cached),
        "exp": (lambda: torch.exp(elements, out=values), cached),
        "bandwidth": (lambda: torch.dot(streamed, streamed), BYTES * STREAMED),
    }

    def measured() -> dict:
        rates = {
            name: amount * _calls_per_second(call, task["seconds"], device) for name, (call, amount) in work.items()
        }
        return asdict(Peaks(**rates))

    return measured


def _calls_per_second(call: Callable[[], object], seconds: float, device: torch.device) -> float:
    """The best of blocks of calls within so many seconds."""

    def timed(count: int) -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        for _ in range(count):
            call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    timed(1)
    count = max(1, round(BLOCK_SECONDS / max(timed(3) / 3, 1e-9)))
    best, ends = 0.0, time.perf_counter() + seconds
    while best == 0.0 or time.perf_counter() < ends:
        best = max(best, count / timed(count))
    return best


def best(measured: list[list[dict]]) -> Peaks:
    """The best of several rounds for each peak, where a round counts with the mean of its parallel processes."""
    return Peaks(
        **{
            name: max(float(np.mean([peaks[name] for peaks in processes])) for processes in measured)
            for name in Peaks.__dataclass_fields__
        }
    )


def least_seconds(architecture: Architecture, samples: int, networks: int, peaks: Peaks) -> float:
    """The least seconds of one evaluation of one biased network among `networks` evaluated together."""
    computing = (
        flop_per_evaluation(architecture, True, samples) / peaks.flop
        + samples * sum(architecture.units) / peaks.tanh
        + samples * architecture.classes / peaks.exp
    )
    return max(computing, input_bytes(architecture, samples) / networks / peaks.bandwidth)


def input_bytes(architecture: Architecture, samples: int) -> int:
    """The training inputs in float32."""
    return BYTES * samples * architecture.inputs


def intensity(architecture: Architecture, samples: int, networks: int) -> float:
    """FLOP per byte of inputs read, with `networks` evaluated together."""
    return networks * flop_per_evaluation(architecture, True, samples) / input_bytes(architecture, samples)
