"""Configurations drawn at random from what is legal, and whole runs of them in one process: each is tiny."""

import contextlib
import copy
import io
import json
import os
import random
import re
import shlex
from pathlib import Path

import yaml

from helpers.runs import SMALL, checkout, snakemake
from helpers.scripts import call
from symmetry_constrained.networks.activations import ACTIVATIONS
from symmetry_constrained.networks.architecture import STARTS
from symmetry_constrained.networks.registry import AVERAGING
from symmetry_constrained.optim.registry import OPTIMISERS

MAPS = ("identity", "square", "neighbour", "permuted", "canonical", "absolute", "quadratic")
SETS = ("original", "augmented", "random-sign")
RECIPES = {
    "activation": list(ACTIVATIONS),
    "averaging": list(AVERAGING),
    "start": list(STARTS),
    "optimiser": list(OPTIMISERS),
}
THEORY = {
    "random_networks": {"networks": [1, 3], "images": [1, 5]},
    "label_blind": {"seeds": [1, 2], "fraction": [0.007, 0.05]},
    "emulated_bias_digits": {
        "seeds": [1, 2],
        "fraction": [0.007, 0.05],
        "max_evaluations": [1, 5],
        "weights": [[1], [0.01, 32]],
    },
    "saturated_units": {"seeds": [1, 2], "fraction": [0.007, 0.05], "max_evaluations": [1, 5]},
    "amplification": {
        "depths": [[1], [1, 3]],
        "epsilons": [[0], ["inf"], [0, 0.1, "inf"]],
        "seeds": [1, 2],
        "fraction": [0.007, 0.05],
        "max_iterations": [1, 5],
    },
    "mirrored_pairs": {
        "epsilons": [[0.1], [1e-4, 1.0]],
        "seeds": [1, 2],
        "fraction": [0.007, 0.05],
        "max_iterations": [1, 5],
    },
    "orbits": {
        "images": [1, 4],
        "angles": [[1], [1, 4], [3]],
        "random_angles": [[2]],
        "features": [["power"], ["complete", "aligned"]],
        "seeds": [[0], [1, 2]],
        "penalty": [0.01, 1],
        "iterations": [1, 5],
        "random_networks": [1, 3],
        "sampled": [[1], [1, 4]],
        "draws": [1, 3],
    },
    "invariants": {
        "seeds": [[0], [1, 2]],
        "evaluations": [[1], [2, 4]],
        "fraction": [0.007, 0.05],
        "inversion": [["square"], ["identity", "neighbour"]],
        "translation": [["power"], ["identity", "complete"]],
    },
}


def some(random_: random.Random, names, least: int = 1) -> list:
    return random_.sample(list(names), random_.randint(least, len(names)))


def study(random_: random.Random, protocol: str, placed: bool) -> dict:
    """A study of digits; one that published numbers are placed among has what they need."""
    features = {name: [random_.choice(SETS)] for name in some(random_, MAPS[:6])}
    if placed or "identity" in features:
        features["identity"] = some(random_, SETS)
    fractions = sorted(some(random_, [0.01, 0.02, 0.03]) + ([1.0] if placed or random_.random() < 0.5 else []))
    layers = [[10, 5]] if placed else some(random_, [[1], [4], [3, 2], [10, 5]])
    limit = random_.choice([1, 2, 6])
    budget = {name: limit for name in some(random_, ("max_iterations", "max_evaluations"))}
    recipe = (
        {} if placed else {key: random_.choice(list(names)) for key, names in RECIPES.items() if random_.random() < 0.3}
    )
    return recipe | {
        "dataset": "digits",
        "protocol": protocol,
        "features": features,
        "networks": some(random_, ("biased", "bias-free")),
        "hidden_layers": layers,
        "splits": random_.choice([1, [3], [0, 2]]),
        "seeds": random_.choice([1, [7], 2]),
        "fractions": fractions,
        "budget": budget,
        "checkpoints": sorted(some(random_, range(1, limit), 0)) if limit > 1 else [],
    }


