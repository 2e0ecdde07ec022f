"""A results folder as the audit reads it: every file by its path within the folder, every failure naming the file."""

import hashlib
import json
import stat
from collections.abc import Callable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from symmetry_constrained.audit import strict
from symmetry_constrained.audit.checks import UnreadableError

MANIFEST, CRATE, CONFIG = "manifest.json", "ro-crate-metadata.json", "config.json"
CODE = "code"  # copies of the sources that made the results
SOURCES = ("workflow", "scripts", "src", "notebooks", "config", "profiles", "tests", "docs")
TEXTS = {"hidden_layers": str, "table": str}  # columns of names that look like numbers


class Results:
    """The files of a results folder, read when asked for.

    read: the paths whose content was looked at, so that the audit can say what it knows by its bytes alone.
    """

    def __init__(self, folder: Path, project: Path | None = None, deep: bool = False, draw: str = ""):
        """project: the checkout, for sources of which the folder holds no copy. deep: whether time is no matter.

        draw: any text, which draws other networks to be trained again. Without one the record's hash alone decides, and
        whoever writes a record can write another until its draw suits.
        """
        self.folder, self.project, self.deep, self.draw = folder, project, deep, draw
        self.read: set[str] = set()
        self._digests: dict[str, str | None] = {}
        self._tables: dict[str, pd.DataFrame] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self._sources: set[str] = set()  # of the project, by their whole paths

    def fault(self, path: str) -> str:
        """Why a path is no regular file of this folder, in a few words; nothing if it is one.

        Whoever wrote the record may have named anything: what waits for ever, what never ends, what lies elsewhere.
        """
        pure = PurePosixPath(path)
        if path in self._sources:
            return "" if Path(path).is_file() else "missing"
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            return "lies outside of the folder"
        try:
            for part in [*list(pure.parents)[-2::-1], pure]:
                mode = (self.folder / part).lstat().st_mode
                if stat.S_ISLNK(mode):
                    return "missing: a link" if part == pure else f"missing: {part} is a link"
        except (OSError, ValueError):
            return "missing"
        return "" if stat.S_ISREG(mode) else "missing: no regular file"

    def oversize(self, path: str) -> str:
        """Why a regular file is too large to be read; nothing if it is not."""
        size = (self.folder / path).stat().st_size
        return f"has {size:,} bytes, and no file of a run has {strict.MOST:,}" if size > strict.MOST else ""

    def exists(self, path: str) -> bool:
        return not self.fault(path)

    def belongs(self, path: str) -> bool:
        """Whether a file that not every run has is there, or should be."""
        return self.exists(path) or path in self.recorded

    def bytes(self, path: str) -> bytes:
        return self._open(path, Path.read_bytes)

    def text(self, path: str) -> str:
        return self._open(path, lambda file: file.read_text(encoding="utf-8"))

    def json(self, path: str) -> Any:
        return self._open(path, lambda file: strict.json_of(file.read_text(encoding="utf-8")))

    def yaml(self, path: str) -> Any:
        return self._open(path, lambda file: strict.yaml_of(file.read_text(encoding="utf-8")))

    def array(self, path: str) -> np.ndarray:
        if path not in self._arrays:
            self._arrays[path] = self._open(path, strict.array_of)
        return self._arrays[path]

    def tensors(self, path: str) -> dict[str, np.ndarray]:
        return self._open(path, load_file)

    def table(self, path: str, columns: list[str] | None = None) -> pd.DataFrame:
        """A CSV file; UnreadableError unless it has the columns asked for."""
        if path not in self._tables:
            self._tables[path] = self._open(path, lambda file: strict.table_of(file, TEXTS))
        table = self._tables[path]
        missing = [name for name in columns or [] if name not in table]
        if missing:
            raise UnreadableError(path, f"the column {missing[0]} is missing")
        return table

    def _open(self, path: str, reader: Callable[[Path], Any]) -> Any:
        self.read.add(path)
        fault = self.fault(path) or self.oversize(path)
        if fault:
            raise UnreadableError(path, fault)
        try:
            return reader(self.folder / path)
        except Exception as error:
            # The readers of four formats raise what they like on bytes that are not theirs.
            raise UnreadableError(path, f"{type(error).__name__}: {error}") from None

    @cached_property
    def config(self) -> dict:
        """The checked configuration of the run."""
        config = self.json(CONFIG)
        if not isinstance(config, dict) or not isinstance(config.get("studies"), dict):
            raise UnreadableError(CONFIG, "holds no configuration")
        # Else the folder's own files would pass for the sources that are read beside it.
        if PurePosixPath(str(config.get("results"))).parts[:1] in [(name,) for name in SOURCES]:
            raise UnreadableError(CONFIG, f"results: {config['results']} is where sources are")
        strict.check_counts(CONFIG, config)
        return config

    @property
    def placed(self) -> dict[str, dict]:
        """By dataset, how its published numbers are judged."""
        numbers = self.config["published_numbers"]
        return {dataset: placed for dataset, placed in numbers.items() if isinstance(placed, dict)}

    def locate(self, recorded: str) -> str:
        """A path as recorded, seen from the project -> the file in this folder, its copy here, or the project's own."""
        prefix = f"{self.config['results']}/"
        if recorded.startswith(prefix):
            return recorded[len(prefix) :]
        copy = f"{CODE}/{recorded}"
        pure = PurePosixPath(recorded)
        if self.exists(copy) or self.project is None or pure.is_absolute() or ".." in pure.parts:
            return copy
        source = (self.project / recorded).resolve()
        if not source.is_file():
            return copy
        self._sources.add(str(source))
        return str(source)

    def sha256(self, path: str) -> str | None:
        """Of a file's bytes; None if it can't be read."""
        if path not in self._digests and (self.fault(path) or self.oversize(path)):
            self._digests[path] = None
        if path not in self._digests:
            try:
                with open(self.folder / path, "rb") as file:
                    self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                self._digests[path] = None
        return self._digests[path]

    def record(self, path: str) -> dict:
        """A record of hashes, if it is what was written; UnreadableError if not: its digest covers all but itself."""
        record = self.json(path)
        if not isinstance(record, dict):
            raise UnreadableError(path, "holds no record")
        rest = {key: value for key, value in record.items() if key != "digest"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest != record.get("digest"):
            raise UnreadableError(path, f"its content has the digest {digest}, not {record.get('digest')}")
        if (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode() != self.bytes(path):
            raise UnreadableError(path, "is not written as a record is")
        return record

    @cached_property
    def manifest(self) -> dict:
        return self.record(MANIFEST)

    @cached_property
    def recorded(self) -> dict[str, str]:
        """sha256 by path as recorded: in the manifest, or, if that was changed, in the crate; empty without either."""
        try:
            return {path: entry["sha256"] for path, entry in self.manifest["artefacts"].items()}
        except Exception:
            # The check of the manifest itself reports it.
            try:
                graph = self.json(CRATE)["@graph"]
                return {unquote(entity["@id"]): entity["sha256"] for entity in graph if "sha256" in entity}
            except Exception:
                return {}

    def changed(self, path: str) -> bool:
        """Whether a recorded file is no longer what it was."""
        return path in self.recorded and self.recorded[path] != self.sha256(path)

    def blame(self, *paths: str) -> str:
        """Of files that contradict each other, the first that is not as recorded; else the first of all."""
        return next((path for path in paths if self.changed(path)), paths[0])
