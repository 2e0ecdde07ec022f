"""Feature maps against naive loops, and how far each is from invariance."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_digits

from symmetry_constrained.features import inversion
from symmetry_constrained.features.inversion import FEATURES, compute, invariance_error

SHAPE = (8, 8)
INVARIANT = ("square", "neighbour", "permuted", "quadratic", "absolute", "canonical")


def scaled_digits():
    return (load_digits().data[:300] / 8 - 1).astype(np.float32)


def random_images():
    return np.random.default_rng(0).normal(size=(50, 64))


@pytest.mark.parametrize("images", [scaled_digits, random_images])
@pytest.mark.parametrize("name", INVARIANT)
def test_the_invariance_error_under_inversion_is_exactly_zero(name, images):
    assert invariance_error(name, images(), SHAPE) == 0.0


@pytest.mark.parametrize("images", [scaled_digits, random_images])
def test_raw_pixels_are_not_invariant(images):
    images = images()
    assert invariance_error("identity", images, SHAPE) == 2 * np.abs(images).max() > 0


def test_the_papers_maps_and_the_controls_are_in_the_table():
    assert {"identity", *INVARIANT} <= set(FEATURES)


PIXEL = st.floats(-2, 2, width=32)


@given(arrays(np.float32, (3, 12), elements=PIXEL))
def test_invariance_holds_on_any_image_but_canonicals_needs_a_sum_other_than_zero(images):
    for name in INVARIANT[:-1]:
        assert invariance_error(name, images, (3, 4)) == 0.0
    decided = images[images.sum(axis=1) != 0]
    if len(decided):
        assert invariance_error("canonical", decided, (3, 4)) == 0.0


def test_canonical_leaves_an_image_of_sum_zero_as_it_is():
    image = np.array([[1.0, -1.0, 0.5, -0.5]])
    np.testing.assert_array_equal(compute("canonical", image, (2, 2)), image)
    assert invariance_error("canonical", image, (2, 2)) == 2.0


def test_canonical_gives_the_darker_of_an_image_and_its_inverse():
    images = random_images()
    darker = compute("canonical", images, SHAPE)
    for image, chosen in zip(images, darker, strict=True):
        assert chosen.tolist() == (image if image.sum() < 0 else -image).tolist()


def test_neighbour_is_blind_to_the_sign_of_whole_rows_where_permuted_and_quadratic_are_not():
    images = scaled_digits()[:20]
    signs = [np.repeat(pattern, 8) for pattern in itertools.product([1, -1], repeat=8)]
    errors = {
        name: [invariance_error(name, images, SHAPE, lambda x, sign=sign: x * sign) for sign in signs]
        for name in ("neighbour", "permuted", "quadratic")
    }
    assert len(signs) == 256
    assert set(errors["neighbour"]) == {0.0}
    # All rows or none: inversion is all that these two do not see.
    for name in ("permuted", "quadratic"):
        assert [index for index, error in enumerate(errors[name]) if error == 0] == [0, 255]


def test_neighbour_sees_the_sign_of_a_column():
    column = np.where(np.arange(64) % 8 == 3, -1, 1)
    assert invariance_error("neighbour", scaled_digits(), SHAPE, lambda x: x * column) > 1


def test_every_map_equals_its_definition_written_as_loops():
    height, width = 3, 4
    images = np.random.default_rng(2).normal(size=(5, 12))
    order = np.random.RandomState(1717).permutation(12)
    for index, image in enumerate(images):
        grid = image.reshape(height, width)
        expected = {
            "identity": [x for x in image],
            "square": [x * x for x in image],
            "neighbour": [grid[i, j] * grid[i, (j + 1) % width] for i in range(height) for j in range(width)],
            "permuted": [image[i] * image[order[i]] for i in range(12)],
            "quadratic": [image[i] * image[j] for i in range(12) for j in range(i, 12)],
            "absolute": [abs(x) for x in image],
            "canonical": [-np.sign(image.sum()) * x for x in image],
        }
        for name, values in expected.items():
            np.testing.assert_array_equal(compute(name, images, (3, 4))[index], values, err_msg=name)


def test_neighbour_wraps_around_its_own_row():
    image = np.arange(1.0, 7.0)[None]
    assert compute("neighbour", image, (2, 3)).tolist() == [[2, 6, 3, 20, 30, 24]]


def test_the_permutation_is_the_authors():
    np.testing.assert_array_equal(inversion.permutation(64), np.random.RandomState(1717).permutation(64))
    # NumPy keeps this generator's stream as it is; were it ever to change, these values would say so.
    assert inversion.permutation(64)[:10].tolist() == [62, 52, 55, 44, 48, 30, 20, 37, 50, 42]
    # The talk's notebook drew from the same stream before it drew P.
    stream = np.random.RandomState(1717)
    stream.rand(20, 30), stream.permutation(30)
    np.testing.assert_array_equal(inversion.permutation(784), stream.permutation(784))


@pytest.mark.parametrize("name", FEATURES)
def test_the_feature_count_is_that_of_the_features_and_the_precision_is_kept(name):
    images = scaled_digits()[:4]
    computed = compute(name, images, SHAPE)
    assert computed.shape == (4, inversion.feature_count(name, 64))
    assert computed.dtype == np.float32


def test_quadratic_features_of_mnists_size_are_refused_in_one_line_before_any_memory_is_taken():
    with pytest.raises(ValueError) as error:
        compute("quadratic", np.zeros((10**3, 784), dtype=np.float32), (28, 28))
    assert str(error.value) == (
        "features: 'quadratic' on 28x28 images would be 307,720 features, more than 20,000; "
        "choose another map or smaller images"
    )
    assert 784 * 785 // 2 == 307_720


def test_an_unknown_map_is_refused_with_the_legal_ones():
    with pytest.raises(ValueError) as error:
        compute("cube", np.zeros((1, 64)), SHAPE)
    assert str(error.value) == (f"features: 'cube' is unknown; choose one of {', '.join(FEATURES)}")
