# What the rules share: the checked configuration, and paths by the study's vocabulary.

import copy
import json
import os

from snakemake.settings.types import DeploymentMethod

from symmetry_constrained.data.inputs import TRAINING_SETS
from symmetry_constrained.data.protocols import PROTOCOLS
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import (
    devices,
    failures,
    job_costs,
    judged_settings,
    overlays,
    parts,
    recovery,
    step_costs,
    targets,
)
from symmetry_constrained.runs import workflow_runs
from symmetry_constrained.runs.closure import closure
from symmetry_constrained.runs.commands import NOTEBOOK, logged, prefix, words
from symmetry_constrained.runs.progress import Step
from symmetry_constrained.verdicts import published, run_tables

config = overlays.in_default_order(config, ROOT / "config/config.yaml")
AS_GIVEN = copy.deepcopy(config)
config = or_stop(settings.check, config, ROOT / "workflow/schemas/config.schema.yaml")
config["device"] = devices.decide(config["device"])
AS_GIVEN |= {key: config[key] for key in ("device", "results", "data")}
STARTED = {}  # what lasts from `onstart` to the end: the lock on the results, and the record of this run

CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
shell.prefix(prefix("python" if CONDA else sys.executable, ROOT / "src", hushed=TERMINAL is not None))

GPU = int(devices.uses_gpu(config["device"]))

RESULTS = config["results"]
LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
CLAIMS, PUBLISHED = "workflow/resources/claims.yaml", "workflow/resources/published.csv"
NUMBERS = published.read(ROOT / PUBLISHED)
IDS = or_stop(targets.published_ids, config, NUMBERS)
NOTEBOOKS_PAGE = "src/symmetry_constrained/pages/notebook.py"  # what writes the page of a notebook
PAPER_TABLES = targets.paper_tables(config, NUMBERS)
COMPARED = targets.compared(config)
SETTINGS = judged_settings.with_attributes(config)

# Every training batch of the configuration: its wildcards -> its spec.
SPLIT_KEYS = ("dataset", "protocol", "split")
BATCH_KEYS = ("study", "features", "training_set", "hidden_layers", "split")
BATCHES = settings.batches(config)
CELL = "{study}/{features}/{training_set}/{hidden_layers}"
BATCH = f"{RESULTS}/batches/{CELL}/split-{{split}}"
BATCH_FILES = {name: f"{name}.csv" for name in ("networks", "history", "timings")}
BATCH_FILES |= {name: f"{name}.safetensors" for name in ("weights", "predictions")} | {"provenance": "provenance.json"}
BATCH_NAME = "{study}-{features}-{training_set}-{hidden_layers}-{split}"


def batch_folders(keys):
    return [BATCH.format(**dict(zip(BATCH_KEYS, key))) for key in keys]


BATCH_FOLDERS = batch_folders(BATCHES)

# What can be had by itself, by the name of its target: a claim, or one of the paper's tables.
CLAIM_PARTS = or_stop(parts.of_claims, ROOT / CLAIMS, SETTINGS, BATCHES)
PARTS = CLAIM_PARTS | parts.of_tables(config, NUMBERS, BATCHES)
or_stop(parts.check_asked, sys.argv[1:], PARTS)


wildcard_constraints:
    dataset="[a-z0-9-]+",
    protocol="|".join(PROTOCOLS),
    split="[0-9]+",
    study="[a-z0-9-]+",
    features="[a-z]+",
    training_set="|".join(TRAINING_SETS),
    hidden_layers="[0-9c-]+",
    id="[a-z0-9-]+",
    part="|".join(PARTS),


def code(program):
    """A script or notebook and the library's modules it imports: inputs, so that an edit reruns what depends on it."""
    page = [ROOT / NOTEBOOKS_PAGE, *closure(ROOT / NOTEBOOKS_PAGE)] if program.endswith(".ipynb") else []
    files = sorted({*closure(ROOT / program), *page})
    return [program, *(path.relative_to(ROOT).as_posix() for path in files)]


