"""The paper's tables and figures from its own data: `snakemake --cores all`."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.19")

# The folder of this file, which holds all that the rules name. Snakemake's `workflow.basedir` is another folder where
# this file is used as a module.
ROOT = Path(str(workflow.current_basedir))
if not ROOT.samefile("."):
    print(f"This workflow runs in the folder of its Snakefile only: cd {ROOT}, and start it there.", file=sys.stderr)
    sys.exit(1)

# This checkout's library, installed or not.
sys.path.insert(0, str(ROOT / "src"))


configfile: "config/config.yaml"


include: "workflow/rules/start.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/parts.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/solvers.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/steps.smk"


# The report's opening page is made by the workflow, from the titles of the figures.
report: f"{RESULTS}/findings.rst"


rule all:
    default_target: True
    input:
        STUDIED,
        rules.write_manifest.output,
        rules.write_audit.output,
        rules.write_report.output,
        rules.write_index.output,


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
    STARTED["lock"] = or_stop(locks.hold, RESULTS)
    recovery.put_aside(RESULTS)
    if workflow.local_exec:
        leave_rate_unlimited()
        or_stop(devices.check, config["device"])
        outputs = {path for job in workflow.dag.needrun_jobs() for path in job.output}
        STARTED["record"] = workflow_runs.begin(sys.argv, workflow.cores, outputs)
    cli.say(targets.summary(BATCHES, RESULTS))
    if TERMINAL:
        TERMINAL.begin(steps(), workflow.cores if workflow.local_exec else None)


onsuccess:
    if "record" in STARTED:
        workflow_runs.end(STARTED["record"])
    if TERMINAL:
        TERMINAL.end(page_to_open())


onerror:
    reasons = failures.explain(Path(log[0]))
    if TERMINAL:
        TERMINAL.fail(reasons)
    else:
        print(*reasons, sep="\n", file=sys.stderr)
