"""Settings: read, refused, tabulated, and paired by the leak."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from helpers.judging import SETTINGS, as_json, setting
from helpers.synthetic import at, networks

from symmetry_constrained.verdicts import settings


def test_settings_are_read_as_they_were_written():
    assert settings.read(as_json(SETTINGS)) == SETTINGS
    assert settings.read("{}") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("paper", "settings: Expecting value"),
        ('["paper"]', "settings: 'list' object has no attribute"),
        ('{"paper": 3}', "settings: .*mapping"),
        ('{"paper": {"study": "a", "colour": "red"}}', "settings: .*unexpected keyword argument 'colour'"),
        ('{"paper": {"study": "a"}}', "settings: .*missing"),
    ],
)
def test_anything_else_is_refused_in_one_line(text, says):
    with pytest.raises(ValueError, match=says) as caught:
        settings.read(text)
    assert "\n" not in str(caught.value)


def test_a_setting_counts_its_networks_on_all_images_and_those_that_converged():
    status = np.array(
        ["max_evaluations", "converged_loss", "converged_gradient", "abnormal", "non_finite", "converged_loss"]
    )
    whole = networks(fractions=(0.5, 1.0), status=np.array([["converged_loss"] * 6, status])).assign(
        study="digits-clean"
    )
    other = networks(hidden_layers="40-20", status="converged_loss").assign(study="digits-clean")
    table = settings.tabulate(SETTINGS, at(whole, other)).set_index("setting")
    assert list(table.reset_index()) == settings.COLUMNS
    assert table.loc["no-leak", ["networks", "converged", "budget"]].tolist() == [6, 0.5, "200 evaluations"]
    assert table.loc["no-leak", "images"] == 1000 and table.loc["paper", "images"] == 0
    assert table.loc["paper", "networks"] == 0 and np.isnan(table.loc["paper", "converged"])
    assert table["paper"].tolist() == [True, False, False]


def test_the_networks_of_a_study_without_all_images_are_those_of_its_largest_fraction():
    parts = networks("identity", "augmented", fractions=(0.05, 0.1), images=60_000, status="converged_loss")
    table = settings.tabulate([setting("part", "mnist-part", "mnist")], parts.assign(study="mnist-part"))
    # ±X shows each image twice.
    assert table.loc[0, ["networks", "images"]].tolist() == [6, 6000]


def test_settings_meet_what_a_claim_asks_for():
    assert SETTINGS[0].meets({}) and SETTINGS[0].meets({"protocol": ["published"], "dataset": ["mnist", "digits"]})
    assert not SETTINGS[0].meets({"protocol": ["published"], "activation": ["relu"]})


def test_the_cells_are_those_of_its_study_and_layers():
    table = pd.DataFrame({"study": ["a", "a", "b"], "hidden_layers": ["10", "10-5", "10-5"]})
    assert setting("x", "a").cells(table).index.tolist() == [1]


def test_settings_that_differ_in_the_leak_alone_are_paired():
    assert settings.without_leak(SETTINGS) == [(SETTINGS[0], SETTINGS[1])]
    wider = setting("wider", "digits-published", protocol="published", hidden_layers="20-10")
    longer = setting("longer", "digits-budget", budget="2,000 iterations")
    assert settings.without_leak([wider, longer, *SETTINGS[1:]]) == []
    # Each attribute has to agree.
    for name in settings.ATTRIBUTES:
        if name != "protocol":
            other = type(SETTINGS[1])(**asdict(SETTINGS[1]) | {name: "another"})
            assert settings.without_leak([SETTINGS[0], other]) == []
