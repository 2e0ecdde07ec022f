"""Rows of `claims.csv`: a contrast with its verdict."""

import numpy as np

from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.rules import Rule, needed, verdict

CLAIM_COLUMNS = ["id", "title", "contrast", "section", "protocol", "dataset", "kind", "direction", "margin", "unit"]
CLAIM_COLUMNS += ["effect", "low", "high", "prediction_low", "prediction_high", "published", "n", "verdict", "needed"]
CLAIM_COLUMNS += ["evidence"]


def claim_row(
    rule: Rule,
    contrast: Contrast,
    evidence: str,
    protocol: str,
    dataset: str,
    published: float = np.nan,
    at: tuple = (),
) -> dict[str, object]:
    """A row of `claims.csv`. at: the values of the rule's `by` columns."""
    judged = verdict(rule, contrast, published)
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
        "effect": contrast.effect,
        "low": contrast.low,
        "high": contrast.high,
        "prediction_low": contrast.prediction_low,
        "prediction_high": contrast.prediction_high,
        "published": published,
        "n": contrast.n,
        "verdict": judged,
        "needed": needed(rule, contrast) if judged == "inconclusive" else np.nan,
        "evidence": evidence,
    }
