"""The data of the figures on theory, from the tables of its experiments."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from symmetry_constrained.audit import intervals
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.tables import EMULATED, INVARIANTS
from symmetry_constrained.audit.theory import amplification, invariants, mirrored_pairs, orbit_checks, orbits

ACCURACY = (0.0, 1.0)
FEW = 6  # eigenvalues shown, and the order of the last of them


def _means(path: str, group: str, *metrics: str) -> Callable[[Results, str, str], pd.DataFrame]:
    """By the group's value and ε, the mean of each metric over the networks, with its interval, and the largest."""

    def draw(results: Results, stem: str, _: str) -> pd.DataFrame:
        rows = []
        for (value, epsilon), networks in results.table(path).groupby([group, "epsilon"]):
            for metric in metrics:
                values = networks[metric].to_numpy(dtype=float)
                low, high = intervals.mean(values, networks["split"].to_numpy())
                numbers = {"mean": values.mean(), "low": low, "high": high, "largest": values.max()}
                rows.append({group: value, "epsilon": epsilon, "metric": metric, **numbers, "n": len(values)})
        return pd.DataFrame(rows)

    return draw


def _emulated(results: Results, stem: str, _: str) -> pd.DataFrame:
    """Every copy; but those by constant pixels, which have no weight, where accuracies have a figure of their own."""
    table = results.table(EMULATED)
    return table[table["weight"].notna()] if results.exists("figures/emulated-accuracy.csv") else table


def _emulated_accuracy(results: Results, stem: str, _: str) -> pd.DataFrame:
    """Of each dataset the copies of levelled constants with the largest weight, and those by constant pixels."""
    table = results.table(EMULATED)
    largest = table["weight"] == table.groupby("dataset")["weight"].transform("max")
    return table[(largest & (table["construction"] == "levelled")) | (table["construction"] == "constant pixels")]


def _flat_direction(results: Results, stem: str, _: str) -> pd.DataFrame:
    """Networks on pixels; and the lowest eigenvalues of some Hessians, in units of the penalty."""
    networks, spectrum = results.table(orbits.TABLE), results.table(orbits.SPECTRUM)
    pixels = networks[(networks["features"] == "identity") & networks["curvature"].notna()]
    low = spectrum[(spectrum["sampling"] == "equally spaced") & (spectrum["order"] <= FEW)]
    on_pixels = low["features"] == "identity"
    low = low[~on_pixels | low["angles"].isin([1, low.loc[on_pixels, "angles"].max()])]
    relative = low["eigenvalue"].abs() / networks["penalty"].iloc[0]
    low = low.assign(relative=relative, along_orbit=low["overlap"] > 0.5)
    return pd.concat([pixels.assign(panel="left"), low.assign(panel="right")])


def _loss_on_orbit(results: Results, stem: str, _: str) -> pd.DataFrame:
    """One network's loss for each number of angles, less its mean on the orbit; and every network."""
    losses = results.table(orbits.LOSSES)
    keep = (losses["features"] == "identity") & (losses["sampling"] == "equally spaced")
    losses = losses[keep & (losses["seed"] == losses.loc[keep, "seed"].min())]
    around = losses.groupby("angles")["loss"].mean()
    losses = losses.assign(deviation=losses["loss"] - losses["angles"].map(around), panel="left")
    return pd.concat([losses, results.table(orbits.TABLE).assign(panel="right")])


def _random_angles(results: Results, stem: str, _: str) -> pd.DataFrame:
    table = results.table(orbit_checks.ANGLES)
    return table.assign(points=table["images"] * table["angles"])


def _complete_invariants(results: Results, stem: str, _: str) -> pd.DataFrame:
    """Mean accuracies under each map with the least budget, and how many symmetries or dimensions it discards."""
    table, folder = results.table(INVARIANTS), invariants.FOLDER.format(0)
    table, forgets = table[table["budget"] == table["budget"].min()], {}
    for _at, row in results.table(f"{folder}/sign_symmetries.csv").iterrows():
        power = int(row["log2_symmetries"])
        forgets["inversion", row["features"]] = f"$2^{{{power}}}$" if power > 1 else str(1 + power)
    for _at, row in results.table(f"{folder}/phase_symmetries.csv").iterrows():
        forgets["translation", row["features"]] = str(row["dimensions"])
    names, rows = ["group", "features", "network", "budget", "feature_count", "parameters"], []
    for key, own in table.groupby(names, sort=False):
        row = dict(zip(names, key, strict=True)) | {"n": len(own)}
        for name in ("test_accuracy", "transformed_accuracy"):
            ends = intervals.mean(own[name].to_numpy(), own["split"].to_numpy(), possible=ACCURACY)
            row |= {name: own[name].mean(), f"{name}_low": ends[0], f"{name}_high": ends[1]}
        rows.append(row | {"forgets": forgets.get(key[:2], np.nan)})
    return pd.DataFrame(rows)


# By a figure's stem: how its data is drawn, and from which files.
DRAWINGS: dict[str, tuple[Callable[[Results, str, str], pd.DataFrame], tuple[str, ...]]] = {
    "emulated-bias": (_emulated, (EMULATED,)),
    "emulated-accuracy": (_emulated_accuracy, (EMULATED,)),
    "amplification": (
        _means(amplification.TABLE, "depth", "excess", "amplification", "initial_amplification"),
        (amplification.TABLE,),
    ),
    "mirrored-pairs": (_means(mirrored_pairs.TABLE, "kind", "excess"), (mirrored_pairs.TABLE,)),
    "flat-direction": (_flat_direction, (orbits.TABLE, orbits.SPECTRUM)),
    "loss-on-orbit": (_loss_on_orbit, (orbits.LOSSES, orbits.TABLE)),
    "random-angles": (_random_angles, (orbit_checks.ANGLES,)),
    "complete-invariants": (_complete_invariants, (INVARIANTS,)),
}
