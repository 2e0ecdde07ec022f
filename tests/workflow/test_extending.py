"""What docs/extending.md says is done in one copy of the checkout, which then runs a small study to its end."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.made_up_dataset import made_up_files
from helpers.runs import COMMON, SMALL, checkout
from helpers.tiny import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
PATCH = (ROOT / "docs/add-a-feature.patch").read_text(encoding="utf-8")


def example(section: str) -> str:
    """The YAML of a section of the page."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", text, re.S)[0]


def test_a_feature_map_is_two_files():
    touched = re.findall(r"^\+\+\+ b/(.+)$", PATCH, re.M)
    assert sorted(touched) == [
        "src/symmetry_constrained/audit/inputs.py",
        "src/symmetry_constrained/features/inversion.py",
    ]
    assert all(f"`{name}`" in PAGE for name in touched)


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A finished run on a made-up dataset with a made-up feature map, one contrast with a margin of its own."""
    folder = checkout(tmp_path_factory.mktemp("extending") / "checkout", SMALL)
    shutil.copytree(ROOT / "docs", folder / "docs")
    subprocess.run(["git", "apply", "docs/add-a-feature.patch"], cwd=folder, check=True)
    with open(folder / "src/symmetry_constrained/data/datasets.yaml", "a", encoding="utf-8") as table:
        table.write(example("A dataset"))
    made_up_files(folder, "noise")
    claims, contrast = folder / "workflow/resources/claims.yaml", example("A margin of a claim")
    usual = contrast.replace("        margin: 0.05\n", "")
    text = claims.read_text(encoding="utf-8")
    assert text.count(usual) == 1 != text.count(contrast)
    claims.write_text(text.replace(usual, contrast), encoding="utf-8")
    config = yaml.safe_load((folder / "config/config.yaml").read_text(encoding="utf-8"))
    config["studies"]["digits-clean"]["features"]["below"] = ["original"]
    config["studies"]["noise"] = COMMON | {
        "dataset": "noise",
        "protocol": "clean",
        "features": {"below": ["original"], "identity": ["original", "augmented"]},
        "fractions": [0.2, 1.0],
    }
    config["figures"]["curves"] += ["noise"]
    config["targets"]["noise"] = [0.05]
    config["figures"]["target"]["noise"] = 0.05
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = run(folder, "all")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results/small"


@pytest.mark.slow
def test_the_made_up_map_is_trained_tabulated_drawn_and_what_its_definition_says(extended):
    networks = pd.read_csv(extended / "tables/networks.csv")
    below = networks[networks["features"] == "below"]
    assert set(below["dataset"]) == {"digits", "noise"}
    assert (below["test_accuracy"] == below["inverted_accuracy"]).all()
    assert "below" in set(pd.read_csv(extended / "figures/accuracy-noise.csv")["model"])


@pytest.mark.slow
def test_the_made_up_dataset_is_split_as_its_row_says(extended):
    images = np.load(extended / "data/noise/images.npy")
    assert images.shape == (500, 6, 6)
    rows = pd.read_csv(extended / "splits/noise/clean/split-0/rows.csv")
    assert rows["set"].value_counts().to_dict() == {"train": 400, "test": 100} and set(rows["shift"]) == {"none"}


@pytest.mark.slow
def test_the_contrast_is_judged_by_its_own_margin(extended):
    claims = pd.read_csv(extended / "tables/claims.csv").set_index(["id", "contrast"])["margin"]
    assert claims["C2", "accuracy on X − on −X"].eq(0.05).all()
    assert claims["C3"].eq(0.02).all()


@pytest.mark.slow
def test_the_audit_recomputes_all_of_it(extended):
    audited = json.loads((extended / "audit/audit.json").read_text(encoding="utf-8"))
    assert [check for check in audited["checks"] if not check["ok"]] == []
    assert {"raw data", "splits from their seeds"} <= {
        check["what"] for check in audited["checks"] if "noise" in check["where"]
    }
