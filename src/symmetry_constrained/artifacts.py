"""Files that appear whole or not at all, and the record of what made them."""

import errno
import fcntl
import glob
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # of the disk, whoever wrote


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; it takes the name when the block ends well, and is removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    temporary = Path(name)
    try:
        # Tells it from what a killed process left; not every file system has locks.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what killed processes left of their temporary files for `path`: nobody holds a lock on those."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{glob.escape(path.suffix)}"):
        with suppress(OSError), open(left, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """A table as CSV; floats in the shortest form that reads back equal."""
    with whole(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def write_json(value: Any, path: Path) -> None:
    with whole(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_text(text: str, path: Path) -> None:
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Arrays by name as a safetensors file."""
    from safetensors.numpy import save

    # Its own writer has errors of its own for a full disk.
    with whole(path) as temporary:
        temporary.write_bytes(save(arrays))


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
