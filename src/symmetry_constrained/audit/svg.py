"""A picture in SVG, as Matplotlib writes it: of each panel what is drawn in it, and its scales by its tick labels.

Nothing here knows one figure from another. Labels are read from the comments in which Matplotlib names every text;
`letters` holds each comment against what is drawn.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from symmetry_constrained.audit import letters
from symmetry_constrained.audit.checks import UnreadableError
from symmetry_constrained.audit.hidden import hides

EDGE = 2.0  # points between the tip of an arrow and the frame that it is drawn to
RESOLUTION = 0.02  # points of 1/72 inch: numbers have six decimals, and labels of ticks six digits
PREFIXES = dict(zip("yzafpnµm kMGTPEZY", range(-24, 25, 3), strict=True)) | {"": 0}
NUMBER = re.compile(r"([+-]?\d*\.?\d+(?:e[+-]?\d+)?) ?([yzafpnµmkMGTPEZY]?)s?( ?%)?")
POWER = re.compile(r"\$(?:\\mathdefault\{)?([+-]?)(?:(\d*\.?\d+)\\times)? ?10\^\{([+-]?\d+)\}\}?\$")
TAGS = set("svg title metadata defs style g path use clipPath rect image".split())
ATTRIBUTES = set("id d style clip-path href x y width height transform version viewBox type".split())
PNG = "data:image/png;base64,"  # the only picture within a picture
STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"
SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
# What a picture's metadata is in.
TOLD = {f"{{http://{name}" for name in ("www.w3.org/1999/02/22-rdf-syntax-ns#", "creativecommons.org/ns#")}
TOLD |= {"{http://purl.org/dc/elements/1.1/"}
THROUGH = re.compile(r"fill: none|opacity")  # in the style of what hides nothing behind it
SIZE = ("width", "height")
LARGEST, SMALL = 24.0, 8.0  # points: no mark is larger, and no guide smaller
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
        """Whether a line or a strip runs straight from one side of the panel to the other."""
        spans = np.ptp(path, axis=0) >= np.ptp(self.box, axis=0) - RESOLUTION
        straight = np.array([len(set(np.round(path[:, side], 2))) <= len(path) // 2 for side in (1, 0)])
        return len(path) in (2, 4, 5) and bool((spans & straight).any())


@lru_cache(maxsize=1)
def read(path: str, content: bytes) -> Element:
    """A picture, in which nothing is drawn but panels, texts and legends; UnreadableError for anything else.

    The last one is kept, since several checks read it, one after the other.
    """
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    try:
        if content.count(b"<?") > 1:
            raise ValueError("more instructions than that it is XML")
        root = ElementTree.fromstring(content, parser)
        _check_plain(root)
        _check_places(root)
        letters.check(root)
        return root
    except (ElementTree.ParseError, LookupError, RecursionError, StopIteration, TypeError, ValueError) as error:
        raise UnreadableError(path, f"can't be read as a picture: {type(error).__name__}: {error}") from None


def panels(path: str, content: bytes) -> list[Panel]:
    """The panels of a picture; UnreadableError for anything else."""
    root = read(path, content)
    try:
        defined = (part for holder in root.iter(f"{SVG}defs") for part in holder)
        shapes = {f"#{_id(part)}": part for part in defined}
        found = [_panel(group, shapes) for group in root.iter() if _id(group).startswith("axes_")]
        _check_apart(root, shapes, found)
        return found
    except (LookupError, RecursionError, StopIteration, TypeError, ValueError) as error:
        raise UnreadableError(path, f"can't be read as a picture: {type(error).__name__}: {error}") from None


def _check_plain(element: Element, text: bool = False, told: bool = False) -> None:
    """ValueError for what Matplotlib never writes: what hides, moves or runs something, or comes from elsewhere.

    text: within a text, whose letters alone are moved. told: within the metadata.
    """
    if element.tag is ElementTree.Comment:
        return
    name, _, local = str(element.tag).rpartition("}")
    names = {key.rpartition("}")[2] for key in element.attrib}
    text = text or _id(element).startswith("text_") or local == "image"
    link = next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == "href"), "#")
    if name != SVG[:-1] and not (told and name in TOLD):
        raise ValueError(f"a {local} that is no part of a picture")
    if name == SVG[:-1] and (told or local not in TAGS or not names <= ATTRIBUTES):
        raise ValueError(f"a {local} with {', '.join(sorted(names))}")
    if "transform" in names and not text and not _id(element).startswith(letters.FONTS):
        raise ValueError("something moved that is no text")
    if not link.startswith(("#", PNG)) or hides(element.get("style", "")):
        raise ValueError("something hidden, or from elsewhere")
    if local == "style" and element.text != STYLE:
        raise ValueError("another style than all pictures have")
    for part in element:
        _check_plain(part, text, told or local == "metadata")


def _check_places(root: Element) -> None:
    """ValueError for something drawn beside the paper, panels, texts and legends, or a rectangle but to clip by."""
    (figure,) = (part for part in root if part.tag == f"{SVG}g")
    names = [_id(part) for part in figure if part.tag is not ElementTree.Comment]
    odd = [name for name in names[1:] if not name.startswith(("axes_", "text_", "legend_"))]
    if odd or not names[0].startswith("patch_") or len(list(figure[0])) > 1:
        raise ValueError(f"something drawn beside the panels: {(odd or names)[0]!r}")
    above = {part: holder for holder in root.iter() for part in holder}
    shown = {f"{SVG}{name}" for name in ("title", "metadata", "defs", "g")}
    if any(part.tag not in shown for part in root) or any(part.tag != f"{SVG}g" for part in figure):
        raise ValueError("something drawn beside the panels")
    for part in root.iter(f"{SVG}rect"):
        if above[part].tag != f"{SVG}clipPath" and not _id(above[above[part]]).startswith("text_"):
            raise ValueError("a rectangle")


def _check_apart(root: Element, shapes: dict[str, Element], found: list[Panel]) -> None:
    """ValueError for a panel over another, a legend of the whole figure over one, and for what a panel cuts off."""
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            low, high = np.maximum(one.box[0], other.box[0]), np.minimum(one.box[1], other.box[1])
            if (high - low > RESOLUTION).all():
                raise ValueError("a panel over another")
    for clip in root.iter(f"{SVG}clipPath"):
        for part in clip:
            start, size = (np.array([float(part.get(name, "nan")) for name in names]) for names in ("xy", SIZE))
            if not any(np.abs(np.stack([start, start + size]) - one.box).max() < RESOLUTION for one in found):
                raise ValueError("a clip that is no panel's")
    legends = [group for group in root.iter() if _id(group).startswith("legend_")]
    inside = {legend for group in root.iter() if _id(group).startswith("axes_") for legend in group}
    for legend in legends:
        drawn = list(_drawn(legend, shapes))
        places = [corners if at is None else at[None] for at, corners, _ in drawn]
        over = any(((one.box[0] < at) & (at < one.box[1])).all(1).any() for one in found for at in places if len(at))
        handles = [part for part in legend if not _id(part).startswith("text_")]
        if (over and legend not in inside) or len(handles) > 1 + 3 * (len(legend) - len(handles)):
            raise ValueError(f"a legend with something else: {_id(legend)}")


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
    marks, paths, box = [np.empty((0, 2))], list[np.ndarray](), None
    for part in group:
        name = _id(part)
        if name.startswith("patch_") and box is None:
            corners = _corners(next(part.iter(f"{SVG}path")).get("d", ""))
            box = np.stack([corners.min(0), corners.max(0)])
        elif name.startswith("matplotlib.axis_"):
            for tick in part:
                if _id(tick)[:5] in ("xtick", "ytick"):
                    ticks[_id(tick)[0]].append(_tick(tick, shapes))
        elif not name.startswith(("text_", "legend_")) and not _is_arrow(part, box):
            for place, corners, style in _drawn(part, shapes):
                if place is not None and np.ptp(corners, axis=0).max() > LARGEST:
                    raise ValueError("a mark as large as a panel")
                if place is None and not THROUGH.search(style) and _covers(corners, [*marks, *paths]):
                    raise ValueError("something drawn over marks or lines")
                if place is not None:
                    marks.append(place[None])
                elif box is None or not _on_edge(corners, box):
                    paths.append(corners)
    if box is None:
        raise ValueError("a panel without a frame")
    return Panel(box, ticks, np.concatenate(marks), paths)


def _is_arrow(group: Element, box: np.ndarray | None) -> bool:
    """Whether a patch is the arrow of an annotation: a shaft and a head, neither filled. A short one ends at the frame,
    as that of an interval does whose value is near it; elsewhere it would pass for a mark.
    """
    paths = list(group)
    plain = all(part.tag == f"{SVG}path" and "fill: none" in part.get("style", "") for part in paths)
    if not _id(group).startswith("patch_") or len(paths) != 2 or not plain:
        return False
    shaft, head = (_corners(part.get("d", "")) for part in paths)
    if len(shaft) != 2 or len(head) != 3:
        return False
    at_frame = box is not None and np.abs(head[1] - box).min() < EDGE
    return bool(np.ptp(shaft, axis=0).max() > SMALL or at_frame)


def _covers(corners: np.ndarray, drawn: list[np.ndarray]) -> bool:
    low, high = corners.min(0) + RESOLUTION, corners.max(0) - RESOLUTION
    return any(((low < at) & (at < high)).all(1).any() for at in drawn)


def _on_edge(corners: np.ndarray, box: np.ndarray) -> bool:
    """Whether a path is a side of the panel's frame."""
    near = np.abs(corners[None] - box[:, None]) < RESOLUTION
    return len(corners) == 2 and bool(near.all(1).any())


