"""The paper's tables and figures from its own data: `snakemake --cores all`."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.19")

# This checkout's library, installed or not.
sys.path.insert(0, str(Path(workflow.basedir) / "src"))


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/solvers.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/audit.smk"


# The report's opening page is made by the workflow: what was found.
report: f"{RESULTS}/findings.rst"


rule all:
    default_target: True
    input:
        STUDIED,
        rules.write_manifest.output,
        rules.write_audit.output,
        rules.write_report.output,


rule figures:
    input:
        FIGURES,


rule solvers:
    input:
        rules.compare_solvers.output,


rule benchmark:
    input:
        rules.draw_throughput.output,


# On a cluster, a rule with a benchmark is a job of the cluster's. All others run where Snakemake does, which is also
# where downloads find a network.
workflow.localrules(*(rule.name for rule in workflow.rules if rule.benchmark is None))


onstart:
    hold_results()
    print(plan(), file=sys.stderr)


onerror:
    print(*failures.explain(Path(log[0])), sep="\n", file=sys.stderr)
