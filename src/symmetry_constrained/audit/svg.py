"""A picture in SVG, as Matplotlib writes it: of each panel what is drawn in it, and its scales by its tick labels.

Nothing here knows one figure from another. Labels are read from the comments in which Matplotlib names every text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from symmetry_constrained.audit.checks import UnreadableError

RESOLUTION = 0.02  # points of 1/72 inch: numbers have six decimals, and labels of ticks six digits
PREFIXES = dict(zip("yzafpnµm kMGTPEZY", range(-24, 25, 3), strict=True)) | {"": 0}
NUMBER = re.compile(r"([+-]?\d*\.?\d+(?:e[+-]?\d+)?) ?([yzafpnµmkMGTPEZY]?)s?( ?%)?")
POWER = re.compile(r"\$(?:\\mathdefault\{)?([+-]?)(?:(\d*\.?\d+)\\times)? ?10\^\{([+-]?\d+)\}\}?\$")
TAGS = set("svg title metadata defs style g path use clipPath rect image".split())
ATTRIBUTES = set("id d style clip-path href x y width height transform version viewBox type".split())
LETTERS, PNG = ("DejaVu", "Cm", "STIX"), "data:image/png;base64,"  # glyphs; the only picture within a picture
STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"
HIDDEN = re.compile(r"display|visibility|url\((?!#)|(?:^|; ?)opacity: 0(?![.\d])")
SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
Scale = Callable[[np.ndarray], np.ndarray]  # data -> place in the picture


@dataclass(frozen=True)
class Panel:
    """What one panel holds, in the picture's points, y downwards."""

    box: np.ndarray  # (2, 2): its least and largest x and y
    ticks: dict[str, list[tuple[float | None, str]]]  # by axis, each place with its label
    marks: np.ndarray  # (n, 2): places of single marks
    paths: list[np.ndarray]  # (m, 2) each: corners of lines and of filled shapes

    def scales(self, axis: str, beside: "list[Panel]") -> list[Scale]:
        """What its labels say of an axis, linear or logarithmic, or either where two labels fit both; none by names.

        beside: all panels. One without labels shares those of a panel that lies level with it.
        """
        return self.labelled(axis, beside).own_scales[axis]

    def labelled(self, axis: str, beside: "list[Panel]") -> "Panel":
        """The panel whose labels say what an axis is."""
        side = "xy".index(axis)
        level = [one for one in beside if np.allclose(one.box[:, side], self.box[:, side], rtol=0, atol=RESOLUTION)]
        return next((one for one in [self, *level] if any(text for _, text in one.ticks[axis])), self)

    @cached_property
    def own_scales(self) -> dict[str, list[Scale]]:
        return {axis: list(_fitted(ticks)) for axis, ticks in self.ticks.items()}

    def guides(self, path: np.ndarray) -> bool:
        """Whether a path runs straight from one side of the panel to the other."""
        spans = np.ptp(path, axis=0) >= np.ptp(self.box, axis=0) - RESOLUTION
        return len(path) == 2 and bool((spans & (np.ptp(path, axis=0)[::-1] < RESOLUTION)).any())


def panels(path: str, content: bytes) -> list[Panel]:
    """The panels of a picture; UnreadableError for anything else."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    try:
        root = ElementTree.fromstring(content, parser)
        _check_plain(root)
        defined = (part for holder in root.iter(f"{SVG}defs") for part in holder)
        shapes = {f"#{_id(part)}": part for part in defined}
        return [_panel(group, shapes) for group in root.iter() if _id(group).startswith("axes_")]
    except (ElementTree.ParseError, LookupError, RecursionError, StopIteration, TypeError, ValueError) as error:
        raise UnreadableError(path, f"can't be read as a picture: {type(error).__name__}: {error}") from None


def _check_plain(element: Element, text: bool = False) -> None:
    """ValueError for what Matplotlib never writes: what hides, moves or runs something, or comes from elsewhere.

    text: within a text, whose letters alone are moved.
    """
    if element.tag is ElementTree.Comment:
        return
    name, _, local = str(element.tag).rpartition("}")
    names = {key.rpartition("}")[2] for key in element.attrib}
    text = text or _id(element).startswith("text_") or local == "image"
    link = next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == "href"), "#")
    if name == SVG[:-1] and (local not in TAGS or not names <= ATTRIBUTES):
        raise ValueError(f"a {local} with {', '.join(sorted(names))}")
    if "transform" in names and not text and not _id(element).startswith(LETTERS):
        raise ValueError("something moved that is no text")
    if not link.startswith(("#", PNG)) or HIDDEN.search(element.get("style", "")):
        raise ValueError("something hidden, or from elsewhere")
    if local == "style" and element.text != STYLE:
        raise ValueError("another style than all pictures have")
    for part in element:
        _check_plain(part, text)


def number(label: str) -> float | None:
    """What a tick's label says: 0.2, −1, 5k, 20ms, 50 %, 1,000 or a power of ten; None for a name."""
    text = " ".join(label.split()).replace("−", "-").replace(",", "")
    if found := POWER.fullmatch(text):
        sign, factor, power = found.groups()
        return float(f"{sign}{factor or 1}e{power}")
    if found := NUMBER.fullmatch(text):
        value, prefix, percent = found.groups()
        return float(f"{float(value)}") * 10.0 ** PREFIXES[prefix] / (100 if percent else 1)
    return None