def _tick(tick: Element, shapes: dict[str, Element]) -> tuple[float | None, str]:
    """Where a tick is, by its mark or by its line across the panel; and its label."""
    axis, text, place = "xy".index(_id(tick)[0]), "", None
    for part in tick:
        if _id(part).startswith("text_"):
            text = next(((one.text or "").strip() for one in part if one.tag is ElementTree.Comment), "")
        for at, corners, _ in _drawn(part, shapes) if _id(part).startswith("line2d_") else ():
            place = float((corners[0] if at is None else at)[axis])
    return place, text


def _drawn(group: Element, shapes: dict[str, Element]) -> Iterator[tuple[np.ndarray | None, np.ndarray, str]]:
    """Everything drawn in a group: of a single mark its place, of anything else the corners; and its style."""
    for holder in group.iter():
        if holder.tag == f"{SVG}defs":
            continue
        for part in holder:
            if part.tag == f"{SVG}path":
                yield None, _corners(part.get("d", "")), part.get("style", "")
            elif part.tag == f"{SVG}use" and not part.get(HREF, "")[1:].startswith(letters.FONTS):
                shape = shapes[part.get(HREF, "")]
                corners, style = _corners(shape.get("d", "")), f"{shape.get('style', '')}; {part.get('style', '')}"
                place = np.array([float(part.get(name, "0")) for name in "xy"])
                # A mark is drawn around the origin and moved; a shape has its place from the start.
                around = bool((corners.min(0) <= 0).all() and (corners.max(0) >= 0).all())
                yield (place, corners, style) if around else (None, corners + place, style)


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
