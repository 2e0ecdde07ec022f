"""What the pages say in words: claims as they are stated, each claim's sentences, the findings in their order."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import claims, paragraphs, verdicts
from symmetry_constrained.audit.checks import Check, close, equal, guarded
from symmetry_constrained.audit.figures import FINDINGS, title_of
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.verdicts import PAGE, blocks

STATED, NEEDED = "claims as they are stated", "pairs that would decide"
SAID, FOUND = "each claim's paragraph", "findings in their order"


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
    parts = [blocks(part) for part in re.split(r"^## ", text, flags=re.MULTILINE)]
    sections = {part[0].partition(".")[0]: [block for block in part if not block.startswith("|")] for part in parts}
    for id_, claim in stated.items():
        heading, statement, *told = [*sections.get(id_, []), "", ""]
        due = f"{id_}. {claim['title']} / {' '.join(claim['statement'].split())} (Where: {claim['section']}.)"
        yield equal(STATED, where, due, f"{heading} / {statement}")
        yield equal(SAID, where, paragraphs.of_claim(rows[rows["id"] == id_]), " / ".join(told[:-2]))


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


def _check_findings(results: Results) -> Iterator[Check]:
    lines = [line[2:] for line in results.text(FINDINGS).splitlines() if line.startswith("- ")]
    yield equal(FOUND, results.blame(FINDINGS, CONFIG), findings(results), lines)


def findings(results: Results) -> list[str]:
    """The titles of the figures that the opening page is about, in order, and nothing else."""
    config = results.config
    first = config["studies"][config["figures"]["curves"][0]]["dataset"]
    stems = ["settings", "verdicts", "table1", "table2", f"sides-{first}", "images-needed", f"cost-{first}", "budget"]
    return [title_of(results, f"figures/{stem}.png") for stem in stems if results.exists(f"figures/{stem}.png")]
