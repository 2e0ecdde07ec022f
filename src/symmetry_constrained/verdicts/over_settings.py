"""Where does a claim hold? Its verdict in every setting, and one word over all of them."""

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from symmetry_constrained.verdicts.rules import OUTCOMES
from symmetry_constrained.verdicts.settings import ATTRIBUTES
from symmetry_constrained.verdicts.table import WORST_FIRST, completed, main_rows

FEWEST = 3  # decided settings for a word other than open
THROUGHOUT, PAPERS, MIXED, FAILS, OPEN = (
    "holds throughout",
    "holds in the paper's setting only",
    "mixed",
    "fails",
    "open",
)
WORDS = (THROUGHOUT, PAPERS, MIXED, FAILS, OPEN)
# Of a claim on theory, which has no settings.
THEORY = {"holds": "holds", "open": OPEN, "fails": FAILS, "contrary": FAILS}
COLUMNS = ["id", "title", "over_settings", "holds", "fails", "open", "depends_on"]


def by_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """The headline that decides each claim in each setting: the least favourable one, and of equals the first.

    rows: `claims.csv`. Adds `outcome`: holds, open, fails, or contrary where the opposite holds.
    """
    heads = completed(rows)
    heads = heads[heads["headline"] & (heads["setting"] != "")]
    heads = heads.assign(outcome=heads["verdict"].map(OUTCOMES))
    order = heads["outcome"].map(WORST_FIRST.index).sort_values(kind="stable")
    return heads.loc[order.index].drop_duplicates(["id", "setting"]).sort_index()


