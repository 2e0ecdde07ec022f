"""The paper's tables and figures from its own data: `snakemake --cores all`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from snakemake.utils import min_version

min_version("9.19")

# This checkout's library, installed or not, for the workflow and for the jobs it starts.
sys.path.insert(0, str(Path(workflow.basedir) / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(workflow.basedir) / "src"), os.environ.get("PYTHONPATH")])
)

from symmetry_constrained import config as settings, published
from symmetry_constrained.closure import closure


configfile: "config/config.yaml"


try:
    settings.check(config, Path(workflow.basedir) / "workflow/schemas/config.schema.yaml")
except settings.ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(1)

RESULTS = config["results"]
BATCHES = settings.batches(config)
PUBLISHED = "workflow/resources/published.csv"
NUMBERS = published.read(Path(workflow.basedir) / PUBLISHED)


def code(program):
    """A script or notebook and the library's modules it imports: inputs, so that an edit reruns what depends on it."""
    root = Path(workflow.basedir)
    return [program, *(path.relative_to(root).as_posix() for path in closure(root / program))]


def dataset_of(study):
    return config["studies"][study]["dataset"]


report: "workflow/report/workflow.rst"


include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/figures.smk"


localrules:
    all,
    figures,


rule all:
    default_target: True
    input:
        rules.judge_published.output,
        rules.check_bound.output,
        rules.gather_networks.output,
        FIGURES,


rule figures:
    input:
        FIGURES,


onstart:
    networks = sum(len(spec["seeds"]) * len(spec["networks"]) * len(spec["fractions"]) for spec in BATCHES.values())
    print(f"{len(BATCHES)} training batches of {networks:,} networks in all; results in {RESULTS}/", file=sys.stderr)


onsuccess:
    # The report reads what Snakemake recorded of the finished jobs, so it is no job itself.
    with tempfile.NamedTemporaryFile("w", suffix=".json") as merged:
        json.dump(config, merged)
        merged.flush()
        command = [sys.executable, "-m", "snakemake", "--nolock", "--quiet", "all", "--snakefile", workflow.main_snakefile]
        command += ["--configfile", merged.name, "--report", f"{RESULTS}/report.html"]
        subprocess.run(command, check=True)
