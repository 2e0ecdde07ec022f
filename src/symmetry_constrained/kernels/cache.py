"""A folder of the user's own for what is built once: nothing that another user can have written is taken from it."""

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 100  # seconds for another process that builds the same
MEMORY = 3600  # seconds that a failure is remembered: for the jobs of a run
SHARED = stat.S_IWGRP | stat.S_IWOTH


class RememberedError(RuntimeError):
    """What took too long a while ago is not tried again."""


def folder() -> Path:
    """The project's folder among the user's caches, made if need be, as a path without links.

    OSError if it can't be made, or if another user could put something into it; RuntimeError without a home.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    path = base / "symmetry-constrained"
    for part in reversed([path, *path.parents]):
        if not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)
    path = path.resolve(strict=True)
    for part in [path, *path.parents]:
        about = part.stat()
        # In a folder as /tmp nobody can replace what is another's.
        sticky = part != path and about.st_mode & stat.S_ISVTX
        if about.st_uid not in (0, os.geteuid()) or (about.st_mode & SHARED and not sticky):
            raise PermissionError(f"other users may write to {part}")
    return path


def sealed(path: Path) -> bool:
    """Whether a file is what was kept under its name: the user's own, and with the hash that is beside it."""
    try:
        return _own(_seal(path)) == _digest(path.name, _own(path)).encode()
    except OSError:
        return False


def keep(content: bytes, path: Path) -> None:
    """Put a file and its hash into the folder, each whole; OSError if they don't fit."""
    for target, part in ((path, content), (_seal(path), _digest(path.name, content).encode())):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="tmp")
        try:
            with open(handle, "wb") as file:
                file.write(part)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that builds in this folder; where there are no locks, or for too long, go on without."""
    handle = os.open(path, os.O_RDONLY)
    try:
        until = time.monotonic() + PATIENCE
        with suppress(OSError):
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        break
                    time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def remember(path: Path, reason: str) -> None:
    """Note a failure that takes long, so that the other processes of a run don't wait for it as well."""
    with suppress(OSError):
        keep(reason.encode(), path)


def check_forgotten(path: Path) -> None:
    """RememberedError in one line if a failure was noted there within the last hour."""
    if sealed(path) and abs(time.time() - path.stat().st_mtime) < MEMORY:
        raise RememberedError(f"{path.read_text(encoding='utf-8')} a while ago; to try again, remove {path}")


def _seal(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(name: str, content: bytes) -> str:
    """Of a file's name and content: a good file under another's name is not what was kept there."""
    return hashlib.sha256(name.encode() + b"\0" + content).hexdigest()


def _own(path: Path) -> bytes:
    """The content of a regular file that nobody else can write; PermissionError for any other."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid not in (0, os.geteuid()) or about.st_mode & SHARED:
            raise PermissionError(f"other users may write to {path}")
        return file.read()
