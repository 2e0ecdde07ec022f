"""What training costs in arithmetic: floating-point operations of the matrix products, counted by hand."""

from symmetry_constrained.features.inversion import feature_count
from symmetry_constrained.networks.ensemble import Architecture

# Operations per feature: a product or a modulus; canonical sums the pixels and then gives each its sign.
PER_FEATURE = {"identity": 0, "square": 1, "neighbour": 1, "permuted": 1, "quadratic": 1, "absolute": 1, "canonical": 2}


def flop_per_evaluation(architecture: Architecture, biased: bool, samples: int) -> int:
    """One evaluation of the loss and its gradient on n samples, in FLOP.

    A product with a (fan_out x fan_in) matrix costs 2·fan_in·fan_out per sample, and a bias fan_out. Each layer has
    one going forward and one for its weights' gradient; every layer but the first has one more for the gradient of
    its input. Transcendental functions and the optimiser's own algebra are left out.
    """
    forward = sum(2 * fan_in * fan_out + biased * fan_out for fan_in, fan_out in architecture.layers)
    inputs = sum(2 * fan_in * fan_out for fan_in, fan_out in architecture.layers[1:])
    return samples * (2 * forward + inputs)


def feature_flop(features: str, pixels: int, images: int) -> int:
    """A feature map on so many images, in FLOP. Finding a pixel's partner is no arithmetic, so it is left out.

    ValueError in one line for an unknown map.
    """
    if features not in PER_FEATURE:
        raise ValueError(f"features: {features!r} is unknown; choose one of {', '.join(PER_FEATURE)}")
    return PER_FEATURE[features] * feature_count(features, pixels) * images
