"""What another configuration left among the results is named, with what removes it, and fails nothing."""

import re
import shlex
import shutil
import subprocess

import pytest
from helpers.runs import lose

from symmetry_constrained import audit
from symmetry_constrained.audit import leftovers, notes
from symmetry_constrained.audit.results import Results

CELL = "digits-clean/absolute/original/10-5/split-0"
# What a study of one more feature map, another dataset and other splits would leave.
LEFT = {
    f"batches/{CELL}/networks.csv": "tables",
    f"batches/{CELL}/provenance.json": "{}",
    f"batches/{CELL}/weights.safetensors": "",
    "benchmarks/train_batch/digits-clean-absolute-original-10-5-0.tsv": "",
    "logs/train_batch/digits-clean-absolute-original-10-5-0.log": "",
    "data/mnist/images.npy": "",
    "splits/digits/clean/split-7/rows.csv": "",
    "reruns/talk-1/reruns.csv": "",
    "theory/emulated_bias/mnist.csv": "",
    "theory/invariants/split-7/invariants.csv": "",
    "tables/talk.md": "",
    "figures/talk.svg": "no picture",
    "figures/gaps-mnist.csv": "x,y\n",
}


@pytest.fixture
def left(finished, tmp_path):
    """The results of a finished run with leftovers in it."""
    folder = shutil.copytree(finished / "results/small", tmp_path / "a 'run'", symlinks=True)
    for path, text in LEFT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_leftovers_fail_nothing_and_are_named_with_what_removes_them(left, finished):
    assert leftovers.of(Results(left)) == sorted(LEFT)
    checks = audit.run(Results(left), ["files", "provenance", "figures"])
    assert [check for check in checks if not check.ok] == []
    (line,) = leftovers.told(Results(left))
    assert line in notes.told(Results(left))
    words, _, command = line.partition(": rm ")
    assert words == f"left by another configuration, and part of no table: {len(LEFT)} files; to remove them"
    assert f"{left}/batches/digits-clean/absolute" in shlex.split(command)
    subprocess.run(shlex.split(f"rm {command}"), check=True)
    assert leftovers.of(Results(left)) == [] and list(leftovers.told(Results(left))) == []
    was = {path.relative_to(finished / "results/small") for path in (finished / "results/small").rglob("*")}
    assert {path.relative_to(left) for path in left.rglob("*")} == was


@pytest.mark.parametrize(
    "stray",
    [
        "tables/more.csv",
        "tables/networks2.csv",
        "figures/more.svg",
        "notes.txt",
        f"batches/{CELL}/more.csv",
        f"batches/{CELL}/deeper/networks.csv",
        f"batches/{CELL}/.networks.csv",
        "batches/networks.csv",
        "logs/more.log",
        "theory/more.csv",
        "notebooks/more.ipynb",
    ],
)
def test_what_no_run_makes_is_a_stray_file(left, stray):
    (left / stray).parent.mkdir(parents=True, exist_ok=True)
    (left / stray).write_text("{}", encoding="utf-8")
    assert stray not in leftovers.of(Results(left))
    failed = [check.where for check in audit.run(Results(left), ["files"]) if not check.ok]
    assert failed == [stray]


def test_a_link_is_no_leftover(left):
    path = left / f"batches/{CELL}/networks.csv"
    path.unlink()
    path.symlink_to(left / "tables/networks.csv")
    failed = [check.where for check in audit.run(Results(left), ["files"]) if not check.ok]
    assert failed == [f"batches/{CELL}/networks.csv"]


def test_without_a_manifest_there_are_none(left):
    lose(left, "manifest.json")
    assert leftovers.of(Results(left)) == []


def test_a_page_without_its_pictures_is_found(left):
    for name in ("theory.html", "theory.ipynb", "budget.html"):
        path = left / "notebooks" / name
        text = path.read_text(encoding="utf-8")
        old, new = (
            ("image/png", "image/gif") if name.endswith("ipynb") else ('src="data:image/png', 'src="data:image/gif')
        )
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    failed = {
        check.where: check
        for check in audit.run(Results(left), ["report"])
        if not check.ok and re.fullmatch(r"\d+ pictures", check.found)
    }
    assert set(failed) == {"notebooks/theory.html", "notebooks/theory.ipynb", "notebooks/budget.html"}
    found = failed["notebooks/budget.html"]
    assert (found.what, found.expected, found.found) == ("pages show their pictures", "1 pictures", "0 pictures")
