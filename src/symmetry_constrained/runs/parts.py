"""Parts of a study that can be had by themselves: a claim, or one of the paper's tables, and what each needs.

What a claim needs follows from its contrasts (`verdicts.needs`), what a table needs from the numbers in it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.runs import targets
from symmetry_constrained.verdicts import claims, needs
from symmetry_constrained.verdicts.needs import CELL, Side
from symmetry_constrained.verdicts.published import TABLES
from symmetry_constrained.verdicts.rules import TRAINED
from symmetry_constrained.verdicts.settings import Setting

CLAIM = "claim_"  # before a claim's id, in the name of its part; a table's part is called as its file
MODEL = ("features", "training_set", "network")  # what a published number says of its cell


@dataclass(frozen=True)
class Part:
    """What one claim or one table needs."""

    of: str  # the claim's id, or the table's name in the paper
    batches: list[tuple]  # keys of the configuration's batches, in their order
    tables: set[str] = field(default_factory=set)  # that its claim is judged by
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # those of the configuration it is judged in
    published: list[str] = field(default_factory=list)  # networks of the paper that are trained again

    def of_study(self, names: Iterable[str]) -> list[str]:
        """Those of the studies of which it needs a batch."""
        needed = {study for study, *_ in self.batches}
        return [name for name in names if name in needed]


def of_claims(path: Path, settings: Mapping[str, dict], batches: Mapping[tuple, dict]) -> dict[str, Part]:
    """Every claim of `claims.yaml` as a part. settings: with their attributes. ValueError as of `claims.read`."""
    stated, rules = claims.read(path)
    judged_in = [Setting(name=name, **values) for name, values in settings.items()]
    cells, parts = _cells(batches), {}
    for claim in stated:
        needed, tables, names = set(), set(), set()
        for rule in claims.only(claim.id, stated, rules)[1]:
            if rule.of not in TRAINED and rule.of != "bound":
                tables |= needs.tables(rule)
            for sides in needs.sides(rule, judged_in):
                if own := _compared(sides, cells):
                    needed |= own
                    tables |= needs.tables(rule)
                    names |= {side.setting for side in sides}
        kept = {name: values for name, values in settings.items() if name in names}
        parts[f"{CLAIM}{claim.id}"] = Part(claim.id, _batches(needed, batches), tables, kept)
    return parts


def of_tables(config: dict[str, Any], numbers: pd.DataFrame, batches: Mapping[tuple, dict]) -> dict[str, Part]:
    """Each of the paper's tables of which a number is compared. numbers: rows of `published.csv`."""
    cells, parts = _cells(batches), {}
    numbers = numbers[numbers["id"].isin(targets.published_ids(config, numbers))].drop_duplicates("id")
    for table, own in numbers.groupby("table", sort=False):
        needed: set[tuple] = set()
        for _, number in own.iterrows():
            placed, model = targets.compared(config)[number["dataset"]], number[[*MODEL]].to_dict()
            for study in (placed["study"], placed["clean_study"]):
                needed |= _compared([Side(model | {"study": study, "hidden_layers": paper.HYPHENATED})], cells)
        parts[TABLES[str(table)]] = Part(str(table), _batches(needed, batches), published=own["id"].tolist())
    return parts


def _cells(batches: Mapping[tuple, dict]) -> dict[tuple, dict[str, Any]]:
    """What `needs` asks of the batches, which differ in nothing but the split where their keys do."""
    return {
        key[:-1]: {name: spec[name] for name in CELL if name in spec}
        | {"network": spec["networks"], "hidden_layers": key[3], "fractions": spec["fractions"]}
        for key, spec in batches.items()
    }


def _compared(sides: Iterable[Side], cells: Mapping[tuple, dict]) -> set[tuple]:
    """The cells on one of the sides; none if a side has no cell, so that nothing can be compared."""
    each = [{key for key, cell in cells.items() if side.holds(cell)} for side in sides]
    return set().union(*each) if all(each) else set()


def _batches(cells: set[tuple], batches: Mapping[tuple, dict]) -> list[tuple]:
    return [key for key in batches if key[:-1] in cells]


def check_asked(words: Iterable[str], parts: Iterable[str]) -> None:
    """ValueError in one line for a word of the command line that looks like a part and is none."""
    for word in words:
        if re.fullmatch(rf"({CLAIM}|table_?)\w*", word) and word not in parts:
            raise ValueError(f"{word}: is neither a claim nor a table of this study; there are {', '.join(parts)}")


def benchmarks(part: Part, batches: Mapping[tuple, dict]) -> list[str]:
    """What the benchmarks of its batches' jobs are called, one for all splits of a cell."""
    found: dict[tuple, str] = {}
    for key in part.batches:
        study, features, training_set, layers, split = key
        leader = batches[key]["trained_as"] or features
        found.setdefault(key[:-1], f"train_batch/{study}-{leader}-{training_set}-{layers}-{split}")
    return list(dict.fromkeys(found.values()))
