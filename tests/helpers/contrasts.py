"""Made-up rules and contrasts."""

from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.rules import Rule


def rule(kind="new test", direction="above", of="networks", **changes):
    margin = 1.1 if of in ("images", "cost") else 0.02
    given = {"left": {"value": "test_accuracy"}, "right": {"value": "inverted_accuracy"}} | changes
    return Rule("C0", "a title", "2.2", "a contrast", kind, of, direction, given.pop("margin", margin), **given)


def found(low, high, low90=None, high90=None, effect=None, prediction=(-9, 9), n=20):
    """A contrast with this interval; its 90 % one is as wide unless given."""
    effect = (low + high) / 2 if effect is None else effect
    low90, high90 = low if low90 is None else low90, high if high90 is None else high90
    return Contrast(effect, low, high, low90, high90, *prediction, n=n)
