"""Measure how the cost of a network grows with the number of networks, of digits and of hidden units: scaling.csv.

On all cores at once, as measure_throughput.py does. Run it while the machine has no other work.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli, paper
from symmetry_constrained.benchmark import scaling, throughput
from symmetry_constrained.benchmark.throughput import Bench, Cell
from symmetry_constrained.networks.ensemble import resolve_device

DATASET = "digits"
NETWORKS = [1, 3, 10, 30, 100, 300, 1000]
IMAGES = [56, 112, 225, 449, 898, 1797, 3594, 7188]
WIDTHS = [5, 10, 20, 40, 80, 160, 320]


def main(arguments: argparse.Namespace) -> None:
    varied = {"networks": arguments.networks, "n": arguments.images, "width": arguments.widths}
    fixed = {"networks": arguments.networks_fixed, "n": arguments.images_fixed, "width": paper.HIDDEN_LAYERS[0]}
    for name, values in {**varied, "fixed": fixed.values(), "rounds": [arguments.rounds]}.items():
        if min(values) < 1:
            raise ValueError(f"{name}: must be at least 1, not {min(values)}")
    bench = Bench(resolve_device(arguments.device), arguments.processes)
    table = scaling.points(varied, fixed)
    with tempfile.TemporaryDirectory() as folder:
        images = throughput.prepare(DATASET, arguments.data_folder, Path(folder))
        if table["n"].max() > images:
            raise ValueError(f"n: {DATASET} has {images:,} training images, not {table['n'].max():,}")
        place = Cell(DATASET, fixed["n"], folder)
        rounds = []
        for number in range(1, arguments.rounds + 1):
            cli.say(f"round {number} of {arguments.rounds}: {len(table)} timings")
            limits = (arguments.flop, arguments.max_evaluations)
            rounds.append([scaling.measure(bench, place, point, *limits) for _, point in table.iterrows()])
    table["seconds_per_network_evaluation"] = [min(each) for each in zip(*rounds, strict=True)]
    table = table.assign(dataset=DATASET, device=bench.device, rounds=arguments.rounds)
    artifacts.write_csv(scaling.with_exponents(table), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, nargs="+", default=NETWORKS, help="trained at once, varied")
    parser.add_argument("--images", type=int, nargs="+", default=IMAGES, help="trained on, varied")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="of the first hidden layer, varied")
    parser.add_argument("--networks-fixed", type=int, default=32, help="where not varied (default 32)")
    parser.add_argument("--images-fixed", type=int, default=7188, help="where not varied (default 7188)")
    parser.add_argument("--rounds", type=int, default=1, help="each timing, of which the best counts (default 1)")
    parser.add_argument("--max-evaluations", type=int, default=200, help="of a timed training, at most (default 200)")
    parser.add_argument(
        "--flop", type=float, default=1.5e10, help="arithmetic of one timing in one process, about (default 1.5e10)"
    )
    parser.add_argument("--processes", type=int, help="side by side (default: one per core)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")
    parser.add_argument("--data-folder", type=Path, default=Path("data"), help="of downloaded files (default data)")
    parser.add_argument("--out", type=Path, required=True, help="the table to write")
    cli.run(main, parser)
