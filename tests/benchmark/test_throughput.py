"""The benchmark: its table against numbers by hand, its scripts, and its rules in the workflow."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.made_up_bench import bench
from helpers.runs import ROOT, SMALL, checkout
from helpers.scripts import call

from symmetry_constrained.benchmark import parallel, solvers, throughput
from symmetry_constrained.benchmark.throughput import Bench, Cell

COLUMNS = {"solver", "dataset", "n", "networks", "device", "dtype", "threads", "seconds_per_network_evaluation"}
COLUMNS |= {"speed_ratio", "roofline_share", "median_accuracy", "peak_memory_mb", "networks_per_minute"}
COLUMNS |= {"flop_per_second", "flop_per_byte", "networks_judged", "accuracy_difference", "difference_low"}
COLUMNS |= {"difference_high", "equal_quality", "rounds", "evaluations", "seconds_slowest", "warm_up_seconds"}
COLUMNS |= {"processes", "mean_accuracy"}


def test_the_table_by_hand():
    timed = [
        {"solver": "ours", "networks": 8, "seconds": 0.002},
        {"solver": "scikit-learn", "networks": 1, "seconds": 0.012},
        {"solver": "ours", "networks": 8, "seconds": 0.004},
        {"solver": "scikit-learn", "networks": 1, "seconds": 0.010},
    ]
    judged = {"ours": [0.5, 0.7, 0.9], "scikit-learn": [0.4, 0.7, 0.7]}
    table = throughput.table(bench(timed, judged), 200).set_index("solver")
    ours = table.loc["ours"]
    assert (ours["seconds_per_network_evaluation"], ours["seconds_slowest"], ours["rounds"]) == (0.002, 0.004, 2)
    assert ours["speed_ratio"] == pytest.approx(5) and table.loc["scikit-learn", "speed_ratio"] == 1
    # Two cores, each a network of 200 evaluations every 0.4 s.
    assert ours["networks_per_minute"] == pytest.approx(300)
    # 64-10-5-10: 100 · (2 · (2 · 740 + 25) + 2 · 100) FLOP at 1 GFLOP/s, and next to nothing for the rest.
    assert ours["flop_per_second"] == pytest.approx(321_000 / 0.002)
    assert ours["roofline_share"] == pytest.approx(321e-6 / 0.002, rel=1e-4)
    assert (ours["median_accuracy"], ours["networks_judged"]) == (0.7, 3)
    # Differences 0.1, 0, 0.2: standard deviation 0.1.
    half = 4.302652729911275 * 0.1 / np.sqrt(3)
    found = ours[["accuracy_difference", "difference_low", "difference_high"]].tolist()
    assert found == pytest.approx([0.1, 0.1 - half, 0.1 + half], abs=0.02)
    assert table["equal_quality"].tolist() == [True, True]
    assert set(table.reset_index()) == COLUMNS


@pytest.mark.parametrize(("theirs", "equal"), [([0.80, 0.82, 0.81], False), ([0.895, 0.894, 0.893], True)])
def test_quality_is_equal_within_the_interval_or_a_hundredth(theirs, equal):
    judged = bench([], {"ours": theirs, "scikit-learn": [0.90, 0.90, 0.89]}).judged
    compared = throughput.compare(pd.DataFrame(judged)).set_index("solver")
    assert compared.loc["ours", "equal_quality"] == equal


def test_evaluations_and_networks_are_those_that_can_be_afforded():
    architecture = throughput.architecture_of("digits")  # 3,210 FLOP a sample
    assert throughput.timed_evaluations(architecture, 1000, 10, 3.21e9, 200) == 100
    assert throughput.timed_evaluations(architecture, 1000, 10, 3.21e10, 200) == 200
    assert throughput.timed_evaluations(architecture, 1000, 10, 1.0, 200) == throughput.LEAST_EVALUATIONS
    assert throughput.judged_networks(architecture, 1000, 3.21e6 * 200 * 7, 200, 40) == 7
    assert throughput.judged_networks(architecture, 1000, 1.0, 200, 40) == 2


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    assert throughput.prepare("digits", folder, folder) == 7188
    return Cell("digits", 60, str(folder))


def test_a_timing_too_long_is_left_out(cell):
    timed = [{"networks": 1, "max_evaluations": 3}, {"networks": 1000, "max_evaluations": 3000}]
    task = {"solver": "ours", "folder": cell.folder, "n": 60, "timed": timed, "most_seconds": 1.0, "hidden_layers": [3]}
    first, second = throughput.measure(task)()["timings"]
    assert first["seconds"] >= throughput.LEAST_SECONDS and first["evaluations"] >= 3
    assert second == {"seconds": None}


@pytest.mark.parametrize("processes", [0, -1])
def test_no_processes_are_refused(processes):
    with pytest.raises(ValueError, match=f"^processes: there must be at least 1, not {processes}$"):
        Bench("cpu", processes)


def test_a_number_of_images_that_is_not_there_is_refused(cell):
    task = {"solver": "ours", "folder": cell.folder, "n": 8000, "timed": [], "hidden_layers": [3]}
    with pytest.raises(ValueError, match=r"^n: 8000 is not a number of training images here; the nearest is 7188$"):
        throughput.measure(task)


def test_a_process_that_refuses_its_task_ends_in_one_line(cell):
    task = {"solver": "ours", "folder": cell.folder, "n": 8000, "timed": [], "hidden_layers": [3]}
    with pytest.raises(ValueError, match=r"^n: 8000 is not a number of training images here; the nearest is 7188$"):
        parallel.run(throughput.measure, [task])


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The tables of the two scripts on the smallest of cells."""
    folder = tmp_path_factory.mktemp("measured")
    small = ("--flop", 1, "--max-evaluations", 4, "--device", "cpu", "--data-folder", folder / "none")
    solvers = ("--solvers", "ours", "scikit-learn", "--networks", 1, 2, "--judged", 2, "--peak-seconds", 0.01)
    cells = ("--cells", "digits=60", "mnist=60", "--rounds", 1, "--processes", 2)
    assert call("measure_throughput", *small, *solvers, *cells, "--out", folder) == (0, "")
    varied = ("--networks", 1, 2, "--images", 60, "--widths", 3, "--networks-fixed", 2, "--images-fixed", 60)
    assert call("measure_scaling", *small, *varied, "--processes", 1, "--out", folder / "scaling.csv") == (0, "")
    return folder


