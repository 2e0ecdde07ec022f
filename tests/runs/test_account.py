"""Where a run's time went, of a folder and records made up with known times."""

import json

import pandas as pd
import pytest

from symmetry_constrained.runs import account, workflow_runs

CELL = "batches/s/identity/original/10-5/split-"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Two cores for 100 s: a training job of two batches, an experiment, one network alone, a notebook, a record."""
    results, records = tmp_path / "results", tmp_path / "records"
    monkeypatch.chdir(tmp_path)
    outputs = {}

    def job(rule, began, ended, *paths, folder="results", command=None):
        for path in paths:
            record = {"rule": rule, "log": [f"{folder}/logs/{paths[0]}.log"], "starttime": began, "endtime": ended}
            record["shellcmd"] = command
            (records / "metadata").mkdir(parents=True, exist_ok=True)
            (records / "metadata" / f"{len(outputs)}").write_text(json.dumps(record))
            outputs[f"{folder}/{path}"] = record

    job("train_batch_s_0", 0, 60, f"{CELL}0/networks.csv", f"{CELL}1/networks.csv")
    job("amplify_bias", 0, 30, "theory/amplification.csv")
    job("time_solo", 60, 70, "tables/solo.csv")
    job("draw_budget", 70, 75, "figures/budget.svg", "notebooks/budget.html")
    job("write_audit", 75, 79, "audit/audit.json", command='"$PYTHON" scripts/audit.py results --processes 2 2>&1')
    # Measured when someone asked, after the run.
    job("measure_throughput", 200, 900, "benchmarks/throughput.csv")
    job("judge_claims", 70, 71, "tables/claims.csv")
    job("judge_claims", 0, 1000, "tables/claims.csv", folder="elsewhere")
    # Of another run, whose folder lies within this one's.
    job("judge_claims", 0, 1000, "tables/claims.csv", folder="results/quick")
    timings = {"fraction": [1.0], "training_seconds": [20.0], "feature_seconds": [1.0], "judging_seconds": [4.0]}
    for split in (0, 1):
        (results / f"{CELL}{split}").mkdir(parents=True)
        pd.DataFrame(timings).to_csv(results / f"{CELL}{split}/timings.csv", index=False)
    entries = {path.removeprefix("results/"): {"kind": "output"} for path in outputs if path.startswith("results")}
    (results / "manifest.json").write_text(json.dumps({"results": "results", "artefacts": entries}))
    path = workflow_runs.begin(["snakemake"], 2, outputs, records / "runs")
    record = json.loads(path.read_text()) | {"began": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:40+00:00"}
    path.write_text(json.dumps(record))
    return records


def test_every_second_of_a_core_is_somewhere(run, tmp_path):
    table = account.account(tmp_path.joinpath("results").relative_to(tmp_path), run).set_index("part")
    assert table["core_seconds"].to_dict() == {
        "training": 40.0,
        "features": 2.0,
        "judging": 8.0,
        "start of training jobs": 10.0,
        "experiments on theory": 30.0,
        "one network alone": 20.0,
        "figures": 5.0,
        "audit": 8.0,
        "tables and verdicts": 1.0,
        "idle cores": 76.0,
    }
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["training", "jobs"] == 1 and table.loc["figures", "jobs"] == 1
    # Of 124 busy core-seconds, 70 are training and theory.
    assert account.overhead(table.reset_index()) == pytest.approx(54 / 124)


def test_idle_cores_are_unknown_where_several_runs_made_it(run, tmp_path):
    for path in (run / "runs").iterdir():
        path.unlink()
    parts = account.account(tmp_path.joinpath("results").relative_to(tmp_path), run)["part"]
    assert "idle cores" not in set(parts)


def test_a_run_made_elsewhere_is_refused_in_one_line(run, tmp_path):
    with pytest.raises(ValueError, match=r"holds no record of other; run the study here first$"):
        account.account(tmp_path.joinpath("other").relative_to(tmp_path), run)


def test_people_read_whole_seconds_and_per_cent(run, tmp_path):
    shown = account.readable(account.account(tmp_path.joinpath("results").relative_to(tmp_path), run))
    assert shown.iloc[0].tolist() == ["idle cores", "", "76", "38.0%"]
