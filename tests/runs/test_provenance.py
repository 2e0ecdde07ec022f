"""What a step records of itself."""

import hashlib
import json
import platform
import shutil
import subprocess
from importlib import metadata

import pytest

from symmetry_constrained.runs import provenance

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(folder, *arguments):
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    run = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def repository(folder):
    """A repository of one file; returns its commit."""
    git(folder, "init", "--quiet")
    (folder / "file").write_text("1")
    git(folder, "add", "file")
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The project as if it lay in an empty folder, with no checkout around it."""
    project = tmp_path / "around/project"
    library = project / "src/symmetry_constrained/runs"
    library.mkdir(parents=True)
    monkeypatch.setattr(provenance, "__file__", str(library / "provenance.py"))
    return project


def test_the_commit_is_unknown_outside_a_checkout(elsewhere):
    assert provenance.commit() == "unknown"


def test_the_commit_is_unknown_without_git(elsewhere, monkeypatch):
    monkeypatch.setenv("PATH", str(elsewhere))
    assert provenance.commit() == "unknown"


@needs_git
def test_the_commit_is_the_checkouts_and_says_when_files_differ(elsewhere):
    head = repository(elsewhere)
    assert len(head) == 40
    assert provenance.commit() == head
    (elsewhere / "file").write_text("2")
    assert provenance.commit() == f"{head}+changes"


@needs_git
def test_the_commit_of_a_repository_around_the_project_is_not_the_projects(elsewhere):
    """As of an archive unpacked there, ignored or not."""
    repository(elsewhere.parent)
    assert provenance.commit() == "unknown"
    (elsewhere.parent / ".gitignore").write_text("project")
    assert provenance.commit() == "unknown"
    head = repository(elsewhere)
    assert provenance.commit().startswith(head)


@needs_git
def test_what_the_callers_git_is_told_of_another_repository_changes_nothing(elsewhere, tmp_path, monkeypatch):
    repository(elsewhere.parent)
    monkeypatch.setenv("GIT_DIR", str(elsewhere.parent / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere))
    assert provenance.commit() == "unknown"


@needs_git
def test_the_commit_is_that_of_a_linked_worktree_and_of_a_link_to_the_project(elsewhere, tmp_path, monkeypatch):
    main = tmp_path / "main"
    main.mkdir()
    head = repository(main)
    shutil.rmtree(elsewhere)
    git(main, "worktree", "add", "--quiet", "--detach", str(elsewhere))
    (elsewhere / "src/symmetry_constrained/runs").mkdir(parents=True)
    assert provenance.commit() == head
    (tmp_path / "link").symlink_to(elsewhere)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "link/src/symmetry_constrained/runs/provenance.py"))
    assert provenance.commit() == head


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
