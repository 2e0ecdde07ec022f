"""The page of verdicts: a table, and two or three sentences per claim, all from the rows of `claims.csv`."""

import numpy as np
import pandas as pd

from symmetry_constrained.verdicts.claims import Claim
from symmetry_constrained.verdicts.paper_tables import markdown
from symmetry_constrained.verdicts.rules import FEWEST_NETWORKS, FEWEST_UNITS, OUTCOMES, RELEASE_0_1
from symmetry_constrained.verdicts.table import by_interval, completed, distinct, headlines, main_rows

SQUARES = {"holds": "🟦", "open": "⬜", "fails": "🟧", "contrary": "🟥", "not counted": "◽"}
MARKS = {verdict: SQUARES[outcome] for verdict, outcome in OUTCOMES.items()}
INTRODUCTION = """\
# Verdicts

Every claim of the paper, judged by contrasts and rules that were fixed before the runs
(`workflow/resources/claims.yaml`). Headlines are the contrasts by which a reader judges a
claim; it holds if all of them do. An effect is a mean over networks
paired by split and seed, with a 95 % t interval that counts splits as independent units, or networks where there is
one split. It must clear {margins}.
*Published* is the paper's own effect, one pair of networks; it is compared with where one more pair would fall. Where
it does not show the claim, ours is judged as a new test (`not in the paper`), or, if both go against the claim,
`reversed, as published`. A *new test* (`supported`, `not supported`) is of what the paper claims and never measured.
Fewer than {networks} pairs of trained networks, or {units} units of an experiment on theory, get no verdict
(`too few`). What holds `by construction` counts nowhere, and rows that repeat one another count as one, the least
favourable.
"""
OF_RELEASE_0_1 = "These rows were judged by the rules of release 0.1, whose words they keep."
OURS = {"supported": "do", "not supported": "do not either", "inconclusive": "leave it open"}


def page(rows: pd.DataFrame, stated: list[Claim]) -> str:
    """`verdicts.md`. rows: of `judgement.judge`, or `claims.csv` read again."""
    rows = completed(rows)
    introduction = INTRODUCTION.format(margins=margins(rows), networks=FEWEST_NETWORKS, units=FEWEST_UNITS)
    old = [OF_RELEASE_0_1, ""] if rows["verdict"].isin(RELEASE_0_1).any() else []
    parts = [introduction, *old, leak(rows), "", many(rows), "", markdown(overview(rows, stated))]
    for claim in stated:
        own = rows[rows["id"] == claim.id]
        statement = f"{claim.statement} (Where: {claim.section}.)"
        outcome = " ".join(sentences(own))
        parts += [f"## {claim.id}. {claim.title}", "", statement, "", outcome, "", markdown(contrast_table(own))]
    return "\n".join(parts)


def margins(rows: pd.DataFrame) -> str:
    """What accuracies and ratios are compared with, in words: a margin of 0.02 in accuracy, or a factor 1.1."""
    compared = rows[rows["direction"].isin(["above", "at least"])]
    texts = []
    for unit, text in (("accuracy", "a margin of {} in accuracy"), ("ratio", "a factor {}")):
        values = sorted(set(compared.loc[compared["unit"] == unit, "margin"]))
        if values:
            texts.append(text.format(" or ".join(f"{value:g}" for value in values)))
    return ", or ".join(texts) or "no margin"


def many(rows: pd.DataFrame) -> str:
    """What the number of contrasts means for their verdicts: Holm's correction, and the false ones to expect."""
    heads = main_rows(rows)
    tested, decided = heads[heads["p_holm"].notna()], heads["verdict"].map(OUTCOMES) != "open"
    known = tested[decided[tested.index]]
    lost = known[known["p_holm"] >= 0.05]
    named = ", ".join(f"{row['id']}, {row['contrast']}" for _, row in lost.iterrows())
    count = len(distinct(rows[by_interval(rows)], rows.iloc[:0]))
    return (
        f"**Many contrasts.** Of the {len(tested)} headlines with a p-value, {len(known)} are decided; after Holm's "
        f"correction over all {len(tested)}, {len(known) - len(lost)} still are at 5 %"
        f"{f' (not: {named})' if named else ''}. Of the {count} distinct results that rest on a 95 % interval, "
        f"{0.05 * count:.1f} intervals are expected to miss their effect, and so many verdicts at most to be false by "
        "chance."
    )


