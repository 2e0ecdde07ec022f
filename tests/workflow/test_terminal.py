"""What a run prints: little, whole lines, and why it failed; Snakemake's own words where they are asked for."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from helpers.tiny import BATCHES, TABLES, again, leftovers, members, run, start

STEP = re.compile(r" *(\d+) %  (\S+), \d+ s")
SUMMARY = r"\d+ training batches of \d+ networks in all; results in results/tiny/"


@pytest.fixture
def unfinished(finished_tiny, tmp_path) -> Path:
    return again(finished_tiny, tmp_path / "checkout", *TABLES)


def test_a_run_prints_a_line_for_each_step_and_its_last_line_says_that_all_is_done(unfinished):
    done = run(unfinished)
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    # In a file or a pipe as on a terminal.
    assert "\r" not in printed and "\x1b" not in printed
    profile, summary, steps, *lines, last = printed.splitlines()
    assert profile.startswith("Using workflow specific profile")
    assert re.fullmatch(SUMMARY, summary) and re.fullmatch(r"2 steps on 2 cores, \D+ minute", steps)
    found = [STEP.fullmatch(line) for line in lines]
    assert all(found) and {match[2] for match in found} == {"gather_networks", "check_bound"}
    assert [int(match[1]) for match in found][-1] == 100
    assert re.fullmatch(r"2 steps in \d+ s", last)
    # What the steps said is in their logs, and what Snakemake said is in its own.
    (*_, log) = sorted((unfinished / ".snakemake/log").glob("*.log"))
    assert "Finished jobid" in log.read_text() and "reason: " in log.read_text()
    assert "Nothing to be done" in run(unfinished).stderr


def test_snakemakes_own_words_are_there_for_the_asking_and_it_need_not_look_for_work_every_second(unfinished):
    with (unfinished / "Snakefile").open("a") as file:
        file.write('import atexit\natexit.register(lambda: print("limit:", workflow.scheduler.job_rate_limiter))\n')
    done = run(unfinished, VERBOSE="1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("    reason: Missing output files") == 2 and "Job stats:" in done.stderr
    assert not re.search("^ *100 %", done.stderr, re.M)
    assert "limit: None" in done.stdout.splitlines()


def test_a_step_that_fails_is_named_with_its_reason_and_the_run_fails(unfinished):
    script = unfinished / "scripts/check_bound.py"
    before = "    if len(arguments.batches)"
    text = script.read_text()
    assert before in text
    script.write_text(text.replace(before, f"    raise ValueError('out of bounds')\n{before}"))
    done = run(unfinished, cores=1)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == (
        "check_bound of results/tiny/tables/bound.csv failed: check_bound.py: out of bounds; "
        "see results/tiny/logs/check_bound.log, and run the same command again"
    )
    # As it happened: the script's own line, and the step's.
    assert "check_bound.py: out of bounds" in (done.stdout + done.stderr).splitlines()
    assert re.search(r"^       check_bound failed after \d+ s$", done.stderr, re.M)
    assert "Traceback" not in done.stdout + done.stderr and len(done.stderr.splitlines()) < 8


def test_a_run_that_is_stopped_by_hand_ends_in_one_line_and_goes_on_later(finished_tiny, tmp_path):
    folder, said = again(finished_tiny, tmp_path / "checkout", *TABLES, BATCHES[0]), tmp_path / "said.txt"
    process = start(folder, output=said)
    deadline = time.monotonic() + 120
    while not members(process.pid, "scripts/train_batch.py"):
        assert time.monotonic() < deadline and process.poll() is None, said.read_text()
        time.sleep(0.05)
    # As a terminal does: to all processes of the run.
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=120) == 1
    *before, last = said.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"Stopped after \d+ s, with 0 % of the work done; .* goes on from there\.", last), before
    assert not [line for line in before if "Traceback" in line or "Interrupt" in line or "failed" in line], before
    assert leftovers(folder) == []
    assert not (folder / BATCHES[0] / "networks.csv").exists()
    assert run(folder).returncode == 0
