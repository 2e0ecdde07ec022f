"""What a run says on the terminal, of records as Snakemake logs them."""

import io
import logging
import threading

import pytest

from symmetry_constrained.runs import terminal
from symmetry_constrained.runs.progress import Step
from symmetry_constrained.runs.terminal import Terminal

STEPS = {1: Step("train/a", 60), 2: Step("train/b", 60)}


class Screen:
    """A logger whose one handler writes to a text, by way of a `Terminal` that speaks to the same text."""

    def __init__(self):
        self.text, self.now = io.StringIO(), 0.0
        self.terminal = Terminal(lambda line: self.text.write(f"{line}\n"), clock=lambda: self.now)
        self.logger = logging.Logger("snakemake")
        handler = logging.StreamHandler(self.text)
        handler.addFilter(self.terminal.passes)
        self.logger.addHandler(handler)

    def hear(self, text, event=None, level=logging.INFO, **fields):
        self.logger.log(level, text, extra=fields | ({"event": event} if event else {}))

    @property
    def lines(self):
        return self.text.getvalue().splitlines()

    def job(self, number, seconds, event="job_finished"):
        self.hear("the whole of a rule", "job_info", jobid=number)
        self.now += seconds
        fields = {"job_id": number} if event == "job_finished" else {"jobid": number}
        level = logging.INFO if event == "job_finished" else logging.ERROR
        self.hear("of a job", event, level, **fields)


@pytest.fixture
def screen():
    screen = Screen()
    yield screen
    screen.terminal.fail([])


@pytest.fixture
def begun(screen):
    screen.hear("Workflow has started!", "workflow_started")
    screen.terminal.begin(STEPS, 1)
    assert screen.lines == ["2 steps on 1 core, about 2 minutes"]
    return screen


def test_a_line_for_each_step_and_nothing_of_what_snakemake_says_of_it(begun):
    begun.hear("Select jobs to execute...")
    begun.hear("Execute 1 jobs...", "job_started", jobs=[1])
    begun.job(1, 60)
    begun.hear(None, "progress", done=1, total=2)
    begun.job(2, 60)
    begun.terminal.end("results/index.html")
    begun.hear("Complete log(s): a.log")
    assert begun.lines[1:] == [
        " 50 %  train/a, 1 min 0 s",
        "100 %  train/b, 1 min 0 s",
        "2 steps in 2 min 0 s; open results/index.html",
    ]


def test_before_the_first_job_only_what_goes_without_saying_is_left_out(screen):
    screen.hear("Assuming unrestricted shared filesystem usage.")
    screen.hear("Unlocked working directory.")
    screen.hear("Workflow has started!", "workflow_started")
    screen.hear("Building DAG of jobs...")
    screen.hear("Job stats: ...", "run_info")
    screen.hear("Provided cores: 2", "resources_info")
    screen.hear("MissingInputException in rule a", "error", logging.ERROR, exception="MissingInputException")
    screen.hear("Nothing to be done (all requested files are present and up to date).")
    assert screen.lines == [
        "Unlocked working directory.",
        "MissingInputException in rule a",
        "Nothing to be done (all requested files are present and up to date).",
    ]


def test_without_a_beginning_snakemake_speaks_of_jobs_itself(screen):
    """As with --no-hooks."""
    screen.hear("Workflow has started!", "workflow_started")
    screen.hear("the whole of a rule", "job_info", jobid=1)
    screen.hear("Error in rule a", "job_error", logging.ERROR, jobid=1)
    assert screen.lines == ["the whole of a rule", "Error in rule a"]


def test_a_failure_is_one_line_at_once_and_one_with_its_reason_at_the_end(begun):
    begun.hear("RuleException:\nCalledProcessError in file x, line 3: ...", "error", logging.ERROR, exception="R")
    begun.job(1, 5, "job_error")
    begun.hear("Shutting down, this might take some time.")
    begun.hear("Exiting because a job execution failed. Look below for error messages", level=logging.ERROR)
    begun.terminal.fail(["train of a.csv failed: out of bounds; see a.log"])
    begun.hear("WorkflowError:\nAt least one job did not complete successfully.", "error", logging.ERROR, exception="W")
    assert begun.lines[1:] == ["       train/a failed after 5 s", "train of a.csv failed: out of bounds; see a.log"]
    begun.hear("something odd", level=logging.WARNING)
    begun.hear("MissingOutputException in rule a", "error", logging.ERROR, exception="MissingOutputException")
    assert begun.lines[3:] == ["something odd", "MissingOutputException in rule a"]


def test_a_run_that_is_stopped_ends_in_one_line_and_its_jobs_are_no_failures(begun):
    begun.job(1, 60)
    begun.hear("Terminating processes on user request, this might take some time.")
    begun.job(2, 30, "job_error")
    begun.terminal.fail(["train of b.csv failed: KeyboardInterrupt"])
    assert begun.lines[2:] == [
        "Stopped after 1 min 30 s, with 50 % of the work done; the same command goes on from there."
    ]


def test_every_so_often_it_says_how_far_it_is_until_the_end(monkeypatch):
    monkeypatch.setattr(terminal, "EVERY", 0.001)
    screen, said = Screen(), threading.Semaphore(0)
    write = screen.terminal.say
    screen.terminal.say = lambda line: (write(line), said.release())
    screen.terminal.begin(STEPS, 2)
    for _ in range(4):
        assert said.acquire(timeout=60)
    assert set(screen.lines[1:]) == {"  0 % of the work done in 0 s, about 1 minute left"}
    screen.terminal.end()
    for thread in [thread for thread in threading.enumerate() if thread.name == "progress"]:
        thread.join(60)
    assert screen.lines[-1] == "0 steps in 0 s"


def test_nothing_goes_back_on_a_line(begun):
    begun.job(1, 60)
    assert "\r" not in begun.text.getvalue() and "\x1b" not in begun.text.getvalue()
