"""What the pages say in words: claims as they are stated, each claim's sentences, the findings in their order."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import claims, verdicts
from symmetry_constrained.audit.checks import Check, close, equal, guarded
from symmetry_constrained.audit.figures import FINDINGS, title_of
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.verdicts import PAGE, number

STATED, NEEDED = "claims as they are stated", "pairs that would decide"
SAID, FOUND = "numbers and verdicts in sentences", "findings in their order"
WORDS = ("replicated", "supported", "refuted", "reversed", "equivalent", "inconclusive", "too few", "not in the paper")
# Numbers in a text as pages write them; a minus of their own, and parts of words and of names left out.
NUMBER = re.compile(r"(?<![\w.,−-])−?(?:\d[\d,]*(?:\.\d+)?(?:e[−+]?\d+)?|∞)(?![\w])")


def check(results: Results) -> Iterator[Check]:
    if results.belongs(claims.TABLE):
        yield from guarded(STATED, results.blame(claims.TABLE, PAGE), _check(results))
    if results.belongs(FINDINGS):
        yield from guarded(FOUND, results.blame(FINDINGS, CONFIG), _check_findings(results))


def _check(results: Results) -> Iterator[Check]:
    rows = claims.read(results)
    stated = {one["id"]: one for one in results.yaml(results.locate(claims.STATED))["claims"]}
    for name in ("title", "section"):
        seen = zip(rows["id"], rows[name].astype(str), strict=True)
        odd = [id_ for id_, text in seen if text != str(stated.get(id_, {}).get(name))]
        found = f"{odd[0]}: {len(odd)} differ" if odd else "so"
        yield Check(STATED, results.blame(claims.TABLE), f"{name}s of the claims", found, not odd)
    expected = rows.apply(needed, axis=1).to_numpy(dtype=float)
    yield close(NEEDED, results.blame(claims.TABLE), "needed", expected, rows["needed"], 1.0)
    text = results.text(PAGE)
    where = results.blame(PAGE, claims.TABLE)
    parts = [part.splitlines() for part in re.split(r"^## ", text, flags=re.MULTILINE)]
    sections = {lines[0].partition(".")[0]: [line for line in lines if line and line[0] != "|"] for lines in parts}
    for id_, claim in stated.items():
        heading, statement, *told = [*sections.get(id_, []), "", ""]
        due = f"{id_}. {claim['title']} / {' '.join(claim['statement'].split())} (Where: {claim['section']}.)"
        yield equal(STATED, where, due, f"{heading} / {statement}")
        yield _check_said(where, id_, rows[rows["id"] == id_], " ".join(told))


def needed(row: pd.Series) -> float:
    """How many more pairs would bring the interval's ends over the lines, each end at 1 / √n of its distance."""
    effect, margin, line = row["effect"], row["margin"], verdicts._line(row)
    if not row["verdict"].endswith("inconclusive") or row["n"] < 2 or row[["effect", "low", "high"]].isna().any():
        return np.nan
    ends = [(row["low"] if effect > line else row["high"], line)]
    if row["kind"] != "new test" and row["published"] > line and row["direction"] == "above":
        if effect < -margin:
            ends = [(row["high"], -margin)]
        elif effect < margin:
            ends = [(row["low90"], -margin), (row["high90"], margin)]
    times = []
    for values in ((effect, *end) for end in ends):
        with np.errstate(divide="ignore", invalid="ignore"):
            middle, end, at = np.log(values) if row["unit"] == "ratio" else np.array(values, dtype=float)
        if not np.isfinite([middle, end, at]).all():
            return np.nan
        times.append(((end - middle) / (at - middle)) ** 2 - 1 if at != middle else np.inf)
    return float(max(1.0, np.ceil(row["n"] * max(times))))


def _check_said(where: str, id_: str, own: pd.DataFrame, told: str) -> Check:
    """Every number in a claim's sentences is one of its rows, and every verdict as well."""
    settings = own["setting"].dropna().astype(str) if "setting" in own else []
    for name in sorted({*own["contrast"], *own["cap"], *settings}, key=len, reverse=True):
        # Names hold numbers of their own.
        for text in {name, name[:1].upper() + name[1:]}:
            told = told.replace(text, " ") if text else told
    known = {str(count) for count in range(len(own) + 1)} | {"20", "10"}
    known |= {f"{value:,.0f}" for value in [*own["n"], *own["needed"]] if np.isfinite(value)}
    for name in ("effect", "low", "high", "published", "prediction_low", "prediction_high"):
        known |= {number(value) for value in own[name].astype(float)}
    odd = [text for text in NUMBER.findall(told) if text.strip(",") not in known]
    verdicts_ = " ".join(own["verdict"])
    odd += [word for word in WORDS if word in told and word not in verdicts_]
    return Check(SAID, where, f"{id_}: only what its rows say", f"says {odd[0]}" if odd else "so", not odd)


def _check_findings(results: Results) -> Iterator[Check]:
    """The titles of the figures that the opening page is about, in order, and nothing else."""
    config = results.config
    first = config["studies"][config["figures"]["curves"][0]]["dataset"]
    stems = ["settings", "verdicts", "table1", "table2", f"sides-{first}", "images-needed", f"cost-{first}", "budget"]
    due = [title_of(results, f"figures/{stem}.png") for stem in stems if results.exists(f"figures/{stem}.png")]
    lines = [line[2:] for line in results.text(FINDINGS).splitlines() if line.startswith("- ")]
    yield equal(FOUND, results.blame(FINDINGS, CONFIG), due, lines)