def options(**values):
    """Options of a script, for `params`: as a function, because Snakemake takes braces in a text for wildcards."""
    found = words(values)
    return lambda wildcards: found


def spec(wildcards, **fixed):
    """The settings of a training batch. fixed: what the wildcards do not say."""
    return BATCHES[tuple(str(fixed[key] if key in fixed else wildcards[key]) for key in BATCH_KEYS)]


def specs(job, wildcards):
    """The settings of what a training job trains, on each of its splits."""
    return [spec(wildcards, **job.fixed, split=split) for split in job.splits]


def spec_text(batch):
    """A batch's settings for a script, without the number of the split: its folder's name says it."""
    return json.dumps({key: value for key, value in batch.items() if key != "split"})


def split_folders(dataset, protocol, splits):
    return [f"{RESULTS}/splits/{dataset}/{protocol}/split-{split}" for split in splits]


def split_folder(dataset, protocol, split):
    return split_folders(dataset, protocol, [split])[0]


def batch_splits(keys):
    """The folder of each batch's split."""
    return [split_folder(*(BATCHES[key][name] for name in SPLIT_KEYS)) for key in keys]


BATCH_SPLITS = batch_splits(BATCHES)


def data_files(dataset, protocol, split):
    """Inputs of whatever trains: the source images, and which of them train and test. split: one, or a list of them."""
    many = isinstance(split, (list, range))
    folders = split_folders(dataset, protocol, split if many else [split])
    kinds = {kind: [f"{folder}/{kind}.csv" for folder in folders] for kind in ("rows", "scaling")}
    return {
        "images": f"{RESULTS}/data/{dataset}/images.npy",
        "labels": f"{RESULTS}/data/{dataset}/labels.npy",
        **(kinds if many else {kind: files[0] for kind, files in kinds.items()}),
    }


def number(wildcards):
    """A published network's row; if several numbers are of it, the first."""
    return NUMBERS[NUMBERS["id"] == wildcards.id].iloc[0]


def batch_group(specs):
    """On a cluster short jobs go several to a submission, as the profile says; locally groups mean nothing."""
    return "short" if job_costs.expected_seconds(specs) < job_costs.SHORT_SECONDS else None


def notebook_parameters(**values):
    """A notebook's parameters: the results folder as seen from it, and more."""
    found = json.dumps({"results": os.path.relpath(RESULTS, "notebooks")} | values)
    return lambda wildcards: found


def drawn(notebook):
    """All that a notebook leaves besides its executed copy: figures with their data, and its page."""
    files = [f"{RESULTS}/notebooks/{notebook}.html"]
    for figure in FIGURES_OF[notebook]:
        category, caption, label = CAPTIONS[figure]
        files += [f"{RESULTS}/figures/{figure}.{suffix}" for suffix in ("png", "csv")]
        svg = f"{RESULTS}/figures/{figure}.svg"
        files += [report(svg, caption=f"../report/{caption}.rst", category=category, labels={"result": label})]
    return files


def theory_tables(part):
    """Those that a claim is judged by."""
    return [path for path in THEORY_TABLES if os.path.relpath(path, RESULTS).removesuffix(".csv") in part.tables]


def timed_jobs(part):
    """What the benchmarks of all that is trained for a claim are called."""
    paths = [path for table in theory_tables(part) for path in THEORY_TABLES[table]]
    paths += [rules.time_solo.benchmark] if "solo" in part.tables else []
    names = [os.path.relpath(path, BENCHMARKS).removesuffix(".tsv") for path in dict.fromkeys(paths)]
    return parts.benchmarks(part, BATCHES) + names


def of_batches(file):
    """A file of each batch that a part needs."""
    return lambda wildcards: [f"{folder}/{file}" for folder in batch_folders(PARTS[wildcards.part].batches)]
