"""Test what section 4.1 of the paper says of minima: that they come in orbits, and that a continuous orbit is flat.

Trains small networks, bias-free unless said, on orbits of some training images under sub-pixel translation, sampled at
equally spaced or random angles, and on features that do not change under it; then forms the Hessian at each minimum.
Writes orbits.csv (a row per network), spectrum.csv (the lowest eigenvalues), orbit_loss.csv (the loss along the orbit),
loss_invariance.csv and minima.csv (two groups, biased and bias-free), random_angles.csv, and orbits.safetensors, the
weights of all networks that were trained.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import translation
from symmetry_constrained.theory import orbit_checks, orbits
from symmetry_constrained.theory.orbits import Images


def main(arguments: argparse.Namespace) -> None:
    images = Images.of(Dataset.read(arguments.data), Split.read(arguments.split), arguments.images)
    for features in arguments.features:
        translation.check(features, images.shape)
    settings = [("identity", "equally spaced", angles) for angles in arguments.angles]
    settings += [("identity", "random", angles) for angles in arguments.random_angles]
    settings += [(features, "equally spaced", 1) for features in arguments.features]
    parts, trained, weights = [], {}, {}
    for features, sampling, angles in settings:
        cli.say(f"{features}: {angles} {sampling} angles of {arguments.images} images")
        *tables, rows = orbits.measure(
            images, features, sampling, angles, arguments.seeds, arguments.penalty, arguments.iterations
        )
        parts.append(tables)
        weights[f"{features}/{sampling}/{angles}"] = rows
        if (features, sampling) == ("identity", "equally spaced"):
            trained = {"trained": rows}
    cli.say("pairs of minima, random networks, random angles")
    pairs, of_trained, paired = orbit_checks.minima(images, arguments.seeds, arguments.penalty, arguments.iterations)
    invariance = orbit_checks.loss_invariance(images, arguments.random_networks, 0)
    names = ("orbits", "spectrum", "orbit_loss")
    found = {name: pd.concat(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}
    found |= {"minima": pairs, "loss_invariance": pd.concat([invariance, of_trained])}
    initial = {"initial": orbits.Problem(images, "identity", False, 0.0).initial(arguments.seeds).numpy()}
    found["random_angles"] = orbit_checks.random_angles(
        images, initial | trained, arguments.seeds, arguments.sampled, arguments.draws
    )
    for name, table in found.items():
        artifacts.write_csv(table, arguments.out / f"{name}.csv")
    weights |= {f"minima/{group}": rows for group, rows in paired.items()}
    artifacts.write_arrays(weights, arguments.out / "orbits.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--images", type=int, default=150, help="training images whose orbits are sampled")
    parser.add_argument(
        "--angles", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64], help="numbers of equally spaced angles"
    )
    parser.add_argument("--random-angles", type=int, nargs="*", default=[4, 16], help="numbers of random ones")
    parser.add_argument(
        "--features",
        nargs="*",
        default=["power", "complete", "aligned"],
        help=f"invariant features: some of {', '.join(translation.MAPS)}",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="seeds of the networks")
    parser.add_argument("--penalty", type=float, default=0.01, help="λ of the penalty λ/2 · Σ‖W‖²")
    parser.add_argument("--iterations", type=int, default=3000, help="L-BFGS iterations at most")
    parser.add_argument("--random-networks", type=int, default=10_000, help="networks with random parameters checked")
    parser.add_argument(
        "--sampled",
        type=int,
        nargs="+",
        default=[1, 4, 16, 64],
        help="numbers of random angles of fixed networks' losses",
    )
    parser.add_argument("--draws", type=int, default=100, help="draws of those angles")
    cli.run(main, parser)
