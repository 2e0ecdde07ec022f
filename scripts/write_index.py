"""Write the page that a run ends with, and its hash to a .json beside it: verdicts, figures, tables, audit."""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.figures.titles import title_of
from symmetry_constrained.pages import index
from symmetry_constrained.runs import manifest, trained

TABLES = ("claims", "settings", "published_numbers")
# What the page links, beside the pages that it names, by patterns within the folder.
FILES = {
    "Notebooks": ("notebooks/*.html",),
    "Tables": ("tables/*.csv", "theory/*.csv"),
    "Record": ("manifest.json", "ro-crate-metadata.json", "config.json", "verdicts.md", "audit/audit.json"),
}


def main(arguments: argparse.Namespace) -> None:
    results, out = arguments.results, arguments.results / "index.html"
    figures = []
    for text in arguments.figure:
        category, _, name = text.rpartition("=")
        picture = results / f"figures/{name}"
        title = title_of(picture.with_suffix(".png"))
        figures.append(index.Figure(category, picture.name, title, picture.with_suffix(".svg").read_bytes()))
    files = {
        kind: [path.relative_to(results).as_posix() for pattern in patterns for path in sorted(results.glob(pattern))]
        for kind, patterns in FILES.items()
    }
    by_name = {figure.name: figure.title for figure in figures}
    tables = {name: pd.read_csv(results / f"tables/{name}.csv") for name in TABLES}
    page = index.page(
        tables,
        len(trained.own(pd.read_csv(results / "tables/networks.csv"), _read(results / "config.json"))),
        figures,
        [by_name[name] for name in arguments.findings if name in by_name],
        _read(results / "manifest.json"),
        _read(results / "audit/audit.json"),
        _read(results / "comparison.json"),
        index.job_seconds(results),
        files,
    )
    artifacts.write_text(page, out)
    manifest.record(out, out.with_suffix(".json"))


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of a finished and audited run")
    parser.add_argument("--figure", action="append", default=[], help="CATEGORY=NAME, for each figure in its order")
    parser.add_argument("--findings", nargs="*", default=[], help="names of the figures whose titles are the findings")
    cli.run(main, parser)
