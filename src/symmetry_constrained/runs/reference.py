"""The reference run: what is kept of a finished run in `results/reference/`, and how that run was made.

Files are kept byte for byte, those over a megabyte compressed, and each must still be what the run's manifest says.
"""

import json
import lzma
import shutil
import sys
from pathlib import Path, PurePosixPath

import pandas as pd

from symmetry_constrained import artifacts
from symmetry_constrained.runs import account, trained, workflow_runs
from symmetry_constrained.runs.crate import MANIFEST
from symmetry_constrained.runs.workflow_runs import WorkflowRun

KEPT = ("config.json", "verdicts.md", "tables/*.csv", "tables/*.md", "theory/*.csv", "figures/*.svg")
FRONT, MAP = "sides-digits", "settings"  # the figures that the README opens with: as PNG too
MEASURED = ("benchmarks/*.csv", "figures/roofline.svg", "figures/scaling.svg")  # made on demand, of no run
CARDS = "benchmarks/card-*.json"  # measured by scripts/measure_card.py on a machine with a GPU: they outlive a run
LARGE = 300_000  # bytes, above which a table or record is compressed
LIMIT = 10 * 2**20  # bytes of the whole folder
RUN, AUDIT, JOBS, ACCOUNT = "run.json", "audit.json", "benchmarks/jobs.csv", "benchmarks/account.csv"
TIMED = ("run", "quick", "paper", "beyond", "test", "set-up")  # what may be timed by hand


def keep(results: Path, out: Path, records: Path) -> list[str]:
    """Copy what is kept of the run to a folder that is made anew when all is copied; the paths in it.

    records: Snakemake's folder, for the account of the run's time, which is left out where it holds none of this run.
    ValueError in one line for a folder of other things, a run without manifest or audit, one whose audit fails, a file
    that is not what the manifest says, or more than 10 MB.
    """
    if out.exists() and not (out / RUN).is_file() and any(out.iterdir()):
        raise ValueError(f"{out}: holds something other than a reference, which would be lost; choose another folder")
    manifest, audited = (_json(results / path) for path in (MANIFEST, "audit/audit.json"))
    if audited["failed"]:
        raise ValueError(
            f"{results}: {audited['failed']:,} checks of its audit fail; run python scripts/audit.py {results}"
        )
    paths = [path for path, entry in manifest["artefacts"].items() if entry["kind"] == "output" and _is_kept(path)]
    for path in paths:
        if not (results / path).is_file() or artifacts.sha256(results / path) != manifest["artefacts"][path]["sha256"]:
            raise ValueError(f"{results / path}: is not what {MANIFEST} says; run the study again")
    measured = [file.relative_to(results).as_posix() for pattern in MEASURED for file in sorted(results.glob(pattern))]
    files = dict(_packed(results, path) for path in [*paths, *measured, MANIFEST])
    files |= {file.relative_to(out).as_posix(): file.read_bytes() for file in out.glob(CARDS)}
    size = sum(map(len, files.values()))
    if size > LIMIT:
        raise ValueError(f"{out}: {size / 2**20:.1f} MB, more than {LIMIT / 2**20:.0f}")
    shutil.rmtree(out, ignore_errors=True)
    for path, content in files.items():
        with artifacts.whole(out / path) as temporary:
            temporary.write_bytes(content)
    artifacts.write_json(brief(audited), out / AUDIT)
    artifacts.write_csv(jobs(results, manifest), out / JOBS)
    written = [AUDIT, JOBS]
    if (spent := _account(results, records)) is not None:
        artifacts.write_csv(spent, out / ACCOUNT)
        written.append(ACCOUNT)
    return sorted([*(path for path in files if not PurePosixPath(path).match(CARDS)), *written])


def _is_kept(path: str) -> bool:
    deep, file = path.count("/"), PurePosixPath(path)
    pictures = [f"figures/{name}.png" for name in (FRONT, MAP)]
    return path in pictures or any(deep == p.count("/") and file.match(p) for p in KEPT)


def _account(results: Path, records: Path) -> pd.DataFrame | None:
    try:
        return account.account(results, records)
    except ValueError:
        return None


def _packed(results: Path, path: str) -> tuple[str, bytes]:
    """A file's path in the reference and its content there: large ones are compressed."""
    content = (results / path).read_bytes()
    if len(content) > LARGE and path.endswith((".csv", ".json")):
        return f"{path}.xz", lzma.compress(content)
    return path, content


