"""Networks, verdicts and published numbers of two runs, side by side: what is equal, and a test for each difference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.analysis.columns import MODEL, NETWORK, STUDY
from symmetry_constrained.runs.finished import Run
from symmetry_constrained.verdicts.paper_tables import SYMBOLS
from symmetry_constrained.verdicts.rules import BY_CONSTRUCTION, CAPPED, OUTCOMES
from symmetry_constrained.verdicts.table import DEGREES, by_interval, completed

ACCURACIES = {"train_accuracy": "in training", "test_accuracy": "on X", "inverted_accuracy": "on −X"}
CELL = [*STUDY, *MODEL, "fraction", "n_train"]
ROW = ["id", "contrast", "setting", "protocol", "dataset", "direction", "margin", "unit"]  # of claims.csv
FOUND = ["effect", "low", "high", "low90", "high90", "n", "verdict"]
NUMBER = ["id", "test_set"]  # of published_numbers.csv
ROUNDING = 1e-6  # margins up to it are of properties that hold but for rounding
WORDS = {  # of published_numbers.csv: what is compared, and the word where nothing was judged
    "same_seed": ("trained again with the author's seeds", "not judged"),
    "typicality": ("placed among other networks", "too few draws"),
}
OTHER = " of the other"  # ends the names of columns that are the other run's
TESTS = ["what", "run", "reference", "difference", "half", "p", "floor"]


@dataclass
class Part:
    """What comparing one table found: a line, what speaks against agreement, tests, and how much was compared.

    tests: a row per difference, with its half-width, p-value, and the size up to which it counts as none.
    """

    line: str
    against: list[str] = field(default_factory=list)
    tests: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TESTS))
    count: int = 0


def networks(run: Run, reference: Run, alike: bool) -> Part:
    """The networks of studies that train alike. alike: on machines of one kind, where what is made alike is equal.

    ValueError in one line for a table or column that is missing.
    """
    columns = (*CELL, "split", "seed", "status", *ACCURACIES)
    tables = [one.table("tables/networks.csv", columns) for one in (run, reference)]
    shared = [name for name in tables[0]["study"].unique() if name in set(tables[1]["study"])]
    studies = [name for name in shared if run.recipe(name) == reference.recipe(name)]
    others = ", ".join(name for name in shared if name not in studies)
    ours, theirs = (table[table["study"].isin(studies)] for table in tables)
    both = ours.merge(theirs, on=[*NETWORK, "n_train"], suffixes=("", OTHER), validate="one_to_one")
    equal = pd.Series(True, both.index)
    for name in (name for name in ours if f"{name}{OTHER}" in both):
        left, right = both[name], both[f"{name}{OTHER}"]
        equal &= (left == right) | (left.isna() & right.isna())
    part = Part(
        f"Networks: {len(both):,} are in both runs, {equal.sum():,} of them equal to the last digit"
        f"{f'; {others}: trained differently, and not compared' if others else ''}."
    )
    if alike and _made_alike(run, reference, "tables/networks.csv") and not equal.all():
        first = both[~equal].iloc[0]
        part.against.append(
            f"{(~equal).sum():,} networks are not equal, first {_cell(first)}, split {first['split']}, seed "
            f"{first['seed']}"
        )
    part.tests = pd.DataFrame(_cells(ours, theirs), columns=TESTS)
    part.count = len(both) + len(part.tests)
    return part


def _made_alike(run: Run, reference: Run, path: str) -> bool:
    """Whether the same code made a file of both, by configurations that differ in folders alone.

    A loss that is summed beside those of more networks differs in its last digits.
    """
    ours, theirs = (
        {name: value for name, value in one.config.items() if name not in ("results", "data")}
        for one in (run, reference)
    )
    return ours == theirs and run.sources(path) == reference.sources(path)


def _cells(ours: pd.DataFrame, theirs: pd.DataFrame) -> Iterator[tuple]:
    """A test for each accuracy of each cell that both have, where its networks allow one."""
    groups = theirs[theirs["status"] != "non_finite"].groupby(CELL, sort=False)
    for cell, left in ours[ours["status"] != "non_finite"].groupby(CELL, sort=False):
        if cell not in groups.groups:
            continue
        right = groups.get_group(cell)
        pairs = left.merge(right, on=["split", "seed"], suffixes=("", OTHER))
        if len(pairs) > 1:
            left, right = pairs, pairs[[f"{name}{OTHER}" for name in ACCURACIES]].set_axis(list(ACCURACIES), axis=1)
        values, others = (side[list(ACCURACIES)].to_numpy() for side in (left, right))
        if len(pairs) > 1:
            test = statistics.difference_in_pairs(values - others, left["split"].to_numpy())
        elif comparable(left["split"], right["split"]):
            test = statistics.difference_of_means(values, left["split"].to_numpy(), others, right["split"].to_numpy())
        else:
            continue
        for place, name in enumerate(ACCURACIES.values()):
            means = (side[:, place].mean() for side in (values, others))
            found = (side[place] for side in (test.value, test.half, test.p))
            yield f"{_cell(left.iloc[0])}: accuracy {name}", *means, *found, statistics.EQUIVALENCE_MARGIN


def comparable(ours: Iterable[int], theirs: Iterable[int]) -> bool:
    """Whether intervals of means over these splits allow for other splits, or are of one and the same."""
    return min(len(set(ours)), len(set(theirs))) > 1 or set(ours) == set(theirs)


def _cell(row: pd.Series) -> str:
    shown = SYMBOLS.get(row["training_set"], row["training_set"])
    names = [row["study"], f"{row['features']} on {shown}", row["network"], row["hidden_layers"]]
    return f"{', '.join(names)}, {row['n_train']:,} samples"


def verdicts(run: Run, reference: Run, alike: bool) -> Part:
    """Verdicts that both runs reach on equal terms, and a test of each effect that has an interval in both.

    Verdicts that follow from their intervals contradict each other only where those are apart, which the tests judge;
    where they overlap, one of the verdicts is wrong. alike: as in `networks`. ValueError likewise.
    """
    sides = [completed(one.table("tables/claims.csv", (*ROW, *FOUND))) for one in (run, reference)]
    both = sides[0].merge(sides[1], on=ROW, suffixes=("", OTHER), validate="one_to_one")
    degrees = _degrees(run, reference, both)
    left, right = both[FOUND], both[[f"{name}{OTHER}" for name in FOUND]].set_axis(FOUND, axis=1)
    reached = ~degrees.isna() & _reached(left) & _reached(right)
    both, left, right, degrees = (table[reached] for table in (both, left, right, degrees))
    same = left["verdict"] == right["verdict"]
    outcome, other = (side["verdict"].map(OUTCOMES) for side in (left, right))
    in_sense, open_ = ~same & (outcome == other), (outcome != other) & ((outcome == "open") | (other == "open"))
    contrary = (outcome != other) & ~open_
    odd = contrary & ~(by_interval(left) & by_interval(right) & _apart(left, right))
    exact = alike and _made_alike(run, reference, "tables/claims.csv")
    part = Part(
        f"Verdicts: of {len(both):,} that both runs reach, {same.sum():,} are the same, {in_sense.sum():,} differ in "
        f"words alone, {open_.sum():,} are open in one run, and {contrary.sum():,} contradict each other.",
        count=len(both),
    )
    for rows, text in ((odd, "contradict each other though their intervals overlap"), (~same, "are not equal")):
        if rows.any() and (exact or rows is odd):
            first = both[rows].iloc[0]
            words = f"{_contrast(first)}: {first['verdict']} against {first[f'verdict{OTHER}']}"
            part.against.append(f"{rows.sum():,} verdicts {text}, first {words}")
    tested = pd.Series(True, both.index)
    for side in (left, right):
        tested &= by_interval(side) & np.isfinite(side["effect"]) & (side["verdict"] != CAPPED)
    part.tests = pd.DataFrame(_effects(both[tested], left[tested], right[tested], degrees[tested]), columns=TESTS)
    return part


def _degrees(run: Run, reference: Run, both: pd.DataFrame) -> pd.Series:
    """The fewest degrees of freedom of each row's intervals, nan where the runs do not judge it on equal terms.

    In a setting they do where its study trains alike, on as many images, and looks at its networks at equal times; an
    experiment on theory, where all have equal options, or if it is of a property that holds up to rounding: what holds
    at the end of a training depends on its length. Seconds are never comparable.
    """
    columns, runs = ["study", "images"], (run, reference)
    settings = [one.table("tables/settings.csv", ("setting", *columns)).set_index("setting") for one in runs]
    studies = [one.table("tables/networks.csv", ("study", "split")).groupby("study") for one in runs]
    known: dict[str, float] = {}
    for name in settings[0].index.intersection(settings[1].index):
        (study, images), other = (tuple(table.loc[name, columns]) for table in settings)
        if (study, images) == other and images and run.recipe(study, True) == reference.recipe(study, True):
            splits = [table["split"].unique().tolist() for table in (one.get_group(study) for one in studies)]
            if comparable(*splits):
                known[name] = min(map(len, splits)) - 1 or DEGREES
    same = run.config.get("theory") == reference.config.get("theory")
    exact = (both["direction"] == "zero") & (both["margin"] <= ROUNDING)
    theory = np.where(same | exact, float(DEGREES), np.nan)
    found = both["setting"].map(known).astype(float).where(both["setting"] != "", theory)
    return found.mask(both["contrast"].str.contains("seconds"))


def _reached(side: pd.DataFrame) -> pd.Series:
    return (side["n"] > 0) & ~side["verdict"].str.startswith(("too few", BY_CONSTRUCTION))


def _apart(left: pd.DataFrame, right: pd.DataFrame) -> pd.Series:
    """Whether intervals do not meet: the 90 % ones, by which effects are found equivalent, where there are any."""
    low, high = (
        pd.concat([side[f"{end}90"].fillna(side[end]) for side in (left, right)], axis=1) for end in ("low", "high")
    )
    return low.max(axis=1) > high.min(axis=1)


def _effects(both: pd.DataFrame, left: pd.DataFrame, right: pd.DataFrame, degrees: pd.Series) -> Iterator[tuple]:
    """A test of each row: the difference against the root of the squared half-widths that face each other."""
    for place, row in both.iterrows():
        ends = ["effect", "low", "high"]
        ours, theirs = (side.loc[place, ends].to_numpy(dtype=np.float64) for side in (left, right))
        floor = statistics.EQUIVALENCE_MARGIN if row["unit"] == "accuracy" else 0.0
        means = ours[0], theirs[0]
        if row["unit"] == "ratio":
            with np.errstate(divide="ignore"):
                ours, theirs = np.log(ours), np.log(theirs)
        difference = ours[0] - theirs[0]
        above, below = (ours, theirs) if difference > 0 else (theirs, ours)
        half = np.hypot(above[0] - above[1], below[2] - below[0])
        p = statistics.p_value(difference, half, degrees[place])
        yield _contrast(row), *means, difference, half, float(p), floor


def _contrast(row: pd.Series) -> str:
    return f"{row['id']}, {row['contrast']}" + (f", setting {row['setting']}" if row["setting"] else "")


def numbers(run: Run, reference: Run, alike: bool) -> Part:
    """The words on each published number that both runs judge. alike: as in `networks`; ValueError likewise."""
    tables = [one.table("tables/published_numbers.csv", (*NUMBER, *WORDS)) for one in (run, reference)]
    both = tables[0].merge(tables[1], on=NUMBER, suffixes=("", OTHER), validate="one_to_one")
    said, part = [], Part("")
    for column, (text, unjudged) in WORDS.items():
        rows = both[(both[column] != unjudged) & (both[f"{column}{OTHER}"] != unjudged)]
        other = rows[rows[column] != rows[f"{column}{OTHER}"]]
        named = "; ".join(
            f"{row['id']} on {row['test_set']}: {row[column]} against {row[f'{column}{OTHER}']}"
            for _, row in other.iterrows()
        )
        said.append(f"of {len(rows)} {text}, {len(rows) - len(other)} are judged alike{f' ({named})' if named else ''}")
        part.count += len(rows)
    part.line = f"Published numbers: {'; '.join(said)}."
    return part
