"""The texts of a picture in SVG: each is drawn letter by letter, and in a comment before it is what it says."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from unicodedata import combining
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

FONTS = ("DejaVu", "Cm", "STIX")  # how the names of letters begin
SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
# A letter is named by its number in the font, where those of ASCII are in order; older versions name it by its code.
FIRST = (29, 0)
LINE = 20.0  # points


def check(root: Element) -> None:
    """ValueError for a text that draws other letters than its comment says, or something that is no letter."""
    known: dict[tuple[str, str], str] = {}
    named: dict[str, str] = {}
    for group in _groups(root):
        texts = list(_texts(group))
        parts = [part for part in group if part.tag is not ElementTree.Comment]
        if len(texts) + _has_box(parts) != len(parts):
            raise ValueError(f"a text without words: {group.get('id')}")
        for said, drawn in texts:
            names = [_name(part) for part in drawn.iter() if part.tag in (f"{SVG}use", f"{SVG}path")]
            _check_letters(said, [name for name in names if name], known, named)


def texts(root: Element) -> list[str]:
    """What all texts of a picture say, line by line."""
    return [said for group in _groups(root) for said, _ in _texts(group)]


def outlines(root: Element) -> dict[str, str]:
    """By its name, how each letter is drawn."""
    parts = (part for group in _groups(root) for part in group.iter(f"{SVG}path"))
    return {part.get("id", ""): f"{part.get('d')} {part.get('transform')}" for part in parts}


def _groups(root: Element) -> Iterator[Element]:
    return (group for group in root.iter() if group.get("id", "").startswith("text_"))


def _texts(group: Element) -> Iterator[tuple[str, Element]]:
    """What a text says, line by line, and what is drawn of each."""
    parts = list(group)
    for one, other in pairwise(parts):
        if one.tag is ElementTree.Comment and other.tag == f"{SVG}g":
            yield unescape((one.text or "")[1:-1]).replace("- -", "--"), other


def _has_box(parts: list[Element]) -> bool:
    """Whether a text begins with a box behind it, no higher than a line of text."""
    if not parts or not parts[0].get("id", "").startswith("patch_"):
        return False
    (box,) = parts[0]
    x, y = (list(map(float, re.findall(r"-?\d+(?:\.\d+)?", box.get("d", ""))))[at::2] for at in (0, 1))
    return box.tag == f"{SVG}path" and min(max(x) - min(x), max(y) - min(y)) < LINE


def _name(part: Element) -> str:
    """The name of a letter that is drawn, nothing of one that is defined; ValueError for anything else."""
    name = part.get("id", "") if part.tag == f"{SVG}path" else part.get(HREF, "")[1:]
    if not name.startswith(FONTS):
        raise ValueError("something in a text that is no letter")
    return "" if part.tag == f"{SVG}path" else name


def _check_letters(said: str, names: list[str], known: dict[tuple[str, str], str], named: dict[str, str]) -> None:
    """known: by font and letter the name that the picture has for it; named: by name the letter."""
    codes = [int(code, 16) if re.fullmatch("[0-9a-f]+", code := name.rpartition("-")[2]) else 0 for name in names]
    ways = [[chr(code + first) for code in codes] for first in FIRST]
    if "$" in said or len(said) != len(names):
        # Formulas, and letters that are joined into one: the digits alone.
        digits = re.findall(r"[0-9]", said)
        if not any(re.findall(r"[0-9]", "".join(way)) == digits for way in ways):
            raise ValueError(f"a text whose letters are not those that it says: {said[:60]!r}")
        return
    for at, (letter, name) in enumerate(zip(said, names, strict=True)):
        font = name.rpartition("-")[0]
        plain = letter.isascii() and font.startswith("DejaVu")
        right = any(way[at] == letter for way in ways) if plain else True
        if combining(letter):
            continue  # a mark above a letter, which some fonts draw as one with it
        if not right or known.setdefault((font, letter), name) != name or named.setdefault(name, letter) != letter:
            raise ValueError(f"a text whose letters are not those that it says: {said[:60]!r}")
