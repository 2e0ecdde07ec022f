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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.idx import idx

from symmetry_constrained.data import datasets, download
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.download import File, Mirror, Package, fetch

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
        if fault != "lengthless":
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
    """What was said while the files were fetched."""
    said = []
    slow = any(fault in str(source) for source in sources for fault in ("silent", "stalls", "drips"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download, "TIMEOUT", PATIENCE if slow else 10)
        fetch("small", files, list(sources), folder, said.append, **options)
    return said


def refused(folder, *sources, files=FILES, error=OSError):
    with pytest.raises(error) as caught:
        get(folder, *sources, files=files)
    return str(caught.value)


def held(folder):
    """The folder's files: name -> bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def begun(folder, content, name=IMAGES):
    """A part that an earlier download left."""
    folder.mkdir(parents=True)
    (folder / f"{name}.gz.part").write_bytes(content)


@pytest.mark.parametrize("kind", ["good", "raw", "rangeless", "lengthless"])
def test_files_are_fetched_unpacked_verified_and_nothing_else_is_left(server, folder, kind):
    get(folder, server.mirror(kind))
    assert held(folder) == CONTENTS
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
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_source_is_given_up_for_the_next_and_leaves_nothing(server, folder, fault):
    said = get(folder, server.mirror(fault), server.mirror("good"), files=ONE)
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}
    (line,) = [line for line in said if line.startswith(f"small: {server.mirror(fault)}: ")]
    assert re.search(FAULTS[fault], line)


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
    assert lines[1] == f"  {folder}: no {names}, as it is or as .gz"
    assert lines[2] == f"  {nobody}: Connection refused"
    assert lines[3] == f"  {sources[1]}: HTTP 404 Not Found"
    assert lines[4].startswith(f"  {sources[2]}: {IMAGES}: ")
    assert lines[5] == f"  {sources[3]}: nothing came for {PATIENCE} s"
    assert lines[6] == f"Put {names} (as they are, or as .gz) into {folder} and run the same command again."
    assert len(lines) == 7
    assert held(folder) == {}
    # A server that doesn't answer is not asked four times.
    assert len([path for path, *_ in server.log if path.startswith("/silent/")]) == 1


def test_what_one_source_lacks_another_gives(server, folder):
    del server.files["t10k-labels-idx1-ubyte.gz"]
    lacking = server.mirror("good")
    message = refused(folder, lacking)
    assert f"  {lacking}: HTTP 404 Not Found" in message
    assert message.splitlines()[-1].startswith("Put t10k-labels-idx1-ubyte (as")
    assert held(folder) == {name: content for name, content in CONTENTS.items() if name != "t10k-labels-idx1-ubyte"}
    server.log.clear()
    server.files["t10k-labels-idx1-ubyte.gz"] = PACKED["t10k-labels-idx1-ubyte"]
    get(folder, server.mirror("missing"), server.mirror("good"))
    assert held(folder) == CONTENTS
    assert len(server.log) == 2


def test_a_full_disk_is_not_blamed_on_the_sources(server, folder, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_verify", full)
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


def test_where_only_the_md5_of_the_gz_is_known_it_decides(server, folder):
    right, wrong = hashlib.md5(PACKED[IMAGES]).hexdigest(), hashlib.md5(b"other").hexdigest()
    message = refused(folder, server.mirror("good"), files=[File(IMAGES, packed_md5=wrong)])
    assert f"md5 of the .gz is {right}, expected {wrong}" in message
    assert held(folder) == {}
    get(folder, server.mirror("good"), files=[File(IMAGES, packed_md5=right)])
    assert held(folder) == {IMAGES: CONTENTS[IMAGES]}


# The Python package index.

PACKAGE = Package("small-dir", "0.2.0")
WHEEL = "Small_dir-0.2.0-py3-none-any.whl"


def wheel(files=CONTENTS):
    """Files as the real wheel holds them: dotted, in a folder of folders, beside what a Mac adds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            dotted = name.replace("-idx", ".idx")
            archive.writestr(f"__MACOSX/{WHEEL}/._{dotted}", b"nothing")
            archive.writestr(f"{WHEEL}/Small_dir/{dotted}", content)
    return buffer.getvalue()


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
    assert held(folder) == CONTENTS
    assert server.log[-2][0] == "/good/simple/small-dir/"


def test_a_wheel_is_resumed_too(server, folder, index):
    content = wheel()
    index(content, "breaks-200000")
    get(folder, PACKAGE)
    assert held(folder) == CONTENTS
    path, asked, _ = server.log[-1]
    assert path == f"/breaks-200000/{WHEEL}"
    # All but the last, unfinished block of what came before.
    assert 200_000 - download.BLOCK <= int(asked.removeprefix("bytes=").removesuffix("-")) <= 200_000
    assert server.sent("breaks") <= len(content) + download.BLOCK


@pytest.mark.parametrize(
    ("content", "fault", "filename", "reason"),
    [
        (wheel(), "missing", WHEEL, "HTTP 404 Not Found"),
        (wheel(), "cut", WHEEL, "damaged: File is not a zip file"),
        (b"<html>Please log in</html>", "good", WHEEL, "damaged: File is not a zip file"),
        (wheel(), "good", WHEEL.replace("0.2.0", "0.1.0"), "there is no such wheel"),
        (wheel({IMAGES: CONTENTS[IMAGES]}), "good", WHEEL, "the wheel holds no train-labels-idx1-ubyte"),
        (wheel({IMAGES: b"other"}), "good", WHEEL, "5 bytes, expected 256,016"),
    ],
)
def test_a_bad_wheel_is_one_of_the_reasons(server, folder, index, content, fault, filename, reason):
    index(content, fault, filename)
    lines = refused(folder, PACKAGE).splitlines()
    assert lines[-2] == f"  the Python package index (small-dir 0.2.0): {reason}"
    assert set(held(folder)) <= {IMAGES}


def test_an_index_without_the_package_or_without_its_client_is_one_of_the_reasons(server, folder, index, monkeypatch):
    line = refused(folder, PACKAGE).splitlines()[-2]
    assert re.fullmatch(r"  the Python package index \(small-dir 0\.2\.0\): .*small-dir.*", line)
    monkeypatch.setitem(sys.modules, "pypi_simple", None)
    line = refused(folder, PACKAGE).splitlines()[-2]
    assert line.endswith(": the module pypi_simple is not installed")


# The lists of files and sources, and the script.


def test_mnists_list_names_four_files_of_its_shape_and_the_sources_in_order():
    import torchvision

    path = ROOT / "workflow/resources/mnist.yaml"
    files, sources = download.read_list(path)
    sizes = {
        f"{part}-{kind}": size
        for part, count in zip(("train", "t10k"), datasets.COUNTS["mnist"], strict=True)
        for kind, size in (("images-idx3-ubyte", 16 + count * 28 * 28), ("labels-idx1-ubyte", 8 + count))
    }
    assert {file.name: file.size for file in files} == sizes
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in files)
    *mirrors, bucket, package = sources
    assert [mirror.url for mirror in mirrors] == torchvision.datasets.MNIST.mirrors
    assert (bucket, package) == (
        Mirror(yaml.safe_load(path.read_text())["sources"][1]["mirror"]),
        Package("mnist-dir", "0.2.0"),
    )


