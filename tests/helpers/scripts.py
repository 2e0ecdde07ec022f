"""Scripts run as a person would run them."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = {
    "study": "small",
    "dataset": "digits",
    "protocol": "clean",
    "split": 0,
    "features": "neighbour",
    "training_set": "original",
    "hidden_layers": [4],
    "fractions": [0.02],
    "networks": ["biased", "bias-free"],
    "seeds": [1, 2],
    "budget": {"max_evaluations": 4},
    "checkpoints": [2],
    "device": "cpu",
}


def call(script, *arguments):
    """Run a script in this process, as `python scripts/….py` would: its exit status and its last words."""
    before = sys.argv
    sys.argv = [f"{script}.py", *map(str, arguments)]
    try:
        runpy.run_path(str(ROOT / f"scripts/{script}.py"), run_name="__main__")
    except SystemExit as end:
        # Python prints a text to stderr and exits with status 1.
        return (1, end.code) if isinstance(end.code, str) else (end.code or 0, "")
    finally:
        sys.argv = before
    return 0, ""


def refused(folder, script, *arguments, out=None):
    """The one line with which a script refuses its input; `out` must not have been filled."""
    status, line = call(script, *arguments)
    assert status == 1, f"{script} did not refuse its input"
    assert line.startswith(f"{script}.py: ")
    assert len(line.splitlines()) == 1, line
    left = [path for path in (out or folder / "out").rglob("*") if path.is_file()]
    assert left == []
    return line.removeprefix(f"{script}.py: ")
