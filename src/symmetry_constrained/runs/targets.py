"""What a configuration asks for, beside its training batches: published numbers, tables, and what is timed alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from symmetry_constrained.networks.activations import ACTIVATIONS
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs.faults import fault
from symmetry_constrained.training.spec import RECIPE
from symmetry_constrained.verdicts.published import TABLES

# Splits whose files the training jobs among them depend on together: a job takes as many, or a part of them.
BLOCK = 10


@dataclass(frozen=True)
class TrainingJob:
    """What a rule trains: a study's networks on some of its splits, a cell for each value of the wildcards left."""

    study: str
    dataset: str
    protocol: str
    block: list[int]  # the splits of the job's block
    splits: list[int]  # the job's own
    features: list[str]  # any one of these, or, with `also`, this one
    training_sets: list[str]  # any one of these
    kind: list[str]  # what of these the name of the rule says
    also: list[str]  # features whose training images are the same, so that their networks are trained with these

    @property
    def fixed(self) -> dict[str, str]:
        """What no wildcard says of the batches that are trained."""
        return {"study": self.study} | ({"features": self.features[0]} if self.also else {})

    def makes(self, batch: Mapping[str, Any]) -> bool:
        """Whether the batch is one of those that the job's rule trains."""
        shared = batch["study"] == self.study and batch["split"] in self.splits
        return shared and batch["features"] in self.features and batch["training_set"] in self.training_sets

    def folders(self, pattern: str) -> list[str]:
        """Every batch that one job makes by a pattern of wildcards, those left that are the rule's."""
        cells = (
            [self.fixed | {"features": name} for name in (*self.features, *self.also)] if self.also else [self.fixed]
        )
        return [_filled(pattern, cell | {"split": str(split)}) for cell in cells for split in self.splits]

    @property
    def name(self) -> str:
        """As in a rule's name."""
        return "_".join([self.study, *self.kind, str(self.splits[0])]).replace("-", "_")


def training_jobs(config: dict[str, Any], together: int) -> list[TrainingJob]:
    """Every study's splits in their order, in blocks, and each block's in jobs of at most `together`."""
    found = []
    for name, study in config["studies"].items():
        shared = name, study["dataset"], study["protocol"]
        for block in _parts(settings.numbers(study["splits"]), BLOCK):
            for part in _parts(block, together):
                found += [TrainingJob(*shared, block, part, *kind) for kind in _kinds(study)]
    return found


def _kinds(study: dict[str, Any]) -> Iterator[tuple[list[str], list[str], list[str], list[str]]]:
    """features, training_sets, kind and also of the jobs that need a rule of their own."""
    features, others = study["features"], study.get("trained_as", {})
    for leader in dict.fromkeys(others.values()):
        followers = {
            kind: [name for name in others if others[name] == leader and kind in features[name]]
            for kind in features[leader]
        }
        for kind, also in followers.items():
            if also:
                yield [leader], [kind], [leader, kind], also
        if left := [kind for kind, also in followers.items() if not also]:
            yield [leader], left, [leader], []
    if alone := [name for name in features if name not in others and name not in others.values()]:
        yield alone, list(dict.fromkeys(kind for name in alone for kind in features[name])), [], []


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        pattern = pattern.replace(f"{{{key}}}", value)
    return pattern


