"""Audit a results folder: recompute what it claims by a path of its own, and say what does not hold.

Writes audit.json and audit.html to its folder audit/. Exit status 0 only if everything holds.
"""

import argparse
import os
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, audit, cli
from symmetry_constrained.audit import notes, page
from symmetry_constrained.audit.results import Results

PROJECT = Path(__file__).parent.parent
MOST = 8  # processes; more would wait for the longest piece


def main(arguments: argparse.Namespace) -> None:
    if not arguments.results.is_dir():
        raise ValueError(f"{arguments.results} is no folder")
    if arguments.processes < 1:
        raise ValueError(f"--processes is {arguments.processes}; it must be at least 1")
    out = arguments.out or arguments.results / "audit"
    if out.is_symlink():
        raise ValueError(f"{out} is a link; the audit writes into the results' own folder, or into --out FOLDER")
    # Within a run the same results have the same audit.
    draw = "" if arguments.in_run else arguments.draw or secrets.token_hex(4)
    results = Results(arguments.results, PROJECT, arguments.deep, draw)
    # The report is written when the run has ended, so a step of the run would find that of the run before.
    links = [link for link in audit.LINKS if link != "report" or not arguments.in_run]
    checks = audit.run(results, links, arguments.processes)
    bytes_only = sorted(set(results.recorded) - results.read)
    said = notes.told(results) + [f"--draw {draw} draws the same networks to be trained again"] * bool(draw)
    for line in page.lines(checks, said):
        print(line)
    artifacts.write_json(page.summary(checks, bytes_only, said), out / "audit.json")
    artifacts.write_text(page.page(checks, bytes_only, said), out / "audit.html")
    if not arguments.in_run and not all(check.ok for check in checks):
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="folder of a finished run")
    parser.add_argument("--out", type=Path, help="folder for the two files (default: the results' folder audit)")
    parser.add_argument("--deep", action="store_true", help="train many networks again, which takes minutes")
    parser.add_argument(
        "--draw", help="any word: draws the networks that are trained again (default: others each time)"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=min(MOST, os.cpu_count() or 1),
        help=f"to work in, with up to 1 GB each (default: one for each core, up to {MOST})",
    )
    parser.add_argument("--in-run", action="store_true", help="a step of the run: no report yet, exit status 0")
    cli.run(main, parser)
