"""Judge every published number, and lay the results out as the paper's tables.

Writes published_numbers.csv, and table1 and table2 as CSV and Markdown.
"""

import argparse
from pathlib import Path

import pandas as pd

from symmetry_constrained import artifacts, cli, published, tables

NEEDED = 200  # perturbed networks without which a number is not called "not reproduced"


def main(arguments: argparse.Namespace) -> None:
    numbers = published.read(arguments.published)
    folders = {folder.name: folder for folder in arguments.reruns}
    numbers = numbers[numbers["id"].isin(folders)]
    networks = pd.read_csv(arguments.networks)
    judged = published.judge(
        numbers,
        {name: pd.read_csv(folder / "reruns.csv") for name, folder in folders.items()},
        {name: pd.read_csv(folder / "perturbed.csv") for name, folder in folders.items()},
        networks[networks["study"] == arguments.study],
        NEEDED,
    )
    artifacts.write_csv(judged, arguments.out / "published_numbers.csv")
    clean = networks[networks["study"] == arguments.clean_study]
    for name in ("1", "2"):
        table = tables.paper_table(judged, clean, name)
        artifacts.write_csv(table, arguments.out / f"table{name}.csv")
        artifacts.write_text(tables.markdown(tables.readable(table)), arguments.out / f"table{name}.md")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, required=True, help="published.csv")
    parser.add_argument("--networks", type=Path, required=True, help="networks.csv of all batches")
    parser.add_argument("--study", required=True, help="the study the numbers are placed among")
    parser.add_argument("--clean-study", required=True, help="the study of the same cells without the leak")
    parser.add_argument("--reruns", type=Path, nargs="+", required=True, help="folders of the reruns, named by id")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    cli.run(main, parser)
