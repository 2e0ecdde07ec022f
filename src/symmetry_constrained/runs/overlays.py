"""A file that is merged over the default configuration: its own keys come before those that it is merged over."""

from pathlib import Path
from typing import Any

import yaml


def in_default_order(config: Any, default: Path) -> Any:
    """The same configuration with the default's keys first, in the default's order, so that whatever is listed or drawn
    is in the order of the default study, and what a file adds follows.
    """
    return _ordered(config, yaml.load(default.read_text(encoding="utf-8"), yaml.CSafeLoader))


def _ordered(value: Any, default: Any) -> Any:
    if not (isinstance(value, dict) and isinstance(default, dict)):
        return value
    keys = [*(key for key in default if key in value), *(key for key in value if key not in default)]
    return {key: _ordered(value[key], default.get(key)) for key in keys}
