"""The scripts of the claims by their command line: good input, and bad input refused in one line with nothing left."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.histories import solo
from helpers.judging import CLAIMS, as_json, tables, write
from helpers.judging import arguments as judging
from helpers.rivals import own, rival
from helpers.scripts import call, refused

from symmetry_constrained.analysis import equal_terms
from symmetry_constrained.theory import label_blind
from symmetry_constrained.theory.random_networks import DEPTHS, SCALES
from symmetry_constrained.verdicts import claims, costs, judgement
from symmetry_constrained.verdicts import page as verdict_page
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, with_holm


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The digits, and a split of them."""
    folder = tmp_path_factory.mktemp("made")
    assert call("fetch_dataset", "--dataset", "digits", "--out", folder / "data") == (0, "")
    split = ("--dataset", "digits", "--data", folder / "data", "--protocol", "clean", "--split", 2)
    assert call("make_split", *split, "--out", folder / "split-2") == (0, "")
    return folder


def given(folder, out, **options):
    """--data, --split, --out and more, by name."""
    options = {"data": folder / "data", "split": folder / "split-2", "out": out} | options
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]


# Random networks.


def test_random_networks_are_checked_on_so_many_test_images(made, tmp_path):
    out = tmp_path / "theory/random_networks.csv"
    assert call("check_random_networks", *given(made, out, networks=20, images=15)) == (0, "")
    table = pd.read_csv(out, dtype={"hidden_layers": str})
    assert len(table) == len(DEPTHS) * len(SCALES) * 4
    assert set(table["n"]) == {20}
    assert table["violation"].max() < 1e-9
    again = tmp_path / "again.csv"
    assert call("check_random_networks", *given(made, again, networks=20, images=15)) == (0, "")
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"networks": 0}, "networks: at least 1 is needed, not 0"),
        ({"images": 0}, "images: at least 1 is needed, not 0"),
        ({"images": -1}, "images: at least 1 is needed, not -1"),
        ({"data": "nowhere"}, "nowhere"),
        ({"split": "nowhere"}, "nowhere"),
    ],
)
def test_random_networks_refuse_bad_input(made, tmp_path, options, says):
    options = {"networks": 2, "images": 5} | options
    assert says in refused(tmp_path, "check_random_networks", *given(made, tmp_path / "out/table.csv", **options))


# Label-blind training.


def test_label_blind_training_writes_a_row_per_network_and_kind_of_labels(made, tmp_path):
    out = tmp_path / "theory/label_blind.csv"
    assert call("train_label_blind", *given(made, out, seeds=2, fraction=0.02)) == (0, "")
    table = pd.read_csv(out)
    assert table["labels"].tolist() == [name for name in label_blind.LABELS for _ in range(2)]
    assert table["seed"].tolist() == [0, 1] * 4
    # The split's number is its folder's.
    assert set(table["split"]) == {2}
    assert table["distance"].max() < 1e-3
    assert table["accuracy"].max() < 0.2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seeds": 0}, "need at least one array"),
        ({"fraction": 0}, "labels must be present"),
        ({"fraction": -1}, "labels must be present"),
        ({"data": "nowhere"}, "nowhere"),
        ({"split": "nowhere"}, "nowhere: a split's folder is named split-N"),
    ],
)
def test_label_blind_training_refuses_bad_input(made, tmp_path, options, says):
    options = {"seeds": 1, "fraction": 0.02} | options
    assert says in refused(tmp_path, "train_label_blind", *given(made, tmp_path / "out/table.csv", **options))


# Equal terms.


@pytest.fixture
def courses(tmp_path):
    wide = [table.assign(study="other") for table in (own(hidden_layers="8"), rival(hidden_layers="8"))]
    pd.concat([own(), rival(), *wide]).to_csv(tmp_path / "history.csv", index=False)
    solo(features="canonical").to_csv(tmp_path / "solo.csv", index=False)
    return tmp_path


def options(folder, **changes):
    given = {"history": folder / "history.csv", "studies": "made-up", "solo": folder / "solo.csv"}
    given |= {"out": folder / "out/terms.csv"} | changes
    return [part for name, value in given.items() for part in (f"--{name}", value)]


def test_equal_terms_are_of_the_studies_named(courses):
    assert call("compare_on_equal_terms", *options(courses)) == (0, "")
    table = pd.read_csv(courses / "out/terms.csv", dtype={"hidden_layers": str})
    assert list(table) == equal_terms.COLUMNS
    assert set(table["study"]) == {"made-up"} and set(table["hidden_layers"]) == {"10-5"}
    expected = equal_terms.equal_terms(pd.concat([own(), rival()]), solo(features="canonical"))
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    # Hidden layers of one number stay text.
    assert call("compare_on_equal_terms", *options(courses, studies="other")) == (0, "")
    assert "8" in (courses / "out/terms.csv").read_text().splitlines()[1].split(",")


def test_equal_terms_refuse_bad_input(courses):
    def line(**changes):
        return refused(courses, "compare_on_equal_terms", *options(courses, **changes))

    assert line(studies="nope").startswith("studies: 'nope' has no rows in ")
    for name in ("history", "solo"):
        assert "nowhere" in line(**{name: courses / "nowhere.csv"})
    broken = courses / "broken.csv"
    for content, says in (("", "No columns"), ("a,b\n1,2\n", "the column study is missing")):
        broken.write_text(content)
        assert says in line(history=broken)
    assert "solo timings: the column" in line(solo=broken)
    own().drop(columns="iterations").to_csv(broken, index=False)
    assert line(history=broken).startswith("history: the column iterations is missing; there are study, ")


