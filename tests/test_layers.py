"""Sizes of layers, by hand."""

import pytest

from symmetry_constrained import layers


def test_units_and_convolutions():
    assert layers.pairs(64, [10, 5], 10) == [(64, 10), (10, 5), (5, 10)]
    assert layers.places(64, [10, 5]) == [1, 1, 1]
    # 8 x 8 with 4 filters of 3 x 3, then 4 x 4 of 4 channels, and 2 x 2 of 8.
    assert layers.pairs(64, ["c4", "c8"], 10) == [(9, 4), (36, 8), (32, 10)]
    assert layers.places(64, ["c4", "c8"]) == [64, 16, 1]
    assert layers.pairs(784, ["c4", "c8", 20], 10) == [(9, 4), (36, 8), (392, 20), (20, 10)]
    assert layers.places(784, ["c4", "c8", 20]) == [784, 196, 1, 1]
    assert layers.parameters(layers.pairs(64, ["c4", "c8"], 10), biased=False) == 36 + 288 + 320
    assert layers.parameters(layers.pairs(64, ["c4", "c8"], 10), biased=True) == 36 + 288 + 320 + 4 + 8 + 10
    assert layers.products(64, ["c4", "c8"], 10) == 64 * 36 + 16 * 288 + 320
    assert layers.products(64, [10, 5], 10) == 740


@pytest.mark.parametrize("hidden", [(10, 5), (40,), ("c4", "c8"), ("c4", 10)])
def test_hidden_layers_as_text(hidden):
    assert layers.parsed("-".join(map(str, hidden))) == hidden


@pytest.mark.parametrize(
    ("inputs", "hidden", "said"),
    [
        (64, [10, "c4"], r"convolutions come before layers of units, but got \[10, 'c4'\]"),
        (64, ["d4"], r"a convolution is a text as c4, but got \['d4'\]"),
        (60, ["c4"], "these convolutions need a square image whose side is a multiple of 2, not 60 inputs"),
        (784, ["c4"] * 3, "these convolutions need a square image whose side is a multiple of 8, not 784 inputs"),
    ],
)
def test_what_no_network_has(inputs, hidden, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        layers.pairs(inputs, hidden, 10)
