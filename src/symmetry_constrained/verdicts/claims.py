"""The paper's claims, judged: each contrast of `claims.yaml` computed from the run's tables, and its verdict.

Verdicts of a published contrast: `replicated` (with `, smaller` or `, larger` where the published effect lies outside
the prediction interval), `absent`, `reversed`, `inconclusive`. Of a new test, which the paper never made: `supported`,
`not supported`, `inconclusive`. Of a mathematical claim: `proved` (and no violation found) or `refuted`. The rules
stand in `verdict`; nothing in them depends on the data.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from symmetry_constrained.verdicts.contrasts import Contrast

KINDS = ("published contrast", "new test", "mathematical")
DIRECTIONS = ("above", "at least", "at most", "zero")
CURRENCIES = ("evaluations", "flop", "seconds")
TABLES = ("networks", "equal_terms", "images", "cost", "bound")  # or one under theory/
RATIOS = ("images", "cost")  # of these the effect is a ratio, whose margin is a factor, and not a difference
ROUNDING = 1e-9  # what float64 may leave of an exact property
# What each verdict says of its claim; `contrary`: not just that it fails.
STANDING = {
    "replicated": "holds",
    "replicated, smaller": "holds",
    "replicated, larger": "holds",
    "proved": "holds",
    "supported": "holds",
    "inconclusive": "open",
    "absent": "fails",
    "not supported": "fails",
    "reversed": "contrary",
    "refuted": "contrary",
}
COLUMNS = ["id", "title", "contrast", "section", "protocol", "dataset", "kind", "direction", "margin", "unit"]
COLUMNS += ["effect", "low", "high", "prediction_low", "prediction_high", "published", "n", "verdict", "needed"]
COLUMNS += ["evidence"]


@dataclass(frozen=True)
class Rule:
    """One contrast of a claim, as `claims.yaml` states it."""

    id: str
    title: str
    section: str
    name: str
    kind: str
    of: str
    direction: str
    margin: float  # of the effect; the limit for `at most`, the tolerance for `zero`
    where: dict = field(default_factory=dict)
    by: tuple[str, ...] = ()
    left: dict = field(default_factory=dict)
    right: dict = field(default_factory=dict)
    currency: str = ""
    unit: str = "accuracy"  # of the effect

    @property
    def ratio(self) -> bool:
        return self.of in RATIOS


@dataclass(frozen=True)
class Claim:
    """What the paper says, in our own words."""

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
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for claim in document["claims"]:
            here = f"claims: {claim['id']}"
            statement = " ".join(claim["statement"].split())
            claims.append(Claim(claim["id"], str(claim["section"]), claim["title"], statement))
            rules += [_rule(claim, contrast, document) for contrast in claim["contrasts"]]
            if not claim["contrasts"]:
                raise ValueError(f"{here}: there is no contrast to judge it by")
    except (AttributeError, KeyError, TypeError, yaml.YAMLError) as error:
        needs = "every claim has an id, a section, a title, a statement and contrasts"
        raise ValueError(f"{path}: {here}: {' '.join(str(error).split())}: {needs}") from None
    for what, names in (("claim", [c.id for c in claims]), ("contrast", [(r.id, r.name) for r in rules])):
        again = [name for name in names if names.count(name) > 1]
        if again:
            raise ValueError(f"{path}: the {what} {again[0]} stands there twice")
    return claims, rules


def _rule(claim: dict, contrast: dict, document: dict) -> Rule:
    where = f"claims: {claim['id']}, {contrast.get('name', 'a contrast without a name')}"
    names = ("name", "kind", "of", "where", "left", "right", "currency", "direction", "unit")
    unknown = set(contrast) - {*names, "by", "limit", "tolerance"}
    if unknown:
        raise ValueError(f"{where}: {sorted(unknown)[0]} is unknown")
    for key, legal in (("kind", KINDS), ("direction", DIRECTIONS)):
        if contrast.get(key) not in legal:
            raise ValueError(f"{where}: {key} is {contrast.get(key)!r}; it must be one of {', '.join(legal)}")
    _check_sources(contrast, where)
    ratio = contrast["of"] in RATIOS
    usual = document["factor"] if ratio else document["margin"]
    margin = {"at most": contrast.get("limit"), "zero": contrast.get("tolerance", ROUNDING)}.get(
        contrast["direction"], usual
    )
    try:
        margin = float(margin)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: {margin!r} is no number; at most needs a limit") from None
    given = {key: contrast[key] for key in names if key in contrast}
    if "unit" not in given and (ratio or contrast["direction"] == "zero"):
        given["unit"] = "ratio" if ratio else "largest violation"
    return Rule(
        claim["id"],
        claim["title"],
        str(claim["section"]),
        margin=margin,
        by=tuple(contrast.get("by", ())),
        **given,
    )


def _check_sources(contrast: dict, where: str) -> None:
    """ValueError if a contrast does not say what its effect is computed from, or no verdict is defined for it."""
    of, zero, mathematical = contrast.get("of"), contrast["direction"] == "zero", contrast["kind"] == "mathematical"
    left, right = contrast.get("left", {}), contrast.get("right", {})
    if of not in TABLES and not str(of).startswith("theory/"):
        raise ValueError(f"{where}: of is {of!r}; it must be one of {', '.join(TABLES)}, or a name under theory/")
    if not isinstance(contrast.get("by", []), list):
        raise ValueError(f"{where}: by must be a list of columns")
    if zero != mathematical:
        raise ValueError(f"{where}: what is mathematical, and nothing else, has the direction zero")
    if contrast["kind"] == "published contrast" and (of != "networks" or contrast["direction"] == "at most"):
        raise ValueError(f"{where}: a published contrast is of networks, and above or at least")
    if of == "cost" and not (left and right and contrast.get("currency") in CURRENCIES):
        raise ValueError(f"{where}: a cost has a left, a right and a currency: {', '.join(CURRENCIES)}")
    numbers = [sum(name in side for name in ("value", "constant")) for side in (left, right)]
    if of not in RATIOS and ("constant" in left.keys() & right.keys() or numbers != [1, 1 - zero]):
        raise ValueError(f"{where}: left and right each have a value, the column to read, or one of them a constant")


def with_places(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose empty protocol and dataset are empty text, which a CSV file does not keep."""
    places = ["protocol", "dataset"]
    return table.astype(dict.fromkeys(places, object)).fillna(dict.fromkeys(places, ""))