def over_settings(rows: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """A row per claim: one word over the settings that decide it, at least three, and which these are.

    rows: `claims.csv`; settings: `settings.csv`. All hold: `holds throughout`. Just the paper's: `holds in the paper's
    setting only`. Some: `mixed`, with the attributes of settings that tell which. None: `fails`. With fewer than three
    decided: `open`.
    A claim on theory has no settings: it `holds`, `fails` or is `open`. holds, fails, open: names of settings.
    """
    rows = completed(rows)
    decided_by, found = by_setting(rows), []
    order = settings["setting"].tolist()
    for id_, own in rows.groupby("id", sort=False):
        judged = decided_by[decided_by["id"] == id_].set_index("setting")["outcome"]
        judged = judged.replace("contrary", "fails").reindex([name for name in order if name in judged.index])
        row = {"id": id_, "title": own["title"].iloc[0], "depends_on": ""}
        row |= {name: ", ".join(judged.index[judged == name]) for name in ("holds", "fails", "open")}
        if judged.empty:
            worst = min(main_rows(own)["verdict"].map(OUTCOMES), key=WORST_FIRST.index)
            row["over_settings"] = THEORY[worst]
        else:
            row["over_settings"] = _word(judged, settings)
        if row["over_settings"] in (MIXED, PAPERS):
            row["depends_on"] = depends_on(judged, settings)
        found.append(row)
    return pd.DataFrame(found, columns=COLUMNS)


def _word(judged: pd.Series, settings: pd.DataFrame) -> str:
    decided = judged[judged != "open"]
    if len(decided) < FEWEST:
        return OPEN
    holding = set(decided.index[decided == "holds"])
    if len(holding) == len(decided):
        return THROUGHOUT
    if not holding:
        return FAILS
    papers = set(settings.loc[settings["paper"], "setting"]) & set(decided.index)
    return PAPERS if holding == papers else MIXED


def depends_on(judged: pd.Series, settings: pd.DataFrame) -> str:
    """The fewest attributes by whose values settings that hold differ from those that fail, in words.

    judged: outcome by setting. Where several attributes tell the two apart, as one study differs from another in more
    than one, all are named. If not even two of them together do, so many words say so.
    """
    decided = judged[judged != "open"]
    table = settings.set_index("setting").loc[decided.index, list(ATTRIBUTES)].astype(str)
    for size in (1, 2):
        telling = [names for names in combinations(ATTRIBUTES, size) if _tells(table[list(names)], decided)]
        if telling:
            return "; or ".join(_split(table[list(names)], decided) for names in telling)
    return "no two attributes of the settings tell where it holds"


def _tells(values: pd.DataFrame, decided: pd.Series) -> bool:
    return bool((decided.groupby([values[name] for name in values]).nunique() == 1).all())


def _split(values: pd.DataFrame, decided: pd.Series) -> str:
    """`budget: holds with 200 evaluations, not with 2,000 iterations`"""
    texts = values.agg(" and ".join, axis=1)
    holds, fails = (", ".join(dict.fromkeys(texts[decided == name])) for name in ("holds", "fails"))
    what = " and ".join(name.replace("_", " ") for name in values)
    return f"{what}: holds with {holds}, not with {fails}"


def of_each(rows: pd.DataFrame, settings: pd.DataFrame) -> list[str]:
    """A sentence or two per claim about trained networks: in which settings it holds, by how much, and what it depends
    on. rows: `claims.csv`; settings: `settings.csv`.
    """
    table, cells, said = over_settings(rows, settings), by_setting(rows), []
    for _, claim in table[table[["holds", "fails", "open"]].ne("").any(axis=1)].iterrows():
        own = cells[cells["id"] == claim["id"]]
        decided = int((own["outcome"] != "open").sum())
        parts = []
        for verb, outcomes in (("holds", ["holds"]), ("fails", ["fails", "contrary"]), ("is open", ["open"])):
            some = own[own["outcome"].isin(outcomes)]
            if len(some):
                amount = "" if verb == "is open" else _span(some)
                parts.append(f"{verb} in {listed(some['setting'].tolist())}{amount}")
        text = f"**{claim['id']}. {claim['title']}: {claim['over_settings']}.** It {'; '.join(parts)}."
        if claim["over_settings"] == OPEN and decided < FEWEST:
            text += f" Only {decided} of {len(own)} settings decide, and {FEWEST} are needed."
        said.append(f"{text} What it depends on: {claim['depends_on']}." if claim["depends_on"] else text)
    return said


def _span(rows: pd.DataFrame) -> str:
    """From the smallest to the largest effect of rows: `(a difference of 0.10 to 0.24)`."""
    if rows["unit"].nunique() > 1:
        return ""
    ends = [f"{value:.2f}".replace("-", "−") for value in (rows["effect"].min(), rows["effect"].max())]
    what = "a factor of" if rows["unit"].iloc[0] == "ratio" else "a difference of"
    return f" ({what} {' to '.join(dict.fromkeys(ends))})"


def sentence(rows: pd.DataFrame, settings: pd.DataFrame) -> str:
    """How many claims hold, and where, in one sentence. rows: `claims.csv`; settings: `settings.csv`."""
    table = over_settings(rows, settings)
    in_settings = table[["holds", "fails", "open"]].ne("").any(axis=1)
    parts = list(_counted(table.loc[in_settings, "over_settings"], WORDS))
    text = f"Of the {in_settings.sum()} claims that were judged in {len(settings)} settings, {listed(parts)}"
    theory = list(_counted(table.loc[~in_settings, "over_settings"], ("holds", OPEN, FAILS)))
    return f"{text}; of the {(~in_settings).sum()} on theory, {listed(theory)}." if theory else f"{text}."


def _counted(words: pd.Series, order: tuple[str, ...]) -> Iterator[str]:
    """`3 hold throughout`"""
    verbs = {MIXED: ("is mixed", "are mixed"), OPEN: ("is open", "are open"), FAILS: ("fails", "fail")}
    for word in order:
        count = int((words == word).sum())
        if count:
            one, more = verbs.get(word, (word, word.replace("holds", "hold", 1)))
            yield f"{count} {one if count == 1 else more}"


def listed(parts: list[str]) -> str:
    """`a, b and c`"""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else "none is decided"
