"""How far a run is, of steps made up by hand; every number beside its sum."""

import math

import pytest

from symmetry_constrained.runs import progress
from symmetry_constrained.runs.progress import Progress, Step

# Two steps of 100 s, one of 50 s that takes both cores after them, and the end of all.
STEPS = {
    1: Step("train/a", 100),
    2: Step("train/b", 100),
    3: Step("time_solo", 50, cores=2, needs=(1, 2)),
    4: Step("", 0, needs=(3,)),
}


def begun(steps=STEPS, cores=2) -> Progress:
    return Progress(steps, cores, 1000.0)


def test_a_step_weighs_what_it_is_expected_to_take_times_its_cores():
    run = begun()
    assert run.share(1000) == 0
    run.start(1, 1000)
    run.finish(1, 1100)
    assert run.share(1100) == pytest.approx(100 / 300)
    run.start(2, 1100)
    run.finish(2, 1200)
    assert run.share(1200) == pytest.approx(200 / 300)
    run.start(3, 1200)
    run.finish(3, 1250)
    assert run.share(1250) == 1 and run.seconds_left(1250) == 0


def test_what_runs_counts_by_the_time_it_has_run_but_for_its_last_tenth():
    run = begun()
    run.start(1, 1000)
    assert run.share(1030) == pytest.approx(30 / 300)
    assert run.share(5000) == pytest.approx(90 / 300)


def test_time_left_is_that_of_the_work_or_of_the_longest_chain():
    # 300 core-seconds on two cores; on one, all of it; on many, one of the first and then the timing.
    assert begun().seconds_left(1000) == pytest.approx(150)
    assert begun(cores=1).seconds_left(1000) == pytest.approx(300)
    assert begun(cores=64).seconds_left(1000) == pytest.approx(100 + 50)
    # Needs that are no steps of this run are met.
    assert begun({3: Step("time_solo", 50, needs=(1, 2))}).seconds_left(1000) == pytest.approx(50)


def test_a_machine_half_as_fast_needs_twice_the_time_once_enough_was_measured():
    run = begun({job: Step(f"train/{job}", 1000) for job in range(10)}, cores=1)
    assert run.seconds_left(1000) == pytest.approx(10_000)
    now = 1000
    for job in range(5):
        run.start(job, now)
        now += 2000
        run.finish(job, now)
    pace = (60 + 10_000) / (60 + 5_000)
    assert run.seconds_left(now) == pytest.approx(pace * 5_000) and 1.98 < pace < 2
    assert run.share(now) == pytest.approx(0.5)
    # A short first step says little.
    run = begun({0: Step("a", 1), 1: Step("b", 1000)}, cores=1)
    run.start(0, 1000)
    run.finish(0, 1004)
    assert run.seconds_left(1004) == pytest.approx((64 / 61) * 1000)


def test_where_nobody_knows_the_cores_the_time_spent_tells():
    run = begun(cores=None)
    assert math.isinf(run.seconds_left(1000)) and "left" not in run.line(1000)
    run.start(1, 1000)  # it may wait for a node
    assert run.share(1200) == 0
    run.finish(1, 1300)
    assert run.seconds_left(1300) == pytest.approx(600)
    assert run.first_line() == "3 steps"


def test_a_step_that_failed_is_left_as_it_was():
    run = begun()
    run.start(1, 1000)
    assert run.fail(1, 1040) == ["       train/a failed after 40 s"]
    assert run.share(1040) == 0
    run.start(1, 1040)
    run.finish(1, 1140)
    assert run.share(1140) == pytest.approx(100 / 300)


def test_the_lines_of_a_run():
    run = begun()
    assert run.first_line() == "3 steps on 2 cores, about 2 minutes"
    run.start(1, 1000)
    run.start(2, 1000)
    assert run.line(1060) == " 40 % of the work done in 1 min 0 s, about 2 minutes left; running: train/a, train/b"
    assert run.finish(1, 1100) == [" 63 %  train/a, 1 min 40 s"]
    assert run.finish(2, 1101) == [" 66 %  train/b, 1 min 41 s"]
    run.start(3, 1101)
    assert run.finish(3, 1150) == ["100 %  time_solo, 49 s"]
    assert run.finish(4, 1150) == []
    assert run.last_line(1150) == "3 steps in 2 min 30 s"


def test_where_a_run_is_stopped_what_was_running_is_lost():
    run = begun()
    run.start(1, 1000)
    run.finish(1, 1100)
    run.start(2, 1100)
    assert run.stopped_line(1120) == (
        "Stopped after 2 min 0 s, with 33 % of the work done; the same command goes on from there."
    )


def test_a_line_is_at_most_100_columns_wide():
    run = begun({job: Step("train/" + "long-name" * 20, 10) for job in range(3)})
    for job in range(3):
        run.start(job, 1000)
    lines = [run.line(1001), *run.finish(0, 1002), *run.fail(1, 1003)]
    assert [len(line) for line in lines] == [100] * 3
    assert all(line.endswith(" …") for line in lines)


def test_of_a_log_whose_words_are_wanted_the_last_line_is_told_or_all_where_a_step_makes_nothing_else(tmp_path):
    log = tmp_path / "audit.log"
    log.write_text("hashes 4 of 4\n8 checks passed, 0 failed\n")
    run = begun({0: Step("write_audit", 5, log=log, told=True), 1: Step("audit", 5, log=log, told=True, makes=False)})
    assert run.finish(0, 1005) == [" 50 %  write_audit, 0 s: 8 checks passed, 0 failed"]
    assert run.fail(1, 1005) == ["hashes 4 of 4", "8 checks passed, 0 failed", "       audit failed after 0 s"]
    assert run.finish(1, 1005) == ["hashes 4 of 4", "8 checks passed, 0 failed", "100 %  audit, 0 s"]
    log.unlink()
    assert run.finish(0, 1005) == ["100 %  write_audit, 0 s"]


def test_that_pytorch_computes_is_told_once_whatever_else_a_log_says(tmp_path):
    words = "kernels: PyTorch computes, since there is no compiler"
    for name, text in {
        "a": f"one line\n{words}\n",
        "b": f"{words}\n",
        "c": f"{words}: two\nnot this kernels: \n",
    }.items():
        (tmp_path / name).write_text(text)
    run = begun({job: Step(f"train/{name}", 5, log=tmp_path / name) for job, name in enumerate("abcd")})
    assert run.finish(0, 1005) == [words, " 25 %  train/a, 0 s"]
    assert run.finish(1, 1005) == [" 50 %  train/b, 0 s"]
    assert run.fail(2, 1005) == [f"{words}: two", "       train/c failed after 0 s"]
    assert run.finish(3, 1005) == [" 75 %  train/d, 0 s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (816, "13 min 36 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (60, "about 1 minute"),
        (7100, "about 118 minutes"),
        (7200, "about 2.0 hours"),
    ],
)
def test_estimates(seconds, text):
    assert progress.about(seconds) == text


def test_everything_is_done_only_at_the_end():
    assert (
        progress.percent(0.9999) == "99 %"
        and progress.percent(1.0) == "100 %"
        and progress.percent(1 - 1e-12) == "100 %"
    )
