"""Biases held within ±ε: the reparametrisation and its gradient, parts of the logits by loops."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import oracles
from helpers.scripts import call
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.theory import amplification
from symmetry_constrained.theory.amplification import HeldBiases

ARCHITECTURE = Architecture(5, (4, 3), 3)
SIZES = [5, 4, 3, 3]
EPSILONS = np.array([0.0, 0.02, 0.5, np.inf])


def held():
    return HeldBiases(Ensemble(ARCHITECTURE, EPSILONS > 0, 0.1, torch.float64), EPSILONS)


def random_rows(seed, count=4, scale=1.0):
    return np.random.default_rng(seed).normal(0, scale, (count, ARCHITECTURE.row_length))


@given(st.integers(0, 99), st.floats(1e-4, 1e3))
def test_biases_stay_within_epsilon_and_weights_stay_themselves(seed, scale):
    free = random_rows(seed, scale=scale)
    rows = held().rows(torch.from_numpy(free)).numpy()
    bias = ARCHITECTURE.is_bias()
    np.testing.assert_array_equal(rows[:, ~bias], free[:, ~bias])
    assert (np.abs(rows[:, bias]) <= EPSILONS[:, None]).all()
    np.testing.assert_array_equal(rows[3], free[3])
    for k in (1, 2):
        np.testing.assert_allclose(rows[k, bias], EPSILONS[k] * np.tanh(free[k, bias] / EPSILONS[k]), rtol=1e-12)


def test_small_biases_are_undistorted():
    free = torch.from_numpy(random_rows(0, scale=1e-5))
    np.testing.assert_allclose(held().rows(free).numpy()[1:], free.numpy()[1:], rtol=2e-6)


def test_the_gradient_is_that_of_the_loss_in_the_free_parameters():
    networks = held()
    random = np.random.default_rng(1)
    images, labels = random.normal(size=(11, 5)), random.integers(0, 3, 11)
    samples = networks.ensemble.samples(images, labels)
    free = random_rows(2, scale=0.3)
    lanes = torch.tensor([2, 0, 3, 1])
    loss, gradient = networks.loss_and_gradient(torch.from_numpy(free[lanes]), samples, lanes)

    def naive(values, epsilon):
        row = values.copy()
        bias = ARCHITECTURE.is_bias()
        if epsilon == 0:
            row[bias] = 0
        elif np.isfinite(epsilon):
            row[bias] = epsilon * np.tanh(values[bias] / epsilon)
        return oracles.loss_and_gradient(row, SIZES, images, labels, 0.1)[0]

    for place, lane in enumerate(lanes.tolist()):
        assert float(loss[place]) == pytest.approx(naive(free[lane], EPSILONS[lane]), rel=1e-10)
        for parameter in range(ARCHITECTURE.row_length):
            step = np.zeros(ARCHITECTURE.row_length)
            step[parameter] = 1e-6
            slope = (naive(free[lane] + step, EPSILONS[lane]) - naive(free[lane] - step, EPSILONS[lane])) / 2e-6
            assert float(gradient[place, parameter]) == pytest.approx(slope, abs=2e-8)


def test_training_starts_far_from_the_bounds():
    rows = random_rows(3)
    initial = held().initial(rows).numpy()
    bias = ARCHITECTURE.is_bias()
    np.testing.assert_array_equal(initial[:, ~bias], rows[:, ~bias])
    for epsilon, row, start in zip(EPSILONS, rows, initial, strict=True):
        np.testing.assert_allclose(start[bias], row[bias] * min(epsilon, 0.1))


@pytest.mark.parametrize("epsilon", [-0.1, np.nan])
def test_a_bound_that_is_none_is_refused(epsilon):
    with pytest.raises(ValueError, match=r"epsilons must be 0 or above, not 0\.1, "):
        HeldBiases(Ensemble(ARCHITECTURE, np.ones(2, dtype=bool)), np.array([0.1, epsilon]))


def naive_parts(row, images):
    """even, odd and shift, an image at a time."""
    even, odd = [], []
    for image in images:
        up, down = (oracles.logits(row, SIZES, sign * image[None])[0] for sign in (1, -1))
        up, down = up - up.mean(), down - down.mean()
        even.append((up + down) / 2)
        odd.append((up - down) / 2)
    shift = np.mean(even, axis=0)
    return {
        name: np.sqrt(np.mean(np.square(value))) for name, value in (("even", even), ("odd", odd), ("shift", shift))
    }


@given(st.integers(0, 99))
def test_even_and_odd_parts_are_those_of_a_loop(seed):
    ensemble = Ensemble(ARCHITECTURE, np.ones(3, dtype=bool), dtype=torch.float64)
    # More images than fit in one block.
    ensemble.layers.block_bytes = 1
    rows, images = random_rows(seed, 3), np.random.default_rng(seed).normal(size=(300, 5))
    rows[2, ARCHITECTURE.is_bias()] = 0
    up, down = (ensemble.samples(sign * images, np.zeros(300, dtype=int)) for sign in (1, -1))
    found = amplification.parts(ensemble, torch.from_numpy(rows), up, down)
    for network, row in enumerate(rows):
        for name, value in naive_parts(row, images).items():
            assert found[name][network] == pytest.approx(value, abs=1e-12)
    # Without biases nothing is even; with them, all images share some of it and never more than there is.
    assert found["even"][2] < 1e-14 < found["odd"].min()
    assert (found["shift"] <= found["even"] + 1e-14).all() and found["shift"][0] > 0


@given(st.integers(0, 99), st.integers(1, 6))
def test_the_even_part_grows_as_small_biases_do(seed, depth):
    architecture = Architecture(5, (4,) * depth, 3)
    ensemble = Ensemble(architecture, np.ones(2, dtype=bool), dtype=torch.float64)
    row = architecture.initial(seed, biased=True)
    rows = np.stack([np.where(architecture.is_bias(), size * row, row) for size in (1e-4, 1e-5)])
    images = np.random.default_rng(seed).normal(size=(40, 5))
    up, down = (ensemble.samples(sign * images, np.zeros(40, dtype=int)) for sign in (1, -1))
    even = amplification.parts(ensemble, torch.from_numpy(rows), up, down)["even"]
    assert even[0] == pytest.approx(10 * even[1], rel=1e-3)


@pytest.fixture(scope="module")
def few():
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:150], digits.labels[:150])
    return dataset, protocols.split_images(dataset.images, dataset.labels, "clean", 0)


@pytest.fixture(scope="module")
def table(few):
    return amplification.study(*few, 2, [0.0, 0.05, np.inf], [4, 7], fraction=0.5, max_iterations=40)[0]


def test_a_study_has_a_row_per_network_and_keeps_its_bounds(table):
    assert table[["epsilon", "seed"]].values.tolist() == [
        [epsilon, seed] for epsilon in (0.0, 0.05, np.inf) for seed in (4, 7)
    ]
    assert set(table["hidden_layers"]) == {"10-10"} and set(table["depth"]) == {2}
    # Half of the 120 source images, 5 positions, 2 signs.
    assert set(table["n_train"]) == {600}
    by = table.set_index("epsilon")
    assert (table["excess"] == table["test_accuracy"] + table["inverted_accuracy"] - 1).all()
    assert (table["excess"] <= table["right_both_ways"] + 1e-12).all()
    assert (by.loc[0.0, ["bias", "largest_bias", "right_both_ways", "even", "initial_even"]] == 0).all(axis=None)
    assert (by.loc[0.0, "excess"] <= 0).all()
    assert by.loc[0.0, ["amplification", "initial_amplification", "at_bound"]].isna().all(axis=None)
    assert by.loc[0.05, "largest_bias"].max() <= 0.05 < by.loc[np.inf, "largest_bias"].min()
    assert by.loc[0.05, "at_bound"].between(0.05, 1).all() and by.loc[np.inf, "at_bound"].isna().all()
    # The larger the biases may be, the lower the loss, for each seed.
    losses = table["train_loss"].to_numpy().reshape(3, 2)
    assert (np.diff(losses, axis=0) < -0.01).all()
    assert by.loc[0.0, "train_loss"].to_numpy() == pytest.approx(np.log(10), abs=1e-4)
    biased = table[table["epsilon"] > 0]
    np.testing.assert_allclose(biased["amplification"], biased["even"] / biased["bias"])


def test_free_biases_train_as_in_an_ordinary_ensemble(few, table):
    dataset, split = few
    images, labels = inputs.training_inputs(dataset, split, "identity", "augmented", 0, 0.5)
    tests, test_labels = inputs.test_inputs(dataset, split, "identity")
    architecture = Architecture(64, (10, 10), 10)
    ensemble = Ensemble(architecture, np.ones(2, dtype=bool))
    initial = np.stack([architecture.initial(seed, True) for seed in (4, 7)])
    initial = torch.from_numpy(np.where(architecture.is_bias(), 0.1 * initial, initial))
    samples = ensemble.samples(images, labels)
    result = lbfgs.minimise(
        lambda rows, lanes: ensemble.loss_and_gradient(rows, samples, lanes),
        initial,
        Budget(max_iterations=40),
        gtol=amplification.GTOL,
        ftol=amplification.FTOL,
    )
    free = table[np.isinf(table["epsilon"])]
    assert free["train_loss"].to_numpy() == pytest.approx(evaluate(ensemble, result.x, samples).loss, rel=1e-4)
    biases = result.x.numpy()[:, architecture.is_bias()]
    assert free["largest_bias"].to_numpy() == pytest.approx(np.abs(biases).max(1), rel=1e-3)
    assert free["bias"].to_numpy() == pytest.approx(np.sqrt((biases**2).mean(1)), rel=1e-3)
    right = {
        name: evaluate(ensemble, result.x, ensemble.samples(values, test_labels)).classes == test_labels
        for name, values in tests.items()
    }
    both = (right["original"] & right["inverted"]).mean(1)
    assert free["right_both_ways"].to_numpy() == pytest.approx(both, abs=0.02)
    assert free["excess"].to_numpy() == pytest.approx(
        right["original"].mean(1) + right["inverted"].mean(1) - 1, abs=0.02
    )


def test_halfway_is_where_half_of_the_iterations_lead(few, table):
    half, rows = amplification.study(*few, 2, [0.0, 0.05, np.inf], [4, 7], fraction=0.5, max_iterations=20)
    assert len(rows) == len(half) and rows.dtype == np.float32
    moving = table["iterations"] == 40
    assert moving.sum() >= 4
    # Beside each other or not, networks train alike up to rounding.
    for column in ("train_loss", "excess"):
        pd.testing.assert_series_equal(
            table.loc[moving, f"halfway_{column}"], half.loc[moving, column], check_names=False, rtol=1e-4, atol=0.02
        )
    assert (table.loc[moving, "train_loss"] < half.loc[moving, "train_loss"]).all()


@pytest.fixture(scope="module")
def folders(tmp_path_factory, few):
    folder = tmp_path_factory.mktemp("few")
    few[0].write(folder / "data")
    few[1].write(folder / "split-3")
    return folder


def options(folders, out):
    given = ["--data", folders / "data", "--split", folders / "split-3", "--depths", 1, 3, "--epsilons", 0, 0.1, "inf"]
    return [*given, "--seeds", 2, "--fraction", 0.2, "--max-iterations", 4, "--out", out]


def test_the_script_writes_every_depth_and_again_the_same_bytes(folders, tmp_path):
    for name in ("first.csv", "second.csv"):
        assert call("amplify_bias", *options(folders, tmp_path / name)) == (0, "")
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
    table = pd.read_csv(tmp_path / "first.csv")
    assert list(table)[: len(amplification.LEADING_COLUMNS)] == amplification.LEADING_COLUMNS
    assert table["depth"].tolist() == [1] * 6 + [3] * 6
    assert table["epsilon"].tolist() == [0, 0, 0.1, 0.1, np.inf, np.inf] * 2
    assert table[["dataset", "protocol", "split"]].drop_duplicates().values.tolist() == [["digits", "clean", 3]]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (["--epsilons", "-0.1"], "epsilons must be 0 or above, not -0.1"),
        (["--depths", "0"], "a network needs at least one hidden layer"),
        (["--seeds", "0"], "there must be at least one seed"),
        (["--max-iterations", "0"], "a budget must be at least 1 iteration"),
        (["--dataset", "mnits"], "dataset: 'mnits' is unknown"),
        (["--data", "nowhere"], "[Errno 2] No such file or directory: 'nowhere/images.npy'"),
    ],
)
def test_bad_input_is_refused_in_one_line(folders, tmp_path, changed, line):
    status, words = call("amplify_bias", *options(folders, tmp_path / "out.csv"), *changed)
    assert status == 1 and words.startswith(f"amplify_bias.py: {line}") and "\n" not in words
    assert not list(tmp_path.iterdir())
