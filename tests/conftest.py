"""Fixtures that several test files share."""

from pathlib import Path

import pytest
from runs import checkout, snakemake


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A finished small run."""
    folder = checkout(tmp_path_factory.mktemp("run") / "checkout")
    run = snakemake(folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder
