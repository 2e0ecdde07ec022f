"""What a study will cost, by the measured costs of a finished one: its jobs, and how long they take on so many nodes.

Budgets count as used up and reruns as never ending early; a study unlike the measured one is extrapolated, by one rate
for all images of a size. So a plan is right within a factor of two or so, no better. Left out is what runs beside the
training jobs: downloads, splits, tables and figures, minutes in all.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import targets
from symmetry_constrained.runs.job_costs import SHORT_SECONDS, MeasuredCosts, perturbed_seconds, pixels

SPLIT_EXPERIMENT = "invariants"  # the one experiment with a job for each of theory.splits
OVER_SPLITS = ("mirrored_pairs", "saturated_units")  # those whose one job trains on all of them


def grid(config: dict[str, Any], study: str, datasets: int, widths: int) -> dict:
    """A configuration of nothing but one study, on so many datasets like its own, with one to so many times 10-5.

    ValueError in one line for an unknown study.
    """
    if study not in config["studies"]:
        raise ValueError(f"study: {study!r} is unknown; choose one of {', '.join(config['studies'])}")
    wide = config["studies"][study] | {"hidden_layers": [[10 * width, 5 * width] for width in range(1, widths + 1)]}
    studies = {f"{study}-{number}": wide for number in range(datasets)}
    return {**config, "studies": studies, "published_numbers": {}, "theory": {}, "solo": {}}


def jobs(
    config: dict[str, Any],
    before: dict[str, Any],
    measured: MeasuredCosts,
    published: pd.DataFrame,
    splits_per_job: int = targets.BLOCK,
) -> pd.DataFrame:
    """The jobs of a checked configuration that train: rule, networks, seconds, bytes, short.

    before: the configuration whose run was measured. splits_per_job: as the profile says. ValueError in one line where
    nothing alike was measured.
    """
    rows = [_job(batches, measured) for batches in _together(config, splits_per_job)]
    for dataset in settings.placed(config):
        wanted = config["published_numbers"][dataset]
        if dataset not in measured.rerun_seconds:
            raise ValueError(f"published_numbers.{dataset}: no rerun of these was measured")
        reruns, perturbed = len(wanted["solvers"]) * len(wanted["budgets"]), wanted["perturbed_networks"]
        seconds = measured.rerun_seconds[dataset] * reruns
        seconds += perturbed_seconds(measured.costs[pixels(dataset)], dataset, perturbed)
        count = published.loc[published["dataset"] == dataset, "id"].nunique()
        rows += [("rerun_published", reruns + perturbed, seconds, 0.0)] * count
    for name, seconds in measured.other_seconds.items():
        now, then = (_options(mapping, name) for mapping in (config, before))
        if now:
            count = config["theory"].get("splits", 1) if name == SPLIT_EXPERIMENT else 1
            rows += [(name, 0, seconds * ratio(now, then), 0.0)] * count
    table = pd.DataFrame(rows, columns=["rule", "networks", "seconds", "bytes"])
    return table.assign(
        short=(table["seconds"] < SHORT_SECONDS) & table["rule"].isin(["train_batch", "rerun_published"])
    )


def uncounted(config: dict[str, Any], measured: MeasuredCosts) -> list[str]:
    """The jobs that a study has besides its batches and reruns, and that no benchmark file tells of."""
    names = [*(name for name, options in config["theory"].items() if isinstance(options, Mapping)), "time_solo"]
    return [name for name in names if name not in measured.other_seconds]


def submissions(table: pd.DataFrame, together: int, overhead: float) -> pd.Series:
    """Seconds of each submission: short jobs go so many together; a job takes `overhead` on its node besides."""
    seconds = table["seconds"] + overhead
    short = seconds[table["short"]].reset_index(drop=True)
    return pd.concat([seconds[~table["short"]], short.groupby(short.index // together).sum()], ignore_index=True)


def stored(config: dict[str, Any], table: pd.DataFrame, measured: MeasuredCosts, copies: int = 1) -> float:
    """Bytes that the study leaves: its batches, splits and source images. copies: of each dataset, for a grid."""
    batches = settings.batches(config).values()
    splits = {(batch["dataset"], batch["protocol"], batch["split"]) for batch in batches}
    others = sum(_like(measured.split_bytes, dataset) for dataset, *_ in splits)
    others += sum(_like(measured.data_bytes, dataset) for dataset in {dataset for dataset, *_ in splits})
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


def _together(config: dict[str, Any], splits_per_job: int) -> Iterator[list[dict]]:
    """The batches of each training job."""
    batches = settings.batches(config)
    for job in targets.training_jobs(config, splits_per_job):
        cells: dict[tuple, list[dict]] = {}
        for (*cell, _), batch in batches.items():
            if job.makes(batch):
                cells.setdefault(tuple(cell), []).append(batch)
        yield from cells.values()


def _job(batches: list[dict], measured: MeasuredCosts) -> tuple[str, int, float, float]:
    dataset = batches[0]["dataset"]
    size = pixels(dataset)
    if size not in measured.costs:
        raise ValueError(f"{dataset}: no batch on images of {size} pixels was measured")
    networks = sum(len(spec["networks"]) * len(spec["seeds"]) * len(spec["fractions"]) for spec in batches)
    return "train_batch", networks, measured.costs[size].seconds(batches), networks * measured.network_bytes[size]


def _like(by_dataset: Mapping[str, float], dataset: str) -> float:
    """The dataset's own entry, or one of a dataset with images of its size."""
    alike = [value for name, value in by_dataset.items() if pixels(name) == pixels(dataset)]
    return by_dataset.get(dataset, max(alike, default=math.nan))


def _options(config: dict[str, Any], name: str) -> dict[str, Any]:
    """What the configuration tells a job that a study has once."""
    if name == "time_solo":
        return config["solo"]
    options = config["theory"].get(name, {})
    splits = {"splits": config["theory"].get("splits", 1)} if options and name in OVER_SPLITS else {}
    return options | splits


def ratio(now: Mapping[str, Any], then: Mapping[str, Any]) -> float:
    """How many times the work: the product over the numbers that both state, and the lengths of lists; of several
    budgets in `evaluations` the longest, which the others are parts of.
    """
    ratio = 1.0
    for key in now.keys() & then.keys():
        measure = max if key == "evaluations" else len
        sizes = [measure(value) if isinstance(value, list) else value for value in (now[key], then[key])]
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
