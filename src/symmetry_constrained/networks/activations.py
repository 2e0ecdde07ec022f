"""Activation functions of the hidden layers, by name. To add one: an entry here, and the audit's own version of it.

The names are readable without PyTorch, which is imported where a function is called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """An elementwise function and its slope."""

    name: str
    value: Callable[["Tensor", "Tensor"], None]  # (z, out): write the values at the pre-activations z
    slope: Callable[["Tensor", "Tensor", "Tensor"], None]  # (delta, at, out): write delta times the slope
    from_output: bool  # whether `at` is the activations, which are at hand, or else the pre-activations, to be kept
    odd: bool  # f(-z) = -f(z): a network without biases is then odd too
    scikit_learn: str | None  # MLPClassifier's name for it, if it has one


def of(name: str) -> Activation:
    """The activation of that name. ValueError in one line if there is none."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: {name!r} is unknown; choose {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _tanh(z: "Tensor", out: "Tensor") -> None:
    import torch

    torch.tanh(z, out=out)


def _tanh_slope(delta: "Tensor", at: "Tensor", out: "Tensor") -> None:
    """delta (1 - at²)."""
    import torch

    torch.ops.aten.tanh_backward.grad_input(delta, at, grad_input=out)


def _relu(z: "Tensor", out: "Tensor") -> None:
    import torch

    torch.clamp_min(z, 0, out=out)


def _relu_slope(delta: "Tensor", at: "Tensor", out: "Tensor") -> None:
    """delta where at > 0, else 0, as scikit-learn has it."""
    import torch

    torch.ops.aten.threshold_backward.grad_input(delta, at, 0, grad_input=out)


def _gelu(z: "Tensor", out: "Tensor") -> None:
    """z Φ(z), with Φ the standard normal distribution function (Hendrycks and Gimpel 2016); not the approximation."""
    import torch

    out.copy_(torch.nn.functional.gelu(z))  # in float32, PyTorch 2.14 writes wrong values to an `out` with gaps


def _gelu_slope(delta: "Tensor", at: "Tensor", out: "Tensor") -> None:
    """delta (Φ(at) + at φ(at))."""
    import torch

    torch.ops.aten.gelu_backward.grad_input(delta, at, grad_input=out)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("tanh", _tanh, _tanh_slope, from_output=True, odd=True, scikit_learn="tanh"),
        Activation("relu", _relu, _relu_slope, from_output=True, odd=False, scikit_learn="relu"),
        Activation("gelu", _gelu, _gelu_slope, from_output=False, odd=False, scikit_learn=None),
    )
}
