"""The verdict page of made-up claims: as the library writes it the audit lets it pass, and any other word it finds."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.claim_rows import FULL, STATED, not_run, places, ratio, row, table, theorem

from symmetry_constrained.audit import paragraphs, prose, sentences, verdicts
from symmetry_constrained.audit.checks import guarded
from symmetry_constrained.audit.results import Results
from symmetry_constrained.verdicts import costs, leak, leak_text, over_settings
from symmetry_constrained.verdicts import page as verdict_page

ROOT = Path(__file__).parents[2]
NEAR = {"effect": 0.07, "low": 0.021, "high": 0.119}
AGAINST = {"effect": -0.3, "low": -0.4, "high": -0.2, "prediction": (-0.5, -0.1)}
OPEN = {"effect": 0.05, "low": -0.01, "high": 0.11}
CAP = {"cap": "201 evaluations", "of": "cost"}
PAGES = {
    "full": FULL,
    "nothing was run": [theorem(n=0, effect=np.nan, evidence="not run"), row(), not_run()],
    "open": [theorem(2.5e-15), row(**OPEN, n=1000), row(contrast="b", effect=0.02, low=-0.01, high=0.05)],
    "few": [theorem(), row(n=19, published=0.3), row(low=np.nan, high=np.nan, n=1, protocol="clean", published=0.35)],
    "published": [
        *(theorem(), row(published=0.9), row(contrast="|a|", headline=True, published=-0.087)),
        *(row(contrast="b", headline=True, published=value, **AGAINST) for value in (0.01, -0.2)),
        row(contrast="c", headline=True, published=0.3, effect=-0.2, low=-0.3, high=-0.1, protocol="clean"),
    ],
    "ratios": [
        *(theorem(), row(), ratio(np.inf, 3.4, np.inf, **CAP), ratio(0.0, 0.0, 0.5, "y", headline=True, **CAP)),
        *(ratio(np.nan, np.nan, np.nan, "z", headline=True, **CAP), ratio(1.2, 0.0, np.inf, "w", headline=True)),
        ratio(np.nan, np.nan, np.nan, "v", headline=True),
    ],
    "further": [
        *(
            theorem(),
            row(distinct="left"),
            row(contrast="left again", distinct="left"),
            row(contrast="a", by_construction=True),
        ),
        *(row(contrast=name, distinct="same") for name in ("same", "in seconds")),
        *(row(contrast="wide", **OPEN), row(contrast="near", headline=True, **NEAR), row(contrast="d", n=3)),
        row(contrast="wider", effect=0.05, low=-0.1, high=0.2, protocol="clean"),
    ],
}


def written(folder, rows):
    """A results folder with the page of these rows, and the tables that it is of."""
    (folder / "tables").mkdir(parents=True)
    (folder / "code/workflow/resources").mkdir(parents=True)
    rows = table(*rows, *([] if {one["id"] for one in rows} == {"C1", "C2", "C3"} else [ratio()]))
    leaks = pd.DataFrame(columns=leak.COLUMNS)
    each = [("C1", 0, 0.0, np.nan), ("C2", 3, 75.4, 612.3), ("C3", 1200, 9e4, 2316.4)]
    text = verdict_page.page(rows, STATED, places(), leaks, pd.DataFrame(each, columns=costs.COLUMNS))
    (folder / "verdicts.md").write_text(text, encoding="utf-8")
    for name, made in (("claims", rows), ("settings", places()), ("leak", leaks)):
        made.to_csv(folder / f"tables/{name}.csv", index=False)
    stated = [{"id": one.id, "title": one.title, "section": one.section, "statement": one.statement} for one in STATED]
    (folder / "code/workflow/resources/claims.yaml").write_text(yaml.safe_dump({"claims": stated}), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"results": "results", "studies": {}}), encoding="utf-8")
    return folder


def failing(folder):
    results = Results(folder, ROOT)
    rows = guarded("rows", verdicts.PAGE, verdicts._check_page(results))
    found = [*prose.check(results), *sentences.check(results), *rows]
    # Sections and pairs needed are as the helper made them.
    return [check for check in found if not check.ok and check.where == "verdicts.md"]


@pytest.mark.parametrize("rows", PAGES.values(), ids=PAGES)
def test_the_librarys_page_passes(rows, tmp_path):
    assert not failing(written(tmp_path, rows))


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    return written(tmp_path_factory.mktemp("page"), PAGES["published"])


def other(before, after):
    def edit(text):
        assert before in text, before
        return text.replace(before, after, 1)

    return edit


EDITS = {
    "another mark": other("🟦 replicated", "🟥 replicated"),
    "another verdict": other("🟦 replicated, smaller ", "🟦 not replicated, smaller "),
    "not left out": other("not in the paper, not supported. ", "not in the paper, supported. "),
    "not put in": other("networks do: not", "networks do not: not"),
    "another number": other("N = 20;", "N = 21;"),
    "a quotation below a table": lambda text: text + "> Every claim of the paper is proven.\n",
    "a paragraph at the end": lambda text: text + "\nEvery claim of the paper is proven.\n",
    "a table at the end": lambda text: text + "\n| claim |\n|:------|\n| all   |\n",
    "a row twice": lambda text: text + text.splitlines()[-1] + "\n",
    "a word behind a row": lambda text: text.rstrip("\n") + " proven\n",
    "a row gone": lambda text: text.rstrip("\n").rpartition("\n")[0] + "\n",
    "a table gone": lambda text: text.rpartition("\n\n")[0] + "\n",
    "a row in the first table": other("|\n\nThe settings,", "|\n| C9 | all | holds |  |  |  |  |\n\nThe settings,"),
    "a word in the rule of a table": other("|:-", "|: proven -"),
    "another time": other("| 75 s ", "| none "),
    "all hold": lambda text: re.sub(r"settings, .*; of", "settings, all hold throughout; of", text),
    "another margin": other("It must clear a margin of 0.02 in accuracy", "It must clear nothing"),
    "fewer settings": other("at least 3,", "at least 1,"),
    "a paragraph twice": lambda text: re.sub(r"(?m)^(\*\*Many contrasts.*)$", r"\1\n\n\1", text),
    "a paragraph gone": lambda text: re.sub(r"(?m)^\*\*Many contrasts.*\n\n", "", text),
    "a paragraph below its table": lambda text: re.sub(r"(\*\*Does[^\n]*)\n\n(\*\*Many[^\n]*)", r"\2\n\n\1", text),
    "another section": lambda text: text + "\n## C4. All\n\nAll is proven.\n",
    "another heading": other("## C2. A measurement", "## C2. A proof"),
    "a line below a heading": other("## C2. A measurement\n", "## C2. A measurement\nAll is proven.\n"),
    "a heading of another level": lambda text: text + "\n# Proofs\n",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_any_other_page_is_found(edit, right):
    path = right / "verdicts.md"
    text = path.read_text(encoding="utf-8")
    assert edit(text) != text
    path.write_text(edit(text), encoding="utf-8")
    try:
        found = failing(right)
        assert found
        assert not [check for check in found if re.search("(Key|Type|Index|Attribute)Error", check.found)]
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("verdicts_", [[], ["too few networks"], ["equivalent", "changes", "inconclusive"]])
def test_the_leak_in_words(verdicts_):
    rows = [
        dict.fromkeys(leak.COLUMNS, 0.0)
        | {"id": "C2", "contrast": f"left {at}", "dataset": "digits", "n": 20 + at, "verdict": verdict}
        | {"effect": 0.26, "effect_without": -0.3, "change": (0.01, -0.04, 0.002)[at]}
        for at, verdict in enumerate(verdicts_)
    ]
    made = pd.DataFrame(rows, columns=leak.COLUMNS)
    assert paragraphs.leak(made) == leak_text.sentences(made)


def test_the_sentence_over_the_settings():
    for rows in PAGES.values():
        made = table(*rows)
        assert paragraphs.over_settings(made, places()) == over_settings.sentence(made, places())
        assert paragraphs.over_settings(made, places()[:0]) == over_settings.sentence(made, places()[:0])
