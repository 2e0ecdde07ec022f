"""What must hold before the workflow writes anything: folders that may be written to, free space, and no other run."""

import fcntl
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

NOTES = ".snakemake"  # Snakemake's own folder, and ours for what belongs to a run but not to its results
LEAST_SPACE = 2**20  # bytes: with less, Snakemake's notes fail in a hundred tracebacks, where scripts give one line


def check_folder() -> None:
    """ValueError in one line where Snakemake could not keep its notes in the current folder."""
    folder = NOTES if Path(NOTES).exists() else "."
    check_writable([folder])
    if shutil.disk_usage(folder).free < LEAST_SPACE:
        raise ValueError(f"No space left on device: less than 1 MB for Snakemake's notes in {folder}")


def check_writable(folders: Iterable[str]) -> None:
    """ValueError in one line for the first folder that may not be written to."""
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ValueError(f"Permission denied: the folder {folder} may not be written to")


def hold(results: str) -> TextIO:
    """Keep other runs from writing to the same results for as long as the returned file is open.

    The lock is the kernel's, which ends with the process, while Snakemake's own outlives a run that is killed.
    ValueError in one line if another run holds it, or if a folder may not be written to.
    """
    for part in (results, f"{NOTES}/incomplete", f"{NOTES}/metadata"):
        check_writable(folder for folder, _, _ in os.walk(part))
    path = Path(NOTES, "running", quote(results, safe=""))
    path.parent.mkdir(parents=True, exist_ok=True)
    held = open(path, "w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise ValueError(f"Another run is writing to {results}/; wait for it to end, or stop it.") from None
    return held
