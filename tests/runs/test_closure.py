"""Which modules a program imports, against what Python really loads."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from symmetry_constrained.runs import closure

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def names(program):
    """The modules of a closure as dotted names within the package; a package itself by its name."""
    found = set()
    for path in closure.closure(program):
        parts = path.relative_to(closure.SOURCES / closure.PACKAGE).with_suffix("").parts
        found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def forget() -> None:
    """Empty every cache of the module."""
    for member in vars(closure).values():
        if hasattr(member, "cache_clear"):
            member.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Modules that import one another, one of them in a room of its own; and one that nothing imports."""
    folder = tmp_path / closure.PACKAGE
    (folder / "room/inner").mkdir(parents=True)
    sources = {
        "__init__": "",
        "top": "from symmetry_constrained import left\nimport symmetry_constrained.right\nimport json\n",
        "left": "def late():\n    from symmetry_constrained.bottom import value as renamed\n    return renamed\n",
        "right": "import symmetry_constrained.left as other\n",
        "bottom": "from symmetry_constrained import right, value\n",
        "lonely": "import symmetry_constrained.top\n",
        "room/__init__": "",
        "room/inner/__init__": "",
        "room/inner/deep": "from symmetry_constrained.room import beside\n",
        "room/beside": "",
    }
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    monkeypatch.setattr(closure, "SOURCES", tmp_path)
    forget()
    yield folder
    forget()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\nfrom pathlib import Path\n", set()),
        ("import symmetry_constrained\n", {""}),
        ("from symmetry_constrained import bottom\n", {"", "bottom", "right", "left"}),
        (
            "from symmetry_constrained import top as t, lonely\n",
            {"", "top", "left", "right", "bottom", "lonely"},
        ),
        ("from symmetry_constrained.right import anything\n", {"", "left", "right", "bottom"}),
        # Late, conditional and guarded imports count as well.
        ("if False:\n    import symmetry_constrained.left\n", {"", "left", "bottom", "right"}),
        (
            "def f():\n    try:\n        from symmetry_constrained import top\n    except ImportError: ...\n",
            {"", "top", "left", "right", "bottom"},
        ),
        # A name that only begins like the package's, and a name that is no module.
        ("import symmetry_constrained_other.top\n", set()),
        ("from symmetry_constrained import __version__\n", {""}),
        # A room comes with its module, and a symbol is no module.
        ("from symmetry_constrained.room.beside import x\n", {"", "room", "room.beside"}),
        ("import symmetry_constrained.room.inner.deep\n", {"", "room", "room.inner", "room.inner.deep", "room.beside"}),
        (
            "from symmetry_constrained.room.inner import deep\n",
            {"", "room", "room.inner", "room.inner.deep", "room.beside"},
        ),
        ("from symmetry_constrained.room import inner\n", {"", "room", "room.inner"}),
        ("# from symmetry_constrained import top\nx = 'import symmetry_constrained.top'\n", set()),
    ],
)
def test_the_closure_of_a_small_program(package, tmp_path, source, expected):
    program = tmp_path / "program.py"
    program.write_text(source)
    assert names(program) == expected
    assert all(path.is_file() for path in closure.closure(program))


def test_a_notebook_is_its_code_cells(package, tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["import symmetry_constrained.lonely"]},
        {"cell_type": "code", "source": ["import json\n", "from symmetry_constrained import left\n"]},
        {"cell_type": "code", "source": ["left.late()"]},
    ]
    program = tmp_path / "notebook.ipynb"
    program.write_text(json.dumps({"cells": cells}))
    assert names(program) == {"", "left", "bottom", "right"}


def test_training_imports_the_optimiser_and_gathering_and_drawing_do_not():
    assert names(ROOT / "scripts/train_batch.py") >= {
        "optim.lbfgs",
        "kernels.line_search",
        "networks.ensemble",
        "data.splits",
        "features.inversion",
    }
    assert not names(ROOT / "scripts/train_batch.py") & {"figures", "verdicts", "analysis", "runs.config"}
    assert not names(ROOT / "scripts/gather_networks.py") & {"training", "optim", "networks"}
    assert "figures.style" not in names(ROOT / "scripts/write_index.py")
    drawing = names(ROOT / "notebooks/paper_tables.ipynb")
    assert drawing >= {"figures.style", "verdicts.paper_tables", "verdicts.published", "features.inversion"}
    assert not drawing & {"optim", "networks.ensemble", "training.reruns"}


