"""A run that is moved, started from elsewhere or by another interpreter, and the same configuration in other words."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.runs import environment
from helpers.tiny import BATCHES, TABLES, again, run, stable

from symmetry_constrained.runs import folders

NETWORKS = TABLES[0]
CONFIG = "results/tiny/config.json"
ALL = (*TABLES, CONFIG)


@pytest.fixture(scope="module")
def complete(finished_tiny, tmp_path_factory):
    """The finished run with its configuration recorded."""
    folder = again(finished_tiny, tmp_path_factory.mktemp("complete") / "checkout")
    done = run(folder, *ALL)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def nothing_to_do(done: subprocess.CompletedProcess) -> bool:
    assert done.returncode == 0, done.stdout + done.stderr
    return "Nothing to be done" in done.stdout + done.stderr


def one_line(done: subprocess.CompletedProcess, line: str) -> None:
    assert done.returncode != 0
    assert line in done.stderr.splitlines(), done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_moved_run_has_nothing_to_do(complete, tmp_path):
    moved = tmp_path / "moved 'here'"
    # With the times of its files, as `cp -a` or `mv` do.
    shutil.copytree(complete, moved, symlinks=True)
    assert nothing_to_do(run(moved, *ALL, "--dry-run"))


def test_another_environment_is_no_reason_to_run_again(complete, tmp_path):
    other = tmp_path / "bin"
    other.mkdir()
    (other / "python").symlink_to(sys.executable)
    path = os.pathsep.join([str(other), os.environ["PATH"]])
    assert nothing_to_do(run(complete, *ALL, "--dry-run", PATH=path, VIRTUAL_ENV=str(tmp_path)))


def test_jobs_run_the_interpreter_that_runs_snakemake(complete, tmp_path):
    """Where the path names no Python at all."""
    folder = again(complete, tmp_path / "checkout", *TABLES)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "sh", "tee", "which"):
        (programs / name).symlink_to(shutil.which(name))
    done = run(folder, PATH=str(programs))
    assert done.returncode == 0, done.stdout + done.stderr
    assert stable(folder) == stable(complete)


@pytest.mark.parametrize("options", [["device=cpu"], ["results=results/tiny", "device=cpu"]])
def test_the_same_device_in_other_words_is_no_reason_to_run_again(complete, options):
    configured = yaml.safe_load((complete / "config/config.yaml").read_text())
    assert configured["device"] == "auto"
    path = without("nvidia-smi")
    assert nothing_to_do(run(complete, *ALL, "--dry-run", "--config", *options, PATH=path))


def without(program: str) -> str:
    """The search path but for folders that hold the program."""
    return os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not Path(part, program).exists())


def test_a_device_that_is_not_there_is_refused_before_anything_is_deleted(complete, tmp_path):
    folder = again(complete, tmp_path / "checkout")
    done = run(folder, *ALL, "--config", "device=cuda", PATH=without("nvidia-smi"))
    one_line(done, "config: device is 'cuda', but there is no cuda here; it must be auto or cpu")
    assert stable(folder) == stable(complete)
    assert all((folder / batch / "provenance.json").exists() for batch in BATCHES)


@pytest.mark.parametrize(
    "snakefile",
    [
        pytest.param(None, id="with --snakefile"),
        pytest.param('module study:\n    snakefile: "{}"\nuse rule * from study\n', id="as a module"),
        pytest.param('include: "{}"\n', id="included"),
    ],
)
def test_started_from_elsewhere_it_says_where_to_go(complete, tmp_path, snakefile):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--snakefile"]
    if snakefile:
        (elsewhere / "Snakefile").write_text(snakefile.format(complete / "Snakefile"))
        command.append("Snakefile")
    else:
        command.append(str(complete / "Snakefile"))
    done = subprocess.run([*command, NETWORKS], cwd=elsewhere, env=environment(), capture_output=True, text=True)
    one_line(done, f"This workflow runs in the folder of its Snakefile only: cd {complete}, and start it there.")
    assert not (elsewhere / "results").exists()


def test_in_its_own_folder_it_can_be_a_module(complete, tmp_path):
    folder = again(complete, tmp_path / "checkout")
    (folder / "mine.smk").write_text(
        f'module study:\n    snakefile: "Snakefile"\nuse rule * from study as study_*\n'
        f'rule mine:\n    default_target: True\n    input: "{NETWORKS}"\n'
        '    output: "mine.txt"\n    shell: "cp {input} {output}"\n'
    )
    done = run(folder, "mine", "--snakefile", "mine.smk")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "mine.txt").read_bytes() == (folder / NETWORKS).read_bytes()


def test_a_run_is_timed_from_its_start_to_its_end(complete):
    """Two runs made it: the tables, then the configuration; none of them all."""
    from symmetry_constrained.runs import workflow_runs

    runs = [workflow_runs.read(path) for path in sorted((complete / workflow_runs.FOLDER).glob("*.json"))]
    assert [ALL[2] in one.made for one in runs] == [False, True]
    assert set(TABLES) <= runs[0].made
    assert all(one.seconds > 0 and one.command.startswith("snakemake --cores") for one in runs)


def test_downloads_in_a_folder_of_an_odd_name_run_nothing(complete, tmp_path):
    folder = again(complete, tmp_path / "checkout", "results/tiny/data/digits/images.npy", CONFIG)
    odd = "x $(touch ran) `touch ran` '; touch ran; \" | touch ran > ran & *"
    file = folder / "config/config.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"data": odd}))
    done = run(folder, "results/tiny/data/digits/images.npy", CONFIG)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((folder / CONFIG).read_text())["data"] == odd
    assert list(folder.rglob("ran")) == []


def test_a_key_that_is_there_twice_is_refused(complete, tmp_path):
    (tmp_path / "mine.yaml").write_text("theory:\n  splits: 1\n  splits: 2\n")
    done = run(complete, NETWORKS, "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    one_line(done, f"{tmp_path}/mine.yaml, line 3: the key 'splits' is there twice; keep one of them")


@pytest.mark.parametrize(("key", "path"), [("results", "Snakefile"), ("results", "results/reference"), ("data", "src")])
def test_paths_into_the_project_are_refused(complete, key, path):
    done = run(complete, NETWORKS, "--dry-run", "--config", f"{key}={path}")
    one_line(done, f"config: {key} is {path!r}; it must be {folders.RULES[key]}")


@pytest.mark.parametrize("quiet", [("all",), ("rules", "progress")])
def test_a_quiet_run_says_why_it_failed(complete, tmp_path, quiet):
    folder = again(complete, tmp_path / "checkout")
    script = folder / "scripts/check_bound.py"
    before = "    if len(arguments.batches)"
    text = script.read_text()
    assert before in text
    script.write_text(text.replace(before, f"    raise ValueError('out of bounds')\n{before}"))
    done = run(folder, *TABLES, "--quiet", *quiet)
    assert done.returncode != 0
    said = "check_bound of results/tiny/tables/bound.csv failed: check_bound.py: out of bounds; see "
    assert [line for line in done.stderr.splitlines() if line.startswith(said)], done.stdout + done.stderr
    done = run(folder, "nothing.txt", "--quiet", *quiet)
    assert "No rule to produce nothing.txt" in done.stdout + done.stderr
