"""What a results folder's last manifest knows of files whose record by Snakemake is lost, as by `make clean`.

Snakemake removes a manifest before it is written again, so that it is put aside where a run begins.
"""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from symmetry_constrained import artifacts
from symmetry_constrained.runs.crate import CODE, MANIFEST
from symmetry_constrained.runs.locks import NOTES


def aside(results: str) -> Path:
    """Where the last manifest of these results is kept."""
    return Path(NOTES, "manifests", f"{quote(results, safe='')}.json")


def put_aside(results: str) -> None:
    """Keep the manifest that is there; where there is none, what was kept before stays."""
    with suppress(FileNotFoundError):
        path = aside(results)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        shutil.copyfile(Path(results, MANIFEST), temporary)
        os.replace(temporary, path)


def read(path: Path) -> dict[str, dict]:
    """The outputs of a manifest by their path within the results; none where it can't be read."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["artefacts"].items()
        return {name: entry for name, entry in entries if entry["kind"] == "output"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def restored(results: Path, listing: list[dict], before: dict[str, dict]) -> list[dict]:
    """The rows of `manifest.read_listing`, those without a record as the last manifest has them.

    before: of `read`. ValueError in one line for a file that is not as it was then, so that nobody knows what made it.
    """
    prefix, rows, unknown = f"{results.as_posix()}/", [], []
    for row in listing:
        entry = before.get(row["path"].removeprefix(prefix))
        if not row["lost"]:
            rows.append(row)
        elif entry is None or entry["rule"] != row["rule"] or entry["sha256"] != artifacts.sha256(Path(row["path"])):
            unknown.append(row)
        else:
            logs = [prefix + entry["log"]] if entry["log"] else []
            rows.append(row | {"logs": logs, "inputs": [_seen(name, prefix) for name in entry["inputs"]]})
    if unknown:
        others = f" and of {len(unknown) - 1} other files" if len(unknown) > 1 else ""
        raise ValueError(
            f"{unknown[0]['path']}: Snakemake's record of what made it is lost, and no manifest has it{others}; "
            f"make it again with --forcerun {unknown[0]['rule']}"
        )
    return rows


def _seen(name: str, prefix: str) -> str:
    """A file of a manifest as seen from the project: a copy of its own, or one of the results."""
    return name.removeprefix(f"{CODE}/") if name.startswith(f"{CODE}/") else prefix + name
