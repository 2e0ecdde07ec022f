"""The arithmetic of training: floating-point operations of its matrix products, from their shapes."""

from symmetry_constrained import layers
from symmetry_constrained.networks.architecture import Architecture

# How often a sample goes through the first layer and through the layers above, by how the network averages.
PASSES = {"none": (1, 1), "logits": (2, 2), "units": (2, 1)}


def flop_per_evaluation(architecture: Architecture, biased: bool, samples: int, averaging: str = "none") -> int:
    """One evaluation of the loss and its gradient on n samples, in FLOP.

    A product with a (fan_out x fan_in) matrix costs 2·fan_in·fan_out per sample, and a bias fan_out. Each layer has
    one going forward and one for its weights' gradient; every layer but the first has one more for the gradient of
    its input. A convolution has all of it at every pixel. A network that averages over {1, −1} has them for x and for
    −x, as far as the two go apart. Sums of the two, averages of a convolution's numbers, transcendental functions and
    the optimiser's own algebra are left out.
    """
    places = layers.places(architecture.inputs, architecture.hidden_layers)
    first, *above = (2 * fan_in * fan_out * n for (fan_in, fan_out), n in zip(architecture.layers, places, strict=True))
    bias, *biases = (biased * fan_out * n for (_, fan_out), n in zip(architecture.layers, places, strict=True))
    below, onwards = PASSES[averaging]
    return samples * (below * 2 * (first + bias) + onwards * (3 * sum(above) + 2 * sum(biases)))
