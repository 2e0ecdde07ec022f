"""The C++ compiler of this machine: which one, what it is, and what it makes; one that hangs is not waited for long."""

import functools
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Seconds: an answer takes a fraction of one, a build less than ten.
ANSWER, BUILD = 15, 90


class HangingError(RuntimeError):
    """A program that did not come to an end in time."""


@dataclass(frozen=True)
class Compiler:
    """A command that compiles C++, and the program that it starts."""

    command: tuple[str, ...]
    program: Path

    @property
    def name(self) -> str:
        return Path(self.command[0]).name

    @property
    def identity(self) -> str:
        """Another command, another program or another version of it has another identity; nothing is run for it."""
        about = self.program.stat()
        parts = [*self.command, str(self.program), str(about.st_size), str(about.st_mtime_ns)]
        return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()

    @functools.cache  # noqa: B019
    def predefined(self, flags: tuple[str, ...]) -> bytes:
        """What it defines by itself under these flags: its version, and the processor that it compiles for."""
        return run([*self.command, *flags, "-dM", "-E", "-x", "c++", os.devnull], ANSWER)

    def build(self, flags: Sequence[str], sources: Sequence[Path], output: Path) -> None:
        """Compile the sources. RuntimeError in one line if that fails."""
        run([*self.command, *flags, "-o", str(output), *map(str, sources)], BUILD)


def find() -> Compiler:
    """The compiler that $CXX names, or c++. RuntimeError in one line if there is none."""
    named = os.environ.get("CXX", "")
    try:
        command = shlex.split(named) or ["c++"]
    except ValueError:
        raise RuntimeError(f"CXX is {named!r}, which is no command") from None
    program = shutil.which(command[0])
    if program is None:
        raise RuntimeError(f"there is no C++ compiler {command[0]!r} here")
    return Compiler(tuple(command), Path(program).resolve())


def version(predefined: bytes) -> str:
    """Of the compiler, by what it predefines."""
    found = re.search(r'#define __VERSION__ "(.*)"', predefined.decode(errors="replace"))
    return found[1] if found else "of unknown version"


def run(command: Sequence[str], seconds: float) -> bytes:
    """What a program prints. RuntimeError with its first words if it fails, HangingError if it takes longer."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            printed, said = process.communicate(timeout=seconds)
        except BaseException as error:
            # With all that it has started, which would keep its pipes open.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise HangingError(f"{Path(command[0]).name} did not end within {seconds} s") from None
            raise
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"]
        line = next((line for line in lines if "error" in line), lines[0])
        raise RuntimeError(f"{Path(command[0]).name} failed: {line.strip()}")
    return printed
