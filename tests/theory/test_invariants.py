"""Networks on incomplete and complete invariants: budgets along one run, and accuracies."""

import os

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.scripts import call

from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.protocols import split_images
from symmetry_constrained.features import inversion, translation
from symmetry_constrained.features.groups import GROUPS, INVERSION, TRANSLATION
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.draws import initial_seeds
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Marks
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.theory.invariants import compare

SHAPE = (3, 5)


@pytest.fixture(scope="module")
def made():
    """Patterns of ten classes with noise, and a split of them."""
    random = np.random.default_rng(0)
    labels = np.arange(80).astype(np.uint8) % 10
    patterns = random.integers(0, 17, (10, *SHAPE))
    images = np.clip(patterns[labels] + random.integers(-2, 3, (80, *SHAPE)), 0, 16).astype(np.uint8)
    dataset = Dataset(images, labels)
    return dataset, split_images(images, labels, "clean", 0)


def test_the_vocabulary_is_that_of_the_maps():
    assert set(INVERSION) <= set(inversion.FEATURES)
    assert TRANSLATION == tuple(translation.MAPS)
    for group in GROUPS.values():
        assert group.norms in group.maps


def quadratic_bowls(rows, lanes):
    """A badly scaled bowl per lane, another one each."""
    scale = torch.logspace(0, 3, rows.shape[1], dtype=torch.float64) * (1 + lanes[:, None])
    return (scale * rows**4).sum(1), 4 * scale * rows**3


def test_a_mark_is_where_a_run_with_that_budget_ends():
    start = torch.tensor(np.random.default_rng(0).normal(size=(5, 8)))
    budgets = [3, 9, 20, 10**6]
    marks = Marks(budgets, start)
    result = lbfgs.minimise(
        quadratic_bowls, start, Budget(max_evaluations=max(budgets)), gtol=1e-7, accepted=marks.accepted
    )
    marks.close(result)
    for index, budget in enumerate(budgets):
        alone = lbfgs.minimise(quadratic_bowls, start, Budget(max_evaluations=budget), gtol=1e-7)
        np.testing.assert_array_equal(marks.rows[:, index], alone.x)
        np.testing.assert_array_equal(marks.evaluations[:, index], alone.evaluations)
    assert (marks.evaluations[:, -1] < 10**6).all()


@pytest.mark.parametrize(("group", "name"), [("inversion", "neighbour"), ("translation", "bispectrum")])
def test_each_row_is_a_network_trained_on_its_own(made, group, name):
    dataset, split = made
    found, weights = compare(dataset, split, 3, group, name, [4, 7], [5, 12], fraction=0.5)
    assert found[["budget", "network", "seed"]].values.tolist() == [
        [budget, network, seed] for budget in (5, 12) for network in ("biased", "bias-free") for seed in (4, 7)
    ]
    maps = inversion if group == "inversion" else translation
    rows = {"train": split.select("train", 0.5), "test": split.select("test")}
    images = {key: split.images(dataset.images, of) for key, of in rows.items()}
    architecture = Architecture(found["feature_count"][0], (10, 5), 10)
    for _, row in found.iterrows():
        biased = row["network"] == "biased"
        ensemble = Ensemble(architecture, np.array([biased]))
        samples = {
            key: ensemble.samples(maps.compute(name, images[key], SHAPE), rows[key]["label"].to_numpy()) for key in rows
        }
        start = torch.tensor(architecture.initial(*initial_seeds(3, [row["seed"]]), biased)[None])
        result = lbfgs.minimise(
            lambda points, lanes, e=ensemble, s=samples["train"]: e.loss_and_gradient(points, s, lanes),
            start,
            Budget(max_evaluations=row["budget"]),
        )
        place = 2 * (not biased) + [4, 7].index(row["seed"])
        np.testing.assert_allclose(weights[row["budget"]][place], result.x[0], rtol=1e-3, atol=1e-4)
        assert row["evaluations"] == int(result.evaluations[0])
        assert row["parameters"] == architecture.parameters(biased)
        assert row["n_train"] == len(rows["train"]) < 320
        for key in rows:
            assert row[f"{key}_accuracy"] == pytest.approx(evaluate(ensemble, result.x, samples[key]).accuracy[0])
    assert (found["split"] == 3).all()


