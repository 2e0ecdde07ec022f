"""Which of the library's modules a script or notebook imports, directly or through another.

The workflow names them as inputs of each rule, so that an edit reruns exactly the steps that depend on it.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "symmetry_constrained"
SOURCES = Path(__file__).parents[2]
NAMED = re.compile(r"""([\w./-]+\.(?:yaml|csv|json|html|css|js))["']""")  # data files within the package, as a string
PARTS = ("body", "orelse", "handlers", "finalbody", "cases")  # of a statement, in which others are


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
    waiting = set(_modules(source))
    while waiting:
        module = waiting.pop()
        if module not in modules:
            modules.add(module)
            waiting |= _imports(module)
    beside = (_compiled(folder) for folder in {module.parent for module in modules})
    return sorted(modules.union(*map(_data, modules), *beside))


@cache
def _imports(module: Path) -> frozenset[Path]:
    return _modules(module.read_text(encoding="utf-8"))


@cache
def _compiled(folder: Path) -> frozenset[Path]:
    return frozenset(path for path in folder.iterdir() if path.suffix in (".cpp", ".h"))


@cache
def _data(module: Path) -> frozenset[Path]:
    """The package's data files that the module names in a string, by a path from its own folder or from the package."""
    names = set(NAMED.findall(module.read_text(encoding="utf-8")))
    paths = (folder / name for name in names for folder in (module.parent, SOURCES / PACKAGE))
    return frozenset(path for path in paths if path.is_file())


def _modules(source: str) -> frozenset[Path]:
    """Files of the library's modules that the source imports anywhere in it, and of the packages around them."""
    names: set[str] = set()
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset().union(*map(_files, names))


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement of a module, also those within another, without the expressions in them, which are many."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in PARTS:
            waiting += getattr(node, part, ())


@cache
def _files(name: str) -> frozenset[Path]:
    """The files of a dotted name: of each package in it, and of the module, where it is one of the library's."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return frozenset()
    paths = (SOURCES.joinpath(*parts[: end + 1]) for end in range(len(parts)))
    both = ((path.with_suffix(".py"), path / "__init__.py") for path in paths)
    return frozenset(file for pair in both for file in pair if file.is_file())
