"""The full and exact Hessian of a small network's loss.

The first layer, which holds most of the parameters, enters the loss through its pre-activations z = W₁x + b₁ alone. So
second derivatives are taken in z and in the later layers' parameters (110 products of a bias-free 64-10-5-10 instead of
740), and the chain rule, which is linear here, carries them to W₁.
"""

import numpy as np
import torch
from torch import Tensor

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Samples


def hessian(architecture: Architecture, row: np.ndarray, samples: Samples, penalty: float, biased: bool) -> np.ndarray:
    """Second derivatives (Q, Q), float64, of mean cross-entropy + penalty / 2 · Σ‖W‖² by the trainable parameters.

    row: parameters (P,), as in `networks`; Q of them are trainable, all but the biases unless `biased`. samples: in
    float64 on the CPU. The penalty is `networks`'s alpha / n.
    """
    fan_in, units = architecture.layers[0]
    parameters, size, inputs = torch.tensor(row), units * (fan_in + 1), samples.inputs  # (d + 1, n)
    later = parameters[size:].clone().requires_grad_()
    z = (parameters[:size].reshape(units, -1) @ inputs).requires_grad_()  # (units, n)
    loss = _cross_entropy(architecture, z, later, samples.minus_one_hot)
    by_z, by_later = torch.autograd.grad(loss, (z, later), create_graph=True)

    whole = torch.diag(torch.tensor(penalty * ~architecture.is_bias()))
    first = whole[:size, :size].view(units, fan_in + 1, units, fan_in + 1)
    for unit in range(units):
        # A sample's loss depends on its own z alone, so a sum over samples keeps their second derivatives apart.
        (of_unit,) = torch.autograd.grad(by_z[unit].sum(), z, retain_graph=True)  # (units, n)
        for other in range(unit + 1):
            block = (inputs * of_unit[other]) @ inputs.T
            first[unit, :, other] += block
            if other < unit:
                first[other, :, unit] += block.T
    for index in range(len(later)):
        cross, own = torch.autograd.grad(by_later[index], (z, later), retain_graph=True)
        by_first = (cross @ inputs.T).flatten()
        whole[size + index, :size] += by_first
        whole[:size, size + index] += by_first
        whole[size + index, size:] += own
    keep = architecture.trainable(biased)
    kept = whole.numpy()[np.ix_(keep, keep)]
    return (kept + kept.T) / 2


def _cross_entropy(architecture: Architecture, z: Tensor, later: Tensor, minus_one_hot: Tensor) -> Tensor:
    """The mean over n samples, from the first layer's pre-activations (units, n) and the later layers' parameters."""
    start = 0
    for fan_in, fan_out in architecture.layers[1:]:
        stop = start + fan_out * (fan_in + 1)
        layer = later[start:stop].reshape(fan_out, fan_in + 1)
        z, start = layer[:, :-1] @ z.tanh() + layer[:, -1:], stop
    return (z.log_softmax(0) * minus_one_hot).sum() / z.shape[1]
