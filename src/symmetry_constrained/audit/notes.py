"""What a reader should know and no check decides: other code or software than here, and what nobody recomputed."""

import hashlib
import platform
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from symmetry_constrained.audit import leftovers
from symmetry_constrained.audit.results import CODE, Results

UNCHECKED = {
    "seconds": "Times cannot be had twice: timings.csv, solo_timings.csv, benchmarks, and what is told in seconds from "
    "them. Checked is which networks were timed, and the arithmetic from there on.",
    "the course of a training": "Between its first iterations and its last: a network's history, its iterations, "
    "evaluations and status, and that its last weights came from its first. Checked are that losses fall, that weights "
    "have to do with where their own seed begins and with no other seed of the batch, of some networks drawn by the "
    "record's hash the first ten iterations, trained again, and the last row. Of fractions between the least and the "
    "largest there are last weights alone. Networks averaged, begun otherwise or by Adam are not trained again.",
    "published networks trained again": "Their weights are not kept. Checked is that counts and efforts agree.",
    "theory's trainings": "That weights came from their seeds; effort and status; accuracies halfway; overlaps with "
    "eigenvectors; flips outside of a map's group; phase_symmetries.csv; the conditions of emulated biases.",
    "pictures": "What is drawn, beside the data of most figures and the titles; those of theory's figures are not.",
    "pages": "Notebooks' pages and the report's captions, beside that the report holds the files as they are.",
}


def told(results: Results) -> list[str]:
    """A line for each way in which what made the results differs from what is here; none without a record."""
    try:
        return [*_code(results), *_commit(results), *_software(results), *leftovers.told(results)]
    except Exception:
        return []  # the check of the record reports it


def _code(results: Results) -> Iterator[str]:
    if results.project is None:
        return
    for path, digest in results.recorded.items():
        if path.startswith(f"{CODE}/"):
            name = path.removeprefix(f"{CODE}/")
            with suppress(OSError):
                here = results.project / name
                found = hashlib.sha256(here.read_bytes()).hexdigest() if here.is_file() else None
                if found != digest:
                    yield f"differs from this checkout: {name}" if found else f"is not in this checkout: {name}"


def _commit(results: Results) -> Iterator[str]:
    ran, here = results.manifest.get("commit"), _head(results.project)
    if here and ran != here:
        yield f"made by commit {ran}, and this checkout is at {here}"


def _head(project: Path | None) -> str | None:
    """The commit of the checkout; None where the project is no repository of its own."""
    if project is None:
        return None
    command = ["git", "rev-parse", "--show-toplevel", "HEAD"]
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, timeout=20)
        top, head = run.stdout.split("\n")[:2]
        return head if Path(top).samefile(project) else None
    return None


def _software(results: Results) -> Iterator[str]:
    for name, ran in results.manifest.get("software", {}).items():
        here: str | None = platform.python_version() if name == "python" else None
        with suppress(metadata.PackageNotFoundError):
            here = here or metadata.version(name)
        if here != ran:
            yield f"made with {name} {ran}, and here is {here or 'none'}"
