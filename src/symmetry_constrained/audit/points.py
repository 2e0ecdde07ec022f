"""What the pictures show against their data: every mark, line and band of a figure's SVG by the CSV beside it.

Places are compared in the picture, to its resolution. Along an axis of names, which row of them a point is in is not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from symmetry_constrained.audit import svg
from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.svg import RESOLUTION, SMALL, Panel, Scale

SHOWN = "pictures show their data"
MEAN = ("mean", "low", "high")
Table = Callable[[Results, str], pd.DataFrame]


def _beside(results: Results, stem: str) -> pd.DataFrame:
    """The data beside the picture."""
    return results.table(f"figures/{stem}.csv")


@dataclass(frozen=True)
class Series:
    """Columns that a panel shows: along x and along y a value and perhaps its interval's ends; () for names.

    maybe: what may be drawn as well, along y, or along x beside names.
    """

    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    table: Table = _beside
    maybe: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """A column along x and one along y of each point; the first is of the values, the others of ends."""
        return list(product(self.x or ("",), self.y or ("",)))

    def possible(self) -> list[tuple[str, str]]:
        """Likewise, of points that may be drawn as well."""
        return list(product(self.x, self.maybe) if self.y else product(self.maybe, ("",)))


def _within(**values: str) -> Table:
    """The rows with these values."""

    def rows(results: Results, stem: str) -> pd.DataFrame:
        table = _beside(results, stem)
        for name, value in values.items():
            table = table[table[name] == value]
        return table

    return rows


def _paper_table(results: Results, stem: str) -> pd.DataFrame:
    """Networks' accuracies, the published number and medians; and the central 95 % of the draws."""
    table, given = results.table(f"tables/{stem}.csv"), ["published", "median", "clean_median"]
    ends = table[["low", "high", "clean_low", "clean_high"]].melt(value_name="end")
    return pd.concat([_beside(results, stem)[["accuracy"]], table[given].melt(value_name="accuracy"), ends])


def _verdicts(results: Results, stem: str) -> pd.DataFrame:
    """Effects that have an axis, and the interval and the paper's effect in the first setting."""
    table = _beside(results, stem)
    table = table[table["unit"].isin(["accuracy", "ratio"]) & (table["n"] > 0)]
    # Of further settings the effect alone is drawn.
    others = table.duplicated(["id", "contrast"])
    return table.assign(**{name: table[name].mask(others) for name in ("low", "high", "published")})


def _by_angles(column: str, **values: str) -> Table:
    """The sizes of networks on pixels, and the median of those with equally many angles."""

    def rows(results: Results, stem: str) -> pd.DataFrame:
        table = _within(**values)(results, stem)
        table = table[table["features"] == "identity"].copy()
        scale = table["penalty"] if column == "curvature" else 1.0
        table["size"] = (table[column].abs() / scale).clip(lower=1e-16)
        return table.assign(median=table.groupby(["sampling", "angles"])["size"].transform("median"))

    return rows


def _around(results: Results, stem: str) -> pd.DataFrame:
    table = _within(panel="left")(results, stem)
    return table.assign(degrees=np.degrees(table["angle"]))


def _copies(results: Results, stem: str) -> pd.DataFrame:
    """Differences of weighted copies, those on −X of the levelled ones alone, and theory's."""
    table = _beside(results, stem)
    table = table[table["weight"].notna()]
    above, below = (table[f"{name}_difference"].clip(lower=1e-17) for name in ("largest", "inverted"))
    theory = 2 * np.exp(-table["predicted_rate"] * table["weight"])
    return table.assign(above=above, below=below.where(table["construction"] == "levelled"), theory=theory)


def _copied(results: Results, stem: str) -> pd.DataFrame:
    """Mean accuracies of the networks, and of their copies with the largest weight or by constant pixels."""
    table = _beside(results, stem)
    last = table["weight"].isna() | (table["weight"] == table.groupby("dataset")["weight"].transform("max"))
    own = table[last & table["construction"].isin(["levelled", "constant pixels"])]
    names = [f"{prefix}{side}_accuracy" for prefix in ("", "biased_") for side in ("test", "inverted")]
    means = own.groupby(["dataset", "construction", "training_set"])[names].mean()
    return pd.concat([means.melt(value_name="accuracy"), own[names].melt(value_name="one")])


def _copied_here(results: Results, stem: str) -> pd.DataFrame:
    """The same, in this figure; nothing where they have a figure of their own."""
    table = _copied(results, stem)
    return table.iloc[:0] if results.exists("figures/emulated-accuracy.svg") else table


