"""The audit of saturated units: nothing to say of what the script wrote, and every tampering found in its file."""

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

TABLE, WEIGHTS = "theory/saturated_units.csv", "theory/saturated_units.safetensors"
CONFIG = {
    "results": "results",
    "studies": {},
    "theory": {"splits": 2, "saturated_units": {"seeds": 1, "fraction": 0.3, "max_evaluations": 60}},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A results folder that holds the experiment alone."""
    folder = tmp_path_factory.mktemp("saturated") / "results"
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:200], digits.labels[:200])
    dataset.write(folder / "data/digits")
    for number in (0, 1):
        split = protocols.split_images(dataset.images, dataset.labels, "clean", number)
        split.write(folder / f"splits/digits/clean/split-{number}")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    splits = sorted((folder / "splits/digits/clean").glob("split-*"))
    arguments = ["--data", folder / "data/digits", "--split", *splits]
    arguments += ["--seeds", 1, "--fraction", 0.3, "--max-evaluations", 60, "--out", folder / TABLE]
    assert call("train_saturated_units", *arguments) == (0, "")
    return folder


@pytest.fixture
def folder(written):
    """The same, and afterwards as it was."""
    before = {name: (written / name).read_bytes() for name in (TABLE, WEIGHTS, "config.json")}
    yield written
    for name, content in before.items():
        (written / name).write_bytes(content)


def failures(folder):
    return [check for check in audit.run(Results(folder), ["saturated units"]) if not check.ok]


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
