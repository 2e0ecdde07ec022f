"""The study's configuration: checked against its schema, and turned into batches."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from symmetry_constrained.data import inputs, protocols, registry
from symmetry_constrained.data.datasets import CLASSES
from symmetry_constrained.features import inversion, translation
from symmetry_constrained.networks.architecture import hyphenated
from symmetry_constrained.networks.draws import NETWORKS_PER_SPLIT, SPLITS
from symmetry_constrained.training.spec import Spec


def _is_whole(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: Any, value: Any) -> bool:
    return _is_whole(checker, value) or (isinstance(value, float) and math.isfinite(value))


# JSON counts 5.0 as an integer, and nan is neither below nor above any limit.
VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_number}
    ),
)


# Where the schema says `registry: NAME`: how its legal names are had, without importing torch.
REGISTRIES: dict[str, Callable[[], Iterable[str]]] = {
    "datasets": registry.table,
    "protocols": lambda: protocols.PROTOCOLS,
    "features": lambda: inversion.FEATURES,
    "training sets": lambda: inputs.TRAINING_SETS,
    "translation": lambda: translation.MAPS,
    "translation invariants": lambda: [name for name in translation.MAPS if name != "identity"],
}


class ConfigError(ValueError):
    """A configuration that can't be used; its text is one line: the key, the value seen, what is legal."""


def read_schema(path: Path) -> dict:
    """The JSON schema of a configuration, with the names of the registries where the file refers to them.

    ConfigError in one line for a registry that cannot be read.
    """
    try:
        return _filled(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _filled(node: Any) -> Any:
    if isinstance(node, list):
        return [_filled(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: _filled(part) for key, part in node.items()}
    if "registry" in node:
        node["enum"] = list(REGISTRIES[node.pop("registry")]())
    return node


def check(config: dict, schema: Path) -> dict:
    """The configuration if it is usable, without what is null: so that a file may drop what it is merged over.

    ConfigError with one line, for the first fault by place, if it is not.
    """
    if isinstance(config, dict):
        config = {
            key: {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value
            for key, value in config.items()
        }
    validator = VALIDATOR(read_schema(schema))
    faults = sorted(validator.iter_errors(config), key=lambda fault: [str(part) for part in fault.absolute_path])
    if faults:
        raise ConfigError(_plain(faults[0]))
    for name, study in config["studies"].items():
        _check_study(f"studies.{name}", study)
    for dataset in placed(config):
        for key in ("study", "clean_study"):
            named = config["published_numbers"][dataset][key]
            of_dataset = [name for name, study in config["studies"].items() if study["dataset"] == dataset]
            if named not in of_dataset:
                legal = f"one of the studies of {dataset}: {', '.join(of_dataset) or 'there is none'}"
                raise _fault(f"published_numbers.{dataset}.{key}", named, legal)
    drawn = config["figures"]
    for key, names in (("curves", drawn["curves"]), ("budget", [drawn["budget"]])):
        for name in names:
            if name not in config["studies"]:
                raise _fault(f"figures.{key}", name, f"one of the studies: {', '.join(config['studies'])}")
    curves: dict[str, str] = {}
    for name in drawn["curves"]:
        dataset = config["studies"][name]["dataset"]
        if dataset in curves:
            raise _fault("figures.curves", name, f"of another dataset than {curves[dataset]}: both are of {dataset}")
        curves[dataset] = name
        legal = config["targets"].get(dataset, [])
        if drawn["target"].get(dataset) not in legal:
            seen, listed = drawn["target"].get(dataset), ", ".join(map(str, legal)) or "there is none"
            raise _fault(f"figures.target.{dataset}", seen, f"one of targets.{dataset}: {listed}")
    return config


def placed(config: dict) -> list[str]:
    """The datasets whose published numbers are judged."""
    return [key for key, value in config["published_numbers"].items() if isinstance(value, dict)]


def _check_study(where: str, study: dict) -> None:
    """What a schema can't say: order, and values that contradict each other."""
    fractions, checkpoints, budget = study["fractions"], study["checkpoints"], study["budget"]
    for key, values in (("fractions", fractions), ("checkpoints", checkpoints)):
        if values != sorted(values):
            raise _fault(f"{where}.{key}", values, "ascending")
    for key, beyond in (("splits", SPLITS), ("seeds", NETWORKS_PER_SPLIT)):
        if max(numbers(study[key])) >= beyond:
            raise _fault(f"{where}.{key}", study[key], f"numbers below {beyond:,}")
    units = protocols.training_units(study["dataset"], study["protocol"])
    if round(fractions[0] * units) < CLASSES:
        # Rounded up, so that it is itself legal.
        least = math.ceil(CLASSES / units * 1e5) / 1e5
        raise _fault(f"{where}.fractions", fractions[0], f"at least {least:g}, {CLASSES} of {units:,} images")
    limit = min(budget.values())
    if checkpoints and checkpoints[-1] >= limit:
        raise _fault(f"{where}.checkpoints", checkpoints[-1], f"below the budget, {limit}")
    for name, other in study.get("trained_as", {}).items():
        _check_trained_as(f"{where}.trained_as", study, name, other)
    for name in study["features"]:
        try:
            inversion.check_size(name, registry.known(study["dataset"]).shape)
        except ValueError as error:
            raise ConfigError(f"config: {where}.{error}") from None


def _check_trained_as(where: str, study: dict, name: str, other: str) -> None:
    """Features whose networks are other features': both are studied, and the others trained on the same sets."""
    features = study["features"]
    if name not in features:
        raise _fault(where, name, f"of features of the study: {', '.join(features)}")
    legal = [
        key for key in features if set(features[name]) <= set(features[key]) and key not in {name, *study["trained_as"]}
    ]
    if other not in legal:
        listed = ", ".join(legal) or "there are none"
        raise _fault(f"{where}.{name}", other, f"other features that are trained on the same sets: {listed}")


def numbers(value: int | list[int]) -> list[int]:
    """The numbers that a configuration names: 0 to N-1 for a count N, or those of a list."""
    return list(range(value)) if isinstance(value, int) else list(value)


def batches(config: dict) -> dict[tuple, dict]:
    """Every training batch of the configuration: (study, features, training set, hidden layers, split) -> its spec."""
    specs = {}
    for name, study in config["studies"].items():
        base = Spec(
            study=name,
            dataset=study["dataset"],
            protocol=study["protocol"],
            split=0,
            features="",
            training_set="",
            hidden_layers=(),
            fractions=tuple(study["fractions"]),
            networks=tuple(study["networks"]),
            seeds=tuple(numbers(study["seeds"])),
            budget=study["budget"],
            checkpoints=tuple(study["checkpoints"]),
            alpha=config["alpha"],
            dtype=config["dtype"],
            device=config["device"],
        )
        for features_, training_sets in study["features"].items():
            trained_as = study.get("trained_as", {}).get(features_)
            for training_set in training_sets:
                for layers in study["hidden_layers"]:
                    for split in numbers(study["splits"]):
                        spec = replace(
                            base,
                            split=split,
                            features=features_,
                            training_set=training_set,
                            hidden_layers=tuple(layers),
                            trained_as=trained_as,
                        )
                        key = (name, features_, training_set, hyphenated(layers), str(split))
                        specs[key] = asdict(spec)
    return specs


def _fault(where: str, value: Any, legal: str) -> ConfigError:
    return ConfigError(f"config: {where} is {_show(value)}; it must be {legal}")


def _name(key: Any) -> str:
    """A key as it is, or quoted if it would not fit in one line."""
    return str(key) if str(key).isprintable() else repr(key)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(fault: jsonschema.ValidationError) -> str:
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
