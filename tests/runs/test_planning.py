"""What a plan says, against loops over its batches and a run's folder made up with known costs."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.scripts import call
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import job_costs, planning
from symmetry_constrained.runs.job_costs import Cost
from symmetry_constrained.verdicts import published

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "workflow/resources/published.csv"
START, TICK, RATE = 3.5, 0.002, 4e-10
SPEC = {
    "study": "small",
    "dataset": "digits",
    "protocol": "clean",
    "split": 0,
    "features": "identity",
    "training_set": "augmented",
    "hidden_layers": [20, 10],
    "fractions": [0.1, 0.5, 1.0],
    "networks": ["biased", "bias-free"],
    "seeds": [1, 2, 3],
    "budget": {"max_evaluations": 30},
}


def naive_seconds(cost, spec, images):
    """One weight, one network and one evaluation at a time."""
    total = cost.start
    sizes = [64, *spec["hidden_layers"], 10]
    for fraction in spec["fractions"]:
        for _ in range(spec["budget"]["max_evaluations"]):
            total += cost.tick
            for _ in spec["networks"]:
                for _ in spec["seeds"]:
                    for fan_in, fan_out in itertools.pairwise(sizes):
                        total += cost.rate * fan_in * fan_out * fraction * images
    return total


@pytest.mark.parametrize(("training_set", "images"), [("original", 7185), ("augmented", 14370), ("random-sign", 7185)])
def test_a_batch_costs_what_a_loop_over_its_weights_says(training_set, images):
    cost, spec = Cost(START, TICK, RATE), SPEC | {"training_set": training_set}
    assert math.isclose(cost.seconds([spec]), naive_seconds(cost, spec, images), rel_tol=1e-9)


def test_a_budget_in_iterations_counts_somewhat_more_evaluations_and_the_smaller_of_two_counts():
    assert job_costs.evaluations({"max_evaluations": 200}) == 200
    assert job_costs.evaluations({"max_iterations": 200}) == pytest.approx(220)
    assert job_costs.evaluations({"max_iterations": 1000, "max_evaluations": 200}) == 200


def test_weights_are_those_of_the_library():
    from symmetry_constrained.networks.architecture import Architecture

    for features, inputs in (("neighbour", 64), ("quadratic", 64 * 65 // 2)):
        found = job_costs.weights(features, "digits", [10, 5])
        assert found == Architecture(inputs, (10, 5)).parameters(False)
    # A convolution's count once for each pixel that it is applied at.
    assert job_costs.weights("neighbour", "digits", ["c4", "c8"]) == 64 * 36 + 16 * 288 + 320
    with pytest.raises(ValueError, match=r"^dataset: 'mnits' is unknown; choose one of digits, "):
        job_costs.weights("identity", "mnits", [10, 5])


@given(tick=st.floats(1e-5, 1e-1), rate=st.floats(1e-13, 1e-8), seed=st.integers(0, 99))
def test_fitting_finds_the_costs_that_made_the_seconds(tick, rate, seed):
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"ticks": random.integers(10, 5000, 12), "work": 10 ** random.uniform(6, 12, 12)})
    found = job_costs.fit(rows.assign(seconds=tick * rows["ticks"] + rate * rows["work"]))
    np.testing.assert_allclose(found, (tick, rate), rtol=1e-6)


def test_what_takes_longer_is_said_to():
    spec = {"dataset": "digits", "networks": ["biased"], "seeds": range(9), "budget": {"max_evaluations": 200}}
    spec |= {"training_set": "original", "fractions": [1.0], "features": "identity", "hidden_layers": [10, 5]}
    usual = job_costs.Cost(0.0, 0.0, 1e-10).training_seconds(spec)
    for changes, times in (
        ({"activation": "tanh", "optimiser": "lbfgs", "averaging": "none", "start": "mirrored"}, 1.0),
        ({"optimiser": "adam"}, 5.0),
        ({"averaging": "units", "activation": "relu"}, 1.9 * 2.1),
    ):
        assert job_costs.Cost(0.0, 0.0, 1e-10).training_seconds(spec | changes) == pytest.approx(times * usual)


def test_a_fit_is_never_negative():
    rows = pd.DataFrame({"ticks": [100, 100], "work": [1e9, 2e9], "seconds": [2.0, 1.0]})
    assert min(job_costs.fit(rows)) >= 0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder: two batches on digits, one rerun and one experiment, every second by the formula."""
    results = tmp_path_factory.mktemp("run") / "results"
    for training_set, images in (("original", 7185), ("augmented", 14370)):
        folder = results / f"batches/digits-clean/identity/{training_set}/10-5/split-0"
        folder.mkdir(parents=True)
        timings, networks = [], []
        for fraction in (0.1, 1.0):
            n = round(fraction * images)
            seconds = TICK * 40 + RATE * 6 * 40 * n * job_costs.weights("identity", "digits", [10, 5])
            timings.append([fraction, 6, 240, 0.0, seconds, 0.0])
            networks += [["digits", fraction, n, 40]] * 6
        columns = ["fraction", "networks", "evaluations", "feature_seconds", "training_seconds", "judging_seconds"]
        pd.DataFrame(timings, columns=columns).to_csv(folder / "timings.csv", index=False)
        table = pd.DataFrame(networks, columns=["dataset", "fraction", "n_train", "evaluations"])
        table.to_csv(folder / "networks.csv", index=False)
        job = {"splits": [0], "start_seconds": START}
        (folder / "provenance.json").write_text(json.dumps({"device": "cpu", "job": job, "spec": {}}))
    name = "table1-biased-identity-original"
    (results / f"reruns/{name}").mkdir(parents=True)
    pd.DataFrame({"solver": ["ours"] * 4}).to_csv(results / f"reruns/{name}/reruns.csv", index=False)
    pd.DataFrame({"run": []}).to_csv(results / f"reruns/{name}/perturbed.csv", index=False)
    benchmark(results / f"benchmarks/rerun_published/{name}.tsv", 8.0)
    benchmark(results / "benchmarks/theory/random_networks.tsv", 5.0)
    (results / "splits/digits/clean/split-0").mkdir(parents=True)
    (results / "splits/digits/clean/split-0/rows.csv").write_bytes(b"x" * 1000)
    (results / "data/digits").mkdir(parents=True)
    (results / "data/digits/images.npy").write_bytes(b"x" * 500)
    return results


