"""A run that can't work ends with one plain message and nothing half-written that passes for done."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest
from helpers.scripts import refused
from helpers.tiny import BATCHES, TABLES, again, kill_group, leftovers, run, stable, start, tiny
from helpers.together import together
from helpers.users import IS_ROOT, MORTAL, works

ROOT = Path(__file__).parents[2]
ODD = "два $HOME 'día' — 🙂"
SPLIT = "results/tiny/splits/digits/clean/split-0/rows.csv"
NETWORKS, BOUND = TABLES
as_mortal = pytest.mark.skipif(IS_ROOT and not works(*MORTAL), reason="needs setpriv: permissions bind no root")
OFFLINE = ("unshare", "--net") if IS_ROOT else ("unshare", "--user", "--net")


def text(done: subprocess.CompletedProcess) -> str:
    return done.stdout + done.stderr


def succeeds(done: subprocess.CompletedProcess) -> None:
    assert done.returncode == 0, text(done)


def fails_plainly(done: subprocess.CompletedProcess, *says: str) -> None:
    """It failed, for the reason given, and nobody has to read Python."""
    assert done.returncode != 0, text(done)
    assert "Traceback" not in text(done), text(done)
    for part in says:
        assert part in text(done), text(done)


def test_where_a_run_fails_in_company_the_culprit_is_named():
    def attempt(*names):
        assert "b" not in names, "no"

    with pytest.raises(AssertionError, match="fails b: no"):
        together("abc", attempt)
    with pytest.raises(AssertionError, match="fails only in all at once"):
        together("abc", attempt, alone=lambda name: None)
    together("ac", attempt)


# Runs that can't work: each ends in one plain message, and the next run, in order again, in the same bytes.


def set_clock_back(folder: Path):
    """Everything that the run reads is of a day that is still to come: its outputs are older than their inputs."""
    times = {path: path.stat().st_mtime_ns for path in (folder / "src").rglob("*")}
    later = time.time_ns() + 10 * 365 * 86400 * 10**9
    for path in times:
        os.utime(path, ns=(later, later))
    yield ("older modification time", "clock")
    for path, before in times.items():
        os.utime(path, ns=(before, before))


def close(folder: Path, closed: str):
    folders = {path: path.stat().st_mode for path in (folder / closed, *(folder / closed).rglob("*")) if path.is_dir()}
    assert folders
    for path in folders:
        path.chmod(0o555)
    yield (f"Permission denied: the folder {closed}",)
    for path, mode in folders.items():
        path.chmod(mode)


# Trouble -> a generator that makes it, yields what the run must say, and takes it away.
TROUBLES = {
    "where tables may not be written": partial(close, closed="results/tiny/tables"),
    "where Snakemake's notes may not be written": partial(close, closed=".snakemake"),
    "with a clock in the past": set_clock_back,
}


NO_LETTERS = "in a locale without letters"
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_run_in_trouble_says_which_and_the_next_one_completes(finished_tiny, tmp_path):
    bound = not IS_ROOT or works(*MORTAL)  # by permissions

    def attempt(*names: str) -> None:
        folder = again(finished_tiny, Path(tempfile.mkdtemp(dir=tmp_path)) / "checkout", *TABLES)
        for name in [name for name in names if name in TROUBLES]:
            with contextlib.contextmanager(TROUBLES[name])(folder) as says:
                fails_plainly(run(folder, before=MORTAL if IS_ROOT and bound else ()), *says)
            assert not [name for name in TABLES if (folder / name).exists()], name
        succeeds(run(folder, **(ASCII if NO_LETTERS in names else {})))
        assert stable(folder) == stable(finished_tiny)
        assert leftovers(folder) == []

    together([*(name for name in TROUBLES if bound or "may not" not in name), NO_LETTERS], attempt)


@as_mortal
def test_a_fresh_folder_that_may_not_be_written(tmp_path):
    folder = tiny(tmp_path / "checkout")
    folder.chmod(0o555)
    done = run(folder, before=MORTAL if IS_ROOT else ())
    folder.chmod(0o755)
    fails_plainly(done, "Permission denied: the folder . may not be written to")
    assert not (folder / "results").exists()


# Space


@pytest.fixture
def disk(tmp_path):
    """A disk of so many kB, and a way to change it."""
    place = tmp_path / "disk"
    place.mkdir()

    def of(size, again=False):
        options = f"{'remount,' if again else ''}size={size}k"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
        return place

    yield of
    subprocess.run(["umount", "--lazy", place], capture_output=True)


def test_results_on_a_disk_that_is_full(finished_tiny, tmp_path, disk):
    folder = tiny(tmp_path / "checkout")
    (folder / "results").mkdir()
    # Room for the images, and for no split of them.
    (folder / "results/tiny").symlink_to(disk(260))
    done = run(folder, cores=1)
    fails_plainly(done)
    assert re.search(r"make_split\.py: \[Errno 28\] No space left on device: '\S*rows\.csv'", text(done)), text(done)
    whole = stable(finished_tiny)
    assert all(whole[name] == content for name, content in stable(folder).items() if name in whole)
    assert leftovers(folder) == []
    disk(50_000, again=True)
    succeeds(run(folder, SPLIT))
    assert (folder / SPLIT).read_bytes() == (finished_tiny / SPLIT).read_bytes()


@pytest.mark.parametrize("script", ["fetch_dataset", "train_batch", "gather_networks"])
def test_a_script_on_a_full_disk_ends_in_one_line_with_nothing_left(finished_tiny, disk, script):
    out = disk(8)
    results = finished_tiny / "results/tiny"
    data, split = results / "data/digits", results / "splits/digits/clean/split-0"
    spec = re.search(r'"spec": (\{.*?\n  \})', (finished_tiny / BATCHES[0] / "provenance.json").read_text(), re.S)[1]
    options = {
        "fetch_dataset": ["--dataset", "digits", "--out", out],
        "train_batch": ["--spec", spec, "--data", data, "--split", split, "--out", out],
        "gather_networks": [*[results / "splits/digits/clean/split-0/rows.csv"] * 2, "--out", out / "all.csv"],
    }[script]
    line = refused(out, script, *options, out=out)
    assert re.fullmatch(rf"\[Errno 28\] No space left on device: '{out}/\S+'", line)


def test_the_whole_folder_on_a_disk_that_is_full(finished_tiny, disk):
    """Snakemake's own notes do not fit either."""
    place = disk(50_000)
    folder = again(finished_tiny, place / "checkout", *TABLES)
    used = int(subprocess.run(["du", "-sk", place], capture_output=True, text=True, check=True).stdout.split()[0])
    disk(used + 200, again=True)
    done = run(folder, cores=1)
    fails_plainly(done, "No space left on device: less than 1 MB for Snakemake's notes in .snakemake")
    assert not [name for name in TABLES if (folder / name).exists()]
    disk(50_000, again=True)
    succeeds(run(folder))
    assert stable(folder) == stable(finished_tiny)
    assert leftovers(folder) == []


