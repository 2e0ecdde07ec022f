"""Training with and without Σx: what is taken away, what counts as saturated, and that weights are not shared."""

import numpy as np
import pytest
from helpers.scripts import call, refused

from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.theory import saturated_units
from symmetry_constrained.theory.saturated_units import INPUTS, saturated, shown, study


@pytest.fixture(scope="module")
def digits():
    dataset = reading.load("digits")
    dataset = Dataset(dataset.images[:200], dataset.labels[:200])
    return dataset, protocols.split_images(dataset.images, dataset.labels, "clean", 0)


@pytest.fixture(scope="module")
def trained(digits):
    return study(*digits, [0, 1], 0.5, 40)


def test_without_its_mean_an_image_has_no_sum_and_all_else_is_left():
    images = np.random.default_rng(0).uniform(-1, 1, (20, 64))
    assert shown(INPUTS[0], images) is images
    left = shown(INPUTS[1], images)
    np.testing.assert_allclose(left.sum(1), 0, atol=1e-12)
    # Differences of pixels, which are all that is left, are as before.
    np.testing.assert_allclose(np.diff(left), np.diff(images), atol=1e-12)


def test_each_kind_of_network_is_trained_on_each_kind_of_inputs(trained, digits):
    table, rows = trained
    expected = [(kind, network, seed) for kind in INPUTS for network in ("biased", "bias-free") for seed in (0, 1)]
    assert list(zip(table["inputs"], table["network"], table["seed"], strict=True)) == expected
    assert len(rows) == 8 and len(np.unique(rows, axis=0)) == 8
    assert set(table["n_train"]) == {len(inputs.training_inputs(*digits, "identity", "original", 0, 0.5)[1])}
    assert (table["evaluations"] >= 40).all() and table["test_accuracy"].between(0.2, 1).all()
    architecture = Architecture(64, (10, 5))
    biases = np.concatenate([layer[:, :, -1] for layer in architecture.split(rows)], axis=1)
    free = (table["network"] == "bias-free").to_numpy()
    assert not biases[free].any() and biases[~free].all()
    # The same weights at the start, on both kinds of inputs.
    _, early = study(*digits, [0, 1], 0.5, 1)
    assert early.shape == rows.shape


def test_without_a_sum_nothing_saturates_on_it(trained):
    table, _ = trained
    assert (table.loc[table["inputs"] == INPUTS[1], "saturated_units"] == 0).all()


def test_a_unit_counts_if_it_is_large_with_one_sign_on_nearly_all_images():
    architecture = Architecture(4, (3, 2))
    rows = np.zeros((2, architecture.row_length))
    first = architecture.split(rows)[0]
    first[0, 0, :-1], first[0, 1, :-1], first[0, 2, :-1] = 2, -2, [9, -9, 9, -9]
    first[1, 0, -1] = 2.0  # a bias alone: tanh 2 = 0.964
    images = np.full((1000, 4), -0.5) + np.random.default_rng(0).normal(0, 0.01, (1000, 4))
    # The third unit has either sign.
    assert saturated(architecture, rows, images).tolist() == [2, 1]
    # One image in a hundred may differ, but not more.
    images[:10] *= -1
    assert saturated(architecture, rows, images).tolist() == [2, 1]
    images[10] *= -1
    assert saturated(architecture, rows, images).tolist() == [0, 1]


def test_twice_gives_equal_bits_and_no_seeds_are_refused(trained, digits):
    again = study(*digits, [0, 1], 0.5, 40)
    assert again[0].equals(trained[0])
    np.testing.assert_array_equal(again[1], trained[1])
    with pytest.raises(ValueError, match="at least one seed"):
        study(*digits, [])


def test_the_script_writes_every_split_with_its_own_weights(digits, tmp_path):
    dataset, _ = digits
    dataset.write(tmp_path / "data")
    for number in (0, 1):
        split = protocols.split_images(dataset.images, dataset.labels, "clean", number)
        split.write(tmp_path / f"split-{number}")
    arguments = ["--data", tmp_path / "data", "--split", tmp_path / "split-0", tmp_path / "split-1"]
    arguments += ["--seeds", 1, "--fraction", 0.3, "--max-evaluations", 5, "--out", tmp_path / "out/table.csv"]
    assert call("train_saturated_units", *arguments) == (0, "")
    lines = (tmp_path / "out/table.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 2 * 4 and lines[0].startswith("dataset,protocol,split,network,seed,inputs,")
    assert [line.split(",")[2] + line.split(",")[4] for line in lines[1:]] == ["00"] * 4 + ["11"] * 4
    arguments[arguments.index("--seeds") + 1] = 0
    arguments[-1] = tmp_path / "other/table.csv"
    assert "at least one seed" in refused(tmp_path, "train_saturated_units", *arguments, out=tmp_path / "other")


def test_the_levels_are_named_once():
    assert (saturated_units.LEVEL, saturated_units.SHARE) == (0.9, 0.99)
