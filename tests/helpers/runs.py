"""Runs of the real workflow on a small configuration."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "environment.yml", "config", "profiles", "workflow", "scripts", "notebooks", "src")
COMMON = {
    "features": {"identity": ["original", "augmented", "random-sign"], "neighbour": ["original"]},
    "networks": ["biased", "bias-free"],
    "hidden_layers": [[10, 5]],
    "splits": [0],
    "seeds": [1, 2],
    "fractions": [1.0],
    "budget": {"max_evaluations": 12},
    "checkpoints": [4],
}
SMALL = {
    "results": "results/small",
    "studies": {
        "digits-published": COMMON | {"dataset": "digits", "protocol": "published"},
        "digits-clean": COMMON | {"dataset": "digits", "protocol": "clean", "fractions": [0.1, 1.0]},
        "digits-budget": COMMON | {"dataset": "digits", "protocol": "clean", "budget": {"max_iterations": 12}},
    },
    "published_numbers": {
        "digits": {
            "study": "digits-published",
            "clean_study": "digits-clean",
            "solvers": ["scikit-learn", "ours"],
            "budgets": ["evaluations", "iterations"],
            "perturbed_networks": 2,
        },
        "perturbed_at_a_time": 2,
        "perturbation": 1e-12,
    },
    "settings": {
        "paper": {"study": "digits-published", "hidden_layers": [10, 5], "label": "the paper's"},
        "no-leak": {"study": "digits-clean", "hidden_layers": [10, 5], "label": "no leak"},
        "longer": {"study": "digits-budget", "hidden_layers": [10, 5], "label": "longer"},
    },
    "targets": {"digits": [0.2, 0.7]},
    "figures": {"curves": ["digits-clean"], "budget": "digits-budget", "target": {"digits": 0.2}},
    "solo": {"repeats": 1, "max_evaluations": 3},
    "theory": {
        "splits": 1,
        "random_networks": {"networks": 20, "images": 20},
        "label_blind": {"seeds": 2, "fraction": 0.05},
        "emulated_bias_digits": {"seeds": 1, "fraction": 0.05, "max_evaluations": 20, "weights": [0.01, 1, 32]},
        "amplification": {
            "depths": [1, 4],
            "epsilons": [0, 0.1],
            "seeds": 2,
            "fraction": 0.05,
            "max_iterations": 10,
        },
        "saturated_units": {"seeds": 2, "fraction": 0.1, "max_evaluations": 12},
        "mirrored_pairs": {"epsilons": [1e-4, 0.1], "seeds": 2, "fraction": 0.1, "max_iterations": 30},
        "orbits": {
            "images": 10,
            "angles": [1, 4],
            "random_angles": [4],
            "features": ["power"],
            "seeds": [1],
            "iterations": 30,
            "random_networks": 20,
            "sampled": [1, 64],
            "draws": 4,
        },
        "invariants": {
            "seeds": [1],
            "evaluations": [10],
            "fraction": 0.05,
            "inversion": ["square", "neighbour"],
            "translation": ["power", "complete"],
        },
    },
}
# Timings, logs and provenance may differ between runs, and executed notebooks carry the time.
TIMED = {
    "timings.csv",
    "solo_timings.csv",
    "cost_to_target.csv",
    "cost-digits.csv",
    "cost-digits.svg",
    "cost-digits.png",
    "equal_terms.csv",
    "claims.csv",
    "verdicts.md",
    "verdicts.csv",
}
STABLE = ("**/*.csv", "**/*.safetensors", "**/*.npy", "**/*.md", "figures/*")


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with this interpreter first, and changes; None removes."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # How many threads a job has is its own decision.
    values = os.environ | {"PATH": path, "OMP_NUM_THREADS": None} | changes
    return {name: value for name, value in values.items() if value is not None}


def snakemake(folder: Path, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess:
    """Run the workflow in the folder on its small configuration."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", "small.yaml", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def checkout(folder: Path, configuration: dict = SMALL) -> Path:
    """A copy of what the workflow is made of, with a small configuration."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    # Not merged over the default: this copy's default is the small configuration itself.
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    (folder / "config/config.yaml").write_text(yaml.safe_dump(default | configuration))
    (folder / "small.yaml").write_text(yaml.safe_dump(configuration))
    return folder


def stable_bytes(folder: Path) -> dict[str, bytes]:
    results = folder / "results/small"
    paths = {path for pattern in STABLE for path in results.glob(pattern) if path.name not in TIMED}
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in paths}


# What is made again of a finished run, that two runs may be compared at less than the price of both: a study of the
# three with its batches, a rerun, two experiments, and all that is made from what was trained.
MADE_AGAIN = (
    *(f"batches/digits-clean/{name}" for name in ("identity", "neighbour")),
    "reruns/table1-biased-identity-original",
    *(f"theory/{name}.csv" for name in ("random_networks", "label_blind")),
    *("tables", "figures", "notebooks", "audit", "code", "verdicts.md", "findings.rst", "explore.html", "config.json"),
    *("manifest.json", "ro-crate-metadata.json", "report.html", "report.json", "index.html", "index.json"),
    "comparison.json",
)


def in_part(finished: Path, folder: Path) -> Path:
    """A copy of a finished run of which much is to be made again."""
    return lose(shutil.copytree(finished, folder, symlinks=True), *(f"results/small/{name}" for name in MADE_AGAIN))


def lose(folder: Path, *names: str) -> Path:
    """Remove some results of a run, where they are there."""
    for path in (folder / name for name in names):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return folder
