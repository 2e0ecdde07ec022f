"""Which of the library's modules a script or notebook imports, directly or through another.

The workflow names them as inputs of each rule, so that an edit reruns exactly the steps that depend on it.
"""

import ast
import json
from functools import cache
from pathlib import Path

PACKAGE = "symmetry_constrained"
FOLDER = Path(__file__).parent


def closure(program: Path) -> list[Path]:
    """The library's files that a .py or .ipynb program imports, sorted; the program itself is not among them.

    With a module comes the C++ beside it.
    """
    if program.suffix == ".ipynb":
        cells = json.loads(program.read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    else:
        source = program.read_text(encoding="utf-8")
    found: set[str] = set()
    waiting = _modules(source)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting |= _imports(module)
    files = (FOLDER / f"{module}{suffix}" for module in found for suffix in (".py", ".cpp"))
    return sorted(path for path in files if path.is_file())


@cache
def _imports(module: str) -> frozenset[str]:
    return frozenset(_modules((FOLDER / f"{module}.py").read_text(encoding="utf-8")))


def _modules(source: str) -> set[str]:
    """Names of the library's modules that the source imports anywhere in it."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            package, _, module = name.partition(".")
            if package == PACKAGE:
                modules.add("__init__")
                if (FOLDER / f"{module}.py").is_file():
                    modules.add(module)
    return modules
