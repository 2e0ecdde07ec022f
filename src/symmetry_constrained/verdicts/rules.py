"""The rules that turn a contrast into a verdict."""

from dataclasses import dataclass, field

import numpy as np

from symmetry_constrained.verdicts.contrasts import Contrast

RATIOS = ("images", "cost", "convergence")  # contrasts of these are ratios, and their margin is a factor
# Contrasts of these are of pairs of trained networks, in every setting that has their cells.
TRAINED = ("networks", "averaged", "equal_terms", *RATIOS)
ROUNDING = 1e-9  # violations of an exact property that rounding in float64 explains
FEWEST_NETWORKS, FEWEST_UNITS = 20, 10  # pairs of trained networks, and units of an experiment on theory
BY_CONSTRUCTION = "by construction"
CAPPED = "not within the budget"  # of a ratio, one side of which is not known


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
    headline: bool = False  # one of the contrasts by which a reader judges the claim
    by_construction: bool = False
    # Contrasts of a claim that share it are one piece of evidence; it may name columns of `by` in braces.
    distinct: str = ""
    settings: dict[str, list[str]] = field(default_factory=dict)  # attributes of the settings it applies to

    @property
    def ratio(self) -> bool:
        return self.of in RATIOS

    @property
    def few(self) -> tuple[int, str]:
        """The fewest pairs that allow a verdict, and the verdict below them."""
        if self.of in TRAINED:
            return FEWEST_NETWORKS, "too few networks"
        return FEWEST_UNITS, "too few units"


# The outcome of each verdict for its claim; `contrary`: the opposite of the claim holds. What holds by construction has
# none.
OUTCOMES = {
    "replicated": "holds",
    "replicated, smaller": "holds",
    "replicated, larger": "holds",
    "theorem, no violation found": "holds",
    "supported": "holds",
    "not in the paper, supported": "holds",
    "inconclusive": "open",
    "not in the paper, inconclusive": "open",
    "too few networks": "open",
    "too few units": "open",
    CAPPED: "open",
    "equivalent": "fails",
    "not supported": "fails",
    "not in the paper, not supported": "fails",
    "reversed": "contrary",
    "reversed, as published": "contrary",
    "refuted": "contrary",
    BY_CONSTRUCTION: "not counted",
}


def boundary(rule: Rule) -> float:
    """The line that the effect must be above, or below for `at most`, for the claim to hold."""
    if rule.direction == "at least":
        return 1 / rule.margin if rule.ratio else -rule.margin
    return rule.margin


def verdict(rule: Rule, contrast: Contrast, published: float = np.nan) -> str:
    """The verdict of one contrast. published: the paper's own effect, nan where it gives none.

    `inconclusive` if nothing was run, or without an interval. Where the paper's own effect is not beyond the line, the
    paper does not show its claim, and ours is judged as a new test. A ratio that is inf or 0 because a budget ended
    says something of that budget alone, so it decides nothing; nor does one of which neither side is known.
    """
    if contrast.n == 0:
        return "inconclusive"
    if rule.by_construction:
        return BY_CONSTRUCTION
    if rule.direction == "zero":
        return "refuted" if not contrast.effect <= rule.margin else "theorem, no violation found"
    fewest, too_few = rule.few
    if contrast.n < fewest:
        return too_few
    if rule.ratio and _capped(rule, contrast.effect):
        return CAPPED
    known = not np.isnan([contrast.effect, contrast.low, contrast.high]).any()
    if is_new_test(rule, published):
        return _new_test(rule, contrast) if known else "inconclusive"
    reversed_ = known and contrast.high < -rule.margin
    if reversed_ and published < -rule.margin:
        return "reversed, as published"
    if not published > boundary(rule):
        return f"not in the paper, {_new_test(rule, contrast) if known else 'inconclusive'}"
    if known and contrast.low > boundary(rule):
        if contrast.prediction_low <= published <= contrast.prediction_high:
            return "replicated"
        return "replicated, smaller" if contrast.effect < published else "replicated, larger"
    if rule.direction == "above" and max(abs(contrast.low90), abs(contrast.high90)) < rule.margin:
        return "equivalent"
    return "reversed" if reversed_ else "inconclusive"


def _capped(rule: Rule, effect: float) -> bool:
    """Whether a budget ended before a side of the ratio was known. Images may also be unknown as the fewest suffice."""
    return effect in (0, np.inf) or (np.isnan(effect) and rule.of != "images")


def is_new_test(rule: Rule, published: float) -> bool:
    """Whether the paper has no number of its own for the contrast."""
    return rule.kind == "new test" or bool(np.isnan(published))


def _new_test(rule: Rule, contrast: Contrast) -> str:
    line = boundary(rule)
    if rule.direction == "at most":
        holds, fails = contrast.high <= line, contrast.low > line
    else:
        holds, fails = contrast.low > line, contrast.high < line
    return "supported" if holds else "not supported" if fails else "inconclusive"


def needed(rule: Rule, contrast: Contrast, published: float = np.nan) -> float:
    """How many more pairs would decide an inconclusive contrast if its effect does not change.

    Each end of the interval approaches the effect as 1 / √n, on a logarithmic scale for a ratio, until the ends that
    decide the verdict have crossed their lines. nan without an interval, or if such an end is not finite; inf if the
    effect is on the line.
    """
    effect, line = contrast.effect, boundary(rule)
    if contrast.n < 2 or np.isnan([effect, contrast.low, contrast.high]).any():
        return np.nan
    ends = [(contrast.low if effect > line else contrast.high, line)]
    shown = not is_new_test(rule, published) and published > line
    if shown and rule.direction == "above":
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
