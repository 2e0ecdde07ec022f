"""What a step records of itself."""

import hashlib
import json
import platform
import shutil
import subprocess
from importlib import metadata

import pytest

from symmetry_constrained.runs import provenance


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The library as if it lay in an empty folder, with no checkout around it."""
    folder = tmp_path / "library"
    folder.mkdir()
    monkeypatch.setattr(provenance, "__file__", str(folder / "provenance.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_the_commit_is_unknown_outside_a_checkout(elsewhere):
    assert provenance.commit() == "unknown"


def test_the_commit_is_unknown_without_git(elsewhere, monkeypatch):
    monkeypatch.setenv("PATH", str(elsewhere))
    assert provenance.commit() == "unknown"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_the_checkouts_and_says_when_files_differ(elsewhere):
    def git(*arguments):
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
        run = subprocess.run(["git", *identity, *arguments], cwd=elsewhere, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    git("init", "--quiet")
    (elsewhere / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "--message", "first")
    head = git("rev-parse", "HEAD")
    assert len(head) == 40
    assert provenance.commit() == head
    (elsewhere / "file").write_text("2")
    assert provenance.commit() == f"{head}+changes"


def test_provenance_says_what_was_done_to_which_bytes_with_which_software(tmp_path, monkeypatch):
    import torch

    first, second = tmp_path / "a.npy", tmp_path / "b.csv"
    first.write_bytes(b"abc")
    second.write_bytes(b"")
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    record = provenance.provenance({"split": 3}, [first, second], "cpu", "c++ 12")
    assert list(record) == [
        "spec",
        "inputs",
        "commit",
        "python",
        "packages",
        "compiler",
        "platform",
        "device",
        "device_name",
        "threads",
    ]
    assert record["spec"] == {"split": 3}
    assert record["inputs"] == {
        first.as_posix(): hashlib.sha256(b"abc").hexdigest(),
        second.as_posix(): hashlib.sha256(b"").hexdigest(),
    }
    assert record["packages"] == {"numpy": metadata.version("numpy"), "no-such-package": None}
    assert record["python"] == platform.python_version()
    assert (record["device"], record["device_name"]) == ("cpu", platform.machine())
    assert record["threads"] == torch.get_num_threads()
    json.dumps(record)
