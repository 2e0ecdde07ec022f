"""The paper's claims as `claims.yaml` states them, each with the contrasts that judge it.

Verdicts of a published contrast: `replicated` (with `, smaller` or `, larger` if the published effect is outside of
the prediction interval), `equivalent`, `reversed`, `inconclusive`. Where the published effect does not show the claim:
`reversed, as published` if ours goes against it as well, else `not in the paper` with the verdict of a new test. Of a
new test, which the paper never made: `supported`, `not supported`, `inconclusive`. Of a mathematical claim: `theorem,
no violation found` or `refuted`. `too few networks` or `too few units` gives no other verdict, nor does a ratio that is
`not within the budget`, and `by construction` counts nowhere. The rules are in `rules.verdict` and do not depend on the
data.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter

import pandas as pd
import yaml

from symmetry_constrained.verdicts import settings
from symmetry_constrained.verdicts.rules import RATIOS, ROUNDING, TRAINED, Rule

KINDS = ("published contrast", "new test", "mathematical")
DIRECTIONS = ("above", "at least", "at most", "zero")
CURRENCIES = {"cost": ("evaluations", "flop", "seconds"), "convergence": ("iterations", "evaluations")}
TABLES = (*TRAINED, "bound")  # or one under theory/


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, in our words."""

    id: str
    section: str
    title: str
    statement: str


def read(path: Path) -> tuple[list[Claim], list[Rule]]:
    """`claims.yaml` -> the claims, and their contrasts in order.

    ValueError naming the claim and what is wrong with it.
    """
    claims, rules = [], []
    here = "claims"
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for claim in document["claims"]:
            here = f"claims: {claim['id']}"
            statement = " ".join(claim["statement"].split())
            claims.append(Claim(claim["id"], str(claim["section"]), claim["title"], statement))
            own = [_rule(claim, contrast, document) for contrast in claim["contrasts"]]
            rules += [replace(rule, headline=rule.headline or rule is own[0]) for rule in own]
            if not claim["contrasts"]:
                raise ValueError(f"{here}: there is no contrast to judge it by")
            if any(rule.headline and rule.by_construction for rule in rules):
                raise ValueError(f"{here}: a headline holds by construction; the first contrast is one")
    except (AttributeError, KeyError, TypeError, yaml.YAMLError) as error:
        needs = "every claim has an id, a section, a title, a statement and contrasts"
        raise ValueError(f"{path}: {here}: {' '.join(str(error).split())}: {needs}") from None
    names: list[tuple[str, object]] = [("claim", claim.id) for claim in claims]
    names += [("contrast", (rule.id, rule.name)) for rule in rules]
    again = [f"the {what} {name}" for what, name in names if names.count((what, name)) > 1]
    if again:
        raise ValueError(f"{path}: {again[0]} is there twice")
    return claims, rules


def only(id_: str, stated: list[Claim], rules: list[Rule]) -> tuple[list[Claim], list[Rule]]:
    """One claim of those that are stated, and its rules. ValueError in one line for a claim that there is not."""
    if id_ not in (known := [claim.id for claim in stated]):
        raise ValueError(f"claim: {id_!r} is unknown; choose one of {', '.join(known)}")
    return [claim for claim in stated if claim.id == id_], [rule for rule in rules if rule.id == id_]


def _rule(claim: dict, contrast: dict, document: dict) -> Rule:
    where = f"claims: {claim['id']}, {contrast.get('name', 'a contrast without a name')}"
    names = ("name", "kind", "of", "where", "left", "right", "currency", "direction", "unit")
    unknown = set(contrast) - {*names, "by", "margin", "limit", "tolerance", "by_construction", "distinct", "headline"}
    unknown.discard("settings")
    if unknown:
        raise ValueError(f"{where}: {sorted(unknown)[0]} is unknown")
    for key, legal in (("kind", KINDS), ("direction", DIRECTIONS)):
        if contrast.get(key) not in legal:
            raise ValueError(f"{where}: {key} is {contrast.get(key)!r}; it must be one of {', '.join(legal)}")
    _check_sources(contrast, where)
    conditions = _settings(claim.get("settings", {}) | contrast.get("settings", {}), where)
    ratio = contrast["of"] in RATIOS
    given = {key: contrast[key] for key in names if key in contrast}
    if "unit" not in given and (ratio or contrast["direction"] == "zero"):
        given["unit"] = "ratio" if ratio else "largest violation"
    return Rule(
        claim["id"],
        claim["title"],
        str(claim["section"]),
        margin=_margin(contrast, document["factor"] if ratio else document["margin"], where),
        by=tuple(contrast.get("by", ())),
        headline=contrast.get("headline", False),
        by_construction=contrast.get("by_construction", False),
        distinct=contrast.get("distinct", ""),
        settings=conditions if contrast["of"] in TRAINED else {},
        **given,
    )


