"""Runs of the real workflow on a small configuration."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parent.parent
PARTS = ("Snakefile", "environment.yml", "config", "profiles", "workflow", "scripts", "notebooks", "src")
SMALL = {
    "results": "results/small",
    "studies": {
        name: {
            "features": {"identity": ["original", "augmented"], "neighbour": ["original"]},
            "splits": [0],
            "seeds": [1, 2],
            "fractions": [0.1, 1.0],
            "budget": {"max_evaluations": 12},
            "checkpoints": [4],
        }
        for name in ("digits-published", "digits-clean")
    },
    "published_numbers": {"perturbed_networks": 2, "perturbed_at_a_time": 2},
}
# Timings, logs and provenance may differ between runs, and executed notebooks carry the time.
STABLE = ("**/*.csv", "**/*.safetensors", "**/*.npy", "**/*.md", "figures/*")


def snakemake(folder: Path, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess:
    """Run the workflow in the folder on its small configuration."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", "small.yaml", *arguments]
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def checkout(folder: Path, features: dict | None = None) -> Path:
    """A copy of what the workflow is made of, with a small configuration."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / part)
    # The default's features would be merged in: this copy's default has only what is asked for.
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for name, study in SMALL["studies"].items():
        default["studies"][name] |= study
    (folder / "config/config.yaml").write_text(yaml.safe_dump(default))
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    published = pd.read_csv(ROOT / "workflow/resources/published.csv", dtype=str)
    kept = published[published["features"].isin(["identity", "neighbour"])]
    kept.to_csv(folder / "workflow/resources/published.csv", index=False)
    return folder


def stable_bytes(folder: Path) -> dict[str, bytes]:
    results = folder / "results/small"
    paths = {path for pattern in STABLE for path in results.glob(pattern) if path.name != "timings.csv"}
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in paths}
