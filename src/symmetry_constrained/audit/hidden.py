"""What in the style of a shape makes it invisible, or next to it."""

import re

HIDDEN = re.compile(r"display|visibility|filter|mask|url\((?!#)|stroke-width: \d{2,}")
FADED = re.compile(r"(?:^|[ ;])(?:stroke-)?opacity: ?([^; ]+)")
WIDTHS, DASHES = (re.compile(rf"stroke-{name}: ?([^;]+)") for name in ("width", "dasharray"))
FAINT = 0.15  # the least opacity, and the least share of a dashed line that is drawn
THIN, LONGEST = 0.3, 24.0  # points: the least width of a line, and the longest period of its dashes


def hides(style: str) -> bool:
    """ValueError for numbers that are none."""
    faint = any(float(value) < FAINT for value in FADED.findall(style))
    thin = any(float(value) < THIN for value in WIDTHS.findall(style))
    dashes = [[float(part) for part in re.split("[ ,]+", text.strip())] for text in DASHES.findall(style)]
    gaps = any(sum(parts[::2]) < FAINT * sum(parts) or sum(parts) > LONGEST for parts in dashes)
    return bool(HIDDEN.search(style)) or faint or thin or gaps
