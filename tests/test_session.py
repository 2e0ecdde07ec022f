"""The suite has to itself what it depends on, and its parallel workers share what takes long to make."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import pytest
from helpers.session import made_once

ROOT = Path(__file__).parents[1]
# Tests that would fail, or be skipped, by what is left over below.
TOUCHY = (
    "tests/optim/test_lbfgs.py::test_lanes_do_not_couple",
    "tests/figures/test_style.py",
    "tests/workflow/test_workflow.py::test_what_each_rules_output_goes_into",
)


def test_settings_and_leftovers_of_others_change_nothing(tmp_path):
    """As after a run by another user, in the home as in the shared folder for temporary files."""
    for folder in ("home", "tmp"):
        (tmp_path / folder).mkdir()
        # In the way of every cache, for root as well.
        (tmp_path / folder / ".cache").write_text("")
    settings = tmp_path / "matplotlibrc"
    settings.write_text("lines.linewidth: 17\nsvg.hashsalt: mine\n")
    hostile = {
        "HOME": tmp_path / "home",
        "TMPDIR": tmp_path / "tmp",
        "XDG_CACHE_HOME": tmp_path / "home/.cache",
        "MPLBACKEND": "no such backend",
        "MATPLOTLIBRC": settings,
        "SNAKEMAKE_PROFILE": "nowhere",
        "SYMMETRY_CONSTRAINED_EAGER": "1",
        "LC_ALL": "C",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TOUCHY]
    values = inherited | {name: str(value) for name, value in hostile.items()}
    done = subprocess.run(command, cwd=ROOT, env=values, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout and "skipped" not in done.stdout


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """As a worker's: its own folder lies in the session's."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    (tmp_path / "popen-gw0").mkdir()
    return SimpleNamespace(getbasetemp=lambda: tmp_path / "popen-gw0")


def test_what_several_workers_ask_for_is_made_once(factory, tmp_path):
    made = []

    def run(folder: Path) -> CompletedProcess:
        made.append(folder)
        folder.mkdir()
        time.sleep(0.05)  # for the others to come meanwhile
        (folder / "done").touch()
        return CompletedProcess([], 0)

    def ask(_) -> bool:
        return (made_once(factory, "run", run) / "done").exists()

    with ThreadPoolExecutor(4) as workers:
        assert all(workers.map(ask, range(4)))
    assert made == [tmp_path / "run"]


def test_what_could_not_be_made_is_not_tried_again_by_the_others(factory):
    def run(folder: Path) -> CompletedProcess:
        folder.mkdir()
        return CompletedProcess([], 1, "", "no compiler")

    with pytest.raises(AssertionError, match="no compiler"):
        made_once(factory, "run", run)
    with pytest.raises(AssertionError, match="another worker has the reason"):
        made_once(factory, "run", run)