def test_the_scripts_write_every_column(measured):
    table = pd.read_csv(measured / "throughput.csv")
    assert set(table) == COLUMNS
    # MNIST is not there.
    assert table[["solver", "dataset", "networks"]].values.tolist() == [
        ["ours", "digits", 1],
        ["ours", "digits", 2],
        ["scikit-learn", "digits", 1],
    ]
    assert table.notna().all(axis=None)
    assert (table["roofline_share"].between(0, 1)).all() and (table["peak_memory_mb"] > 50).all()
    accuracies = pd.read_csv(measured / "accuracies.csv")
    assert accuracies.groupby("solver")["seed"].apply(list).to_dict() == {"ours": [0, 1], "scikit-learn": [0, 1]}
    # Four evaluations from the same start: the same steps, but for rounding.
    assert accuracies.groupby("seed")["accuracy"].agg(np.ptp).max() < 0.02
    assert (pd.read_csv(measured / "peaks.csv") > 1e6).all(axis=None)
    rows = pd.read_csv(measured / "scaling.csv")
    assert rows[["varied", "networks", "n", "width"]].values.tolist() == [
        ["networks", 1, 60, 10],
        ["networks", 2, 60, 10],
        ["n", 2, 60, 10],
        ["width", 2, 60, 3],
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--cells", "digits"), "'digits' is not of the form DATASET=N"),
        (("--cells", "letters=5"), "dataset: 'letters' is unknown"),
        (("--cells", "digits=9000"), "digits has 7,188 training images, not 9,000"),
        (("--cells", "mnist=60", "--data-folder", "nowhere"), "cells: none can be measured"),
        (("--solvers", "keras"), "solvers: 'keras' is unknown"),
        (("--networks", 0), "must be at least 1"),
        (("--processes", 0), "processes: there must be at least 1, not 0"),
        (("--device", "tpu"), "device: 'tpu' is unknown"),
    ],
)
def test_bad_options_end_in_one_line(options, says, tmp_path):
    status, line = call("measure_throughput", *options, "--out", tmp_path / "out")
    assert status == 1 and line.startswith("measure_throughput.py: ") and says in line and "\n" not in line
    assert not (tmp_path / "out").exists()


def test_a_solver_that_is_not_installed_is_left_out_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(solvers, "find_spec", lambda name: None)
    status, line = call("measure_throughput", "--solvers", "jax", "--cells", "digits=9000", "--out", tmp_path)
    assert status == 1 and "9,000" in line
    assert capsys.readouterr().err == "jax is left out: jax and optax not installed (pip install jax optax)\n"


def dry_run(folder, *options):
    """What Snakemake says of a dry run of small.yaml, line by line."""
    command = [sys.executable, "-m", "snakemake", *options, "--dry-run", "--cores", "2", "--configfile", "small.yaml"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return (run.stdout + run.stderr).splitlines()


def jobs(folder, seeds):
    """How many jobs a dry run plans with so many seeds, by rule."""
    studies = {name: study | {"seeds": seeds} for name, study in SMALL["studies"].items()}
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL | {"studies": studies}))
    lines = [line.split() for line in dry_run(folder, "--quiet", "rules")]
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdecimal()}


def test_the_number_of_jobs_does_not_grow_with_seeds(tmp_path):
    folder = checkout(tmp_path / "checkout")
    few, many = jobs(folder, 2), jobs(folder, 20)
    assert few == many
    # Four models on one split of each of three studies.
    assert sum(count for rule, count in few.items() if rule.startswith("train_batch_")) == 12
    assert not {"measure_throughput", "measure_scaling", "draw_throughput"} & set(few)


def test_what_is_measured_on_demand_is_no_stray_file(tmp_path):
    """Every output and log of the benchmark's rules is among the files that the manifest lets lie."""
    folder = checkout(tmp_path / "checkout")
    lines = [line.strip().partition(": ") for line in dry_run(folder, "benchmark")]
    made = {
        path.removeprefix("results/small/")
        for key, _, value in lines
        if key in ("output", "log")
        for path in value.split(", ")
    }
    assert {"benchmarks/throughput.csv", "figures/scaling.svg", "logs/draw_throughput.log"} < made
    text = (ROOT / "workflow/rules/benchmark.smk").read_text(encoding="utf-8")
    names: dict = {}
    exec(text[: text.index("rule measure_throughput")], {}, names)
    assert set(names["MEASURED"]) == made
    assert "UNRECORDED += MEASURED" in (ROOT / "workflow/rules/audit.smk").read_text(encoding="utf-8")
