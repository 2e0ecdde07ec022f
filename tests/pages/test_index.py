"""The page that a run ends with: what it tells is in the tables, it needs nothing else, its tables sort."""

import json
import re
from html import escape

import pandas as pd
import pytest
from helpers.browser import ask, needs_browser, on_a_phone
from helpers.claim_rows import FULL, places, table
from helpers.scripts import call

from symmetry_constrained.figures import style
from symmetry_constrained.pages import index
from symmetry_constrained.runs import manifest
from symmetry_constrained.verdicts import over_settings

MACHINE = {"platform": "Linux", "processor": "A <processor>", "cores": 2, "memory": 25e9, "gpus": []}
MANIFEST = {"written": "2026-11-23T04:34:38+00:00", "commit": "46948141d06e" + 28 * "0", "machine": MACHINE}
MANIFEST |= {"software": {"python": "3.11.2", "numpy": "2.4.6"}}
NUMBER = {"id": "a", "table": "1", "network": "biased", "features": "identity", "training_set": "augmented"}
NUMBER |= {"test_set": "inverted", "published": 0.811, "median": 0.8, "low": 0.7, "high": 0.9, "n": 100}
NUMBER |= {"same_seed": "exact", "typicality": "typical"}
NUMBERS = [NUMBER, NUMBER | {"published": 0.021, "median": 0.5, "typicality": "too <low>"}]
NUMBERS += [NUMBER | {"published": 0.5, "median": 0.05, "n": 20}]


def checks(failed):
    done = [{"what": "tables & all", "where": f"{n}.csv", "expected": "1", "found": "1", "ok": True} for n in range(7)]
    missed = [
        {"what": "kinds", "where": f"bad-{n}.csv", "expected": "<1>", "found": "2", "ok": False} for n in range(failed)
    ]
    counts = {"passed": 7, "failed": failed, "notes": ["made elsewhere"], "unchecked": {"seconds": "Not twice."}}
    return counts | {"bytes_only": [], "checks": [*done, *missed]}


AGREES = {"status": 0, "sentence": "this <run> and that agree.", "lines": ["Networks: all & more."], "largest": []}
APART = {"what": "a cell", "run": 0.25, "reference": 0.75, "difference": -0.5, "half": 0.125, "p": 0.001, "floor": 0.01}


