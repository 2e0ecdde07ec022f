"""The study's configuration: checked against its schema, and turned into batches."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from symmetry_constrained import paper
from symmetry_constrained.data import inputs, protocols, registry
from symmetry_constrained.data.datasets import CLASSES
from symmetry_constrained.features import inversion, translation
from symmetry_constrained.networks.activations import ACTIVATIONS
from symmetry_constrained.networks.architecture import STARTS, hyphenated
from symmetry_constrained.networks.draws import NETWORKS_PER_SPLIT, SPLITS
from symmetry_constrained.networks.registry import AVERAGING
from symmetry_constrained.optim.registry import OPTIMISERS
from symmetry_constrained.runs import architectures, folders, judged_settings, on_all_images
from symmetry_constrained.runs.faults import ConfigError, fault, plain
from symmetry_constrained.training.spec import RECIPE, Spec


def _is_whole(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: Any, value: Any) -> bool:
    # Minus zero would be an option that begins with a dash.
    return _is_whole(checker, value) or (isinstance(value, float) and math.isfinite(value) and str(value) != "-0.0")


# JSON counts 5.0 as an integer, and nan is neither below nor above any limit.
VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_number}
    ),
)

# Of a batch's name, which folders and logs bear, and of one word of a command line.
LONGEST_NAME, LONGEST_WORD = 150, 100_000
MOST_SEEDS = 5_000  # that is how many a command line holds

# Where the schema says `registry: NAME`: how its legal names are had, without importing torch.
REGISTRIES: dict[str, Callable[[], Iterable[str]]] = {
    "datasets": registry.table,
    "protocols": lambda: protocols.PROTOCOLS,
    "features": lambda: inversion.FEATURES,
    "training sets": lambda: inputs.TRAINING_SETS,
    "activations": lambda: ACTIVATIONS,
    "averaging": lambda: AVERAGING,
    "starts": lambda: STARTS,
    "optimisers": lambda: OPTIMISERS,
    "translation": lambda: translation.MAPS,
    "translation invariants": lambda: [name for name in translation.MAPS if name != "identity"],
}


def read_schema(path: Path) -> dict:
    """The JSON schema of a configuration, with the names of the registries where the file refers to them.

    ConfigError in one line for a registry that cannot be read.
    """
    try:
        return _filled(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
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


def _without_null(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_null(part) for key, part in value.items() if part is not None}


def check(config: dict, schema: Path) -> dict:
    """The configuration if it is usable, without what is null: so that a file may drop what it is merged over.

    ConfigError with one line, for the first fault by place, if it is not.
    """
    if isinstance(config, dict):
        config = judged_settings.without_dropped(config)
        config = {key: _without_null(value) for key, value in config.items()}
    validator = VALIDATOR(read_schema(schema))
    faults = sorted(validator.iter_errors(config), key=lambda fault: [str(part) for part in fault.absolute_path])
    if faults:
        raise ConfigError(plain(faults[0]))
    for key in ("results", "data"):
        try:
            config[key] = folders.placed(key, config[key])
        except ValueError as error:
            raise fault(key, config[key], str(error)) from None
    _check_apart(config)
    for name, study in config["studies"].items():
        _check_study(f"studies.{name}", study)
    _check_placed(config)
    _check_figures(config)
    judged_settings.check(config)
    _check_theory(config)
    _check_lengths(config)
    on_all_images.check(config)
    return config


def _check_apart(config: dict) -> None:
    try:
        folders.check_apart(config["results"], config["data"])
    except ValueError as error:
        raise fault("data", config["data"], str(error)) from None


def _check_placed(config: dict) -> None:
    """Published numbers are judged by studies of their dataset, one with the paper's leak and one without."""
    if not placed(config):
        raise fault("published_numbers", config["published_numbers"], "a mapping with digits, mnist or both")
    for dataset in placed(config):
        for key, protocol in (("study", "published"), ("clean_study", "clean")):
            where, named = f"published_numbers.{dataset}.{key}", config["published_numbers"][dataset][key]
            of_dataset = [name for name, study in config["studies"].items() if study["dataset"] == dataset]
            if named not in of_dataset:
                legal = f"one of the studies of {dataset}: {', '.join(of_dataset) or 'there is none'}"
                raise fault(where, named, legal)
            study = config["studies"][named]
            if study["protocol"] != protocol:
                raise fault(where, named, f"a study whose protocol is {protocol}")
            for part, needed in (("fractions", 1), ("hidden_layers", list(paper.HIDDEN_LAYERS))):
                if needed not in study[part]:
                    legal = f"a list with {needed}, since {where} names this study"
                    raise fault(f"studies.{named}.{part}", study[part], legal)
            for part, usual in RECIPE.items():
                if study.get(part, usual) != usual:
                    legal = f"{usual}, since {where} names this study"
                    raise fault(f"studies.{named}.{part}", study[part], legal)


