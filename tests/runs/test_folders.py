"""Where results and downloads may be: one rule for both paths, and never in what the project is made of."""

import os
import subprocess
from pathlib import Path

import pytest

from symmetry_constrained.runs import folders

ROOT = Path(__file__).parents[2]
ODD = [
    "-x",
    "--help",
    "a\nb",
    "a\0b",
    "a{b}",
    "{wildcards}",
    "}",
    "",
    " ",
    "\t",
    "a\u2028b",
    "\udcff",
    "~nobody-here/x",
]
META = [
    "$(id)",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    "a>b",
    "'",
    '"',
    "*",
    "?",
    "[a]",
    "!",
    "#",
    "a,b",
    "a=b",
    "\\",
    "a:b",
    "$HOME",
]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """The current folder, with a file and a link to its sources, beside the user's home."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "file").write_text("")
    (folder / "link").symlink_to("src")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("results", "results"),
        ("results/", "results"),
        ("./results//a/./b/", "results/a/b"),
        ("results/../out", "out"),
        ("a b/c-d_e.f+g", "a b/c-d_e.f+g"),
        ("результаты", "результаты"),
        ("resultsreference", "resultsreference"),
        ("results/references", "results/references"),
        ("source", "source"),
    ],
)
@pytest.mark.parametrize("key", ["results", "data"])
def test_a_folder_in_the_project_is_normalised(key, text, path):
    assert folders.placed(key, text) == path


def test_an_absolute_path_into_the_project_is_as_seen_from_it(project):
    assert folders.placed("results", str(project / "out/../here")) == "here"
    assert folders.placed("data", str(project / "here")) == "here"


def test_downloads_may_be_anywhere_else(tmp_path):
    assert folders.placed("data", "~/mnist") == str(tmp_path / "home/mnist")
    assert folders.placed("data", "~") == str(tmp_path / "home")
    assert folders.placed("data", "../data/") == "../data"
    assert folders.placed("data", "/some where/it's $(here); really") == "/some where/it's $(here); really"


def test_a_parent_that_may_not_be_read_is_no_traceback(tmp_path, monkeypatch):
    real = os.stat

    def stat(path, *arguments, **options):
        if str(path).startswith(str(tmp_path / "private")):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)
    assert folders.placed("data", str(tmp_path / "private/mnist")) == str(tmp_path / "private/mnist")


@pytest.mark.parametrize("text", ["/elsewhere", "..", "../x", "~/x", "a/../../x", "a/-x", "a/ x", "a /x", "x ", " x"])
def test_results_elsewhere_or_of_odd_parts_are_refused(text):
    with pytest.raises(ValueError, match=r"^a folder inside the project, "):
        folders.placed("results", text)


@pytest.mark.parametrize("text", META)
def test_results_of_characters_that_mean_something_are_refused(text):
    with pytest.raises(ValueError, match=r"^a folder inside the project, "):
        folders.placed("results", f"results/{text}")


@pytest.mark.parametrize("key", ["results", "data"])
@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_refused(key, text):
    with pytest.raises(ValueError, match=r"^a folder "):
        folders.placed(key, text)


OWN = [
    "src",
    "src/x",
    "./src",
    "a/../src/x",
    "link",
    "link/x",
    ".",
    "",
    "config",
    "workflow/rules",
    ".git",
    ".snakemake/x",
]
OWN += ["results/reference", "results/reference/x", "results/./reference", "file", "file/x", "Snakefile"]


@pytest.mark.parametrize("key", ["results", "data"])
@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("text", OWN)
def test_what_the_project_is_made_of_is_refused(project, key, absolute, text):
    with pytest.raises(ValueError, match=r"^a folder "):
        folders.placed(key, f"{project}/{text}" if absolute else text)


def test_all_that_the_project_is_made_of_is_known():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no checkout")
    tracked = done.stdout.splitlines()
    assert {name.split("/")[0] for name in tracked} - {"results"} <= folders.OWN
    assert all(name.startswith(f"{folders.REFERENCE}/") for name in tracked if name.startswith("results/"))


@pytest.mark.parametrize("data", ["results", "results/x", "link/../results/x"])
def test_downloads_among_results_are_refused(data):
    with pytest.raises(ValueError, match=r"^a folder for downloaded files, "):
        folders.check_apart("results", folders.placed("data", data))
    folders.check_apart("results/one", "results/two")


def test_names_too_long_for_a_file_are_refused():
    for text in ("x" * 201, "é" * 101, f"results/{'x' * 201}"):
        with pytest.raises(ValueError, match=r"^a folder "):
            folders.placed("results", text)
    assert folders.placed("data", "x" * 200) == "x" * 200
