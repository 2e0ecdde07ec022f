"""What the titles of the figures on theory, and of those of the benchmarks, say: word for word from their tables."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, intervals
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.tables import INVARIANTS
from symmetry_constrained.audit.theory import mirrored_pairs, orbit_checks, orbits

NORMS = {"inversion": "square", "translation": "power"}
COMPLETE = ("canonical", "quadratic", "aligned", "complete")  # maps that discard nothing else
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SOLVERS = {"scikit-learn-float32": "scikit-learn, float32", "torch": "PyTorch", "jax": "JAX"}


def number(value: float) -> str:
    """As titles have it: two digits, and below a hundredth one of them with a power of ten."""
    if value != 0 and abs(value) < 0.01:
        digit, power = f"{value:.0e}".split("e")
        text = f"{digit}·10{str(int(power)).translate(RAISED)}"
    else:
        text = "–" if np.isnan(value) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"
    return text.replace("-", "−")


def _ends(texts: list[str]) -> str:
    return " to ".join(dict.fromkeys(texts))


def _emulated_bias(results: Results, stem: str, table: pd.DataFrame) -> str:
    """How close copies with the largest weight are on X, and on which datasets they are equally close."""
    table = table[table["weight"].notna()]
    close: dict[str, list[str]] = {}
    for name, rows in table.groupby("dataset", sort=False):
        worst = rows["largest_difference"][rows["weight"] == rows["weight"].max()].max()
        words = f"differ by at most {number(worst)}" if worst else "are equal to the last bit"
        close.setdefault(words, []).append(data.written(str(name)))
    parts = ", and ".join(f"{words} on {' and '.join(names)}" for words, names in close.items())
    return f"Logits on X of bias-free copies and of the networks with biases that they copy {parts}"


def _emulated_accuracy(results: Results, stem: str, table: pd.DataFrame) -> str:
    """What networks trained on both signs, or else on X, and their copies classify of −X."""
    rows = table[table["construction"] == "levelled"]
    for training_set, words in (("augmented", "±X"), ("original", "X")):
        parts = []
        for name, own in rows[rows["training_set"] == training_set].groupby("dataset", sort=False):
            biased, copies = (100 * own[column].mean() for column in ("biased_inverted_accuracy", "inverted_accuracy"))
            parts.append(f"{biased:.0f} % of −X on {data.written(str(name))}, bias-free copies {copies:.0f} %")
        if parts:
            return f"Trained on {words}, biased networks classify {'; '.join(parts)}"
    return "No network was copied"


def _amplification(results: Results, stem: str, table: pd.DataFrame) -> str:
    """The even part per bias at the smallest ε: of the shallowest networks, and of those where it is largest."""
    depths, epsilons = sorted(set(table["depth"])), table["epsilon"]
    if len(depths) < 2:
        return "One depth was trained, so there is nothing to compare"
    between = epsilons[(epsilons > 0) & np.isfinite(epsilons)]
    if between.empty:
        return "No ε between none and free was tried, so there is nothing to compare"
    rows = table[(epsilons == between.min()) & (table["metric"] == "amplification")].set_index("depth")
    means, deep = rows["mean"], rows["mean"].idxmax()
    least = f"where none exceeds {between.min():g}"
    if not rows["low"][deep] > rows["high"][depths[0]]:
        layers = f"with {depths[0]} to {depths[-1]} hidden layers the logits' even part is"
        text = f"{layers} {means.min():.2g} to {means.max():.2g} times the biases"
        return f"Depth is not seen to amplify small biases: {text}, {least}"
    text = f"{means[depths[0]]:.2g} times the biases with {depths[0]} hidden layer{'s' if depths[0] > 1 else ''}"
    opening = "Depth amplifies small biases once trained: the logits' even part is"
    return f"{opening} {text}, and {means[deep]:.0f} times with {deep}, {least}"


def _mirrored_pairs(results: Results, stem: str, table: pd.DataFrame) -> str:
    """R + R̄ of tied pairs at the smallest ε, and the most of the others."""
    least = table["epsilon"].min()
    sums = 1 + table[table["epsilon"] == least].set_index("kind")["mean"]
    tied, others = sums[mirrored_pairs.TIED], sums.drop(mirrored_pairs.TIED)
    text = f"With one hidden layer and no bias above {least:g}, mirrored pairs reach R + R̄ = {tied:.2f}"
    if others.empty or others.max() >= 1:
        return text
    return f"{text}, and ordinary training, which does not find them, {others.max():.2f}"


def _complete_invariants(results: Results, stem: str, _: pd.DataFrame) -> str:
    """What complete maps add to the norms alone in bias-free networks, by group."""
    table = results.table(INVARIANTS)
    table = table[(table["budget"] == table["budget"].min()) & (table["network"] == "bias-free")]
    parts, sure = [], True
    for group, rows in table.groupby("group", sort=False):
        wide = rows.pivot(index=["split", "seed"], columns="features", values="transformed_accuracy")
        norms, gains = NORMS[str(group)], []
        for name in [name for name in COMPLETE if name in wide and norms in wide]:
            pairs = (wide[name] - wide[norms]).dropna()
            if len(pairs):
                splits = pairs.index.get_level_values("split").to_numpy()
                gains.append(pairs.mean())
                sure = sure and intervals.mean(pairs.to_numpy(), splits, 0.95, (-1.0, 1.0))[0] > 0
        if gains:
            ends = _ends([f"{gain:+.2f}".replace("-", "−") for gain in (min(gains), max(gains))])
            parts.append(f"by {ends} under {group}")
    if not parts:
        return "Complete invariants were not compared with norms alone"
    beat = "beat" if sure else "do not all beat"
    return f"Complete invariants {beat} norms alone in bias-free networks: {' and '.join(parts)}"


def _angles(count: int) -> str:
    return f"{count} angle{'' if count == 1 else 's'}"


def _equally_spaced(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["features"] == "identity") & (table["sampling"] == "equally spaced")]


def _loss_on_orbit(results: Results, stem: str, _: pd.DataFrame) -> str:
    """How far the loss varies on the fewest and the most angles, and at most with invariant features."""
    table = results.table(orbits.TABLE)
    medians = _equally_spaced(table).groupby("angles")["loss_variation"].median()
    parts = dict.fromkeys(f"by {number(medians[count])} on {_angles(count)}" for count in medians.index[[0, -1]])
    text = f"The loss varies along the orbit {' and '.join(parts)}"
    invariant = table.loc[table["features"] != "identity", "loss_variation"]
    return f"{text}, and by at most {number(invariant.max())} on invariant features" if len(invariant) else text


def _flat_direction(results: Results, stem: str, _: pd.DataFrame) -> str:
    """Whether the loss is flat along the orbit with the most angles, and how many minima of other maps are flat."""
    table = results.table(orbits.TABLE)
    rows = _equally_spaced(table)
    rows = rows[(rows["angles"] == rows["angles"].max()) & rows["curvature"].notna()]
    text = "No minimum on the orbit breaks the symmetry, so none has a direction along it"
    if len(rows):
        along = (rows["curvature"].abs() / rows["penalty"]).max()
        flat = "is flat" if along < 1e-3 else "is not flat"
        text = f"On {_angles(rows['angles'].max())} the loss {flat} along the orbit: its curvature is at most"
        text += f" {number(along)} λ"
    invariant = table.loc[table["features"] != "identity", "flat"]
    if invariant.empty:
        return text
    flat_ones = int((invariant > 0).sum())
    have = "have" if flat_ones > 1 else "has"
    return f"{text}; {flat_ones or 'none'} of {len(invariant)} minima on invariant features {have} a flat direction"


def _random_angles(results: Results, stem: str, _: pd.DataFrame) -> str:
    """By which power of images and angles the loss varies, and how much less the mean of many draws does."""
    table = results.table(orbit_checks.ANGLES)
    keys = [table[name] for name in ("parameters", "seed", "images")]
    x, y = np.log(table["images"] * table["angles"]), np.log(table["rms"])
    x, y = (values - values.groupby(keys).transform(lambda own: own.mean()) for values in (x, y))
    text = "On random angles the loss varies along the orbit"
    if x.any():
        power = (x * y).sum() / (x * x).sum()
        found = "1/√n, as predicted" if abs(power + 0.5) < 0.05 else f"n^{power:.2f}, not as 1/√n".replace("-", "−")
        text = f"On n = images × random angles the loss varies along the orbit as {found}"
    less = (table["rms"] / table["mean_rms"]).median()
    return f"{text}; the mean of {int(table['draws'].max())} draws varies {less:.0f} times less"


def _figure1(results: Results, stem: str, _: pd.DataFrame) -> str:
    """A product of two pixels is the same when both are negated, to the last bit."""
    return "An image and its negative have identical neighbour features"


def _roofline(results: Results, stem: str, table: pd.DataFrame) -> str:
    """How many times as fast ours is as scikit-learn, and as the fastest other."""
    over, ahead, rivals = [], [], set()
    for _, rows in table.groupby(["dataset", "n"], sort=False):
        ours, others = rows[rows["solver"] == "ours"], rows[rows["solver"] != "ours"]
        if ours["speed_ratio"].notna().any() and len(others):
            best = others.loc[others["networks_per_minute"].idxmax()]
            over.append(ours["speed_ratio"].max())
            ahead.append(ours["networks_per_minute"].max() / best["networks_per_minute"])
            rivals.add(best["solver"])
    if not over:
        return f"Only {', '.join(table['solver'].unique())} was timed, so there is nothing to compare"
    times = [_ends([f"{end:.1f}" for end in (min(ratios), max(ratios))]) for ratios in (over, ahead)]
    text = f"Our networks train {times[0]} times as fast as scikit-learn's"
    if rivals == {"scikit-learn"}:
        return text
    next_ = "".join(f"{SOLVERS.get(name, name)}, " for name in rivals) if len(rivals) == 1 else ""
    return f"{text}, and {times[1]} times as fast as those of {next_}the next fastest"


def _scaling(results: Results, stem: str, table: pd.DataFrame) -> str:
    """The fitted exponents."""
    words = {"networks": "(networks at once)", "n": "images", "width": "width"}
    fits = table.drop_duplicates("varied").set_index("varied")["exponent"]
    terms = ", ".join(f"{words[name]}^{value:.2f}" for name, value in fits.items()).replace("-", "−")
    return f"A network's cost per evaluation goes as {terms}"


TITLES: dict[str, Callable[[Results, str, pd.DataFrame], str]] = {
    "emulated-bias": _emulated_bias,
    "emulated-accuracy": _emulated_accuracy,
    "amplification": _amplification,
    "mirrored-pairs": _mirrored_pairs,
    "complete-invariants": _complete_invariants,
    "loss-on-orbit": _loss_on_orbit,
    "flat-direction": _flat_direction,
    "random-angles": _random_angles,
    "figure1": _figure1,
    "roofline": _roofline,
    "scaling": _scaling,
}