@pytest.mark.parametrize(
    ("group", "name"),
    [("inversion", name) for name in INVERSION[1:]] + [("translation", name) for name in TRANSLATION[1:]],
)
def test_with_invariant_features_transformed_images_are_judged_as_the_images_are(made, group, name):
    found, _ = compare(*made, 0, group, name, [1], [10])
    # Rounding may tip an image.
    assert (found["test_accuracy"] - found["transformed_accuracy"]).abs().max() <= 1 / 80


def test_the_test_images_are_transformed_by_the_group(made):
    dataset, split = made
    images = split.images(dataset.images, split.select("test"))
    inverted = GROUPS["inversion"].transform(images, SHAPE, np.random.default_rng(0))
    np.testing.assert_array_equal(inverted, -images)
    moved = GROUPS["translation"].transform(images, SHAPE, np.random.default_rng(5))
    angles = np.random.default_rng(5).uniform(0, 2 * np.pi, len(images))
    assert len(set(angles)) == len(images)
    for image, angle, result in zip(images, angles, moved, strict=True):
        np.testing.assert_allclose(result, translation.translate(image[None], angle, SHAPE)[0], atol=1e-6)
    pixels, _ = compare(dataset, split, 0, "inversion", "identity", [1], [60])
    assert (pixels["test_accuracy"] - pixels["transformed_accuracy"]).min() > 0.2


def test_bad_input_is_refused(made):
    with pytest.raises(ValueError) as error:
        compare(*made, 0, "translation", "square", [1], [5])
    assert str(error.value) == (
        "features: 'square' is unknown for translation; choose one of identity, power, bispectrum, complete, aligned"
    )
    with pytest.raises(ValueError) as error:
        compare(*made, 0, "inversion", "square", [1], [5], fraction=0.001)
    assert str(error.value) == "fraction: 0.001 keeps no training image"


def options(made, folder, *more):
    dataset, split = made
    dataset.write(folder / "data")
    split.write(folder / "split-6")
    chosen = ["--inversion", "square", "canonical", "--translation", "power", "aligned"]
    quick = [*chosen, "--seeds", 1, 2, "--evaluations", 4, 8, "--fraction", 0.5]
    return "--data", folder / "data", "--split", folder / "split-6", "--out", folder / "out", *quick, *more


def test_the_script_writes_tables_and_weights_and_writes_them_again_to_the_byte(made, tmp_path):
    for name in ("one", "two"):
        assert call("compare_invariants", *options(made, tmp_path / name)) == (0, "")
    names = ["invariants.csv", "invariants.safetensors", "phase_symmetries.csv", "sign_symmetries.csv"]
    assert sorted(os.listdir(tmp_path / "one/out")) == names
    for name in names:
        assert (tmp_path / "one/out" / name).read_bytes() == (tmp_path / "two/out" / name).read_bytes()
    networks = pd.read_csv(tmp_path / "one/out/invariants.csv")
    assert len(networks) == 4 * 2 * 2 * 2
    assert (networks["split"] == 6).all()
    signs, phases = (pd.read_csv(tmp_path / f"one/out/{kind}_symmetries.csv") for kind in ("sign", "phase"))
    assert signs[["features", "log2_symmetries"]].values.tolist() == [["square", 15], ["canonical", 1]]
    assert phases[["features", "dimensions"]].values.tolist() == [["power", 6], ["aligned", 1]]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--inversion", "power"), "features: 'power' is unknown for inversion; choose one of identity, square"),
        (("--fraction", 0), "fraction: 0 keeps no training image"),
        (("--evaluations", 0), "a budget must be at least 1 iteration"),
    ],
)
def test_the_script_refuses_bad_input_in_one_line(made, tmp_path, more, says):
    status, line = call("compare_invariants", *options(made, tmp_path, *more))
    assert status == 1
    assert line.startswith(f"compare_invariants.py: {says}")
    assert len(line.splitlines()) == 1
    assert not (tmp_path / "out").exists()
