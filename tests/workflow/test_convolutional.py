"""Convolutional networks in a whole run: trained, judged as a setting, and audited, where a changed weight is found."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers.runs import checkout
from helpers.tiny import CLEAN, TINY, run
from safetensors.numpy import load_file, save_file

from symmetry_constrained.audit import batches, specs
from symmetry_constrained.audit.results import Results

CONVOLUTIONAL = CLEAN | {
    "features": {"identity": ["original", "augmented"], "neighbour": ["original"], "canonical": ["original"]},
    "trained_as": {"canonical": "identity"},
    "hidden_layers": [["c2", "c3"]],
    "optimiser": "adam",
    "budget": {"max_iterations": 4},
}
SETTING = {"study": "digits-convolutional", "hidden_layers": ["c2", "c3"], "label": "convolutional"}
BATCH = "batches/digits-convolutional/identity/original/c2-c3/split-0"


@pytest.fixture(scope="module")
def run_whole(tmp_path_factory) -> Path:
    config = TINY | {
        "studies": TINY["studies"] | {"digits-convolutional": CONVOLUTIONAL},
        "settings": TINY["settings"] | {"convolutional": SETTING},
    }
    folder = checkout(tmp_path_factory.mktemp("convolutional") / "checkout", config)
    done = run(folder, "all")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def failures(folder: Path) -> list[dict]:
    audited = json.loads((folder / "results/tiny/audit/audit.json").read_text(encoding="utf-8"))
    return [check for check in audited["checks"] if not check["ok"]]


@pytest.mark.slow
def test_the_audit_agrees_and_the_claims_about_odd_networks_are_judged(run_whole):
    assert failures(run_whole) == []
    tables = run_whole / "results/tiny/tables"
    claims = pd.read_csv(tables / "claims.csv")
    judged = claims[claims["setting"] == "convolutional"]
    assert {"C2", "C4"} <= set(judged["id"])
    bound = pd.read_csv(tables / "bound.csv")
    own = bound[(bound["study"] == "digits-convolutional") & (bound["network"] == "bias-free")]
    assert len(own) == 4 and (own["violations"] == 0).all()
    settings = pd.read_csv(tables / "settings.csv").set_index("setting")
    assert settings.loc["convolutional", "hidden_layers"] == "c2-c3"


@pytest.mark.slow
def test_a_changed_weight_is_found_and_its_file_named(run_whole, tmp_path):
    folder = shutil.copytree(run_whole, tmp_path / "copy", symlinks=True)
    path = folder / "results/tiny" / BATCH / "weights.safetensors"
    weights = load_file(path)
    weights["1"][0, 4] += 3
    save_file(weights, path)
    results = Results(folder / "results/tiny", folder)
    found = [check for check in batches.check_batch(results, BATCH, specs.of_run(results)[BATCH]) if not check.ok]
    assert {batches.PREDICTED, batches.TRAINED} & {check.what for check in found}
    assert f"{BATCH}/weights.safetensors" in {check.where for check in found}
