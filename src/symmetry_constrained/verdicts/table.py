"""Rows of `claims.csv`: a contrast with its verdict."""

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import statistics
from symmetry_constrained.verdicts.claims import with_places
from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.rules import BY_CONSTRUCTION, OUTCOMES, Rule, needed, verdict

CLAIM_COLUMNS = [
    "id",
    "title",
    "contrast",
    "section",
    "setting",
    "protocol",
    "dataset",
    "kind",
    "direction",
    "margin",
    "unit",
]
CLAIM_COLUMNS += ["effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high", "published", "n"]
CLAIM_COLUMNS += ["cap", "verdict", "needed", "headline", "p_holm", "distinct", "evidence"]
DEGREES = 9  # of freedom, of ten splits: the fewest that an interval of networks or of an experiment has
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
    setting: str = "",
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
        "setting": setting,
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
        "headline": rule.headline,
        "p_holm": np.nan,  # known once all are judged
        "distinct": shared.format(**dict(zip(rule.by, at, strict=False))) or name,
        "evidence": evidence,
    }


def completed(rows: pd.DataFrame) -> pd.DataFrame:
    """`claims.csv` as it was judged, or read again."""
    return with_places(rows).astype({"cap": object, "setting": object}).fillna({"cap": "", "setting": ""})


def distinct(rows: pd.DataFrame, besides: pd.DataFrame) -> pd.DataFrame:
    """One row for each distinct piece of evidence, in order: of rows that repeat one another, the least favourable.

    Rows that hold by construction, and those that repeat a row of besides, are left out.
    """
    known = pd.MultiIndex.from_frame(besides[["id", "distinct"]])
    rows = rows[(rows["verdict"] != BY_CONSTRUCTION) & ~pd.MultiIndex.from_frame(rows[["id", "distinct"]]).isin(known)]
    order = rows["verdict"].map(OUTCOMES).map(WORST_FIRST.index).sort_values(kind="stable")
    return rows.loc[order.index].drop_duplicates(["id", "distinct", "setting", "protocol", "dataset"]).sort_index()


def headlines(rows: pd.DataFrame) -> pd.DataFrame:
    """The headline rows, contrast by contrast; of each contrast in the order of the settings, the paper's first."""
    parts = [own for _, own in rows[rows["headline"]].groupby(["id", "contrast"], sort=False)]
    return pd.concat(parts) if parts else rows.iloc[:0]


def main_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each headline contrast the first row, which the overview shows."""
    return headlines(rows).drop_duplicates(["id", "contrast"])


def standing(own: pd.DataFrame) -> str:
    """The outcome of a claim: the least favourable of its headlines."""
    return min(main_rows(own)["verdict"].map(OUTCOMES), key=WORST_FIRST.index)


def with_holm(rows: pd.DataFrame) -> pd.DataFrame:
    """p_holm of each headline in the overview that is judged by an interval: Holm's adjustment over all of them."""
    p = p_values(rows)
    return rows.assign(p_holm=pd.Series(statistics.holm(p.to_numpy()), p.index).reindex(rows.index))


def p_values(rows: pd.DataFrame) -> pd.Series:
    """p of each headline in the overview that is judged by an interval, by its label in the rows.

    p is two-sided, of an effect on the line that the claim draws, by Student's t with DEGREES degrees of freedom from
    the end of the 95 % interval on the line's side, so that p < 0.05 where that end has crossed it; a ratio on a
    logarithmic scale. A ratio known only by a bound has none.
    """
    return pd.Series({at: _p(row) for at, row in main_rows(rows).iterrows()}, dtype=float).dropna()


def by_interval(rows: pd.DataFrame) -> pd.Series:
    """Whether the verdict of each row rests on an interval."""
    without = rows["verdict"].str.startswith(("too few", BY_CONSTRUCTION))
    return ~without & rows[["effect", "low", "high"]].notna().all(axis=1)


def _p(row: pd.Series) -> float:
    line = row["margin"]
    if row["direction"] == "at least":
        line = 1 / line if row["unit"] == "ratio" else -line
    values = np.array([row["effect"], line, row["low"] if row["effect"] > line else row["high"]], dtype=float)
    if row["unit"] == "ratio":
        values = np.log(values, out=np.full(3, np.nan), where=values > 0)
    if not by_interval(row.to_frame().T).item() or not np.isfinite(values).all():
        return np.nan
    effect, at, end = values
    return float(statistics.p_value(effect - at, end - effect, DEGREES))
