"""What all tests share: an environment of the suite's own, an order for parallel workers, and finished runs."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from helpers.runs import checkout, snakemake
from helpers.session import made_once, own_environment
from helpers.tiny import run, tiny
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
RUNS = {"finished", "finished_tiny"}
# Files whose tests take longest begin first, so that all workers end together.
LONGEST_FIRST = (
    "workflow/test_workflow.py",  # its worker makes the finished run
    "workflow/test_circumstances.py",
    "workflow/test_readme.py",
    "workflow/test_slurm.py",  # its jobs wait for their turn more than they compute
    "workflow/test_equal_bytes.py",
    "workflow/test_survival.py",
    "workflow/test_places.py",
    "workflow/test_determinism.py",
    "audit/test_tampering.py",
    "kernels/test_compiled.py",
)

# Property tests draw the same few examples in every run. `--hypothesis-profile thorough` draws many and other ones.
SHARED = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
)
settings.register_profile("few", SHARED, max_examples=50, derandomize=True)
settings.register_profile("thorough", SHARED, max_examples=500)
settings.load_profile("few")


def pytest_configure(config):
    """Give the suite a home and a temporary folder of its own; parallel workers share those of the process above."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        # pytest keeps its own folders where they are: those of failed tests can be looked at.
        home = Path(tempfile.mkdtemp(prefix="symmetry-constrained-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
        own_environment(home)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """A worker more than there are cores: runs of the workflow wait for their processes, and for one another."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests that run the workflow, and put the longest files first."""
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}
    files = {item: item.path.relative_to(TESTS).as_posix() for item in items}
    for item, file in files.items():
        if file.startswith("workflow/") or RUNS & set(item.fixturenames):
            item.add_marker("workflow")
    items.sort(key=lambda item: ranks.get(files[item], len(ranks)))


@pytest.fixture
def style():
    """The house style of figures, for one test only."""
    import matplotlib
    import matplotlib.pyplot as plt

    from symmetry_constrained.figures.style import use_style

    with matplotlib.rc_context():
        use_style()
        yield
        plt.close("all")


@pytest.fixture(params=["compiled", "eager"])
def arithmetic(request, monkeypatch):
    """Each test twice: with the compiled code, and with PyTorch alone."""
    from symmetry_constrained.kernels import compiled

    if request.param == "eager":
        monkeypatch.setattr(compiled, "library", lambda: None)
    elif compiled.library() is None:
        pytest.skip("no C++ compiler")


@pytest.fixture
def same_arithmetic(monkeypatch):
    """The processor computes as the code for cards does, so that results can be compared to the bit."""
    from helpers import pretend_cuda

    pretend_cuda.compute_as_a_card(monkeypatch)


@pytest.fixture
def card():
    """A pretend card."""
    from helpers import pretend_cuda

    with pretend_cuda.cards() as card:
        yield card


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A finished small run. Read-only to tests: they copy it."""
    return made_once(tmp_path_factory, "finished", lambda folder: snakemake(checkout(folder)))


@pytest.fixture(scope="session")
def finished_tiny(tmp_path_factory) -> Path:
    """A finished run of two tables of the tiny study. Read-only to tests: they copy it."""
    return made_once(tmp_path_factory, "finished-tiny", lambda folder: run(tiny(folder)))
