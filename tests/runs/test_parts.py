"""What a claim, or one of the paper's tables, needs by itself: against what judging it really reads."""

from dataclasses import asdict, replace

import pandas as pd
import pytest
from helpers.configurations import configuration
from helpers.judging import CLAIMS, NUMBERS, SETTINGS, tables

from symmetry_constrained.analysis import equal_terms, sample_efficiency
from symmetry_constrained.analysis.bound import BOUND_KEYS
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import judged_settings, parts
from symmetry_constrained.verdicts import claims, judgement, published
from symmetry_constrained.verdicts.settings import Setting

CELL = ["study", "features", "training_set", "hidden_layers"]
STATED, RULES = claims.read(CLAIMS)
# Claims about theory alone are of no trained network of a study.
OF_THEORY = {"C12", "C13", "C14", "C15", "C16"}
EVALUATIONS = (20, 60, 201)


def history(networks):
    """Every network's course to where it ended, by three checkpoints."""
    rows = networks.drop(columns=["status", "train_accuracy"])
    points = []
    for evaluations in EVALUATIONS:
        reached = {name: rows[name] * evaluations / EVALUATIONS[-1] for name in ("test_accuracy", "inverted_accuracy")}
        counts = {"evaluations": evaluations, "iterations": evaluations - 1, "flop": 1000 * evaluations}
        points.append(rows.assign(**reached, **counts))
    return pd.concat(points, ignore_index=True)


def bound(networks):
    found = networks.groupby(BOUND_KEYS, sort=False, as_index=False).agg(networks=("seed", "size"))
    function = found["network"].map({"biased": "not odd", "bias-free": "odd"})
    return found.assign(function=function, violations=0)


def with_derived(run, networks, courses, names=("equal_terms", "images", "bound")):
    """Of the tables that are made from networks and histories those named, made from these."""
    targets = {"digits": [0.6, 0.75], "mnist": [0.6]}
    make = {
        "equal_terms": lambda: equal_terms.equal_terms(courses, run.solo, 100),
        "images": lambda: sample_efficiency.sample_efficiency(networks, targets),
        "bound": lambda: bound(networks),
    }
    others = {name: make[name]() for name in make if name in names}
    return replace(run, networks=networks, history=courses, others=run.others | others)


@pytest.fixture(scope="module")
def run():
    """A whole run, in which every network has a history."""
    made = tables()
    # One split is enough to tell who has a history.
    return with_derived(made, made.networks, history(made.networks[made.networks["split"] == 0]))


@pytest.fixture(scope="module")
def batches(run):
    """The run's batches, one for all splits of a cell."""
    return {
        (*cell, "0"): rows.iloc[0][["study", "dataset", "protocol", "features", "training_set"]].to_dict()
        | {name: rows[name[:-1]].unique().tolist() for name in ("networks", "fractions")}
        for cell, rows in run.networks.groupby(CELL, sort=False)
    }


@pytest.fixture(scope="module")
def of_claims(batches):
    named = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in SETTINGS}
    return parts.of_claims(CLAIMS, named, batches)


def part_of(run, part, but=None):
    """The run as far as a part needs it, perhaps but for one of its cells."""
    cells = {key[:-1] for key in part.batches} - {but}

    def own(table):
        return table[pd.MultiIndex.from_frame(table[CELL]).isin(cells)] if len(cells) else table.iloc[:0]

    known = with_derived(run, own(run.networks), own(run.history), part.tables) if cells else run
    given = {name: getattr(known, name) for name in ("networks", "history", "solo")} | known.others
    given = {name: table for name, table in given.items() if name in part.tables}
    judged_in = [Setting(name=name, **values) for name, values in part.settings.items()]
    main = {name: given.pop(name, pd.DataFrame()) for name in ("networks", "history", "solo")}
    return replace(run, **main, others=given, settings=judged_in)


def judged(id_, run):
    return judgement.judged(claims.only(id_, STATED, RULES)[1], run)


@pytest.mark.parametrize("id_", [claim.id for claim in STATED])
def test_judged_by_what_it_needs_a_claim_has_the_rows_of_the_whole_run(run, of_claims, id_):
    part = of_claims[f"claim_{id_}"]
    assert bool(part.batches) == (id_ not in OF_THEORY)
    found, expected = judged(id_, part_of(run, part)), judged(id_, run)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert expected["n"].max() > 0 or id_ in OF_THEORY


# Judging without each cell in turn takes long: two claims by default, of few cells and of a ratio, all under `slow`.
OF_CELLS = [claim.id for claim in STATED if claim.id not in OF_THEORY]


@pytest.mark.parametrize(
    "id_", [pytest.param(id_, marks=() if id_ in ("C5", "C10") else pytest.mark.slow) for id_ in OF_CELLS]
)
def test_without_any_one_of_the_cells_that_a_claim_needs_its_rows_are_others(run, of_claims, id_):
    part = of_claims[f"claim_{id_}"]
    whole = judged(id_, run)
    for cell in {key[:-1] for key in part.batches}:
        assert not judged(id_, part_of(run, part, but=cell)).equals(whole), cell


