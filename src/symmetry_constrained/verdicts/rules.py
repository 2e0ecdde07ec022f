"""The rules that turn a contrast into a verdict."""

from dataclasses import dataclass, field

import numpy as np

from symmetry_constrained.verdicts.contrasts import Contrast

RATIOS = ("images", "cost")  # contrasts of these are ratios, and their margin is a factor
ROUNDING = 1e-9  # violations of an exact property that rounding in float64 explains


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


# The outcome of each verdict for its claim; `contrary`: the opposite of the claim holds.
OUTCOMES = {
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
    """The line that the effect must be above, or below for `at most`, for the claim to hold."""
    if rule.direction == "at least":
        return 1 / rule.margin if rule.ratio else -rule.margin
    return rule.margin


def verdict(rule: Rule, contrast: Contrast, published: float = np.nan) -> str:
    """The verdict of one contrast; `inconclusive` if nothing was run, and without an interval, as for a single pair."""
    if contrast.n == 0:
        return "inconclusive"
    if rule.direction == "zero":
        return "refuted" if not contrast.effect <= rule.margin else "proved"
    if np.isnan(contrast.effect) or np.isnan([contrast.low, contrast.high]).any():
        return "inconclusive"
    line = boundary(rule)
    if rule.direction == "at most":
        holds, fails = contrast.high <= line, contrast.low > line
    else:
        holds, fails = contrast.low > line, contrast.high < line
    if rule.kind == "new test":
        return "supported" if holds else "not supported" if fails else "inconclusive"
    if holds:
        if np.isnan(published) or contrast.prediction_low <= published <= contrast.prediction_high:
            return "replicated"
        return "replicated, smaller" if contrast.effect < published else "replicated, larger"
    if rule.direction == "above" and max(abs(contrast.low90), abs(contrast.high90)) < rule.margin:
        return "absent"
    if contrast.high < -rule.margin:
        return "reversed"
    return "inconclusive"


def needed(rule: Rule, contrast: Contrast) -> float:
    """How many more pairs would decide an inconclusive contrast if its effect does not change.

    Each end of the interval approaches the effect as 1 / √n, on a logarithmic scale for a ratio, until the ends that
    decide the verdict have crossed their lines. nan without an interval, or if such an end is not finite; inf if the
    effect is on the line.
    """
    effect, line = contrast.effect, boundary(rule)
    if contrast.n < 2 or np.isnan([effect, contrast.low, contrast.high]).any():
        return np.nan
    ends = [(contrast.low if effect > line else contrast.high, line)]
    if rule.kind == "published contrast" and rule.direction == "above":
        if effect < -rule.margin:
            ends = [(contrast.high, -rule.margin)]
        elif effect < rule.margin:
            ends = [(contrast.low90, -rule.margin), (contrast.high90, rule.margin)]
    more = 1.0
    for end, at in ends:
        values = np.array([effect, end, at])
        if rule.ratio:
            values = np.log(values, out=np.full(3, -np.inf), where=values > 0)
        if not np.isfinite(values).all():
            return np.nan
        half, distance = abs(values[1] - values[0]), abs(values[2] - values[0])
        more = max(more, contrast.n * ((half / distance) ** 2 - 1) if distance else np.inf)
    return float(np.ceil(more))
