"""What a run's log says of the jobs that failed for good: one line each, with the reason and how to go on."""

import re
from dataclasses import dataclass
from pathlib import Path

AGAIN = "run the same command again"
# In the executor's message, or in what Slurm wrote into the job's log: the reason, and what helps.
REASONS = (
    (
        r"OUT_OF_MEMORY|oom.kill|[Ee]xceeded.*memory limit|memory limit.*being killed",
        "it took more memory than it asked for",
        f"raise its mem_mb in the profile and {AGAIN}",
    ),
    (
        r"'TIMEOUT'|DUE TO TIME LIMIT",
        "it took longer than it asked for",
        f"raise its runtime in the profile and {AGAIN}",
    ),
    (r"NODE_FAIL|BOOT_FAIL|DUE TO NODE FAILURE", "its node failed", AGAIN),
    (r"Unable to contact slurm controller", "Slurm's controller did not answer", AGAIN),
    (r"'CANCELLED'|CANCELLED AT", "it was cancelled", AGAIN),
)
JOB = re.compile(r"^\s*Error in rule (\w+):\n((?:(?![ \t]*Error in rule )[ \t]+.*\n)+)", re.M)
GROUP = re.compile(r"^\s+message: Error in group .*\n\s+log: (.*?) \(check.*\n\s+jobs:\n((?:[ \t]+.*\n)+)", re.M)
FIELD = re.compile(r"^\s+(message|jobid|output|log): (.*)", re.M)


@dataclass
class Failure:
    """A failed job, or several that shared a submission."""

    rule: str
    output: str = ""
    message: str = ""
    logs: tuple[str, ...] = ()
    others: int = 0


def explain(log: Path) -> list[str]:
    """A line for each submission that failed and was not made good later; log: what Snakemake wrote of its run."""
    return [_line(failure) for failure in read(log.read_text(encoding="utf-8"))]


def read(text: str) -> list[Failure]:
    """What failed for good, in the log's order; jobs that shared a submission are one."""
    submissions: dict[str, str] = {}
    for log, jobs in GROUP.findall(text):
        submissions |= {value: log for name, value in FIELD.findall(jobs) if name == "jobid"}
    failed: dict[str, Failure] = {}
    for match in JOB.finditer(text):
        fields = dict(reversed(FIELD.findall(match[2])))
        job = fields["jobid"]
        # A later attempt has come to an end.
        if not re.search(rf"^Finished jobid: {job} ", text[match.end() :], re.M):
            failed[job] = _failure(match[1], fields, submissions.get(job))
    together: dict[str, Failure] = {}
    for job, failure in failed.items():
        first = together.setdefault(submissions.get(job, job), failure)
        first.others += first is not failure
    return list(together.values())


def _failure(rule: str, fields: dict[str, str], submission: str | None) -> Failure:
    own = [part for part in fields.get("log", "").split(" (check")[0].split(", ") if part]
    return Failure(
        rule=rule,
        output=fields.get("output", "").split(", ")[0],
        message=fields["message"],
        # The executor's log first, the script's last.
        logs=tuple([submission, *own] if submission else reversed(own)),
    )


def _line(failure: Failure) -> str:
    texts = [_text(path) for path in failure.logs]
    said = [failure.message, *texts]
    words = _last_words(texts)
    see = f"see {failure.logs[0] if failure.logs else 'above'}"
    reason, advice = next(
        ((why, how) for pattern, why, how in REASONS if any(re.search(pattern, part) for part in said)),
        (words, see if AGAIN in words else f"{see}, and {AGAIN}"),
    )
    others = f" (with {failure.others} more in its submission)" if failure.others else ""
    return f"{failure.rule} of {_in_flight(failure, texts)}{others} failed: {reason}; {advice}"


def _in_flight(failure: Failure, texts: list[str]) -> str:
    """Of jobs that went one after the other, the output of the one that was running at the end."""
    begun = re.findall(r"^\s+output: ([^,\n]+)", texts[0], re.M) if failure.others and texts else []
    return begun[-1] if begun else failure.output


def _last_words(texts: list[str]) -> str:
    """The last line of the script's own log, which is one plain line where its input was bad."""
    lines = [line.strip() for line in (texts[-1] if texts else "").splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it ended without a word, as when its node fails"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