def benchmark(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds!r}\t0:00:00\t600.00\n")


@pytest.fixture
def measured(run):
    return job_costs.read(run, published.read(PUBLISHED))


def configuration(**digits_clean):
    """The default configuration's two studies of digits, no more."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    names = ("digits-published", "digits-clean", "digits-budget")
    config["studies"] = {name: study if name in names else None for name, study in config["studies"].items()}
    config["studies"]["digits-clean"] |= digits_clean
    config["published_numbers"]["mnist"] = None
    config["figures"]["curves"] = ["digits-clean"]
    return settings.check(config, ROOT / "workflow/schemas/config.schema.yaml")


def test_a_runs_costs_are_read_from_its_files(run, measured):
    cost = measured.costs[64]
    np.testing.assert_allclose([cost.start, cost.tick, cost.rate], [START, TICK, RATE], rtol=1e-6)
    np.testing.assert_allclose(measured.timings["fitted"], measured.timings["seconds"], rtol=1e-6)
    assert measured.rerun_seconds == {"digits": 2.0}
    assert measured.other_seconds == {"random_networks": 5.0}
    assert measured.split_bytes == {"digits": 1000.0}
    assert measured.data_bytes == {"digits": 500.0}
    assert not measured.gpu
    sizes = sum(path.stat().st_size for path in (run / "batches").rglob("*") if path.is_file())
    assert measured.network_bytes == {64: sizes / 24}


def test_a_folder_without_batches_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"^\S+: holds no training batch; run a study first$"):
        job_costs.read(tmp_path, published.read(PUBLISHED))


def test_every_job_of_a_configuration_is_planned_and_costs_what_its_like_did(measured):
    config, numbers = configuration(), published.read(PUBLISHED)
    table = planning.jobs(config, config, measured, numbers)
    # What canonical features need is trained with identity's.
    batches = {key: spec for key, spec in settings.batches(config).items() if spec["features"] != "canonical"}
    # Twenty splits of five cells, ten of six and of three times six, ten splits to a job.
    count = 2 * 5 + 6 + 18
    assert (table["rule"] == "train_batch").sum() == count
    cost = Cost(START, TICK, RATE)
    expected = count * START + sum(cost.training_seconds(spec) for spec in batches.values())
    assert table.loc[table["rule"] == "train_batch", "seconds"].sum() == pytest.approx(expected, rel=1e-6)
    networks = sum(len(s["seeds"]) * len(s["networks"]) * len(s["fractions"]) for s in batches.values())
    assert table.loc[table["rule"] == "train_batch", "networks"].sum() == networks
    reruns = table[table["rule"] == "rerun_published"]
    assert len(reruns) == numbers.loc[numbers["dataset"] == "digits", "id"].nunique()
    # Four by each solver and budget, and 200 networks of 200 evaluations at twice the rate of float32.
    perturbed = 200 * (TICK + 2 * RATE * 200 * 7185 * job_costs.weights("identity", "digits", [10, 5]))
    assert reruns["seconds"].iloc[0] == pytest.approx(4 * 2.0 + perturbed, rel=1e-6)
    assert table.loc[table["rule"] == "random_networks", "seconds"].tolist() == [5.0]


def test_an_experiment_grows_with_what_its_configuration_multiplies(measured):
    before = configuration()
    more = before | {"theory": before["theory"] | {"random_networks": {"networks": 3000}}}
    table = planning.jobs(more, before, measured, published.read(PUBLISHED))
    assert table.loc[table["rule"] == "random_networks", "seconds"].tolist() == [15.0]


def test_an_experiment_over_all_splits_grows_with_them_and_one_with_budgets_by_the_longest():
    theory = {"splits": 2, "mirrored_pairs": {"seeds": 2}, "orbits": {"seeds": [1, 2]}, "time": None}
    options = [planning._options({"theory": theory | {"splits": count}}, "mirrored_pairs") for count in (10, 2)]
    assert planning.ratio(*options) == 5
    options = [planning._options({"theory": theory | {"splits": count}}, "orbits") for count in (10, 2)]
    assert planning.ratio(*options) == 1
    assert planning._options({"theory": {"splits": 3}}, "mirrored_pairs") == {}
    assert planning.ratio({"evaluations": [200, 2000], "seeds": [1]}, {"evaluations": [200], "seeds": [1, 2]}) == 5


def test_what_was_never_measured_is_refused_in_one_line(measured):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config = settings.check(config, ROOT / "workflow/schemas/config.schema.yaml")
    with pytest.raises(ValueError, match=r"^mnist: no batch on images of 784 pixels was measured$"):
        planning.jobs(config, config, measured, published.read(PUBLISHED))
    with pytest.raises(ValueError, match=r"^study: 'mnits' is unknown; choose one of digits-published, "):
        planning.grid(config, "mnits", 2, 2)


def test_what_no_benchmark_tells_of_is_named(measured):
    absent = planning.uncounted(configuration(), measured)
    assert "time_solo" in absent
    assert "label_blind" in absent
    assert "random_networks" not in absent


def test_a_grid_is_one_study_on_many_datasets_and_widths(measured):
    config = configuration()
    wide = planning.grid(config, "digits-clean", datasets=3, widths=4)
    batches = settings.batches(wide)
    alone = [spec for spec in settings.batches(config).values() if spec["study"] == "digits-clean"]
    assert len(batches) == 3 * 4 * len(alone)
    assert {spec["hidden_layers"] for spec in batches.values()} == {(10, 5), (20, 10), (30, 15), (40, 20)}
    assert set(planning.jobs(wide, config, measured, published.read(PUBLISHED))["rule"]) == {"train_batch"}


def test_short_jobs_share_submissions_and_none_is_lost():
    table = pd.DataFrame({"seconds": [100.0, 1.0, 2.0, 3.0, 4.0, 5.0], "short": [False] + [True] * 5})
    assert sorted(planning.submissions(table, 2, 0.0)) == [3.0, 5.0, 7.0, 100.0]
    assert planning.submissions(table, 2, 6.0).sum() == 115 + 6 * 6


@pytest.mark.parametrize(
    ("nodes", "per_submission", "limit", "hours"),
    [(1, 1.0, "cores", 10.0), (1000, 1.0, "longest job", 0.5), (1000, 100.0, "submissions", 40 * 100 / 3600)],
)
def test_a_plan_names_the_limit_that_decides(nodes, per_submission, limit, hours):
    table = pd.DataFrame({"rule": "train_batch", "networks": 2, "seconds": [1800.0] * 40, "bytes": 1.0, "short": False})
    options = {"side_by_side": 2, "together": 10, "per_submission": per_submission, "overhead": 0.0}
    row = planning.plan("small", table, 5e9, [nodes], gpu=False, **options).iloc[0]
    assert (row["limit"], row["hours"]) == (limit, pytest.approx(hours))
    assert (row["jobs"], row["networks"], row["core_hours"], row["storage_gb"]) == (40, 80, 20.0, 5.0)
    assert math.isnan(row["gpu_hours"])
    assert planning.plan("small", table, 5e9, [nodes], gpu=True, **options)["gpu_hours"].tolist() == [20.0]


@given(count=st.integers(1, 60), nodes=st.integers(1, 2000), together=st.integers(1, 20), seed=st.integers(0, 99))
def test_more_nodes_never_take_longer_and_no_limit_is_undercut(count, nodes, together, seed):
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"networks": 1, "seconds": 10 ** random.uniform(0, 4, count), "bytes": 0.0})
    table["short"] = table["seconds"] < job_costs.SHORT_SECONDS
    options = {"side_by_side": 4, "together": together, "per_submission": 1.0, "overhead": 6.0, "gpu": False}
    rows = planning.plan("any", table, 0.0, [nodes, nodes + 1], **options)
    assert rows["hours"].is_monotonic_decreasing
    assert (rows["hours"] * 3600 >= table["seconds"].max()).all()
    assert (rows["core_hours"] * 3600 >= table["seconds"].sum() * (1 - 1e-12)).all()


def test_the_typical_costs_group_short_batches_and_leave_long_ones_alone():
    full = SPEC | {"fractions": [1.0], "seeds": list(range(20)), "hidden_layers": [10, 5]}
    assert job_costs.expected_seconds([full | {"budget": {"max_evaluations": 200}}]) < job_costs.SHORT_SECONDS
    long = full | {"budget": {"max_iterations": 5000}, "hidden_layers": [40, 20]}
    assert job_costs.expected_seconds([long]) > job_costs.SHORT_SECONDS
    assert job_costs.expected_seconds([full | {"dataset": "mnist"}]) > job_costs.expected_seconds([full])


def test_the_script_prints_and_writes_the_table(run, tmp_path, capsys):
    study = tmp_path / "two.yaml"
    small = {"mnist-clean": None, "mnist-published": None, "digits-clean": {"splits": 2}}
    study.write_text(
        yaml.safe_dump(
            {"studies": small, "published_numbers": {"mnist": None}, "figures": {"curves": ["digits-clean"]}}
        )
    )
    out = tmp_path / "plan.csv"
    options = ["--results", run, "--study", study, "--grid", "digits-clean", "--nodes", 1, 50, "--out", out]
    assert call("plan_study", *options, "--datasets", 2, "--widths", 3) == (0, "")
    table = pd.read_csv(out)
    assert table["nodes"].tolist() == [1, 50, 1, 50]
    assert table["study"].tolist() == ["two"] * 2 + ["digits-clean on 2 datasets, 3 widths"] * 2
    # Six models that are trained, on two splits in one job, times two datasets and three widths; and nothing else.
    assert table["jobs"].tolist()[2:] == [6 * 2 * 3] * 2
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert sum(line.startswith("| two | ") for line in printed) == 2
    assert any("| – |" in line for line in printed)  # no GPU was measured


def test_the_script_refuses_in_one_line(tmp_path):
    words = f"plan_study.py: {tmp_path}: holds no training batch; run a study first"
    assert call("plan_study", "--results", tmp_path) == (1, words)
