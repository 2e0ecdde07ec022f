"""Bias-free copies of biased networks, against networks evaluated layer by layer in NumPy."""

import itertools

import numpy as np
import pandas as pd
import pytest
from helpers import oracles
from helpers.scripts import call
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.analysis.biases import rates
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.theory import emulated_bias
from symmetry_constrained.theory.emulated_bias import on_constant_pixels, saturating

SPLIT = ["dataset", "protocol", "split"]  # columns that the script adds
HIDDEN = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def rows_of(architecture, seed, count=2, first_layer=False):
    """Random parameters (K, P); without biases in the first layer, unless asked for."""
    rows = np.random.default_rng(seed).normal(size=(count, architecture.row_length))
    return rows * (~emulated_bias.first_biases(architecture) | first_layer)


def sizes(architecture):
    return [architecture.inputs, *architecture.hidden_layers, architecture.classes]


def with_constant(row, architecture, images, first, weight, levelled):
    """The biased network's logits (n, classes), each bias times the constant as the extra neurons carry it."""
    constant, level, activation = first, 1.0, images
    layers = oracles.unpack(row, sizes(architecture))
    for index, (weights, biases) in enumerate(layers):
        activation = activation @ weights.T
        if index:
            activation = activation + biases * (constant / (level if levelled else 1))[:, None]
            constant, level = np.tanh(weight * constant), np.tanh(weight * level)
        if index < len(layers) - 1:
            activation = np.tanh(activation)
    return activation


@given(HIDDEN, st.integers(0, 99), st.floats(0.05, 2), st.booleans())
def test_extra_neurons_give_each_bias_the_constant_they_carry(hidden, seed, weight, levelled):
    architecture = Architecture(6, hidden, 4)
    rows = rows_of(architecture, seed)
    wider, copies = saturating(architecture, rows, weight, levelled)
    assert wider.hidden_layers == tuple(units + 1 for units in hidden)
    assert not copies[:, wider.is_bias()].any()
    images = np.random.default_rng(seed + 1).normal(-1, 1, (7, 6))
    for row, copy in zip(rows, copies, strict=True):
        expected = with_constant(row, architecture, images, np.tanh(-weight * images.sum(1)), weight, levelled)
        np.testing.assert_allclose(oracles.logits(copy, sizes(wider), images), expected, atol=1e-9)


@given(HIDDEN, st.integers(0, 99))
def test_a_large_weight_copies_the_network_on_negative_sums_and_is_odd_elsewhere(hidden, seed):
    architecture = Architecture(6, hidden, 4)
    rows = rows_of(architecture, seed)
    images = np.random.default_rng(seed).uniform(-1, -0.2, (9, 6))  # Σx <= -1.2
    wider, copies = saturating(architecture, rows, 25.0, False)
    for row, copy in zip(rows, copies, strict=True):
        true = oracles.logits(row, sizes(architecture), images)
        np.testing.assert_allclose(oracles.logits(copy, sizes(wider), images), true, atol=1e-9)
        # On −X the copy is the network with every bias negated.
        np.testing.assert_allclose(oracles.logits(copy, sizes(wider), -images), -true, atol=1e-9)
    assert not np.allclose(true, -oracles.logits(row, sizes(architecture), -images), atol=1e-3)


@given(HIDDEN, st.integers(0, 99), st.integers(1, 5))
def test_constant_pixels_give_every_layer_its_biases(hidden, seed, count):
    architecture = Architecture(6, hidden, 4)
    rows = rows_of(architecture, seed, first_layer=True)
    random = np.random.default_rng(seed)
    constant = np.zeros(6, dtype=bool)
    constant[random.permutation(6)[:count]] = True
    # Of either sign elsewhere: nothing depends on Σx.
    images = np.where(constant, -1.0, random.normal(size=(9, 6)))
    before = rows.copy()
    wider, copies = on_constant_pixels(architecture, rows, constant)
    np.testing.assert_array_equal(rows, before)
    assert not copies[:, wider.is_bias()].any()
    for row, copy in zip(rows, copies, strict=True):
        true = oracles.logits(row, sizes(architecture), images)
        np.testing.assert_allclose(oracles.logits(copy, sizes(wider), images), true, atol=1e-9)
        np.testing.assert_allclose(oracles.logits(copy, sizes(wider), -images), -true, atol=1e-9)


