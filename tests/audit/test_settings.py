"""The audit's claims, settings, leak and words over settings, against the library's, on a made-up run."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import judging
from helpers.claim_rows import places, ratio, row, table, theorem
from helpers.scripts import call

from symmetry_constrained.audit import claims, settings, specs, verdicts
from symmetry_constrained.audit.results import Results
from symmetry_constrained.verdicts import over_settings

BUDGET = {"max_evaluations": 200}
# On MNIST no network is trained on more than a part of the images.
SETTINGS = [*judging.SETTINGS[:2], replace(judging.SETTINGS[2], trained_on="30 % of the images")]


def study(one):
    layers = [list(map(int, one.hidden_layers.split("-")))]
    recipe = {"dataset": one.dataset, "protocol": one.protocol, "hidden_layers": layers, "budget": BUDGET}
    return recipe | {"fractions": [0.01, 0.3] if one.dataset == "mnist" else [0.1, 1.0]}


@pytest.fixture(scope="module")
def made_up_run(tmp_path_factory):
    """A made-up run, judged by the library: with converged networks, and of the leak."""
    folder, given = tmp_path_factory.mktemp("made-up"), judging.tables()
    networks = given.networks.copy()
    networks = networks[(networks["dataset"] != "mnist") | (networks["fraction"] < 1)]
    networks["status"] = np.where(networks["seed"] < 9, "converged_loss", "max_iterations")
    networks["iterations"] = 100 + 7 * networks["seed"] + 50 * (networks["training_set"] == "augmented")
    given = replace(given, networks=networks, targets={"digits": [0.5, 0.6, 0.7], "mnist": [0.6]})
    judging.write(given, folder)
    claims_ = stated(given, folder / "workflow/resources")
    words = judging.arguments((folder, given), folder, claims_, settings=judging.as_json(SETTINGS))
    assert call("judge_claims", *words) == (0, "")
    config = {
        "results": str(folder),
        "studies": {one.study: study(one) for one in SETTINGS}
        | {"digits-averaged": study(SETTINGS[1]) | {"averaging": "logits"}},
        "settings": {
            one.name: {"study": one.study, "hidden_layers": [10, 5], "label": one.label}
            | ({"averaged": list(one.averaged.values())} if one.averaged else {})
            for one in SETTINGS
        },
        "published_numbers": {"digits": {"study": "digits-published", "clean_study": "digits-clean"}},
        "targets": given.targets,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def stated(given, resources):
    """The claims less the contrasts of experiments that the made-up run does not have, and the paper's numbers."""
    document = yaml.safe_load(judging.CLAIMS.read_text(encoding="utf-8"))
    for claim in document["claims"]:
        claim["contrasts"] = [one for one in claim["contrasts"] if "/" not in one["of"] or one["of"] in given.others]
    document["claims"] = [claim for claim in document["claims"] if claim["contrasts"]]
    resources.mkdir(parents=True)
    (resources / "claims.yaml").write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), "utf-8")
    (resources / "published.csv").write_bytes(judging.NUMBERS.read_bytes())
    return resources / "claims.yaml"


def results(folder):
    return Results(folder, folder)


def failed(checks):
    return [(check.what, check.found) for check in checks if not check.ok]


def test_the_settings_are_those_of_the_configuration(made_up_run):
    found = list(specs.settings(results(made_up_run)))
    assert [one.pop("setting") for one in found] == [one.name for one in SETTINGS]
    kept = [
        {key: value for key, value in asdict(one).items() if key not in ("name", "leaks", "averaged")}
        for one in SETTINGS
    ]
    assert found == kept


def test_the_audit_agrees_with_the_library(made_up_run):
    again = results(made_up_run)
    checks = [*claims.check(again), *verdicts.check(again), *settings.check(again)]
    assert failed(checks) == []
    assert {check.what for check in checks} >= {claims.EFFECTS, settings.PLACES, settings.LEAKS, settings.OVER}
    # Something of each kind was compared, on MNIST by the largest fraction.
    told = pd.read_csv(made_up_run / "tables/settings.csv").set_index("setting")
    assert told["images"].tolist() == [1000, 1000, 300]
    judged = pd.read_csv(made_up_run / "tables/claims.csv")
    assert judged.loc[judged["contrast"].str.startswith("averaging of logits"), "n"].tolist() == [20]
    for id_ in ("C2", "C8", "C10", "C11", "C17"):
        assert (judged.loc[judged["id"] == id_, "n"] >= 20).any()
    assert len(pd.read_csv(made_up_run / "tables/leak.csv")) > 10