def _amplified(results: Results, stem: str) -> pd.DataFrame:
    """Trained networks at the least, the middle and the largest ε between none and free, others at the least."""
    table = _beside(results, stem)
    every = sorted({value for value in table["epsilon"] if 0 < value < np.inf})
    some = {every[place] for place in (0, len(every) // 2, -1)} if every else set()
    trained = (table["metric"] == "amplification") & table["epsilon"].isin(some)
    return table[trained | ((table["metric"] == "initial_amplification") & table["epsilon"].isin(every[:1]))]


def _budget(results: Results, stem: str) -> pd.DataFrame:
    """Means at each checkpoint, against the evaluations spent until then where these are in the data as well."""
    table = _beside(results, stem)
    spent = table["metric"] == "evaluations"
    if not spent.any():
        return table.assign(effort=table["iterations"])
    keys = ["model", "network", "hidden_layers", "iterations"]
    return table[~spent].merge(table.loc[spent, [*keys, "mean"]].rename(columns={"mean": "effort"}), on=keys)


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


# By a figure's stem, or the part before its first hyphen.
SERIES: dict[str, tuple[Series, ...]] = {
    "table1": (Series(("accuracy",), table=_paper_table, maybe=("end",)),),
    "table2": (Series(("accuracy",), table=_paper_table, maybe=("end",)),),
    "talk": (Series(("accuracy",), table=_paper_table, maybe=("end",)),),
    "bound": (Series(("test_accuracy",), ("inverted_accuracy",)),),
    "sides": (Series(MEAN),),
    "accuracy": (Series(("images",), MEAN),),
    "gaps": (Series(("images",), MEAN),),
    "budget": (Series(("effort",), MEAN, _budget),),
    "images-needed": (Series(_ends("images")),),
    "random-sign-factor": (Series(_ends("ratio")),),
    "cost": tuple(Series(_ends(name)) for name in ("evaluations", "flop", "seconds")),
    "verdicts": (Series(("effect", "low", "high", "published"), table=_verdicts),),
    "mirrored-pairs": (Series(("epsilon",), MEAN),),
    "amplification": (
        Series((), MEAN, _within(metric="excess")),
        Series(("depth",), MEAN, _amplified),
    ),
    "emulated-bias": (
        Series(("weight",), ("above", "below"), _copies, ("theory",)),
        Series(("accuracy",), table=_copied_here),
    ),
    "emulated-accuracy": (Series(("accuracy",), table=_copied, maybe=("one",)),),
    "flat-direction": (
        Series(("angles",), ("size",), _by_angles("curvature", panel="left"), ("median",)),
        Series((), ("relative",), _within(panel="right")),
    ),
    "loss-on-orbit": (
        Series(("degrees",), ("deviation",), _around),
        Series(("angles",), ("size",), _by_angles("loss_variation", panel="right"), ("median",)),
    ),
    "random-angles": (Series(("points",), ("rms", "predicted", "mean_rms")),),
    "complete-invariants": (Series(_ends("transformed_accuracy")),),
}


def series_of(stem: str) -> tuple[Series, ...]:
    """What a figure shows; nothing for one that is not read."""
    return SERIES.get(stem) or SERIES.get(stem.partition("-")[0]) or ()


def check(results: Results, stem: str) -> Iterator[Check]:
    if series_of(stem):
        where = results.blame(f"figures/{stem}.svg", f"figures/{stem}.csv")
        yield from guarded(SHOWN, where, _check(results, stem, where))


def _check(results: Results, stem: str, where: str) -> Iterator[Check]:
    path = f"figures/{stem}.svg"
    every = svg.panels(path, results.bytes(path))
    tables = [(series, series.table(results, stem)) for series in series_of(stem)]
    # A series without a panel is missing as a whole.
    missing = {
        (number, *pair): np.ones(len(table), dtype=bool)
        for number, (series, table) in enumerate(tables)
        for pair in series.pairs()
    }
    odd: list[str] = []
    shown, partly = 0, 0
    for panel in every:
        best = min(_readings(panel, every, tables), key=lambda one: (len(one.odd), -one.shown), default=None)
        if best is not None:
            shown, partly, odd = shown + best.shown, partly + best.partly, odd + best.odd
            for key, mask in best.missing.items():
                missing[key] &= mask
        elif len(panel.marks) or panel.paths:
            odd.append("a panel without a scale")
    for (_, *pair), mask in missing.items():
        if mask.any():
            odd.append(f"{mask.sum()} values of {' and '.join(filter(None, pair))} are not drawn")
    text = "; ".join(odd[:3]) + (f"; {len(odd) - 3} more" if len(odd) > 3 else "")
    found = f"{shown} points" + (
        f"; of {partly} panels along one axis, since the other has one label" if partly else ""
    )
    yield Check(SHOWN, where, "every point by the data, all of the data", text or found, not odd)


def _readings(panel: Panel, every: list[Panel], tables: list[tuple[Series, pd.DataFrame]]) -> Iterator["Reading"]:
    """A panel as every series that it could show, on each pair of scales that its labels allow."""
    scales: list[list[Scale | None]] = [[*panel.scales(axis, every)] or [None] for axis in "xy"]
    # One label alone says of no point where it is.
    alone = [len(panel.labelled(axis, every).ticks[axis]) < 2 for axis in "xy"]
    for (number, (series, table)), pair in product(enumerate(tables), product(*scales)):
        if _readable(series, pair, alone):
            yield Reading(panel, number, series, table, dict(zip("xy", pair, strict=True)))


def _readable(series: Series, scales: tuple[Scale | None, ...], alone: list[bool]) -> bool:
    """Whether a panel with these scales can show a series: its columns have scales, but for one with a single label."""
    columns = (series.x, series.y)
    lacking = [bool(own) and scale is None for own, scale in zip(columns, scales, strict=True)]
    known = [bool(own) and scale is not None for own, scale in zip(columns, scales, strict=True)]
    return any(known) and all(one or not none for one, none in zip(alone, lacking, strict=True))


class Reading:
    """A panel read as one series on one pair of scales: what is no point of the data, and what of it is not there.

    odd: sentences. shown: how many points are of the data. partly: whether an axis could not be read.
    missing: by number and pair of columns, mask of the rows.
    """

    def __init__(self, panel: Panel, number: int, series: Series, table: pd.DataFrame, scales: dict[str, Scale | None]):
        used = [side for side, columns in enumerate((series.x, series.y)) if columns and scales["xy"[side]]]
        self.partly = len(used) < bool(series.x) + bool(series.y)
        (low, high), drawn = panel.box[:, used], [points[:, used] for points in (panel.marks, *panel.paths)]
        there, places = np.concatenate(drawn), {}
        for pair in series.pairs() + series.possible():
            named = [(scale, name) for scale, name in zip(scales.values(), pair, strict=True) if scale and name]
            with np.errstate(all="ignore"):
                places[pair] = np.stack([scale(table[name].to_numpy(dtype=float)) for scale, name in named], axis=1)
        # Without a value nothing is drawn of a row, not even the ends.
        known = np.isfinite(next(iter(places.values()))).all(1)
        self.missing = {}
        for pair in series.pairs():
            at = places[pair]
            due = known & ((low <= at) & (at <= high)).all(1)
            due[due] = ~_near(at[due], there)
            self.missing[number, *pair] = due
        every = np.concatenate([at[np.isfinite(at).all(1)] for at in places.values()])
        # What lies beyond the panel may be drawn at its edge.
        fits = [_near(points, np.concatenate([every, every.clip(low, high)])) for points in drawn]
        self.shown = int(sum(fit.sum() for fit in fits))
        self.odd = [f"a mark at {_text(at)} is no point of the data" for at in panel.marks[~fits[0]]]
        for path, fit in zip(panel.paths, fits[1:], strict=True):
            # A line that half of its points do not have from the data is a guide, which may pass near some.
            if 2 * fit.sum() >= max(len(path), 1) and not fit.all() and not panel.guides(path):
                self.odd.append(f"a line through {_text(path[~fit][0])} leaves the data")
            elif len(path) and not fit.any() and np.ptp(path, axis=0).max() < SMALL:
                self.odd.append(f"a shape at {_text(path[0])} is no point of the data")


def _text(at: np.ndarray) -> str:
    return ", ".join(f"{value:.2f}" for value in at)


def _near(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mask (n,) of the points (n, k) that lie where one of the others (m, k) does, to the picture's resolution."""
    if not len(points) or not len(others):
        return np.zeros(len(points), dtype=bool)
    from scipy.spatial import cKDTree

    return cKDTree(others).query(points, distance_upper_bound=RESOLUTION)[0] <= RESOLUTION
