"""Command lines of jobs: whatever a value holds, the program gets it as one word, and the shell runs nothing of it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.users import IS_ROOT
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import format as snakemake_format

from symmetry_constrained.runs import commands

as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")
ODD = [
    "x=0.5 $(id)",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    '"',
    "'",
    "\\",
    "a\nb",
    "{x}",
    "{{",
    "}",
    "*",
    "~",
    "#",
    "!",
    "-x",
    "é",
]
PRINT = "import json, sys; print(json.dumps(sys.argv[1:]))"


def words_as_snakemake_passes_them(options):
    """What a program gets whose command line is `{params.options:q}`."""
    line = snakemake_format("{python:q} -c {code:q} {options:q}", python=sys.executable, code=PRINT, options=options)
    return json.loads(subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout)


def test_numbers_lists_and_mappings_are_options_in_their_order():
    options = {
        "seeds": [1, 2],
        "max_evaluations": 50,
        "weights": (0.01, 1, "inf"),
        "target": {"digits": [0.7, 0.8], "mnist": 0.9},
        "features": [],
    }
    assert shlex.join(commands.words(options)) == (
        "--seeds 1 2 --max-evaluations=50 --weights 0.01 1 inf --target=digits=0.7 --target=digits=0.8"
        " --target=mnist=0.9 --features"
    )
    assert commands.words({}) == []


@pytest.mark.parametrize("odd", ODD)
def test_every_value_reaches_the_program_as_one_word(odd):
    options = commands.words({"study": odd, "target": {odd: [odd]}, "names": ["a", odd.lstrip("-")]})
    assert options == [f"--study={odd}", f"--target={odd}={odd}", "--names", "a", odd.lstrip("-")]
    assert words_as_snakemake_passes_them(options) == options
    assert shlex.split(shlex.join(options)) == options


@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1), max_size=4))
def test_quoting_is_undone_by_the_shell(values):
    options = commands.words({f"o{place}": value for place, value in enumerate(values)})
    assert shlex.split(snakemake_format("{options:q}", options=options)) == options


def test_an_item_that_would_be_taken_for_an_option_is_refused():
    with pytest.raises(ValueError, match=r"^--studies: '-x' begins with a dash; it would be taken for an option$"):
        commands.words({"studies": ["clean", "-x"]})


@pytest.mark.parametrize("name", ["plain", "with space", "brace {x}", "$HOME", "quote ' \" é"])
def test_the_prefix_names_this_interpreter_and_this_checkout(tmp_path, name):
    python, sources = tmp_path / name / "bin/python3", tmp_path / name / "src"
    text = snakemake_format(commands.prefix(str(python), sources))
    line = f'{text} printf "%s\\n" "$PYTHON" "$PYTHONPATH" "$HOME"'
    home = tmp_path / name
    home.mkdir()
    run = subprocess.run(["bash", "-c", line], env={"HOME": str(home)}, capture_output=True, text=True)
    assert run.stdout.splitlines() == [str(python), str(sources), str(home)], run.stderr
    assert "pipefail" in text


@pytest.mark.parametrize("home", [None, "", "missing", pytest.param("of another", marks=as_root)])
def test_without_a_home_of_ones_own_there_is_one_in_the_project(tmp_path, home):
    """Never a temporary folder, where others may have put settings and libraries."""
    project = tmp_path / "a project"
    project.mkdir()
    environment = {"TMPDIR": str(tmp_path)}
    if home is not None:
        environment["HOME"] = str(tmp_path / home) if home else ""
    if home == "of another":
        (tmp_path / home).mkdir(mode=0o777)
        os.chown(tmp_path / home, 65534, 65534)
    line = snakemake_format(commands.prefix("python", Path("src"))) + ' printf "%s\n" "$HOME"'
    run = subprocess.run(["bash", "-c", line], cwd=project, env=environment, capture_output=True, text=True)
    assert run.stdout.splitlines() == [str(project / ".snakemake/home")], run.stderr
    assert (project / ".snakemake/home").stat().st_mode & 0o777 == 0o700


def test_a_script_runs_as_the_given_interpreter_and_fails_through_the_log(tmp_path):
    script = tmp_path / "a script.py"
    script.write_text("import sys; print(sys.executable, *sys.argv[1:]); sys.exit(3)")
    command = snakemake_format(
        commands.prefix(sys.executable, Path("src")) + commands.logged("--out {output:q}"),
        input=type("Input", (), {"code": [str(script)]}),
        output="a b",
        log=str(tmp_path / "a log"),
    )
    run = subprocess.run(["bash", "-c", command], env={}, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (3, f"{sys.executable} --out a b\n")
    assert (tmp_path / "a log").read_text() == run.stdout


@pytest.mark.parametrize("status", [0, 3])
def test_of_what_a_hushed_job_prints_only_the_line_on_which_its_script_ends_is_shown(tmp_path, status):
    script = tmp_path / "train.py"
    said = ["round 1 of 5", "a \\ line with $HOME and `ls`", "train.py: [Errno 28] No space left: 'a  \\ b'", ""]
    script.write_text(f"import sys; print(*{said!r}, sep='\\n'); sys.exit({status})")
    command = snakemake_format(
        commands.prefix(sys.executable, Path("src"), hushed=True) + commands.logged(""),
        input=type("Input", (), {"code": [str(script)]}),
        log=str(tmp_path / "log"),
    )
    run = subprocess.run(["bash", "-c", command], env={}, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (status, f"{said[2]}\n", "")
    assert (tmp_path / "log").read_text().splitlines() == said
