"""The audit's own translations and invariants against the study's."""

import numpy as np
import pytest

from symmetry_constrained.audit import translation
from symmetry_constrained.audit.theory import invariants
from symmetry_constrained.features import inversion, symmetries
from symmetry_constrained.features import translation as study

SHAPES = [(3, 4), (8, 8), (2, 7)]


def images(shape):
    return np.random.default_rng(1).uniform(-1, 1, (6, shape[0] * shape[1]))


@pytest.mark.parametrize("shape", SHAPES)
def test_moved_images(shape):
    x, angles = images(shape), np.array([0.1, 1.0, 2.0, -3.0, 0.0, 7.0])
    np.testing.assert_allclose(translation.moved(x, 0.7, shape), study.translate(x, 0.7, shape), atol=1e-13)
    np.testing.assert_allclose(translation.moved(x, angles, shape), study.translate(x, angles, shape), atol=1e-13)
    np.testing.assert_allclose(translation.rate(x, shape), x @ study.generator(shape).T, atol=1e-12)
    step = 1e-6
    slope = (translation.moved(x, step, shape) - translation.moved(x, -step, shape)) / (2 * step)
    np.testing.assert_allclose(translation.rate(x, shape), slope, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", list(study.MAPS))
def test_features(name, shape):
    np.testing.assert_allclose(
        translation.features(name, images(shape), shape), study.compute(name, images(shape), shape), atol=1e-12
    )


def test_an_unknown_map_is_refused():
    with pytest.raises(ValueError, match="the audit has no 'sheared' for translation"):
        translation.features("sheared", images((8, 8)), (8, 8))


@pytest.mark.parametrize("name", [name for name in inversion.FEATURES if name != "quadratic"])
@pytest.mark.parametrize("shape", [(8, 8), (3, 5)])
def test_the_flips_that_a_map_does_not_see(name, shape):
    basis = invariants.flips(name, shape)
    expected, _ = symmetries.sign_kernel(lambda x: inversion.compute(name, x, shape), shape[0] * shape[1])
    assert len(basis) == len(expected) == symmetries.rank(np.vstack([basis, expected]))
