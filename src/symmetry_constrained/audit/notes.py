"""What a reader should know and no check decides: other code or software than here, and what is not checked."""

import hashlib
import platform
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from symmetry_constrained.audit import files, leftovers
from symmetry_constrained.audit.batch import overflowed
from symmetry_constrained.audit.checks import plain
from symmetry_constrained.audit.results import CODE, Results
from symmetry_constrained.audit.tables import NETWORKS

UNCHECKED = {
    "seconds": "A time cannot be measured again: timings.csv, solo_timings.csv, benchmarks, and whatever is "
    "derived from their seconds; nor memory, energy, and how many evaluations were timed. Checked are which networks "
    "were timed and on what device, and the arithmetic that follows.",
    "history of a training": "What lies between its first iterations and its last: the rows of history.csv "
    "there, a network's number of iterations and evaluations, its status, and that its last weights came from its "
    "first. Checked are that losses fall, that weights resemble the start of their own seed and of no other seed of "
    "the batch, and the last row. Some networks are drawn, anew by each audit that is asked for (the one within a run "
    "draws by the record's hash, which its writer could try until it suits), and trained again: their weights after "
    "ten iterations are compared, and the rows of history.csv up to there (with --deep of more networks, and their "
    "losses up to 35 iterations, to a fifth). Of fractions between the least and the largest only last weights "
    "are stored. Networks that average over x and −x, that start from mirrored units or that Adam trained are not "
    "trained again.",
    "networks that overflowed": "Whether the training of a network that is left out because it overflowed did so. A "
    "note says how many are left out.",
    "published networks trained again": "Their weights are not stored, and nothing shows how far their pixels were "
    "perturbed. Checked is that counts and efforts agree.",
    "theory's trainings": "How weights came from their starts, which they are only required to resemble; effort "
    "and status, but that they fit the budget; the budget of emulated biases, whose table has no effort; accuracies "
    "halfway; overlaps with eigenvectors; the steepest gradient along an orbit (without --deep); flips outside a "
    "map's group, and from what they were computed; phase_symmetries.csv; the conditions of emulated biases.",
    "pictures": "PNG beside their title and checksums; in SVG the colours, and so which model a point is of, in "
    "which row of names it lies, shaded areas, what legends and texts beside the title and the ticks say, and lines "
    "without any point of the data, which count as guides. Letters are known by their names and by how other pictures "
    "of the run draw them. figure1 and settings are checked by their data, their texts and their title alone.",
    "pages": "The tables and pictures of notebooks, which are compared with their own pages alone, not with the tables "
    "and figures of the run, and what styles say. Of verdicts.md the jobs, time and memory of each claim. The report's "
    "captions, labels and lists of jobs, and the scripts of a report by a Snakemake that the audit does not know. Of "
    "index.html the sum of the times, what the run's own audit found, and whether the run agrees with the reference: "
    "comparison.json is in no record, and what it says is not compared again.",
    "who ran it": "Commit, software, machine and dates in manifest.json, ro-crate-metadata.json and "
    "provenance.json, and which files a file was made from: whoever writes a record may write anything there.",
}


def told(results: Results) -> list[str]:
    """A line for each way in which what made the results differs from what is here; none without a record."""
    try:
        found = [*_code(results), *_commit(results), *_software(results), *_device(results)]
        found += [*leftovers.told(results), *_diverged(results), *_uncovered(results)]
        return [plain(line) for line in found]
    except Exception:
        return []  # the check of the record reports it


def _diverged(results: Results) -> Iterator[str]:
    count = int(overflowed(results.table(NETWORKS)).sum()) if results.belongs(NETWORKS) else 0
    if count:
        yield f"{count:,} networks are said to have overflowed while they were trained, and are left out of every mean"


def _device(results: Results) -> Iterator[str]:
    device = results.config["device"]
    if device != "cpu" and not results.manifest["machine"]["gpus"]:
        yield f"device is {device}, and the machine that wrote the record has none: only its jobs can have had one"


def _uncovered(results: Results) -> Iterator[str]:
    """What is in the folder and in no record, beside what each run writes after it: its writer may say anything."""
    measured = [
        path for path in results.manifest["unrecorded"] if files.MEASURED.fullmatch(path) and results.exists(path)
    ]
    if measured:
        yield f"measured on demand and in no record: {', '.join(measured)}"
    bare = [folder.name for folder in files.runs(results) if not any(folder.glob("manifest.json*"))]
    if bare:
        yield f"not audited, folders that look like a run and have no record: {', '.join(bare)}"


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
    if here := elsewhere(results):
        yield f"made by commit {results.manifest.get('commit')}, and this checkout is at {here}"


def elsewhere(results: Results) -> str | None:
    """The commit of this checkout if the results are of another one; None too where it has none."""
    here = _head(results.project)
    return here if results.manifest.get("commit") != here else None


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
