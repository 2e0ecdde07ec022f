"""One Snakemake invocation after another: when each began and ended, and what it made.

A record is a small JSON file in Snakemake's own folder, written when the first job is about to start and completed when
the last has ended. A run that failed or was killed keeps a record without an end.
"""

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from symmetry_constrained import artifacts
from symmetry_constrained.runs.locks import NOTES

FOLDER = Path(NOTES, "runs")


@dataclass(frozen=True)
class WorkflowRun:
    """One Snakemake invocation that succeeded."""

    command: str  # without the folder of the program
    began: datetime
    ended: datetime
    cores: int | None  # None on a cluster, whose jobs have cores of their own
    made: frozenset[str]  # paths as seen from the project

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


def begin(arguments: Sequence[str], cores: int | None, outputs: Iterable[str], folder: Path = FOLDER) -> Path:
    """Record that a run begins; the path is what `end` needs. arguments: as in `sys.argv`. outputs: what it will make.

    A run that only remakes some outputs has a record as well, which `that_made` passes over.
    """
    began = datetime.now().astimezone()
    program = re.sub(r"^.*/(?=snakemake(?:/__main__\.py)?$)", "", arguments[0]).removesuffix("/__main__.py")
    command = _readable(shlex.join([program, *arguments[1:]]))
    record = {"command": command, "began": began.isoformat(), "ended": None, "cores": cores}
    path = folder / f"{began:%Y%m%dT%H%M%S.%f}.json"
    artifacts.write_json(record | {"made": sorted(map(_readable, outputs))}, path)
    return path


def _readable(text: str) -> str:
    """A word of the command line as it was typed, in a locale as well that has no letters for it."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def end(path: Path) -> None:
    """Record that the run has succeeded."""
    record = json.loads(path.read_text(encoding="utf-8"))
    artifacts.write_json(record | {"ended": datetime.now().astimezone().isoformat()}, path)


def read(path: Path) -> WorkflowRun | None:
    """A record; None for a run that did not succeed."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["ended"] is None:
        return None
    times = {name: datetime.fromisoformat(record[name]) for name in ("began", "ended")}
    return WorkflowRun(**record | times | {"made": frozenset(record["made"])})


def that_made(manifest: dict, folder: Path) -> WorkflowRun | None:
    """The latest run in the folder that made all outputs of the manifest by itself; None if they took several."""
    artefacts = manifest["artefacts"].items()
    outputs = {f"{manifest['results']}/{path}" for path, entry in artefacts if entry["kind"] == "output"}
    runs = (read(path) for path in sorted(folder.glob("*.json"), reverse=True))
    return next((run for run in runs if run is not None and outputs <= run.made), None)