# Judging.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a made-up run, and its tables."""
    folder, made_up = tmp_path_factory.mktemp("run"), tables()
    write(made_up, folder)
    return folder, made_up


def test_judging_writes_the_table_and_the_page(run, tmp_path):
    assert call("judge_claims", *judging(run, tmp_path)) == (0, "")
    written = pd.read_csv(tmp_path / "tables/claims.csv")
    stated, rules = claims.read(CLAIMS)
    expected = with_holm(judgement.judged(rules, run[1]))
    assert list(written) == CLAIM_COLUMNS
    assert written["verdict"].tolist() == expected["verdict"].tolist()
    np.testing.assert_allclose(written["effect"], expected["effect"], rtol=1e-12)
    page = (tmp_path / "verdicts.md").read_text(encoding="utf-8")
    places, leaking = (pd.read_csv(tmp_path / f"tables/{name}.csv") for name in ("settings", "leak"))
    each = costs.read(tmp_path, {claim.id: [] for claim in stated})
    assert page == verdict_page.page(written, stated, places, leaking, each)
    assert places["setting"].tolist() == [one.name for one in run[1].settings]
    assert set(leaking["setting"]) == {"paper"} and set(leaking["without"]) == {"no-leak"}
    first = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert call("judge_claims", *judging(run, tmp_path / "again")) == (0, "")
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert again == first


def test_without_the_experiments_on_theory_their_claims_are_said_not_to_have_been_run(run, tmp_path):
    assert call("judge_claims", *judging(run, tmp_path, theory=[])) == (0, "")
    written = pd.read_csv(tmp_path / "tables/claims.csv")
    _, rules = claims.read(CLAIMS)
    of_theory = [rule.name for rule in rules if rule.of.startswith("theory/")]
    missing = written[written["contrast"].isin(of_theory)]
    assert len(missing) == len(of_theory) > 0
    assert (missing["n"] == 0).all() and set(missing["verdict"]) == {"inconclusive"}
    # In one setting, too.
    assert call("judge_claims", *judging(run, tmp_path, settings=as_json(run[1].settings[1:2]))) == (0, "")
    judged = pd.read_csv(tmp_path / "tables/claims.csv").query("setting == setting")
    assert len(judged) and set(judged["setting"]) == {"no-leak"} and set(judged["protocol"]) == {"clean"}
    # The paper's effect is compared in its own setting alone.
    assert judged["published"].isna().all()


def test_a_claim_judged_by_itself_has_the_rows_that_it_has_among_all(run, tmp_path):
    assert call("judge_claims", *judging(run, tmp_path / "all")) == (0, "")
    among = pd.read_csv(tmp_path / "all/tables/claims.csv", dtype=str)
    jobs = ["--jobs=C8=train_batch/x-0", "--jobs=C1=train_batch/y-0", "--jobs=C8=time_solo"]
    for name in ("train_batch/x-3", "time_solo"):
        path = run[0] / f"benchmarks/{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\tmax_rss\n70\t500\n")
    assert call("judge_claims", *judging(run, tmp_path / "one"), "--claim", "C8", *jobs) == (0, "")
    alone = pd.read_csv(tmp_path / "one/tables/claims.csv", dtype=str)
    assert alone["p_holm"].isna().all() and among.loc[among["id"] == "C8", "p_holm"].notna().any()
    expected = among[among["id"] == "C8"].drop(columns="p_holm").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.drop(columns="p_holm"), expected, check_dtype=False)
    page = (tmp_path / "one/verdicts.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)", page, re.M) == ["Headlines", "C8"]
    assert re.search(r"\| C8 +\| `snakemake --cores all claim_C8` +\| 2 +\| 2 min +\| 500 MB +\|", page)
    assert "claim_C1`" not in page and "Holm's adjustment is over the headlines of all claims" in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"settings": "paper"}, "settings: Expecting value"),
        ({"settings": "[]"}, "settings: 'list' object has no attribute 'items'"),
        ({"settings": '{"paper": {"study": "digits-published"}}'}, "settings: "),
        ({"targets": ["digits"]}, "target: 'digits' is not a dataset and an accuracy"),
        ({"claims_": "nowhere.yaml"}, "nowhere.yaml"),
        ({"numbers": "nowhere.csv"}, "nowhere.csv"),
        ({"studies": ["nowhere/tables/networks.csv"]}, "nowhere/tables/networks.csv"),
        ({"theory": ["nowhere.csv"]}, "nowhere.csv"),
    ],
)
def test_judging_refuses_bad_input(run, tmp_path, changes, says):
    assert says in refused(tmp_path, "judge_claims", *judging(run, tmp_path / "out", **changes))


def test_judging_refuses_a_claim_that_there_is_not(run, tmp_path):
    line = refused(tmp_path, "judge_claims", *judging(run, tmp_path / "out"), "--claim", "C99")
    assert line.startswith("claim: 'C99' is unknown; choose one of C1, C2, ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: new test", "kind: hunch", "kind is 'hunch'; it must be one of"),
        ("{ value: test_accuracy }", "{ value: accuracy_on_x }", "the column accuracy_on_x is missing"),
        ("network: biased,", "netwrok: biased,", "the column netwrok is missing"),
        ("claims:", "claims: [", "every claim has an id"),
    ],
)
def test_judging_refuses_claims_that_cannot_be_computed(run, tmp_path, old, new, says):
    text = CLAIMS.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "claims.yaml").write_text(text.replace(old, new), encoding="utf-8")
    arguments = judging(run, tmp_path / "out", claims_=tmp_path / "claims.yaml")
    assert says in refused(tmp_path, "judge_claims", *arguments)
