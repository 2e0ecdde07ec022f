"""Rows of `claims.csv`: a contrast with its verdict."""

import numpy as np

from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.rules import Rule, needed, verdict

COLUMNS = ["id", "title", "contrast", "section", "protocol", "dataset", "kind", "direction", "margin", "unit"]
COLUMNS += ["effect", "low", "high", "prediction_low", "prediction_high", "published", "n", "verdict", "needed"]
COLUMNS += ["evidence"]


def claim_row(
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
