"""The workflow itself, on a small configuration: runs, reruns, refusals and equal bytes."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from runs import ROOT, SMALL, checkout, snakemake, stable_bytes


def planned(folder: Path) -> set[str]:
    """The rules that a dry run would execute."""
    run = snakemake(folder, "--dry-run")
    assert run.returncode == 0, run.stdout + run.stderr
    if "Nothing to be done" in run.stdout + run.stderr:
        return set()
    statistics = (run.stdout + run.stderr).split("Job stats:")[-1]
    return set(re.findall(r"^(\w+) +\d+$", statistics, re.M)) - {"all", "total"}


def test_a_run_leaves_every_table_and_figure(finished):
    results = finished / "results/small"
    networks = pd.read_csv(results / "tables/networks.csv")
    # 2 studies x 3 models x 1 split x 2 fractions x 2 networks x 2 seeds
    assert len(networks) == 48
    assert not networks.isna().any().any()
    numbers = pd.read_csv(results / "tables/published_numbers.csv")
    assert len(numbers) == 10
    for name in ("table1", "table2", "bound", "figure1"):
        for suffix in ("svg", "png", "csv"):
            assert (results / f"figures/{name}.{suffix}").stat().st_size > 500
    assert (results / "report.html").stat().st_size > 100_000
    assert (results / "notebooks/paper_tables.html").stat().st_size > 100_000


def test_a_second_run_has_nothing_to_do(finished):
    assert planned(finished) == set()


def test_equal_bytes_on_one_core_and_in_another_folder(finished, tmp_path):
    other = checkout(tmp_path / "otro día")
    run = snakemake(other, cores=1)
    assert run.returncode == 0, run.stdout + run.stderr
    first, second = stable_bytes(finished), stable_bytes(other)
    assert len(first) > 60
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


AFTER_TRAINING = {"gather_networks", "check_bound", "judge_published", "draw_paper_tables"}


@pytest.mark.parametrize(
    ("edited", "reruns"),
    [
        ("src/symmetry_constrained/figures.py", {"draw_paper_tables"}),
        ("src/symmetry_constrained/statistics.py", {"rerun_published", "judge_published", "draw_paper_tables"}),
        ("src/symmetry_constrained/bound.py", {"check_bound", "draw_paper_tables"}),
        ("src/symmetry_constrained/costs.py", {"train_batch", *AFTER_TRAINING}),
        ("src/symmetry_constrained/lbfgs.py", {"train_batch", "rerun_published", *AFTER_TRAINING}),
        ("src/symmetry_constrained/config.py", set()),
        ("src/symmetry_constrained/solvers.py", set()),
        ("notebooks/paper_tables.ipynb", {"draw_paper_tables"}),
        ("scripts/gather_networks.py", {"gather_networks", "judge_published", "draw_paper_tables"}),
    ],
)
def test_an_edit_reruns_what_imports_it_and_what_is_made_from_that(finished, edited, reruns):
    path = finished / edited
    original = path.read_text()
    path.write_text(original + ("\n" if path.suffix == ".ipynb" else "# edited\n"))
    try:
        assert planned(finished) == reruns
    finally:
        path.write_text(original)
    # Content decides, not the time of the edit.
    assert planned(finished) == set()


def test_a_bad_configuration_is_refused_in_one_line_with_nothing_written(tmp_path):
    folder = checkout(tmp_path / "checkout")
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL | {"dtype": "float16"}))
    run = snakemake(folder)
    assert run.returncode != 0
    lines = [line for line in run.stderr.splitlines() if "dtype" in line]
    assert lines == ["config: dtype is 'float16'; it must be one of float32, float64"]
    assert "Traceback" not in run.stdout + run.stderr
    assert not (folder / "results").exists()


def test_lint():
    run = subprocess.run([sys.executable, "-m", "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