def boundary(rule: Rule) -> float:
    """What the effect must be above, or below for `at most`, for the claim to hold."""
    if rule.direction == "at least":
        return 1 / rule.margin if rule.ratio else -rule.margin
    return rule.margin


def verdict(rule: Rule, found: Contrast, published: float = np.nan) -> str:
    """The verdict of one contrast; `inconclusive` where nothing was run, and without an interval, so for one pair."""
    if found.n == 0:
        return "inconclusive"
    if rule.direction == "zero":
        return "refuted" if not found.effect <= rule.margin else "proved"
    if np.isnan(found.effect) or np.isnan([found.low, found.high]).any():
        return "inconclusive"
    line = boundary(rule)
    if rule.direction == "at most":
        holds, fails = found.high <= line, found.low > line
    else:
        holds, fails = found.low > line, found.high < line
    if rule.kind == "new test":
        return "supported" if holds else "not supported" if fails else "inconclusive"
    if holds:
        if np.isnan(published) or found.prediction_low <= published <= found.prediction_high:
            return "replicated"
        return "replicated, smaller" if found.effect < published else "replicated, larger"
    if rule.direction == "above" and max(abs(found.low90), abs(found.high90)) < rule.margin:
        return "absent"
    if found.high < -rule.margin:
        return "reversed"
    return "inconclusive"


def needed(rule: Rule, found: Contrast) -> float:
    """How many more pairs would decide an inconclusive contrast, if its effect stays what it is.

    Each end of the interval closes in on the effect with √n, on a logarithmic scale for a ratio, until those that the
    verdict of this effect turns on are past their lines. nan without an interval, or if such an end is not finite;
    inf if the effect lies on the line.
    """
    effect, line = found.effect, boundary(rule)
    if found.n < 2 or np.isnan([effect, found.low, found.high]).any():
        return np.nan
    ends = [(found.low if effect > line else found.high, line)]
    if rule.kind == "published contrast" and rule.direction == "above":
        if effect < -rule.margin:
            ends = [(found.high, -rule.margin)]
        elif effect < rule.margin:
            ends = [(found.low90, -rule.margin), (found.high90, rule.margin)]
    more = 1.0
    for end, at in ends:
        values = np.array([effect, end, at])
        if rule.ratio:
            values = np.log(values, out=np.full(3, -np.inf), where=values > 0)
        if not np.isfinite(values).all():
            return np.nan
        half, distance = abs(values[1] - values[0]), abs(values[2] - values[0])
        more = max(more, found.n * ((half / distance) ** 2 - 1) if distance else np.inf)
    return float(np.ceil(more))


def row(
    rule: Rule, found: Contrast, evidence: str, protocol: str, dataset: str, published: float = np.nan, at: tuple = ()
) -> dict:
    """A row of `claims.csv`. at: the values of the rule's `by` columns."""
    judged = verdict(rule, found, published)
    name = rule.name + "".join(f"; {value}" for value in at)
    return {
        "id": rule.id,
        "title": rule.title,
        "contrast": name,
        "section": rule.section,
        "protocol": protocol,
        "dataset": dataset,
        "kind": rule.kind,
        "direction": rule.direction,
        "margin": rule.margin,
        "unit": rule.unit,
        "effect": found.effect,
        "low": found.low,
        "high": found.high,
        "prediction_low": found.prediction_low,
        "prediction_high": found.prediction_high,
        "published": published,
        "n": found.n,
        "verdict": judged,
        "needed": needed(rule, found) if judged == "inconclusive" else np.nan,
        "evidence": evidence,
    }
