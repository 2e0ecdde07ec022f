"""The workflow itself, on a small configuration: runs, reruns and refusals."""

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.runs import ROOT, SMALL, checkout, snakemake
from helpers.scripts import call

FIGURES = ("table1", "table2", "bound", "figure1", "sides-digits", "accuracy-digits", "gaps-digits")
FIGURES += ("images-needed", "random-sign-factor", "cost-digits", "budget", "verdicts", "emulated-bias")
FIGURES += (
    "emulated-accuracy",
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
    return set(map(kind, re.findall(r"^(\w+) +\d+$", statistics, re.M))) - {"all", "total"}


def kind(rule: str) -> str:
    """A rule's name; that of a training job also names its study and first split, which is left out."""
    return "train_batch" if rule.startswith("train_batch_") else rule


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
    assert claims["verdict"].notna().all() and claims["id"].nunique() == 17
    page = (results / "verdicts.md").read_text()
    assert [page.count(f"\n## {id_}. ") for id_ in claims["id"].unique()] == [1] * 17
    for name in FIGURES:
        for suffix in ("svg", "png", "csv"):
            assert (results / f"figures/{name}.{suffix}").stat().st_size > 100, name
    assert (results / "report.html").stat().st_size > 100_000
    assert (results / "index.html").stat().st_size > 100_000
    assert 100_000 < (results / "explore.html").stat().st_size < 300_000
    # The report opens with a line for each figure that was drawn.
    assert (results / "findings.rst").read_text().count("\n- ") == 8
    for notebook in ("paper_tables", "overfitting", "training_cost", "budget", "settings", "theory"):
        assert (results / f"notebooks/{notebook}.html").stat().st_size > 100_000


def test_a_run_agrees_with_itself_and_says_that_here_is_no_reference(finished, capsys):
    results = finished / "results/small"
    assert call("compare_runs", results, results) == (0, "")
    sentence, *lines = capsys.readouterr().out.splitlines()
    assert sentence == f"{results} and {results} agree."
    assert "Networks: 64 are in both runs, 64 of them equal to the last digit." in lines
    assert any(line.startswith("Machines: of one kind") for line in lines)
    told = json.loads((results / "comparison.json").read_text(encoding="utf-8"))
    assert told["status"] == 2 and told["sentence"] in (results / "index.html").read_text(encoding="utf-8")


def test_a_second_run_has_nothing_to_do(finished):
    assert planned(finished) == set()


# What each rule's output goes into.
FEEDS = {
    "train_batch": {"gather_networks", "gather_history", "check_bound", "write_explorer"},
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
    "train_saturated_units": {"judge_claims", "draw_theory"},
    "measure_orbits": {"judge_claims", "draw_theory"},
    "compare_invariants": {"gather_invariants", "judge_claims", "draw_theory"},
    "gather_invariants": {"judge_claims", "draw_theory"},
    "judge_claims": {"draw_theory", "draw_settings"},
    "judge_published": {"draw_paper_tables"},
}
NOTEBOOKS = {
    "draw_paper_tables",
    "draw_overfitting",
    "draw_training_cost",
    "draw_budget",
    "draw_settings",
    "draw_theory",
}
TRAINING = {"train_batch", "rerun_published", "time_solo", "train_label_blind", "emulate_bias", "amplify_bias"}
TRAINING |= {"train_mirrored_pairs", "train_saturated_units", "measure_orbits", "compare_invariants"}
FEEDS |= {notebook: {"write_findings"} for notebook in NOTEBOOKS}


# What records and recomputes a run, whatever has changed in it.
RECORD = {"write_manifest", "write_audit", "write_report", "compare_with_reference", "write_index"}


def with_what_follows(rules: set[str], feeds: dict[str, set[str]] = FEEDS) -> set[str]:
    """The rules and, again and again, those their outputs go into."""
    found, waiting = set(), set(rules)
    while waiting:
        rule = waiting.pop()
        found.add(rule)
        waiting |= feeds.get(rule, set()) - found
    return found | RECORD if found else found


class Graph:
    """Every rule's input files, and the rules that its outputs go into, as Snakemake's list of all jobs names them."""

    def __init__(self, listing: str):
        self.inputs, makers = defaultdict(set), {}
        for rule, text in re.findall(r"^ *(?:local)?rule (\w+):\n((?: +\w+: .+\n)+)", listing, re.M):
            files = {key: value.split(", ") for key, value in re.findall(r"^ +(input|output): (.+)$", text, re.M)}
            self.inputs[kind(rule)].update(files.get("input", ()))
            makers |= dict.fromkeys(files.get("output", ()), kind(rule))
        self.feeds = defaultdict(set)
        for rule in self.inputs.keys() - {"all"} - RECORD:
            for file in self.inputs[rule] & makers.keys():
                self.feeds[makers[file]].add(rule)

    def reads(self, file: str) -> set[str]:
        """The rules that name a file of the checkout among their inputs, but for those that record the run."""
        return {rule for rule, files in self.inputs.items() if file in files} - RECORD


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Graph:
    run = snakemake(checkout(tmp_path_factory.mktemp("graph") / "checkout"), "--dry-run", "--forceall")
    assert run.returncode == 0, run.stdout + run.stderr
    return Graph(run.stdout)


def test_what_each_rules_output_goes_into(graph):
    data = {"fetch_dataset", "make_split"}
    assert {rule: feeds for rule, feeds in graph.feeds.items() if rule not in data} == FEEDS
    assert set(graph.inputs) == {*FEEDS, *data, "write_config", "write_findings", "write_explorer", "all"} | RECORD


@pytest.mark.parametrize(
    ("edited", "importers"),
    [
        ("src/symmetry_constrained/figures/style.py", NOTEBOOKS),
        ("src/symmetry_constrained/figures/curves.py", {"draw_budget", "draw_overfitting"}),
        ("src/symmetry_constrained/analysis/bound.py", {"check_bound"}),
        ("src/symmetry_constrained/analysis/sample_efficiency.py", {"measure_efficiency", "judge_claims"}),
        ("src/symmetry_constrained/optim/lbfgs.py", TRAINING),
        ("src/symmetry_constrained/verdicts/claims.py", {"judge_claims", "draw_settings", "draw_theory"}),
        ("workflow/resources/claims.yaml", {"judge_claims"}),
        ("src/symmetry_constrained/runs/config.py", set()),
        ("src/symmetry_constrained/benchmark/agreement.py", set()),
        ("notebooks/budget.ipynb", {"draw_budget"}),
        ("scripts/summarise.py", {"summarise"}),
        ("workflow/resources/published.csv", {"rerun_published", "judge_published", "judge_claims"}),
    ],
)
def test_an_edit_reruns_what_imports_it_and_what_is_made_from_that(graph, edited, importers):
    assert (ROOT / edited).is_file()
    rules = graph.reads(edited)
    assert rules == importers
    assert with_what_follows(rules, graph.feeds) == with_what_follows(importers)


def edit(folder: Path, *names: str) -> dict[Path, str]:
    """Change files of the checkout; returns what they were."""
    before = {folder / name: (folder / name).read_text() for name in names}
    for path, text in before.items():
        path.write_text(text + ("# edited\n" if path.suffix == ".py" else "\n"))
    return before


def test_snakemake_plans_what_the_graph_says(finished, tmp_path):
    """Content decides, not the time of an edit."""
    folder = tmp_path / "checkout"
    shutil.copytree(finished, folder, symlinks=True)
    # What records the run names the folder that it is in.
    assert planned(folder) <= RECORD
    library = "src/symmetry_constrained"
    before = edit(folder, f"{library}/figures/curves.py", f"{library}/runs/config.py", "workflow/resources/claims.yaml")
    assert planned(folder) == with_what_follows({"draw_budget", "draw_overfitting", "judge_claims"})
    for path, text in before.items():
        path.write_text(text)
    assert planned(folder) <= RECORD
    edit(folder, f"{library}/analysis/bound.py", "notebooks/budget.ipynb")
    assert planned(folder) == with_what_follows({"check_bound", "draw_budget"})


def test_without_snakemakes_record_the_manifest_keeps_what_it_knows(finished, tmp_path):
    """As after `make clean`: nothing is due, and the record and its audit are whole when they are made again."""
    folder = shutil.copytree(finished, tmp_path / "checkout", symlinks=True)
    shutil.rmtree(folder / ".snakemake")
    before = json.loads((folder / "results/small/manifest.json").read_text(encoding="utf-8"))["artefacts"]
    for arguments in (["--", "figures"], ["--forcerun", "write_manifest"]):
        run = snakemake(folder, *arguments)
        assert run.returncode == 0, run.stdout + run.stderr
    # It ends with the page to open, and says what the audit found.
    assert re.fullmatch(r"5 steps in .* s; open results/small/index\.html", run.stderr.splitlines()[-1])
    assert re.search(r"^ *\d+ %  write_audit, .*: [\d,]+ checks passed, 0 failed$", run.stderr, re.M)
    after = json.loads((folder / "results/small/manifest.json").read_text(encoding="utf-8"))["artefacts"]
    assert after.keys() == before.keys()
    assert {path: (entry["rule"], entry["inputs"]) for path, entry in after.items()} == {
        path: (entry["rule"], entry["inputs"]) for path, entry in before.items()
    }
    assert json.loads((folder / "results/small/audit/audit.json").read_text(encoding="utf-8"))["failed"] == 0


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
