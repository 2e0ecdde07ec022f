"""What a run says on the terminal: a line for each step that ends, and every minute how far the run is.

It goes by the records that Snakemake logs: their `event` says what happened, and to which job. Whole lines only, so
that a file reads as a terminal does.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from symmetry_constrained.runs.progress import Progress, Step

EVERY = 60.0  # seconds between two lines on how far it is
# Of Snakemake's records: what it is about to do, and failures, of which our lines say more.
ABOUT = ("workflow_started", "run_info", "resources_info")
FAILED = ("job_error", "group_error")
UNSAID = re.compile(
    "Assuming unrestricted shared filesystem usage|CalledProcessError in file|Exiting because a job execution failed"
    "|At least one job did not complete successfully"
)
# The last names the jobs of a run in Slurm.
SAID = re.compile("Nothing to be done|Will exit after finishing currently running jobs|SLURM run ID")
STOPPING = "Terminating processes on user request"


class Terminal:
    """A filter of Snakemake's records that says in its own words what they tell."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self.say, self.clock = say, clock
        self.progress: Any = None  # once it has begun
        self.under_way = self.stopped = False
        self._over, self._lock = threading.Event(), threading.Lock()

    def begin(self, steps: Mapping[int, Step], cores: int | None) -> None:
        """The first job is about to start."""
        self.progress = Progress(steps, cores, self.clock())
        self.say(self.progress.first_line())
        threading.Thread(target=self._tick, name="progress", daemon=True).start()

    def end(self, page: str | None = None) -> None:
        """All is done; page: to open first."""
        self._finish([self.progress.last_line(self.clock()) + (f"; open {page}" if page else "")])

    def fail(self, reasons: list[str]) -> None:
        """It ended before all was done. reasons: a line for each failure."""
        self._finish([self.progress.stopped_line(self.clock())] if self.stopped else reasons)

    def _finish(self, lines: list[str]) -> None:
        with self._lock:
            self._over.set()
            self._say_all(lines)

    def passes(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake's own words are shown; what they tell of a job is said at once."""
        event, text = getattr(record, "event", None), str(record.msg)
        self.under_way |= event == "workflow_started"
        self.stopped |= text.startswith(STOPPING)
        if self.progress:
            self._follow(event, record)
        if UNSAID.search(text) or (event in FAILED and self.progress):
            return False
        if record.levelno >= logging.WARNING or SAID.search(text):
            return True
        return not (self.progress or event in ABOUT or (self.under_way and event is None))

    def _follow(self, event: str | None, record: logging.LogRecord) -> None:
        now, job = self.clock(), getattr(record, "job_id", getattr(record, "jobid", None))
        if job not in self.progress.steps:
            return
        with self._lock:
            if event == "job_info":
                self.progress.start(job, now)
            elif event == "job_finished":
                self._say_all(self.progress.finish(job, now))
            elif event == "job_error" and not self.stopped:
                self._say_all(self.progress.fail(job, now))

    def _say_all(self, lines: list[str]) -> None:
        for line in lines:
            self.say(line)

    def _tick(self) -> None:
        while not self._over.wait(EVERY):
            with self._lock:
                if not self._over.is_set():
                    self.say(self.progress.line(self.clock()))
