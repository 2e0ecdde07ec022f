"""Rows of `claims.csv`: a contrast with its verdict."""

import numpy as np
import pandas as pd

from symmetry_constrained.verdicts.claims import with_places
from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.rules import BY_CONSTRUCTION, OUTCOMES, Rule, needed, verdict

CLAIM_COLUMNS = ["id", "title", "contrast", "section", "protocol", "dataset", "kind", "direction", "margin", "unit"]
CLAIM_COLUMNS += ["effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high", "published", "n"]
CLAIM_COLUMNS += ["cap", "verdict", "needed", "distinct", "evidence"]
WORST_FIRST = ("contrary", "fails", "open", "holds")


def claim_row(
    rule: Rule,
    contrast: Contrast,
    evidence: str,
    protocol: str,
    dataset: str,
    published: float = np.nan,
    at: tuple = (),
    cap: str = "",
) -> dict[str, object]:
    """A row of `claims.csv`. at: the values of the rule's `by` columns. cap: of a ratio, what the networks were given,
    as `201 evaluations`; beyond it a cost is not known.
    """
    judged = verdict(rule, contrast, published)
    name = rule.name + "".join(f"; {value}" for value in at)
    shared = rule.distinct if len(at) == len(rule.by) else ""  # without values nothing was run
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
        # A ratio is never judged by its 90 % interval.
        "low90": np.nan if rule.ratio else contrast.low90,
        "high90": np.nan if rule.ratio else contrast.high90,
        "prediction_low": contrast.prediction_low,
        "prediction_high": contrast.prediction_high,
        "published": published,
        "n": contrast.n,
        "cap": cap,
        "verdict": judged,
        "needed": needed(rule, contrast, published) if judged.endswith("inconclusive") else np.nan,
        "distinct": shared.format(**dict(zip(rule.by, at, strict=False))) or name,
        "evidence": evidence,
    }


def completed(rows: pd.DataFrame) -> pd.DataFrame:
    """`claims.csv` as it was judged, or read again; a table of release 0.1 gets the columns that it lacks."""
    rows = with_places(rows)
    lacking = {"cap": "", "distinct": rows["contrast"]}
    rows = rows.assign(**{name: values for name, values in lacking.items() if name not in rows})
    return rows.astype({"cap": object}).fillna({"cap": ""})


def distinct(rows: pd.DataFrame, besides: pd.DataFrame) -> pd.DataFrame:
    """One row for each distinct piece of evidence, in order: of rows that repeat one another, the least favourable.

    Rows that hold by construction, and those that repeat a row of besides, are left out.
    """
    known = pd.MultiIndex.from_frame(besides[["id", "distinct"]])
    rows = rows[(rows["verdict"] != BY_CONSTRUCTION) & ~pd.MultiIndex.from_frame(rows[["id", "distinct"]]).isin(known)]
    order = rows["verdict"].map(OUTCOMES).map(WORST_FIRST.index).sort_values(kind="stable")
    return rows.loc[order.index].drop_duplicates(["id", "distinct", "protocol", "dataset"]).sort_index()
