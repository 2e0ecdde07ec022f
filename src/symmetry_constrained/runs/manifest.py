"""Every file of a results folder with its hash, the rule and inputs that made it, the software and the machine."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from symmetry_constrained import artifacts
from symmetry_constrained.runs import provenance
from symmetry_constrained.runs.crate import CODE, CRATE, MANIFEST, crate

PACKAGES = (*provenance.PACKAGES, "matplotlib", "nbconvert", "papermill", "seaborn", "snakemake", "torchvision")
COLUMNS = {"output_file": "path", "rule": "rule", "log-file(s)": "logs", "input-file(s)": "inputs"}


def read_listing(text: str) -> list[dict]:
    """The rows of a tab-separated listing (`snakemake --detailed-summary`): path, rule, logs, inputs of each output.

    lost: Snakemake has no record of what made it. ValueError in one line if it is none, or lists nothing.
    """
    lines = [line.split("\t") for line in text.splitlines() if line]
    header = lines[0] if lines else []
    missing = [name for name in COLUMNS if name not in header]
    if missing or len(lines) < 2:
        raise ValueError(f"the listing has no {'column ' + missing[0] if missing else 'rows'}")
    rows: list[dict] = []
    for cells in lines[1:]:
        if len(cells) != len(header):
            raise ValueError(f"the listing's line {len(rows) + 2} has {len(cells)} cells, expected {len(header)}")
        row = {COLUMNS[name]: cell for name, cell in zip(header, cells, strict=True) if name in COLUMNS}
        lists = {name: [part for part in row[name].split(",") if part not in ("", "-")] for name in ("logs", "inputs")}
        rows.append(row | lists | {"lost": row["logs"] == row["inputs"] == "-"})
    return rows


def collect(results: Path, listing: list[dict], sources: Iterable[str], project: Path) -> dict[str, dict]:
    """Every file by its path within the results: sha256, bytes, kind, the rule and the inputs that made it.

    listing: rows of `read_listing`, paths as seen from the project. sources: files of the project beside those that
    the rows name as inputs; all are copied to the folder `code`. Benchmarks are those that are there. ValueError for
    a file that is missing, or an output elsewhere.
    """
    prefix = f"{results.as_posix()}/"
    outputs = {row["path"] for row in listing}
    read = {name for row in listing for name in row["inputs"]} - outputs
    made = {name: f"{CODE}/{name}" for name in sorted({*read, *sources})}
    shutil.rmtree(results / CODE, ignore_errors=True)
    for name, copy in made.items():
        if Path(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name}: a source must lie in the project")
        with artifacts.whole(results / copy) as temporary:
            shutil.copyfile(_there(project / name), temporary)
    entries = {copy: _entry(results, copy, "source", None, []) for copy in made.values()}
    for row in listing:
        if not row["path"].startswith(prefix):
            raise ValueError(f"{row['path']}: an output must lie in {results}")
        inputs = sorted(made.get(name, name.removeprefix(prefix)) for name in row["inputs"])
        path = row["path"].removeprefix(prefix)
        logs = [name.removeprefix(prefix) for name in row["logs"]]
        entries[path] = _entry(results, path, "output", row["rule"], inputs) | {"log": next(iter(logs), None)}
        for log in logs:
            entries[log] = _entry(results, log, "log", row["rule"], [])
    # A listing knows nothing of benchmarks; most are named as their job's log is.
    rules = {PurePosixPath(path).with_suffix("").parts[1:]: entry["rule"] for path, entry in entries.items()}
    for file in results.glob("benchmarks/**/*.tsv"):
        path = file.relative_to(results)
        rule = rules.get(path.with_suffix("").parts[1:])
        entries[path.as_posix()] = _entry(results, path.as_posix(), "benchmark", rule, [])
    return dict(sorted(entries.items()))


def _entry(results: Path, path: str, kind: str, rule: str | None, inputs: list[str]) -> dict:
    file = _there(results / path)
    size = file.stat().st_size
    return {"sha256": artifacts.sha256(file), "bytes": size, "kind": kind, "rule": rule, "inputs": inputs}


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path}: listed, but there is no such file")
    return path


def describe(results: Path) -> dict:
    """The software and the machine behind the results."""
    return {
        "results": results.as_posix(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": provenance.commit(),
        "software": {"python": platform.python_version(), **provenance.versions(PACKAGES)},
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "instructions": _instructions(),
            "cores": os.cpu_count(),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "gpus": _gpus(),
        },
        "trained_on": trained_on(results),
    }


def trained_on(results: Path) -> dict[str, list[str]]:
    """Of all training batches: device, its name, compiler and versions, each with every value that it had."""
    found: dict[str, set[str]] = {}
    for path in sorted(results.glob("batches/**/provenance.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        facts = {name: record.get(name) for name in ("device", "device_name", "compiler", "python")}
        for name, value in (facts | record.get("packages", {})).items():
            found.setdefault(name, set()).add("none" if value is None else str(value))
    return {name: sorted(values) for name, values in found.items()}


def _cpuinfo(key: str) -> str:
    """The first value of a key that the system tells of its processors; empty where it tells none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _instructions() -> list[str]:
    """The processor's sets of vector instructions, by which libraries choose how to round; none where unknown."""
    names = (_cpuinfo("flags") or _cpuinfo("Features")).split()
    return sorted(name for name in names if name.startswith(("sse", "avx", "fma", "amx", "asimd", "sve")))


def _gpus() -> list[str]:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def write(results: Path, about: dict, entries: dict[str, dict], unrecorded: Iterable[str]) -> None:
    """Write the crate, then the manifest, whose `digest` covers all of it but itself.

    about: of `describe`. unrecorded: paths that may be there beside the files recorded, such as the audit's own.
    """
    artifacts.write_json(crate(results, about, entries), results / CRATE)
    entries = dict(sorted({**entries, CRATE: _entry(results, CRATE, "crate", None, [])}.items()))
    manifest = about | {"artefacts": entries, "unrecorded": sorted({MANIFEST, *unrecorded})}
    artifacts.write_json(manifest | {"digest": digest(manifest)}, results / MANIFEST)


def record(path: Path, out: Path) -> None:
    """The hash of one file that is made when all else is: for the report, which holds the audit's page."""
    about = {"file": path.name, "sha256": artifacts.sha256(path), "bytes": path.stat().st_size}
    artifacts.write_json(about | {"digest": digest(about)}, out)


def digest(content: dict) -> str:
    """sha256 of a record's content: its JSON with sorted keys and without spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
