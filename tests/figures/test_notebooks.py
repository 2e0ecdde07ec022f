"""What notebooks share: the run that they read, wherever they are run from, and tables for people."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from symmetry_constrained.figures import notebooks

ALL = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture
def run(tmp_path):
    (tmp_path / "results/tables").mkdir(parents=True)
    (tmp_path / "results/tables/claims.csv").write_text("id\n")
    (tmp_path / "notebooks/below").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/below"])
def test_a_finished_run_is_found_from_any_folder_of_the_checkout(run, folder, monkeypatch):
    monkeypatch.chdir(run / folder)
    found = notebooks.finished_run("results", "tables/claims.csv")
    assert found.resolve() == (run / "results").resolve()


def test_elsewhere_it_is_looked_for_in_this_checkout(run, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(notebooks, "CHECKOUT", run)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert notebooks.finished_run("results", "tables/claims.csv") == run / "results"
    assert notebooks.finished_run(str(run / "results"), "tables/claims.csv") == run / "results"


@pytest.mark.parametrize("results", ["results", "/nowhere/results"])
def test_what_is_not_there_names_the_command_that_makes_it(run, results, monkeypatch):
    monkeypatch.setattr(notebooks, "CHECKOUT", run)
    monkeypatch.chdir(run)
    with pytest.raises(FileNotFoundError, match=r"holds no benchmarks/peaks\.csv: run `make benchmark` first"):
        notebooks.finished_run(results, "benchmarks/peaks.csv", "make benchmark")


def test_a_table_says_what_its_columns_are_and_rounds():
    row = {"n_train": 7185, "test_accuracy": 0.84837, "flop": 5.2e9, "low": np.nan, "features": "<b>", "both": True}
    page = notebooks.table(pd.DataFrame([row])).data
    for text in (
        "training images",
        "test accuracy",
        "FLOP",
        "95 % from",
        "7,185",
        "0.848",
        "5.2e+09",
        "–",
        "&lt;b&gt;",
    ):
        assert f">{text}<" in page
    assert ">True<" in page and "rows" not in page


def test_a_long_table_says_how_much_of_it_is_shown():
    page = notebooks.table(pd.DataFrame({"loss": np.arange(1234) / 7})).data
    assert page.count("<tr") == 1 + notebooks.ROWS
    assert "The first 40 of 1,234 rows." in page


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_notebook_needs_no_network_and_names_its_run(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "$" not in text and "http" not in text  # formulas in TeX would need a script from elsewhere
    code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert 'results = "results"' in code and "notebooks.finished_run(results, " in code
