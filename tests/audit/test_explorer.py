"""The audit of the page to play with, on networks that nobody trained: it holds, and no change of it passes."""

import json
from pathlib import Path

import pytest
from helpers.made_up_networks import MODELS, write_batch, write_data
from helpers.scripts import call
from jinja2.exceptions import SecurityError

from symmetry_constrained.audit import explorer, templates
from symmetry_constrained.audit.results import Results

ROOT = Path(__file__).parents[2]
STUDY = {
    "dataset": "digits",
    "protocol": "clean",
    "features": {"identity": ["original", "augmented"], "neighbour": ["original"], "canonical": ["original"]},
    "networks": ["biased", "bias-free"],
    "hidden_layers": [[10, 5]],
    "splits": [0],
    "seeds": [3, 4],
    "fractions": [0.5, 1.0],
    "budget": {"max_evaluations": 1},
    "checkpoints": [],
}
CONFIG = {"alpha": 1e-5, "dtype": "float32", "device": "cpu", "studies": {"made-up": STUDY}, "results": "results"}
SPLIT = "splits/digits/clean/split-0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the page is made of, in the places of a run, and the page."""
    folder = tmp_path_factory.mktemp("results")
    data, split = write_data(folder / "made")
    for source, place in ((data, "data/digits"), (split, SPLIT)):
        (folder / place).parent.mkdir(parents=True)
        source.rename(folder / place)
    batches = [folder / f"batches/made-up/{'/'.join(model)}/10-5/split-0" for model in MODELS]
    for batch, model in zip(batches, MODELS, strict=True):
        write_batch(batch, *model)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    options = ("--data", folder / "data/digits", "--split", folder / SPLIT, "--out", folder / "explore.html")
    assert call("write_explorer", "--batches", *batches, *options) == (0, "")
    return folder


@pytest.fixture
def page(folder):
    """The page's path; afterwards it is as it was."""
    path = folder / "explore.html"
    before = path.read_text(encoding="utf-8")
    yield path
    path.write_text(before, encoding="utf-8")


def failures(folder):
    return [check for check in explorer.check(Results(folder)) if not check.ok]


def test_the_page_as_it_was_written_holds(folder):
    checks = list(explorer.check(Results(folder)))
    assert [check for check in checks if not check.ok] == []
    assert len(checks) == 1 + 8 * 7 + 6


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"seed": 3', '"seed": 4'),
        ('"seed": 3', '"seed": 9'),
        ('"weights": "', '"weights": "AAAA'),
        ('"test_accuracy": 0.75', '"test_accuracy": 0.95'),
        ('"n_train": 7185', '"n_train": 7186'),
        ('"network": "bias-free"', '"network": "biased"'),
        ('"features": "neighbour"', '"features": "permuted"'),
        ('"pixels": "0', '"pixels": "1'),
        ('"labels": "', '"labels": "0'),
        ('"offset": 0.0001', '"offset": 0.0002'),
        ('"minimum": [0', '"minimum": [1'),
        ('id="data"', 'id="other"'),
        ('"networks": [', '"networks": ['[:-1]),
    ],
)
def test_a_change_is_found(folder, page, before, after):
    text = page.read_text(encoding="utf-8")
    assert before in text
    page.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert {check.where for check in failures(folder)} == {"explore.html"}


def test_a_network_that_is_left_out_is_missed(folder, page):
    text = page.read_text(encoding="utf-8")
    held, _ = json.JSONDecoder().raw_decode(text[text.find(explorer.OPENING) + len(explorer.OPENING) :])
    held["networks"].pop()
    page.write_text(explorer.OPENING + json.dumps(held), encoding="utf-8")
    (missed,) = failures(folder)
    assert "canonical/original/10-5/split-0, bias-free" in missed.expected


def as_its_template(folder):
    return [check for check in templates.check_explorer(Results(folder, ROOT)) if not check.ok]


def test_the_page_is_what_its_template_makes_of_what_it_holds(folder):
    assert as_its_template(folder) == []


def test_so_is_one_without_networks(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"results": "results"}))
    assert call("write_explorer", "--batches", "--out", tmp_path / "explore.html") == (0, "")
    assert as_its_template(tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("</main>", "<p>All networks agree.</p>\n</main>"),
        ("</main>", "<h3><script>alert(1)</script> <small></small></h3>\n</main>"),
        ("<small>pixels, trained on the images alone", "<small>pixels, trained on all images"),
        ("<td>75 %</td>", "<td>95 %</td>"),
        ("<h2>The networks</h2>", "<h2>The best networks</h2>"),
        ('<div class="plots">', ""),
        ("on all 7,185", "on all 9,185"),
    ],
)
def test_another_word_or_number_on_the_page_is_found(folder, page, before, after):
    text = page.read_text(encoding="utf-8")
    assert before in text
    page.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert {check.where for check in as_its_template(folder)} == {"explore.html"}


def test_a_template_in_a_folder_runs_nothing():
    for template in ("{{ ''.__class__.__mro__ }}", "{% for x in range(10**9) %}{{ x.__class__ }}{% endfor %}"):
        with pytest.raises(SecurityError):
            templates.rendered({"a.html": template + "{{ values.pop() }}"}, {"values": [1]})
