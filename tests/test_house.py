"""The house: imports go down the floors, modules and functions stay small, habits are held to their schemas."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src/symmetry_constrained"
PROGRAMS = [*sorted(LIBRARY.rglob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]


def run(*command: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)


def contracts(folder: Path) -> subprocess.CompletedProcess:
    """The import contracts of pyproject.toml, checked on the library in this folder."""
    program = "import sys; from importlinter.cli import lint_imports_command as run; run(['--no-logo', '--no-cache'])"
    return run(sys.executable, "-c", program, folder=folder, PYTHONPATH=str(folder / "src"))


def test_imports_go_down_the_floors():
    kept = contracts(ROOT)
    assert kept.returncode == 0, kept.stdout
    assert "3 kept, 0 broken" in kept.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("optim/lbfgs.py", "from symmetry_constrained.training import spec\n"),  # upwards
        ("theory/orbits.py", "def late():\n    from symmetry_constrained.analysis import statistics\n"),  # beside
        ("audit/costs.py", "from symmetry_constrained.networks import costs\n"),  # the audit copies nothing
        ("runs/manifest.py", "from symmetry_constrained.audit import checks\n"),  # nothing leans on the audit
        ("lonely.py", ""),  # a module in no room
    ],
)
def test_an_import_against_the_floors_is_seen(tmp_path, module, line):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "src/symmetry_constrained" / module).open("a", encoding="utf-8") as file:
        file.write(line)
    broken = contracts(tmp_path)
    assert broken.returncode != 0
    assert "broken" in broken.stdout or "lonely" in broken.stdout


def test_there_are_at_most_eighteen_rooms_on_seven_floors():
    rooms = {path.relative_to(LIBRARY).parts[0].removesuffix(".py") for path in LIBRARY.rglob("*.py")} - {"__init__"}
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    assert {room for layer in layers for room in layer.split(" | ")} | {"audit"} == rooms
    assert len(rooms) <= 18 and len(layers) <= 7


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_and_functions_stay_small(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 300
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in functions if node.end_lineno - node.lineno + 1 > 60]


def test_rooms_have_empty_beginnings():
    packages = {path.parent.name for path in LIBRARY.rglob("__init__.py") if path.read_text(encoding="utf-8").strip()}
    assert packages <= {"symmetry_constrained", "audit"}


def test_the_diagram_of_the_rooms_is_up_to_date():
    drawn = run(sys.executable, "scripts/draw_rooms.py", "--check", PYTHONPATH=str(ROOT / "src"))
    assert drawn.returncode == 0, drawn.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_files_that_others_read_follow_their_schema(schema, file):
    checked = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file)
    assert checked.returncode == 0, checked.stdout
