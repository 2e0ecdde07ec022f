"""Mirrored pairs: even to the last bits, biases within ±ε, and far above R + R̄ = 1 on a small real training."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import oracles
from helpers.scripts import call
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble, evaluate
from symmetry_constrained.theory import mirrored_pairs
from symmetry_constrained.theory.mirrored_pairs import KINDS, MIRRORED, ORDINARY, TIED, TiedPairs

ARCHITECTURE = Architecture(5, (6,), 3)
SIZES = [5, 6, 3]
EPSILONS = np.array([1e-4, 0.02, 0.5])


def tied(architecture=ARCHITECTURE, epsilons=EPSILONS, alpha=0.0):
    return TiedPairs(Ensemble(architecture, np.ones(len(epsilons), dtype=bool), alpha, torch.float64), epsilons)


def free_parameters(networks, seed, scale=1.0):
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.normal(0, scale, (len(networks.epsilons), networks.half.row_length)))


@given(st.integers(0, 999), st.floats(1e-6, 1.0), st.floats(0.1, 3.0))
def test_any_weights_and_any_epsilon_give_an_even_network(seed, epsilon, scale):
    networks = tied(epsilons=np.array([epsilon, epsilon / 3]))
    rows = networks.rows(free_parameters(networks, seed, scale))
    random = np.random.default_rng(seed)
    images, labels = random.normal(size=(40, 5)), random.integers(0, 3, 40)
    up, down = (networks.ensemble.samples(sign * images, labels) for sign in (1, -1))
    (_, _, f), (_, _, g) = next(networks.ensemble.logits(rows, up)), next(networks.ensemble.logits(rows, down))
    # A sum of six terms of at most |u|, in another order.
    rounding = 6 * float(rows.abs().max()) * 2**-51
    assert float((f - g).abs().max()) <= rounding
    # R = R̄ on the images whose class rounding does not decide, as it does where all units are saturated.
    first, second = f.topk(2, dim=1).values.unbind(1)
    decided = (first - second > 2 * rounding).numpy()
    assert decided.mean() > 0.3
    above, below = (evaluate(networks.ensemble, rows, samples).classes for samples in (up, down))
    np.testing.assert_array_equal(above[decided], below[decided])


def test_a_pair_is_two_units_with_opposite_weights_and_the_bias_epsilon():
    networks = tied()
    free = free_parameters(networks, 0)
    first, second = (layer[:, :, :-1].numpy() for layer in networks.half.split(free))
    rows = networks.rows(free).numpy()
    for network, epsilon in enumerate(EPSILONS):
        hidden, output = (layer[network] for layer in ARCHITECTURE.split(rows))
        for pair in range(3):
            np.testing.assert_array_equal(hidden[2 * pair], [*first[network, pair], epsilon])
            np.testing.assert_array_equal(hidden[2 * pair + 1], [*-first[network, pair], epsilon])
            for unit in (2 * pair, 2 * pair + 1):
                np.testing.assert_array_equal(output[:, unit], second[network, :, pair])
        assert not output[:, -1].any()
    np.testing.assert_array_equal(np.abs(rows[:, ARCHITECTURE.is_bias()]).max(1), EPSILONS)


def test_enlarged_output_weights_change_the_logits_scale_alone():
    networks = tied()
    free = free_parameters(networks, 1)
    images = np.random.default_rng(1).normal(size=(7, 5))
    for epsilon, row, enlarged in zip(EPSILONS, networks.rows(free), networks.rows(free, enlarged=True), strict=True):
        small, large = (oracles.logits(values.numpy(), SIZES, images) for values in (row, enlarged))
        np.testing.assert_allclose(small, 2 * epsilon * large, rtol=1e-9, atol=1e-14)


def test_small_biases_give_the_network_of_the_proof():
    networks = tied(epsilons=np.array([1e-4]))
    free = free_parameters(networks, 2)
    images = np.random.default_rng(2).normal(size=(9, 5))
    first, second = (layer[0, :, :-1].numpy() for layer in networks.half.split(free))
    limit = (1 / np.cosh(images @ first.T) ** 2) @ second.T
    row = networks.rows(free, enlarged=True)[0].numpy()
    np.testing.assert_allclose(oracles.logits(row, SIZES, images), limit, atol=1e-7)


def test_the_gradient_is_that_of_the_loss_in_the_free_parameters():
    networks = tied(alpha=0.1)
    random = np.random.default_rng(3)
    images, labels = random.normal(size=(11, 5)), random.integers(0, 3, 11)
    samples = networks.ensemble.samples(images, labels)
    lanes = torch.tensor([2, 1])
    free = free_parameters(networks, 3, 0.3)[lanes]
    loss, gradient = networks.loss_and_gradient(free, samples, lanes)

    def naive(values, lane):
        lanes = torch.tensor([lane])
        row = networks.rows(torch.from_numpy(values)[None], lanes, enlarged=True)[0].numpy()
        return oracles.loss_and_gradient(row, SIZES, images, labels, 0.1)[0]

    for place, lane in enumerate(lanes.tolist()):
        values = free[place].numpy()
        assert float(loss[place]) == pytest.approx(naive(values, lane), rel=1e-10)
        for parameter in range(networks.half.row_length):
            step = np.zeros(len(values))
            step[parameter] = 1e-6
            slope = (naive(values + step, lane) - naive(values - step, lane)) / 2e-6
            assert float(gradient[place, parameter]) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ("architecture", "epsilons", "line"),
    [
        (Architecture(5, (5,), 3), EPSILONS, "mirrored pairs need one hidden layer of an even number of units"),
        (Architecture(5, (4, 4), 3), EPSILONS, "mirrored pairs need one hidden layer of an even number of units"),
        (ARCHITECTURE, np.array([0.1, 0.0]), "epsilons must be above 0, not 0.1, 0"),
        (ARCHITECTURE, np.array([np.nan]), "epsilons must be above 0, not nan"),
        (ARCHITECTURE, np.array([np.inf]), "epsilons must be above 0, not inf"),
    ],
)
def test_what_has_no_pairs_or_no_bound_is_refused(architecture, epsilons, line):
    with pytest.raises(ValueError, match=line):
        tied(architecture, epsilons)


@pytest.fixture(scope="module")
def few():
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:400], digits.labels[:400])
    return dataset, protocols.split_images(dataset.images, dataset.labels, "clean", 0)


@pytest.fixture(scope="module")
def trained(few):
    return mirrored_pairs.study(*few, [1e-4, 0.1], [4, 7], fraction=1.0, max_iterations=60)


def test_tied_pairs_refute_the_bound_at_every_epsilon(trained):
    table, _ = trained
    pairs = table[table["kind"] == TIED]
    assert (pairs["test_accuracy"] == pairs["inverted_accuracy"]).all()
    assert (pairs["excess"] > 0.2).all() and (pairs["largest_bias"] == pairs["epsilon"]).all()
    # Of the order of ε, and even to its last bits.
    assert (pairs["largest_logit"] < 100 * pairs["epsilon"]).all()
    assert (pairs["largest_difference"] < 1e-13).all()
    assert (pairs["largest_weight"] < 20).all()
    # The smaller ε is not the harder to train.
    small, large = (pairs.loc[pairs["epsilon"] == epsilon, "excess"].mean() for epsilon in (1e-4, 0.1))
    assert small == pytest.approx(large, abs=0.15)
    # Ordinary training stays at chance, or below R + R̄ = 1 at least.
    others = table[(table["kind"] != TIED) & (table["epsilon"] == 1e-4)]
    assert (others["excess"] < -0.2).all()


def test_every_column_is_what_a_naive_loop_makes_of_the_stored_rows(few, trained):
    table, rows = trained
    tests, labels = inputs.test_inputs(*few, "identity")
    architecture = Architecture(64, (20,), 10)
    assert rows.shape == (len(table), architecture.row_length) and rows.dtype == np.float64
    assert [*table[["kind", "epsilon", "seed"]].itertuples(index=False, name=None)] == [
        *itertools.product(KINDS, [1e-4, 0.1], [4, 7])
    ]
    for (_, network), row in zip(table.iterrows(), rows, strict=True):
        f, g = (oracles.logits(row, [64, 20, 10], tests[name].astype(np.float64)) for name in ("original", "inverted"))
        for values, column in ((f, "test_accuracy"), (g, "inverted_accuracy")):
            correct = sum(int(np.argmax(said) == label) for said, label in zip(values, labels, strict=True))
            assert network[column] == pytest.approx(correct / len(labels), abs=1e-12)
        assert network["excess"] == network["test_accuracy"] + network["inverted_accuracy"] - 1
        assert network["largest_difference"] == pytest.approx(np.abs(f - g).max(), rel=1e-9, abs=1e-13)
        assert network["largest_logit"] == pytest.approx(max(np.abs(f).max(), np.abs(g).max()), rel=1e-9)
        size, bias = np.abs(row), architecture.is_bias()
        assert size[bias].max() <= network["epsilon"]
        assert (network["largest_bias"], network["largest_weight"]) == (size[bias].max(), size[~bias].max())


def test_every_kind_trains_on_its_images(few, trained):
    table, rows = trained
    # 320 source images in 5 positions, and their negatives for the kinds that are not even.
    assert table.groupby("kind")["n_train"].unique().map(list).to_dict() == {
        TIED: [1600],
        MIRRORED: [3200],
        ORDINARY: [3200],
    }
    epsilons = table["epsilon"].to_numpy()
    for kind, training_set, precision in (
        (TIED, "original", 1e-9),
        (MIRRORED, "augmented", 1e-4),
        (ORDINARY, "augmented", 1e-4),
    ):
        images, labels = inputs.training_inputs(*few, "identity", training_set, 0, 1.0)
        for place in np.flatnonzero(table["kind"] == kind):
            row = rows[place].copy()
            if kind == TIED:
                row[20 * 65 :] /= 2 * epsilons[place]
            expected = oracles.loss_and_gradient(row, [64, 20, 10], images.astype(np.float64), labels, 0.0)[0]
            assert table["train_loss"][place] == pytest.approx(expected, rel=precision)


def test_an_untied_training_starts_from_the_pairs(few):
    table, rows = mirrored_pairs.study(*few, [0.1], [4], fraction=0.1, max_iterations=1)
    start = dict(zip(table["kind"], rows, strict=True))[MIRRORED]
    half = Architecture(64, (10,), 10)
    first, second = (layer[0, :, :-1] for layer in half.split(half.initial(4, biased=False)[None]))
    hidden, output = (layer[0] for layer in Architecture(64, (20,), 10).split(start[None]))
    # After one iteration of length 1 or less the pairs are still there to be seen.
    assert np.abs(hidden[::2, :-1] - first).max() < 1 and np.abs(hidden[1::2, :-1] + first).max() < 1
    assert np.corrcoef(output[:, :-1:2].ravel(), second.ravel())[0, 1] > 0.9
    assert (np.abs(hidden[:, -1]) <= 0.1).all()


@pytest.fixture(scope="module")
def folders(tmp_path_factory, few):
    folder = tmp_path_factory.mktemp("few")
    few[0].write(folder / "data")
    for number in (0, 3):
        protocols.split_images(few[0].images, few[0].labels, "clean", number).write(folder / f"split-{number}")
    return folder


def options(folders, out):
    given = ["--data", folders / "data", "--split", folders / "split-0", folders / "split-3", "--epsilons", 0.001, 0.1]
    given += ["--seeds", 2, "--fraction", 0.2, "--max-iterations", 4]
    return [*given, "--out", out / "table.csv"]


def test_the_script_writes_every_split_and_again_the_same_bytes(folders, tmp_path):
    for name in ("first", "second"):
        assert call("train_mirrored_pairs", *options(folders, tmp_path / name)) == (0, "")
    for name in ("table.csv", "table.safetensors"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    table = pd.read_csv(tmp_path / "first/table.csv")
    rows = load_file(tmp_path / "first/table.safetensors")["rows"]
    assert list(table)[: len(mirrored_pairs.LEADING_COLUMNS)] == mirrored_pairs.LEADING_COLUMNS
    assert len(table) == len(rows) == 2 * 3 * 2 * 2
    assert table[["dataset", "protocol"]].drop_duplicates().values.tolist() == [["digits", "clean"]]
    # No initial weights in two splits.
    assert table.groupby("split")["seed"].unique().map(list).to_dict() == {0: [0, 1], 3: [6, 7]}
    np.testing.assert_array_equal(np.abs(rows[:, Architecture(64, (20,), 10).is_bias()]).max(1), table["largest_bias"])


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (["--epsilons", "0"], "epsilons must be above 0, not 0"),
        (["--seeds", "0"], "there must be at least one seed"),
        (["--max-iterations", "0"], "a budget must be at least 1 iteration"),
        (["--data", "nowhere"], "[Errno 2] No such file or directory: 'nowhere/images.npy'"),
    ],
)
def test_bad_input_is_refused_in_one_line(folders, tmp_path, changed, line):
    status, words = call("train_mirrored_pairs", *options(folders, tmp_path), *changed)
    assert status == 1 and words.startswith(f"train_mirrored_pairs.py: {line}") and "\n" not in words
    assert not list(tmp_path.iterdir())
