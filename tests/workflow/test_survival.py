"""Killed with SIGKILL at random moments: the next run completes without help, and with the same bytes.

On 2 cores, the tiny study takes 20 s: the moments are drawn from all of it.
"""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from helpers.runs import checkout, environment, lose, snakemake, stable_bytes
from helpers.tiny import BATCHES, TABLES, kill_group, leftovers, members, run, stable, start, tiny
from helpers.together import together

PATIENCE = 120  # seconds until a job that must come has begun


def killed_at(folder: Path, seconds: float, *targets: str) -> bool:
    """Start a run and kill all of it after so many seconds; whether there was something left to kill."""
    process = start(folder, *targets, output=folder / "said.txt")
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        if process.poll() is None:
            kill_group(process)


def completes_as(folder: Path, finished: Path) -> None:
    """The next run needs no help, equals the uninterrupted one, and then nothing is left to do."""
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stable(folder) == stable(finished)
    assert leftovers(folder) == []
    planned = run(folder, "--dry-run", *TABLES)
    assert "Nothing to be done" in planned.stdout + planned.stderr


def job_of(process: subprocess.Popen, word: str) -> int:
    """The first process of the run whose command line holds the word, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before the job began"
        for pid in members(process.pid, word):
            if (Path("/proc") / str(pid) / "comm").read_text().startswith("python"):
                return pid
        time.sleep(0.02)
    raise AssertionError(f"no {word} began")


def all_killed(folder: Path):
    """All at once, at random moments."""
    moments = random.Random(1)
    killed = [killed_at(folder, moments.uniform(1, 9)) for _ in range(3)]
    assert killed[0]
    yield


def a_job_killed(folder: Path):
    """Its run fails, and nothing that it was to make passes for done."""
    lose(folder, *TABLES, BATCHES[0])
    process = start(folder, output=folder / "said.txt")
    os.kill(job_of(process, "train_batch.py"), signal.SIGKILL)
    assert process.wait(timeout=PATIENCE) == 1
    said = (folder / "said.txt").read_text(encoding="utf-8")
    assert re.search(r"^train_batch_\w+ of \S+ failed: ", said, re.M)
    assert "Traceback" not in said
    # The job killed may have been the other batch's.
    made = [batch for batch in BATCHES if (folder / batch / "networks.csv").exists()]
    assert len(made) < len(BATCHES)
    for batch in set(BATCHES) - set(made):
        assert not [path for path in (folder / batch).rglob("*.csv") if not path.name.startswith(".")]
    yield


def snakemake_killed(folder: Path):
    """Snakemake alone, as by a hand that aims at it: its jobs live on and write beside the next run's."""
    lose(folder, *TABLES, *BATCHES)
    process = start(folder, output=folder / "said.txt")
    try:
        job_of(process, "train_batch.py")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert members(process.pid, "train_batch.py")
        yield
    finally:
        if members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


KILLS = {"with all killed": all_killed, "with a job killed": a_job_killed, "with Snakemake killed": snakemake_killed}


def test_after_any_kill_the_next_run_completes_with_the_same_bytes(finished_tiny, tmp_path):
    def attempt(*names: str) -> None:
        folder = tiny(Path(tempfile.mkdtemp(dir=tmp_path)) / "checkout")
        with contextlib.ExitStack() as killed:
            for name in names:
                killed.enter_context(contextlib.contextmanager(KILLS[name])(folder))
            completes_as(folder, finished_tiny)

    together(list(KILLS), attempt)


def test_a_script_killed_while_it_writes_leaves_no_half_file_under_a_name(finished_tiny, tmp_path):
    """The split's, at its second file: each is whole or absent, and the leftovers go with the next try."""
    arguments = ["--dataset", "digits", "--data", "results/tiny/data/digits", "--protocol", "clean", "--split", "0"]
    out = tmp_path / "split-0"
    whole = {path.name: path.read_bytes() for path in (finished_tiny / "results/tiny/splits").rglob("*.csv")}
    writer = (
        "import os, signal, sys, threading, runpy\n"
        "sys.argv = ['make_split.py', *sys.argv[2:]]\n"
        "from symmetry_constrained import artifacts\n"
        "real, left = os.fsync, [int(os.environ['AFTER'])]\n"
        "def fsync(file):\n"
        "    if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    left[0] -= 1\n"
        "    real(file)\n"
        "artifacts.os.fsync = fsync\n"
        "runpy.run_path('scripts/make_split.py', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", writer, "", *arguments, "--out", str(out)]
    values = environment(AFTER="1", PYTHONPATH=str(finished_tiny / "src"))
    assert subprocess.run(command, cwd=finished_tiny, env=values).returncode == -signal.SIGKILL
    named = {path.name: path.read_bytes() for path in out.glob("[!.]*")}
    assert len(named) == 1
    assert named.items() <= whole.items()
    assert len(list(out.glob(".*"))) == 1
    values["AFTER"] = "-1"
    assert subprocess.run(command, cwd=finished_tiny, env=values).returncode == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == whole


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_run_killed_at_a_random_moment_completes(finished_tiny, tmp_path, seed):
    folder = tiny(tmp_path / "checkout")
    killed_at(folder, random.Random(seed).uniform(1, 20))
    completes_as(folder, finished_tiny)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_random_job_killed_at_a_random_moment_is_made_again(finished_tiny, tmp_path, seed):
    folder, moments = tiny(tmp_path / "checkout"), random.Random(seed)
    process = start(folder, output=tmp_path / "said.txt")
    script = moments.choice(["fetch_dataset", "make_split", "train_batch", "gather_networks", "check_bound"])
    pid = job_of(process, f"{script}.py")
    time.sleep(moments.uniform(0, 2))
    if members(process.pid, f"{script}.py"):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # It was done.
    process.wait(timeout=PATIENCE)
    completes_as(folder, finished_tiny)


@pytest.mark.slow
def test_the_whole_study_killed_twenty_times_ends_with_the_same_bytes(finished, tmp_path):
    """Tables, figures and report of the small configuration."""
    folder, moments = checkout(tmp_path / "checkout"), random.Random(3)
    killed = sum(
        killed_at(folder, moments.uniform(3, 12), "--configfile", "small.yaml", "--", "all") for _ in range(20)
    )
    assert killed >= 10
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = stable_bytes(finished), stable_bytes(folder)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert (folder / "results/small/report.html").stat().st_size > 100_000
