"""How a contrast is judged by the rule it falls under."""

from dataclasses import dataclass, field

import numpy as np

from symmetry_constrained.verdicts.contrasts import Contrast

RATIOS = ("images", "cost")  # of these the effect is a ratio, whose margin is a factor, and not a difference


ROUNDING = 1e-9  # what float64 may leave of an exact property


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