@pytest.mark.parametrize(
    ("program", "rooms"),
    [
        ("scripts/fetch_dataset.py", {"data"}),
        ("scripts/train_batch.py", {"data", "features", "kernels", "networks", "optim", "runs", "training"}),
        ("scripts/check_random_networks.py", {"data", "features", "kernels", "networks", "theory"}),
        ("scripts/gather_networks.py", {"analysis"}),
        ("scripts/summarise.py", {"analysis"}),
        ("scripts/measure_efficiency.py", {"analysis"}),
        ("scripts/cost_to_target.py", {"analysis", "data", "features"}),
        ("scripts/compare_solvers.py", {"analysis", "benchmark"}),
        ("scripts/judge_published.py", {"analysis", "verdicts"}),
        ("scripts/judge_claims.py", {"analysis", "data", "features", "verdicts"}),
        ("notebooks/overfitting.ipynb", {"analysis", "data", "features", "figures"}),
        ("notebooks/theory.ipynb", {"analysis", "data", "features", "figures", "verdicts"}),
        ("notebooks/settings.ipynb", {"analysis", "data", "features", "figures", "verdicts"}),
        ("scripts/write_manifest.py", {"runs"}),
        ("scripts/write_explorer.py", {"data", "features", "pages"}),
        ("scripts/write_index.py", {"analysis", "data", "features", "figures", "pages", "runs", "verdicts"}),
        ("scripts/compare_runs.py", {"analysis", "data", "features", "runs", "verdicts"}),
        ("scripts/audit.py", {"audit"}),
    ],
)
def test_a_step_depends_on_no_room_but_these(program, rooms):
    package = closure.SOURCES / closure.PACKAGE
    modules = [path.relative_to(package) for path in closure.closure(ROOT / program) if path.suffix != ".yaml"]
    assert {module.parts[0] for module in modules if len(module.parts) > 1} <= rooms


@pytest.mark.parametrize("program", [*SCRIPTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_no_judging_table_or_figure_depends_on_what_trains(program):
    """Only what trains or times a network does, and the page on speed, which counts a network's arithmetic."""
    trains = {"train_batch", "rerun_published", "time_solo", "train_scikit_learn", "measure_throughput"}
    trains |= {"measure_scaling", "check_random_networks", "train_label_blind", "emulate_bias", "amplify_bias"}
    trains |= {
        "measure_orbits",
        "compare_invariants",
        "throughput",
        "plan_study",
        "measure_card",
        "train_mirrored_pairs",
        "train_saturated_units",
    }
    found = {name for name in names(program) if name.partition(".")[0] in ("networks", "kernels", "optim")}
    assert not found or program.stem in trains, found


@pytest.mark.parametrize("program", [*SCRIPTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_every_program_has_a_closure_of_files_that_exist(program):
    files = closure.closure(program)
    assert files == sorted(set(files))
    assert all(path.is_file() for path in files)
    assert ROOT / "src/symmetry_constrained/artifacts.py" in files or program.stem.startswith("show_")


@pytest.mark.parametrize("script", ["train_batch", "gather_networks"])
def test_all_that_python_loads_is_in_the_closure(script):
    program = ROOT / f"scripts/{script}.py"
    code = (
        f"import runpy, sys; runpy.run_path({str(program)!r}, run_name='imported');"
        "print(*(getattr(module, '__file__', None) for name, module in sys.modules.items()"
        " if name.partition('.')[0] == 'symmetry_constrained'), sep='\\n')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {Path(line).resolve() for line in run.stdout.splitlines()}
    assert len(loaded) > 2
    assert loaded <= {path.resolve() for path in closure.closure(program)}


def test_relative_imports_which_the_closure_does_not_follow_are_not_used():
    for path in (ROOT / "src").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assert not [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level], path.name


def test_the_c_plus_plus_beside_a_module_comes_with_it():
    files = {path.name for path in closure.closure(ROOT / "scripts" / "train_batch.py")}
    assert {"compiled.py", "networks.cpp", "lbfgs.cpp", "vectors.h"} <= files
    assert "networks.cpp" not in {path.name for path in closure.closure(ROOT / "scripts" / "summarise.py")}


def test_a_data_file_comes_with_the_modules_that_name_it_alone(package, tmp_path):
    (package / "room/rows.yaml").write_text("")
    (package / "room/beside.py").write_text("ROWS = __file__.replace('beside.py', '') + 'rows'\n")
    (package / "room/inner/deep.py").write_text("from pathlib import Path\nROWS = Path('room/rows.yaml')\n")
    (package / "room/near.py").write_text("from pathlib import Path\nROWS = Path(__file__).with_name('rows.yaml')\n")
    program = tmp_path / "program.py"
    for module, brought in (("room.beside", False), ("room.inner.deep", True), ("room.near", True), ("top", False)):
        program.write_text(f"import symmetry_constrained.{module}\n")
        assert ((package / "room/rows.yaml") in closure.closure(program)) is brought, module


def test_the_table_of_datasets_is_an_input_of_what_reads_it_and_training_does_not():
    def reads(script):
        return "datasets.yaml" in {path.name for path in closure.closure(ROOT / f"scripts/{script}.py")}

    assert all(map(reads, ("fetch_dataset", "make_split", "audit", "cost_to_target")))
    assert not any(map(reads, ("train_batch", "rerun_published", "gather_networks", "summarise", "train_label_blind")))
