"""Blocks of Markdown for README and REPLICATION, made from the files of the reference run and put between two marks.

A mark is a comment, `<!-- reference: NAME -->`, and the block ends with `<!-- end -->`.
"""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pandas as pd

from symmetry_constrained.runs import reference
from symmetry_constrained.verdicts import claims, leak_text, page, rules, table
from symmetry_constrained.verdicts.paper_tables import markdown

BLOCK = re.compile(r"(<!-- reference: ([a-z-]+) -->\n).*?(<!-- end -->)", re.S)
DOCUMENTS = ("README.md", "REPLICATION.md")
# Figures whose titles are quoted, and what they are about.
QUOTED = {
    "budget": "Training longer, and wider networks",
    "gaps-digits": "Over-fitting",
    "images-needed": "Data",
    "cost-digits": "Cost",
    "complete-invariants": "Norms and complete invariants",
    "roofline": "Speed",
}
FOLDER = "results/reference"


def fill(text: str, blocks: dict[str, str]) -> str:
    """The document with every block made anew. ValueError for a mark whose block is not known, or none at all."""
    names = [name for _, name, _ in BLOCK.findall(text)]
    unknown = [name for name in names if name not in blocks]
    if unknown or not names:
        raise ValueError(f"no block {unknown[0]!r} is known" if unknown else "there is no mark to put a block at")
    return BLOCK.sub(lambda mark: f"{mark[1]}\n{blocks[mark[2]].strip()}\n\n{mark[3]}", text)


def blocks(folder: Path, stated: list[claims.Claim]) -> dict[str, str]:
    """Every block by its name. folder: the reference. stated: the claims, in order."""
    return {name: make(folder, stated) for name, make in BLOCKS.items()}


def _run(folder: Path) -> dict:
    return json.loads((folder / reference.RUN).read_text(encoding="utf-8"))


def _rows(folder: Path) -> pd.DataFrame:
    return table.completed(pd.read_csv(folder / "tables/claims.csv"))


def _title(svg: Path) -> str:
    """The title of a figure, which states its result, in one line."""
    title = re.search(r"<dc:title>(.*?)</dc:title>", svg.read_text(encoding="utf-8"), re.S)
    return " ".join(unescape(title[1]).split()) if title else ""


def figure(folder: Path, stated: list[claims.Claim]) -> str:
    """The figure that the README opens with, its title as the text for those who can't see it."""
    title = _title(folder / f"figures/{reference.FRONT}.svg")
    return f"![{title}]({FOLDER}/figures/{reference.FRONT}.png)\n"


def verdicts(folder: Path, stated: list[claims.Claim]) -> str:
    rows = _rows(folder)
    heads = table.headlines(rows)
    outcomes = [table.standing(own) for _, own in rows.groupby("id", sort=False)]
    # As in the figure: a headline contrast under the other protocol is no further one.
    further = table.distinct(rows.drop(heads.index), heads)["verdict"].map(rules.OUTCOMES)
    counts = ", ".join(
        f"{int((further == name).sum())} {text}"
        for name, text in (
            ("holds", "hold"),
            ("open", "are inconclusive"),
            ("fails", "fail"),
            ("contrary", "go the other way"),
        )
    )
    return (
        markdown(page.overview(rows, stated))
        + f"\n{outcomes.count('holds')} of {len(outcomes)} claims hold by their headline contrast. "
        + f"Of {len(further)} further rows, {counts}.\n"
    )


def findings(folder: Path, stated: list[claims.Claim]) -> str:
    """What does not hold, the published numbers, the leak, and the titles of the figures."""
    rows = _rows(folder)
    against = rows[rows["verdict"].map(rules.OUTCOMES).isin(["fails", "contrary"])]
    lines = [*published_sentences(pd.read_csv(folder / "tables/published_numbers.csv"))]
    if (folder / "tables/leak.csv").exists():
        lines.append(leak_text.sentences(pd.read_csv(folder / "tables/leak.csv")))
    if len(against):
        parts = []
        for (id_, contrast), own in against.groupby(["id", "contrast"], sort=False):
            first = own.iloc[0]
            parts.append(f"{id_}, {contrast}: {page.effect(first)}, N = {first['n']:,}, {first['verdict']}")
        lines.append(f"**What does not hold:** {'; '.join(parts)}.")
    for name, what in QUOTED.items():
        svg = f"figures/{name}.svg"
        if (folder / svg).exists():
            lines.append(f"**[{what}]({FOLDER}/{svg}):** {_title(folder / svg)}.")
    return "".join(f"- {line}\n" for line in lines)


