"""What is refused before anything is written: folders, space, and a second run on the same results."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from symmetry_constrained.runs import locks


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_second_run_on_the_same_results_is_refused_until_the_first_ends():
    held = locks.hold("results/a b")
    with pytest.raises(ValueError, match=r"^Another run is writing to results/a b/; wait for it to end, or stop it\.$"):
        locks.hold("results/a b")
    locks.hold("results/other").close()
    held.close()
    locks.hold("results/a b").close()


def test_a_killed_run_leaves_no_lock():
    code = f"import sys, os; sys.path[:0] = {sys.path!r}; from symmetry_constrained.runs import locks;"
    code += " held = locks.hold('results'); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert Path(".snakemake/running/results").exists()
    locks.hold("results").close()


def test_a_folder_that_may_not_be_written_to_is_named(monkeypatch):
    Path("results/tables").mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != "results/tables")
    told = "^Permission denied: the folder results/tables may not be written to$"
    with pytest.raises(ValueError, match=told):
        locks.hold("results")
    assert not Path(".snakemake").exists()


def test_a_disk_without_room_for_snakemakes_notes(monkeypatch):
    locks.check_folder()
    monkeypatch.setattr(locks.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20 - 1))
    with pytest.raises(ValueError, match=r"^No space left on device: less than 1 MB for Snakemake's notes in \.$"):
        locks.check_folder()
