"""The checks of losses, minima and random angles against loops, and that they would find a broken symmetry."""

import os

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import call

from symmetry_constrained.data import reading
from symmetry_constrained.data.protocols import make_split
from symmetry_constrained.features import translation
from symmetry_constrained.theory import orbit_checks
from symmetry_constrained.theory.orbit_checks import GRID, TURN, elements, loss_invariance, minima, random_angles
from symmetry_constrained.theory.orbits import Images, Problem, act

SHAPE = (2, 6)


def some_images(count=12):
    random = np.random.default_rng(0)
    return Images(random.normal(size=(count, 12)), np.arange(count) % 10, SHAPE)


def test_the_groups_elements_take_the_orbit_to_itself():
    images = some_images(4)
    for orbit, element in elements(images).values():
        moved = orbit.pixels @ element.T
        for x, label in zip(moved, orbit.labels, strict=True):
            near = np.abs(orbit.pixels - x).max(axis=1) < 1e-12
            assert near.sum() == 1
            assert orbit.labels[near] == label
        assert np.abs(element - np.eye(12)).max() > 0.1
        np.testing.assert_allclose(element @ element.T, np.eye(12), atol=1e-12)
    assert len(elements(images)["inversion"][0].labels) == 8
    assert len(elements(images)[f"translation by 1/{TURN}"][0].labels) == 4 * TURN


def test_losses_on_orbits_are_invariant_to_rounding_and_losses_on_the_images_are_not():
    found = loss_invariance(some_images(), 1300, 0).set_index("loss_on")
    assert len(found) == 8
    assert (found["networks"] == 1300).all()
    assert found.loc["orbit", "largest_difference"].max() < 1e-13
    assert found.loc["images alone", "median_difference"].min() > 1e-3
    assert found.loc["orbit", "images"].tolist() == [20, 20, 10 * TURN, 10 * TURN]
    assert (found["images"] != 12).all()


def test_a_difference_is_relative_to_the_loss():
    problem = Problem(some_images(), "identity", True, 0.0)
    rows = np.random.default_rng(1).normal(size=(3, problem.architecture.row_length))
    found = orbit_checks._differences(problem, rows, -np.eye(12))
    for row, value in zip(rows, found, strict=True):
        loss, moved = (
            problem.loss_and_gradient(r)[0][0] for r in (row[None], act(problem.architecture, row[None], -np.eye(12)))
        )
        assert value == pytest.approx(abs(moved - loss) / loss)


def test_training_from_the_moved_start_ends_in_the_moved_minimum():
    pairs, invariance, weights = minima(some_images(20), [0, 1], 0.02, 2000)
    assert pairs["group"].tolist() == ["inversion"] * 2 + [f"translation by 1/{TURN}"] * 2
    assert pairs["seed"].tolist() == [0, 1, 0, 1]
    for (_, rows), group in zip(weights.items(), pairs["group"].unique(), strict=True):
        apart = np.linalg.norm(rows[2:] - rows[:2], axis=1) / np.linalg.norm(rows[:2], axis=1)
        np.testing.assert_allclose(apart, pairs["apart"][pairs["group"] == group])
    np.testing.assert_allclose(pairs["moved_loss"], pairs["loss"], rtol=1e-9)
    assert (pairs["gradient_norm"] < 1e-6).all()
    assert (pairs["from_image"] < 1e-3).all()
    # Two minima, not one. Translation may leave a minimum where it is.
    assert (pairs["apart"][pairs["group"] == "inversion"] > 0.1).all()
    assert invariance["parameters"].tolist() == ["trained"] * 4
    assert invariance["networks"].tolist() == [4] * 4
    assert invariance["loss_on"].tolist() == ["orbit", "images alone"] * 2
    assert (invariance["largest_difference"][invariance["loss_on"] == "orbit"] < 1e-13).all()


def test_a_curve_on_random_angles_is_the_mean_of_the_images_losses_moved():
    random = np.random.default_rng(3)
    losses, count, draws = random.normal(size=(16, 5)), 3, 4
    curves = orbit_checks._random_curves(losses, count, draws, seed=7)
    again = np.random.default_rng([7, count, 5])
    for draw in range(draws):
        shifts = again.integers(0, 16, (5, count))
        for angle in range(16):
            parts = [losses[(angle + shift) % 16, image] for image in range(5) for shift in shifts[image]]
            assert curves[draw, angle] == pytest.approx(np.mean(parts), abs=1e-12)


