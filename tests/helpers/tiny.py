"""The real workflow on a study of a few seconds, to be killed and starved."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from helpers.runs import COMMON, SMALL, checkout, environment, lose

CLEAN = COMMON | {
    "dataset": "digits",
    "protocol": "clean",
    "features": {"identity": ["original"], "neighbour": ["original"]},
    "fractions": [0.02, 1.0],
    "budget": {"max_evaluations": 6},
    "checkpoints": [2],
}
PUBLISHED = CLEAN | {"protocol": "published", "features": {"identity": ["original"]}, "fractions": [1.0]}
TINY = SMALL | {
    "results": "results/tiny",
    "studies": {"digits-clean": CLEAN, "digits-published": PUBLISHED},
    "settings": {"no-leak": {"study": "digits-clean", "hidden_layers": [10, 5], "label": "no leak"}},
    "figures": SMALL["figures"] | {"budget": "digits-clean"},
}
TABLES = ("results/tiny/tables/networks.csv", "results/tiny/tables/bound.csv")
BATCHES = tuple(
    f"results/tiny/batches/{study}/{features}/original/10-5/split-0"
    for study, features in (
        ("digits-clean", "identity"),
        ("digits-clean", "neighbour"),
        ("digits-published", "identity"),
    )
)


def tiny(folder: Path) -> Path:
    """A copy of what the workflow is made of, with the tiny configuration."""
    return checkout(folder, TINY)


def command(*targets: str, cores: int = 2) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", str(cores), *targets]


def run(folder: Path, *targets: str, before: tuple[str, ...] = (), cores: int = 2, **changes: str | None):
    """Run the workflow in the folder to its end; `before` goes before the command."""
    return subprocess.run(
        [*before, *command(*(targets or TABLES), cores=cores)],
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
    )


def start(folder: Path, *targets: str, output: Path) -> subprocess.Popen:
    """Start the workflow as a group of processes of its own, with what it says in the file."""
    with open(output, "w", encoding="utf-8") as said:
        return subprocess.Popen(
            command(*(targets or TABLES)),
            cwd=folder,
            env=environment(),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill_group(process: subprocess.Popen) -> None:
    """SIGKILL to the workflow and every job of it at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def members(group: int, word: str = "") -> list[int]:
    """The processes of a group whose command line holds the word; zombies have none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if int(fields[2]) == group and line and word in line:
            found.append(int(folder.name))
    return found


def again(finished: Path, folder: Path, *lost: str) -> Path:
    """A copy of a finished run that lost some of its results."""
    return lose(shutil.copytree(finished, folder, symlinks=True), *lost)


def stable(folder: Path) -> dict[str, bytes]:
    """What two runs must have in common, by path: all but timings, logs, benchmarks and provenance."""
    results = folder / "results/tiny"
    paths = {path for end in ("csv", "npy", "safetensors") for path in results.rglob(f"*.{end}")}
    return {
        path.relative_to(results).as_posix(): path.read_bytes() for path in sorted(paths) if path.name != "timings.csv"
    }


def leftovers(folder: Path) -> list[str]:
    """Files under the results that are half of something."""
    return sorted(path.name for path in (folder / "results").rglob(".*") if path.is_file() and path.stat().st_size)
