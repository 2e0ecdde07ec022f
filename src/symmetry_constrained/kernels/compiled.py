"""The C++ in this folder: compiled once for this processor where there is a compiler, kept, and called with checks."""

import ctypes
import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symmetry_constrained import cli
from symmetry_constrained.kernels import cache, toolchain
from symmetry_constrained.kernels.eager import FLOOR
from symmetry_constrained.kernels.signatures import SIGNATURES, checked
from symmetry_constrained.kernels.toolchain import Compiler

HERE = Path(__file__).parent
SOURCES = (HERE / "networks.cpp", HERE / "lbfgs.cpp", HERE / "steps.cpp")
HEADERS = (HERE / "vectors.h",)
FLAGS = ("-O3", "-march=native", "-std=c++17", "-fno-math-errno", "-Wno-psabi", f"-DFLOOR={FLOOR}f")
BUILD = (*FLAGS, "-fPIC", "-shared")
OFF = "SYMMETRY_CONSTRAINED_EAGER"  # set to anything: PyTorch alone
# In a process of its own, since a library that is no good may end the process that loads it.
TRY = "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); [getattr(library, name) for name in sys.argv[2:]]"


@functools.cache
def library() -> "Library | None":
    """The compiled functions; None where there is no compiler or none that works, which one line says."""
    if os.environ.get(OFF):
        return None
    try:
        return _library(toolchain.find())
    except (OSError, RuntimeError) as error:
        cli.say(f"kernels: PyTorch computes, since {' '.join(str(error).split())}")
        return None


def compiler(device: str) -> str | None:
    """The compiler of the code that trains on this device; None where PyTorch alone computes."""
    used = library() if device == "cpu" else None
    return None if used is None else used.compiler


def _library(compiler: Compiler) -> "Library":
    """From the user's cache, or compiled for this process where nothing can be kept; OSError or RuntimeError."""
    try:
        return _kept(compiler, cache.folder())
    except (toolchain.HangingError, cache.RememberedError):
        raise
    except (OSError, RuntimeError) as error:
        with tempfile.TemporaryDirectory() as temporary:
            # It stays loaded when the file is gone.
            library = Library(_built(compiler, Path(temporary, "compiled.so")), _description(compiler))
        cli.say(f"kernels: compiled for this process alone, since {error}")
        return library


def _kept(compiler: Compiler, folder: Path) -> "Library":
    """The library in the folder, built anew if it is not what was kept there."""
    failure = folder / f"failed-{compiler.identity[:16]}"
    try:
        cache.check_forgotten(failure)
        path = folder / _name(compiler)
        if not cache.sealed(path):
            with cache.alone(folder):
                cache.check_forgotten(failure)
                if not cache.sealed(path):
                    with tempfile.TemporaryDirectory(dir=folder) as temporary:
                        cache.keep(_built(compiler, Path(temporary, path.name)).read_bytes(), path)
        return Library(path, _description(compiler))
    except toolchain.HangingError as error:
        cache.remember(failure, str(error))
        raise


def _name(compiler: Compiler) -> str:
    """After all that decides the content: sources, flags, the compiler and what it predefines, as for the processor."""
    parts = [path.read_bytes() for path in (*SOURCES, *HEADERS)]
    parts += [compiler.predefined(FLAGS), " ".join(BUILD).encode(), compiler.identity.encode()]
    return f"compiled-{hashlib.sha256(bytes(1).join(parts)).hexdigest()[:16]}.so"


def _built(compiler: Compiler, path: Path) -> Path:
    """A library that can be loaded. RuntimeError in one line if it can't be had."""
    compiler.build(BUILD, SOURCES, path)
    try:
        toolchain.run([sys.executable, "-I", "-c", TRY, str(path), *SIGNATURES], toolchain.ANSWER)
    except RuntimeError:
        raise RuntimeError(f"what {compiler.name} made can't be loaded") from None
    return path


def _description(compiler: Compiler) -> str:
    return f"{compiler.name} {toolchain.version(compiler.predefined(FLAGS))}"


class Library:
    """The compiled functions as methods, named and declared in `SIGNATURES`."""

    def __init__(self, built: Path, compiler: str):
        self.compiler = compiler
        loaded = ctypes.CDLL(str(built))
        for name, signature in SIGNATURES.items():
            setattr(self, name, checked(getattr(loaded, name), signature))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"{name} is not among the compiled functions")
