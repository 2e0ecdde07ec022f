"""Losses and Hessians on orbits: the theorems of section 4.1 on random networks, and what is measured at minima."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.protocols import split_images
from symmetry_constrained.features import translation
from symmetry_constrained.theory import orbits
from symmetry_constrained.theory.hessian import hessian
from symmetry_constrained.theory.orbits import FLAT, Images, Problem, act, direction, measure

SHAPE, PENALTY = (2, 6), 0.02


def some_images(count=12, seed=0):
    random = np.random.default_rng(seed)
    return Images(random.normal(size=(count, 12)), np.arange(count) % 10, SHAPE)


def some_parameters(problem, count=3, seed=1):
    """Rows (K, P), without biases unless the problem has them."""
    rows = np.random.default_rng(seed).normal(size=(count, problem.architecture.row_length))
    return rows * problem.architecture.trainable(problem.biased)


def rotation(angle):
    return translation.translate(np.eye(12), angle, SHAPE).T


@pytest.mark.parametrize("biased", [True, False])
def test_moving_the_images_is_moving_the_first_layer(biased):
    problem, angles = Problem(some_images(), "identity", biased, PENALTY), np.array([0.0, 0.4, 2.0])
    rows = some_parameters(problem)
    losses, norms = problem.along_orbit(rows, angles)
    for index, angle in enumerate(angles):
        expected, gradients = problem.loss_and_gradient(act(problem.architecture, rows, rotation(angle)))
        np.testing.assert_allclose(losses[index], expected, rtol=1e-13)
        np.testing.assert_allclose(norms[index], np.linalg.norm(gradients, axis=1), rtol=1e-12)


def test_acting_changes_the_first_weights_and_no_bias():
    problem = Problem(some_images(), "identity", True, PENALTY)
    rows = some_parameters(problem)
    before, moved = rows.copy(), act(problem.architecture, rows, rotation(0.4))
    np.testing.assert_array_equal(rows, before)
    first, after = (problem.architecture.split(r)[0] for r in (rows, moved))
    np.testing.assert_allclose(after[:, :, :-1], first[:, :, :-1] @ rotation(0.4))
    np.testing.assert_array_equal(after[:, :, -1], first[:, :, -1])
    np.testing.assert_array_equal(moved[:, 130:], rows[:, 130:])
    # U is orthogonal: the penalty is that of the network.
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(rows, axis=1))


@given(st.integers(1, 9), st.integers(-9, 9), st.integers(0, 10**6), st.booleans())
def test_the_loss_on_equally_spaced_angles_is_invariant_under_those_angles(count, element, seed, biased):
    problem = Problem(some_images(seed=seed).orbit("equally spaced", count), "identity", biased, PENALTY)
    rows = 3 * some_parameters(problem, seed=seed)
    moved = act(problem.architecture, rows, rotation(2 * np.pi * element / count))
    loss, there = problem.loss_and_gradient(rows)[0], problem.loss_and_gradient(moved)[0]
    np.testing.assert_allclose(there, loss, rtol=1e-12)


@given(st.integers(0, 10**6))
def test_the_loss_on_both_signs_is_invariant_under_inversion(seed):
    problem = Problem(some_images(seed=seed).inverted_too(), "identity", True, PENALTY)
    rows = 3 * some_parameters(problem, seed=seed)
    loss, there = (problem.loss_and_gradient(r)[0] for r in (rows, act(problem.architecture, rows, -np.eye(12))))
    np.testing.assert_allclose(there, loss, rtol=1e-13)


def test_the_loss_on_the_images_alone_is_not():
    problem = Problem(some_images(), "identity", True, PENALTY)
    rows = some_parameters(problem)
    for element in (-np.eye(12), rotation(1.0)):
        loss, there = (problem.loss_and_gradient(r)[0] for r in (rows, act(problem.architecture, rows, element)))
        assert np.abs(there - loss).min() > 1e-3


def test_the_direction_is_the_slope_of_the_orbit():
    problem = Problem(some_images(), "identity", True, PENALTY)
    rows, step = some_parameters(problem), 1e-6
    for row in rows:
        ends = [act(problem.architecture, row[None], rotation(angle))[0] for angle in (step, -step)]
        np.testing.assert_allclose(
            direction(problem.architecture, row, SHAPE), (ends[0] - ends[1]) / (2 * step), atol=1e-8
        )


def test_on_the_whole_orbit_the_hessian_maps_the_direction_to_the_turned_gradient_so_to_0_at_a_minimum():
    # The gradient at W₁U(θ) is the gradient times U(θ); its slope at θ = 0 is H v.
    problem = Problem(some_images().orbit("equally spaced", 256), "identity", False, PENALTY)
    keep = problem.architecture.trainable(False)
    for row in 0.3 * some_parameters(problem):
        gradient = problem.loss_and_gradient(row[None])[1][0]
        curved = hessian(problem.architecture, row, problem.samples, PENALTY, False)
        expected = direction(problem.architecture, gradient, SHAPE)[keep]
        np.testing.assert_allclose(
            curved @ direction(problem.architecture, row, SHAPE)[keep], expected, atol=1e-6 * np.abs(expected).max()
        )
        assert np.abs(expected).max() > 1e-3


def test_images_are_the_first_of_the_splits_order_and_not_nudged():
    random = np.random.default_rng(0)
    dataset = Dataset(random.integers(0, 17, (60, 2, 6)).astype(np.uint8), np.arange(60).astype(np.uint8) % 3)
    split = split_images(dataset.images, dataset.labels, "clean", 0)
    images = Images.of(dataset, split, 9)
    assert np.abs(np.bincount(images.labels) - 3).max() <= 1
    rows = split.rows[(split.rows["set"] == "train") & (split.rows["shift"] == "none") & (split.rows["rank"] < 9)]
    assert len(rows) == 9
    expected = {tuple(x) for x in split.images(dataset.images, rows, np.float64)}
    assert {tuple(x) for x in images.pixels} == expected
    for count in (0, 49):
        with pytest.raises(ValueError) as error:
            Images.of(dataset, split, count)
        assert str(error.value) == f"images: {count} is not in 1..48, the training images that are not nudged"


def test_orbits_are_sampled_as_asked():
    images = some_images()
    assert images.orbit("random", 3, 1).pixels.shape == (36, 12)
    np.testing.assert_array_equal(images.orbit("random", 3, 1).labels, np.tile(images.labels, 3))
    assert np.abs(images.orbit("random", 3, 1).pixels - images.orbit("random", 3, 2).pixels).max() > 0.1
    for sampling, count, says in (("regular", 2, "sampling: 'regular' is unknown"), ("random", 0, "angles: 0")):
        with pytest.raises(ValueError, match=says):
            images.orbit(sampling, count)


def test_newtons_method_ends_in_a_minimum():
    problem = Problem(some_images(30).orbit("equally spaced", 2), "identity", False, PENALTY)
    result = problem.train(problem.initial([0]), 2000)
    found = problem.polish(result.x[0].numpy())
    assert result.status == ["converged_gradient"]
    assert problem.minima(result)[0].loss == found.loss <= float(result.loss[0])
    assert found.gradient_norm < 1e-9 < float(result.gradient[0].norm())
    assert found.eigenvalues[0] > FLAT * PENALTY
    np.testing.assert_allclose(found.vectors * found.eigenvalues @ found.vectors.T, found.hessian, atol=1e-12)


def test_a_minimum_on_the_whole_orbit_is_flat_along_it_and_one_on_the_images_alone_or_on_invariants_is_not():
    images, penalty = some_images(30), 0.005
    found = {
        name: measure(images, *setting, [0, 1], penalty, 3000)
        for name, setting in {
            "orbit": ("identity", "equally spaced", 48),
            "images": ("identity", "equally spaced", 1),
            "invariant": ("complete", "equally spaced", 1),
        }.items()
    }
    networks, spectrum, along, rows = found["orbit"]
    assert len(networks) == len(rows) == 2
    broken = networks.dropna(subset="curvature")
    assert len(broken)
    assert (broken["curvature"].abs() < FLAT * penalty).all()
    assert (broken["image_norm"] < penalty / 10).all()
    assert (broken["overlap"] > 0.999).all()
    assert (broken["second"] > FLAT * penalty).all()
    assert (broken["flat"] == 1).all()
    assert (networks["loss_variation"] < 1e-6).all()
    assert spectrum.groupby("seed")["order"].count().tolist() == [orbits.LOWEST] * 2
    ranges = along.groupby("seed")["loss"].agg(np.ptp)
    np.testing.assert_array_equal(ranges, networks["loss_variation"])
    networks = found["images"][0]
    assert (networks["curvature"] > penalty).all()
    assert (networks["loss_variation"] > 0.1).all()
    assert networks["flat"].tolist() == [0, 0]
    networks = found["invariant"][0]
    assert networks[["direction_norm", "curvature", "image_norm", "quantile", "overlap"]].isna().all(axis=None)
    assert (networks["loss_variation"] < 1e-14).all()
    assert networks["flat"].tolist() == [0, 0]


def test_an_invariant_minimum_has_no_direction():
    # So large a penalty that the only minimum is W = 0.
    networks, _, _, rows = measure(some_images(), "identity", "equally spaced", 3, [0], 5.0, 200)
    assert np.abs(rows).max() < 1e-6
    assert networks["curvature"].isna().all()
    assert networks["flat"].tolist() == [0]
    assert networks["smallest"][0] == pytest.approx(5.0, rel=1e-3)


def test_random_angles_are_drawn_anew_for_each_network_and_a_run_repeats_itself():
    first, again = (measure(some_images(), "identity", "random", 2, [3, 4], PENALTY, 20) for _ in range(2))
    for one, two in zip(first[:3], again[:3], strict=True):
        assert one.to_csv() == two.to_csv()
    np.testing.assert_array_equal(first[3], again[3])
    alone = measure(some_images(), "identity", "random", 2, [4], PENALTY, 20)
    np.testing.assert_array_equal(alone[3][0], first[3][1])
    assert first[0]["n_train"].tolist() == [24, 24]


def test_a_network_must_be_penalised():
    with pytest.raises(ValueError) as error:
        measure(some_images(), "identity", "random", 2, [3], 0.0, 20)
    assert str(error.value) == "penalty: 0 is not above 0; without it directions are flat for other reasons"


def test_the_loss_of_a_problem_is_that_of_the_ensemble_with_the_penalty_per_image():
    problem = Problem(some_images(), "power", False, PENALTY)
    rows = some_parameters(problem, 1)
    plain = Problem(some_images(), "power", False, 0.0)
    assert problem.loss_and_gradient(rows)[0] - plain.loss_and_gradient(rows)[0] == pytest.approx(
        PENALTY / 2 * (rows**2).sum()
    )
    assert problem.initial([5]).dtype == torch.float64
