"""The arithmetic of training: floating-point operations of its matrix products, from their shapes."""

from symmetry_constrained.networks.architecture import Architecture


def flop_per_evaluation(architecture: Architecture, biased: bool, samples: int, averaged: bool = False) -> int:
    """One evaluation of the loss and its gradient on n samples, in FLOP.

    A product with a (fan_out x fan_in) matrix costs 2·fan_in·fan_out per sample, and a bias fan_out. Each layer has
    one going forward and one for its weights' gradient; every layer but the first has one more for the gradient of
    its input. Transcendental functions and the optimiser's own algebra are left out. averaged: the logits are
    f(x) + f(−x), which takes each sample through the network twice; adding the two is left out.
    """
    forward = sum(2 * fan_in * fan_out + biased * fan_out for fan_in, fan_out in architecture.layers)
    inputs = sum(2 * fan_in * fan_out for fan_in, fan_out in architecture.layers[1:])
    return (1 + averaged) * samples * (2 * forward + inputs)
