"""A run in poor circumstances works, or ends with one plain message and nothing half-written that passes for done."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.runs import environment
from helpers.tiny import BATCHES, TABLES, again, kill_group, leftovers, run, stable, start, tiny

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
NETWORKS, BOUND = TABLES
# A user who may read what root's interpreter is made of, and write nothing but his own.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search")
NOBODY += ("--ambient-caps=+dac_read_search",)
# Root is no more than the owner of his files.
MORTAL = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")


def works(*command: str) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run([*command, "true"], capture_output=True).returncode == 0


as_nobody = pytest.mark.skipif(not (IS_ROOT and works(*NOBODY)), reason="needs root and setpriv, to be someone else")
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


@pytest.fixture
def almost(finished_tiny, tmp_path):
    """A finished run but for one table."""
    return again(finished_tiny, tmp_path / "checkout", NETWORKS)


# Place


def test_in_a_folder_with_spaces_and_other_alphabets(finished_tiny, tmp_path):
    folder = again(finished_tiny, tmp_path / "два $HOME 'día' — 🙂", *TABLES, BATCHES[1])
    succeeds(run(folder))
    assert stable(folder) == stable(finished_tiny)


def test_in_a_locale_without_letters(almost, finished_tiny):
    succeeds(run(almost, LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"))
    assert stable(almost) == stable(finished_tiny)


def test_from_another_working_directory(almost, finished_tiny, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", almost, "--snakefile"]
    command += [almost / "Snakefile", *TABLES]
    succeeds(subprocess.run(command, cwd=elsewhere, env=environment(), capture_output=True, text=True))
    assert stable(almost) == stable(finished_tiny)
    assert os.listdir(elsewhere) == []


def test_a_snakefile_started_where_it_does_not_lie_says_so(almost, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile", almost / "Snakefile", *TABLES]
    done = subprocess.run(command, cwd=elsewhere, env=environment(), capture_output=True, text=True)
    fails_plainly(done)
    assert not (elsewhere / "results").exists()


# Time


def test_with_a_clock_in_the_past(finished_tiny, tmp_path):
    """Everything that the run reads is of a day that is still to come: its outputs are older than their inputs."""
    folder = again(finished_tiny, tmp_path / "checkout", *TABLES)
    times = {path: path.stat().st_mtime_ns for path in (folder / "src").rglob("*")}
    later = time.time_ns() + 10 * 365 * 86400 * 10**9
    for path in times:
        os.utime(path, ns=(later, later))
    fails_plainly(run(folder), "older modification time", "clock")
    assert not [name for name in TABLES if (folder / name).exists()]
    for path, before in times.items():
        os.utime(path, ns=(before, before))
    succeeds(run(folder))
    assert stable(folder) == stable(finished_tiny)


# Permissions


@as_nobody
def test_as_another_user_without_a_home(finished_tiny, tmp_path):
    folder = again(finished_tiny, tmp_path / "checkout", *TABLES, BATCHES[0])
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    succeeds(run(folder, before=NOBODY, HOME=None, USER=None, LOGNAME=None, XDG_CACHE_HOME=None))
    assert stable(folder) == stable(finished_tiny)
    assert (folder / NETWORKS).stat().st_uid == 65534


def test_without_a_home(almost, finished_tiny):
    succeeds(run(almost, HOME=None, XDG_CACHE_HOME=None))
    assert stable(almost) == stable(finished_tiny)


@as_mortal
@pytest.mark.parametrize("closed", ["results/tiny/tables", ".snakemake"])
def test_a_folder_that_may_not_be_written(almost, finished_tiny, closed):
    folders = {path: path.stat().st_mode for path in (almost / closed, *(almost / closed).rglob("*")) if path.is_dir()}
    for path in folders:
        path.chmod(0o555)
    done = run(almost, before=MORTAL if IS_ROOT else ())
    for path, mode in folders.items():
        path.chmod(mode)
    fails_plainly(done, f"Permission denied: the folder {closed}")
    assert not (almost / NETWORKS).exists()
    succeeds(run(almost))
    assert stable(almost) == stable(finished_tiny)


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
    succeeds(run(folder))
    assert stable(folder) == whole


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
    command = [sys.executable, ROOT / f"scripts/{script}.py", *options]
    done = subprocess.run(command, env=environment(PYTHONPATH=str(ROOT / "src")), capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(rf"{script}\.py: \[Errno 28\] No space left on device: '{out}/\S+'\n", done.stderr), done.stderr
    assert os.listdir(out) == []


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
    """The second is told so in one line and changes nothing; the first goes on."""
    folder = again(finished_tiny, tmp_path / "checkout", *TABLES, BATCHES[0])
    first = start(folder, output=tmp_path / "said.txt")
    try:
        deadline = time.monotonic() + 60
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
    fails_plainly(done, "mnist: no source gave train-images-idx3-ubyte", "and run the same command again.")
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
