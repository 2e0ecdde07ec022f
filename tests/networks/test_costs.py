"""The FLOP of one evaluation and of a feature map, by hand and against a count of every operation."""

import itertools

import numpy as np
import pytest

from symmetry_constrained.features.inversion import FEATURES, feature_flop
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.costs import PASSES, flop_per_evaluation
from symmetry_constrained.networks.registry import AVERAGING

PAPER = Architecture(64, (10, 5), 10)


@pytest.mark.parametrize(
    ("biased", "per_sample"),
    [
        # Weights: 64·10 + 10·5 + 5·10 = 740. Forward 2·740; their gradient 2·740; the inputs of the upper two layers
        # 2·(50 + 50): 1480 + 1480 + 200.
        (False, 3160),
        # And 25 biases, added going forward and summed for their gradient.
        (True, 3210),
    ],
)
@pytest.mark.parametrize("samples", [1, 7188, 14376])
def test_the_papers_network_by_hand(biased, per_sample, samples):
    assert flop_per_evaluation(PAPER, biased, samples) == per_sample * samples


def counted(sizes, biased):
    """One sample through forward and backward passes in plain Python, counting multiplications and additions."""
    flop = 0
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        for _ in range(fan_out):  # forward: a unit sums its inputs' products, and its bias
            flop += 2 * fan_in + (1 if biased else 0)
        for _ in range(fan_out):  # gradient of the unit's weights: a product per input, added to the batch's sum
            flop += 2 * fan_in + (1 if biased else 0)
        if layer:  # gradient of the layer's inputs: a sum of products over its units
            for _ in range(fan_in):
                flop += 2 * fan_out
    return flop


@pytest.mark.parametrize("hidden", [(10, 5), (20, 10), (40, 20), (3,), (4, 4, 4)])
@pytest.mark.parametrize("biased", [True, False])
def test_any_network_against_a_count_of_every_operation(hidden, biased):
    architecture = Architecture(30, hidden, 10)
    assert flop_per_evaluation(architecture, biased, 11) == 11 * counted([30, *hidden, 10], biased)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("hidden", [("c4", "c8"), ("c3",), ("c2", 5)])
def test_a_convolution_costs_a_dense_layer_at_every_pixel(hidden, biased):
    """Going forward, one filter at one pixel after the other, zeros around the image included."""
    side, channels, flop = 8, 1, 0
    for layer in hidden:
        if isinstance(layer, str):
            filters = int(layer[1:])
            for _ in range(filters):
                for _ in range(side * side):
                    flop += 2 * (2 * 9 * channels + biased)  # the sum, and its share of the gradient
                    flop += 2 * 9 * channels * (channels > 1)  # and of the gradient by what the filter has seen
            channels, side = filters, side // 2
            inputs = channels * side * side
        else:
            flop += layer * (6 * inputs + 2 * biased)
            inputs = layer
    flop += 10 * (6 * inputs + 2 * biased)
    assert flop_per_evaluation(Architecture(64, hidden), biased, 3) == 3 * flop


@pytest.mark.parametrize("biased", [True, False])
def test_an_averaged_network_costs_two_passes(biased):
    once = flop_per_evaluation(PAPER, biased, 100)
    assert flop_per_evaluation(PAPER, biased, 100, "logits") == flop_per_evaluation(PAPER, biased, 200) == 2 * once


@pytest.mark.parametrize("biased", [True, False])
def test_mirrored_units_cost_their_first_layer_twice(biased):
    of_first = 2 * (2 * 64 * 10 + biased * 10)
    assert flop_per_evaluation(PAPER, biased, 7, "units") == flop_per_evaluation(PAPER, biased, 7) + 7 * of_first


def test_every_kind_of_ensemble_has_its_cost():
    assert set(PASSES) == set(AVERAGING)


def test_the_count_is_a_whole_number_that_fits_a_table():
    assert isinstance(flop_per_evaluation(PAPER, True, 7188), int)


class Counted(float):
    """A number that counts what is done with it."""

    operations = 0

    def _count(self, result):
        Counted.operations += 1
        return Counted(result)

    def __mul__(self, other):
        return self._count(float(self) * float(other))

    def __pow__(self, power):
        return self._count(float(self) ** power)

    def __add__(self, other):
        return self._count(float(self) + float(other))

    def __neg__(self):
        return self._count(-float(self))

    def __abs__(self):
        return self._count(abs(float(self)))


@pytest.mark.parametrize("features", FEATURES)
def test_a_feature_map_against_a_count_of_every_operation(features):
    images = np.array(
        [[Counted(x) for x in row] for row in np.random.default_rng(0).normal(size=(5, 12))], dtype=object
    )
    Counted.operations = 0
    FEATURES[features].compute(images, (3, 4))
    # The first of a sum's terms is added to nothing.
    assert Counted.operations + (5 if features == "canonical" else 0) == feature_flop(features, 12, 5)


def test_feature_maps_by_hand():
    expected = {
        "identity": 0,
        "square": 64,
        "neighbour": 64,
        "permuted": 64,
        "quadratic": 2080,
        "absolute": 64,
        "canonical": 128,
    }
    assert {name: feature_flop(name, 64, 7185) / 7185 for name in expected} == expected
    with pytest.raises(ValueError, match="'cube' is unknown; choose one of identity"):
        feature_flop("cube", 64, 1)
