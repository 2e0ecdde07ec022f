"""The workflow on a real Slurm of two nodes: equal bytes, GPUs asked for, and jobs that fail."""

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from helpers.rules import loaded_rules
from helpers.runs import ROOT, checkout, environment, in_part, stable_bytes
from helpers.slurm_cluster import NODES, Cluster, missing

PROFILE = ROOT / "profiles/slurm/config.yaml"
REASON = missing() or (
    "" if importlib.util.find_spec("snakemake_executor_plugin_slurm") else "needs the package's extra `slurm`"
)
slurm = pytest.mark.skipif(bool(REASON), reason=REASON)
BATCHES = "results/small/batches/digits-clean"
ONE = f"{BATCHES}/neighbour/original/10-5/split-0/networks.csv"
FOUR = [f"{BATCHES}/identity/{name}/10-5/split-0/networks.csv" for name in ("original", "augmented", "random-sign")]
FOUR += [ONE]
RERUN = "results/small/reruns/table1-biased-identity-original/reruns.csv"
TABLES = [
    "results/small/verdicts.md",
    *(f"results/small/tables/{name}.csv" for name in ("published_numbers", "summary", "bound", "cost_to_target")),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster") / "slurm")
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def submit():
    """Start the workflow on the cluster: by the profile, but asking for states every other second."""
    started = []

    def start(folder: Path, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "small.yaml"]
        command += ["--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=folder, env=environment(), **pipes))
        return started[-1]

    yield start
    for process in started:  # still there where a test failed
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen, seconds: float = 600) -> str:
    """What it printed, once it has come to its end."""
    return process.communicate(timeout=seconds)[0]


@pytest.fixture
def prepared(finished, tmp_path):
    """A checkout with the data and splits of a finished run, so that only training is left to do."""
    folder = checkout(tmp_path / "checkout")
    for part in ("data", "splits"):
        shutil.copytree(finished / "results/small" / part, folder / "results/small" / part)
    return folder


def equal(folder: Path, finished: Path, paths: list[str]) -> bool:
    return all((folder / path).read_bytes() == (finished / path).read_bytes() for path in paths)


@slurm
@pytest.mark.parametrize("targets", [TABLES, pytest.param([], marks=pytest.mark.slow)], ids=["tables", "all"])
def test_every_table_is_byte_for_byte_the_local_runs(targets, cluster, submit, finished, tmp_path):
    folder = in_part(finished, tmp_path / "checkout") if targets else checkout(tmp_path / "checkout")
    count = len(cluster.ended())
    process = submit(folder, *targets, "--local-cores", "2")
    printed = ended(process)
    assert process.returncode == 0, printed
    local, clustered = stable_bytes(finished), stable_bytes(folder)
    if targets:  # figures and the copy of the code are made where the command runs
        local = {name: content for name, content in local.items() if not name.startswith(("figures/", "code/"))}
    assert len(local) > 60
    assert local.keys() == clustered.keys()
    assert [name for name in local if local[name] != clustered[name]] == []
    if not targets:
        assert json.loads((folder / "results/small/audit/audit.json").read_text())["failed"] == 0
    jobs = cluster.ended()[count:]
    print(f"{len(local)} files equal", *map(described, jobs), sep="\n")
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {job["NodeList"] for job in jobs} == set(NODES)
    # Short ones went together: batches and reruns by tens, and four experiments (in part, two). Three longer ones and
    # the timing had their own.
    assert len(jobs) == (3 if targets else 7)
    assert [gpus(cluster, job["JobId"]) for job in jobs] == [None] * len(jobs)


@slurm
def test_a_gpu_is_asked_for_when_the_device_is_cuda_and_a_run_that_is_stopped_takes_its_jobs_along(
    cluster, submit, prepared
):
    process = submit(prepared, ONE, "--config", "device=cuda")
    jobs = running(cluster, process, 1)
    assert jobs.keys() == {"node1"}  # the one that Slurm believes has a GPU
    assert gpus(cluster, jobs["node1"]) == "gres:gpu:1"
    suspended = cluster.run("scontrol", "suspend", jobs["node1"])  # else it might fail first, for want of that GPU
    assert suspended.returncode == 0, suspended.stderr
    process.send_signal(signal.SIGINT)
    ended(process)
    wait_for(lambda: [job["JobState"] for job in cluster.ended() if job["JobId"] == jobs["node1"]] == ["CANCELLED"])


@slurm
def test_jobs_over_their_memory_are_tried_again_with_more_or_named_in_one_line(cluster, submit, prepared, finished):
    count = len(cluster.ended())
    wanted = ["train_batch_digits_clean_0:mem_mb=300 + 1200 * (attempt - 1)", "rerun_published:mem_mb=300"]
    process = submit(
        prepared, ONE, RERUN, "--group-components", "short=1", "--retries", "1", "--set-resources", *wanted
    )
    printed = ended(process)
    # The batch had enough at its second attempt, the rerun never; one did not stop the other.
    assert process.returncode != 0
    jobs = cluster.ended()[count:]
    print(*map(described, jobs), sep="\n")
    tried = sorted((memory(job), job["JobState"] == "COMPLETED") for job in jobs)
    assert tried == [("1500M", True), ("300M", False), ("300M", False), ("300M", False)]
    assert equal(prepared, finished, [ONE])
    (line,) = [line for line in printed.splitlines() if " failed: " in line]
    print(line)
    assert line.startswith(f"rerun_published of {RERUN} failed: it took more memory than it asked for; raise its")
    assert line.endswith("run the same command again")
    # Nothing is left of the rerun, and the same command goes on from there.
    assert not (prepared / RERUN).exists()


@slurm
@pytest.mark.slow
def test_a_run_survives_a_dead_node_a_restarted_controller_and_a_job_over_its_time(cluster, submit, prepared, finished):
    count = len(cluster.ended())
    process = submit(prepared, *FOUR, "--group-components", "short=2")
    jobs = running(cluster, process, 2)
    time.sleep(3)  # their scripts have begun
    cluster.freeze("node2")
    cluster.kill_node("node1")
    cluster.run("scontrol", "update", f"JobId={jobs['node2']}", "EndTime=now")
    wait_for(lambda: jobs["node2"] in {job["JobId"] for job in cluster.ended()}, process)
    cluster.stop_controller()
    time.sleep(3)
    cluster.start_controller()
    wait_for(lambda: jobs["node1"] in {job["JobId"] for job in cluster.ended()}, process)
    cluster.start_node("node1")
    printed = ended(process)
    assert process.returncode == 0, printed
    print(*map(described, cluster.ended()[count:]), sep="\n")
    states = {job["JobId"]: job["JobState"] for job in cluster.ended()[count:]}
    assert states.pop(jobs["node1"]) == "NODE_FAIL"
    assert states.pop(jobs["node2"]) == "TIMEOUT"
    assert list(states.values()) == ["COMPLETED"] * 2
    assert equal(prepared, finished, FOUR)


@slurm
@pytest.mark.slow
@pytest.mark.parametrize("fault", ["node", "time"])
def test_a_job_that_is_not_tried_again_is_named_with_its_reason(fault, cluster, submit, prepared):
    process = submit(prepared, ONE, "--retries", "0")
    ((node, job),) = running(cluster, process, 1).items()
    time.sleep(3)  # its script has begun
    if fault == "node":
        cluster.kill_node(node)
    else:
        cluster.freeze(node)
        cluster.run("scontrol", "update", f"JobId={job}", "EndTime=now")
    wait_for(lambda: job in {job["JobId"] for job in cluster.ended()}, process)
    if fault == "node":
        cluster.start_node(node)
    printed = ended(process)
    assert process.returncode != 0
    (line,) = [line for line in printed.splitlines() if " failed: " in line]
    print(described(cluster.ended()[-1]), line, sep="\n")
    again = "run the same command again"
    reason = {
        # Snakemake keeps what the executor says of a group to itself; Slurm's log has the reason, unless its node died.
        "node": rf"it ended without a word, as when its node fails; see \S+, and {again}",
        "time": rf"it took longer than it asked for; raise its runtime in the profile and {again}",
    }
    assert re.fullmatch(rf"train_batch_digits_clean_0 of {ONE} failed: {reason[fault]}", line)


def described(job: dict[str, str]) -> str:
    """A line for a job that ended."""
    start, end = (datetime.fromisoformat(job[name]) for name in ("StartTime", "EndTime"))
    where = f"job {job['JobId']} on {job['NodeList']}"
    return f"{where}: {job['JobState']} after {(end - start).seconds} s, {job['Tres']}"


def memory(job: dict[str, str]) -> str:
    """What a job asked for, in Slurm's words."""
    return re.search(r"mem=(\w+)", job["Tres"])[1]


def gpus(cluster: Cluster, job: str) -> str | None:
    """The GPUs that a job asked for, in Slurm's words."""
    found = re.search(r"TresPerJob=(\S+)", cluster.run("scontrol", "show", "job", job).stdout)
    return found and found[1]


def running(cluster: Cluster, process: subprocess.Popen, count: int) -> dict[str, str]:
    """The running jobs' ids by their nodes, once there are so many."""
    found: dict[str, str] = {}

    def begun() -> bool:
        lines = cluster.run("squeue", "--noheader", "--states=RUNNING", "--format=%N %i").stdout.splitlines()
        found.update(line.split() for line in lines)
        return len(found) == count

    wait_for(begun, process)
    return found


def wait_for(condition, process: subprocess.Popen | None = None, seconds: float = 90) -> None:
    """process: which must not end before."""
    limit = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < limit
        time.sleep(0.5)


@pytest.fixture(scope="module")
def on_cluster() -> set[str]:
    """The names of the rules whose jobs a cluster runs: those with a benchmark. Training jobs state what they need."""
    with loaded_rules() as rules:
        found = {rule.name: rule for rule in rules if rule.benchmark is not None}
        training = {name for name in found if name.startswith("train_batch_")}
        assert training and all({"mem_mb", "runtime"} <= set(found[name].resources) for name in training)
        return set(found) - training


def test_the_profile_states_memory_and_run_time_of_every_rule_that_a_cluster_runs(on_cluster):
    stated = yaml.safe_load(PROFILE.read_text())["set-resources"]
    assert set(stated) == on_cluster
    for name, resources in stated.items():
        assert {"mem_mb", "runtime"} <= set(resources), name


def test_the_profile_says_what_the_default_one_does_where_it_takes_its_place():
    profile = yaml.safe_load(PROFILE.read_text())
    default = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    # Nodes have GPUs of their own, so nothing is shared.
    default.pop("resources")
    assert {key: profile.get(key) for key in default} == default


def test_the_groups_of_the_profile_are_of_rules_that_a_cluster_runs(on_cluster):
    profile = yaml.safe_load(PROFILE.read_text())
    assert {entry.split("=")[0] for entry in profile["groups"]} <= on_cluster
