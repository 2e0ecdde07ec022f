"""Files read as a run writes them, and nothing else: what two readers could read in two ways is refused.

So is whatever takes long or much memory to read, since whoever wrote a folder may have meant it to.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from symmetry_constrained.audit.checks import UnreadableError

MOST = 2**30  # bytes of a file
COUNT = 10**7  # of anything in a configuration
COUNTS = {"splits": 42_948, "seeds": 100_000}  # of which each must have its own initial weights


def json_of(text: str) -> Any:
    """JSON without a name twice in one object and without numbers that are not finite; else ValueError."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(found)
        if len(names) != len(found):
            twice = next(name for place, (name, _) in enumerate(found) if name in dict(found[:place]))
            raise ValueError(f"has {twice!r} twice")
        return names

    def number(text: str) -> float:
        if not math.isfinite(value := float(text)):
            raise ValueError(f"holds {text[:20]}, which is no finite number")
        return value

    return json.loads(text, object_pairs_hook=pairs, parse_float=number, parse_constant=number)


def yaml_of(text: str) -> Any:
    """YAML without aliases, by which a few lines can become more than memory holds; else ValueError."""
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
        raise ValueError("holds an alias")
    return yaml.safe_load(text)


def array_of(path: Path) -> np.ndarray:
    """One array of numbers, in just the bytes that it needs; else ValueError."""
    with open(path, "rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("is no array of version 1.0")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject:
            raise ValueError("holds objects, not numbers")
        expected = file.tell() + math.prod(shape) * dtype.itemsize
    if path.stat().st_size != expected:
        raise ValueError(f"has {path.stat().st_size:,} bytes, and an array of the shape {shape} needs {expected:,}")
    return np.load(path, allow_pickle=False)


def table_of(path: Path, dtype: Mapping[str, type]) -> pd.DataFrame:
    """A CSV file in UTF-8, its lines ended by newlines alone, with each column once; else ValueError."""
    content = path.read_bytes()
    for mark, name in ((b"\xef\xbb\xbf", "a byte order mark"), (b"\r", "a carriage return"), (b"\0", "a zero byte")):
        if mark in content:
            raise ValueError(f"holds {name}")
    table = pd.read_csv(path, dtype=dtype, low_memory=False, encoding="utf-8")
    header = content.partition(b"\n")[0].decode().split(",")
    if len(set(header)) != len(header):
        raise ValueError("has a column twice")
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError("has more cells in a line than columns")
    return table


def check_counts(path: str, value: Any, limit: int = COUNT) -> None:
    """UnreadableError for a configuration with a number so large that nobody could count to it."""
    if isinstance(value, dict):
        for name, one in value.items():
            check_counts(path, one, COUNTS.get(name, limit))
    elif isinstance(value, list):
        for one in value:
            check_counts(path, one, limit)
    elif isinstance(value, int) and limit != COUNT and value < 0:
        raise UnreadableError(path, f"holds {value} where something is counted")
    elif isinstance(value, int) and abs(value) > limit:
        raise UnreadableError(path, f"holds a number of {len(str(abs(value)))} digits, beyond {limit:,}")