def overview(rows: pd.DataFrame, stated: list[Claim]) -> pd.DataFrame:
    """A row per headline contrast: its verdict under both protocols."""
    shown = []
    for claim in stated:
        own = rows[rows["id"] == claim.id]
        for _, main in main_rows(own).iterrows():
            same = (own["contrast"] == main["contrast"]) & (own["dataset"] == main["dataset"])
            clean = own[same & (own["protocol"] == "clean")]
            shown.append(
                {
                    "claim": claim.id,
                    "the paper": main["title"],
                    "verdict": f"{MARKS[main['verdict']]} {main['verdict']}",
                    "without the leak": (
                        clean["verdict"].iloc[0] if len(clean) and main["protocol"] == "published" else ""
                    ),
                    "headline contrast": main["contrast"],
                    "effect": effect(main),
                    "published": number(main["published"]),
                    "N": main["n"],
                }
            )
    return pd.DataFrame(shown)


def brief(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per headline contrast for a terminal. rows: `claims.csv`."""
    mains = [row for _, row in main_rows(completed(rows)).iterrows()]
    return pd.DataFrame(
        {
            "claim": [f"{row['id']:<4}{row['title']}" for row in mains],
            "verdict": [row["verdict"] for row in mains],
            "headline contrast": [row["contrast"] for row in mains],
            "effect": [effect(row) for row in mains],
            "published": [number(row["published"]) for row in mains],
            "N": [row["n"] for row in mains],
        }
    )


def contrast_table(own: pd.DataFrame) -> pd.DataFrame:
    """A row per contrast of a claim, with the evidence for it."""
    return pd.DataFrame(
        {
            "contrast": own["contrast"],
            "dataset, protocol": [
                ", ".join(filter(None, pair)) for pair in zip(own["dataset"], own["protocol"], strict=True)
            ],
            "effect": [effect(row) for _, row in own.iterrows()],
            "published": [number(value) for value in own["published"]],
            "N": own["n"],
            "verdict": [f"{MARKS[row['verdict']]} {row['verdict']}{_more(row)}" for _, row in own.iterrows()],
            "evidence": [f"`{text}`" for text in own["evidence"]],
        }
    )


def _more(row: pd.Series) -> str:
    """How many more pairs would decide an inconclusive contrast."""
    if not (row["verdict"].endswith("inconclusive") and np.isfinite(row["needed"])):
        return ""
    return f" ({row['needed']:,.0f} more pairs would decide)"


def sentences(own: pd.DataFrame) -> list[str]:
    """The outcome for one claim: a sentence per headline contrast, where else it was judged, and the further rows."""
    heads, said = headlines(own), []
    for _, first in heads.groupby("contrast", sort=False):
        said.append(_main_sentence(first.iloc[0]))
        also = []
        for _, row in first.iloc[1:].iterrows():
            where = ", ".join(filter(None, (row["dataset"], row["protocol"] and f"{row['protocol']} protocol")))
            also.append(f"{where}: {effect(row)}, {row['verdict']}")
        if also:
            said.append(f"Elsewhere: {'; '.join(also)}.")
    others = distinct(own.drop(heads.index), heads)
    if len(others):
        counts = others["verdict"].value_counts(sort=False)
        total = ", ".join(f"{count} {name}" for name, count in counts.items())
        more = others[others["verdict"].str.endswith("inconclusive")]["needed"]
        more = more[np.isfinite(more)]
        span = " to ".join(dict.fromkeys(f"{count:,.0f}" for count in (more.min(), more.max())))
        open_ = f" (to decide the open ones: {span} more pairs)" if len(more) else ""
        said.append(f"Of {len(others)} further rows: {total}{open_}.")
    return said


def _main_sentence(row: pd.Series) -> str:
    if row["n"] == 0:
        return "Not run in this configuration."
    text = f"{_capital(row['contrast'])}: {effect(row)}, N = {row['n']:,}"
    text += f"{_beside(row)}: {row['verdict']}"
    if row["verdict"].endswith("inconclusive"):
        text += _needs(row)
    if row["verdict"].startswith("too few"):
        text += f", below {FEWEST_NETWORKS if row['verdict'].endswith('networks') else FEWEST_UNITS}"
    return f"{text}."


def _beside(row: pd.Series) -> str:
    """What the paper's own effect says beside ours."""
    if row["verdict"].startswith("not in the paper"):
        ours = OURS[row["verdict"].partition(", ")[2]]
        return f"; the paper's own {number(row['published'])} does not show it, and our networks {ours}"
    if pd.isna(row[["published", "prediction_low", "prediction_high"]]).any():
        return ""
    against = ", goes against the claim as well, and" if row["verdict"] == "reversed, as published" else ""
    inside = row["prediction_low"] <= row["published"] <= row["prediction_high"]
    return (
        f"; the paper's {number(row['published'])}{against} lies {'where' if inside else 'outside of where'} one more "
        f"pair falls ({number(row['prediction_low'])} to {number(row['prediction_high'])})"
    )


def _needs(row: pd.Series) -> str:
    more = row["needed"]
    if row["n"] == 1:
        return ", since one pair has no interval"
    if np.isnan(row["effect"]):
        return ", since the networks do not get to where it could be read"
    if np.isnan(more):
        return ", and an interval without an end can't say how many more pairs would decide"
    if np.isinf(more):
        return ", and no number of pairs would decide an effect that lies on the line"
    return f", and about {more:,.0f} more pairs would decide"


def leak(rows: pd.DataFrame) -> str:
    """Whether the paper's leak matters: the same contrasts under both protocols."""
    keys = ["id", "contrast", "dataset"]
    compared = rows[rows["kind"] == "published contrast"]
    sides = [compared[compared["protocol"] == name].set_index(keys) for name in ("published", "clean")]
    both = sides[0].join(sides[1][["effect", "verdict"]].add_suffix("_clean"), how="inner")
    if both.empty:
        return "Nothing was judged under both protocols, so this run can't say whether the paper's leak matters."
    change = (both["effect_clean"] - both["effect"]).abs()
    family = {name: "replicated" if name.startswith("replicated") else name for name in MARKS}
    same = both["verdict"].map(family) == both["verdict_clean"].map(family)
    at = change.idxmax()
    text = (
        f"**Does the leak matter?** Of {len(both)} published contrasts judged under both protocols, {int(same.sum())} "
        f"have the same verdict without the leak; effects move by {change.median():.3f} (median), at most by "
        f"{change.max():.3f} ({at[0]} on {at[2]}, {at[1]})."
    )
    changed = [
        f"{id_} on {dataset}, {contrast}: {row['verdict']} → {row['verdict_clean']}"
        for (id_, contrast, dataset), row in both[~same].iterrows()
    ]
    return f"{text} Changed: {'; '.join(changed)}." if changed else text


def effect(row: pd.Series) -> str:
    """An effect and its interval; words where the networks' budget ends before a cost is known."""
    if row["n"] == 0:
        return "–"
    if row["direction"] == "zero":
        return f"largest violation {number(row['effect'])}"
    known = not np.isnan(row["low"])
    if row["cap"] and np.isinf(row["effect"]):
        return f"not within {row['cap']}" + (f"; at least {number(row['low'])}" if known else "")
    if row["cap"] and row["effect"] == 0:
        return f"divisor not within {row['cap']}" + (f"; at most {number(row['high'])}" if known else "")
    if not known:
        return number(row["effect"])
    high = "no upper end" if row["cap"] and np.isinf(row["high"]) else number(row["high"])
    return f"{number(row['effect'])} [{number(row['low'])}, {high}]"


def number(value: float) -> str:
    """Three decimals; large and small ones with two digits; – for nan, ∞ for inf."""
    if pd.isna(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    text = f"{value:.3f}" if 1e-3 <= abs(value) < 100 else f"{value:.1e}" if abs(value) < 1e-3 else f"{value:,.0f}"
    return text.replace("-", "−")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
