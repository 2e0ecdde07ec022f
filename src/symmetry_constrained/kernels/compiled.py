"""`compiled.cpp` where there is a C++ compiler: compiled once for this processor, kept, and called on tensors.

Without a compiler or on a GPU, `networks`, `memory` and `lbfgs` compute the same in PyTorch.
"""

import ctypes
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = Path(__file__).with_suffix(".cpp")
FLAGS = ("-O3", "-march=native", "-std=c++17", "-fno-math-errno", "-Wno-psabi")
BUILD = (*FLAGS, "-fPIC", "-shared", "-x", "c++")
ANYTHING = ctypes.c_char * 0
OFF = "SYMMETRY_CONSTRAINED_EAGER"  # set to anything: PyTorch alone


@functools.cache
def library() -> "Library | None":
    """The compiled functions; None without a compiler, or where what it makes can't be kept or loaded."""
    compiler = shlex.split(os.environ.get("CXX", "")) or ["c++"]
    if os.environ.get(OFF) or not shutil.which(compiler[0]):
        return None
    try:
        # What the compiler says of itself and of this processor, with the source, names what it makes.
        told = _output([*compiler, *FLAGS, "-dM", "-E", "-x", "c++", os.devnull])
        source = SOURCE.read_bytes()
        name = hashlib.sha256(source + told + " ".join(BUILD).encode()).hexdigest()[:16]
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symmetry-constrained"
        built = folder / f"compiled-{name}.so"
        if not built.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                made = Path(temporary, built.name)
                _output([*compiler, *BUILD, "-o", str(made), str(SOURCE)])
                made.replace(built)
        return Library(built, _output([*compiler, "--version"]).decode(errors="replace").splitlines()[0])
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return None


def compiler(device: str) -> str | None:
    """What compiled the code that trains on this device; None where PyTorch alone does."""
    used = library() if device == "cpu" else None
    return used and used.compiler


def library_for(tensor: torch.Tensor) -> "Library | None":
    """The compiled functions where they take this tensor: float64 on the CPU, contiguous."""
    fits = tensor.device.type == "cpu" and tensor.dtype == torch.float64 and tensor.is_contiguous()
    return library() if fits else None


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


class Library:
    """The functions of `compiled.cpp`, called with tensors and arrays on the CPU, contiguous and of its types."""

    def __init__(self, built: Path, compiler: str):
        self.compiler = compiler
        self._functions = ctypes.CDLL(str(built))

    def __getattr__(self, name: str):
        function = getattr(self._functions, name)
        function.restype = None

        def call(*arguments) -> None:
            function(*map(_argument, arguments))

        setattr(self, name, call)
        return call


def _argument(value):
    """An integer as int64, or where a tensor's or an array's numbers are."""
    if isinstance(value, int):
        return ctypes.c_int64(value)
    if isinstance(value, torch.Tensor):
        if not value.is_contiguous():
            raise ValueError("a tensor must be contiguous")
        return ctypes.c_void_p(value.data_ptr())
    return ctypes.byref(ANYTHING.from_buffer(value))  # a TypeError unless contiguous
