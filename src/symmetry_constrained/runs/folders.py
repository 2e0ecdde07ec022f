"""Where a configuration keeps results and downloads: one rule for both paths, expanded, normalised and checked."""

import os
import re
from pathlib import Path
from urllib.parse import quote

# What the project itself is made of, and what is made beside it: nothing of a run may go there.
OWN = {".ci", ".git", ".github", ".gitignore", ".pre-commit-config.yaml", ".snakemake", ".venv", "CHANGELOG.md"}
OWN |= {"CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "REPLICATION.md", "Snakefile", "config"}
OWN |= {"docs", "environment.yml", "notebooks", "profiles", "pyproject.toml", "requirements.txt", "scripts", "src"}
OWN |= {"tests", "workflow"}
REFERENCE = "results/reference"
# Snakemake, a shell and a listing of files each give a meaning to others.
LEGAL = {
    "results": re.compile(r"(?!.* (/|$))(?!(.*/)?[ -])[\w ./+-]+"),
    "data": re.compile(r"(?!-)[^{}]+"),
}
LONGEST = 200  # bytes of a name: files systems allow 255, of which some are ours
RULES = {
    "results": "a folder inside the project, but none of its own, of letters, digits, spaces and . _ + -, no part "
    "beginning with a hyphen or a space",
    "data": "a folder for downloaded files, but none of the project's own nor of the results, without braces or a "
    "hyphen at its start",
}


def placed(key: str, text: str) -> str:
    """The path as it is used: `~` expanded, without `.`, `..` and double slashes, as seen from the project, if in it.

    key: `results` or `data`. The project is the current folder. ValueError with the rule where the path breaks it.
    """
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError("a folder of letters that this locale has; set LC_ALL=C.UTF-8 for others") from None
    path = os.path.normpath(os.path.expanduser(text)) if text.isprintable() and text.strip() else ""
    here = os.path.realpath(".")
    if os.path.isabs(path) and (inside := _within(path, here)):
        path = inside
    outside = os.path.isabs(path) or path.startswith("..")
    if (
        not LEGAL[key].fullmatch(path)
        or path.startswith("~")
        or path == "."
        or (key == "results" and (outside or len(quote(path, safe="")) > LONGEST))
        or max(len(part.encode()) for part in path.split("/")) > LONGEST
        or _is_own(_within(os.path.realpath(path), here))
        or _is_own(None if outside else path)
        or _below_a_file(Path(path))
    ):
        raise ValueError(RULES[key])
    return path


def check_apart(results: str, data: str) -> None:
    """ValueError with the rule if downloads would lie among the results, where nothing says what they are."""
    if _within(os.path.realpath(data), os.path.realpath(results)):
        raise ValueError(RULES["data"])


def _within(path: str, folder: str) -> str | None:
    """The path as seen from the folder, `.` for the folder itself; None if it is not inside."""
    seen = os.path.relpath(path, folder)
    return None if seen == ".." or seen.startswith("../") else seen


def _is_own(path: str | None) -> bool:
    """Whether a path as seen from the project is of the project's own."""
    if path is None:
        return False
    return path == "." or path.split("/")[0] in OWN or (path + "/").startswith(f"{REFERENCE}/")


def _below_a_file(path: Path) -> bool:
    # Path's own methods raise where a parent may not be read.
    return any(os.path.exists(part) and not os.path.isdir(part) for part in (path, *path.parents))
