"""What the verdict page says beside its tables, from the tables: on all claims above them, and on each claim."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import settings
from symmetry_constrained.audit.verdicts import effect, number, place, shown_first

BESIDE = {"supported": "do", "not supported": "do not either", "inconclusive": "leave it open"}
WORST_FIRST = ["contrary", "fails", "open", "holds"]
ONE_OF = ["id", "distinct", "setting", "protocol", "dataset"]
# One claim, and several.
PAPERS = "in the paper's setting only"
VERBS = {"holds throughout": ("holds throughout", "hold throughout"), "holds": ("holds", "hold")}
VERBS |= {"mixed": ("is mixed", "are mixed"), "open": ("is open", "are open"), "fails": ("fails", "fail")}
VERBS |= {f"holds {PAPERS}": (f"holds {PAPERS}", f"hold {PAPERS}")}
IN_SETTINGS = ("holds throughout", f"holds {PAPERS}", "mixed", "fails", "open")
ON_THEORY = ("holds", "open", "fails")


def margins(rows: pd.DataFrame) -> str:
    """What an effect must clear: every margin in accuracy, and every factor."""
    parts = []
    for unit, words, after in (("accuracy", "a margin of", " in accuracy"), ("ratio", "a factor", "")):
        of_unit = rows[(rows["unit"] == unit) & rows["direction"].isin(["above", "at least"])]
        values = [f"{value:g}" for value in sorted(of_unit["margin"].unique())]
        parts += [f"{words} {' or '.join(values)}{after}"] if values else []
    return ", or ".join(parts) or "no margin"


def over_settings(rows: pd.DataFrame, listed: pd.DataFrame) -> str:
    """How many claims hold over the settings, and how many of those on theory. rows, listed: claims and settings."""
    over = settings.over_settings(rows, listed)
    trained = (over["holds"] + over["fails"] + over["open"]) != ""
    found = [_counted(over.loc[trained, "over"], IN_SETTINGS), _counted(over.loc[~trained, "over"], ON_THEORY)]
    text = f"Of the {trained.sum()} claims that were judged in {len(listed)} settings, {found[0] or 'none is decided'}"
    return f"{text}; of the {(~trained).sum()} on theory, {found[1]}." if found[1] else f"{text}."


def _counted(words: pd.Series, order: tuple[str, ...]) -> str:
    counts = [(words.tolist().count(word), VERBS[word]) for word in order]
    *most, last = [f"{count} {verbs[count > 1]}" for count, verbs in counts if count] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def leak(table: pd.DataFrame) -> str:
    """Whether effects are others without the leak. table: leak.csv."""
    opening, table = "**Does the leak matter?** ", table[table["verdict"] != "too few networks"]
    if table.empty:
        return f"{opening}No contrast has enough networks both with and without the leak, so this run can't say."
    words = {"equivalent": "equal within the margin", "changes": "beyond it", "inconclusive": "open"}
    verdicts = table["verdict"].tolist()
    counts = [f"{verdicts.count(name)} {text}" for name, text in words.items() if name in verdicts]
    moved, (least, most) = table["change"].abs(), (f"{n:,}" for n in (table["n"].min(), table["n"].max()))
    largest = table.loc[moved.idxmax()]
    text = (
        f"{opening}Only {' and '.join(table['dataset'].unique())} can tell, since other datasets have no shifted "
        f"copies. The {len(table)} published contrasts that were judged there with and without the leak, at equal "
        f"splits and seeds (N = {least if least == most else f'{least} to {most}'}), are: {', '.join(counts)}. "
        f"Effects move by {moved.median():.3f} (median), at most by {moved.max():.3f} "
        f"({largest['id']}, {largest['contrast']})."
    )
    changed = [
        f"{row['id']}, {row['contrast']}: {row['effect']:.3f} with the leak, {row['effect_without']:.3f} without"
        for _, row in table[table["verdict"] == "changes"].iterrows()
    ]
    return (text + (f" Changed: {'; '.join(changed)}." if changed else "")).replace("-0.", "−0.")


def many(rows: pd.DataFrame) -> str:
    """How many headlines are decided after Holm's correction, and how many intervals are expected to miss."""
    heads = shown_first(rows)
    tested = heads[heads["p_holm"].notna()]
    known = tested[tested["verdict"].map(settings.outcome) != "open"]
    lost = [f"{row['id']}, {row['contrast']}" for _, row in known[known["p_holm"] >= 0.05].iterrows()]
    not_ = f" (not: {', '.join(lost)})" if lost else ""
    judged = ~rows["verdict"].str.startswith(("too few", "by construction"))
    count = len(rows[judged & rows[["effect", "low", "high"]].notna().all(axis=1)].drop_duplicates(ONE_OF))
    return (
        f"**Many contrasts.** Of the {len(tested)} headlines with a p-value, {len(known)} are decided; after Holm's "
        f"correction over all {len(tested)}, {len(known) - len(lost)} still are at 5 %{not_}. Of the {count} distinct "
        f"results that rest on a 95 % interval, {0.05 * count:.1f} intervals are expected to miss their effect, and so "
        "many verdicts at most to be false by chance."
    )


