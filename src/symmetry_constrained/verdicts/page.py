"""The page of verdicts: a table, and two or three sentences per claim, all from the rows of `claims.csv`."""

import textwrap

import numpy as np
import pandas as pd

from symmetry_constrained.verdicts import costs, leak_text, over_settings
from symmetry_constrained.verdicts.claims import Claim
from symmetry_constrained.verdicts.paper_tables import COLUMNS, markdown
from symmetry_constrained.verdicts.rules import CAPPED, FEWEST_NETWORKS, FEWEST_UNITS, OUTCOMES
from symmetry_constrained.verdicts.settings import ATTRIBUTES
from symmetry_constrained.verdicts.table import by_interval, completed, distinct, headlines, main_rows, p_values

SQUARES = {"holds": "🟦", "open": "⬜", "fails": "🟧", "contrary": "🟥", "not counted": "◽"}
MARKS = {verdict: SQUARES[outcome] for verdict, outcome in OUTCOMES.items()}
INTRODUCTION = """\
# Verdicts

Every claim of the paper, judged by the contrasts and rules of `workflow/resources/claims.yaml`. An effect is a mean
over networks paired by split and seed, with a 95 % t interval that counts splits as independent units, or networks
where there is one split. It must clear {margins}.

*Headlines* are the contrasts by which a reader judges a claim; in a setting it is as the least favourable of them. A
*setting* is a study and hidden layers of it. Over the settings that decide a claim, at least {fewest}, it `holds
throughout`, `holds in the paper's setting only`, is `mixed`, or `fails`; otherwise it is `open`, and settings that
leave it undecided are listed beside.

*Published* is the paper's own effect, one pair of networks, which is compared in the paper's setting alone with where
one more pair would fall. Where it does not show the claim, ours is judged as a new test (`not in the paper`), or, if
both go against the claim, `reversed, as published`. A *new test* (`supported`, `not supported`) is of what the paper
claims and never measured. Fewer than {networks} pairs of trained networks, or {units} units of an experiment on theory,
get no verdict (`too few`). A ratio that one side leaves unknown because its budget ended is `not within the budget`,
which decides nothing. What holds `by construction`, by definition alone, counts nowhere, and *distinct* evidence counts
once: of rows that repeat one another, the least favourable.
"""
SETTINGS = """\
The settings, each with the most images that its study trains on; a network that used up its budget has not converged:
"""
HOLM = "p is of each contrast by itself: Holm's adjustment is over the headlines of all claims.\n"
OURS = {"supported": "do", "not supported": "do not either", "inconclusive": "leave it open"}


def page(
    rows: pd.DataFrame, stated: list[Claim], settings: pd.DataFrame, leaking: pd.DataFrame, each: pd.DataFrame
) -> str:
    """`verdicts.md`. rows: of `claims.csv`; settings.csv, leak.csv; each: what a claim costs, of `costs.read`."""
    rows = completed(rows)
    introduction = INTRODUCTION.format(
        margins=margins(rows), networks=FEWEST_NETWORKS, units=FEWEST_UNITS, fewest=over_settings.FEWEST
    )
    parts = [introduction, f"{over_settings.sentence(rows, settings)}\n", markdown(where_claims_hold(rows, settings))]
    parts += [SETTINGS, markdown(settings_table(settings)), leak_text.sentences(leaking), "", many(rows), ""]
    parts += [costs.section(each)]
    parts += ["## Headlines", "", markdown(overview(rows, stated))]
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
    corrected = (
        f"Of the {len(tested)} headlines with a p-value, {len(known)} are decided; after Holm's correction over all "
        f"{len(tested)}, {len(known) - len(lost)} still are at 5 %{f' (not: {named})' if named else ''}."
    )
    if tested.empty and len(p_values(rows)):
        corrected = HOLM.strip()
    return (
        f"**Many contrasts.** {corrected} Of the {count} distinct results that rest on a 95 % interval, "
        f"{0.05 * count:.1f} intervals are expected to miss their effect, and so many verdicts at most to be false by "
        "chance."
    )


