"""Pages that need no other file: a template with its style and scripts, filled with every value escaped."""

from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, parts: tuple[str, ...], **values: Any) -> str:
    """The page of a template, by its path within the room.

    parts: all that it includes, by their paths within the room, so that whoever reads the module sees on what files the
    page depends. ValueError for a part that is not named, and for a value that the template needs and is not given.
    """
    named = {Path(name).name: (TEMPLATES.parent / name).read_text(encoding="utf-8") for name in (template, *parts)}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(named),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        return environment.get_template(Path(template).name).render(values)
    except (jinja2.TemplateNotFound, jinja2.UndefinedError) as error:
        raise ValueError(f"{template}: {error}") from None
