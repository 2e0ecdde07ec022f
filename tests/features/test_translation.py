"""The translation group against loops and matrix exponentials, and what each invariant keeps and forgets."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.features import translation
from symmetry_constrained.features.translation import MAPS, compute, equally_spaced, generator, orbit, translate

SHAPE = (8, 8)
INVARIANT = [name for name in MAPS if name != "identity"]
ANGLES = st.floats(-10, 10)
SHAPES = st.tuples(st.integers(1, 4), st.integers(3, 9))


def random_images(shape=SHAPE, count=20, dtype=np.float64):
    return np.random.default_rng(0).normal(size=(count, shape[0] * shape[1])).astype(dtype)


def matrix(angle, shape):
    """T(θ) as a matrix (d, d) on columns."""
    return translate(np.eye(shape[0] * shape[1]), angle, shape).T


def waves(row):
    """Amplitude c_k of each wave of one row, by summing it out."""
    width = len(row)
    c = [sum(x * np.exp(-2j * np.pi * j * k / width) for j, x in enumerate(row)) / width for k in range(width // 2 + 1)]
    return [value * (1 if k == 0 or 2 * k == width else 2) for k, value in enumerate(c)]


def turned(row, angle):
    """A row moved by an angle, wave by wave: the mean and the Nyquist component stay."""
    width, moved = len(row), np.zeros(len(row))
    for k, value in enumerate(waves(row)):
        phase = 0 if 2 * k == width else k * angle
        for j in range(width):
            moved[j] += (value * np.exp(1j * (2 * np.pi * k * j / width - phase))).real
    return moved


@pytest.mark.parametrize("shape", [(2, 8), (3, 5), (1, 3), (2, 4)])
def test_translation_turns_each_wave_of_each_row(shape):
    images = random_images(shape, 3)
    expected = [[turned(row, 0.7) for row in image.reshape(shape)] for image in images]
    np.testing.assert_allclose(translate(images, 0.7, shape), np.reshape(expected, images.shape), atol=1e-14)


@pytest.mark.parametrize("shape", [(3, 8), (2, 7)])
@pytest.mark.parametrize("pixels", [1, 2, 5, -3])
def test_a_whole_number_of_pixels_is_a_roll_but_for_the_nyquist_component(shape, pixels):
    images = random_images(shape)
    if shape[1] % 2 == 0:
        alternating = np.tile((-1.0) ** np.arange(shape[1]), shape[0])
        rows = images.reshape(-1, *shape)
        images = (rows - (rows @ alternating[: shape[1]])[..., None] / shape[1] * alternating[: shape[1]]).reshape(
            images.shape
        )
        np.testing.assert_allclose(translate(alternating[None], 1.0, shape), alternating[None], atol=1e-14)
    rolled = np.roll(images.reshape(-1, *shape), pixels, axis=2).reshape(images.shape)
    np.testing.assert_allclose(translate(images, 2 * np.pi * pixels / shape[1], shape), rolled, atol=1e-14)


@given(SHAPES, ANGLES, ANGLES)
def test_translations_are_an_orthogonal_group(shape, first, second):
    one, two, both = (matrix(angle, shape) for angle in (first, second, first + second))
    np.testing.assert_allclose(one @ one.T, np.eye(len(one)), atol=1e-12)
    np.testing.assert_allclose(one @ two, both, atol=1e-12)
    np.testing.assert_allclose(matrix(-first, shape), one.T, atol=1e-12)
    np.testing.assert_allclose(matrix(first + 2 * np.pi, shape), one, atol=1e-12)


@given(SHAPES, ANGLES)
def test_they_are_the_exponentials_of_an_antisymmetric_generator(shape, angle):
    g = generator(shape)
    np.testing.assert_allclose(g, -g.T, atol=1e-13)
    np.testing.assert_allclose(scipy.linalg.expm(angle * g), matrix(angle, shape), atol=1e-11)


def test_each_image_may_have_an_angle_of_its_own_and_its_precision():
    images = random_images(count=4, dtype=np.float32)
    angles = np.array([0.0, 0.3, -2.0, 5.0])
    moved = translate(images, angles, SHAPE)
    assert moved.dtype == np.float32
    for image, angle, result in zip(images, angles, moved, strict=True):
        np.testing.assert_allclose(result, matrix(angle, SHAPE) @ image, atol=1e-5)


def test_an_orbit_stacks_the_copies_angle_by_angle_with_their_labels():
    images, labels = random_images(count=3), np.array([4, 5, 6])
    moved, repeated = orbit(images, labels, equally_spaced(4), SHAPE)
    assert repeated.tolist() == [4, 5, 6] * 4
    for copy, angle in enumerate((0, np.pi / 2, np.pi, 3 * np.pi / 2)):
        np.testing.assert_allclose(moved[3 * copy : 3 * copy + 3], images @ matrix(angle, SHAPE).T, atol=1e-13)
    own = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(orbit(images, labels, own, SHAPE)[0][4], matrix(2.0, SHAPE) @ images[1], atol=1e-13)


def test_coefficients_are_amplitudes_and_come_back_as_the_image():
    images = random_images((2, 8), 5)
    c = translation.coefficients(images, (2, 8))
    for image, found in zip(images, c, strict=True):
        np.testing.assert_allclose(found, [waves(row) for row in image.reshape(2, 8)], atol=1e-14)
    np.testing.assert_allclose(translation.from_coefficients(c, (2, 8)), images, atol=1e-14)


@given(st.sampled_from(INVARIANT), SHAPES, ANGLES)
def test_the_invariants_do_not_change(name, shape, angle):
    images = random_images(shape, 5)
    moved = compute(name, translate(images, angle, shape), shape)
    np.testing.assert_allclose(moved, compute(name, images, shape), atol=1e-10)


def test_pixels_change():
    images = random_images()
    assert np.abs(compute("identity", translate(images, 0.5, SHAPE), SHAPE) - images).max() > 0.5


def test_each_map_equals_its_definition_written_as_loops():
    height, width = 3, 8
    for image in random_images((height, width), 4):
        c = [waves(row) for row in image.reshape(height, width)]
        fixed = [part.real for row in c for part in (row[0], row[4])]
        power = [abs(row[k]) ** 2 for row in c for k in (1, 2, 3)]
        triple = [(row[1] * row[1] * np.conj(row[2]), row[1] * row[2] * np.conj(row[3])) for row in c]
        within = [[value.real for pair in triple for value in pair], [value.imag for pair in triple for value in pair]]
        across = [c[r + 1][k] * np.conj(c[r][k]) for r in range(height - 1) for k in (1, 2, 3)]
        between = [[value.real for value in across], [value.imag for value in across]]
        expected = {
            "power": [*fixed, *power],
            "bispectrum": [*fixed, *power, *within[0], *within[1]],
            "complete": [*fixed, *power, *within[0], *within[1], *between[0], *between[1]],
            "aligned": matrix(np.angle(sum(row[1] for row in c)), (height, width)) @ image,
        }
        for name, values in expected.items():
            np.testing.assert_allclose(compute(name, image[None], (height, width))[0], values, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(
    ("name", "count"), [("identity", 64), ("power", 40), ("bispectrum", 72), ("complete", 114), ("aligned", 64)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_of_features_and_their_precision(name, count, dtype):
    computed = compute(name, random_images(dtype=dtype), SHAPE)
    assert computed.shape == (20, count)
    assert computed.dtype == dtype


def test_power_takes_a_mirrored_image_for_the_image_and_the_others_do_not():
    images = random_images()
    # About pixel 0: x_j -> x_-j, which conjugates every coefficient.
    mirrored = np.roll(images.reshape(-1, *SHAPE)[:, :, ::-1], 1, axis=2).reshape(images.shape)
    errors = {name: np.abs(compute(name, mirrored, SHAPE) - compute(name, images, SHAPE)).max(1) for name in INVARIANT}
    assert errors["power"].max() < 1e-12
    for name in ("bispectrum", "complete", "aligned"):
        assert errors[name].min() > 0.01


def test_the_bispectrum_takes_rows_moved_on_their_own_for_the_image_and_the_complete_maps_do_not():
    images = random_images()
    moved = images.copy()
    moved[:, 16:24] = translate(images[:, 16:24], 1.0, (1, 8))
    errors = {name: np.abs(compute(name, moved, SHAPE) - compute(name, images, SHAPE)).max(1) for name in INVARIANT}
    assert max(errors["power"].max(), errors["bispectrum"].max()) < 1e-12
    assert min(errors["complete"].min(), errors["aligned"].min()) > 0.01


def rebuilt(values, height):
    """The image (height, 8) whose first row has a real and positive c_1, from its complete features alone."""
    fixed, power, real, imaginary, across, cross = np.split(
        values, np.cumsum([2 * height, 3 * height, 2 * height, 2 * height, 3 * (height - 1)])
    )
    fixed, sizes = fixed.reshape(height, 2), np.sqrt(power.reshape(height, 3))
    triple = (real + 1j * imaginary).reshape(height, 2)
    between = (across + 1j * cross).reshape(height - 1, 3)
    rows, phase = [], 0.0
    for r in range(height):
        if r:
            phase += np.angle(between[r - 1, 0])
        second = 2 * phase - np.angle(triple[r, 0])
        phases = np.array([phase, second, phase + second - np.angle(triple[r, 1])])
        j = np.arange(8)
        row = fixed[r, 0] + fixed[r, 1] * (-1.0) ** j
        for k in (1, 2, 3):
            row = row + sizes[r, k - 1] * np.cos(2 * np.pi * k * j / 8 + phases[k - 1])
        rows.append(row)
    return np.array(rows)


def test_complete_features_give_the_image_back_up_to_a_translation():
    shape = (5, 8)
    for image in random_images(shape):
        first = waves(image.reshape(shape)[0])[1]
        expected = translate(image[None], np.angle(first), shape)
        values = compute("complete", image[None], shape)[0]
        np.testing.assert_allclose(rebuilt(values, 5).ravel(), expected[0], atol=1e-10)


def test_the_aligned_image_is_one_of_the_orbit_and_an_image_without_a_first_wave_stays():
    images = random_images()
    aligned = compute("aligned", images, SHAPE)
    again = compute("aligned", aligned, SHAPE)
    np.testing.assert_allclose(again, aligned, atol=1e-13)
    first = translation.coefficients(aligned, SHAPE)[:, :, 1].sum(1)
    assert np.abs(first.imag).max() < 1e-13
    assert first.real.min() > 0
    flat = np.repeat(np.arange(8.0), 8)[None]
    np.testing.assert_allclose(compute("aligned", flat, SHAPE), flat, atol=1e-14)


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError) as error:
        compute("cube", random_images(), SHAPE)
    assert str(error.value) == (
        "features: 'cube' is unknown; choose one of identity, power, bispectrum, complete, aligned"
    )
    with pytest.raises(ValueError) as error:
        compute("power", np.zeros((1, 4)), (2, 2))
    assert str(error.value) == "features: 'power' needs images of at least 3 columns, not 2x2"