@pytest.mark.parametrize("id_", [claim.id for claim in STATED])
def test_without_any_one_of_the_tables_that_a_claim_needs_its_rows_are_others(run, of_claims, id_):
    part = of_claims[f"claim_{id_}"]
    whole = judged(id_, part_of(run, part))
    for name in part.tables & part_of(run, part).given:
        rest = replace(part, tables=part.tables - {name})
        assert not judged(id_, part_of(run, rest)).equals(whole), name


# By the configurations that come with the study.


@pytest.fixture(scope="module")
def default():
    config = configuration("config")
    return config, settings.batches(config)


def default_claims(default):
    config, known = default
    return parts.of_claims(CLAIMS, judged_settings.with_attributes(config), known)


def test_what_some_claims_need_of_the_default_study(default):
    found = default_claims(default)
    assert list(found) == [f"claim_{claim.id}" for claim in STATED]
    config, known = default
    # Bias-free networks on the pixels of X, wherever a setting has them.
    expected = [
        (setting["study"], "identity", "original", "-".join(map(str, setting["hidden_layers"])))
        for setting in config["settings"].values()
        if "bias-free" in config["studies"][setting["study"]]["networks"]
    ]
    assert {key[:-1] for key in found["claim_C2"].batches} == set(expected)
    assert found["claim_C2"].batches == [key for key in known if key[:-1] in set(expected)]
    assert found["claim_C2"].tables == {"networks"}
    # Two experiments, and no network of a study.
    assert found["claim_C13"] == parts.Part("C13", [], {"theory/mirrored_pairs", "theory/amplification"})
    # Averaging is of other studies than the setting's.
    studies = {key[0] for key in found["claim_C8"].batches}
    assert {"digits-clean", "digits-averaged-logits", "digits-averaged-units"} <= studies
    assert "talk" in found["claim_C8"].settings and "talk" not in found["claim_C2"].settings
    # Seconds are of networks that were timed alone.
    assert {name for name, part in found.items() if "solo" in part.tables} == {"claim_C8", "claim_C11"}
    # A rival that ±X has no part in.
    assert {key[2] for key in found["claim_C10"].batches if key[0] == "digits-clean"} == {
        "original",
        "augmented",
        "random-sign",
    }


def test_what_no_claim_reads_is_known(default):
    found = default_claims(default)
    read = {key[:-1] for part in found.values() for key in part.batches}
    # Random signs are judged by learning curves, and all bias-free networks by the bound: this study has neither.
    assert {key[:-1] for key in default[1]} - read == {("digits-mirrored-start", "identity", "random-sign", "10-5")}


def test_what_the_papers_tables_need(default):
    config, known = default
    numbers = published.read(NUMBERS)
    found = parts.of_tables(config, numbers, known)
    assert list(found) == ["table1", "table2", "talk"]
    for name, table in (("table1", "1"), ("table2", "2"), ("talk", "talk")):
        own, part = numbers[numbers["table"] == table], found[name]
        assert part.of == table and part.published == own["id"].drop_duplicates().tolist()
        placed = config["published_numbers"][own["dataset"].iloc[0]]
        cells = {tuple(row) for row in own[["features", "training_set"]].to_numpy()}
        studies = (placed["study"], placed["clean_study"])
        assert {key[:-1] for key in part.batches} == {(study, *cell, "10-5") for study in studies for cell in cells}
        assert part.of_study(studies) == list(studies)


def test_a_table_of_which_no_number_is_compared_is_no_part():
    config = configuration("paper")
    assert list(parts.of_tables(config, published.read(NUMBERS), settings.batches(config))) == ["table1", "table2"]


def test_benchmarks_are_called_after_the_features_that_are_trained(default):
    known = default[1]
    part = replace(
        parts.Part("C1", []),
        batches=[key for key in known if key[:4] == ("digits-clean", "canonical", "original", "10-5")],
    )
    assert parts.benchmarks(part, known) == ["train_batch/digits-clean-identity-original-10-5-0"]
    both = replace(part, batches=[key for key in known if key[0] == "digits-averaged-units"])
    assert parts.benchmarks(both, known) == ["train_batch/digits-averaged-units-identity-original-10-5-0"]


def test_what_looks_like_a_part_and_is_none_is_refused_in_one_line():
    known = ["claim_C1", "claim_C2", "table1"]
    parts.check_asked(["all", "claim_C2", "table1", "--config", "results=claim_9", "figures"], known)
    for word in ("claim_C99", "claim_c1", "claim_", "table3", "table_1"):
        with pytest.raises(ValueError, match=rf"^{word}: is neither a claim nor a table .*claim_C1, claim_C2, table1$"):
            parts.check_asked(["--cores", "1", word], known)
