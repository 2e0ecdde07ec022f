"""The audit of mirrored pairs: nothing to say of what the script wrote, and every tampering found in its file."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import call
from safetensors.numpy import load_file, save_file

from symmetry_constrained import audit
from symmetry_constrained.audit.results import Results
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.data.datasets import Dataset

TABLE, WEIGHTS = "theory/mirrored_pairs.csv", "theory/mirrored_pairs.safetensors"
CONFIG = {
    "results": "results",
    "studies": {},
    "theory": {"splits": 2, "mirrored_pairs": {"epsilons": [0.001, 0.1], "seeds": 1, "fraction": 0.3}},
}
UNITS, PIXELS = 20, 64
OUTPUT = UNITS * (PIXELS + 1)  # where a row's output weights begin


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A results folder that holds the experiment alone."""
    folder = tmp_path_factory.mktemp("mirrored") / "results"
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:150], digits.labels[:150])
    dataset.write(folder / "data/digits")
    for number in (0, 1):
        split = protocols.split_images(dataset.images, dataset.labels, "clean", number)
        split.write(folder / f"splits/digits/clean/split-{number}")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    arguments = [
        "--data",
        folder / "data/digits",
        "--split",
        *sorted((folder / "splits/digits/clean").glob("split-*")),
    ]
    arguments += ["--epsilons", 0.001, 0.1, "--seeds", 1, "--fraction", 0.3, "--max-iterations", 20]
    assert call("train_mirrored_pairs", *arguments, "--out", folder / TABLE) == (0, "")
    return folder


@pytest.fixture
def folder(written):
    """The same, and afterwards as it was."""
    before = {name: (written / name).read_bytes() for name in (TABLE, WEIGHTS, "config.json")}
    yield written
    for name, content in before.items():
        (written / name).write_bytes(content)


def failures(folder):
    return [check for check in audit.run(Results(folder), ["mirrored pairs"]) if not check.ok]


def change_rows(folder, change):
    rows = load_file(folder / WEIGHTS)["rows"]
    changed = change(rows)
    save_file({"rows": rows if changed is None else changed}, folder / WEIGHTS)


def test_what_was_trained_holds(folder):
    checks = audit.run(Results(folder), ["mirrored pairs"])
    assert [check for check in checks if not check.ok] == []
    assert len(checks) == 4 + 2 * 7


@pytest.mark.parametrize("row", [0, 5, -1])
@pytest.mark.parametrize(
    "column",
    [
        *("test_accuracy", "inverted_accuracy", "excess", "train_loss", "n_train"),
        *("largest_bias", "largest_weight", "largest_difference", "largest_logit", "epsilon", "seed"),
    ],
)
def test_a_number_of_the_table_that_the_weights_do_not_give(folder, column, row):
    table = pd.read_csv(folder / TABLE)
    table.loc[table.index[row], column] += 1 if column in ("n_train", "seed") else 0.004
    table.to_csv(folder / TABLE, index=False)
    assert failures(folder)


def a_bias_beyond_epsilon(rows):
    rows[-1, PIXELS] = 0.2


def a_weight_of_a_pair(rows):
    rows[0, 5] *= 1.0001


def an_output_weight_of_a_pair(rows):
    rows[1, OUTPUT] *= 1.0001


def an_output_bias(rows):
    rows[0, OUTPUT + UNITS] = 1e-4


def another_order(rows):
    return np.ascontiguousarray(rows[::-1])


def one_row_less(rows):
    return rows[:-1].copy()


def one_weight_less(rows):
    return rows[:, :-1].copy()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (a_bias_beyond_epsilon, "networks with a bias beyond ε: 1"),
        (a_weight_of_a_pair, "biases ε, equal output weights, no output biases"),
        (an_output_weight_of_a_pair, "opposite weights, biases ε, no output biases"),
        (an_output_bias, "opposite weights, biases ε, equal output weights"),
        (another_order, "networks with a bias beyond ε: "),
        (one_row_less, "11 rows of weights for 12 networks"),
        (one_weight_less, "weights have the shape (12, 1509), expected rows of 1510"),
    ],
)
def test_weights_that_are_no_longer_what_they_were(folder, change, text):
    change_rows(folder, change)
    assert any(text in check.found for check in failures(folder))


def test_networks_that_the_configuration_does_not_ask_for(folder):
    config = CONFIG | {"theory": {"splits": 3, "mirrored_pairs": CONFIG["theory"]["mirrored_pairs"]}}
    (folder / "config.json").write_text(json.dumps(config))
    assert [check.found for check in failures(folder)] == ["12 rows instead of 18"]


def test_a_run_without_the_experiment_has_nothing_to_check(tmp_path):
    assert audit.run(Results(tmp_path), ["mirrored pairs"]) == []
