"""What a study will cost, by what a finished one cost (`spent`): its jobs, and how long they take on so many nodes.

Budgets count as used up and reruns as never ending early; a study unlike the measured one is extrapolated, by one rate
for all images of a size. So a plan is right within a factor of two or so, no better. Left out is what runs beside the
training jobs: downloads, splits, tables and figures, minutes in all.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.data.datasets import CLASSES, COUNTS, SHAPES, check_name
from symmetry_constrained.features.inversion import feature_count
from symmetry_constrained.runs import config as settings

if TYPE_CHECKING:
    from symmetry_constrained.runs.spent import Spent

# Training images: four fifths of the digits in five positions; the sets like MNIST come divided.
IMAGES = {"digits": 7_185} | {name: training for name, (training, _) in COUNTS.items()}
EVALUATIONS_PER_ITERATION = 1.1  # a line search seldom asks for a second one
SPLIT_EXPERIMENT = "invariants"  # the one experiment with a job for each of theory.splits
# Below this a job is not worth a submission of its own.
SHORT_SECONDS = 60


@dataclass(frozen=True)
class Cost:
    """What a training job costs: seconds to start, per evaluation, and per evaluation, network, image and weight."""

    start: float
    tick: float
    rate: float

    def seconds(self, spec: Mapping[str, Any]) -> float:
        """A batch (a `spec.Spec` as a mapping) that uses its whole budget."""
        each, networks = evaluations(spec["budget"]), len(spec["networks"]) * len(spec["seeds"])
        images = IMAGES[spec["dataset"]] * sum(spec["fractions"]) * (2 if spec["training_set"] == "augmented" else 1)
        per_image = weights(spec["features"], spec["dataset"], spec["hidden_layers"])
        return self.start + each * (self.tick * len(spec["fractions"]) + self.rate * networks * images * per_image)


# The default study's on one core of an AMD EPYC virtual machine, by the pixels of an image.
TYPICAL = {64: Cost(3.0, 0.0027, 1.5e-10), 784: Cost(4.0, 0.0071, 6.1e-11)}


def expected_seconds(spec: Mapping[str, Any]) -> float:
    """What a batch takes on one core like ours, within a factor of two or so."""
    return TYPICAL[pixels(spec["dataset"])].seconds(spec)


def perturbed_seconds(cost: Cost, dataset: str, networks: int) -> float:
    """What so many perturbed copies of a published network take: 200 evaluations each; float64 costs twice."""
    spec = {
        "dataset": dataset,
        "features": "identity",
        "training_set": "original",
        "hidden_layers": paper.HIDDEN_LAYERS,
    }
    spec |= {
        "fractions": (1.0,),
        "networks": ("biased",),
        "seeds": range(networks),
        "budget": {"max_evaluations": paper.BUDGET},
    }
    return replace(cost, start=0.0, rate=2 * cost.rate).seconds(spec) if networks else 0.0


def pixels(dataset: str) -> int:
    """Pixels of an image. ValueError in one line for an unknown dataset."""
    check_name(dataset)
    return math.prod(SHAPES[dataset])


def weights(features: str, dataset: str, hidden_layers: Iterable[int]) -> int:
    """Weights of a network, biases left out."""
    sizes = [feature_count(features, pixels(dataset)), *hidden_layers, CLASSES]
    return sum(fan_in * fan_out for fan_in, fan_out in itertools.pairwise(sizes))


def evaluations(budget: Mapping[str, int]) -> float:
    """Evaluations of one network that uses its whole budget."""
    iterations = budget.get("max_iterations", math.inf) * EVALUATIONS_PER_ITERATION
    return min(iterations, budget.get("max_evaluations", math.inf))


def grid(config: Mapping[str, Any], study: str, datasets: int, widths: int) -> dict:
    """A configuration of nothing but one study, on so many datasets like its own, with one to so many times 10-5.

    ValueError in one line for an unknown study.
    """
    if study not in config["studies"]:
        raise ValueError(f"study: {study!r} is unknown; choose one of {', '.join(config['studies'])}")
    wide = config["studies"][study] | {"hidden_layers": [[10 * width, 5 * width] for width in range(1, widths + 1)]}
    studies = {f"{study}-{number}": wide for number in range(datasets)}
    return {**config, "studies": studies, "published_numbers": {}, "theory": {}, "solo": {}}


def jobs(config: Mapping[str, Any], before: Mapping[str, Any], spent: "Spent", published: pd.DataFrame) -> pd.DataFrame:
    """The jobs of a checked configuration that train: rule, networks, seconds, bytes, short.

    before: the configuration whose run was `spent`. ValueError in one line where nothing alike was measured.
    """
    rows = [_batch(batch, spent) for batch in settings.batches(config).values()]
    for dataset in settings.placed(config):
        wanted = config["published_numbers"][dataset]
        if dataset not in spent.rerun_seconds:
            raise ValueError(f"published_numbers.{dataset}: no rerun of these was measured")
        reruns, perturbed = len(wanted["solvers"]) * len(wanted["budgets"]), wanted["perturbed_networks"]
        seconds = spent.rerun_seconds[dataset] * reruns
        seconds += perturbed_seconds(spent.costs[pixels(dataset)], dataset, perturbed)
        count = published.loc[published["dataset"] == dataset, "id"].nunique()
        rows += [("rerun_published", reruns + perturbed, seconds, 0.0)] * count
    for name, seconds in spent.other_seconds.items():
        now, then = (_options(mapping, name) for mapping in (config, before))
        if now:
            count = config["theory"].get("splits", 1) if name == SPLIT_EXPERIMENT else 1
            rows += [(name, 0, seconds * _ratio(now, then), 0.0)] * count
    table = pd.DataFrame(rows, columns=["rule", "networks", "seconds", "bytes"])
    return table.assign(
        short=(table["seconds"] < SHORT_SECONDS) & table["rule"].isin(["train_batch", "rerun_published"])
    )


def uncounted(config: Mapping[str, Any], spent: "Spent") -> list[str]:
    """The jobs that a study has besides its batches and reruns, and that no benchmark file tells of."""
    names = [*(name for name, options in config["theory"].items() if isinstance(options, Mapping)), "time_solo"]
    return [name for name in names if name not in spent.other_seconds]


def submissions(table: pd.DataFrame, together: int, overhead: float) -> pd.Series:
    """Seconds of each submission: short jobs go so many together; a job takes `overhead` on its node besides."""
    seconds = table["seconds"] + overhead
    short = seconds[table["short"]].reset_index(drop=True)
    return pd.concat([seconds[~table["short"]], short.groupby(short.index // together).sum()], ignore_index=True)


def stored(config: Mapping[str, Any], table: pd.DataFrame, spent: "Spent", copies: int = 1) -> float:
    """Bytes that the study leaves: its batches, splits and source images. copies: of each dataset, for a grid."""
    batches = settings.batches(config).values()
    splits = {(batch["dataset"], batch["protocol"], batch["split"]) for batch in batches}
    others = sum(_like(spent.split_bytes, dataset) for dataset, *_ in splits)
    others += sum(_like(spent.data_bytes, dataset) for dataset in {dataset for dataset, *_ in splits})
    return float(table["bytes"].sum() + copies * others)


def plan(
    name: str,
    table: pd.DataFrame,
    size: float,
    nodes: list[int],
    *,
    side_by_side: int,
    together: int,
    per_submission: float,
    overhead: float,
    gpu: bool,
) -> pd.DataFrame:
    """A row for each number of nodes: what the study takes, how long, and which of three limits decides that.

    table: of `jobs`. size: of `stored`. side_by_side: jobs that run at once on a node. together: short jobs to a
    submission. per_submission: seconds that the scheduler takes for each. overhead: seconds that Snakemake takes on
    the node for each job. The longest chain of jobs is a single one, since none that trains waits for another.
    """
    seconds = submissions(table, together, overhead)
    rows = []
    for count in nodes:
        limits = {
            "cores": seconds.sum() / (count * side_by_side) / 3600,
            "submissions": len(seconds) * per_submission / 3600,
            "longest job": seconds.max() / 3600,
        }
        limit = max(limits, key=limits.__getitem__)
        rows.append(
            {
                "study": name,
                "nodes": count,
                "networks": int(table["networks"].sum()),
                "jobs": len(table),
                "submissions": len(seconds),
                "core_hours": seconds.sum() / 3600,
                "gpu_hours": seconds.sum() / 3600 if gpu else math.nan,
                "storage_gb": size / 1e9,
                "hours_by_cores": limits["cores"],
                "hours_by_submissions": limits["submissions"],
                "hours_by_longest_job": limits["longest job"],
                "hours": limits[limit],
                "limit": limit,
            }
        )
    return pd.DataFrame(rows)


def _batch(batch: Mapping[str, Any], spent: "Spent") -> tuple[str, int, float, float]:
    size = pixels(batch["dataset"])
    if size not in spent.costs:
        raise ValueError(f"{batch['dataset']}: no batch on images of {size} pixels was measured")
    networks = len(batch["networks"]) * len(batch["seeds"]) * len(batch["fractions"])
    return "train_batch", networks, spent.costs[size].seconds(batch), networks * spent.network_bytes[size]


def _like(by_dataset: Mapping[str, float], dataset: str) -> float:
    """The dataset's own entry, or one of a dataset with images of its size."""
    alike = [value for name, value in by_dataset.items() if pixels(name) == pixels(dataset)]
    return by_dataset.get(dataset, max(alike, default=math.nan))


def _options(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the configuration tells a job that a study has once."""
    return config["solo"] if name == "time_solo" else config["theory"].get(name, {})


def _ratio(now: Mapping[str, Any], then: Mapping[str, Any]) -> float:
    """How many times the work: the product over the numbers that both state, and the lengths of lists."""
    ratio = 1.0
    for key in now.keys() & then.keys():
        sizes = [len(value) if isinstance(value, list) else value for value in (now[key], then[key])]
        if sizes[1]:
            ratio *= sizes[0] / sizes[1]
    return ratio


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A plan for people: rounded, a dash for what was not measured."""
    shown = table.copy()
    for name in table.columns[table.columns.str.contains("hours|storage")]:
        shown[name] = ["–" if value != value else f"{value:.3g}" for value in table[name]]
    shown["networks"] = [f"{value:,}" for value in table["networks"]]
    return shown.rename(columns=lambda name: name.replace("_", " ").replace("gb", "GB").replace("gpu", "GPU"))
