"""What is said of failed jobs, from logs as Snakemake and Slurm write them."""

import pytest

from symmetry_constrained.runs import failures

ALONE = """\
[Sun Nov 22 19:08:27 2026]
Error in rule train_batch:
    message: {message}
    jobid: 7
    input: results/data/digits/images.npy
    output: results/batches/a/networks.csv, results/batches/a/history.csv
    log: results/logs/a.log, {folder}/7.log (check log file(s) for error details)
    shell:
        python scripts/train_batch.py
        (command exited with non-zero exit code)
    external_jobid: 12
"""
TOGETHER = """\
[Sun Nov 22 19:08:27 2026]
    message: Error in group short
    log: {folder}/30.log (check log file(s) for error details)
    jobs:
        rule train_batch:
            jobid: 7
            output: results/batches/a/networks.csv
            log: results/logs/a.log (check log file(s) for error details)
        rule train_batch:
            jobid: 8
            output: results/batches/b/networks.csv
            log: results/logs/b.log (check log file(s) for error details)
    [Sun Nov 22 19:08:27 2026]
    Error in rule train_batch:
        message: None
        jobid: 7
        output: results/batches/a/networks.csv
        log: results/logs/a.log (check log file(s) for error details)
    [Sun Nov 22 19:08:27 2026]
    Error in rule train_batch:
        message: None
        jobid: 8
        output: results/batches/b/networks.csv
        log: results/logs/b.log (check log file(s) for error details)
"""
WORDS = {
    "OUT_OF_MEMORY": ("took more memory", "raise its mem_mb"),
    "TIMEOUT": ("took longer", "raise its runtime"),
    "NODE_FAIL": ("its node failed", "run the same command again"),
    "CANCELLED": ("was cancelled", "run the same command again"),
}


def explained(text, folder):
    log = folder / "snakemake.log"
    log.write_text(text)
    return failures.explain(log)


@pytest.mark.parametrize("state", WORDS)
def test_a_jobs_state_is_the_reason(tmp_path, state):
    message = f"SLURM-job '12' failed, SLURM status is: '{state}'. Detailed failure reason unavailable"
    (line,) = explained(ALONE.format(message=message, folder=tmp_path), tmp_path)
    assert line.startswith("train_batch of results/batches/a/networks.csv failed: ")
    for words in WORDS[state]:
        assert words in line


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("slurmstepd-node1: error: StepId=8.0 exceeded memory limit (567377920 > 314572800), being killed", "mem_mb"),
        ("slurmstepd-node1: error: *** STEP 8.0 ON node1 CANCELLED AT 2026-11-22 DUE TO TIME LIMIT ***", "runtime"),
        (
            "srun: error: Unable to confirm allocation: Unable to contact slurm controller (connect failure)",
            "controller",
        ),
    ],
)
def test_of_jobs_that_shared_a_submission_the_one_in_flight_is_named(tmp_path, said, words):
    begun = "rule train_batch:\n    output: results/batches/a/networks.csv, c\n"
    (tmp_path / "30.log").write_text(begun + begun.replace("/a/", "/b/") + said + "\n")
    (line,) = explained(TOGETHER.format(folder=tmp_path), tmp_path)
    assert line.startswith("train_batch of results/batches/b/networks.csv (with 1 more in its submission) failed: ")
    assert words in line


def test_without_a_word_of_the_executor_the_scripts_own_last_line_is_the_reason(tmp_path):
    (tmp_path / "own.log").write_text("reading\ntrain_batch.py: device: there is no cuda here; choose auto or cpu\n\n")
    text = ALONE.format(message="None", folder=tmp_path).replace("results/logs/a.log", str(tmp_path / "own.log"))
    (line,) = explained(text, tmp_path)
    assert "failed: train_batch.py: device: there is no cuda here; choose auto or cpu; see " in line


def test_advice_that_the_script_gave_is_not_given_twice(tmp_path):
    (tmp_path / "own.log").write_text("no source\nPut them into data/mnist and run the same command again.\n")
    text = ALONE.format(message="None", folder=tmp_path).replace("results/logs/a.log", str(tmp_path / "own.log"))
    (line,) = explained(text, tmp_path)
    assert line.count("run the same command again") == 1
    assert "into data/mnist and run the same command again; see " in line


def test_a_job_that_left_no_log_says_so(tmp_path):
    (line,) = explained(TOGETHER.format(folder=tmp_path), tmp_path)
    assert "it ended without a word, as when its node fails" in line


def test_what_a_later_attempt_made_good_is_not_named(tmp_path):
    text = TOGETHER.format(folder=tmp_path) + "Finished jobid: 7 (Rule: train_batch)\n"
    (line,) = explained(text, tmp_path)
    assert line.startswith("train_batch of results/batches/b/networks.csv failed: ")
    assert explained(text + "Finished jobid: 8 (Rule: train_batch)\n", tmp_path) == []


def test_a_job_that_failed_again_after_it_had_been_finished_is_named_once(tmp_path):
    block = ALONE.format(message="None", folder=tmp_path)
    assert len(explained(block + block, tmp_path)) == 1
    assert len(explained("Finished jobid: 7 (Rule: train_batch)\n" + block, tmp_path)) == 1
