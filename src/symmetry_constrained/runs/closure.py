"""Which of the library's modules a script or notebook imports, directly or through another.

The workflow names them as inputs of each rule, so that an edit reruns exactly the steps that depend on it.
"""

import ast
import json
from functools import cache
from pathlib import Path

PACKAGE = "symmetry_constrained"
SOURCES = Path(__file__).parents[2]
DATA = (".yaml", ".csv", ".json", ".html", ".css", ".js")  # suffixes of data files within the package


def closure(program: Path) -> list[Path]:
    """The library's files that a .py or .ipynb program imports, sorted; the program itself is not among them.

    A module brings the packages that contain it, the C++ sources in its folder, and the data files that it names.
    """
    if program.suffix == ".ipynb":
        cells = json.loads(program.read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    else:
        source = program.read_text(encoding="utf-8")
    modules: set[Path] = set()
    waiting = _modules(source)
    while waiting:
        module = waiting.pop()
        if module not in modules:
            modules.add(module)
            waiting |= _imports(module)
    for module in list(modules):
        modules |= _data(module)
        modules.update(path for path in module.parent.iterdir() if path.suffix in (".cpp", ".h"))
    return sorted(modules)


@cache
def _imports(module: Path) -> frozenset[Path]:
    return frozenset(_modules(module.read_text(encoding="utf-8")))


@cache
def _data(module: Path) -> frozenset[Path]:
    """The package's data files that the module names in a string, by a path from its own folder or from the package."""
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    names = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    paths = [folder / name for name in names if name.endswith(DATA) for folder in (module.parent, SOURCES / PACKAGE)]
    return frozenset(path for path in paths if path.is_file())


def _modules(source: str) -> set[Path]:
    """Files of the library's modules that the source imports anywhere in it, and of the packages around them."""
    files: set[Path] = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE:
                files.update(filter(None, (_file(parts[: end + 1]) for end in range(len(parts)))))
    return files


def _file(parts: list[str]) -> Path | None:
    """The file of a dotted name; None where the name is no module."""
    path = SOURCES.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