def published_sentences(numbers: pd.DataFrame) -> list[str]:
    """A sentence per dataset: how published numbers compare with reruns from their seeds, and with many networks."""
    sentences = []
    for dataset, own in numbers.groupby("dataset", sort=False):
        seeds = ", ".join(f"{count} {name}" for name, count in own["same_seed"].value_counts(sort=False).items())
        judged = own[own["typicality"] != "too few draws"]
        outside = int((judged["typicality"] != "typical").sum())
        n = " to ".join(dict.fromkeys(f"{value:,}" for value in (own["n"].min(), own["n"].max())))
        sentences.append(
            f"**The {len(own)} published numbers on {dataset}:** by their seeds {seeds}; {outside} of the "
            f"{len(judged)} that enough draws were made for (N = {n}) lie outside the central 95 % of them."
        )
    return sentences


def scope(folder: Path, stated: list[claims.Claim]) -> str:
    """The claims, numbered, each with its result."""
    rows = _rows(folder)
    parts, judged = [], set(rows["id"])
    # A claim of a later release was not judged in this run.
    for number, claim in enumerate([claim for claim in stated if claim.id in judged], 1):
        own = rows[rows["id"] == claim.id]
        # The title that the claim had when it was judged.
        title, sentences = own["title"].iloc[0], " ".join(page.sentences(own))
        parts.append(f"{number}. **{title}** ({claim.section}). {sentences}\n")
    return "".join(parts)


def commands(folder: Path, stated: list[claims.Claim]) -> str:
    """The commands that make something: time, disk, network, and what appears where."""
    run = _run(folder)
    seconds = {name: _duration(one["seconds"]) for name, one in run["seconds"].items()}
    quick = f"{_size(run['quick_bytes'])} in `results/quick/`" if run["quick_bytes"] else "in `results/quick/`"
    rows = [
        (
            "`make quick`",
            "the whole workflow on few networks, to see that it works",
            seconds.get("quick"),
            quick,
            "11 MB of MNIST",
        ),
        (
            "`make paper`",
            "the paper's two tables and the experiments on theory, on digits alone",
            seconds.get("paper"),
            "in `results/paper/`",
            "none",
        ),
        (
            "`make`",
            f"the default study: {run['networks']:,} networks, every published number and every claim judged, audited",
            seconds.get("run"),
            f"{_size(run['bytes'])} in `results/`",
            "11 MB of MNIST",
        ),
        ("`make test`", "all tests but those marked slow", seconds.get("test"), "temporary folders only", "none"),
    ]
    table = pd.DataFrame(rows, columns=["command", "what it does", f"time on {run['cores']} cores", "disk", "network"])
    set_up = f", {seconds['set-up']}" if "set-up" in seconds else ""
    size = f", {_size(run['environment_bytes'])}" if run["environment_bytes"] else ""
    return markdown(table.fillna("not timed")) + (
        "\nThe first of them also sets up `.venv/` from the hash-locked `requirements.txt` "
        f"(network needed{set_up}{size}).\n"
    )


def made(folder: Path, stated: list[claims.Claim]) -> str:
    """Command, commit, machine and wall time of the reference."""
    run = _run(folder)
    audit = json.loads((folder / reference.AUDIT).read_text(encoding="utf-8"))
    commits = " and ".join(_commit(commit) for commit in run["commits"])
    machine = run["machine"]
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    command = f"`{run['command']}`" if run["command"] else "the workflow"
    checks = audit["passed"] + audit["failed"]
    return (
        f"Made by {command} at commit {commits} on {run['cores']} cores ({machine['processor']}, "
        f"{_size(machine['memory'])} of memory, {gpus}), in {_duration(run['seconds']['run']['seconds'])}, "
        f"{run['written'][:10]}. The audit recomputed {checks:,} things; {audit['failed']:,} did not hold. "
        f"What is kept of that run is in [{FOLDER}/]({FOLDER}); software versions are in its `run.json`.\n"
    )


def _commit(commit: str) -> str:
    number, *changed = commit.split("+")
    return f"`{number[:12]}`" + (" with uncommitted changes" if changed else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return " ".join(f"{count} {unit}" for count, unit in ((minutes, "min"), (rest, "s")) if count) or "0 s"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


BLOCKS: dict[str, Callable[[Path, list[claims.Claim]], str]] = {
    make.__name__: make for make in (figure, verdicts, findings, scope, commands, made)
}
