"""Where the time of a finished run went: the core-seconds of its jobs by what they did, and of cores without one.

Snakemake's record of each output says when its job began and ended; a batch's timings say what of that was training.
"""

import json
import re
from pathlib import Path

import pandas as pd

from symmetry_constrained.runs import workflow_runs
from symmetry_constrained.runs.crate import MANIFEST
from symmetry_constrained.runs.locks import NOTES

METADATA = "metadata"
# What the jobs of a rule do, by how its name begins; a training job is taken apart by its batches' timings.
PARTS = {
    "train_batch": "training",
    "rerun_published": "reruns of published networks",
    "time_solo": "one network alone",
    "fetch_dataset": "data and splits",
    "make_split": "data and splits",
    "draw_": "figures",
    "write_audit": "audit",
    "write_": "record and report",
    "judge_": "tables and verdicts",
    "gather_": "tables and verdicts",
    "summarise": "tables and verdicts",
    "measure_efficiency": "tables and verdicts",
    "cost_to_target": "tables and verdicts",
    "compare_on": "tables and verdicts",
    "compare_with_reference": "record and report",
    "check_bound": "tables and verdicts",
}
OTHERS = "experiments on theory"
# Rules that compare solvers, or measure this machine, when someone asks: no part of a run.
ON_DEMAND = ("measure_throughput", "measure_scaling", "draw_throughput", "train_scikit_learn", "compare_solvers")
# In a job's command, how many cores it worked on; without it one.
PROCESSES = re.compile(r"--processes '?(\d+)")
# Of training jobs: column of timings.csv -> part; what they took besides is `start of training jobs`.
TIMED = {"training_seconds": "training", "feature_seconds": "features", "judging_seconds": "judging"}
START = "start of training jobs"
# What a study is for; all the rest is overhead.
WORK = ("training", OTHERS, "reruns of published networks")


def jobs(metadata: Path, results: str) -> pd.DataFrame:
    """A row for each job of a run whose log is in the folder `results`, as the project sees it: rule, part, began,
    ended (seconds of the clock), cores. Another run's folder may lie within it.

    metadata: Snakemake's folder of records, a JSON file for each output.
    """
    rows = []
    for path in metadata.rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            logged = any(log.startswith(f"{results}/logs/") for log in record["log"])
            if logged and record["rule"] not in ON_DEMAND:
                processes = PROCESSES.search(record.get("shellcmd") or "")
                times = record["starttime"], record["endtime"]
                rows.append((record["rule"], record["log"][0], *times, int(processes[1]) if processes else 1))
    # A job's record is repeated for each of its outputs.
    table = pd.DataFrame(rows, columns=["rule", "log", "began", "ended", "cores"]).drop_duplicates(["rule", "log"])
    return table.assign(part=table["rule"].map(_part)).sort_values("began", ignore_index=True)


def account(results: Path, records: Path = Path(NOTES)) -> pd.DataFrame:
    """A row for each part: jobs, core_seconds, and its share of all, those of cores without a job among them.

    records: Snakemake's folder. Idle cores are known only where one run made everything; time_solo has all cores to
    itself. ValueError in one line where there is no record of the run.
    """
    path = results / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"results": results.as_posix()}
    table = jobs(records / METADATA, manifest["results"])
    if table.empty or not path.exists():
        raise ValueError(f"{records}: holds no record of {results}; run the study here first")
    run = workflow_runs.that_made(manifest, records / workflow_runs.FOLDER.name)
    cores = (run.cores or 1) if run else 1
    table["cores"] = table["cores"].mask(table["rule"] == "time_solo", cores)
    table["seconds"] = (table["ended"] - table["began"]) * table["cores"]
    spent = table.groupby("part")["seconds"].agg(["size", "sum"])
    seconds, counts = spent["sum"].to_dict(), spent["size"].to_dict()
    if "training" in seconds:
        timings = pd.concat(map(pd.read_csv, sorted(results.glob("batches/*/*/*/*/split-*/timings.csv"))))
        inside = {part: float(timings[column].sum()) for column, part in TIMED.items()}
        seconds = seconds | inside | {START: max(seconds["training"] - sum(inside.values()), 0.0)}
    if run:
        seconds["idle cores"] = max(run.seconds * cores - sum(seconds.values()), 0.0)
    found = pd.DataFrame({"part": list(seconds), "core_seconds": list(seconds.values())})
    found.insert(1, "jobs", found["part"].map(counts).fillna(0).astype(int))
    found["share"] = found["core_seconds"] / found["core_seconds"].sum()
    return found.sort_values("core_seconds", ascending=False, ignore_index=True).round({"core_seconds": 1, "share": 4})


def overhead(found: pd.DataFrame) -> float:
    """The share of the jobs' core-seconds that is neither training, theory's included, nor a rerun."""
    busy = found[found["part"] != "idle cores"].set_index("part")["core_seconds"]
    return float(1 - busy.reindex(WORK).fillna(0).sum() / busy.sum())


def readable(found: pd.DataFrame) -> pd.DataFrame:
    """The account for people."""
    return pd.DataFrame(
        {
            "what": found["part"],
            "jobs": found["jobs"].replace(0, "").astype(str),
            "core-seconds": found["core_seconds"].map("{:,.0f}".format),
            "share": found["share"].map("{:.1%}".format),
        }
    )


def _part(rule: str) -> str:
    return next((part for start, part in PARTS.items() if rule.startswith(start)), OTHERS)
