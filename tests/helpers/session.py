"""What one session of tests has to itself, and what its parallel workers share."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

# Variables by which another program's settings, caches or switches would reach the tests.
LEFT_OUT = ("XDG_", "MPL", "MATPLOTLIB", "SNAKEMAKE_", "JUPYTER_", "IPYTHON", "SYMMETRY_CONSTRAINED_", "GIT_", "LC_")


def own_environment(home: Path) -> None:
    """Let this process and its children keep caches and temporary files in this folder, and draw without a screen."""
    for name in [name for name in os.environ if name.startswith(LEFT_OUT)]:
        del os.environ[name]
    home.chmod(0o755)
    temporary = home / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)  # as /tmp: some tests run as another user
    os.environ |= {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(home / ".hypothesis"),
        "MPLBACKEND": "Agg",
        # One thread for each worker: the arrays of tests are small.
        "OMP_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
    }


def made_once(tmp_path_factory, name: str, run: Callable[[Path], CompletedProcess]) -> Path:
    """A folder of the session that `run` fills, in the first worker that asks for it; the others wait."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, done = base / name, base / f"{name}.done"
    with open(base / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert not folder.exists(), f"{name} could not be made: another worker has the reason"
            ended = run(folder)
            assert ended.returncode == 0, ended.stdout + ended.stderr
            done.touch()
    return folder