def brief(audited: dict) -> dict:
    """`audit.json` without its thousands of checks: how many held of how many, by kind."""
    kinds: dict[str, list[int]] = {}
    for check in audited["checks"]:
        held, of = kinds.setdefault(check["what"], [0, 0])
        kinds[check["what"]] = [held + check["ok"], of + 1]
    listed = [{"what": what, "held": held, "of": of} for what, (held, of) in kinds.items()]
    return {name: audited[name] for name in ("passed", "failed")} | {"kinds": listed}


def jobs(results: Path, manifest: dict) -> pd.DataFrame:
    """Where the time went: a row per rule that is timed, with jobs, seconds, the longest and the peak memory in MB."""
    rows = []
    for path, entry in manifest["artefacts"].items():
        if entry["kind"] == "benchmark":
            table = pd.read_csv(results / path, sep="\t")
            rows.append((entry["rule"] or PurePosixPath(path).stem, table["s"].mean(), table["max_rss"].max()))
    grouped = pd.DataFrame(rows, columns=["rule", "seconds", "memory"]).groupby("rule")
    table = grouped.agg(
        jobs=("seconds", "size"), seconds=("seconds", "sum"), longest=("seconds", "max"), peak_mb=("memory", "max")
    )
    return table.sort_values("seconds", ascending=False).round(1).reset_index()


def describe(results: Path, quick: Path, records: Path, by_hand: dict[str, float]) -> dict:
    """`run.json`: the command, commit, machine and wall time behind the reference.

    quick: results of a quick run, if there is one. records: of workflow runs. by_hand: seconds of what was timed by
    hand, by the names of `TIMED`. ValueError in one line if nothing says how long the run took.
    """
    unknown = sorted(set(by_hand) - set(TIMED))
    if unknown:
        raise ValueError(f"seconds: {unknown[0]!r} is unknown; choose one of {', '.join(TIMED)}")
    manifest = _json(results / MANIFEST)
    run = workflow_runs.that_made(manifest, records)
    if run is None and "run" not in by_hand:
        raise ValueError(
            f"{records}: no record of one run that made all of {results}, so how long it took is not known; "
            "say so with --seconds run=N"
        )
    provenance = [results / path for path in manifest["artefacts"] if path.endswith("provenance.json")]
    commits = {_json(record)["commit"] for record in provenance}
    commits.add(manifest["commit"])
    outputs = {(entry["rule"], entry["log"]) for entry in manifest["artefacts"].values() if entry["kind"] == "output"}
    return {
        "command": run.command if run else None,
        "commits": sorted(commits),  # more than one: not made by one state of the code
        "began": run.began.strftime("%Y-%m-%d %H:%M:%S") if run else None,
        "written": manifest["written"],
        "cores": run.cores if run else manifest["machine"]["cores"],
        "machine": manifest["machine"],
        "software": manifest["software"],
        "networks": len(trained.own(pd.read_csv(results / "tables/networks.csv"), _json(results / "config.json"))),
        "jobs": len(outputs),
        "bytes": sum(entry["bytes"] for entry in manifest["artefacts"].values()),
        "environment_bytes": folder_bytes(Path(sys.prefix)) if sys.prefix != sys.base_prefix else None,
        "seconds": _seconds(run, quick, records, by_hand),
        "quick_bytes": folder_bytes(quick) if quick.is_dir() else None,
    }


def _seconds(run: WorkflowRun | None, quick: Path, records: Path, by_hand: dict[str, float]) -> dict[str, dict]:
    """By what was timed: seconds, and how they were measured."""
    runs = {"run": run}
    if (quick / MANIFEST).is_file():
        runs["quick"] = workflow_runs.that_made(_json(quick / MANIFEST), records)
    timed = {
        name: {
            "seconds": round(one.seconds, 1),
            "measured": "from start to end of the one run that made it all",
        }
        for name, one in runs.items()
        if one is not None
    }
    timed |= {name: {"seconds": seconds, "measured": "by hand"} for name, seconds in by_hand.items()}
    return {name: timed[name] for name in TIMED if name in timed}


def folder_bytes(folder: Path) -> int:
    """Of all files below, a file with two names once."""
    stats = (path.lstat() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sum({stat.st_ino: stat.st_size for stat in stats}.values())


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: is missing; the reference is made from a finished run") from None
