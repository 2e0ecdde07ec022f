"""What a contrast reads: tables of a run, and in them cells of trained networks. The rule alone tells, without data."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symmetry_constrained.analysis.equal_terms import RIVAL
from symmetry_constrained.analysis.sample_efficiency import SIGNS
from symmetry_constrained.verdicts.rules import TRAINED, Rule
from symmetry_constrained.verdicts.settings import Setting

# What a contrast is `of` -> the tables that judging it reads, and those that they are made from (`run_tables.FILES`);
# any other is of a table by itself.
READS: dict[str, tuple[str, ...]] = {name: ("networks",) for name in TRAINED}
READS |= {"cost": ("networks", "history"), "images": ("networks", "images")}
READS |= {"equal_terms": ("networks", "history", "solo", "equal_terms")}
# What tells one cell of trained networks from another.
CELL = ("study", "dataset", "protocol", "features", "training_set", "network", "hidden_layers")


@dataclass(frozen=True)
class Side:
    """The cells on one side of a contrast: those with these values, or of them those of other features than one."""

    values: Mapping[str, Any]
    setting: str = ""  # that they are compared in
    but_features: str = ""
    fewest: int = 1  # fractions of the training images

    def holds(self, cell: Mapping[str, Any]) -> bool:
        """Whether a batch has such a cell. cell: its value of each of CELL, but lists of its networks and fractions."""
        if len(cell["fractions"]) < self.fewest:
            return False
        known = {name: value for name, value in self.values.items() if name in CELL}
        own = all(value in cell[name] if name == "network" else value == cell[name] for name, value in known.items())
        return own and cell["features"] != self.but_features


def tables(rule: Rule) -> set[str]:
    """The names of the tables that a contrast is judged by."""
    timed = {"solo"} if rule.currency == "seconds" else set()
    return {*READS.get(rule.of, (rule.of,)), *timed}


def sides(rule: Rule, settings: Iterable[Setting]) -> Iterator[list[Side]]:
    """What of the trained networks a contrast compares, setting by setting: nothing of it, if one side has no cell."""
    if rule.of == "bound":
        yield [Side(rule.where)]
    if rule.of not in TRAINED:
        return
    for setting in settings:
        if setting.meets(rule.settings):
            own = {"study": setting.study, "hidden_layers": setting.hidden_layers} | rule.where
            if rule.of == "images":
                # A learning curve, and that of the rival.
                for signs in [own["signs"]] if "signs" in own else SIGNS:
                    rival = own | {"network": "biased", "features": RIVAL[0], "training_set": SIGNS[signs][1]}
                    yield [Side(values, setting.name, fewest=2) for values in (own, rival)]
            elif rule.of == "equal_terms":
                rival = own | dict(zip(("features", "training_set"), RIVAL, strict=True))
                yield [Side(own, setting.name, but_features=RIVAL[0]), Side(rival, setting.name)]
            else:
                given = averaged_sides(rule, setting) if rule.of == "averaged" else (rule.left, rule.right)
                yield [Side(own | side, setting.name) for side in given if "constant" not in side]


def averaged_sides(rule: Rule, setting: Setting) -> list[dict[str, Any]]:
    """The sides of a contrast of `averaged`: each names its study, None where the setting has none that averages so."""
    studies = {"none": setting.study} | setting.averaged
    return [
        {name: value for name, value in side.items() if name != "averaging"}
        | {"study": studies.get(side.get("averaging", "none"))}
        for side in (rule.left, rule.right)
    ]
