"""Judge the claims by the run's tables: claims.csv, settings.csv, leak.csv, and verdicts.md for people."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.analysis import accuracy_targets
from symmetry_constrained.verdicts import claims, costs, judgement, leak, page, run_tables, settings
from symmetry_constrained.verdicts.table import with_holm


def main(arguments: argparse.Namespace) -> None:
    stated, rules = claims.read(arguments.claims)
    targets = accuracy_targets.read_targets(arguments.target)
    judged_in = settings.read(arguments.settings)
    given = arguments.tables, arguments.theory, arguments.results
    tables = run_tables.read(*given, arguments.published, judged_in, targets)
    if arguments.claim:
        stated, rules = claims.only(arguments.claim, stated, rules)
    judged = judgement.judged(rules, tables)
    if not arguments.claim:
        judged = with_holm(judged)
    places, leaking = settings.tabulate(judged_in, tables.networks), leak.leak(rules, tables)
    for name, table in (("claims", judged), ("settings", places), ("leak", leaking)):
        artifacts.write_csv(table, arguments.out / f"{name}.csv")
    jobs = {claim.id: [name for id_, name in arguments.jobs if id_ == claim.id] for claim in stated}
    each = costs.read(arguments.benchmarks, jobs)
    artifacts.write_text(page.page(judged, stated, places, leaking, each), arguments.page)


def _job(text: str) -> tuple[str, str]:
    claim, _, name = text.partition("=")
    return claim, name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="claims.yaml: the contrasts and their margins")
    parser.add_argument("--published", type=Path, required=True, help="published.csv: the paper's numbers")
    parser.add_argument("--claim", help="judge this claim by itself, as C8; Holm's adjustment needs all")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of the studies, as networks.csv")
    parser.add_argument("--theory", type=Path, nargs="*", default=[], help="tables of the experiments on theory")
    parser.add_argument("--results", type=Path, required=True, help="the run's folder, in which theory/ lies")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder of the run's benchmarks")
    parser.add_argument(
        "--jobs", type=_job, action="append", default=[], metavar="CLAIM=NAME", help="a claim's jobs, as benchmarks"
    )
    parser.add_argument(
        "--settings",
        required=True,
        metavar="JSON",
        help="the settings to judge in: their attributes by name",
    )
    parser.add_argument(
        "--target", action="append", required=True, metavar="DATASET=ACCURACY", help="as digits=0.7; may be repeated"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder for claims.csv, settings.csv and leak.csv")
    parser.add_argument("--page", type=Path, required=True, help="the page to write, verdicts.md")
    cli.run(main, parser)
