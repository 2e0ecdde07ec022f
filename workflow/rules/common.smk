# What the rules share: the checked configuration, paths by the study's vocabulary, and inputs by rule.

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from symmetry_constrained import config as settings
from symmetry_constrained.closure import closure

ROOT = Path(workflow.basedir)

try:
    settings.check(config, ROOT / "workflow/schemas/config.schema.yaml")
except settings.ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(1)

# Bash's strict mode, as by default; and the jobs use this checkout's library as well.
shell.prefix(f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT / 'src'))}; ")

RESULTS = config["results"]
PUBLISHED = "workflow/resources/published.csv"
NUMBERS = pd.read_csv(ROOT / PUBLISHED)
USES_GPU = config["device"].startswith("cuda") or (
    config["device"] == "auto" and shutil.which("nvidia-smi") is not None
)

# Every training batch of the configuration: its wildcards -> its spec.
BATCH_KEYS = ("study", "features", "training_set", "hidden_layers", "split")
BATCHES = settings.batches(config)
BATCH = f"{RESULTS}/batches/{{study}}/{{features}}/{{training_set}}/{{hidden_layers}}/split-{{split}}"
BATCH_FOLDERS = [BATCH.format(**dict(zip(BATCH_KEYS, key))) for key in BATCHES]


wildcard_constraints:
    dataset="[a-z0-9]+",
    protocol="published|clean",
    split="[0-9]+",
    study="[a-z0-9-]+",
    features="[a-z]+",
    training_set="original|augmented|random-sign",
    hidden_layers="[0-9-]+",
    id="[a-z0-9-]+",


def code(program):
    """A script or notebook and the library's modules it imports: inputs, so that an edit reruns what depends on it."""
    return [program, *(path.relative_to(ROOT).as_posix() for path in closure(ROOT / program))]


def spec(wildcards):
    """What a training batch is told."""
    return BATCHES[tuple(wildcards[key] for key in BATCH_KEYS)]


def split_folder(dataset, protocol, split):
    return f"{RESULTS}/splits/{dataset}/{protocol}/split-{split}"


BATCH_SPLITS = [split_folder(spec["dataset"], spec["protocol"], spec["split"]) for spec in BATCHES.values()]


def data_files(dataset, protocol, split):
    """Inputs of whatever trains: the source images, and which of them train and test."""
    folder = split_folder(dataset, protocol, split)
    return {
        "images": f"{RESULTS}/data/{dataset}/images.npy",
        "labels": f"{RESULTS}/data/{dataset}/labels.npy",
        "rows": f"{folder}/rows.csv",
        "scaling": f"{folder}/scaling.csv",
    }


def batch_data(wildcards):
    return data_files(*(spec(wildcards)[key] for key in ("dataset", "protocol", "split")))


def number_data(wildcards):
    number = NUMBERS[NUMBERS["id"] == wildcards.id].iloc[0]
    return data_files(number["dataset"], "published", number["split_seed"])


def published_ids():
    """The published networks whose dataset is studied."""
    datasets = {study["dataset"] for study in config["studies"].values()}
    return list(dict.fromkeys(NUMBERS.loc[NUMBERS["dataset"].isin(datasets), "id"]))


def plan():
    """One line: what the whole study is."""
    networks = sum(len(spec["seeds"]) * len(spec["networks"]) * len(spec["fractions"]) for spec in BATCHES.values())
    return f"{len(BATCHES)} training batches of {networks:,} networks in all; results in {RESULTS}/"


def write_report():
    """The report reads what Snakemake recorded of the finished jobs, so it is no job itself."""
    page = f"{RESULTS}/report.html"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as merged:
        json.dump(config, merged)
        merged.flush()
        command = [sys.executable, "-m", "snakemake", "--nolock", "--quiet", "all", "--report", page]
        command += ["--snakefile", workflow.main_snakefile, "--configfile", merged.name]
        subprocess.run(command, check=True)
