"""What a claim costs by itself: the time and memory of the jobs that it needs, from the benchmarks of a run."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained.verdicts.paper_tables import markdown

COMMAND = "snakemake --cores all claim_{}"
MEASURED = ["s", "max_rss"]  # columns of a benchmark
COLUMNS = ["claim", "jobs", "seconds", "largest_mb"]
INTRODUCTION = """\
**One claim at a time.** Each command, with this run's `--configfile` if it had one, makes what the claim needs and
nothing else, and prints its rows. *Time*: of the jobs that trained networks, on one core, one after the other, as
measured in this run; *memory*: of the largest of them. Tables and verdicts take some seconds more.
"""


def read(benchmarks: Path, jobs: Mapping[str, list[str]]) -> pd.DataFrame:
    """A row per claim: its jobs, their seconds together, and the most memory of one in MB.

    benchmarks: the folder of Snakemake's files, one for each job. jobs: by claim, the names of its jobs' files in the
    folder, each for those of all splits: `train_batch/digits-clean-identity-original-10-5-0`. nan where one has no
    file, or no memory was measured.
    """
    measured: dict[str, list[pd.DataFrame]] = {}
    for path in sorted(benchmarks.rglob("*.tsv")):
        name = _without_split(path.relative_to(benchmarks).with_suffix("").as_posix())
        measured.setdefault(name, []).append(pd.read_csv(path, sep="\t"))
    rows = []
    for claim, names in jobs.items():
        own = list(dict.fromkeys(map(_without_split, names)))
        each = pd.concat([row for name in own for row in measured.get(name, [])] or [pd.DataFrame(columns=MEASURED)])
        seconds, memory = (pd.to_numeric(each[name], errors="coerce") for name in MEASURED)
        known = all(name in measured for name in own)
        rows.append((claim, len(each), seconds.sum() if known else np.nan, memory.max() if known else np.nan))
    return pd.DataFrame(rows, columns=COLUMNS)


def _without_split(name: str) -> str:
    return re.sub(r"-\d+$", "", name)


def duration(seconds: float) -> str:
    """For people: 45 s, 12 min, 3.4 h."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{1 if unit == 'h' else 0}f} {unit}"
    return f"{seconds:.0f} s"


def section(costs: pd.DataFrame) -> str:
    """The command of each claim with its time and memory. costs: of `read`."""
    shown = pd.DataFrame(
        {
            "claim": costs["claim"],
            "command": [f"`{COMMAND.format(claim)}`" for claim in costs["claim"]],
            "jobs": costs["jobs"],
            "time": ["–" if pd.isna(value) else duration(value) for value in costs["seconds"]],
            "memory": ["–" if pd.isna(value) else f"{value:,.0f} MB" for value in costs["largest_mb"]],
        }
    )
    return f"{INTRODUCTION}\n{markdown(shown)}"
