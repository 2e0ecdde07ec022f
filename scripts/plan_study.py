"""Where the time of a finished study went, and what another would cost on a cluster.

Prints an account of the core-seconds, and a table of core hours, GPU hours, jobs, storage and hours on so many nodes:
for the study, and for one of its studies on more datasets and widths.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd
import yaml
from snakemake.utils import update_config

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.runs import account, job_costs, planning
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs.locks import NOTES
from symmetry_constrained.verdicts import paper_tables, published

ROOT = Path(__file__).parent.parent
DEFAULT = ROOT / "config/config.yaml"
PUBLISHED = ROOT / "workflow/resources/published.csv"


def configuration(path: Path) -> dict:
    """The default configuration with another merged over it, as Snakemake does, checked."""
    # By JSON, since what aliases in a YAML file name is one object there, and would be changed in all places at once.
    merged = json.loads(json.dumps(yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))))
    update_config(merged, yaml.safe_load(path.read_text(encoding="utf-8")))
    return settings.check(merged, ROOT / "workflow/schemas/config.schema.yaml")


def main(arguments: argparse.Namespace) -> None:
    numbers = published.read(arguments.published)
    try:
        spent = account.account(arguments.results, arguments.records)
        print(paper_tables.markdown(account.readable(spent)))
        print(f"Neither training, theory nor reruns: {account.overhead(spent):.1%} of what jobs took.\n")
    except ValueError as reason:
        print(f"{reason}\n")
    before, config = configuration(arguments.measured), configuration(arguments.study)
    measured = job_costs.read(arguments.results, numbers)
    options = {
        "nodes": arguments.nodes,
        "side_by_side": arguments.jobs_per_node,
        "together": arguments.short_jobs,
        "per_submission": arguments.submission_seconds,
        "overhead": arguments.job_seconds,
        "gpu": measured.gpu,
    }
    many, widths = arguments.datasets, arguments.widths
    studies = {
        arguments.study.stem: (config, 1),
        f"{arguments.grid} on {many} datasets, {widths} widths": (
            planning.grid(config, arguments.grid, many, widths),
            many,
        ),
    }
    plans = []
    for name, (study, copies) in studies.items():
        table = planning.jobs(study, before, measured, numbers, arguments.splits_per_job)
        plans.append(planning.plan(name, table, planning.stored(study, table, measured, copies), **options))
    table = pd.concat(plans, ignore_index=True)
    for size, cost in measured.costs.items():
        rows = measured.timings[measured.timings["pixels"] == size]
        print(
            f"{size} pixels: {cost.start:.1f} s to start, {1e3 * cost.tick:.1f} ms an evaluation, "
            f"{1e12 * cost.rate:.0f} s for 10^12 weights times images; by these the run measured would have taken "
            f"{rows['fitted'].sum() / rows['seconds'].sum():.2f} of its time ({len(rows)} fractions)"
        )
    if absent := planning.uncounted(config, measured):
        print(f"not measured, so not counted: {', '.join(absent)}")
    print(f"{arguments.jobs_per_node} jobs at a time on a node; the longest chain of jobs that train is a single one\n")
    print(paper_tables.markdown(planning.readable(table)))
    if arguments.out:
        artifacts.write_csv(table, arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the finished run")
    parser.add_argument("--measured", type=Path, default=DEFAULT, help="configuration of the finished run")
    parser.add_argument("--study", type=Path, default=ROOT / "config/full.yaml", help="configuration to plan")
    parser.add_argument("--grid", default="mnist-clean", help="the study to multiply by datasets and widths")
    parser.add_argument("--datasets", type=int, default=10, help="datasets like the grid's")
    parser.add_argument("--widths", type=int, default=10, help="hidden layers 10-5, 20-10, ... so many")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 1000], help="numbers of nodes")
    parser.add_argument("--jobs-per-node", type=int, default=16, help="jobs at a time: a node's cores, or its GPUs")
    parser.add_argument("--splits-per-job", type=int, default=2, help="splits that a job takes, as in profiles/slurm")
    parser.add_argument("--short-jobs", type=int, default=10, help="short jobs to a submission, as in profiles/slurm")
    parser.add_argument("--submission-seconds", type=float, default=1.0, help="the scheduler's own, per submission")
    parser.add_argument("--job-seconds", type=float, default=6.0, help="Snakemake's own on the node, per job")
    parser.add_argument("--records", type=Path, default=Path(NOTES), help="folder of Snakemake's records")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="published.csv")
    parser.add_argument("--out", type=Path, help="a CSV to write as well")
    cli.run(main, parser)
