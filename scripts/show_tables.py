"""Print the paper's tables beside our results, and the paths of all files."""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import cli
from symmetry_constrained.verdicts import page, paper_tables, published


def main(arguments: argparse.Namespace) -> None:
    for name, stem in published.TABLES.items():
        path = arguments.results / f"tables/{stem}.csv"
        if path.exists():
            print(f"\n{paper_tables.HEADINGS[name]}\n")
            print(paper_tables.aligned(paper_tables.narrow(paper_tables.readable(pd.read_csv(path)))))
    claims = arguments.results / "tables/claims.csv"
    if claims.exists():
        print(f"\nThe paper's claims, by their headline contrasts\n\n{page.brief(pd.read_csv(claims))}")
    bound = pd.read_csv(arguments.results / "tables/bound.csv")
    odd = bound[bound["function"] == "odd"]
    print(
        f"Of {odd['networks'].sum():,} bias-free networks that are odd functions, {odd['violations'].sum()} break "
        f"R + R̄ <= 1 on their own inputs (largest sum {odd['largest_sum_negated'].max():.3f}).\n"
    )
    for what, where in (
        ("Report", "report.html"),
        ("Networks to ask", "explore.html"),
        ("Verdicts", "verdicts.md"),
        ("Tables", "tables/"),
        ("Figures", "figures/"),
        ("Notebooks", "notebooks/"),
        ("Training batches", "batches/"),
        ("Reruns", "reruns/"),
        ("Logs", "logs/"),
    ):
        print(f"{what:<17} {arguments.results / where}")
    print(f"\nOpen {arguments.results / 'index.html'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="folder of a finished run")
    cli.run(main, parser)
