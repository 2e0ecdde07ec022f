"""The C++ in this folder: compiled once for this processor where there is a compiler, kept, and called with checks."""

import ctypes
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from symmetry_constrained.kernels.eager import FLOOR
from symmetry_constrained.kernels.signatures import SIGNATURES, checked

HERE = Path(__file__).parent
SOURCES = (HERE / "networks.cpp", HERE / "lbfgs.cpp")
HEADERS = (HERE / "vectors.h",)
FLAGS = ("-O3", "-march=native", "-std=c++17", "-fno-math-errno", "-Wno-psabi", f"-DFLOOR={FLOOR}f")
BUILD = (*FLAGS, "-fPIC", "-shared")
OFF = "SYMMETRY_CONSTRAINED_EAGER"  # set to anything: PyTorch alone


@functools.cache
def library() -> "Library | None":
    """The compiled functions; None without a compiler, or where its output can't be kept or loaded."""
    compiler = shlex.split(os.environ.get("CXX", "")) or ["c++"]
    if os.environ.get(OFF) or not shutil.which(compiler[0]):
        return None
    try:
        # The file is named after the sources and all that the compiler predefines: its version and this processor.
        predefined = _output([*compiler, *FLAGS, "-dM", "-E", "-x", "c++", os.devnull])
        sources = b"".join(path.read_bytes() for path in (*SOURCES, *HEADERS))
        name = hashlib.sha256(sources + predefined + " ".join(BUILD).encode()).hexdigest()[:16]
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symmetry-constrained"
        built = folder / f"compiled-{name}.so"
        if not built.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                output = Path(temporary, built.name)
                _output([*compiler, *BUILD, "-o", str(output), *map(str, SOURCES)])
                output.replace(built)
        version = re.search(r'#define __VERSION__ "(.*)"', predefined.decode(errors="replace"))
        return Library(built, f"{Path(compiler[0]).name} {version[1] if version else 'of unknown version'}")
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return None


def compiler(device: str) -> str | None:
    """The compiler of the code that trains on this device; None where PyTorch alone computes."""
    used = library() if device == "cpu" else None
    return None if used is None else used.compiler


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


class Library:
    """The compiled functions as methods, named and declared in `SIGNATURES`."""

    def __init__(self, built: Path, compiler: str):
        self.compiler = compiler
        loaded = ctypes.CDLL(str(built))
        for name, signature in SIGNATURES.items():
            setattr(self, name, checked(getattr(loaded, name), signature))

    def __getattr__(self, name: str) -> Callable[..., None]:
        raise AttributeError(f"{name} is not among the compiled functions")
