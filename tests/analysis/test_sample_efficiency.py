"""Images needed and their ratios on made-up models whose curves and factors are known."""

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import call
from helpers.synthetic import at, networks

from symmetry_constrained.analysis.accuracy_targets import read_targets
from symmetry_constrained.analysis.sample_efficiency import COLUMNS, sample_efficiency

FRACTIONS = (0.01, 0.03, 0.1, 0.3, 1.0)
IMAGES = np.array([10, 30, 100, 300, 1000])
MANY = [(split, seed) for split in range(6) for seed in range(5)]


def learner(saves, noise=0.0, slope=0.1, **model):
    """A model whose accuracy grows with log(images), as that of another would with `saves` times as many."""
    accuracy = 0.4 + slope * np.log(saves * IMAGES / 10)[:, None] + noise
    return networks(fractions=FRACTIONS, pairs=MANY, test_accuracy=accuracy, inverted_accuracy=accuracy, **model)


def found(table, signs, features, network="biased", target=0.6, **cell):
    cell = {"signs": signs, "features": features, "network": network, "target": target} | cell
    rows = table[(table[list(cell)] == pd.Series(cell)).all(axis=1)]
    assert len(rows) == 1
    return rows.iloc[0]


NOISE = np.random.default_rng(4).normal(0, 0.02, (1, len(MANY))) + np.random.default_rng(5).normal(0, 0.01, 6).repeat(5)


@pytest.mark.parametrize(("signs", "rival"), [("both", "augmented"), ("random-sign", "random-sign")])
def test_a_known_factor_of_two_is_found(signs, rival):
    own_noise = np.random.default_rng(6).normal(0, 0.01, (2, 5, len(MANY)))
    table = at(
        learner(1, NOISE + own_noise[0], training_set=rival),
        learner(2, NOISE + own_noise[1], features="canonical"),
    )
    measured = sample_efficiency(table, {"digits": [0.6]})
    row = found(measured, signs, "canonical")
    assert row["reference"] == f"biased identity/{rival}"
    assert row["ratio"] == pytest.approx(2, rel=0.1)
    assert 1.4 < row["ratio_low"] < 2 < row["ratio_high"] < 3
    # 0.4 + 0.1 log(2 n / 10) = 0.6
    assert row["images"] == pytest.approx(5 * np.exp(2), rel=0.5)
    assert row["low"] < 5 * np.exp(2) < row["high"]
    assert not row["at_most"] and row["reached"] == 1 and pd.isna(row["ratio_bound"]) and row["n"] == 30
    alike = found(measured, signs, "identity")
    assert alike[["ratio", "ratio_low", "ratio_high"]].tolist() == [1, 1, 1]


def test_without_noise_the_images_are_those_of_the_curve():
    table = at(learner(1, training_set="augmented"), learner(3, features="square"))
    measured = sample_efficiency(table, {"digits": [0.6, 0.65], "mnist": [0.9]})
    assert set(measured["target"]) == {0.6, 0.65}
    for target in (0.6, 0.65):
        pixels = found(measured, "both", "identity", target=target)
        # The number of images, of which ±X shows each twice.
        assert pixels["images"] == pytest.approx(10 * np.exp((target - 0.4) / 0.1), rel=1e-9)
        assert found(measured, "both", "square", target=target)["ratio"] == pytest.approx(3, rel=1e-9)


def test_both_asks_for_the_lower_accuracy_and_random_sign_for_their_mean():
    curve = 0.4 + 0.1 * np.log(IMAGES / 10)[:, None]
    table = networks(fractions=FRACTIONS, test_accuracy=curve + 0.2, inverted_accuracy=curve)
    measured = sample_efficiency(table, {"digits": [0.6]})
    assert found(measured, "both", "identity")["images"] == pytest.approx(10 * np.exp(2))
    assert found(measured, "random-sign", "identity")["images"] == pytest.approx(10 * np.exp(1))
    # No rival was trained.
    assert measured[["reference", "ratio", "ratio_low", "ratio_high", "ratio_bound"]].isna().all(axis=None)


