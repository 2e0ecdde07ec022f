"""Float32 products on a GPU's bfloat16 units: whether they are worth the trouble.

A byte is exact in bfloat16, and a float32 number is the sum of three bfloat16 numbers to its last bit. So images times
weights in float32 are three products in bfloat16, summed in float32: one product of the three parts side by side. The
smallest part goes first, since these units cut off what is far below the sum so far. For the gradient by the weights
the other factor is split, and the sum over the samples is taken in parts, for the same reason.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

REPEATS = 15
SUMMED = 1000  # samples that bfloat16 units sum; float32 sums the sums
CHECKED = 2048  # samples whose products are compared with float64


def split(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Three bfloat16 tensors, the smallest first, whose sum is the float32 one."""
    high = values.to(torch.bfloat16)
    rest = values - high
    middle = rest.to(torch.bfloat16)
    return (rest - middle).to(torch.bfloat16), middle, high


def measure(networks: int, units: int, pixels: int, samples: int, device: torch.device) -> dict[str, float]:
    """Milliseconds and relative errors of the two products with images that an evaluation of K networks takes.

    forward: weights (K·units, d) times images (d, n). back: gradients (K·units, n) times images (n, d).
    """
    generator = torch.Generator(device=device).manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=device)

    images = torch.randint(0, 256, (pixels, samples), generator=generator, device=device).to(torch.bfloat16)
    weights, gradients = normal(networks * units, pixels), normal(networks * units, samples)
    single, three, rows = images.float(), images.repeat(3, 1), images.mT.contiguous()
    parts = samples // SUMMED

    def forward() -> Tensor:
        return torch.mm(torch.cat(split(weights), 1), three, out_dtype=torch.float32)

    def back() -> Tensor:
        chunks = rows.view(parts, SUMMED, pixels)
        sums = [part.view(-1, parts, SUMMED).transpose(0, 1) for part in split(gradients)]
        return torch.stack([torch.bmm(part, chunks, out_dtype=torch.float32).sum(0) for part in sums]).sum(0)

    products = {
        "forward_float32": lambda: torch.mm(weights, single),
        "forward_bfloat16": forward,
        "back_float32": lambda: torch.mm(gradients, single.mT),
        "back_bfloat16": back,
    }
    exact = {
        "forward": weights.double() @ single[:, :CHECKED].double(),
        "back": sum(
            g.double() @ x.double().mT
            for g, x in zip(gradients.split(CHECKED, 1), single.split(CHECKED, 1), strict=True)
        ),
    }
    result: dict[str, float] = {"networks": networks, "pixels": pixels, "samples": samples}
    for name, product in products.items():
        reference = exact[name.partition("_")[0]]
        found = product()[:, : reference.shape[1]].double()
        result[f"{name}_error"] = float((found - reference).norm() / reference.norm())
        result[f"{name}_milliseconds"] = _milliseconds(product)
    return result


def _milliseconds(call: Callable[[], object]) -> float:
    """The median of repeated calls, by the device's own clock."""
    times = []
    for _ in range(REPEATS):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return float(np.median(times))
