"""How far a run is: the share of its work that is done, and the minutes left, by what each step is expected to take."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Expected seconds that weigh as much as what was measured: the first steps to end say little of the others.
PRIOR = 60.0
# The share of a step that counts as left for as long as it runs.
LEAST = 0.1
# How a line of a step's log begins that is said once in a run: what computes is not what usually does.
NOTICE = "kernels: "
WIDTH = 100  # columns of a line at most


@dataclass(frozen=True)
class Step:
    """A job of the workflow. Without a name it does nothing but wait for others."""

    name: str
    seconds: float  # that it is expected to take
    cores: int = 1  # that it keeps from others
    needs: tuple[int, ...] = ()  # the jobs that come first
    log: Path | None = None
    told: bool = False  # the log's last line is said where the step ends; all of it where it makes nothing else
    makes: bool = True  # any file


class Progress:
    """What has begun and what is done of so many steps. Times are seconds of any one clock."""

    def __init__(self, steps: Mapping[int, Step], cores: int | None, now: float):
        """cores: those that the steps share; None where nobody knows, as on a cluster."""
        self.steps, self.cores, self.began = dict(steps), cores, now
        self.running: dict[int, float] = {}  # since when
        self.took: dict[int, float] = {}  # of those that are done
        self.noticed: list[str] = []  # lines

    def start(self, job: int, now: float) -> None:
        self.running[job] = now

    def finish(self, job: int, now: float) -> list[str]:
        """It is done; the lines to be said of it."""
        step, words = self.steps[job], self._words(job)
        self.took[job] = seconds = self._stop(job, now)
        if not step.name:
            return []
        says = f": {words[-1]}" if words and step.told and step.makes else ""
        line = f"{percent(self.share(now)):>5}  {step.name}, {duration(seconds)}{says}"
        return [*self._before(step, words), _fitted(line)]

    def fail(self, job: int, now: float) -> list[str]:
        """It failed, and may begin again; the lines to be said of it."""
        seconds, step = self._stop(job, now), self.steps[job]
        words = self._before(step, self._words(job))
        return [*words, _fitted(f"       {step.name} failed after {duration(seconds)}")]

    def _before(self, step: Step, words: list[str]) -> list[str]:
        """Of the step's log, what is said before the line on the step."""
        if step.told and not step.makes:
            return words
        new = [line for line in dict.fromkeys(words) if line.startswith(NOTICE) and line not in self.noticed]
        self.noticed += new
        return new

    def _stop(self, job: int, now: float) -> float:
        """For how many seconds it ran."""
        return now - self.running.pop(job, now)

    def _words(self, job: int) -> list[str]:
        """The lines of its log."""
        log = self.steps[job].log
        return log.read_text(encoding="utf-8", errors="replace").splitlines() if log and log.exists() else []

    def share(self, now: float) -> float:
        """Of all work: each step weighs what it is expected to take, times its cores."""
        whole, pace, left = sum(map(_work, self.steps.values())), self._pace(), self._left(now)
        return 1 - sum(seconds * self.steps[job].cores for job, seconds in left.items()) / pace / whole if whole else 1

    def seconds_left(self, now: float) -> float:
        """What the cores have left to do, or the longest chain of steps; infinite where nothing tells."""
        if self.cores is None:
            share, spent = self.share(now), now - self.began
            return spent * (1 - share) / share if share else math.inf
        left = self._left(now)

        @cache
        def chain(job: int) -> float:
            return left[job] + max((chain(other) for other in self.steps[job].needs if other in left), default=0.0)

        work = sum(seconds * self.steps[job].cores for job, seconds in left.items())
        return max(work / self.cores, max(map(chain, left), default=0.0))

    def _pace(self) -> float:
        """How many times longer steps take than expected: so far, and in part as expected."""
        expected = PRIOR + sum(_work(self.steps[job]) for job in self.took)
        return (PRIOR + sum(seconds * self.steps[job].cores for job, seconds in self.took.items())) / expected

    def _left(self, now: float) -> dict[int, float]:
        """The seconds that each step still takes."""
        pace = self._pace()
        # On a cluster a job that has begun may still wait for a node.
        ran = {job: now - since for job, since in self.running.items()} if self.cores else {}
        return {
            job: 0.0 if job in self.took else pace * max(step.seconds - ran.get(job, 0.0) / pace, LEAST * step.seconds)
            for job, step in self.steps.items()
        }

    def first_line(self) -> str:
        """What is to be done."""
        on = f" on {_count(self.cores, 'core')}, {about(self.seconds_left(self.began))}" if self.cores else ""
        return f"{_count(sum(bool(step.name) for step in self.steps.values()), 'step')}{on}"

    def line(self, now: float) -> str:
        """How far it is, and what is running."""
        left = self.seconds_left(now)
        more = f", {about(left)} left" if math.isfinite(left) else ""
        names = [self.steps[job].name for job in self.running]
        busy = f"; running: {', '.join(names)}" if names else ""
        return _fitted(f"{percent(self.share(now)):>5} of the work done in {duration(now - self.began)}{more}{busy}")

    def last_line(self, now: float) -> str:
        """Once all is done."""
        return f"{_count(sum(bool(self.steps[job].name) for job in self.took), 'step')} in {duration(now - self.began)}"

    def stopped_line(self, now: float) -> str:
        """Once someone has stopped it: what was running is lost."""
        self.running.clear()
        return (
            f"Stopped after {duration(now - self.began)}, with {percent(self.share(now))} of the work done; "
            "the same command goes on from there."
        )


def _work(step: Step) -> float:
    return step.seconds * step.cores


def percent(share: float) -> str:
    """Rounded down: all of it only at the end."""
    return f"{math.floor(100 * share + 1e-9)} %"


def duration(seconds: float) -> str:
    """As `41 s`, `13 min 6 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def about(seconds: float) -> str:
    """What an estimate is worth: whole minutes."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return f"about {_count(minutes, 'minute')}" if minutes < 120 else f"about {minutes / 60:.1f} hours"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _fitted(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …"