def test_bias_free_networks_are_held_against_both_rivals():
    table = at(
        learner(1, training_set="augmented"),
        learner(1, training_set="random-sign"),
        # Bias-free networks never learn from ±X.
        learner(1, training_set="augmented", network="bias-free", slope=0.0),
        learner(2, features="square", network="bias-free"),
    )
    measured = sample_efficiency(table, {"digits": [0.6]})
    rows = measured[(measured["features"] == "square") & (measured["signs"] == "both")]
    assert rows["reference"].tolist() == ["biased identity/augmented", "bias-free identity/augmented"]
    assert rows["ratio"].tolist() == [pytest.approx(2), np.inf]
    # Without noise the ends are the ratio; the second rival needs more than the most images that it was trained on.
    assert rows["ratio_low"].tolist() == pytest.approx([2, 1000 / rows["images"].iloc[0]])
    assert rows["ratio_high"].tolist() == [pytest.approx(2), np.inf]
    assert rows["images"].nunique() == 1
    # The rival itself has no number of images, and so no ratio.
    unreached = measured[(measured["network"] == "bias-free") & (measured["training_set"] == "augmented")]
    assert unreached[["images", "low", "high", "ratio", "ratio_high"]].isna().all(axis=None)
    assert (unreached["reached"] == 0).all() and not unreached["at_most"].any()
    assert found(measured, "random-sign", "square", "bias-free")["reference"] == "biased identity/random-sign"


def test_what_may_not_be_reached_has_an_interval_without_an_end():
    reaching = np.repeat([0.0, 0.0, 0.0, 0.0, 0.0, 0.06], 5)
    table = at(learner(1, training_set="augmented"), learner(1, reaching, features="square"))
    # On all images the mean is 0.8605 + 0.01, with a standard error of 0.01: one split in six lifts it.
    row = found(sample_efficiency(table, {"digits": [0.865]}), "both", "square", target=0.865)
    assert 900 < row["images"] < 1000
    assert row["reached"] == pytest.approx(1 / 6)
    assert 700 < row["low"] < row["images"]
    assert np.isnan(row["high"])
    # The rival never gets there, and the model may not: the ratio can be anything.
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == [np.inf, 0, np.inf]
    # Two models lifted by different splits: either may be the only one to get there.
    lifted = at(learner(1, reaching[::-1], training_set="augmented"), learner(1, reaching, features="square"))
    row = found(sample_efficiency(lifted, {"digits": [0.865]}), "both", "square", target=0.865)
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == [pytest.approx(1), 0, np.inf]


def test_a_ratio_is_a_bound_where_the_smallest_fraction_is_enough():
    table = at(learner(1, training_set="augmented"), learner(20, features="square"), learner(9, features="permuted"))
    measured = sample_efficiency(table, {"digits": [0.5, 0.62, 0.65, 0.7]})
    early = found(measured, "both", "square", target=0.65)
    assert early["at_most"] and early["images"] == 10 and early["ratio_bound"] == "at least"
    assert early["ratio"] == early["ratio_low"] == pytest.approx(np.exp(2.5)) and early["ratio_high"] == np.inf
    assert not found(measured, "both", "permuted", target=0.65)["at_most"]
    # The rival there at once, the model not: at most.
    turned = at(learner(1, training_set="augmented", noise=0.3), learner(1, features="square"))
    row = found(sample_efficiency(turned, {"digits": [0.6]}), "both", "square")
    assert row["ratio_bound"] == "at most" and row["ratio"] == row["ratio_high"] == pytest.approx(np.exp(-2))
    assert row["ratio_low"] == 0
    # Both: nothing is known of the ratio.
    row = found(sample_efficiency(turned, {"digits": [0.4]}), "both", "square", target=0.4)
    assert row["at_most"] and row[["ratio", "ratio_bound"]].isna().all()


