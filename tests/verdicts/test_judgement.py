"""Claims judged on made-up tables: each row against a few lines of pandas, and redone from its own evidence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.histories import EVALUATIONS
from helpers.judging import CLAIMS, FILES, NUMBERS, SETTINGS, STUDIES, made_up, setting, tables, write
from helpers.synthetic import at

from symmetry_constrained.verdicts import claims, contrasts, run_tables
from symmetry_constrained.verdicts.judgement import judged as without_holm
from symmetry_constrained.verdicts.rules import Rule
from symmetry_constrained.verdicts.run_tables import Tables
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, with_holm


def judge(rules: list[Rule], tables: Tables) -> pd.DataFrame:
    """The rows of all contrasts, as `claims.csv` has them."""
    return with_holm(without_holm(rules, tables))


@pytest.fixture(scope="module")
def run() -> Tables:
    return tables()


def rule(**changes) -> Rule:
    given = {
        "kind": "new test",
        "of": "networks",
        "direction": "above",
        "margin": 0.02,
        "where": {"network": "biased", "features": "identity", "training_set": "original"},
        "left": {"value": "test_accuracy"},
        "right": {"value": "inverted_accuracy"},
    } | changes
    if given["of"] in ("images", "cost"):
        given |= {"unit": "ratio", "margin": changes.get("margin", 1.1)}
    return Rule("C0", "a title", "2.2", "a contrast", **given)


def rows(run, **changes) -> pd.DataFrame:
    return judge([rule(**changes)], run)


# Contrasts of networks.


def test_a_contrast_of_networks_has_a_row_for_each_setting_that_has_its_cells(run):
    found = rows(run)
    assert list(found) == CLAIM_COLUMNS
    assert found["setting"].tolist() == [one.name for one in SETTINGS] == ["paper", "no-leak", "mnist"]
    assert found[["protocol", "dataset"]].values.tolist() == [list(key) for key in STUDIES]
    assert found["n"].tolist() == [20, 20, 3]
    for _, row in found.iterrows():
        study = STUDIES[row["protocol"], row["dataset"]]
        cell = run.networks[(run.networks["study"] == study) & (run.networks["fraction"] == 1)]
        cell = cell[(cell["features"] == "identity") & (cell["training_set"] == "original")]
        cell = cell[cell["network"] == "biased"]
        assert row["effect"] == pytest.approx((cell["test_accuracy"] - cell["inverted_accuracy"]).mean())
        assert row["low"] < row["effect"] < row["high"]
        assert row["verdict"] == ("supported" if row["dataset"] == "digits" else "too few networks")


def test_two_cells_are_paired_by_split_and_seed_and_failed_networks_left_out(run):
    networks_ = run.networks.copy()
    failed = (networks_["split"] == 2) & (networks_["seed"] == 5) & (networks_["features"] == "square")
    networks_.loc[failed, "status"] = "non_finite"
    contrast = {
        "where": {"network": "biased"},
        "left": {"value": "both_accuracy", "features": "neighbour"},
        "right": {"value": "both_accuracy", "features": "square"},
    }
    found = rows(replace(run, networks=networks_), **contrast).iloc[0]
    study = networks_[(networks_["study"] == "digits-published") & (networks_["network"] == "biased")]
    study = study.assign(both=study[["test_accuracy", "inverted_accuracy"]].min(axis=1))
    wide = study[study["status"] != "non_finite"].pivot_table("both", ["split", "seed"], "features")
    differences = (wide["neighbour"] - wide["square"]).dropna()
    assert found["n"] == len(differences) == 19
    assert found["effect"] == pytest.approx(differences.mean())
    # Of the paired differences, not of the cells: their noise is not shared.
    expected = contrasts.of_pairs(differences, (-1.0, 1.0))
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))


def test_other_fractions_hidden_layers_and_studies_do_not_count(run):
    strange = made_up("digits-published", "published").assign(test_accuracy=5.0)
    others = at(
        strange.assign(fraction=0.5), strange.assign(hidden_layers="40-20"), strange.assign(study="digits-budget")
    )
    found = rows(replace(run, networks=at(run.networks, others)))
    pd.testing.assert_frame_equal(found, rows(run))
    # Of a study without all images, the largest fraction counts, and the evidence names it.
    parts = [run.networks.assign(fraction=0.1), run.networks.assign(fraction=0.05, test_accuracy=5.0)]
    part = rows(replace(run, networks=at(*(one[run.networks["fraction"] == 1] for one in parts))))
    pd.testing.assert_frame_equal(part.drop(columns="evidence"), rows(run).drop(columns="evidence"))
    assert part["evidence"].str.contains("fraction=0.1,").all()


def test_a_setting_is_of_its_own_study_and_hidden_layers(run):
    wide = made_up("digits-clean", "clean").assign(hidden_layers="40-20")
    wide["inverted_accuracy"] += 0.1
    judged_in = [*SETTINGS[1:2], setting("wider", "digits-clean", hidden_layers="40-20"), setting("other", "nowhere")]
    found = rows(replace(run, networks=at(run.networks, wide), settings=judged_in))
    # A setting without the cells has no row.
    assert found["setting"].tolist() == ["no-leak", "wider"]
    alone = rows(run).set_index("setting")
    assert found["effect"].tolist() == pytest.approx([alone.loc["no-leak", "effect"], 0.69], abs=0.02)
    assert found["evidence"].str.contains("study=digits-clean, hidden_layers=40-20, fraction=1").tolist() == [
        False,
        True,
    ]


def test_a_contrast_is_judged_only_in_the_settings_that_it_applies_to(run):
    assert rows(run, settings={"dataset": ["digits"], "budget": ["200 evaluations"]})["setting"].tolist() == [
        "paper",
        "no-leak",
    ]
    assert rows(run, settings={"protocol": ["clean"]})["setting"].tolist() == ["no-leak", "mnist"]
    # In none of them, nothing is run.
    assert rows(run, settings={"activation": ["relu"]})[["setting", "n"]].values.tolist() == [["", 0]]


def test_a_side_that_averages_is_of_the_study_that_the_setting_names_for_it(run):
    sides = {"right": {"value": "test_accuracy", "features": "identity", "training_set": "augmented"}}
    left = {"value": "test_accuracy", "features": "identity", "training_set": "original", "averaging": "logits"}
    given = {"of": "averaged", "where": {"network": "biased"}, "kind": "new test", "left": left} | sides
    found = rows(run, **given)
    # The paper's setting and MNIST name no such study.
    assert found["setting"].tolist() == ["no-leak"] and found["n"].tolist() == [20]
    whole = run.networks[(run.networks["fraction"] == 1) & (run.networks["network"] == "biased")]
    cells = whole.set_index(["study", "features", "training_set"])["test_accuracy"].groupby(level=[0, 1, 2]).mean()
    expected = cells["digits-averaged", "identity", "original"] - cells["digits-clean", "identity", "augmented"]
    assert found["effect"].iloc[0] == pytest.approx(expected, abs=1e-12)
    # Of another way to average, nothing was run.
    assert rows(run, **given | {"left": left | {"averaging": "units"}})["n"].tolist() == [0]


def test_by_gives_a_row_for_each_value_and_names_it(run):
    where = {"training_set": "original", "features": "identity"}
    found = rows(run, where=where, by=("network",))
    assert found["contrast"].tolist() == ["a contrast; biased", "a contrast; bias-free"] * 3
    for value in ("biased", "bias-free"):
        alone = rows(run, where=where | {"network": value})
        mine = found[found["contrast"].str.endswith(f"; {value}")]
        assert mine["effect"].tolist() == alone["effect"].tolist()
        assert mine["evidence"].str.contains(f"network={value}", regex=False).all()


def test_a_number_may_stand_on_either_side(run):
    left = rows(run, left={"constant": 0.5}, right={"value": "test_accuracy"}).iloc[0]
    right = rows(run, left={"value": "test_accuracy"}, right={"constant": 0.5}).iloc[0]
    assert left["effect"] == pytest.approx(-right["effect"])
    assert (left["low"], left["high"]) == pytest.approx((-right["high"], -right["low"]))
    assert (left["n"], right["n"]) == (20, 20)


PAPER = [
    # What the paper's numbers (published.csv) say of a contrast, by hand.
    (("biased", "identity", "original", "test_accuracy"), ("inverted_accuracy",), "digits", 0.811 - 0.021),
    (("bias-free", "identity", "original", "test_accuracy"), ("inverted_accuracy",), "digits", 0.839 - 0.001),
    (("biased", "identity", "original", "test_accuracy"), ("inverted_accuracy",), "mnist", 0.666 - 0.002),
    (("biased", "neighbour", "original", "both_accuracy"), ("square",), "digits", 0.866 - 0.659),
    (("bias-free", "permuted", "original", "both_accuracy"), ("square",), "digits", 0.814 - 0.646),
    # On both test sets the lower one counts; a random sign meets their mean.
    (("biased", "identity", "augmented", "both_accuracy"), (0.5,), "digits", 0.679 - 0.5),
    (("bias-free", "identity", "augmented", "random_sign_accuracy"), (0.5,), "digits", (0.119 + 0.091) / 2 - 0.5),
    (("biased", "identity", "augmented", "random_sign_accuracy"), (0.5,), "mnist", (0.753 + 0.308) / 2 - 0.5),
    (("biased", "permuted", "original", "both_accuracy"), (0.5,), "mnist", 0.917 - 0.5),
    # Never published.
    (("biased", "canonical", "original", "both_accuracy"), (0.5,), "digits", np.nan),
    (("bias-free", "identity", "original", "test_accuracy"), ("inverted_accuracy",), "mnist", np.nan),
    (("biased", "neighbour", "original", "both_accuracy"), ("square",), "mnist", np.nan),
    (("biased", "identity", "original", "symmetry_gap"), (0.5,), "digits", np.nan),
]


@pytest.mark.parametrize(("cell", "other", "dataset", "expected"), PAPER)
def test_the_published_effect_is_looked_up_for_both_cells(run, cell, other, dataset, expected):
    network, features, training_set, value = cell
    where = {"network": network, "training_set": training_set}
    left, right = {"value": value, "features": features}, {"value": value, "features": features}
    right |= {"features": other[0]} if other[0] == "square" else {"value": other[0]}
    right = {"constant": other[0]} if isinstance(other[0], float) else right
    contrast = {"where": where, "left": left, "right": right}
    papers = [replace(one, paper=one.name != "no-leak") for one in SETTINGS]
    found = rows(replace(run, settings=papers), kind="published contrast", **contrast).set_index("setting")
    name = {"digits": "paper", "mnist": "mnist"}[dataset]
    assert found.loc[name, "published"] == pytest.approx(expected, nan_ok=True)
    # It is compared in the paper's settings alone; elsewhere the contrast is a new test.
    assert np.isnan(found.loc["no-leak", "published"]) and found.loc["no-leak", "kind"] == "new test"
    # A new test has none, whatever its cells.
    assert rows(run, **contrast)["published"].isna().all()


def test_by_also_chooses_the_published_number(run):
    contrast = {
        "kind": "published contrast",
        "where": {"training_set": "original"},
        "left": {"value": "both_accuracy", "features": "neighbour"},
        "right": {"value": "both_accuracy", "features": "square"},
    }
    found = rows(run, by=("network",), **contrast).set_index(["contrast", "setting"])["published"]
    assert found["a contrast; biased", "paper"] == pytest.approx(0.866 - 0.659)
    assert found["a contrast; bias-free", "paper"] == pytest.approx(0.840 - 0.646)


def test_the_published_effect_decides_which_kind_of_replicated(run):
    # Made up between 0.75 and 0.83; the paper's is 0.79.
    verdicts = []
    for shift in (0.12, 0.0, -0.3):
        shifted = run.networks.assign(test_accuracy=run.networks["test_accuracy"] + shift)
        verdicts.append(rows(replace(run, networks=shifted), kind="published contrast").iloc[0]["verdict"])
    assert verdicts == ["replicated, larger", "replicated", "replicated, smaller"]


# What was not run.


@pytest.mark.parametrize(
    "changes",
    [
        {"where": {"features": "absolute"}},
        {"of": "theory/something", "left": {"value": "x"}},
        {"of": "theory/something", "left": {"value": "x"}, "right": {}, "kind": "mathematical", "direction": "zero"},
        {
            "of": "theory/random_networks",
            "where": {"property": "even"},
            "left": {"value": "violation"},
            "right": {},
            "kind": "mathematical",
            "direction": "zero",
        },
        {"of": "images", "where": {"features": "absolute"}},
        {"of": "images", "where": {"features": "identity", "training_set": "original", "study": "nope"}},
        {"of": "cost", "currency": "seconds", "where": {}, "left": {"features": "neighbour"}, "right": {}},
        {"of": "equal_terms", "where": {"terms": "euros"}, "left": {"value": "accuracy"}, "right": {"constant": 0}},
    ],
)
def test_a_contrast_that_was_not_run_keeps_one_row_and_decides_nothing(run, changes):
    found = rows(run, **changes)
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["n"], row["verdict"]) == (0, "inconclusive")
    assert (row["setting"], row["protocol"], row["dataset"]) == ("", "", "")
    assert "not run" in row["evidence"]
    assert np.isnan(row[["effect", "low", "high", "published", "needed"]].astype(float)).all()


def test_a_bad_rule_is_named_with_its_claim_and_contrast(run):
    for changes, says in (
        ({"where": {"feature": "square"}}, "the column feature is missing"),
        ({"left": {"value": "accuracy"}}, "the column accuracy is missing"),
        ({"by": ("terms",)}, "the column terms is missing"),
        # Two cells in one.
        ({"where": {"network": "biased"}}, "split 0, seed 3 is twice"),
        (
            {"of": "bound", "kind": "mathematical", "direction": "zero", "where": {}, "left": {"value": "violation"}},
            "the column violation is missing",
        ),
    ):
        with pytest.raises(ValueError, match=f"claims: C0, a contrast: {says}"):
            rows(run, **changes)


def test_a_table_that_lacks_a_column_is_refused(run):
    with pytest.raises(ValueError, match="C0, a contrast: networks: the column test_loss is missing"):
        rows(replace(run, networks=run.networks.drop(columns="test_loss")))


# Contrasts of other tables.


def test_a_contrast_on_equal_terms_is_judged_by_setting_and_by(run):
    terms = run.others["equal_terms"]
    contrast = {"of": "equal_terms", "where": {}, "left": {"value": "accuracy"}, "right": {"value": "rival_accuracy"}}
    both = at(terms, terms.assign(dataset="mnist", study="mnist-clean", accuracy=terms["accuracy"] - 0.5))
    found = rows(replace(run, others=run.others | {"equal_terms": both}), by=("features", "terms"), **contrast)
    assert set(found["setting"]) == {"no-leak", "mnist"} and set(found["dataset"]) == {"digits", "mnist"}
    assert len(found) == len(both[["dataset", "features", "terms"]].drop_duplicates())
    for _, row in found.iterrows():
        _, features, name = row["contrast"].split("; ")
        mine = both[(both["dataset"] == row["dataset"]) & (both["features"] == features) & (both["terms"] == name)]
        assert row["n"] == len(mine) == 20
        assert row["effect"] == pytest.approx((mine["accuracy"] - mine["rival_accuracy"]).mean())


def test_a_table_without_protocol_and_dataset_has_rows_without_them(run):
    contrast = {"of": "theory/label_blind", "where": {}, "left": {"constant": 0.5}, "right": {"value": "accuracy"}}
    found = rows(run, by=("labels",), **contrast)
    assert found[["contrast", "protocol", "dataset", "n"]].values.tolist() == [
        ["a contrast; true", "", "", 10],
        ["a contrast; shuffled", "", "", 10],
    ]
    # Or with columns that are empty, as read from a file.
    blind = run.others["theory/label_blind"].assign(protocol=np.nan, dataset=np.nan)
    again = rows(replace(run, others=run.others | {"theory/label_blind": blind}), by=("labels",), **contrast)
    pd.testing.assert_frame_equal(again, found)


ZERO = {"kind": "mathematical", "direction": "zero", "margin": 1e-9, "right": {}}


def test_a_mathematical_claim_takes_the_largest_violation_of_all_rows_and_counts_the_networks(run):
    contrast = ZERO | {"of": "theory/random_networks", "left": {"value": "violation"}}
    row = rows(run, **contrast, where={"property": "label-blind"}).iloc[0]
    assert (row["effect"], row["n"], row["verdict"]) == (1e-15, 1000, "theorem, no violation found")
    assert rows(run, **contrast, where={}).iloc[0]["effect"] == 2e-15
    row = rows(run, **ZERO | {"of": "bound", "left": {"value": "violations"}, "where": {}}).iloc[0]
    assert (row["effect"], row["n"], row["protocol"], row["dataset"]) == (0, 25, "", "digits")
    # Where rows are networks, they are counted.
    contrast = ZERO | {"of": "theory/label_blind", "left": {"value": "distance"}, "where": {}, "margin": 1e-3}
    assert rows(run, **contrast).iloc[0][["n", "verdict"]].tolist() == [20, "theorem, no violation found"]


@pytest.mark.parametrize("broken", [2e-9, np.nan])
def test_one_violation_or_one_that_is_no_number_refutes(run, broken):
    random = run.others["theory/random_networks"].copy()
    random["violation"] = random["violation"].astype(float)
    random.loc[3, "violation"] = broken
    contrast = ZERO | {"of": "theory/random_networks", "left": {"value": "violation"}, "where": {}}
    found = rows(replace(run, others=run.others | {"theory/random_networks": random}), **contrast)
    assert found["verdict"].tolist() == ["refuted"]
    # Not of the rows in question.
    contrast["where"] = {"property": "odd"}
    found = rows(replace(run, others=run.others | {"theory/random_networks": random}), **contrast)
    assert found["verdict"].tolist() == ["theorem, no violation found"]


# Images.

CANONICAL = {"network": "biased", "features": "canonical", "signs": "both"}


def test_a_ratio_of_images_is_the_row_of_the_datasets_target(run, monkeypatch):
    # Of three networks, those of MNIST, there is no interval to go by.
    few = rows(run, of="images", where=CANONICAL).set_index("dataset").loc["mnist"]
    assert few["n"] == 3 and few[["low", "high"]].isna().all() and few["verdict"] == "too few networks"
    monkeypatch.setattr(contrasts, "FEWEST", 2)
    found = rows(run, of="images", where=CANONICAL)
    assert found[["protocol", "dataset"]].values.tolist() == [["clean", "digits"], ["clean", "mnist"]]
    for _, row in found.iterrows():
        table = run.others["images"]
        mine = table[(table["dataset"] == row["dataset"]) & (table["target"] == 0.6)]
        mine = mine[(mine["features"] == "canonical") & (mine["network"] == "biased") & (mine["signs"] == "both")]
        (expected,) = mine[["ratio", "ratio_low", "ratio_high", "n"]].values.tolist()
        assert row[["effect", "low", "high", "n"]].tolist() == expected
        # Their accuracies are 0.16 apart, and rise by 0.1 with every factor e.
        assert row["effect"] == pytest.approx(np.exp(1.6), rel=0.25)
        assert 1.1 < row["low"] < row["effect"] < row["high"]
        assert row["verdict"] == ("supported" if row["dataset"] == "digits" else "too few networks")
        assert row["cap"] == "1,000 images"


def images(run, **changes):
    """The row of digits, with changes to its row of `sample_efficiency.csv`."""
    table = run.others["images"].copy()
    chosen = (table[list(CANONICAL)] == pd.Series(CANONICAL)).all(axis=1)
    for name, value in changes.items():
        table[name] = table[name].astype(object)
        table.loc[chosen, name] = value
    given = replace(run, others=run.others | {"images": table})
    return {
        kind: rows(given, of="images", where=CANONICAL, direction=direction, margin=margin).iloc[0]
        for kind, direction, margin in (("above", "above", 1.1), ("at most", "at most", 2.0))
    }


def test_a_rival_that_never_gets_there_decides_nothing(run):
    found = images(run, ratio=np.inf, ratio_low=2.5, ratio_high=np.inf)["above"]
    assert (found["effect"], found["low"], found["high"]) == (np.inf, 2.5, np.inf)
    # The budget has ended, which says nothing of more.
    assert found["verdict"] == "not within the budget" and np.isnan(found["needed"])


def test_a_ratio_that_is_a_bound_has_one_end(run):
    interval = {"ratio": 1.5, "ratio_low": 1.4, "ratio_high": 1.6}
    exact = images(run, **interval)
    assert [exact[name]["verdict"] for name in exact] == ["supported", "supported"]
    # The model is there with the fewest images already, so the ratio is at least this: no sign that 2 is not passed.
    least = images(run, **interval | {"ratio_high": np.inf}, ratio_bound="at least")
    assert [least[name]["verdict"] for name in least] == ["supported", "inconclusive"]
    assert least["above"][["low", "high"]].tolist() == [1.4, np.inf]
    # The rival is: at most this.
    most = images(run, **interval | {"ratio_low": 0.0}, ratio_bound="at most")
    assert [most[name]["verdict"] for name in most] == ["inconclusive", "supported"]
    assert most["above"][["low", "high"]].tolist() == [0, 1.6]


def test_a_single_network_has_no_interval_of_images(run):
    found = images(run, n=1, ratio=3.0, ratio_low=3.0, ratio_high=3.0)["above"]
    assert (found["effect"], found["n"], found["verdict"]) == (3, 1, "too few networks")


def test_a_model_that_does_not_get_there_was_run_and_is_inconclusive(run):
    found = images(run, ratio=np.nan, ratio_low=np.nan, ratio_high=np.nan)["above"]
    assert (found["n"], found["verdict"], found["dataset"]) == (20, "inconclusive", "digits")
    # Without a rival there was nothing to compare.
    found = images(run, ratio=np.nan, ratio_low=np.nan, ratio_high=np.nan, reference=np.nan)["above"]
    assert (found["n"], found["dataset"]) == (0, "")


# Costs.

COST = {
    "of": "cost",
    "where": {"network": "biased"},
    "left": {"features": "canonical", "training_set": "original"},
    "right": {"features": "identity", "training_set": "augmented"},
}


def reached(table, features, target=0.6):
    """Evaluations at which each network of a model first has the target, by np.interp."""
    both = table[table["features"] == features].assign(
        both=lambda t: t[["test_accuracy", "inverted_accuracy"]].min(axis=1)
    )
    wide = both.pivot(index=["split", "seed"], columns="evaluations", values="both")
    # Up to the points at the top, where np.interp would not know which to take.
    rising = [row.drop_duplicates() for _, row in wide.iterrows()]
    return np.array([np.interp(target, row, EVALUATIONS[: len(row)]) for row in rising])


@pytest.mark.parametrize(
    ("currency", "prices"),
    [
        ("evaluations", ((0, 1), (0, 1))),
        # canonical: two operations for each of 64 pixels of 1,000 images.
        ("flop", ((128_000, 1000), (0, 1000))),
        ("seconds", ((0.5, 0.01), (0.5, 0.02))),
    ],
)
def test_a_ratio_of_costs_is_of_the_medians_in_the_currency(run, currency, prices):
    found = rows(run, currency=currency, **COST)
    assert found[["protocol", "dataset"]].values.tolist() == [["clean", "digits"]]
    row = found.iloc[0]
    needed = [np.median(reached(run.history, features)) for features in ("canonical", "identity")]
    costs = [once + each * evaluations for (once, each), evaluations in zip(prices, needed, strict=True)]
    assert row["effect"] == pytest.approx(costs[1] / costs[0])
    assert row["low"] < row["effect"] < row["high"]
    assert row["n"] == 20


def test_costs_are_of_the_whole_training_set_at_the_datasets_target(run):
    part = run.history.assign(fraction=0.5, test_accuracy=1.0, inverted_accuracy=1.0)
    wide = run.history.assign(hidden_layers="40-20", test_accuracy=1.0, inverted_accuracy=1.0)
    other = run.history.assign(study="digits-budget", test_accuracy=1.0, inverted_accuracy=1.0)
    found = rows(replace(run, history=at(run.history, part, wide, other)), currency="evaluations", **COST)
    pd.testing.assert_frame_equal(found, rows(run, currency="evaluations", **COST))
    # Where ±X does not get there, the ratio has a low end from its budget alone.
    row = rows(replace(run, targets={"digits": [0.7]}), currency="evaluations", **COST).iloc[0]
    assert row["effect"] == np.inf == row["high"] and row["cap"] == "201 evaluations"
    assert 201 / max(reached(run.history, "canonical", 0.7)) * (1 - 1e-12) <= row["low"] <= 201 / 11
    assert row["verdict"] == "not within the budget"
    # The highest target that both reach is taken, so a higher one or a lower one changes nothing.
    more = replace(run, targets={"digits": [0.5, 0.6, 0.7]})
    pd.testing.assert_frame_equal(rows(more, currency="evaluations", **COST), found)
    # Of targets that neither reaches, nothing is known.
    row = rows(replace(run, targets={"digits": [0.95]}), currency="evaluations", **COST).iloc[0]
    assert np.isnan(row["effect"]) and (row["n"], row["verdict"]) == (20, "not within the budget")
    # A dataset without a target has no costs.
    assert rows(replace(run, targets={"mnist": [0.6]}), currency="evaluations", **COST)["n"].tolist() == [0]


CONVERGENCE = COST | {"of": "convergence", "currency": "iterations"}


def test_iterations_until_convergence_are_compared_where_both_converge(run):
    networks_ = run.networks[(run.networks["study"] == "digits-clean") & (run.networks["fraction"] == 1)].copy()
    wide = networks_["features"] == "canonical"
    networks_["iterations"] = np.where(wide, 100, 300) + networks_["seed"]
    networks_["status"] = "converged_loss"
    row = rows(replace(run, networks=networks_), **CONVERGENCE).iloc[0]
    assert (row["setting"], row["n"], row["effect"]) == ("no-leak", 20, pytest.approx(308 / 108))
    assert (row["verdict"], row["cap"]) == ("supported", "200 evaluations")
    # A network that used up its budget has not converged: most are not known, or some.
    pixels = networks_["training_set"] == "augmented"
    for share, verdict in ((0.6, "not within the budget"), (0.2, "supported")):
        capped = networks_["seed"].isin([3, 5, 8] if share > 0.5 else [3])
        status = networks_["status"].where(~(pixels & capped), "max_iterations")
        row = rows(replace(run, networks=networks_.assign(status=status)), **CONVERGENCE).iloc[0]
        assert row["verdict"] == verdict and np.isinf(row["effect"]) == (share > 0.5)
    row = rows(replace(run, networks=networks_.assign(status="max_evaluations")), **CONVERGENCE).iloc[0]
    assert np.isnan(row["effect"]) and row["verdict"] == "not within the budget"


def test_a_side_of_two_cells_is_refused(run):
    with pytest.raises(ValueError, match="C0, a contrast: split 0, seed 3 is twice"):
        rows(run, **COST | {"currency": "evaluations", "left": {"training_set": "original"}})


# Evidence, and everything together.


def redo(evidence: str, run: Tables) -> float:
    """The effect of a contrast of differences, from its evidence alone."""
    file, left, right = (*evidence.split("; "), "")[:3]
    name, _, where = file.partition(" where ")
    table = {"tables/networks.csv": run.networks, **{f"{FILES.get(n, n)}.csv": t for n, t in run.others.items()}}[name]
    table = table.assign(
        both_accuracy=table.get(["test_accuracy", "inverted_accuracy"], pd.DataFrame(index=table.index)).min(axis=1),
        symmetry_gap=table.get("test_accuracy", 0) - table.get("inverted_accuracy", 0),
        random_sign_accuracy=(table.get("test_accuracy", 0) + table.get("inverted_accuracy", 0)) / 2,
    )
    if "train_accuracy" in table:
        signs = table["training_set"].map({"original": "test_accuracy"}).fillna("random_sign_accuracy")
        drawn_alike = [row[sign] for sign, (_, row) in zip(signs, table.iterrows(), strict=True)]
        table["generalisation_gap"] = table["train_accuracy"] - drawn_alike

    def matching(rows, text):
        for pair in filter(None, text.split(", ")):
            column, value = pair.split("=")
            rows = rows[rows[column].astype(str) == (f"{float(value)}" if column == "fraction" else value)]
        return rows

    def side(text):
        value, _, cell = text.removesuffix(")").partition(" (")
        if value.replace(".", "").isdecimal():
            return float(value)
        return matching(matching(table, where), cell).set_index(["split", "seed"])[value]

    return (side(left.removeprefix("left ")) - side(right.removeprefix("right "))).mean()


@pytest.fixture(scope="module")
def judged(run):
    return judge(claims.read(CLAIMS)[1], run)


def test_every_claim_of_the_workflow_has_a_verdict(judged):
    stated, rules = claims.read(CLAIMS)
    assert list(judged) == CLAIM_COLUMNS
    assert judged["id"].drop_duplicates().tolist() == [claim.id for claim in stated]
    names = judged[["id", "contrast"]].drop_duplicates().values.tolist()
    assert {(id_, name.split(";")[0]) for id_, name in names} == {(one.id, one.name.split(";")[0]) for one in rules}
    assert not judged.duplicated(["id", "contrast", "setting", "protocol", "dataset"]).any()
    kinds = judged.groupby("kind")["verdict"].agg(set)
    open_ = {"inconclusive", "too few networks", "too few units", "not within the budget"}
    assert kinds["new test"] <= {"supported", "not supported", "by construction"} | open_
    assert kinds["mathematical"] <= {"theorem, no violation found", "refuted", "inconclusive"}
    assert kinds["published contrast"].isdisjoint(kinds["new test"] - open_)
    assert set(judged.loc[judged["verdict"] == "by construction", "id"]) == {"C9"}
    # Only what was not run has no effect here, and it says so, and what does not converge.
    without = judged[judged["effect"].isna() & ~judged["verdict"].isin(["not within the budget", "too few networks"])]
    assert (without["n"] == 0).all() and without["evidence"].str.contains("not run").all()
    assert not judged.loc[judged["n"] >= 20, "verdict"].isin(["too few networks", "too few units"]).any()
    assert not judged.loc[judged["n"] >= 20, "verdict"].str.endswith("inconclusive").mean() > 0.5


def test_an_inconclusive_row_says_how_many_more_pairs_would_decide(judged):
    left = judged["verdict"].str.endswith("inconclusive")
    open_ = judged[left & (judged["n"] > 1) & np.isfinite(judged["high"])]
    assert len(open_) > 0
    assert (open_["needed"] >= 1).all()
    assert judged.loc[~left, "needed"].isna().all()


def test_rows_that_repeat_one_another_share_a_name(judged):
    shared = judged.groupby(["id", "distinct"])["contrast"].nunique()
    assert shared["C5"].tolist() == [2] and shared["C11", "cost of ±X ÷ of canonical"] == 3
    terms = judged[(judged["id"] == "C8") & judged["contrast"].str.startswith("on equal terms")]
    assert set(terms["distinct"]) == {f"on equal terms, {name}" for name in ("canonical", "neighbour")}
    alone = judged[
        ~judged["distinct"].str.startswith(("on equal", "cost of", "accuracy on X, tr", "trained to the end"))
    ]
    assert (alone["distinct"] == alone["contrast"]).all()


def test_each_difference_can_be_redone_from_its_evidence(judged, run):
    done = 0
    for _, row in judged[(judged["unit"] == "accuracy") & (judged["n"] > 0)].iterrows():
        chosen = {"protocol": row["protocol"], "dataset": row["dataset"]}
        others = {
            name: contrasts.select(table, {k: v for k, v in chosen.items() if v and k in table})
            for name, table in run.others.items()
        }
        assert redo(row["evidence"], replace(run, others=others)) == pytest.approx(row["effect"], abs=1e-12), row[
            "evidence"
        ]
        done += 1
    assert done > 20


def test_twice_gives_equal_bits_in_whatever_order_the_rows_come(run, judged):
    rules = claims.read(CLAIMS)[1]
    pd.testing.assert_frame_equal(judge(rules, run), judged, check_exact=True)
    turned = replace(
        run,
        networks=run.networks.iloc[::-1],
        history=run.history.sample(frac=1, random_state=0),
        solo=run.solo.iloc[::-1],
    )
    again = judge(rules, turned).sort_values(["id", "contrast", "setting", "dataset"], ignore_index=True)
    expected = judged.sort_values(["id", "contrast", "setting", "dataset"], ignore_index=True)
    pd.testing.assert_frame_equal(again, expected, rtol=1e-9)


# From a run's folder.


def test_the_tables_of_a_run_are_read(run, judged, tmp_path):
    write(run, tmp_path)
    theory = sorted((tmp_path / "theory").glob("*.csv"))
    studies = sorted((tmp_path / "tables").glob("*.csv"))
    read = run_tables.read(studies, theory, tmp_path, NUMBERS, SETTINGS, run.targets)
    assert set(read.others) == set(run.others)
    assert read.networks["hidden_layers"].unique().tolist() == ["10-5"]
    rules = claims.read(CLAIMS)[1]
    pd.testing.assert_frame_equal(judge(rules, read), judged, rtol=1e-12)
    # Hidden layers of one number stay text.
    run.networks.assign(hidden_layers="10").to_csv(tmp_path / "tables/networks.csv", index=False)
    read = run_tables.read(studies, [], tmp_path, NUMBERS, SETTINGS, run.targets)
    assert read.networks["hidden_layers"].unique().tolist() == ["10"]
    assert not any(name.startswith("theory/") for name in read.others)


@pytest.mark.parametrize("content", [None, "", "a,b\n1,2\n1,2,3\n"])
def test_a_table_that_is_missing_or_broken_is_named(run, tmp_path, content):
    write(run, tmp_path)
    path = tmp_path / "tables/bound.csv"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=str(path)):
        run_tables.read([path], [], tmp_path, NUMBERS, SETTINGS, run.targets)


def test_a_table_that_is_not_given_is_not_there_and_an_unknown_one_is_named(run, tmp_path):
    write(run, tmp_path)
    read = run_tables.read([tmp_path / "tables/networks.csv"], [], tmp_path, NUMBERS, SETTINGS, run.targets)
    assert read.given == {"networks"} and read.timings == {}
    rows = judge(claims.read(CLAIMS)[1], read)
    assert (rows.loc[rows["id"].isin(["C1", "C10", "C11"]), "n"] == 0).all()
    assert (rows.loc[rows["id"].isin(["C2", "C3", "C5"]), "n"] > 0).all()
    with pytest.raises(ValueError, match=r"summary.csv: is none of the tables .*: networks, history, "):
        run_tables.read([tmp_path / "summary.csv"], [], tmp_path, NUMBERS, SETTINGS, run.targets)
