"""The paper's claims, judged: each contrast of `claims.yaml` computed from the run's tables, and its verdict.

Verdicts of a published contrast: `replicated` (with `, smaller` or `, larger` where the published effect lies outside
the prediction interval), `absent`, `reversed`, `inconclusive`. Of a new test, which the paper never made: `supported`,
`not supported`, `inconclusive`. Of a mathematical claim: `proved` (and no violation found) or `refuted`. The rules
stand in `verdict`; nothing in them depends on the data.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from symmetry_constrained.contrasts import Contrast

KINDS = ("published contrast", "new test", "mathematical")
DIRECTIONS = ("above", "at least", "at most", "zero")
VERDICTS = ("replicated", "proved", "supported", "inconclusive", "absent", "not supported", "reversed", "refuted")
ROUNDING = 1e-9  # what float64 may leave of an exact property
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
        """A ratio, whose margin is a factor, and not a difference."""
        return self.of in ("images", "cost")


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
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        claims, rules = [], []
        for claim in document["claims"]:
            statement = " ".join(claim["statement"].split())
            claims.append(Claim(claim["id"], str(claim["section"]), claim["title"], statement))
            for contrast in claim["contrasts"]:
                rules.append(_rule(claim, contrast, document))
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise ValueError(
            f"{path}: {' '.join(str(error).split())}: every claim has an id, a statement, contrasts"
        ) from None
    return claims, rules


def _rule(claim: dict, contrast: dict, document: dict) -> Rule:
    where = f"claims: {claim['id']}, {contrast.get('name', 'a contrast without a name')}"
    unknown = set(contrast) - {"name", "kind", "of", "where", "by", "left", "right", "direction", "currency"}
    unknown -= {"limit", "tolerance", "unit"}
    if unknown:
        raise ValueError(f"{where}: {sorted(unknown)[0]} is unknown")
    for key, legal in (("kind", KINDS), ("direction", DIRECTIONS)):
        if contrast.get(key) not in legal:
            raise ValueError(f"{where}: {key} is {contrast.get(key)!r}; it must be one of {', '.join(legal)}")
    ratio = contrast["of"] in ("images", "cost")
    usual = document["factor"] if ratio else document["margin"]
    margin = {"at most": contrast.get("limit"), "zero": contrast.get("tolerance", ROUNDING)}.get(
        contrast["direction"], usual
    )
    if margin is None:
        raise ValueError(f"{where}: at most what? limit is missing")
    names = ("name", "kind", "of", "where", "left", "right", "currency", "direction", "unit")
    given = {key: contrast[key] for key in names if key in contrast}
    if "unit" not in given and (ratio or contrast["direction"] == "zero"):
        given["unit"] = "ratio" if ratio else "largest violation"
    return Rule(
        claim["id"],
        claim["title"],
        str(claim["section"]),
        margin=float(margin),
        by=tuple(contrast.get("by", ())),
        **given,
    )


def boundary(rule: Rule) -> float:
    """What the effect must be above, or below for `at most`, for the claim to hold."""
    if rule.direction == "at least":
        return 1 / rule.margin if rule.ratio else -rule.margin
    return rule.margin


def verdict(rule: Rule, found: Contrast, published: float = np.nan) -> str:
    """The verdict of one contrast; `inconclusive` without an interval, so for a single pair."""
    if rule.direction == "zero":
        return "refuted" if not found.effect <= rule.margin else "proved"
    new = rule.kind == "new test"
    if np.isnan(found.effect) or np.isnan([found.low, found.high]).any():
        return "inconclusive"
    line = boundary(rule)
    if rule.direction == "at most":
        holds, fails = found.high <= line, found.low > line
    else:
        holds, fails = found.low > line, found.high < line
    if new:
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

    The interval shrinks with √n until its end reaches the nearest line that a verdict turns on. nan without an
    interval; inf if the effect lies on the line.
    """
    if found.n < 2 or np.isnan([found.effect, found.low, found.high]).any():
        return np.nan
    lines = [boundary(rule)]
    if rule.kind == "published contrast":
        lines += [-rule.margin] + ([rule.margin] if rule.direction == "above" else [])
    more = []
    for line in lines:
        effect, low, high, at = found.effect, found.low, found.high, line
        if rule.ratio:
            if low <= 0:
                continue
            effect, low, high, at = np.log([effect, low, high, line])
        half = effect - low if effect > at else high - effect
        distance = abs(effect - at)
        more.append(np.inf if distance == 0 else found.n * ((half / distance) ** 2 - 1))
    return float(np.ceil(max(min(more, default=np.nan), 1)))


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