def of_claim(own: pd.DataFrame) -> str:
    """A claim's paragraph: each headline where it was judged first, and elsewhere; and the further rows."""
    return " ".join(_sentences(own))


def _sentences(own: pd.DataFrame) -> Iterator[str]:
    heads = own[own["headline"]]
    for contrast in heads["contrast"].unique():
        (_, first), *others = heads[heads["contrast"] == contrast].iterrows()
        yield _of_headline(first)
        if others:
            told = [f"{place(row)}: {effect(row)}, {row['verdict']}" for _, row in others]
            yield f"Elsewhere: {'; '.join(told)}."
    rows = further(own)
    if len(rows):
        verdicts = rows["verdict"].tolist()
        counts = [f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts)]
        needed = rows.loc[rows["verdict"].str.endswith("inconclusive"), "needed"]
        needed = needed[np.isfinite(needed)]
        ends = [f"{end:,.0f}" for end in (needed.min(), needed.max())]
        span = ends[0] if ends[0] == ends[1] else " to ".join(ends)
        open_ = f" (to decide the open ones: {span} more pairs)" if len(needed) else ""
        yield f"Of {len(rows)} further rows: {', '.join(counts)}{open_}."


def further(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that are no headline and repeat none; of those that repeat one another, the least favourable."""
    shown = set(rows.loc[rows["headline"], ["id", "distinct"]].itertuples(index=False, name=None))
    repeats = [pair in shown for pair in rows[["id", "distinct"]].itertuples(index=False, name=None)]
    rows = rows[~rows["headline"] & ~np.array(repeats, dtype=bool) & (rows["verdict"] != "by construction")]
    rank = rows["verdict"].map(lambda verdict: WORST_FIRST.index(settings.outcome(verdict))).astype(int)
    return rows.loc[rank.sort_values(kind="stable").index].drop_duplicates(ONE_OF).sort_index()


def _of_headline(row: pd.Series) -> str:
    if row["n"] == 0:
        return "Not run in this configuration."
    name, verdict = row["contrast"], row["verdict"]
    after = _open(row) if verdict.endswith("inconclusive") else ""
    after = {"too few networks": ", below 20", "too few units": ", below 10"}.get(verdict, after)
    return f"{name[:1].upper()}{name[1:]}: {effect(row)}, N = {row['n']:,}{_published(row)}: {verdict}{after}."


def _published(row: pd.Series) -> str:
    """The paper's own effect, and whether one more pair of ours could be it."""
    paper, verdict = number(row["published"]), row["verdict"]
    if verdict.startswith("not in the paper"):
        return f"; the paper's own {paper} does not show it, and our networks {BESIDE[verdict.split(', ')[1]]}"
    low, high = row["prediction_low"], row["prediction_high"]
    if np.isnan([row["published"], low, high]).any():
        return ""
    against = " goes against the claim as well, and" if verdict == "reversed, as published" else ""
    where = "where" if low <= row["published"] <= high else "outside of where"
    return f"; the paper's {paper}{against} lies {where} one more pair falls ({number(low)} to {number(high)})"


def _open(row: pd.Series) -> str:
    """What would decide it."""
    if row["n"] == 1:
        return ", since one pair has no interval"
    if np.isnan(row["effect"]):
        return ", since the networks do not get to where it could be read"
    if np.isnan(row["needed"]):
        return ", and an interval without an end can't say how many more pairs would decide"
    if np.isinf(row["needed"]):
        return ", and no number of pairs would decide an effect that lies on the line"
    return f", and about {row['needed']:,.0f} more pairs would decide"