@pytest.mark.parametrize(
    ("name", "column", "value", "what"),
    [
        ("settings", "converged", 0.123, settings.PLACES),
        ("settings", "budget", "300 evaluations", settings.PLACES),
        ("settings", "paper", True, settings.PLACES),
        ("leak", "change", 0.5, settings.LEAKS),
        ("leak", "high90", 0.5, settings.LEAKS),
        ("leak", "verdict", "changes", settings.LEAKS),
        ("leak", "n", 3, settings.LEAKS),
        ("claims", "setting", "elsewhere", claims.EFFECTS),
        ("claims", "effect", 0.5, claims.EFFECTS),
        ("claims", "cap", "9 images", claims.EFFECTS),
    ],
)
def test_a_forged_number_is_found(made_up_run, tmp_path, name, column, value, what):
    (tmp_path / "tables").mkdir()
    for path in made_up_run.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(made_up_run)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    table_ = pd.read_csv(tmp_path / f"tables/{name}.csv", dtype={"hidden_layers": str})
    # The last row, which is of a ratio in claims.csv.
    table_[column] = table_[column].astype(object)
    table_.loc[table_.index[-1], column] = value
    table_.to_csv(tmp_path / f"tables/{name}.csv", index=False)
    again = results(tmp_path)
    assert what in {kind for kind, _ in failed([*claims.check(again), *settings.check(again)])}


def test_a_row_of_where_claims_hold_that_is_told_otherwise_is_found(made_up_run, tmp_path):
    text = (made_up_run / "verdicts.md").read_text(encoding="utf-8")
    (tmp_path / "tables").mkdir()
    for name in ("claims", "settings", "leak", "networks"):
        (tmp_path / f"tables/{name}.csv").write_bytes((made_up_run / f"tables/{name}.csv").read_bytes())
    (tmp_path / "config.json").write_bytes((made_up_run / "config.json").read_bytes())
    for old, new in ((r"(\| C1 .*\| )holds ", r"\1fails "), (r"\| paper, no-leak ", "| paper ")):
        forged = re.sub(old, new, text, count=1)
        assert forged != text
        (tmp_path / "verdicts.md").write_text(forged, encoding="utf-8")
        assert settings.OVER in {kind for kind, _ in failed(settings.check(results(tmp_path)))}


@pytest.mark.parametrize("seed", range(30))
def test_the_words_over_the_settings(seed):
    random = np.random.default_rng(seed)
    rows = [theorem(), row("C3", "not run", np.nan, np.nan, np.nan, "new test", 0, protocol="", dataset="")]
    for setting in ("paper", "no-leak", "talk", "mnist"):
        for contrast in ("one", "two"):
            low, high = random.choice([(0.1, 0.3), (-0.3, -0.1), (-0.1, 0.1)], p=[0.6, 0.25, 0.15])
            given = {"setting": setting, "headline": True, "kind": "new test", "n": random.choice([20, 20, 19])}
            rows.append(row("C2", contrast, (low + high) / 2, low, high, **given))
    rows.append(ratio(np.inf, 3.0, np.inf, setting="mnist"))
    judged = table(*rows)
    listed = places()
    expected = over_settings.over_settings(judged, listed)
    found = settings.over_settings(judged.fillna({"setting": ""}), listed)
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()


def test_a_contrast_is_left_out_where_it_is_not_meant_for_a_setting(made_up_run, tmp_path):
    path = tmp_path / "workflow/resources/claims.yaml"
    path.parent.mkdir(parents=True)
    document = yaml.safe_load((made_up_run / "workflow/resources/claims.yaml").read_text(encoding="utf-8"))
    for claim in document["claims"]:
        claim["settings"] = {"protocol": "clean"}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    again = Results(made_up_run, tmp_path)
    one = next(iter(claims.contrasts(again)))
    leaking, clean, _ = specs.settings(again)
    assert not specs.applies(one, leaking) and specs.applies(one, clean) and not specs.applies(one, clean, leaking)


def test_the_highest_target_that_both_reach():
    assert claims._reached_by_both({0.5: 2.0, 0.6: 3.0, 0.7: np.inf, 0.8: np.nan}) == 0.6
    assert claims._reached_by_both({0.5: 0.0, 0.6: np.inf, 0.7: np.nan}) == 0.5
    assert claims._reached_by_both({0.6: np.nan, 0.5: np.nan}) == 0.5