def _parts(values: list[int], size: int) -> list[list[int]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def not_odd(config: dict[str, Any]) -> list[str]:
    """The studies whose bias-free networks are not odd functions, f(−x) = −f(x)."""
    models = {name: RECIPE | study for name, study in config["studies"].items()}
    return [
        name
        for name, model in models.items()
        if not ACTIVATIONS[model["activation"]].odd or model["averaging"] != "none"
    ]


def compared(config: dict[str, Any]) -> dict[str, dict]:
    """The datasets whose published numbers are compared with networks trained here, with the settings for that."""
    return {dataset: config["published_numbers"][dataset] for dataset in settings.placed(config)}


def published_ids(config: dict[str, Any], numbers: pd.DataFrame) -> list[str]:
    """The published networks whose cell is studied, in the table's order. numbers: rows of `published.csv`.

    ConfigError in one line for a dataset without any, or for a cell that its clean study lacks.
    """
    ids: list[str] = []
    for dataset, own in compared(config).items():
        where = f"published_numbers.{dataset}"
        numbered = numbers[numbers["dataset"] == dataset]
        studied = numbered[[_trains(config["studies"][own["study"]], number) for _, number in numbered.iterrows()]]
        if studied.empty:
            raise fault(f"{where}.study", own["study"], "a study that trains one of the published networks")
        for _, number in studied.iterrows():
            if not _trains(config["studies"][own["clean_study"]], number):
                cell = ", ".join(number[["features", "training_set", "network"]])
                raise fault(
                    f"{where}.clean_study", own["clean_study"], f"a study that trains {cell} as {where}.study does"
                )
        ids += studied["id"].tolist()
    # In the table's order.
    return [name for name in dict.fromkeys(numbers["id"]) if name in ids]


def _trains(study: dict[str, Any], number: pd.Series) -> bool:
    """Whether a study trains networks as the published one."""
    trained = study["features"].get(number["features"], [])
    return number["training_set"] in trained and number["network"] in study["networks"]


def paper_tables(config: dict[str, Any], numbers: pd.DataFrame) -> list[str]:
    """The names of the paper's tables of which a number is compared."""
    ids = published_ids(config, numbers)
    return [TABLES[table] for table in dict.fromkeys(numbers.loc[numbers["id"].isin(ids), "table"])]


def rerun_options(config: dict[str, Any], dataset: str) -> dict[str, Any]:
    """How the published networks of a dataset are rerun: options of the script."""
    own, shared = compared(config)[dataset], config["published_numbers"]
    return {
        "solvers": own["solvers"],
        "budgets": own["budgets"],
        "perturbed_networks": own["perturbed_networks"],
        "perturbed_at_a_time": shared["perturbed_at_a_time"],
        "perturbation": shared["perturbation"],
        "device": config["device"],
    }


def whole_curves(config: dict[str, Any]) -> list[str]:
    """The studies drawn as curves that train on all images."""
    return [name for name in config["figures"]["curves"] if 1 in config["studies"][name]["fractions"]]


def timed_alone(config: dict[str, Any], batches: Mapping[tuple, dict]) -> list[dict]:
    """A batch for each model that is timed alone: of the studies drawn that train on all images, on its first split.

    Only its first seed is timed, and a command line could not hold thousands.
    """
    studies = {*whole_curves(config), config["figures"]["budget"]}
    first: dict[tuple, dict] = {}
    for (study, *model, _), spec in batches.items():
        if study in studies:
            first.setdefault((study, *model), spec | {"seeds": spec["seeds"][:1]})
    return list(first.values())


def explored(batches: Mapping[tuple, dict]) -> list[tuple]:
    """The batches whose networks a reader may play with: 64-10-5-10 tanh networks of one study's first split.

    The study is the first clean one of the digits that trains such networks on all images; none where no study does.
    """
    asked = {"dataset": "digits", "protocol": "clean", "activation": "tanh", "averaging": "none"}
    fit = [
        key
        for key, spec in batches.items()
        if all(spec[name] == value for name, value in asked.items())
        and list(spec["hidden_layers"]) == [10, 5]
        and 1 in spec["fractions"]
    ]
    return [key for key in fit if (key[0], key[-1]) == (fit[0][0], fit[0][-1])]


def summary(batches: Mapping[tuple, dict], results: str) -> str:
    """One line that says how much a configuration trains."""
    trained = [spec for spec in batches.values() if spec["trained_as"] is None]
    networks = sum(len(spec["seeds"]) * len(spec["networks"]) * len(spec["fractions"]) for spec in trained)
    return f"{len(batches)} training batches of {networks:,} networks in all; results in {results}/"
