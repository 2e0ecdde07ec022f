"""Faults of a configuration, each as one line: the key, the value seen, what is legal."""

from typing import Any

import jsonschema


class ConfigError(ValueError):
    """A configuration that can't be used; its text is one line: the key, the value seen, what is legal."""


def fault(where: str, value: Any, legal: str) -> ConfigError:
    return ConfigError(f"config: {where} is {_show(value)}; it must be {legal}")


def _name(key: Any) -> str:
    """A key as it is, or quoted if it would not fit in one line."""
    return str(key) if str(key).isprintable() else repr(key)


def _show(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def plain(fault: jsonschema.ValidationError) -> str:
    """A schema's fault as one line."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.absolute_path).lstrip(".")
    schema, value, rule = fault.schema, fault.instance, fault.validator_value
    if fault.validator == "additionalProperties":
        legal = sorted(schema.get("properties", {}))
        unknown = next(key for key in value if key not in legal)
        return f"config: {f'{where}.' if where else ''}{_name(unknown)} is unknown; legal keys are {', '.join(legal)}"
    if fault.validator == "required":
        missing = next(key for key in rule if key not in value)
        return f"config: {f'{where}.' if where else ''}{missing} is missing; it is required"
    legal = {
        "enum": lambda: f"one of {', '.join(map(str, rule))}",
        "type": lambda: {
            "object": "a mapping of keys",
            "array": "a list",
            "string": "text",
            "integer": "a whole number",
        }.get(rule, f"a {rule}"),
        "minimum": lambda: f"at least {rule}",
        "maximum": lambda: f"at most {rule}",
        "exclusiveMinimum": lambda: f"above {rule}",
        "exclusiveMaximum": lambda: f"below {rule}",
        "minItems": lambda: "a list that is not empty",
        "minLength": lambda: schema.get("description", "text that is not empty"),
        "minProperties": lambda: "a mapping that is not empty",
        "uniqueItems": lambda: "a list without repeats",
        "oneOf": lambda: schema["description"],
        "contains": lambda: schema["description"],
        "pattern": lambda: schema.get("description", f"text like {rule}"),
    }.get(fault.validator, lambda: fault.message)()
    place = f"config: {where}" if where else "config"
    if "propertyNames" in fault.absolute_schema_path:
        return f"{place}: the key {_show(value)} is not legal; it must be {legal}"
    return f"{place} is {_show(value)}; it must be {legal}"