def test_what_cannot_be_copied_is_refused():
    architecture = Architecture(6, (3,), 4)
    rows = rows_of(architecture, 1, first_layer=True)
    with pytest.raises(ValueError, match="no bias to its own layer, the first"):
        saturating(architecture, rows, 1.0, True)
    with pytest.raises(ValueError, match="no pixel is constant"):
        on_constant_pixels(architecture, rows, np.zeros(6, dtype=bool))


def test_the_first_biases_are_those_of_the_first_layer():
    architecture = Architecture(3, (2, 4), 5)
    parameters = np.arange(architecture.row_length, dtype=float)
    (_, biases), *_ = oracles.unpack(parameters, sizes(architecture))
    assert parameters[emulated_bias.first_biases(architecture)].tolist() == biases.tolist()


@pytest.fixture(scope="module")
def few():
    """The first digits, whose nudged copies leave no pixel constant."""
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:120], digits.labels[:120])
    return dataset, protocols.split_images(dataset.images, dataset.labels, "clean", 0)


@pytest.fixture(scope="module")
def framed():
    """Images of 4 x 4 whose first column is empty in training; one test image has ink there, one is all ink."""
    random = np.random.default_rng(3)
    images = random.integers(0, 6, (70, 4, 4)).astype(np.uint8)
    images[0] = 9
    images[:, :, 0] = 0
    images[60, 2, 0] = 4
    images[61, :, 1:] = 9
    labels = np.arange(70, dtype=np.uint8) % 10
    return Dataset(images, labels), protocols.split_images(images, labels, "clean", 0, ("none",), 60)


@pytest.mark.parametrize("first_layer", [False, True])
def test_training_is_scipys_on_the_biases_that_are_free(few, first_layer):
    dataset, split = few
    budget = Budget(max_iterations=6)
    architecture, rows = emulated_bias.train(dataset, split, "original", first_layer, [4, 7], (5, 3), budget=budget)
    free = ~emulated_bias.first_biases(architecture) | first_layer
    assert not rows[:, ~free].any()
    kept = split.select("train")
    images, labels = split.images(dataset.images, kept), kept["label"].to_numpy()

    def function(values):
        row = np.zeros(architecture.row_length)
        row[free] = values
        loss, gradient = oracles.loss_and_gradient(row, sizes(architecture), images, labels, 1e-5)
        return loss, gradient[free]

    for seed, row in zip((4, 7), rows, strict=True):
        expected = oracles.lbfgsb(function, architecture.initial(seed, True)[free], max_iterations=6)
        np.testing.assert_allclose(row[free], expected.x, atol=2e-3)


def test_the_conditions_are_counted_as_by_loops(framed):
    dataset, split = framed
    found = emulated_bias.conditions(dataset, split).set_index("set")
    constant = [pixel for pixel in range(16) if len({int(image.ravel()[pixel]) for image in dataset.images[:60]}) == 1]
    assert constant == [0, 4, 8, 12]
    for name, images in (("train", dataset.images[:60]), ("test", dataset.images[60:])):
        sums, changed, pixels = [], 0, set()
        for image in images.reshape(-1, 16).astype(float):
            top = dataset.images[:60].reshape(-1, 16).max(0)
            low = dataset.images[:60].reshape(-1, 16).min(0)
            scaled = 2 * (image - low) / (top + 0.0001) - 1
            sums.append(scaled.sum())
            changed += any(scaled[pixel] != -1 for pixel in constant)
            pixels |= {pixel for pixel in constant if scaled[pixel] != -1}
        row = found.loc[name]
        signs = [sum(np.sign(value) == sign for value in sums) for sign in (-1, 0, 1)]
        assert row[["negative", "zero", "positive"]].tolist() == signs
        assert row["smallest_sum"] == pytest.approx(min(map(abs, sums)))
        assert row["median_sum"] == pytest.approx(np.median(np.abs(sums)))
        assert (row["changed_images"], row["changed_pixels"]) == (changed, len(pixels))
        assert (row["pixels"], row["constant_pixels"], row["unshifted_constant_pixels"]) == (16, 4, 4)
    assert found.loc["test", "changed_images"] == 1
    # Ink where no training image had any: 4 / 0.0001.
    assert found.loc["test", "largest_value"] == pytest.approx(2 * 4 / 0.0001 - 1)
    assert found.loc["train", "largest_value"] == -1


