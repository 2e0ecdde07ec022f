"""Blocks of Markdown for README and REPLICATION, made from the files of the reference run and put between two marks.

A mark is a comment, `<!-- reference: NAME -->`, and the block ends with `<!-- end -->`.
"""

import json
import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path

import pandas as pd

from symmetry_constrained.runs import account as accounts
from symmetry_constrained.runs import reference
from symmetry_constrained.runs.findings import by_word, published
from symmetry_constrained.verdicts import claims, leak_text, over_settings, page, rules, table
from symmetry_constrained.verdicts.paper_tables import markdown

BLOCK = re.compile(r"(<!-- reference: ([a-z-]+) -->\n).*?(<!-- end -->)", re.S)
DOCUMENTS = ("README.md", "REPLICATION.md")
# Figures whose titles are quoted, and what they are about.
LONGER = "budget"
QUOTED = {
    "gaps-digits": "Over-fitting",
    "images-needed": "Data",
    "cost-digits": "Cost",
    "complete-invariants": "Norms and complete invariants",
    "roofline": "Speed",
}
FOLDER = "results/reference"
WIDTHS = {reference.FRONT: 560, reference.MAP: 860}  # in pixels: the map as wide as a page, since it has small print
NO_SETTINGS = "The run kept here judged the claims in no setting, so that there is no map of them.\n"


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


def _settings(folder: Path) -> pd.DataFrame | None:
    """`settings.csv`; None of a run without it."""
    path = folder / "tables/settings.csv"
    return pd.read_csv(path) if path.exists() else None


def _picture(name: str, text: str) -> str:
    """A figure that a click opens at full size."""
    picture = f'<img src="{FOLDER}/figures/{name}.png" width="{WIDTHS[name]}" alt="{escape(text)}">'
    return f"[{picture}]({FOLDER}/figures/{name}.svg)\n"


def figure(folder: Path, stated: list[claims.Claim]) -> str:
    """The figure that the README opens with, its title as the text for those who can't see it."""
    return _picture(reference.FRONT, _title(folder / f"figures/{reference.FRONT}.svg"))


def sentence(folder: Path, stated: list[claims.Claim]) -> str:
    """How many claims hold, and where."""
    settings = _settings(folder)
    return NO_SETTINGS if settings is None else f"**{over_settings.sentence(_rows(folder), settings)}**\n"


def settings_map(folder: Path, stated: list[claims.Claim]) -> str:
    """The map of claims by settings."""
    if not (folder / f"figures/{reference.MAP}.png").exists():
        return NO_SETTINGS
    return _picture(reference.MAP, "Each claim in each setting: whether it holds, its effect, and N")


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
    """Five findings: the published numbers, where claims hold and where not, and what longer training changes."""
    lines, settings = [published(pd.read_csv(folder / "tables/published_numbers.csv"))], _settings(folder)
    if settings is not None:
        lines += by_word(_rows(folder), settings)
    if (folder / f"figures/{LONGER}.svg").exists():
        lines.append(f"**Training longer.** {_title(folder / f'figures/{LONGER}.svg')}.")
    return "".join(f"- {line}\n" for line in lines)


def figures(folder: Path, stated: list[claims.Claim]) -> str:
    """The titles of figures, which state their results, with links to them."""
    lines = []
    for name, what in QUOTED.items():
        svg = f"figures/{name}.svg"
        if (folder / svg).exists():
            lines.append(f"- **[{what}]({FOLDER}/{svg}):** {_title(folder / svg)}.\n")
    return "".join(lines)


def where(folder: Path, stated: list[claims.Claim]) -> str:
    """For each claim in which settings it holds and by how much; and whether the leak matters."""
    settings, leak = _settings(folder), folder / "tables/leak.csv"
    lines = over_settings.of_each(_rows(folder), settings) if settings is not None else []
    lines += [leak_text.sentences(pd.read_csv(leak))] if leak.exists() else []
    return "".join(f"- {line}\n" for line in lines) or NO_SETTINGS


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
        (
            "`make test`",
            "the tests, but for those that take minutes each",
            seconds.get("test"),
            "temporary folders only",
            "none",
        ),
        (
            "`make beyond`",
            "the claims in further settings: wider with ReLU, Adam and averaging, GELU, convolutional, MNIST",
            seconds.get("beyond"),
            "in `results/beyond/`",
            "11 MB of MNIST",
        ),
    ]
    columns = ["command", "what it does", f"time on {run['cores']} cores", "disk", "network"]
    shown = pd.DataFrame(rows, columns=columns).fillna("not timed")
    set_up = f", {seconds['set-up']}" if "set-up" in seconds else ""
    size = f", {_size(run['environment_bytes'])}" if run["environment_bytes"] else ""
    return markdown(shown) + (
        "\nThe first of them also sets up `.venv/` from the hash-locked `requirements.txt` (network needed"
        f"{set_up}{size}, most of it PyTorch's CUDA libraries: [without a GPU](#gpu)).\n"
    )


def made(folder: Path, stated: list[claims.Claim]) -> str:
    """Command, commit, machine and wall time of the reference, and what its audit found."""
    run = _run(folder)
    audit = json.loads((folder / reference.AUDIT).read_text(encoding="utf-8"))
    commits = " and ".join(_commit(commit) for commit in run["commits"])
    machine = run["machine"]
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    command = f"`{run['command']}`" if run["command"] else "the workflow"
    passed, checks = audit["passed"], audit["passed"] + audit["failed"]
    outcome = f"all {checks:,} checks" if passed == checks else f"{passed:,} of {checks:,} checks"
    return (
        f"The numbers are of one run of N = {run['networks']:,} networks, kept in [{FOLDER}/]({FOLDER}): {command} at "
        f"commit {commits} on {run['cores']} cores ({machine['processor']}, {_size(machine['memory'])} of memory, "
        f"{gpus}), in {_duration(run['seconds']['run']['seconds'])}, {run['written'][:10]}. An audit that shares no "
        f"code with it recomputed it: {outcome} passed.\n"
    )


def account(folder: Path, stated: list[claims.Claim]) -> str:
    """Where the core-seconds of the run went."""
    path = folder / reference.ACCOUNT
    if not path.exists():
        return "Of the reference run there is no record of where its time went.\n"
    spent = pd.read_csv(path)
    share = f"{accounts.overhead(spent):.0%}"
    return markdown(accounts.readable(spent)) + f"\nNeither training, theory nor reruns: {share} of what jobs took.\n"


def _commit(commit: str) -> str:
    number, *changed = commit.split("+")
    return f"`{number[:12]}`" + (" with uncommitted changes" if changed else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return " ".join(f"{count} {unit}" for count, unit in ((minutes, "min"), (rest, "s")) if count) or "0 s"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


MAKERS = (figure, sentence, settings_map, findings, commands, made, verdicts, figures, account, scope, where)
BLOCKS: dict[str, Callable[[Path, list[claims.Claim]], str]] = {
    make.__name__.replace("_", "-"): make for make in MAKERS
}
