"""The symmetries counted against all sign flips tried one by one, and against what is known of each map."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from symmetry_constrained.features import inversion, symmetries, translation
from symmetry_constrained.features.groups import INVERSION, TRANSLATION
from symmetry_constrained.features.symmetries import kernel, phase_symmetries, rank, sign_kernel, sign_symmetries

MAPS = tuple(inversion.FEATURES)


def images_of(shape, count=6):
    return np.random.default_rng(5).normal(size=(count, shape[0] * shape[1]))


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (2, 5), (1, 2)])
@pytest.mark.parametrize("name", MAPS)
def test_the_count_is_that_of_trying_every_sign_flip(name, shape):
    images = images_of(shape)
    signs = [np.array(flip) for flip in itertools.product([1, -1], repeat=shape[0] * shape[1])]
    unseen = [
        flip for flip in signs if inversion.invariance_error(name, images, shape, lambda x, flip=flip: x * flip) == 0
    ]
    row = sign_symmetries(images, shape, (name,)).iloc[0]
    assert 2 ** row["log2_symmetries"] == len(unseen)
    assert row["symmetries"] == f"2^{row['log2_symmetries']}"
    assert row["members_error"] == 0
    if len(unseen) == len(signs):
        assert np.isnan(row["others_error"])
    else:
        assert row["others_error"] > 0


def test_the_papers_maps_on_eight_by_eight():
    found = sign_symmetries(images_of((8, 8), 20), (8, 8), INVERSION).set_index("features")
    seen, cycles = set(), 0
    order = np.random.RandomState(1717).permutation(64)
    for pixel in range(64):
        cycles += pixel not in seen
        while pixel not in seen:
            seen.add(pixel)
            pixel = order[pixel]
    expected = {"identity": 0, "square": 64, "neighbour": 8, "permuted": cycles, "canonical": 1, "quadratic": 1}
    assert found["log2_symmetries"].to_dict() == expected
    assert (found["rank"] + found["log2_symmetries"] == 64).all()
    assert found.loc["canonical", "computed_from"] == "products of features"
    assert (found["computed_from"].drop("canonical") == "features").all()
    assert found["others_error"].min() > 0


def test_a_map_whose_products_say_too_much_or_nothing_is_refused():
    # |x| up to a sign that its products do not show.
    with pytest.raises(ValueError, match="have symmetries that the features lack"):
        sign_kernel(lambda x: np.abs(x) * np.sign(x[:, :1] + 2 * x[:, 1:2]), 4)
    with pytest.raises(ValueError, match="neither these features nor their products"):
        sign_kernel(lambda x: np.maximum(x, 0) + 0.1 * x, 4)


BITS = arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 7)), elements=st.integers(0, 1))


@given(BITS)
def test_the_kernel_is_all_that_the_matrix_takes_to_zero(matrix):
    basis = kernel(matrix)
    columns = matrix.shape[1]
    spanned = {
        tuple(np.array(weights, dtype=np.int64) @ basis % 2) for weights in itertools.product([0, 1], repeat=len(basis))
    }
    zero = {b for b in itertools.product([0, 1], repeat=columns) if not (matrix @ np.array(b) % 2).any()}
    assert spanned == zero
    assert len(spanned) == 2 ** len(basis)
    assert rank(matrix) == columns - len(basis)


def test_the_turns_that_translation_maps_do_not_see():
    found = phase_symmetries(images_of((8, 8), 20), (8, 8), TRANSLATION).set_index("features")
    assert found["dimensions"].to_dict() == {"identity": 0, "power": 24, "bispectrum": 8, "complete": 1, "aligned": 1}
    assert (found["turns"] == 24).all()
    assert found["members_error"].max() < 1e-8
    assert found["others_error"].min() > 0.1
    assert np.isnan(found.loc["power", "others_error"])
    assert np.isnan(found.loc["identity", "members_error"])


def test_the_one_dimension_of_a_complete_map_is_the_group_itself():
    for name in ("complete", "aligned"):
        basis = symmetries.phase_kernel(lambda x, name=name: translation.compute(name, x, (3, 8)), (3, 8))
        expected = np.tile([1, 2, 3], 3) / np.sqrt(3 * 14)
        assert np.abs(basis @ expected) == pytest.approx(1, abs=1e-8)
        assert len(basis) == 1


def test_turning_every_wave_by_its_frequency_is_a_translation():
    images = images_of((3, 8))
    turned = symmetries.turn(images, 0.7 * np.tile([1, 2, 3], 3), (3, 8))
    np.testing.assert_allclose(turned, translation.translate(images, 0.7, (3, 8)), atol=1e-13)
    one = symmetries.turn(images, np.eye(9)[4], (3, 8))
    changed = np.abs(translation.coefficients(one, (3, 8)) - translation.coefficients(images, (3, 8))) > 1e-12
    assert changed.any(axis=0).nonzero() == (np.array([1]), np.array([2]))