@pytest.mark.parametrize("name", ["fashion-mnist", "kmnist"])
def test_the_other_sets_files_and_mirrors_are_torchvisions(name):
    files, sources = download.of_torchvision(datasets.TORCHVISION[name])
    assert [file.name for file in files] == list(CONTENTS)
    assert all(re.fullmatch("[0-9a-f]{32}", file.packed_md5) for file in files)
    assert sources
    assert all(source.url.endswith("/") for source in sources)


@pytest.mark.parametrize(
    "text", ["", "files: [a]\nsources: []", "files: {}", "files: {}\nsources: [{url: x}]", "files: {a: {}}", "{"]
)
def test_a_list_that_cannot_be_used_is_refused_by_name(tmp_path, text):
    path = tmp_path / "list.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(f"{path}: no list of files and sources: ")):
        download.read_list(path)


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Call fetch_dataset.py in this process: what it exits with. The sets are small, and nothing may connect."""
    monkeypatch.setattr(datasets, "COUNTS", dict.fromkeys(datasets.TORCHVISION, (30, 20)))
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
    assert Dataset.read(tmp_path / "out").digest() == datasets.DIGEST["digits"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("name", "kind"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_set_of_torchvisions_works_from_files_dropped_in(script, tmp_path, monkeypatch, name, kind, end):
    files = contents(28, 30, 20)
    (tmp_path / f"data/{kind}/raw").mkdir(parents=True)
    known = []
    for file, content in files.items():
        packed = gzip.compress(content)
        (tmp_path / f"data/{kind}/raw/{file}{end}").write_bytes(packed if end else content)
        known.append(File(file, packed_md5=hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(download, "of_torchvision", lambda asked: (known, []) if asked == kind else None)
    assert script("--dataset", name) is None
    written = Dataset.read(tmp_path / "out")
    assert (written.images.dtype, written.labels.dtype) == (np.uint8, np.uint8)
    assert written.images.tobytes() == files[IMAGES][16:] + files["t10k-images-idx3-ubyte"][16:]
    assert written.labels.tobytes() == files["train-labels-idx1-ubyte"][8:] + files["t10k-labels-idx1-ubyte"][8:]
    assert written.shape == datasets.SHAPES[name]


def test_mnists_own_list_is_the_default_and_refuses_other_files(script, tmp_path):
    (tmp_path / "data/mnist").mkdir(parents=True)
    for file, content in contents(28, 30, 20).items():
        (tmp_path / "data/mnist" / file).write_bytes(content)
    line = script("--dataset", "mnist")
    assert line.startswith(f"fetch_dataset.py: {tmp_path}/data/mnist/{IMAGES}: ")
    assert len(line.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_person_is_told_in_plain_lines_what_was_tried(script, tmp_path):
    nothing = tmp_path / "list.yaml"
    digest = "0" * 64
    nothing.write_text(f"files: {{a-idx1-ubyte: {{bytes: 1, sha256: '{digest}'}}}}\nsources: []\n")
    lines = script("--dataset", "mnist", "--sources", nothing).splitlines()
    assert lines[0] == "fetch_dataset.py: mnist: no source gave a-idx1-ubyte. Tried:"
    assert lines[-1].startswith(f"Put a-idx1-ubyte (as they are, or as .gz) into {tmp_path}/data/mnist and run")
    assert not (tmp_path / "out").exists()