def test_an_images_losses_are_those_of_the_network_at_each_angle():
    images = some_images(3)
    problem = Problem(images, "identity", False, 0.0)
    rows = problem.initial([1, 2])
    losses = orbit_checks._losses_per_image(problem, rows)
    assert losses.shape == (2, GRID, 3)
    for angle in (0, 10, 100):
        for image in range(3):
            turned = translation.translate(images.pixels[image][None], 2 * np.pi * angle / GRID, SHAPE)
            alone = Problem(Images(turned, images.labels[image : image + 1], SHAPE), "identity", False, 0.0)
            np.testing.assert_allclose(losses[:, angle, image], alone.loss_and_gradient(rows)[0], rtol=1e-12)


def test_the_variation_on_random_angles_is_the_predicted_one_and_falls_with_images_times_angles():
    images = some_images(40)
    initial = Problem(images, "identity", False, 0.0).initial([1, 2]).numpy()
    found = random_angles(images, {"initial": 3 * initial}, [1, 2], [1, 16], 400)
    assert found[["seed", "images", "angles"]].values.tolist() == [
        [seed, count, angles] for seed in (1, 2) for count in (10, 40) for angles in (1, 16)
    ]
    np.testing.assert_allclose(found["rms"], found["predicted"], rtol=0.1)
    np.testing.assert_allclose(found["mean_predicted"] * 20, found["predicted"])
    assert (found["mean_rms"] < found["rms"] / 5).all()
    by_angles = found.pivot(index=["seed", "images"], columns="angles", values="predicted")
    np.testing.assert_allclose(by_angles[1] / by_angles[16], 4)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The digits and a split of them, in their folders."""
    folder, dataset = tmp_path_factory.mktemp("made"), reading.load("digits")
    dataset.write(folder / "data")
    make_split("digits", dataset, "clean", 0).write(folder / "split")
    return folder


QUICK = ["--images", 12, "--angles", 1, 3, "--random-angles", 2, "--features", "power", "--seeds", 1, 2]
QUICK += ["--iterations", 15, "--random-networks", 20, "--sampled", 1, 2, "--draws", 3]
TABLES = {"orbits": 8, "spectrum": 160, "orbit_loss": 488, "minima": 4, "loss_invariance": 12, "random_angles": 16}


def options(made, out, *more):
    return "--data", made / "data", "--split", made / "split", "--out", out, *QUICK, *more


def test_the_script_writes_every_table_and_writes_it_again_to_the_byte(made, tmp_path):
    for name in ("one", "two"):
        assert call("measure_orbits", *options(made, tmp_path / name)) == (0, "")
    assert sorted(os.listdir(tmp_path / "one")) == sorted(["orbits.safetensors", *(f"{name}.csv" for name in TABLES)])
    weights = [(tmp_path / f"{folder}/orbits.safetensors").read_bytes() for folder in ("one", "two")]
    assert weights[0] == weights[1]
    for name, rows in TABLES.items():
        assert (tmp_path / f"one/{name}.csv").read_bytes() == (tmp_path / f"two/{name}.csv").read_bytes()
        assert len(pd.read_csv(tmp_path / f"one/{name}.csv")) == rows, name
    networks = pd.read_csv(tmp_path / "one/orbits.csv")
    assert networks[["features", "sampling", "angles", "n_train"]].drop_duplicates().values.tolist() == [
        ["identity", "equally spaced", 1, 12],
        ["identity", "equally spaced", 3, 36],
        ["identity", "random", 2, 24],
        ["power", "equally spaced", 1, 12],
    ]
    assert networks["parameters"].tolist() == [740] * 6 + [500] * 2
    assert set(pd.read_csv(tmp_path / "one/random_angles.csv")["parameters"]) == {"initial", "trained"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--images", 10**6), "images: 1000000 is not in 1..1437, the training images that are not nudged"),
        (("--angles", 0), "angles: 0 is not at least 1"),
        (("--features", "cube"), "features: 'cube' is unknown; choose one of identity, power, bispectrum"),
        (("--penalty", 0), "penalty: 0 is not above 0"),
        (("--iterations", 0), "a budget must be at least 1 iteration"),
    ],
)
def test_the_script_refuses_bad_input_in_one_line(made, tmp_path, more, says):
    status, line = call("measure_orbits", *options(made, tmp_path / "out", *more))
    assert status == 1
    assert line.startswith(f"measure_orbits.py: {says}")
    assert len(line.splitlines()) == 1
    assert not (tmp_path / "out").exists()
