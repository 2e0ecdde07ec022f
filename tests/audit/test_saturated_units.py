"""The audit of saturated units: nothing to say of what the script wrote, and every tampering found in its file."""

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

TABLE, WEIGHTS = "theory/saturated_units.csv", "theory/saturated_units.safetensors"
OPTIONS = {"seeds": 1, "fraction": 0.3, "max_evaluations": 60}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saturated") / "results"
    arguments = ["--seeds", 1, "--fraction", 0.3, "--max-evaluations", 60]
    return experiment(folder, "saturated_units", 200, OPTIONS, *arguments)


@pytest.fixture
def folder(written):
    with as_it_was(written, TABLE, WEIGHTS, "config.json"):
        yield written


failures = partial(failures_of, link="saturated units")


def test_what_the_script_wrote_holds(written):
    assert failures(written) == []
    checks = audit.run(Results(written), ["saturated units"])
    assert len(checks) == 2 + 4 * 3


@pytest.mark.parametrize("column", ["test_accuracy", "saturated_units", "n_train", "seed", "network", "inputs"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_forged_cell_is_found(folder, column, place):
    table = pd.read_csv(folder / TABLE)
    others = {"network": "biased", "inputs": "pixels"}
    row = table.index[place]
    before = table.loc[row, column]
    forged = others[column] if column in others else before + (0.1 if column == "test_accuracy" else 1)
    if forged == before:
        forged = {"network": "bias-free", "inputs": "without Σx"}[column]
    table.loc[row, column] = forged
    table.to_csv(folder / TABLE, index=False)
    # A network that is called bias-free must also have no bias.
    assert TABLE in {check.where for check in failures(folder)} <= {TABLE, WEIGHTS}


def test_forged_weights_are_found(folder):
    rows = load_file(folder / WEIGHTS)["rows"]
    # A bias in a bias-free network.
    forged = rows.copy()
    forged[1, 64] = 0.5
    save_file({"rows": forged}, folder / WEIGHTS)
    assert any("largest bias" in check.found for check in failures(folder))
    # Other networks altogether; fewer; of another size; none that can be read.
    for other, says in ((rows[::-1].copy(), ""), (rows[:3], "rows of weights"), (rows[:, :-1].copy(), "rows of")):
        save_file({"rows": other}, folder / WEIGHTS)
        assert any(says in check.found for check in failures(folder))
    save_file({"rows": np.full_like(rows, np.nan)}, folder / WEIGHTS)
    assert any("not finite" in check.found for check in failures(folder))


def test_a_row_left_out_and_another_configuration_are_found(folder):
    table = pd.read_csv(folder / TABLE)
    table.iloc[:-1].to_csv(folder / TABLE, index=False)
    assert failures(folder)
    table.to_csv(folder / TABLE, index=False)
    config = json.loads((folder / "config.json").read_text())
    config["theory"]["saturated_units"]["seeds"] = 2
    (folder / "config.json").write_text(json.dumps(config))
    assert failures(folder)
