# What the rules share: the checked configuration, paths by the study's vocabulary, and inputs by rule.

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from symmetry_constrained import artifacts
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import failures, manifest, planning
from symmetry_constrained.runs.closure import closure

ROOT = Path(workflow.basedir)


def check_writable(folders):
    """One plain line and no run where Snakemake would end in a traceback, or go on without its notes."""
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            print(f"Permission denied: the folder {folder} may not be written to", file=sys.stderr)
            sys.exit(1)


NOTES = ".snakemake" if Path(".snakemake").exists() else "."
check_writable([NOTES])
if shutil.disk_usage(NOTES).free < 2**20:
    # Scripts say so themselves; Snakemake's notes would fail in a hundred tracebacks.
    print(f"No space left on device: less than 1 MB for Snakemake's notes in {NOTES}", file=sys.stderr)
    sys.exit(1)

AS_GIVEN = json.dumps(config)
try:
    config = settings.check(config, ROOT / "workflow/schemas/config.schema.yaml")
except settings.ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(1)

# Bash's strict mode, as by default; the jobs use this checkout's library as well; and Jupyter needs some home.
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT / 'src'))};"
    ' [ -w "${{HOME:-}}" ] || export HOME="${{TMPDIR:-/tmp}}"; '
)

RESULTS = config["results"]
PUBLISHED = "workflow/resources/published.csv"
NUMBERS = pd.read_csv(ROOT / PUBLISHED, dtype={"table": str})
USES_GPU = config["device"].startswith("cuda") or (
    config["device"] == "auto" and shutil.which("nvidia-smi") is not None
)

# Every training batch of the configuration: its wildcards -> its spec.
SPLIT_KEYS = ("dataset", "protocol", "split")
BATCH_KEYS = ("study", "features", "training_set", "hidden_layers", "split")
BATCHES = settings.batches(config)
BATCH = f"{RESULTS}/batches/{{study}}/{{features}}/{{training_set}}/{{hidden_layers}}/split-{{split}}"
DATASETS = {spec["dataset"] for spec in BATCHES.values()}
BATCH_FOLDERS = [BATCH.format(**dict(zip(BATCH_KEYS, key))) for key in BATCHES]


wildcard_constraints:
    dataset="[a-z0-9-]+",
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


def download_list(wildcards):
    """Files, checksums and sources of a dataset that is downloaded, where we keep a list of our own."""
    path = f"workflow/resources/{wildcards.dataset}.yaml"
    return [path] if (ROOT / path).exists() else []


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
    return data_files(*(spec(wildcards)[key] for key in SPLIT_KEYS))


def dataset_memory(dataset):
    """Measured peaks, with room: 0.7 GB on digits, 1.2 GB on ±X of 60,000 images of 28x28."""
    return 1000 if dataset == "digits" else 1800


def memory(wildcards):
    return dataset_memory(spec(wildcards)["dataset"])


def batch_group(wildcards):
    """On a cluster short batches go several to a job, as many as the profile says; locally groups mean nothing."""
    return "short" if planning.expected_seconds(spec(wildcards)) < planning.SHORT_SECONDS else None


def rerun_group(wildcards):
    """Likewise: those on digits take 15 seconds or so, those on 70,000 images up to an hour."""
    return "short" if number(wildcards)["dataset"] == "digits" else None


def number(wildcards):
    """A published network's row; where several numbers are of it, the first."""
    return NUMBERS[NUMBERS["id"] == wildcards.id].iloc[0]


def number_data(wildcards):
    return data_files(number(wildcards)["dataset"], "published", number(wildcards)["split_seed"])


PLACED = {dataset: config["published_numbers"][dataset] for dataset in settings.placed(config)}


def published_ids():
    """The published networks whose cell is studied."""
    ids = []
    for _, number in NUMBERS.iterrows():
        if number["dataset"] in PLACED:
            study = config["studies"][PLACED[number["dataset"]]["study"]]
            trained = study["features"].get(number["features"], [])
            if number["training_set"] in trained and number["network"] in study["networks"]:
                ids.append(number["id"])
    return list(dict.fromkeys(ids))


def paper_tables():
    """The stems of the paper's tables that have a number here."""
    stems = {"1": "table1", "2": "table2", "talk": "talk"}
    return [stems[table] for table in dict.fromkeys(NUMBERS.loc[NUMBERS["id"].isin(published_ids()), "table"])]


