"""The titles of figures that are drawn already: what `style.save` wrote into their files."""

from pathlib import Path

from PIL import Image


def title_of(png: Path) -> str:
    """The title of a figure that `style.save` wrote, in one line."""
    with Image.open(png) as image:
        return " ".join(image.info["Title"].split())