# Company


def test_two_runs_at_once(finished_tiny, tmp_path):
    """The second says so in one line and changes nothing; the first goes on, in a folder with a name of any letters."""
    folder = again(finished_tiny, tmp_path / ODD, *TABLES, BATCHES[0])
    first = start(folder, output=tmp_path / "said.txt")
    try:
        deadline = time.monotonic() + 120
        while "training batches" not in (tmp_path / "said.txt").read_text(encoding="utf-8"):
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.05)
        # Held still, so that it is there however long the second takes to begin.
        os.killpg(first.pid, signal.SIGSTOP)
        second = run(folder)
        os.killpg(first.pid, signal.SIGCONT)
        fails_plainly(second)
        lines = [line for line in second.stderr.splitlines() if "run" in line.split()]
        assert lines == ["Another run is writing to results/tiny/; wait for it to end, or stop it."]
        assert first.wait(timeout=120) == 0
    finally:
        if first.poll() is None:
            kill_group(first)
    assert stable(folder) == stable(finished_tiny)
    succeeds(run(folder))


# Network


@pytest.mark.skipif(not works(*OFFLINE), reason="needs the right to leave the network")
def test_without_a_network_the_digits_run_and_mnist_says_what_to_do(finished_tiny, tmp_path):
    folder = again(finished_tiny, tmp_path / "checkout", NETWORKS)
    mnist = "results/tiny/data/mnist/images.npy"
    done = run(folder, "--keep-going", mnist, NETWORKS, before=OFFLINE)
    fails_plainly(done, "mnist: no source gave train-images-idx3-ubyte", "and run the same command again")
    # Once as it happened, and once among the failures at the end.
    assert text(done).count("Put train-images-idx3-ubyte") <= 2
    assert not (folder / mnist).exists()
    assert stable(folder) == stable(finished_tiny)


@pytest.mark.skipif(not works(*OFFLINE), reason="needs the right to leave the network")
@pytest.mark.skipif(not (ROOT / "data/mnist").is_dir(), reason="MNIST is not in data/mnist")
def test_without_a_network_mnist_is_read_from_its_files(finished_tiny, tmp_path):
    folder = again(finished_tiny, tmp_path / "checkout")
    shutil.copytree(ROOT / "data/mnist", folder / "data/mnist")
    target = "results/tiny/data/mnist/images.npy"
    succeeds(run(folder, target, before=OFFLINE))
    assert (folder / target).stat().st_size > 54_000_000
