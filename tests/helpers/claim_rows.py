"""Made-up rows of `claims.csv`."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from helpers.judging import setting
from symmetry_constrained.verdicts.claims import Claim
from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.rules import Rule
from symmetry_constrained.verdicts.settings import COLUMNS
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, claim_row, with_holm

STATED = [
    Claim("C1", "2.2", "A theorem", "What a theorem says."),
    Claim("C2", "Table 1", "A measurement", "What was measured."),
    Claim("C3", "abstract", "A promise", "What was promised."),
]


SETTINGS = [
    setting("paper", "digits-published", protocol="published", paper=True),
    setting("no-leak", "digits-clean"),
    setting("talk", "mnist-published", "mnist", "published", paper=True),
    setting("mnist", "mnist-clean", "mnist"),
]
NAMES = {(one.dataset, one.protocol): one.name for one in SETTINGS}
ROW = {"protocol": "published", "dataset": "digits", "evidence": "tables/networks.csv where features=square"}


def row(id_="C2", contrast="left − right", effect=0.3, low=0.2, high=0.4, kind="published contrast", n=20, **changes):
    """A row of `claims.csv`, judged by the library's rules."""
    given = ROW | {"direction": "above", "margin": 0.02, "of": "networks", "unit": "accuracy"} | changes
    prediction = given.pop("prediction", (effect - 0.3, effect + 0.3) if n > 1 else (np.nan, np.nan))
    given.setdefault("setting", NAMES.get((given["dataset"], given["protocol"]), ""))
    title = next(claim.title for claim in STATED if claim.id == id_)
    names = ("of", "direction", "margin", "unit", "headline", "by_construction", "distinct")
    rule = Rule(id_, title, "2.2", contrast, kind, **{name: given.pop(name) for name in names if name in given})
    return claim_row(rule, Contrast(effect, low, high, low, high, *prediction, n=n), **given)


def theorem(effect=0.0, n=12_000, **changes):
    zero = {"direction": "zero", "margin": 1e-9, "unit": "largest violation", "protocol": "", "dataset": ""}
    return row("C1", "a property", effect, np.nan, np.nan, "mathematical", n, **zero | changes)


def ratio(effect=3.0, low=2.0, high=5.0, contrast="this ÷ that", **changes):
    given = {"of": "images", "unit": "ratio", "margin": 1.1, "protocol": "clean", "prediction": (np.nan, np.nan)}
    return row("C3", contrast, effect, low, high, "new test", **given | changes)


def not_run(id_="C3"):
    return row(id_, "nothing", np.nan, np.nan, np.nan, "new test", 0, protocol="", dataset="", evidence="not run")


def places(settings=SETTINGS):
    """`settings.csv`: in each setting twenty networks, half of which converged."""
    rows = [asdict(one) | {"setting": one.name, "images": 1000, "networks": 20, "converged": 0.5} for one in settings]
    return pd.DataFrame(rows, columns=COLUMNS)


def table(*rows):
    """`claims.csv`, the first contrast of each claim its headline."""
    made = pd.DataFrame(rows, columns=CLAIM_COLUMNS)
    first = made["contrast"] == made.groupby("id")["contrast"].transform("first")
    return with_holm(made.assign(headline=made["headline"].astype(bool) | first))


FULL = [
    theorem(),
    row(published=0.35),
    row(effect=0.01, low=-0.05, high=0.07, protocol="clean", published=0.35),
    row(contrast="further", effect=0.1, low=0.01, high=0.19),
    ratio(),
    ratio(effect=np.inf, low=1.5, high=np.inf, dataset="mnist", n=3),
]
