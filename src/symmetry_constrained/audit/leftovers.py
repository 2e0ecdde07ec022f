"""Files of another configuration's run that lie among the results: named, with what removes them, and no failure."""

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from symmetry_constrained.audit.results import Results

# Of what a manifest lists for each of its cells, another configuration lists the same for others.
BY_CELL = ("batches", "data", "reruns", "splits")
BY_JOB = ("benchmarks", "logs")
# Tables and figures of the paper's own tables: there is one only where a number of it is compared.
OF_THE_PAPER = ("table1", "table2", "talk")


def of(results: Results) -> list[str]:
    """The regular files that the manifest does not list and that are of the kind of files that it lists.

    None where there is no manifest to go by, which its own check reports.
    """
    try:
        listed = {*results.manifest["artefacts"], *results.manifest["unrecorded"]}
    except Exception:
        return []
    kinds = {kind for path in results.manifest["artefacts"] if (kind := _kind(path)) is not None}
    found = (path.relative_to(results.folder).as_posix() for path in results.folder.rglob("*") if path.is_file())
    alike = (path for path in found if path not in listed and _kind(path) in kinds)
    return sorted(path for path in alike if not (results.folder / path).is_symlink())


def _kind(path: str) -> tuple | None:
    """What tells files alike of different cells from others; None for a file of which a run has one."""
    parts, name = PurePosixPath(path).parts, PurePosixPath(path)
    top = parts[0]
    if name.name.startswith("."):
        return None
    if top in BY_CELL:
        return top, len(parts), name.name
    if top in BY_JOB and len(parts) > 2:
        return *parts[:-1], name.suffix
    if top == "theory" and len(parts) > 2:
        return parts[1], len(parts), name.suffix if len(parts) == 3 else name.name
    if top in ("tables", "figures") and name.stem in OF_THE_PAPER:
        return top, name.suffix
    if top == "figures" and "-" in name.stem:
        return top, name.stem.partition("-")[0], name.suffix
    return None


def told(results: Results) -> Iterator[str]:
    """A line that names them and the command that removes them; none where there are none."""
    left = of(results)
    if left:
        places = _whole(results, set(left))
        command = shlex.join(["rm", "-r", *(str(results.folder / place) for place in places)])
        yield f"left by another configuration, and part of no table: {len(left)} files; to remove them: {command}"


def _whole(results: Results, left: set[str], folder: str = ".") -> list[str]:
    """The fewest paths that hold these files and no other."""
    paths = []
    for entry in sorted((results.folder / folder).iterdir()):
        path = entry.relative_to(results.folder).as_posix()
        if entry.is_dir() and not entry.is_symlink():
            inside = {below.relative_to(results.folder).as_posix() for below in entry.rglob("*") if not below.is_dir()}
            if inside and inside <= left:
                paths.append(path)
            elif inside & left:
                paths += _whole(results, left, path)
        elif path in left:
            paths.append(path)
    return paths