def _fitted(ticks: list[tuple[float | None, str]]) -> Iterator[Scale]:
    """The scales that all labels with a number agree with, in two places at least."""
    found = [(place, value) for place, text in ticks if place is not None and (value := number(text)) is not None]
    places, values = np.array(found, dtype=float).reshape(-1, 2).T
    for of in (np.asarray, np.log10):
        keep = values > 0 if of is np.log10 else np.ones(len(values), dtype=bool)
        if keep.sum() < 2 or len(set(values[keep])) < 2:
            continue
        slope, start = np.polyfit(of(values[keep]), places[keep], 1)
        if np.abs(start + slope * of(values[keep]) - places[keep]).max() <= RESOLUTION:
            yield partial(_placed, of, float(slope), float(start))


def _placed(of: Scale, slope: float, start: float, data: np.ndarray) -> np.ndarray:
    return start + slope * of(data)


def _id(element: Element) -> str:
    return element.get("id", "")


def _panel(group: Element, shapes: dict[str, Element]) -> Panel:
    ticks: dict[str, list[tuple[float | None, str]]] = {"x": [], "y": []}
    marks, paths, box = [np.empty((0, 2))], [], None
    for part in group:
        name = _id(part)
        if name.startswith("patch_") and box is None:
            corners = _corners(next(part.iter(f"{SVG}path")).get("d", ""))
            box = np.stack([corners.min(0), corners.max(0)])
        elif name.startswith("matplotlib.axis_"):
            for tick in part:
                if _id(tick)[:5] in ("xtick", "ytick"):
                    ticks[_id(tick)[0]].append(_tick(tick, shapes))
        elif not name.startswith(("patch_", "text_", "legend_")):
            for place, corners in _drawn(part, shapes):
                if place is None:
                    paths.append(corners)
                else:
                    marks.append(place[None])
    if box is None:
        raise ValueError("a panel without a frame")
    return Panel(box, ticks, np.concatenate(marks), paths)


def _tick(tick: Element, shapes: dict[str, Element]) -> tuple[float | None, str]:
    """Where a tick is, by its mark or by its line across the panel; and its label."""
    axis, text, place = "xy".index(_id(tick)[0]), "", None
    for part in tick:
        if _id(part).startswith("text_"):
            text = next(((one.text or "").strip() for one in part if one.tag is ElementTree.Comment), "")
        for at, corners in _drawn(part, shapes) if _id(part).startswith("line2d_") else ():
            place = float((corners[0] if at is None else at)[axis])
    return place, text


def _drawn(group: Element, shapes: dict[str, Element]) -> Iterator[tuple[np.ndarray | None, np.ndarray]]:
    """Everything drawn in a group: of a single mark its place, of anything else the corners."""
    for holder in group.iter():
        if holder.tag == f"{SVG}defs":
            continue
        for part in holder:
            if part.tag == f"{SVG}path":
                yield None, _corners(part.get("d", ""))
            elif part.tag == f"{SVG}use":
                corners = _corners(shapes[part.get(HREF, "")].get("d", ""))
                place = np.array([float(part.get(name, "0")) for name in "xy"])
                # A mark is drawn around the origin and moved; a shape has its place from the start.
                around = bool((corners.min(0) <= 0).all() and (corners.max(0) >= 0).all())
                yield (place, corners) if around else (None, corners + place)


def _corners(d: str) -> np.ndarray:
    """The points (n, 2) that a path leads through, of curves the ends."""
    found, words = [], d.replace(",", " ").split()
    at, length = 0, {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0, "Z": 0}
    while at < len(words):
        if words[at] not in length:
            raise ValueError(f"a path with {words[at][:20]!r}")
        end = at + 1 + length[words[at]]
        if end > at + 1:
            found.append([float(word) for word in words[end - 2 : end]])
        at = end
    return np.array(found, dtype=float).reshape(-1, 2)