def configuration(seed: int) -> dict:
    """One that the schema allows; whether all of it is legal, the workflow says."""
    random_ = random.Random(seed)
    config = copy.deepcopy(SMALL)
    studies = {
        "digits-published": study(random_, "published", True),
        "digits-clean": study(random_, "clean", True),
        "other": study(random_, random_.choice(["published", "clean"]), False),
    }
    # What published numbers are judged by trains their cells.
    clean = studies["digits-clean"]
    for name, sets in studies["digits-published"]["features"].items():
        clean["features"][name] = sets
    clean["networks"] = sorted({*clean["networks"], *studies["digits-published"]["networks"]})
    if random_.random() < 0.3:
        del studies["other"]
    names = [name for name, one in studies.items() if 1.0 in one["fractions"]]
    curves = random_.choice([name for name in names if len(studies[name]["hidden_layers"]) == 1])
    targets = sorted(some(random_, [0.1, 0.25, 0.999]))
    places = {name: random_.choice(one["hidden_layers"]) for name, one in studies.items()}
    settings = {
        f"in-{name}": {"study": name, "hidden_layers": places[name], "label": name} for name in some(random_, places)
    } | {"no-leak": {"study": "digits-clean", "hidden_layers": [10, 5], "label": "no leak"}}
    return config | {
        "settings": settings,
        "dtype": random_.choice(["float32", "float64"]),
        "alpha": random_.choice([0, 1.0e-5, 1000]),
        "studies": studies,
        "published_numbers": {
            "digits": {
                "study": "digits-published",
                "clean_study": "digits-clean",
                "solvers": some(random_, ("scikit-learn", "ours")),
                "budgets": random_.choice([["evaluations"], ["iterations", "evaluations"]]),
                "perturbed_networks": random_.choice([0, 1, 3]),
            },
            "perturbed_at_a_time": random_.choice([1, 2]),
            "perturbation": random_.choice([1e-12, 1e-7]),
        },
        "targets": {"digits": targets},
        "figures": {
            "curves": [curves],
            "budget": random_.choice(names),
            "target": {"digits": random_.choice(targets)},
        },
        "solo": {"repeats": 1, "max_evaluations": 2},
        "theory": {"splits": random_.choice([1, 2])}
        | {name: {key: random_.choice(values) for key, values in options.items()} for name, options in THEORY.items()},
    }


def run_whole(folder: Path, config: dict) -> str | None:
    """Run every job of the configuration's workflow here, but the record, the audit and the report.

    Returns what the workflow refuses it with, None if it runs; AssertionError for a job that fails.
    """
    checkout(folder, config)
    planned = snakemake(folder, "--dry-run", "--printshellcmds")
    if planned.returncode:
        refused = [line for line in planned.stderr.splitlines() if line.startswith("config: ")]
        assert len(refused) == 1 and "Traceback" not in planned.stderr, planned.stdout + planned.stderr
        return refused[0]
    commands = re.findall(r'^Shell command: "\$PYTHON" scripts/(\w+)\.py (.*) 2>&1 \| tee \S+$', planned.stdout, re.M)
    notebooks = re.findall(r"-m papermill .* -y (.*) --no-progress-bar (notebooks/\w+\.ipynb) ", planned.stdout)
    assert len(commands) > 20 and len(notebooks) > 4
    before = os.getcwd()
    os.chdir(folder)
    try:
        for script, words in commands:
            if script not in ("write_manifest", "audit", "write_report", "write_findings", "write_index"):
                with contextlib.redirect_stderr(io.StringIO()):
                    ended = call(script, *shlex.split(words))
                assert ended == (0, ""), f"{script} fails: {ended[1]}\n{yaml.safe_dump(config)}"
        for parameters, notebook in notebooks:
            with contextlib.redirect_stdout(io.StringIO()):
                _execute(Path(notebook), json.loads(shlex.split(parameters)[0]))
    finally:
        os.chdir(before)
    return None


def _execute(notebook: Path, parameters: dict) -> None:
    """A notebook's code in this process, from its own folder."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    before, names = os.getcwd(), {}
    os.chdir(notebook.parent)
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), str(notebook), "exec"), names)
                if "parameters" in cell["metadata"].get("tags", []):
                    names |= parameters
    finally:
        os.chdir(before)
