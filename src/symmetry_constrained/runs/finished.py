"""A finished run as it is compared with another: its folder, or what `reference.keep` kept of one."""

import io
import json
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from symmetry_constrained.runs.crate import MANIFEST

# What a study says of which networks it trains and when it looks at them, and so nothing of how one is trained.
SIZES = ("features", "networks", "hidden_layers", "splits", "seeds", "fractions", "checkpoints", "trained_as")
WATCHED = ("fractions", "checkpoints")  # of those, what numbers of images and costs to a target are read from
PACKED: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".xz": lzma.decompress}
NO_SYSTEM = re.compile(r".*-with-")  # the kernel, which rounds nothing, before the system's libraries


@dataclass(frozen=True)
class Run:
    """A run's folder, its manifest (empty if it has none) and its configuration."""

    folder: Path
    manifest: dict[str, Any] = field(repr=False)
    config: dict[str, Any] = field(repr=False)

    def table(self, path: str, columns: tuple[str, ...] = ()) -> pd.DataFrame:
        """A table, kept as it is or compressed. ValueError in one line if it or one of the columns is missing."""
        content = _content(self.folder / path)
        if content is None:
            raise ValueError(f"{self.folder / path} is missing")
        try:
            table = pd.read_csv(io.BytesIO(content), dtype={"hidden_layers": str}, low_memory=False)
        except ValueError as error:
            raise ValueError(f"{self.folder / path}: {error}") from None
        missing = [column for column in columns if column not in table]
        if missing:
            raise ValueError(f"{self.folder / path} has no column {missing[0]}")
        return table

    @property
    def machine(self) -> dict[str, str]:
        """What decides how networks are rounded, where it is recorded: processor, system, device, versions."""
        about = self.manifest.get("machine", {})
        facts = {
            "processor": about.get("processor"),
            "system": NO_SYSTEM.sub("", about["platform"]) if "platform" in about else None,
            "instructions": " ".join(about.get("instructions", [])),
        }
        facts |= {name: " or ".join(values) for name, values in self.manifest.get("trained_on", {}).items()}
        return {name: value for name, value in facts.items() if value}

    def sources(self, path: str) -> dict[str, str]:
        """The code that made a file, directly or by the files that it was made from: path -> sha256."""
        listed, found, todo = self.manifest.get("artefacts", {}), set[str](), [path]
        while todo:
            name = todo.pop()
            if name in listed and name not in found:
                found.add(name)
                todo += listed[name]["inputs"]
        return {name: listed[name]["sha256"] for name in found if listed[name]["kind"] == "source"}

    def recipe(self, study: str, watched: bool = False) -> dict[str, Any] | None:
        """How a network of the study is trained; None if there is no such study. watched: and when it is looked at."""
        given = self.config.get("studies", {}).get(study)
        if given is None:
            return None
        left_out = [name for name in SIZES if not (watched and name in WATCHED)]
        shared = {name: self.config.get(name) for name in ("alpha", "dtype")}
        return shared | {name: value for name, value in given.items() if name not in left_out}


def read(folder: Path) -> Run:
    """ValueError in one line for a folder that holds no run."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    manifest, config = _json(folder / MANIFEST) or {}, _json(folder / "config.json")
    if config is None:
        raise ValueError(f"{folder / 'config.json'} is missing; only a finished run can be compared")
    return Run(folder, manifest, config)


def _content(path: Path) -> bytes | None:
    """A file's bytes, kept as they are or compressed; None if there is no such file."""
    for ending, unpack in PACKED.items():
        packed = path.with_name(f"{path.name}{ending}")
        if packed.is_file():
            try:
                return unpack(packed.read_bytes())
            except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise ValueError(f"{packed}: {error}") from None
    return None


def _json(path: Path) -> dict | None:
    content = _content(path)
    try:
        return None if content is None else json.loads(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
