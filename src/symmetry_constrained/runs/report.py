"""Snakemake's report of a finished run, as one HTML page."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from symmetry_constrained import artifacts
from symmetry_constrained.runs import manifest


def write(page: Path, targets: Iterable[str], snakefile: str, config: Mapping[str, Any]) -> None:
    """Ask Snakemake for the report of the jobs that made the targets; the page's hash is kept in a file beside it.

    config: the configuration before it was checked, from which entries that are null are not yet dropped.
    ValueError if Snakemake fails, which has then printed why.
    """
    with tempfile.TemporaryDirectory() as folder, artifacts.whole(page) as whole:
        merged = Path(folder, "config.json")
        merged.write_text(json.dumps(config), encoding="utf-8")
        # As seen from here: Snakemake would expand a $ in the checkout's own path.
        out = os.path.relpath(whole)
        command = [sys.executable, "-m", "snakemake", *targets, "--nolock", "--quiet", "all", "--report", out]
        command += ["--snakefile", snakefile, "--configfile", str(merged)]
        if subprocess.run(command).returncode:
            raise ValueError("Snakemake could not write its report")
    manifest.record(page, page.with_suffix(".json"))
