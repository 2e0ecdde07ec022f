"""Measurements in parallel processes: a core and a thread each, one start, one line for what goes wrong."""

import multiprocessing
import os

import pytest
from helpers import measuring

from symmetry_constrained.benchmark import parallel


def test_every_process_has_its_own_core_thread_and_memory_and_all_start_together():
    before = dict(os.environ)
    ballast = bytearray(800_000_000)  # of this process: it must not count as theirs
    ballast[::4096] = b"x" * len(ballast[::4096])
    tasks = [{"name": name, "seconds_to_prepare": seconds} for name, seconds in (("slow", 0.5), ("quick", 0), ("c", 0))]
    results = parallel.run(measuring.surroundings, tasks)
    assert [result["name"] for result in results] == ["slow", "quick", "c"]
    assert len({result["process"] for result in results} | {os.getpid()}) == 4
    available = parallel.cores()
    assert [result["cores"] for result in results] == [[available[index % len(available)]] for index in range(3)]
    assert {(result["threads"], result["variable"]) for result in results} == {(1, "1")}
    # Nobody measures before the slowest has prepared its task.
    assert min(result["began"] for result in results) >= max(result["prepared"] for result in results)
    assert all(50 < result["peak_memory_mb"] < 700 for result in results)
    assert dict(os.environ) == before


@pytest.mark.parametrize("bad", ["task", "measurement"])
@pytest.mark.parametrize("place", [0, 1])
def test_an_error_of_one_process_is_one_line_and_ends_the_others(bad, place):
    tasks = [{}, {}]
    tasks[place] = {"bad": bad}
    with pytest.raises(ValueError, match=f"^the {bad} is bad$"):
        parallel.run(measuring.complaint, tasks)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({"status": 3}, "ended with status 3"),
        ({"status": 0}, "ended with status 0"),
        ({"signal": "SIGKILL"}, "was killed by SIGKILL"),
    ],
)
def test_a_process_that_dies_is_reported_while_another_waits_for_it(task, says):
    with pytest.raises(ValueError, match=rf"^helpers\.measuring: a process {says} without a result$"):
        parallel.run(measuring.death, [{}, task])
    assert multiprocessing.active_children() == []