def test_digits_have_one_polarity_and_no_constant_pixel_once_nudged(few):
    found = emulated_bias.conditions(*few)
    assert (found["negative"] == found["images"]).all()
    assert found["constant_pixels"].tolist() == [0, 0]
    assert (found["unshifted_constant_pixels"] > 0).all()
    assert found["largest_value"].isna().all()


def test_a_rows_numbers_are_those_of_the_two_networks(framed):
    dataset, split = framed
    options = {"hidden_layers": (4, 3), "budget": Budget(max_iterations=20)}
    table, weights = emulated_bias.study(dataset, split, ["original", "augmented"], [4, 7], [0.1, 3.0], **options)
    assert list(table) == emulated_bias.COLUMNS
    assert len(table) == 2 * 2 * (2 * 2 + 1)
    rows = split.select("test")
    images, labels = split.images(dataset.images, rows, np.float64), rows["label"].to_numpy()
    negative, there = images.sum(1) < 0, (images[:, [0, 4, 8, 12]] == -1).all(1)
    assert 0 < (~negative).sum() < len(images) and (~there).sum() == 1
    for training_set, first_layer in itertools.product(("original", "augmented"), (False, True)):
        architecture, biased = emulated_bias.train(dataset, split, training_set, first_layer, [4, 7], **options)
        stored = weights[f"{training_set}/{'constant pixels' if first_layer else 'saturated'}"]
        np.testing.assert_array_equal(stored, biased)
        if first_layer:
            copies = {("constant pixels", None): on_constant_pixels(architecture, biased, split.maximum == 0)}
        else:
            names = itertools.product(("saturated", "levelled"), (0.1, 3.0))
            copies = {key: saturating(architecture, biased, key[1], key[0] == "levelled") for key in names}
        for (construction, weight), (wider, bias_free) in copies.items():
            cell = table[(table["training_set"] == training_set) & (table["construction"] == construction)]
            cell = cell[cell["weight"].isna() if weight is None else cell["weight"] == weight]
            assert cell["seed"].tolist() == [4, 7]
            mask = there if first_layer else negative
            for (_, row), old, new in zip(cell.iterrows(), biased, bias_free, strict=True):
                true, false = (oracles.logits(old, sizes(architecture), sign * images) for sign in (1, -1))
                mine, negated = (oracles.logits(new, sizes(wider), sign * images) for sign in (1, -1))
                apart = np.abs(mine - true).max(1)
                assert (row["images"], row["exceptions"]) == (mask.sum(), (~mask).sum())
                assert row["largest_difference"] == pytest.approx(apart[mask].max(), abs=1e-9)
                assert row["median_difference"] == pytest.approx(np.median(apart[mask]), abs=1e-9)
                assert row["exceptions_difference"] == pytest.approx(apart[~mask].min(), abs=1e-9)
                assert row["inverted_difference"] == pytest.approx(np.median(np.abs(negated - false).max(1)[mask]))
                assert row["oddness"] == 0
                for name, values in (("test", mine), ("inverted", negated)):
                    assert row[f"{name}_accuracy"] == pytest.approx((values.argmax(1) == labels).mean())
                for name, values in (("test", true), ("inverted", false)):
                    assert row[f"biased_{name}_accuracy"] == pytest.approx((values.argmax(1) == labels).mean())
            if weight is not None:
                smallest = np.abs(images[negative].sum(1)).min()
                assert (
                    cell["predicted_rate"] == 2 * (min(smallest, 1) if construction == "saturated" else smallest)
                ).all()
                assert cell["deviation"].to_numpy() == pytest.approx(1 - np.tanh(weight * smallest), abs=1e-12)
    constant = table[table["construction"] == "constant pixels"]
    assert constant["largest_difference"].max() < 1e-9 < constant["exceptions_difference"].min()
    assert constant[["predicted_rate", "deviation"]].isna().all(axis=None)