def folder_of_a_run(folder, failed=0, comparison=AGREES):
    """What the page is made of, in the places of a run."""
    for name in ("tables", "figures", "audit", "benchmarks/train_batch", "notebooks"):
        (folder / name).mkdir(parents=True)
    tables = {"claims": table(*FULL), "settings": places(), "published_numbers": pd.DataFrame(NUMBERS)}
    # Those of canonical features are those of the pixels, and were trained once.
    tables |= {"networks": pd.DataFrame({"study": "a", "features": ["identity"] * 1234 + ["canonical"] * 66})}
    config = {"studies": {"a": {"trained_as": {"canonical": "identity"}}}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name, values in tables.items():
        values.to_csv(folder / f"tables/{name}.csv", index=False)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (folder / "audit/audit.json").write_text(json.dumps(checks(failed)), encoding="utf-8")
    (folder / "comparison.json").write_text(json.dumps(comparison), encoding="utf-8")
    (folder / "benchmarks/train_batch/a.tsv").write_text("s\th:m:s\n600.5\t0:10:00\n")
    (folder / "benchmarks/b.tsv").write_text("s\th:m:s\n120.0\t0:02:00\n")
    (folder / "notebooks/theory & more.html").write_text("a page")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    import matplotlib
    import matplotlib.pyplot as plt

    folder = folder_of_a_run(tmp_path_factory.mktemp("results"))
    with matplotlib.rc_context():
        style.use_style()
        for name, title in (("settings", "The map"), ("table1", "A <title> & more"), ("cost-digits", "What it costs")):
            figure, panel = plt.subplots()
            panel.plot([1, 2])
            style.set_title(figure, title)
            style.save(figure, folder / f"figures/{name}", pd.DataFrame({"a": [1]}))
            plt.close(figure)
    figures = ("6. Cost=cost-digits", "1. Verdicts=settings", "2. The paper's tables=table1")
    options = [f"--figure={figure}" for figure in figures]
    assert call("write_index", folder, *options, "--findings", "table1", "cost-digits") == (0, "")
    return folder


@pytest.fixture(scope="module")
def page(made):
    return (made / "index.html").read_text(encoding="utf-8")


def test_the_page_tells_where_claims_hold_what_was_found_and_what_made_it(made, page):
    rows, settings = pd.read_csv(made / "tables/claims.csv"), pd.read_csv(made / "tables/settings.csv")
    assert over_settings.sentence(rows, settings) in page
    for text in (
        "A &lt;title&gt; &amp; more",
        "What it costs",
        "all 7 checks passed",
        "46948141d06e",
        "1,234",
        "12 min",
    ):
        assert text in page, text
    assert "A &lt;processor&gt;, 2 cores, 25 GB of memory" in page and "<processor>" not in page
    # In the order of the report's categories, each figure once and whole.
    assert re.findall(r"<h3>(\d)\.", page) == ["2", "6"]
    for name in ("settings", "table1", "cost-digits"):
        svg = (made / f"figures/{name}.svg").read_bytes()
        assert index.Figure("", name, "", svg).source in page
        assert page.count(f"figures/{name}.svg") == page.count(f"figures/{name}.csv") == 1
    assert page.index("figures/settings.svg") < page.index("What was found") < page.index("figures/table1.svg")
    assert page.count("<img") == 3


def test_the_page_needs_no_other_file_and_links_only_its_neighbours(made, page):
    assert set(re.findall(r'<(?:img|script|iframe|source)[^>]* src="([^,"]*)', page)) == {"data:image/svg+xml;base64"}
    links = set(re.findall(r'<a [^>]*href="([^"]*)"', page))
    assert links and not [link for link in links if "//" in link or link.startswith("/")]
    assert {"explore.html", "report.html", "verdicts.md", "audit/audit.html"} <= links
    assert "notebooks/theory%20%26%20more.html" in links and "tables/claims.csv" in links
    assert not re.findall(r"@import|url\(|fetch\(|https?://", page)


def test_every_row_of_the_tables_is_there(page):
    claims, numbers = (re.findall(r"<tr.*?</tr>", body, re.S) for body in re.findall(r"<tbody>.*?</tbody>", page, re.S))
    assert len(claims) == len(FULL) and len(numbers) == len(NUMBERS)
    heads = table(*FULL)["headline"]
    assert [("data-marked" in row) for row in claims] == heads.tolist()
    assert [("data-marked" in row) for row in numbers] == [False, True, False]
    for row, source in zip(claims, FULL, strict=True):
        assert escape(source["contrast"]) in row and source["verdict"] in row
    assert "too &lt;low&gt;" in numbers[1] and 'data-key="0.021"' in numbers[1]
    assert 'data-key="Infinity"' in claims[-1]


def test_the_page_is_bound_by_a_hash(made):
    recorded = json.loads((made / "index.json").read_text(encoding="utf-8"))
    assert recorded["file"] == "index.html"
    assert recorded["digest"] == manifest.digest({key: recorded[key] for key in ("file", "sha256", "bytes")})


def test_checks_that_failed_are_named_first_and_at_most_twenty(tmp_path):
    folder = folder_of_a_run(tmp_path / "results", failed=25)
    assert call("write_index", folder) == (0, "")
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("25 of 32 checks failed") == 2 and "checks passed" not in page
    assert page.count("<code>bad-") == 20 and "&lt;1&gt;" in page


def test_the_page_says_whether_the_run_agrees_with_the_reference(page, tmp_path):
    assert (
        '<p class="good">this &lt;run&gt; and that agree.</p>' in page and "<li>Networks: all &amp; more.</li>" in page
    )
    assert "The largest differences" not in page
    for status, look in ((1, ' class="bad"'), (2, "")):
        found = {"status": status, "sentence": "A sentence.", "lines": [], "largest": [APART]}
        folder = folder_of_a_run(tmp_path / str(status), comparison=found)
        assert call("write_index", folder) == (0, "")
        other = (folder / "index.html").read_text(encoding="utf-8")
        assert f"<p{look}>A sentence.</p>" in other and "<td>a cell</td>" in other
        assert all(f'<td class="number">{text}</td>' in other for text in ("0.250", "0.750", "± 0.125"))


@needs_browser
def test_tables_sort_and_are_searched(page, tmp_path):
    script = """
    const [claims, numbers] = document.querySelectorAll("[data-table]");
    const shown = (section) => [...section.querySelector("tbody").rows].filter((row) => !row.hidden);
    const column = (section, number) => shown(section).map((row) => row.cells[number].textContent);
    const button = (section, number) => section.querySelectorAll("thead button")[number];
    const box = (section) => section.querySelector("input[type=checkbox]");
    const heads = shown(claims).length;
    box(claims).click();
    const all = shown(claims).length;
    button(claims, 4).click(); const up = shown(claims).map((row) => row.cells[4].dataset.key);
    button(claims, 4).click(); const down = shown(claims).map((row) => row.cells[4].dataset.key);
    button(numbers, 5).click(); const published = column(numbers, 5);
    button(numbers, 5).click(); const back = column(numbers, 5);
    const sorted = [...numbers.querySelectorAll("th")].map((heading) => heading.getAttribute("aria-sort"));
    button(numbers, 10).click(); const words = column(numbers, 10);
    const search = numbers.querySelector("input[type=search]");
    search.value = "TOO"; search.dispatchEvent(new Event("input")); const found = column(numbers, 5);
    search.value = ""; search.dispatchEvent(new Event("input")); box(numbers).click();
    return { heads, all, up, down, published, back, sorted, words, found, alone: column(numbers, 5),
      said: numbers.querySelector("output").textContent, drawn: document.images[0].naturalWidth };"""
    seen = ask(page, script, tmp_path)
    assert (seen["heads"], seen["all"]) == (int(table(*FULL)["headline"].sum()), len(FULL))
    values = [float(key) for key in seen["up"]]
    assert values == sorted(values) and values[-1] == float("inf")
    assert [float(key) for key in seen["down"]] == sorted(values, reverse=True)
    assert seen["published"] == ["0.021", "0.500", "0.811"] == seen["back"][::-1]
    assert [state for state in seen["sorted"] if state] == ["descending"]
    assert seen["words"] == ["too <low>", "typical", "typical"]
    assert seen["found"] == ["0.021"] == seen["alone"]
    assert seen["said"] == "1 of 3 rows"
    assert seen["drawn"] > 200


@needs_browser
def test_the_page_fits_a_phone(page, tmp_path):
    script = "const root = view.document.documentElement; return [root.scrollWidth, root.clientWidth];"
    wide, room = on_a_phone(page, script, tmp_path)
    assert wide <= room <= 390
