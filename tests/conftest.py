"""Fixtures that several test files share."""

from pathlib import Path

import matplotlib
import pytest
from helpers.runs import checkout, snakemake
from helpers.tiny import run, tiny

from symmetry_constrained.figures import style as figures
from symmetry_constrained.kernels import compiled

matplotlib.use("Agg")

import matplotlib.pyplot as plt


@pytest.fixture
def style():
    """The house style of figures, for one test only."""
    with matplotlib.rc_context():
        figures.use_style()
        yield
        plt.close("all")


@pytest.fixture(params=["compiled", "eager"])
def arithmetic(request, monkeypatch):
    """Each test twice: with the compiled code, and with PyTorch alone."""
    if request.param == "eager":
        monkeypatch.setattr(compiled, "library", lambda: None)
    elif compiled.library() is None:
        pytest.skip("no C++ compiler")


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A finished small run."""
    folder = checkout(tmp_path_factory.mktemp("run") / "checkout")
    run = snakemake(folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="session")
def finished_tiny(tmp_path_factory) -> Path:
    """A finished run of two tables of the tiny study. Read-only to tests: they copy it."""
    folder = tiny(tmp_path_factory.mktemp("tiny") / "checkout")
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
