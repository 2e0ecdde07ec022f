"""Judge every published number, and lay the results out as the paper's tables.

Writes published_numbers.csv, table1, table2 and talk as CSV and Markdown, and a page with all of them.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.verdicts import paper_tables, published

NEEDED = 200  # perturbed networks without which a number is not called "not reproduced"

NOTE = (
    "The published number is one network on one split. By scikit-learn, by us: the same split and seed trained again "
    "in float64, 200 evaluations. Same seed gives: exact to three decimals by scikit-learn's own estimator, or within "
    "numerical chaos, inside the range of networks whose initial weights were moved by at most 1e-12. Median and 95 % "
    "of draws: N networks over splits and seeds, among which the percentile and the last verdict place the number. "
    "Clean: the same cells when no copy of a training image is tested on."
)


def main(arguments: argparse.Namespace) -> None:
    numbers = published.read(arguments.published)
    folders = {folder.name: folder for folder in arguments.reruns}
    numbers = numbers[numbers["id"].isin(folders) & numbers["table"].isin(arguments.of or published.TABLES)]
    networks = pd.read_csv(arguments.networks)
    draws, clean = (
        pd.concat(published.of_the_paper(networks, study) for study in studies)
        for studies in (arguments.studies, arguments.clean_studies)
    )
    judged = published.judge(
        numbers,
        {name: pd.read_csv(folder / "reruns.csv") for name, folder in folders.items()},
        {name: pd.read_csv(folder / "perturbed.csv") for name, folder in folders.items()},
        draws,
        NEEDED,
    )
    if arguments.of:
        judged["p_holm"] = np.nan  # an adjustment over the numbers of all tables
    found = {name: paper_tables.paper_table(judged, clean, name) for name in published.TABLES}
    found = {name: table for name, table in found.items() if len(table)}
    readable = {paper_tables.HEADINGS[name]: paper_tables.readable(table) for name, table in found.items()}
    artifacts.write_csv(judged, arguments.out / "published_numbers.csv")
    for name, table in found.items():
        stem = published.TABLES[name]
        artifacts.write_csv(table, arguments.out / f"{stem}.csv")
        artifacts.write_text(paper_tables.markdown(readable[paper_tables.HEADINGS[name]]), arguments.out / f"{stem}.md")
    artifacts.write_text(paper_tables.page(readable, NOTE), arguments.out / "published_numbers.html")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, required=True, help="published.csv")
    parser.add_argument("--networks", type=Path, required=True, help="networks.csv of all batches")
    parser.add_argument("--studies", nargs="+", required=True, help="the studies the numbers are placed among")
    parser.add_argument("--clean-studies", nargs="+", required=True, help="studies of the same cells without the leak")
    parser.add_argument("--reruns", type=Path, nargs="+", required=True, help="folders of the reruns, named by id")
    parser.add_argument(
        "--of", nargs="*", choices=published.TABLES, help="only the numbers of these tables of the paper"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    cli.run(main, parser)