def _check_figures(config: dict) -> None:
    drawn = config["figures"]
    for key, names in (("curves", drawn["curves"]), ("budget", [drawn["budget"]])):
        for name in names:
            if name not in config["studies"]:
                raise fault(f"figures.{key}", name, f"one of the studies: {', '.join(config['studies'])}")
            for features, training_sets in config["studies"][name]["features"].items():
                # A figure names a model by its features, and tells training sets apart for the pixels alone.
                if features != "identity" and len(training_sets) > 1:
                    legal = f"a list of one, since figures.{key} draws this study"
                    raise fault(f"studies.{name}.features.{features}", training_sets, legal)
    curves: dict[str, str] = {}
    for name in drawn["curves"]:
        study = config["studies"][name]
        dataset, layers = study["dataset"], study["hidden_layers"]
        if dataset in curves:
            raise fault("figures.curves", name, f"of another dataset than {curves[dataset]}: both are of {dataset}")
        curves[dataset] = name
        if len(layers) > 1:
            raise fault(f"studies.{name}.hidden_layers", layers, "a list of one, since figures.curves draws this study")
        legal = config["targets"].get(dataset, [])
        if drawn["target"].get(dataset) not in legal:
            seen, listed = drawn["target"].get(dataset), ", ".join(map(str, legal)) or "there is none"
            raise fault(f"figures.target.{dataset}", seen, f"one of targets.{dataset}: {listed}")


def _check_theory(config: dict) -> None:
    """Experiments on data that is studied have their options, and none trains on too few images."""
    theory, studied = config["theory"], {study["dataset"] for study in config["studies"].values()}
    if "mnist" in studied and "emulated_bias_mnist" not in theory:
        raise ConfigError("config: theory.emulated_bias_mnist is missing; it is required where a study is of mnist")
    for name, options in theory.items():
        if isinstance(options, dict) and "fraction" in options:
            dataset = "mnist" if name.endswith("mnist") else "digits"
            _check_least(f"theory.{name}.fraction", options["fraction"], protocols.training_units(dataset, "clean"))


def _check_lengths(config: dict) -> None:
    """Names of files and words of command lines have limits, which a job would meet late."""
    for (name, *model, layers, _), spec in batches(config).items():
        if len("-".join([name, *model, layers])) > LONGEST_NAME:
            legal = f"shorter, since files are named after it: {layers[:20]}..."
            raise fault(f"studies.{name}.hidden_layers", list(spec["hidden_layers"]), legal)
    for key, value in config.items():
        if len(json.dumps(value)) > LONGEST_WORD:
            legal = f"it must take {LONGEST_WORD:,} characters at most"
            raise ConfigError(f"config: {key} is too long for a command line; {legal}")


def placed(config: dict) -> list[str]:
    """The datasets whose published numbers are judged."""
    return [key for key, value in config["published_numbers"].items() if isinstance(value, dict)]


def _check_study(where: str, study: dict) -> None:
    """What a schema can't say: order, and values that contradict each other."""
    fractions, checkpoints, budget = study["fractions"], study["checkpoints"], study["budget"]
    for key, values in (("fractions", fractions), ("checkpoints", checkpoints)):
        if values != sorted(values):
            raise fault(f"{where}.{key}", values, "ascending")
    for key, beyond in (("splits", SPLITS), ("seeds", NETWORKS_PER_SPLIT)):
        if max(numbers(study[key])) >= beyond:
            raise fault(f"{where}.{key}", study[key], f"numbers below {beyond:,}")
    if len(numbers(study["seeds"])) > MOST_SEEDS:
        raise fault(f"{where}.seeds", study["seeds"], f"at most {MOST_SEEDS:,} numbers")
    units = protocols.training_units(study["dataset"], study["protocol"])
    _check_least(f"{where}.fractions", fractions[0], units)
    counts = [(round(fraction * units), format(fraction, "g")) for fraction in fractions]
    if any(len(set(part)) < len(fractions) for part in zip(*counts, strict=True)):
        raise fault(f"{where}.fractions", fractions, f"of different numbers of images, of {units:,}")
    limit = min(budget.values())
    if checkpoints and checkpoints[-1] >= limit:
        raise fault(f"{where}.checkpoints", checkpoints[-1], f"below the budget, {limit}")
    architectures.check(where, study)
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
        raise fault(where, name, f"of features of the study: {', '.join(features)}")
    legal = [
        key for key in features if set(features[name]) <= set(features[key]) and key not in {name, *study["trained_as"]}
    ]
    if other not in legal:
        listed = ", ".join(legal) or "there are none"
        raise fault(f"{where}.{name}", other, f"other features that are trained on the same sets: {listed}")


def _check_least(where: str, fraction: float, units: int) -> None:
    """A training set has an image of each class."""
    if round(fraction * units) < CLASSES:
        # Rounded up, so that it is itself legal.
        least = math.ceil(CLASSES / units * 1e5) / 1e5
        raise fault(where, fraction, f"at least {least:g}, {CLASSES} of {units:,} images")


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
            **{key: study[key] for key in RECIPE if key in study},
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
                        specs[key] = dict(vars(spec))
    return specs
