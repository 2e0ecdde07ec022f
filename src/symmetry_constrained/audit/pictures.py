"""Each picture whole: a PNG with its checksums, an SVG that says what it draws, and both under one title."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from symmetry_constrained.audit import letters, svg
from symmetry_constrained.audit.checks import Check, UnreadableError, equal, guarded
from symmetry_constrained.audit.results import Results

PICTURE, LETTERS = "pictures whole, titles alike", "letters alike in all pictures"
PNG = b"\x89PNG\r\n\x1a\n"


def check(results: Results, stem: str) -> Iterator[Check]:
    yield from guarded(PICTURE, f"figures/{stem}.svg", _check(results, stem))


def _check(results: Results, stem: str) -> Iterator[Check]:
    """A PNG's parts have their checksums; an SVG draws nothing odd; both say the same title, and the SVG shows it."""
    png, path = f"figures/{stem}.png", f"figures/{stem}.svg"
    title = title_of(results, png)
    yield Check(PICTURE, png, "every part with its checksum", "so", True)
    root, where = svg.read(path, results.bytes(path)), results.blame(path, png)
    titles = [node.text or "" for node in root.iter() if str(node.tag).endswith("}title")]
    for text in titles or ["none"]:
        yield equal(PICTURE, where, title, " ".join(text.split()))
    shown = [line for line in titles[0].split("\n") if line not in letters.texts(root)] if titles else []
    said = f"not drawn: {shown[0]}" if shown else "every line of the title drawn"
    yield equal(PICTURE, where, "every line of the title drawn", said)


def outlines(results: Results, stem: str) -> dict[str, str] | None:
    """By its name, how each letter of a picture is drawn; None of one that can't be read, which its check reports."""
    path = f"figures/{stem}.svg"
    with suppress(UnreadableError):
        return letters.outlines(svg.read(path, results.bytes(path)))
    return None


def check_letters(results: Results, every: dict[str, dict[str, str] | None]) -> Iterator[Check]:
    """A letter that one picture draws as no other does says something else than it seems to. every: by picture."""
    drawn = {path: own for path, own in every.items() if own is not None}
    counts: dict[str, Counter] = {}
    for own in drawn.values():
        for name, outline in own.items():
            counts.setdefault(name, Counter())[outline] += 1
    usual = {name: count.most_common(1)[0][0] for name, count in counts.items()}
    for path, own in drawn.items():
        odd = [name for name, outline in own.items() if outline != usual[name]]
        found = f"{odd[0]} is drawn otherwise; {len(odd)} are" if odd else "so"
        yield Check(LETTERS, results.blame(path), "letters as other pictures have them", found, not odd)


def title_of(results: Results, path: str) -> str:
    """The title in a PNG's metadata, in one line; UnreadableError unless every part has its checksum."""
    content, title, kind, at = results.bytes(path), "none", b"", len(PNG)
    if not content.startswith(PNG):
        raise UnreadableError(path, "is no PNG")
    while at < len(content) and kind != b"IEND":
        size = struct.unpack(">I", content[at : at + 4].rjust(4, b"\0"))[0]
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        if zlib.crc32(kind + body).to_bytes(4, "big") != content[at + 8 + size : at + 12 + size]:
            raise UnreadableError(path, f"its part at byte {at} has another checksum")
        at += 12 + size
        if kind in (b"tEXt", b"iTXt") and body.startswith(b"Title\0"):
            text = body[6:].decode("latin-1") if kind == b"tEXt" else body[6:].split(b"\0", 4)[-1].decode("utf-8")
            title = " ".join(text.split())
    if kind != b"IEND" or at != len(content):
        raise UnreadableError(path, "does not end where a PNG ends")
    return title
