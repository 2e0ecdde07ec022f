"""Keys that a file of the configuration gives twice: YAML takes the last and says nothing."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml


def check(files: Iterable[Path]) -> None:
    """ValueError in one line for the first key that a file gives twice in the same mapping."""
    for file in files:
        text = file.read_text(encoding="utf-8")
        try:
            # JSON is YAML, but for tabs.
            node = yaml.compose(text.replace("\t", " ") if _is_json(text) else text, Loader=yaml.CSafeLoader)
        except (yaml.YAMLError, ValueError) as error:
            raise ValueError(f"{file}: {' '.join(str(error).split())}") from None
        for line, key in _repeated(node, set()):
            raise ValueError(f"{file}, line {line}: the key {key!r} is there twice; keep one of them")


def _repeated(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[int, str]]:
    """Line and name of each key that repeats an earlier one; aliases are followed once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in keys:
                    yield key.start_mark.line + 1, key.value
                keys.add((key.tag, key.value))
            yield from _repeated(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _repeated(part, seen)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
