"""What a run found, in a few plain sentences, those against the paper among them."""

import pandas as pd

from symmetry_constrained.data import registry
from symmetry_constrained.verdicts.over_settings import FAILS, MIXED, OPEN, PAPERS, THROUGHOUT, listed, over_settings

# What training again with the author's seed gave, of one number and of more.
SAME_SEED = {
    "exact": ("matches to three decimals", "match to three decimals"),
    "within numerical chaos": (
        "is within the spread that rounding alone causes",
        "are within the spread that rounding alone causes",
    ),
    "not reproduced": ("does not come out", "do not come out"),
    "not judged": ("has too few reruns to tell", "have too few reruns to tell"),
}
TOO_FEW = "too few draws"
FEW = 3  # settings at most whose names are said


def published(numbers: pd.DataFrame) -> str:
    """How the published numbers compare with reruns from their seeds, and with many other networks.

    numbers: `published_numbers.csv`.
    """
    said = []
    for dataset, own in numbers.groupby("dataset", sort=False):
        counts = own["same_seed"].value_counts(sort=False)
        parts = [
            f"{counts[name]} {verbs[int(counts[name] > 1)]}" for name, verbs in SAME_SEED.items() if name in counts
        ]
        judged = own[own["typicality"] != TOO_FEW]
        n = " to ".join(dict.fromkeys(f"{value:,.0f}" for value in (own["n"].min(), own["n"].max())))
        typical = f"{(judged['typicality'] == 'typical').sum()} of {len(judged)} are typical of {n} networks of ours"
        said.append(
            f"Of the {len(own)} on {registry.written(dataset)}, trained again with the author's seeds, "
            f"{listed(parts)}; "
            f"{typical if len(judged) else f'{n} networks of ours are too few to say which are typical'}."
        )
    return f"**Published numbers.** {' '.join(said)}"


def by_word(rows: pd.DataFrame, settings: pd.DataFrame) -> list[str]:
    """Which claims hold throughout, which depend on the setting, and which fail or are open: a sentence for each.

    rows: `claims.csv`; settings: `settings.csv`. Claims on theory, which have no settings, are named where they fail
    or are open.
    """
    table = over_settings(rows, settings)
    words = {word: table[table["over_settings"] == word] for word in (THROUGHOUT, MIXED, PAPERS, FAILS, OPEN)}
    label = settings.set_index("setting")["label"]
    depends = [
        f"{claim['title']} ({claim['id']}) holds in {_counted(claim['holds'], label)} and fails in "
        f"{_counted(claim['fails'], label)}"
        for word in (MIXED, PAPERS)
        for _, claim in words[word].iterrows()
    ]
    return [
        f"**Holds throughout,** in every setting that decides: {_titles(words[THROUGHOUT])}.",
        f"**Depends on the setting:** {'; '.join(depends) or 'none'}.",
        f"**Fails:** {_titles(words[FAILS])}. **Open:** {_titles(words[OPEN])}.",
    ]


def _counted(names: str, label: pd.Series) -> str:
    """How many settings these are; which, as the map calls them, if few."""
    found = [label[name] for name in names.split(", ")]
    counted = f"{len(found)} setting{'s' if len(found) > 1 else ''}"
    return f"{counted} ({'; '.join(found)})" if len(found) <= FEW else counted


def _titles(claims: pd.DataFrame) -> str:
    return "; ".join(f"{title} ({id_})" for id_, title in zip(claims["id"], claims["title"], strict=True)) or "none"