def _settings(conditions: dict, where: str) -> dict[str, list[str]]:
    """The values of a setting's attributes where the contrast applies."""
    for name in conditions:
        if name not in settings.ATTRIBUTES:
            raise ValueError(f"{where}: settings: {name} is unknown; there are {', '.join(settings.ATTRIBUTES)}")
    lists = {name: values if isinstance(values, list) else [values] for name, values in conditions.items()}
    return {name: [str(value) for value in values] for name, values in lists.items()}


def _margin(contrast: dict, usual: float, where: str) -> float:
    """What the effect is compared with: the contrast's own margin or the usual one, its limit, or its tolerance."""
    direction = contrast["direction"]
    if "margin" in contrast and direction in ("at most", "zero"):
        key = "limit" if direction == "at most" else "tolerance"
        raise ValueError(f"{where}: {direction} has a {key} and no margin")
    stated = {"at most": contrast.get("limit"), "zero": contrast.get("tolerance", ROUNDING)}
    margin = stated.get(direction, contrast.get("margin", usual))
    try:
        margin = float(margin)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: {margin!r} is not a number; at most needs a limit") from None
    if "margin" in contrast and not (margin > 1 if contrast["of"] in RATIOS else margin > 0):
        raise ValueError(f"{where}: a margin is above 0, and that of a ratio, a factor, above 1")
    return margin


def _check_sources(contrast: dict, where: str) -> None:
    """ValueError if a contrast does not say how its effect is computed, or if no verdict is defined for it."""
    of, zero, mathematical = contrast.get("of"), contrast["direction"] == "zero", contrast["kind"] == "mathematical"
    left, right = contrast.get("left", {}), contrast.get("right", {})
    if of not in TABLES and not str(of).startswith("theory/"):
        raise ValueError(f"{where}: of is {of!r}; it must be one of {', '.join(TABLES)}, or a name under theory/")
    if not isinstance(contrast.get("by", []), list):
        raise ValueError(f"{where}: by must be a list of columns")
    for flag in ("headline", "by_construction"):
        if not isinstance(contrast.get(flag, False), bool):
            raise ValueError(f"{where}: {flag} must be true or false")
    named = {name for _, name, *_ in Formatter().parse(str(contrast.get("distinct", ""))) if name is not None}
    if not named <= set(contrast.get("by", [])):
        raise ValueError(
            f"{where}: distinct names {sorted(named - set(contrast.get('by', [])))[0]!r}, which is not in by"
        )
    if zero != mathematical:
        raise ValueError(f"{where}: a mathematical contrast, and no other, has the direction zero")
    if contrast["kind"] == "published contrast" and (of != "networks" or contrast["direction"] == "at most"):
        raise ValueError(f"{where}: a published contrast is of networks, and above or at least")
    if of in CURRENCIES and not (left and right and contrast.get("currency") in CURRENCIES[of]):
        raise ValueError(f"{where}: {of} has a left, a right and a currency: {', '.join(CURRENCIES[of])}")
    numbers = [sum(name in side for name in ("value", "constant")) for side in (left, right)]
    if of not in RATIOS and ("constant" in left.keys() & right.keys() or numbers != [1, 1 - zero]):
        raise ValueError(f"{where}: left and right each have a value, the column to read, or one of them a constant")


def with_places(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose missing protocol and dataset are empty text; a CSV file does not distinguish the two."""
    places = ["protocol", "dataset"]
    return table.astype(dict.fromkeys(places, object)).fillna(dict.fromkeys(places, ""))