def test_rivals_have_the_same_hidden_layers_and_studies_stay_apart():
    table = at(
        learner(1, training_set="augmented"),
        learner(2, features="square", hidden_layers="40-20"),
        learner(2, features="square").assign(study="other"),
    )
    measured = sample_efficiency(table, {"digits": [0.6]})
    assert measured[measured["features"] == "square"]["ratio"].isna().all()
    wide = at(table, learner(0.5, training_set="augmented", hidden_layers="40-20"))
    row = found(sample_efficiency(wide, {"digits": [0.6]}), "both", "square", hidden_layers="40-20", study="made-up")
    assert row["ratio"] == pytest.approx(4)


def test_a_model_trained_on_one_fraction_has_no_curve():
    table = at(networks("square"), learner(1))
    measured = sample_efficiency(table, {"digits": [0.6]})
    assert set(measured["features"]) == {"identity"}
    assert list(sample_efficiency(networks(), {"digits": [0.6]})) == COLUMNS
    assert sample_efficiency(networks(), {"digits": [0.6]}).empty


def test_failed_networks_leave_the_curve():
    table = learner(1, features="square")
    failed = table["seed"] == 3
    broken = table.assign(
        status=np.where(failed, "non_finite", "converged_loss"),
        test_accuracy=np.where(failed, 0.1, table["test_accuracy"]),
    )
    whole, rest = (sample_efficiency(t, {"digits": [0.6]}) for t in (table, broken))
    assert rest["images"].to_numpy() == pytest.approx(whole["images"].to_numpy())
    assert (whole["n"] == 30).all() and (rest["n"] == 24).all()


def test_twice_gives_equal_bits_in_whatever_order_the_rows_come():
    table = at(learner(1, NOISE, training_set="augmented"), learner(2, NOISE, features="square"))
    once, twice = (sample_efficiency(table, {"digits": [0.6]}) for _ in range(2))
    pd.testing.assert_frame_equal(once, twice, check_exact=True)
    turned = sample_efficiency(table.iloc[::-1], {"digits": [0.6]}).sort_values(["signs", "features"])
    pd.testing.assert_frame_equal(
        turned.reset_index(drop=True), once.sort_values(["signs", "features"]).reset_index(drop=True), rtol=1e-9
    )


def test_targets_are_read_from_their_options():
    texts = ["digits=0.7", "mnist=0.8", "digits=.65", "digits=0.7", "kmnist=1"]
    assert read_targets(texts) == {"digits": [0.7, 0.65], "mnist": [0.8], "kmnist": [1.0]}


@pytest.mark.parametrize(
    "text", ["digits", "digits=", "=0.7", "digits=70", "digits=0", "digits=-1", "digits=1.5", "a=nan"]
)
def test_an_option_that_is_no_target_is_refused(text):
    with pytest.raises(ValueError, match=r"target: .* is not a dataset and an accuracy above 0"):
        read_targets([text])


def test_the_script_writes_the_table(tmp_path):
    table, out = at(learner(1, training_set="augmented"), learner(2, features="square")), tmp_path / "out.csv"
    table.to_csv(tmp_path / "networks.csv", index=False)
    options = ("--networks", tmp_path / "networks.csv", "--out", out)
    assert call("measure_efficiency", *options, "--target", "digits=0.6", "--target", "digits=0.95") == (0, "")
    read = pd.read_csv(out)
    assert list(read) == COLUMNS
    assert found(read, "both", "square")["ratio"] == pytest.approx(2)
    assert np.isnan(found(read, "both", "square", target=0.95)["images"])
    status, line = call("measure_efficiency", *options[:2], "--out", tmp_path / "none.csv", "--target", "0.6")
    assert status == 1 and line.startswith("measure_efficiency.py: target: '0.6'")
    assert not (tmp_path / "none.csv").exists()
