"""What a step records of itself: its settings, inputs, code and machine."""

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from symmetry_constrained.artifacts import sha256

PACKAGES = ("numpy", "pandas", "safetensors", "scikit-learn", "scipy", "torch")


def commit() -> str:
    """The checkout's commit, with `+changes` when files differ from it.

    `unknown` where the project's own folder is not the top level of a checkout: unpacked from an archive it may lie in
    a repository of something else.
    """
    here = Path(__file__).parents[3]
    # Of the repository that lies here, whatever the caller's own git is told of another.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if not here.samefile(git("rev-parse", "--show-toplevel")):
            return "unknown"
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The version of each package, None where it is not installed."""
    installed: dict[str, str | None] = {}
    for package in packages:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            installed[package] = None
    return installed


def provenance(spec: dict, inputs: list[Path], device: str, compiler: str | None) -> dict:
    """What was done, to which bytes, with which software, where."""
    import torch

    return {
        "spec": spec,
        "inputs": {Path(path).as_posix(): sha256(path) for path in inputs},
        "commit": commit(),
        "python": platform.python_version(),
        "packages": versions(PACKAGES),
        "compiler": compiler,
        "platform": platform.platform(),
        "device": device,
        "device_name": torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine(),
        "threads": torch.get_num_threads(),
    }
