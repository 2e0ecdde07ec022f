"""The workflow's rules as Snakemake reads them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.types import OutputSettings, Quietness, ResourceSettings

ROOT = Path(__file__).parents[2]


@contextmanager
def loaded_rules() -> Iterator[list[Any]]:
    """Every rule of the default configuration that runs a shell command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(sys, "path", list(sys.path))
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(resource_settings=ResourceSettings(cores=1), snakefile=ROOT / "Snakefile")
            yield [rule for rule in workflow._workflow.rules if rule.shellcmd]
