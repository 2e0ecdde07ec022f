"""The check of R + R̄ <= 1 against loops over single images, and that it finds what breaks it."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from symmetry_constrained.analysis import bound

CLASSES, TESTED = 10, 60


def batch(study="small", features="neighbour", fractions=(0.1, 1.0), seeds=(4, 7)):
    """networks.csv, predictions and labels of a batch whose bias-free networks are odd."""
    random = np.random.default_rng(1)
    labels = random.integers(0, CLASSES, TESTED).astype(np.uint8)
    identity = {"study": study, "dataset": "digits", "protocol": "clean", "split": 2, "features": features}
    identity |= {"training_set": "original", "hidden_layers": "10-5"}
    networks = pd.DataFrame(
        [
            identity | {"fraction": fraction, "network": network, "seed": seed, "extra": 0.0}
            for fraction in fractions
            for network in ("biased", "bias-free")
            for seed in seeds
        ]
    )
    predictions = {}
    for fraction in fractions:
        logits = random.normal(size=(2 * len(seeds), TESTED, CLASSES)) + 2 * np.eye(CLASSES)[labels]
        negated = np.concatenate([random.normal(size=logits[: len(seeds)].shape), -logits[len(seeds) :]])
        # Invariant features: x and -x are one input, so predictions are equal.
        for name, values in {"original": logits, "inverted": logits, "negated": negated}.items():
            predictions[f"{fraction:g}/{name}"] = values.argmax(-1).astype(np.uint8)
    return networks, predictions, labels


def naive(networks, predictions, labels):
    """One dictionary per network, an image at a time."""
    found, position = [], {}
    for _, row in networks.iterrows():
        index = position[row["fraction"]] = position.get(row["fraction"], -1) + 1
        counts = dict.fromkeys(("original", "inverted", "negated", "right_both_ways"), 0)
        for image, label in enumerate(labels):
            right = {
                name: predictions[f"{row['fraction']:g}/{name}"][index][image] == label
                for name in ("original", "inverted", "negated")
            }
            for name, value in right.items():
                counts[name] += bool(value)
            counts["right_both_ways"] += bool(right["original"] and right["negated"])
        found.append({key: count / (1 if key == "right_both_ways" else len(labels)) for key, count in counts.items()})
    return pd.DataFrame(found)


def test_each_network_is_checked_as_a_loop_over_images_does():
    networks, predictions, labels = batch()
    checked = bound.check(networks, predictions, labels)
    expected = naive(networks, predictions, labels)
    assert len(checked) == 8
    for name in expected:
        np.testing.assert_array_equal(checked[name], expected[name], err_msg=name)
    kept = [*bound.BOUND_KEYS, "split", "fraction", "hidden_layers", "seed"]
    pd.testing.assert_frame_equal(checked[kept], networks[kept])


def test_the_summary_is_the_largest_sum_of_each_cell():
    parts = [batch(features=features) for features in ("neighbour", "square")]
    checked = pd.concat([bound.check(*part) for part in parts], ignore_index=True)
    checked.loc[checked["features"] == "square", "original"] += 0.25
    summary = bound.summarise(checked)
    assert summary[["features", "network"]].values.tolist() == [
        ["neighbour", "biased"],
        ["neighbour", "bias-free"],
        ["square", "biased"],
        ["square", "bias-free"],
    ]
    for _, row in summary.iterrows():
        mine = [r for _, r in checked.iterrows() if (r["features"], r["network"]) == (row["features"], row["network"])]
        assert row["networks"] == len(mine) == 4
        assert row["largest_sum_inverted"] == max(r["original"] + r["inverted"] for r in mine)
        assert row["largest_sum_negated"] == max(r["original"] + r["negated"] for r in mine)
        assert row["right_both_ways"] == sum(r["right_both_ways"] for r in mine)


def test_odd_networks_keep_the_bound_on_their_inputs_though_invariant_features_double_it_on_images():
    summary = bound.summarise(bound.check(*batch())).set_index("network")
    assert summary.loc["bias-free", "violations"] == 0
    assert summary.loc["bias-free", "right_both_ways"] == 0
    assert summary.loc["bias-free", "largest_sum_negated"] <= 1
    assert summary.loc["bias-free", "largest_sum_inverted"] > 1


def test_one_forged_prediction_is_a_violation():
    networks, predictions, labels = batch()
    index = (networks["network"] == "bias-free").to_numpy()[:4].nonzero()[0][1]
    image = np.flatnonzero(predictions["1/original"][index] == labels)[0]
    predictions["1/negated"][index, image] = labels[image]
    checked = bound.check(networks, predictions, labels)
    summary = bound.summarise(checked).set_index("network")
    # Of four bias-free networks one has an input right both ways, though its R + R̄ stays below 1.
    assert summary.loc["bias-free", "violations"] == 1
    assert summary.loc["bias-free", "right_both_ways"] == 1
    assert summary.loc["bias-free", "largest_sum_negated"] < 1


def test_a_sum_above_one_is_a_violation_and_a_biased_network_violates_nothing():
    networks, predictions, labels = batch()
    for name in ("original", "negated"):
        predictions[f"0.1/{name}"][:] = labels
    summary = bound.summarise(bound.check(networks, predictions, labels)).set_index("network")
    assert summary.loc["bias-free", ["violations", "largest_sum_negated"]].tolist() == [2, 2.0]
    assert summary.loc["biased", "violations"] == 0
    assert summary.loc["biased", "largest_sum_negated"] == 2.0


def test_networks_of_a_study_without_oddness_violate_nothing():
    checked = []
    for study in ("odd", "other"):
        networks, predictions, labels = batch(study)
        for name in ("original", "negated"):
            predictions[f"0.1/{name}"][:] = labels
        checked.append(bound.check(networks, predictions, labels))
    summary = bound.summarise(pd.concat(checked), not_odd=["other"]).set_index(["study", "network"])
    assert summary["function"].tolist() == ["not odd", "odd", "not odd", "not odd"]
    assert summary["violations"].to_dict() == {
        ("odd", "biased"): 0,
        ("odd", "bias-free"): 2,
        ("other", "biased"): 0,
        ("other", "bias-free"): 0,
    }
    assert summary["largest_sum_negated"].tolist() == [2.0] * 4


@pytest.mark.parametrize("right", range(0, TESTED + 1, 7))
def test_a_sum_of_exactly_one_is_no_violation(right):
    networks, predictions, labels = batch(fractions=(1.0,), seeds=(1,))
    networks = networks[networks["network"] == "bias-free"]
    wrong = (labels + 1) % CLASSES
    first = np.arange(TESTED) < right
    predictions = {
        "1/original": np.where(first, labels, wrong)[None],
        "1/negated": np.where(first, wrong, labels)[None],
        "1/inverted": wrong[None],
    }
    summary = bound.summarise(bound.check(networks, predictions, labels))
    assert summary["violations"].tolist() == [0]
    assert summary["largest_sum_negated"].tolist() == [1.0]


def test_a_batch_is_read_from_its_folders_with_the_labels_of_the_test_rows(tmp_path):
    networks, predictions, labels = batch()
    networks.to_csv(tmp_path / "networks.csv", index=False)
    save_file(predictions, tmp_path / "predictions.safetensors")
    train = pd.DataFrame({"set": "train", "image": 0, "shift": "none", "label": 3, "rank": 0}, index=range(5))
    test = pd.DataFrame({"set": "test", "image": 0, "shift": "none", "label": labels, "rank": -1})
    pd.concat([train, test]).to_csv(tmp_path / "rows.csv", index=False)
    read = bound.check_batch(tmp_path, tmp_path)
    pd.testing.assert_frame_equal(read, bound.check(networks, predictions, labels))
