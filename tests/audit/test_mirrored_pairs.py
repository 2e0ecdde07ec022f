"""The audit of mirrored pairs: nothing to say of what the script wrote, and every tampering found in its file."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from helpers.experiment import as_it_was, experiment
from helpers.experiment import failures as failures_of
from safetensors.numpy import load_file, save_file

from symmetry_constrained import audit
from symmetry_constrained.audit.results import Results

TABLE, WEIGHTS = "theory/mirrored_pairs.csv", "theory/mirrored_pairs.safetensors"
OPTIONS = {"epsilons": [0.001, 0.1], "seeds": 1, "fraction": 0.3}
UNITS, PIXELS = 20, 64
OUTPUT = UNITS * (PIXELS + 1)  # where a row's output weights begin


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirrored") / "results"
    arguments = ["--epsilons", 0.001, 0.1, "--seeds", 1, "--fraction", 0.3, "--max-iterations", 20]
    return experiment(folder, "mirrored_pairs", 150, OPTIONS, *arguments)


@pytest.fixture
def folder(written):
    with as_it_was(written, TABLE, WEIGHTS, "config.json"):
        yield written


failures = partial(failures_of, link="mirrored pairs")


def change_rows(folder, change):
    rows = load_file(folder / WEIGHTS)["rows"]
    changed = change(rows)
    save_file({"rows": rows if changed is None else changed}, folder / WEIGHTS)


def test_what_was_trained_holds(folder):
    checks = audit.run(Results(folder), ["mirrored pairs"])
    assert [check for check in checks if not check.ok] == []
    assert len(checks) == 5 + 2 * 7


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
    config = json.loads((folder / "config.json").read_text()) | {"theory": {"splits": 3, "mirrored_pairs": OPTIONS}}
    (folder / "config.json").write_text(json.dumps(config))
    assert [check.found for check in failures(folder)] == ["12 rows instead of 18"]


def test_a_run_without_the_experiment_has_nothing_to_check(tmp_path):
    assert audit.run(Results(tmp_path), ["mirrored pairs"]) == []
