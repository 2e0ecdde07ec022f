"""Measure how fast networks are trained by our solver and by others, on all cores of this machine at once.

Writes throughput.csv, accuracies.csv (of the networks trained to the end of the budget) and peaks.csv (the machine's).
Run it while the machine has no other work.
"""

import argparse
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.benchmark import roofline, throughput
from symmetry_constrained.benchmark import solvers as library
from symmetry_constrained.benchmark.throughput import Bench, Cell, Training
from symmetry_constrained.data import registry
from symmetry_constrained.networks.ensemble import resolve_device

CELLS = ["digits=7188", "digits=144", "mnist=56000", "mnist=600"]


def main(arguments: argparse.Namespace) -> None:
    if min(*arguments.networks, arguments.rounds, arguments.max_evaluations, arguments.judged) < 1:
        raise ValueError("networks, rounds, max-evaluations and judged must be at least 1")
    cells = [cell(text) for text in arguments.cells]
    solvers = [name for name in dict.fromkeys(arguments.solvers) if installed(name)]
    bench = Bench(resolve_device(arguments.device), arguments.processes)
    with tempfile.TemporaryDirectory() as folder:
        cells = present(cells, arguments.data_folder, Path(folder))
        for number in range(1, arguments.rounds + 1):
            for place in cells:
                cli.say(f"round {number} of {arguments.rounds}, {place.dataset} n = {place.n}")
                bench.measure_peaks(arguments.peak_seconds)
                for solver in solvers:
                    before = len(bench.timed)
                    timed = trainings(place, solver, arguments)
                    bench.time(solver, place, timed, most_seconds=arguments.most_seconds)
                    report(solver, timed, bench.timed[before:])
        for place in cells:
            architecture = throughput.architecture_of(place.dataset)
            count = throughput.judged_networks(
                architecture, place.n, arguments.judged_flop, arguments.max_evaluations, arguments.judged
            )
            for solver in solvers:
                cli.say(f"{place.dataset} n = {place.n}: {count} whole trainings by {solver}")
                bench.judge(solver, place, count, arguments.max_evaluations)
    artifacts.write_csv(throughput.table(bench, arguments.max_evaluations), arguments.out / "throughput.csv")
    artifacts.write_csv(pd.DataFrame(bench.judged), arguments.out / "accuracies.csv")
    artifacts.write_csv(pd.DataFrame([asdict(roofline.best(bench.peaks))]), arguments.out / "peaks.csv")


def cell(text: str) -> Cell:
    """Read DATASET=N. ValueError in one line for anything else."""
    name, _, n = text.partition("=")
    registry.known(name)
    if not n.isdecimal() or int(n) < 1:
        raise ValueError(f"cells: {text!r} is not of the form DATASET=N with N images")
    return Cell(name, int(n))


def installed(name: str) -> bool:
    """Whether a solver can be measured here; a line if not."""
    missing = library.missing(name)
    if missing:
        cli.say(f"{name} is left out: {' and '.join(missing)} not installed (pip install {' '.join(missing)})")
    return not missing


def present(cells: list[Cell], data: Path, folder: Path) -> list[Cell]:
    """The cells whose dataset is here, prepared in the folder; a line for a dataset that is not."""
    images: dict[str, int] = {}
    for name in dict.fromkeys(place.dataset for place in cells):
        try:
            images[name] = throughput.prepare(name, data, folder / name)
        except OSError as error:
            cli.say(f"{name} is left out: {error}")
    kept = [replace(place, folder=str(folder / place.dataset)) for place in cells if place.dataset in images]
    for place in kept:
        if place.n > images[place.dataset]:
            raise ValueError(f"cells: {place.dataset} has {images[place.dataset]:,} training images, not {place.n:,}")
    if not kept:
        raise ValueError("cells: none can be measured")
    return kept


def trainings(place: Cell, solver: str, arguments: argparse.Namespace) -> list[Training]:
    """What is timed of a solver in a cell; one that trains one network at a time, trains one."""
    architecture = throughput.architecture_of(place.dataset)
    sizes = sorted(set(arguments.networks)) if library.SOLVERS[solver].batched else [1]
    limits = (arguments.flop, arguments.max_evaluations)
    return [Training(size, throughput.timed_evaluations(architecture, place.n, size, *limits)) for size in sizes]


def report(solver: str, timed: list[Training], done: list[dict]) -> None:
    """A line per timing."""
    found = {row["networks"]: row for row in done}
    for training in timed:
        if training.networks in found:
            row = found[training.networks]
            says = f"{row['seconds'] * 1e6:,.0f} µs, {row['peak_memory_mb']:,.0f} MB"
        else:
            says = "left out, it would take too long"
        cli.say(f"  {solver}, {training.networks} at once: {says}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=CELLS, help=f"DATASET=N images (default {' '.join(CELLS)})")
    parser.add_argument(
        "--networks", type=int, nargs="+", default=[1, 8, 32, 128], help="trained at once (default 1 8 32 128)"
    )
    parser.add_argument("--solvers", nargs="+", default=list(library.SOLVERS), help=f"of {' '.join(library.SOLVERS)}")
    parser.add_argument("--rounds", type=int, default=2, help="each timing, of which the best counts (default 2)")
    parser.add_argument("--max-evaluations", type=int, default=200, help="a network's whole budget (default 200)")
    parser.add_argument(
        "--flop", type=float, default=1.5e10, help="arithmetic of one timing in one process, about (default 1.5e10)"
    )
    parser.add_argument(
        "--most-seconds", type=float, default=60, help="a timing that would take longer is left out (default 60)"
    )
    parser.add_argument("--judged", type=int, default=20, help="networks trained whole, at most (default 20)")
    parser.add_argument(
        "--judged-flop", type=float, default=1.5e12, help="arithmetic of those of one solver, about (default 1.5e12)"
    )
    parser.add_argument("--peak-seconds", type=float, default=0.3, help="for each of the machine's peaks (default 0.3)")
    parser.add_argument("--processes", type=int, help="side by side (default: one per core)")
    parser.add_argument("--device", default="auto", help="for the solvers that can use it (default auto)")
    parser.add_argument("--data-folder", type=Path, default=Path("data"), help="with mnist/ in it (default data)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    cli.run(main, parser)
