"""Train one published network again from its own seeds, by scikit-learn and by us, and perturbed copies of it.

Writes reruns.csv, perturbed.csv and provenance.json.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.kernels import compiled
from symmetry_constrained.networks.ensemble import resolve_device
from symmetry_constrained.runs import provenance
from symmetry_constrained.training import reruns
from symmetry_constrained.verdicts import published


def main(arguments: argparse.Namespace) -> None:
    numbers = published.read(arguments.published)
    numbers = numbers[numbers["id"] == arguments.id]
    if numbers.empty:
        raise ValueError(f"{arguments.id} is no id in {arguments.published}")
    device = resolve_device(arguments.device)
    recipe = reruns.Recipe(numbers.iloc[0], Dataset.read(arguments.data), Split.read(arguments.split))
    again = reruns.rerun(recipe, device, arguments.solvers, arguments.budgets)
    cli.say(f"{arguments.id}: rerun; now at most {arguments.perturbed_networks} perturbed networks")
    perturbed = reruns.perturb(
        recipe,
        lambda found: published.settled(numbers, again, found),
        device,
        networks=arguments.perturbed_networks,
        at_a_time=arguments.perturbed_at_a_time,
        size=arguments.perturbation,
    )
    artifacts.write_csv(again, arguments.out / "reruns.csv")
    artifacts.write_csv(perturbed, arguments.out / "perturbed.csv")
    inputs = [arguments.published, *cli.data_files(arguments.data, arguments.split)]
    keys = ("id", "solvers", "budgets", "perturbed_networks", "perturbed_at_a_time", "perturbation", "device")
    spec = {key: getattr(arguments, key) for key in keys}
    record = provenance.provenance(spec, inputs, device, compiled.compiler(device))
    artifacts.write_json(record, arguments.out / "provenance.json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--id", required=True, help="the network's id in published.csv")
    parser.add_argument("--published", type=Path, required=True, help="published.csv")
    cli.add_data(parser)
    parser.add_argument("--solvers", nargs="+", default=["scikit-learn", "ours"], help="scikit-learn, ours or both")
    parser.add_argument("--budgets", nargs="+", default=list(reruns.BUDGETS), help="evaluations, iterations or both")
    parser.add_argument("--perturbed-networks", type=int, default=200, help="perturbed copies at most")
    parser.add_argument("--perturbed-at-a-time", type=int, default=40, help="perturbed copies between looks")
    parser.add_argument("--perturbation", type=float, default=1e-12, help="largest change of an initial weight")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    cli.run(main, parser)