def test_digits_are_copied_at_the_rate_of_theory(few):
    dataset, split = few
    table, _ = emulated_bias.study(dataset, split, ["original"], [4, 7], budget=Budget(max_evaluations=30))
    assert set(table["construction"]) == {"saturated", "levelled"}
    last = table[table["weight"] == max(emulated_bias.WEIGHTS)]
    assert last["largest_difference"].max() < 1e-12 and last["inverted_difference"].min() > 0.1
    found = rates(table)
    assert len(found) == 4
    assert found["rate"].to_numpy() == pytest.approx(found["predicted_rate"].to_numpy(), rel=0.03)
    assert (found["predicted_rate"] == 2).sum() == 2 and found["predicted_rate"].max() > 20


def test_one_hidden_layer_has_nothing_to_carry_on(few):
    dataset, split = few
    options = {"hidden_layers": (4,), "budget": Budget(max_evaluations=10)}
    table, _ = emulated_bias.study(dataset, split, ["original"], [4], [0.05, 0.5], **options)
    measures = table.drop(columns="construction").set_index("weight")
    pd.testing.assert_frame_equal(
        measures[table["construction"].to_numpy() == "saturated"],
        measures[table["construction"].to_numpy() == "levelled"],
    )
    assert set(table["hidden_layers"].astype(str)) == {"4"}


def test_images_of_the_other_polarity_alone_are_refused(few):
    dataset, split = few
    ink = Dataset(np.full_like(dataset.images, 200), dataset.labels)
    with pytest.raises(ValueError, match="no test image has a negative Σx"):
        emulated_bias.study(ink, split, ["original"], [1], [1.0], budget=Budget(max_evaluations=1))


@pytest.fixture(scope="module")
def folders(tmp_path_factory, few):
    folder = tmp_path_factory.mktemp("few")
    few[0].write(folder / "data")
    few[1].write(folder / "split-3")
    return folder


def options(folders, out):
    given = ["--data", folders / "data", "--split", folders / "split-3", "--seeds", 2, "--max-evaluations", 5]
    return [*given, "--weights", 0.5, 2, "--out", out / "bias.csv", "--conditions", out / "conditions.csv"]


def test_the_script_writes_both_tables_and_again_the_same_bytes(folders, tmp_path):
    for name in ("first", "second"):
        assert call("emulate_bias", "--dataset", "digits", *options(folders, tmp_path / name)) == (0, "")
    for name in ("bias.csv", "conditions.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    table = pd.read_csv(tmp_path / "first/bias.csv", dtype={"hidden_layers": str})
    assert list(table) == SPLIT + emulated_bias.COLUMNS
    assert len(table) == 2 * 2 * 2 * 2
    conditions = pd.read_csv(tmp_path / "first/conditions.csv")
    for read in (table, conditions):
        assert read[SPLIT].drop_duplicates().values.tolist() == [["digits", "clean", 3]]
    split = Split.read(folders / "split-3")
    pd.testing.assert_frame_equal(
        conditions.drop(columns=SPLIT),
        emulated_bias.conditions(Dataset.read(folders / "data"), split),
        check_dtype=False,
    )


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (["--dataset", "mnits"], "dataset: 'mnits' is unknown; choose one of digits,"),
        (["--weights", "0", "1"], "weights must be above 0, not 0"),
        (["--training-sets", "inverted"], "training_set: 'inverted' is unknown"),
        (["--seeds", "0"], "there must be at least one seed"),
        (["--max-evaluations", "0"], "a budget must be at least 1 iteration"),
        (["--data", "nowhere"], "[Errno 2] No such file or directory: 'nowhere/images.npy'"),
    ],
)
def test_bad_input_is_refused_in_one_line(folders, tmp_path, changed, line):
    status, words = call("emulate_bias", "--dataset", "digits", *options(folders, tmp_path), *changed)
    assert status == 1 and words.startswith(f"emulate_bias.py: {line}") and "\n" not in words
    assert not list(tmp_path.iterdir())
