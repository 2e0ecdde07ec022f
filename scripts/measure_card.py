"""Measure what a GPU does with this study, in less than ten minutes, and keep the numbers with the card's name.

Writes card-NAME.json: what a tick takes, networks beside the CPU's, energy, products in bfloat16, the cells of
`make benchmark` on the card, and every batch of a configuration trained in a loop. MNIST must have been fetched.
Kept numbers are in results/reference/benchmarks/.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.benchmark import card, roofline, split_products, throughput
from symmetry_constrained.benchmark.card import Case
from symmetry_constrained.benchmark.throughput import Bench, Cell, Training
from symmetry_constrained.data import inputs, protocols, reading
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.networks.ensemble import Ensemble, resolve_device
from symmetry_constrained.runs import config as settings
from symmetry_constrained.training.spec import Spec

ROOT = Path(__file__).parents[1]
CELLS = {"digits": (7188, 144), "mnist": (56_000, 600)}  # dataset -> training images, as in `make benchmark`
TICKED = (("digits", 7188, 8), ("digits", 7188, 40), ("digits", 7188, 128), ("mnist", 56_000, 128))
WARM = (("digits", 7188, 40), ("mnist", 56_000, 128))  # dataset, images, networks: whose energy is measured
COMPARED = ["digits-published/identity"]  # studies and features of the batches that the CPU trains too
SECTIONS = ("ticks", "energy", "split_products", "beside_cpu", "cells", "study")


class Data:
    """Datasets and splits, each made once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.dataset, self.split = cache(self._dataset), cache(self._split)

    def _dataset(self, name: str) -> Dataset:
        return reading.load(name, self.folder / name)

    def _split(self, name: str, protocol: str, number: int) -> Split:
        return protocols.make_split(name, self.dataset(name), protocol, number)

    def case(self, name: str, n: int, networks: int, device: torch.device) -> Case:
        """So many biased networks on so many of a dataset's images."""
        dataset, split = self.dataset(name), self.split(name, throughput.PROTOCOL, throughput.SPLIT)
        fraction = n / len(split.select("train"))
        given = inputs.training(dataset, split, throughput.FEATURES, throughput.TRAINING_SET, 0, fraction)
        everyone = np.ones(networks, dtype=bool)
        ensemble = Ensemble(throughput.architecture_of(name), everyone, dtype=torch.float32, device=str(device))
        return Case(ensemble, ensemble.initial(range(networks)), ensemble.samples(given, given.labels))


def main(arguments: argparse.Namespace) -> None:
    device = torch.device(resolve_device(arguments.device))
    if device.type != "cuda":
        raise ValueError(f"device: {arguments.device} is not a GPU here")
    # YAML takes JSON's 1e-05 for a word.
    read = json.loads if arguments.config.suffix == ".json" else yaml.safe_load
    config = settings.check(read(arguments.config.read_text()), ROOT / "workflow/schemas/config.schema.yaml")
    specs = [Spec(**spec | {"device": str(device)}) for spec in settings.batches(config).values()]
    specs = [spec for spec in specs if spec.trained_as is None]
    data = Data(arguments.data_folder)
    record: dict[str, Any] = {"card": card.about(device)}
    sections = {
        "ticks": lambda: named(TICKED, lambda *case: card.tick(data.case(*case, device))),
        "energy": lambda: named(WARM, lambda *case: card.energy(data.case(*case, device), 3.0, 50)),
        "split_products": lambda: [split_products.measure(k, 10, 784, 56_000, device) for k in (6, 32, 128)],
        "beside_cpu": lambda: beside_cpu(specs, arguments.beside, data, arguments.networks, str(device)),
        "cells": lambda: cells(data.folder, str(device), arguments.at_once, arguments.evaluations),
        "study": lambda: study(specs, data, arguments.seconds, device),
    }
    for name in arguments.sections:
        cli.say(name)
        record[name] = sections[name]()
        artifacts.write_json(record, arguments.out / card.file_name(record["card"]["name"]))


def named(cases: tuple, measure: Any) -> list[dict]:
    """A measure of each case, with the case."""
    return [dict(zip(("dataset", "n", "networks"), case, strict=True)) | measure(*case) for case in cases]


def beside_cpu(specs: list[Spec], compared: list[str], data: Data, networks: int, device: str) -> list[dict]:
    """The batches of these studies and features on the first split, with so many networks of each kind."""
    rows = []
    for spec in specs:
        if f"{spec.study}/{spec.features}" in compared and spec.split == min(other.split for other in specs):
            many = replace(spec, seeds=tuple(range(networks)), checkpoints=())
            rows += card.beside_cpu(many, data.dataset(spec.dataset), data.split(*place(spec)), device)
    return rows


def place(spec: Spec) -> tuple[str, str, int]:
    return spec.dataset, spec.protocol, spec.split


def cells(folder: Path, device: str, at_once: list[int], evaluations: int) -> dict:
    """The cells of `make benchmark` for our ensembles on the card, and the card's peaks."""
    bench = Bench(device, processes=1)
    with tempfile.TemporaryDirectory() as temporary:
        bench.measure_peaks(0.5)
        for name, counts in CELLS.items():
            throughput.prepare(name, folder, Path(temporary, name))
            for n in counts:
                timed = [Training(networks, evaluations) for networks in sorted(at_once)]
                bench.time("ours", Cell(name, n, str(Path(temporary, name))), timed)
    return {"peaks": asdict(roofline.best(bench.peaks)), "cells": card.rates(bench)}


def study(specs: list[Spec], data: Data, seconds: float, device: torch.device) -> dict:
    """Every batch, until so many seconds have passed."""
    batches = ((spec, data.dataset(spec.dataset), data.split(*place(spec))) for spec in specs)
    return {"of": len(specs)} | card.study(batches, seconds, device)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--config",
        type=Path,
        default=ROOT / "config/config.yaml",
        help="whose batches are trained: a whole one, as config.json of a finished run is",
    )
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS, help="what to measure")
    parser.add_argument(
        "--beside", nargs="+", default=COMPARED, metavar="STUDY/FEATURES", help="whose batches the CPU trains too"
    )
    parser.add_argument("--seconds", type=float, default=300, help="for those batches, at most (default 300)")
    parser.add_argument("--networks", type=int, default=100, help="of each kind beside the CPU's (default 100)")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8, 32, 128, 1024], help="networks timed together")
    parser.add_argument("--evaluations", type=int, default=200, help="of a timed training (default 200)")
    parser.add_argument("--device", default="auto", help="cuda or cuda:N (default: the first)")
    parser.add_argument("--data-folder", type=Path, default=Path("data"), help="with mnist/ in it (default data)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the numbers")
    cli.run(main, parser)