def overview(rows: pd.DataFrame, stated: list[Claim]) -> pd.DataFrame:
    """A row per headline contrast, as it was judged first: in the paper's setting, if it was judged there."""
    shown = []
    for claim in stated:
        for _, main in main_rows(rows[rows["id"] == claim.id]).iterrows():
            shown.append(
                {
                    "claim": claim.id,
                    "the paper": main["title"],
                    "verdict": f"{MARKS[main['verdict']]} {main['verdict']}",
                    "setting": main["setting"],
                    "headline contrast": main["contrast"],
                    "effect": effect(main),
                    "published": number(main["published"]),
                    "N": main["n"],
                }
            )
    return pd.DataFrame(shown)


def where_claims_hold(rows: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """A row per claim: the word over the settings, and in which of them it holds, fails and is open."""
    table = over_settings.over_settings(rows, settings)
    names = {"id": "claim", "title": "the paper", "over_settings": "over the settings", "holds": "holds in"}
    names |= {"fails": "fails in", "open": "open in", "depends_on": "what it depends on"}
    return table.rename(columns=names)


def settings_table(settings: pd.DataFrame) -> pd.DataFrame:
    """What each setting is, as the page shows it."""
    names = {"hidden_layers": "hidden layers", "trained_on": "trained on", "networks": "N", "converged": "converged"}
    shown = settings[["setting", "study", *ATTRIBUTES, "images", "networks", "converged"]].rename(columns=names)
    shares = ["–" if pd.isna(share) else f"{share:.0%}" for share in settings["converged"]]
    return shown.assign(converged=shares)


def brief(rows: pd.DataFrame) -> str:
    """Each headline for a terminal: the claim and its verdict, and below them the contrast. rows: `claims.csv`."""
    mains, lines = main_rows(completed(rows)), []
    width = mains["title"].map(len).max()
    for _, row in mains.iterrows():
        published = "" if pd.isna(row["published"]) else f"; published {number(row['published'])}"
        found = f"{row['contrast']}: {effect(row)}{published}; N = {row['n']}"
        lines.append(f"{row['id']:<4} {row['title']:<{width}}  {row['verdict']}")
        lines += textwrap.wrap(found, COLUMNS, initial_indent=" " * 5, subsequent_indent=" " * 7)
    return "\n".join(lines) + "\n"


def contrast_table(own: pd.DataFrame) -> pd.DataFrame:
    """A row per contrast of a claim, with the evidence for it."""
    return pd.DataFrame(
        {
            "contrast": own["contrast"],
            "setting": [place(row) for _, row in own.iterrows()],
            "effect": [effect(row) for _, row in own.iterrows()],
            "published": [number(value) for value in own["published"]],
            "N": own["n"],
            "verdict": [f"{MARKS[row['verdict']]} {row['verdict']}{_more(row)}" for _, row in own.iterrows()],
            "evidence": [f"`{text}`" for text in own["evidence"]],
        }
    )


def place(row: pd.Series) -> str:
    """The setting of a row, or the dataset and protocol of an experiment on theory."""
    return row["setting"] or ", ".join(filter(None, (row["dataset"], row["protocol"])))


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
            also.append(f"{place(row)}: {effect(row)}, {row['verdict']}")
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
    against = " goes against the claim as well, and" if row["verdict"] == "reversed, as published" else ""
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


def effect(row: pd.Series) -> str:
    """An effect and its interval; words where the networks' budget ends before a cost is known."""
    if row["n"] == 0:
        return "–"
    if row["direction"] == "zero":
        return f"largest violation {number(row['effect'])}"
    known = not np.isnan(row["low"])
    if row["verdict"] == CAPPED and np.isnan(row["effect"]):
        return f"neither within {row['cap']}"
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
