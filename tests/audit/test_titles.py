"""What titles say, read by the audit from a made-up study that the library drew: right ones pass, wrong ones fail."""

import json
import re

import pytest
from helpers.made_up_study import ACCURACIES, at, study, trained, without
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from symmetry_constrained.analysis import cost_to_target, sample_efficiency, summary
from symmetry_constrained.audit import titles
from symmetry_constrained.audit.results import Results
from symmetry_constrained.figures import curves, sides, targets

pytestmark = pytest.mark.usefixtures("style")

TARGET = {"digits": 0.7, "mnist": 0.7}
GAPS = ("generalisation_gap", "symmetry_gap")
STUDIES = {f"{name}-clean": {"dataset": name, "budget": {"max_evaluations": 200}} for name in TARGET}
STUDIES["made-up"] = STUDIES["digits-clean"]


def drawn(table, courses, folder, target=TARGET):
    """The figures of a table of networks and of a history, as files that hold their titles and data."""
    tables = summary.summarise(table)
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    tables.to_csv(folder / "tables/summary.csv", index=False)
    config = {"studies": STUDIES, "figures": {"curves": ["digits-clean", "mnist-clean"], "target": target}}
    (folder / "config.json").write_text(json.dumps(config))
    digits = tables[tables["dataset"] == "digits"]
    efficiency = sample_efficiency.sample_efficiency(table, {name: [value] for name, value in target.items()})
    cost = cost_to_target.cost_to_target(courses, {"digits": [target["digits"]]})
    made = {
        "sides-digits": sides.both_sides(digits, "digits"),
        "accuracy-digits": curves.learning_curves(digits, "digits", ACCURACIES),
        "gaps-digits": curves.learning_curves(digits, "digits", GAPS),
        "images-needed": targets.images_needed(efficiency, target, {"digits": 1000, "mnist": 1000}),
        "cost-digits": targets.cost_to_target(cost, "digits", target["digits"], "200 evaluations"),
    }
    for name, (figure, data) in made.items():
        data.to_csv(folder / f"figures/{name}.csv", index=False)
        write(folder, name, figure.get_suptitle())
    return folder


def write(folder, name, title):
    text = PngInfo()
    text.add_itxt("Title", title)
    Image.new("L", (1, 1)).save(folder / f"figures/{name}.png", pnginfo=text)


def failing(folder):
    return [check.where for check in titles.check(Results(folder)) if not check.ok]


def both(table):
    return at(table, table.assign(dataset="mnist", study="mnist-clean"))


@pytest.mark.parametrize(
    ("table", "courses", "target"),
    [
        (both(study()), trained(), TARGET),
        (both(study(canonical=8.0, augmented=0.05)), trained(augmented=0.3), TARGET),
        (both(study()), trained(), {"digits": 0.99, "mnist": 0.999}),
        (both(without(study(), "identity, X", "identity, ±X", "identity, random signs")), trained(), TARGET),
        (both(study().query("network == 'bias-free'")), trained().query("network == 'bias-free'"), TARGET),
        (both(study().query("split == 0 and seed == 4")), trained().query("split == 0 and seed == 4"), TARGET),
    ],
)
def test_the_librarys_titles_say_what_is_in_the_tables(tmp_path, table, courses, target):
    folder = drawn(table, courses, tmp_path / "results", target)
    assert len(list(titles.check(Results(folder)))) == 5
    assert not failing(folder)


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    return drawn(both(study()), trained(), tmp_path_factory.mktemp("titles") / "results")


@pytest.mark.parametrize("name", ["sides-digits", "accuracy-digits", "gaps-digits", "images-needed", "cost-digits"])
def test_another_number_or_model_in_a_title_is_seen(right, name):
    path = f"figures/{name}.png"
    title = titles.title_of(Results(right), path)
    wrong = [title.replace("trained on X", "trained on ±X"), title.replace("square", "canonical")]
    wrong += [
        title[: number.start()] + str(1 + int(number[0])) + title[number.end() :]
        for number in re.finditer(r"\d+", title)
    ]
    for other in {*wrong} - {title}:
        write(right, name, other)
        assert any(name in where for where in failing(right)), other
    write(right, name, title)
    assert not failing(right)
