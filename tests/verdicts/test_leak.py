"""The leak, on made-up networks with and without it: what changes, by how much, and what is compared at all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.judging import CLAIMS, PAIRS, SETTINGS, setting, tables
from helpers.synthetic import at

from symmetry_constrained.verdicts import claims, contrasts, leak, leak_text
from symmetry_constrained.verdicts.rules import Rule

RULE = Rule(
    "C2",
    "a title",
    "2.2",
    "accuracy on X − on −X",
    "published contrast",
    "networks",
    "above",
    0.02,
    where={"network": "biased", "features": "identity", "training_set": "original"},
    left={"value": "test_accuracy"},
    right={"value": "inverted_accuracy"},
)


@pytest.fixture(scope="module")
def run():
    return tables()


def moved(run, by, spread=0.0, pairs=PAIRS):
    """The leaking study as the clean one, its accuracies on X higher by so much."""
    clean = run.networks[(run.networks["study"] == "digits-clean") & (run.networks["fraction"] == 1)]
    keep = pd.MultiIndex.from_frame(clean[["split", "seed"]]).isin(pairs)
    leaking = clean[keep].assign(study="digits-published", protocol="published")
    noise = spread * np.random.default_rng(1).normal(size=len(leaking))
    return replace(run, networks=at(clean, leaking.assign(test_accuracy=leaking["test_accuracy"] + by + noise)))


def test_equal_networks_are_compared_at_equal_splits_and_seeds(run):
    given = moved(run, 0.1, 0.01, [*PAIRS[:12], *PAIRS[13:]])
    # What has no counterpart is left out, and so counts in neither mean.
    extra = given.networks[given.networks["study"] == "digits-published"].assign(split=99, test_accuracy=1.0)
    given = replace(given, networks=at(given.networks, extra.drop_duplicates(["features", "training_set", "network"])))
    row = leak.leak([RULE], given).iloc[0]
    assert (row["setting"], row["without"], row["dataset"], row["n"]) == ("paper", "no-leak", "digits", 19)
    assert row["change"] == pytest.approx(row["effect"] - row["effect_without"]) == pytest.approx(0.1, abs=0.01)
    assert row["low"] < row["change"] < row["high"]


@pytest.mark.parametrize(
    ("by", "spread", "expected"),
    [(0.0, 0.002, "equivalent"), (0.1, 0.002, "changes"), (-0.1, 0.002, "changes"), (0.0, 0.2, "inconclusive")],
)
def test_the_verdict_is_by_the_margin(run, by, spread, expected):
    assert leak.leak([RULE], moved(run, by, spread))["verdict"].tolist() == [expected]
    # 19 pairs say nothing.
    assert leak.leak([RULE], moved(run, by, spread, PAIRS[1:]))["verdict"].tolist() == ["too few networks"]


def test_only_published_contrasts_and_only_a_dataset_with_shifted_copies_are_compared(run):
    assert leak.leak([replace(RULE, kind="new test")], run).empty
    mnist = [setting("a", "digits-published", "mnist", "published"), setting("b", "digits-clean", "mnist")]
    assert leak.leak([RULE], replace(run, settings=mnist)).empty
    assert leak.leak([RULE], replace(run, settings=SETTINGS[:1])).empty
    assert leak.leak([replace(RULE, settings={"activation": ["relu"]})], run).empty
    table = leak.leak(claims.read(CLAIMS)[1], run)
    assert list(table) == leak.COLUMNS and set(table["id"]) == {"C2", "C3", "C4", "C5", "C6", "C7", "C8"}


def test_the_interval_is_that_of_the_paired_differences(run):
    given = moved(run, 0.05, 0.02)
    wide = given.networks[given.networks["network"] == "biased"]
    wide = wide[(wide["features"] == "identity") & (wide["training_set"] == "original")]
    own = (wide["test_accuracy"] - wide["inverted_accuracy"]).set_axis(
        pd.MultiIndex.from_frame(wide[["protocol", "split", "seed"]])
    )
    expected = contrasts.of_pairs(own["published"] - own["clean"], (-2, 2))
    row = leak.leak([RULE], given).iloc[0]
    assert row[["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])


def said(*verdicts, changes=(0.01, -0.04, 0.002)):
    rows = [
        dict.fromkeys(leak.COLUMNS, 0.0)
        | {"id": f"C{number}", "contrast": "left − right", "dataset": "digits", "n": 40, "verdict": verdict}
        | {"change": changes[number], "effect": 0.3 + changes[number], "effect_without": 0.3}
        for number, verdict in enumerate(verdicts)
    ]
    return leak_text.sentences(pd.DataFrame(rows, columns=leak.COLUMNS))


def test_the_answer_counts_what_was_judged_and_names_what_changes():
    text = said("equivalent", "changes", "inconclusive")
    assert "The 3 published contrasts" in text and "(N = 40)" in text
    assert "1 equal within the margin, 1 beyond it, 1 open" in text
    assert "0.010 (median), at most by 0.040 (C1, left − right)" in text
    assert text.endswith("Changed: C1, left − right: 0.260 with the leak, 0.300 without.")
    assert "Changed" not in said("equivalent") and "The 1 published" in said("equivalent", "too few networks")
    for nothing in (said(), said("too few networks")):
        assert "can't say" in nothing


def test_it_reads_alike_from_a_file(run, tmp_path):
    table = leak.leak(claims.read(CLAIMS)[1], run)
    table.to_csv(tmp_path / "leak.csv", index=False)
    assert leak_text.sentences(pd.read_csv(tmp_path / "leak.csv")) == leak_text.sentences(table)
