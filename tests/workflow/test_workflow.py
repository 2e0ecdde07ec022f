"""The workflow itself, on a small configuration: runs, reruns, refusals and equal bytes."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.runs import ROOT, SMALL, checkout, snakemake, stable_bytes

FIGURES = ("table1", "table2", "bound", "figure1", "sides-digits", "accuracy-digits", "gaps-digits")
FIGURES += ("images-needed", "random-sign-factor", "cost-digits", "budget", "verdicts", "emulated-bias")
FIGURES += (
    "amplification",
    "mirrored-pairs",
    "flat-direction",
    "loss-on-orbit",
    "random-angles",
    "complete-invariants",
)


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
    # 4 models x 2 networks x 2 seeds, in two studies of one fraction and one of two.
    assert len(networks) == 64
    assert not networks.isna().any().any()
    # Those of the paper's numbers whose cell is studied: 8 in Table 1, 2 in Table 2.
    assert pd.read_csv(results / "tables/published_numbers.csv")["table"].value_counts().to_dict() == {1: 8, 2: 2}
    for name in ("summary", "sample_efficiency", "cost_to_target", "solo_timings", "history", "bound", "table1"):
        assert len(pd.read_csv(results / f"tables/{name}.csv"))
    # Every claim has a verdict, and a place on the page.
    claims = pd.read_csv(results / "tables/claims.csv")
    assert claims["verdict"].notna().all() and claims["id"].nunique() == 16
    page = (results / "verdicts.md").read_text()
    assert [page.count(f"\n## {id_}. ") for id_ in claims["id"].unique()] == [1] * 16
    for name in FIGURES:
        for suffix in ("svg", "png", "csv"):
            assert (results / f"figures/{name}.{suffix}").stat().st_size > 100, name
    assert (results / "report.html").stat().st_size > 100_000
    # The report opens with a line for each figure that was drawn.
    assert (results / "findings.rst").read_text().count("\n- ") == 7
    for notebook in ("paper_tables", "overfitting", "training_cost", "budget", "theory"):
        assert (results / f"notebooks/{notebook}.html").stat().st_size > 100_000


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
    # Of what is judged by seconds, all else.
    for name, column in (("equal_terms", "terms"), ("claims", "contrast")):
        tables = [pd.read_csv(folder / f"results/small/tables/{name}.csv") for folder in (finished, other)]
        pd.testing.assert_frame_equal(*(table[~table[column].str.contains("seconds")] for table in tables))


# What each rule's output goes into.
FEEDS = {
    "train_batch": {"gather_networks", "gather_history", "check_bound"},
    "rerun_published": {"judge_published"},
    "time_solo": {"cost_to_target", "draw_training_cost", "compare_on_equal_terms", "judge_claims"},
    "gather_networks": {"summarise", "measure_efficiency", "judge_published", "judge_claims", "draw_paper_tables"},
    "gather_history": {"cost_to_target", "compare_on_equal_terms", "judge_claims", "draw_budget"},
    "summarise": {"draw_overfitting"},
    "measure_efficiency": {"draw_overfitting", "judge_claims"},
    "cost_to_target": {"draw_training_cost"},
    "check_bound": {"draw_paper_tables", "judge_claims"},
    "compare_on_equal_terms": {"judge_claims"},
    "check_random_networks": {"judge_claims", "draw_theory"},
    "train_label_blind": {"judge_claims", "draw_theory"},
    "emulate_bias": {"gather_emulated_bias", "draw_theory"},
    "gather_emulated_bias": {"judge_claims", "draw_theory"},
    "amplify_bias": {"judge_claims", "draw_theory"},
    "train_mirrored_pairs": {"judge_claims", "draw_theory"},
    "measure_orbits": {"judge_claims", "draw_theory"},
    "compare_invariants": {"gather_invariants", "judge_claims", "draw_theory"},
    "gather_invariants": {"judge_claims", "draw_theory"},
    "judge_claims": {"draw_theory"},
    "judge_published": {"draw_paper_tables"},
}
NOTEBOOKS = {"draw_paper_tables", "draw_overfitting", "draw_training_cost", "draw_budget", "draw_theory"}
TRAINING = {"train_batch", "rerun_published", "time_solo", "train_label_blind", "emulate_bias", "amplify_bias"}
TRAINING |= {"train_mirrored_pairs", "measure_orbits", "compare_invariants"}
FEEDS |= {notebook: {"write_findings"} for notebook in NOTEBOOKS}


# What records and recomputes a run, whatever has changed in it.
RECORD = {"write_manifest", "write_audit", "write_report"}


def with_what_follows(rules: set[str]) -> set[str]:
    """The rules and, again and again, those their outputs go into."""
    found, waiting = set(), set(rules)
    while waiting:
        rule = waiting.pop()
        found.add(rule)
        waiting |= FEEDS.get(rule, set()) - found
    return found | RECORD if found else found


@pytest.mark.parametrize(
    ("edited", "importers"),
    [
        ("src/symmetry_constrained/figures/style.py", NOTEBOOKS),
        ("src/symmetry_constrained/figures/curves.py", NOTEBOOKS - {"draw_paper_tables", "draw_theory"}),
        ("src/symmetry_constrained/analysis/bound.py", {"check_bound"}),
        (
            "src/symmetry_constrained/analysis/sample_efficiency.py",
            {"measure_efficiency", "cost_to_target", "judge_claims"},
        ),
        ("src/symmetry_constrained/optim/lbfgs.py", TRAINING),
        ("src/symmetry_constrained/verdicts/claims.py", {"judge_claims", "draw_theory"}),
        ("workflow/resources/claims.yaml", {"judge_claims"}),
        ("src/symmetry_constrained/runs/config.py", set()),
        ("src/symmetry_constrained/benchmark/agreement.py", set()),
        ("notebooks/budget.ipynb", {"draw_budget"}),
        ("scripts/summarise.py", {"summarise"}),
        ("workflow/resources/published.csv", {"rerun_published", "judge_published", "judge_claims"}),
    ],
)
def test_an_edit_reruns_what_imports_it_and_what_is_made_from_that(finished, edited, importers):
    path = finished / edited
    original = path.read_text()
    path.write_text(original + ("\n" if path.suffix in (".ipynb", ".csv") else "# edited\n"))
    try:
        assert planned(finished) == with_what_follows(importers)
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
