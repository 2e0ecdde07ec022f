"""Draw which room of the library imports which, as the diagram between the marks of CONTRIBUTING.md.

The floors are those of the import contract in pyproject.toml. An arrow that follows from others is left out: where A
imports B and B imports C, A may import C as well. With --check nothing is written: exit status 1 if the diagram is old.
"""

import argparse
import sys
import tomllib
from pathlib import Path

import grimp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli

PROJECT = Path(__file__).parent.parent
PACKAGE = "symmetry_constrained"
BEGIN, END = "<!-- rooms: drawn by scripts/draw_rooms.py -->\n", "<!-- end of rooms -->"


def main(arguments: argparse.Namespace) -> None:
    page = PROJECT / "CONTRIBUTING.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    drawn = before + BEGIN + diagram(imports(), floors()) + END + after
    if not arguments.check:
        artifacts.write_text(drawn, page)
    elif drawn != text:
        print("CONTRIBUTING.md: the diagram of the rooms is out of date; run make rooms", file=sys.stderr)
        sys.exit(1)


def floors() -> list[list[str]]:
    """The rooms of each floor, from the highest to the lowest. The audit is on no floor."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers")
    return [layer.split(" | ") for layer in layers]


def imports() -> dict[str, set[str]]:
    """Each room, and the rooms that its modules import."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    rooms: dict[str, set[str]] = {}
    for module in graph.modules - {PACKAGE}:
        room = module.split(".")[1]
        others = (name.split(".")[1] for name in graph.find_modules_directly_imported_by(module) if name != PACKAGE)
        rooms.setdefault(room, set()).update(other for other in others if other != room)
    return rooms


def diagram(rooms: dict[str, set[str]], floors: list[list[str]]) -> str:
    """The rooms as a Mermaid flow chart, in a fenced block."""

    def reached(room: str) -> set[str]:
        return rooms[room].union(*(reached(other) for other in rooms[room]))

    lines = ["flowchart TD"]
    for number, floor in enumerate(floors):
        lines += [f"    subgraph floor{number}[ ]", *(f"        {room}" for room in floor), "    end"]
    lines += ["    audit"]
    for room in sorted(rooms):
        implied = set().union(*(reached(other) for other in rooms[room]))
        lines += [f"    {room} --> {other}" for other in sorted(rooms[room] - implied)]
    return "\n".join(["```mermaid", *lines, "```", ""])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="say whether the diagram is up to date")
    cli.run(main, parser)