def rerun_options(wildcards):
    """How a published network is rerun: options of the script."""
    placed = PLACED[number(wildcards)["dataset"]]
    shared = config["published_numbers"]
    return (
        f"--solvers {' '.join(placed['solvers'])} --budgets {' '.join(placed['budgets'])}"
        f" --perturbed-networks {placed['perturbed_networks']} --perturbed-at-a-time {shared['perturbed_at_a_time']}"
        f" --perturbation {shared['perturbation']} --device {config['device']}"
    )


def target_options():
    """The accuracies asked for, as options of the scripts."""
    return " ".join(f"--target {name}={value}" for name, values in config["targets"].items() for value in values)


def judged_studies():
    """Where the paper's claims are judged, as options of the script: by protocol and dataset."""
    return " ".join(
        f"--study {protocol}={dataset}={placed[key]}"
        for dataset, placed in PLACED.items()
        for protocol, key in (("published", "study"), ("clean", "clean_study"))
    )


def theory_options(experiment):
    """The options of an experiment's script, as the configuration states them."""
    options = []
    for key, value in config["theory"][experiment].items():
        options.append(f"--{key.replace('_', '-')} {' '.join(map(str, value if isinstance(value, list) else [value]))}")
    return " ".join(options)


# What is timed alone: every model of the studies drawn that train on all images, on the first split.
WHOLE = [name for name in config["figures"]["curves"] if 1 in config["studies"][name]["fractions"]]
TIMED = {*WHOLE, config["figures"]["budget"]}
SOLO_KEYS = list({key[:-1]: key for key in reversed(BATCHES) if key[0] in TIMED}.values())[::-1]
SOLO_FILES = sorted(
    {path for key in SOLO_KEYS for path in data_files(*(BATCHES[key][name] for name in SPLIT_KEYS)).values()}
)


# Runs one notebook, its sources being inputs; the page is its HTML.
NOTEBOOK = (
    "papermill -k python3 --cwd notebooks -y {params.parameters:q} --no-progress-bar {input.code[0]}"
    " {output.notebook:q} > {log:q} 2>&1"
    " && python -m nbconvert --to html --log-level WARN {output.notebook:q} >> {log:q} 2>&1"
)


def notebook_parameters(**values):
    """What a notebook is told: the results folder as seen from it, and more."""
    return json.dumps({"results": os.path.relpath(RESULTS, "notebooks")} | values)


def drawn(notebook):
    """Everything a notebook leaves but its executed copy: figures with their data, and its page."""
    files = [f"{RESULTS}/notebooks/{notebook}.html"]
    for figure in FIGURES_OF[notebook]:
        category, caption, label = CAPTIONS[figure]
        files += [f"{RESULTS}/figures/{figure}.{suffix}" for suffix in ("png", "csv")]
        svg = f"{RESULTS}/figures/{figure}.svg"
        files += [report(svg, caption=f"../report/{caption}.rst", category=category, labels={"result": label})]
    return files


def hold_results():
    """Two runs must not write to one folder. The kernel's lock ends with the run; Snakemake's own outlives a kill."""
    global held
    for part in (RESULTS, ".snakemake/incomplete", ".snakemake/metadata"):
        check_writable(folder for folder, _, _ in os.walk(part))
    path = Path(".snakemake/running", quote(RESULTS, safe=""))
    path.parent.mkdir(parents=True, exist_ok=True)
    held = open(path, "w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Another run is writing to {RESULTS}/; wait for it to end, or stop it.", file=sys.stderr)
        sys.exit(1)


def plan():
    """One line: what the whole study is."""
    networks = sum(len(spec["seeds"]) * len(spec["networks"]) * len(spec["fractions"]) for spec in BATCHES.values())
    return f"{len(BATCHES)} training batches of {networks:,} networks in all; results in {RESULTS}/"


def write_report(page, targets):
    """The report reads what Snakemake recorded of the jobs that made the targets."""
    with tempfile.TemporaryDirectory() as folder, artifacts.whole(page) as whole:
        merged = Path(folder, "config.json")
        merged.write_text(AS_GIVEN)
        command = [sys.executable, "-m", "snakemake", *targets, "--nolock", "--quiet", "all", "--report", whole]
        command += ["--snakefile", workflow.main_snakefile, "--configfile", merged]
        subprocess.run(command, check=True)
    manifest.record(Path(page), Path(page).with_suffix(".json"))
