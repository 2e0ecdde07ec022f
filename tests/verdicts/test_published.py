"""The published numbers as data, and both verdicts on them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from symmetry_constrained.verdicts import published

RESOURCE = Path(__file__).parents[2] / "workflow/resources/published.csv"
# Tables 1 and 2 of the paper to the author's three decimals, then his talk: network, features, training set, what
# was tested, the number, and the seeds of the split and of the network.
EXPECTED = [
    ("1", "digits", "bias-free", "identity", "original", "original", 0.839, 0, 2),
    ("1", "digits", "bias-free", "identity", "original", "inverted", 0.001, 0, 2),
    ("1", "digits", "bias-free", "identity", "augmented", "original", 0.119, 0, 2),
    ("1", "digits", "bias-free", "identity", "augmented", "inverted", 0.091, 0, 2),
    ("1", "digits", "biased", "identity", "original", "original", 0.811, 0, 1),
    ("1", "digits", "biased", "identity", "original", "inverted", 0.021, 0, 1),
    ("1", "digits", "biased", "identity", "augmented", "original", 0.679, 0, 1),
    ("1", "digits", "biased", "identity", "augmented", "inverted", 0.691, 0, 1),
    ("2", "digits", "bias-free", "square", "original", "both", 0.646, 0, 1),
    ("2", "digits", "bias-free", "neighbour", "original", "both", 0.840, 0, 1),
    ("2", "digits", "bias-free", "permuted", "original", "both", 0.814, 0, 1),
    ("2", "digits", "biased", "square", "original", "both", 0.659, 0, 1),
    ("2", "digits", "biased", "neighbour", "original", "both", 0.866, 0, 1),
    ("2", "digits", "biased", "permuted", "original", "both", 0.821, 0, 1),
    ("talk", "mnist", "biased", "identity", "original", "original", 0.666, 0, 1),
    ("talk", "mnist", "biased", "identity", "original", "inverted", 0.002, 0, 1),
    ("talk", "mnist", "biased", "identity", "augmented", "original", 0.753, 17, 71),
    ("talk", "mnist", "biased", "identity", "augmented", "inverted", 0.308, 17, 71),
    ("talk", "mnist", "biased", "permuted", "original", "both", 0.917, 717, 771),
]
COLUMNS = ["table", *published.PAPER_KEYS, "test_set", "published", "split_seed", "network_seed"]


def test_the_published_numbers_are_the_papers():
    numbers = published.read(RESOURCE)
    assert list(numbers[COLUMNS].itertuples(index=False, name=None)) == EXPECTED
    assert (numbers["decimals"] == 3).all()
    assert numbers["source"].str.len().min() > 0


def test_nineteen_numbers_of_thirteen_networks_fourteen_of_them_on_digits():
    numbers = published.read(RESOURCE)
    assert len(numbers) == 19
    assert numbers["id"].nunique() == 13
    assert (numbers["dataset"] == "digits").sum() == 14
    # One id, one network on one split; and no two ids share one.
    identity = [*published.PAPER_KEYS, "split_seed", "network_seed"]
    assert (numbers.groupby("id")[identity].nunique() == 1).all(axis=None)
    assert numbers[identity].drop_duplicates().shape[0] == 13


def test_a_number_for_both_test_sets_is_one_whose_features_are_invariant():
    numbers = published.read(RESOURCE)
    assert ((numbers["test_set"] == "both") == (numbers["features"] != "identity")).all()


@pytest.mark.parametrize(
    ("name", "side", "column"),
    [
        ("original", "original", "test_accuracy"),
        ("both", "original", "test_accuracy"),
        ("inverted", "inverted", "inverted_accuracy"),
    ],
)
def test_where_a_number_is_read(name, side, column):
    assert (published.test_set(name), published.column(name)) == (side, column)


def reruns(scikit_learn, ours, other=0.5):
    """Accuracies by both solvers under the author's budget, with `other` on the other test set and budget."""
    return pd.DataFrame(
        {
            "solver": ["scikit-learn", "ours", "scikit-learn", "ours"],
            "budget": ["evaluations", "evaluations", "iterations", "iterations"],
            "original": [scikit_learn, ours, other, other],
            "inverted": [other] * 4,
        }
    )


def runs(*values):
    """Perturbed networks with these accuracies."""
    return pd.DataFrame({"original": values, "inverted": [0.5] * len(values)}, dtype=float)


@pytest.mark.parametrize(
    ("again", "perturbed", "needed", "verdict"),
    [
        (reruns(0.839, 0.7), None, 0, "exact"),
        # 1508 of 1797 is 0.83918: 0.839 in three decimals.
        (reruns(1508 / 1797, 0.7), None, 0, "exact"),
        (reruns(0.8394, 0.7), runs(), 200, "exact"),
        # Only scikit-learn's own estimator gives an exact verdict; ours lies on the edge of the range.
        (reruns(0.7, 0.839), None, 0, "within numerical chaos"),
        (reruns(0.80, 0.79), runs(0.85), 200, "within numerical chaos"),
        (reruns(0.80, 0.79), runs(0.83, 0.8386), 200, "within numerical chaos"),
        (reruns(0.85, 0.86), runs(0.83), 200, "within numerical chaos"),
        # Outside the range of too few networks: nothing can be said yet.
        (reruns(0.80, 0.79), None, 0, "not judged"),
        (reruns(0.80, 0.79), runs(), 1, "not judged"),
        (reruns(0.80, 0.79), runs(0.81, 0.82), 3, "not judged"),
        (reruns(0.80, 0.79), runs(0.81, 0.82), 2, "not reproduced"),
        (reruns(0.80, 0.79), runs(0.81, 0.8384), 2, "not reproduced"),
        (reruns(0.90, 0.89), runs(0.85, 0.86), 2, "not reproduced"),
        # The other budget and the other test set count for nothing.
        (reruns(0.80, 0.79, other=0.839), runs(0.81), 1, "not reproduced"),
    ],
)
def test_the_verdict_on_the_same_seed(again, perturbed, needed, verdict):
    row = pd.Series({"test_set": "original", "published": 0.839, "decimals": 3})
    assert published.same_seed(row, again, perturbed, needed) == verdict
    row["test_set"] = "both"
    assert published.same_seed(row, again, perturbed, needed) == verdict


def test_the_verdict_on_inverted_images_reads_the_inverted_accuracies():
    row = pd.Series({"test_set": "inverted", "published": 0.5, "decimals": 3})
    assert published.same_seed(row, reruns(0.839, 0.839), None) == "exact"
    assert published.same_seed(row, reruns(0.5, 0.5, other=0.3), None) == "not judged"


CELLS = [("bias-free", "identity", "original"), ("biased", "neighbour", "original")]


def synthetic():
    """Three numbers of two networks, their reruns, and forty-five networks of each cell beside others."""
    number = {"table": "1", "dataset": "digits", "decimals": 3, "split_seed": 0, "network_seed": 1}
    cells = [dict(zip(("network", "features", "training_set"), cell, strict=True)) for cell in CELLS]
    numbers = pd.DataFrame(
        [
            number | cells[0] | {"id": "a", "test_set": "original", "published": 0.5},
            number | cells[0] | {"id": "a", "test_set": "inverted", "published": 0.9},
            number | cells[1] | {"id": "b", "test_set": "both", "published": 0.839},
        ]
    )
    random = np.random.default_rng(3)
    draws = []
    for cell in [*cells, cells[0] | {"dataset": "mnist"}, cells[0] | {"training_set": "augmented"}]:
        accuracies = random.integers(0, 700, (45, 2)) / 1797
        draws.append(
            pd.DataFrame({"test_accuracy": accuracies[:, 0], "inverted_accuracy": accuracies[:, 1]}).assign(
                **{"dataset": "digits"} | cell
            )
        )
    draws = pd.concat(draws, ignore_index=True).sample(frac=1, random_state=0)
    again = {"a": reruns(0.48, 0.5, other=0.9), "b": reruns(0.839, 0.838, other=0.7)}
    perturbed = {"a": runs(0.49, 0.52, 0.51), "b": runs()}
    return numbers, again, perturbed, draws


def test_judging_against_a_few_lines_of_pandas():
    numbers, again, perturbed, draws = synthetic()
    judged = published.judge(numbers, again, perturbed, draws, needed=3)
    assert judged["same_seed"].tolist() == ["within numerical chaos", "exact", "exact"]
    assert judged["rerun_scikit_learn"].tolist() == [0.48, 0.9, 0.839]
    assert judged["rerun_ours"].tolist() == [0.5, 0.9, 0.838]
    assert judged["rerun_scikit_learn_iterations"].tolist() == [0.9, 0.9, 0.7]
    assert judged["rerun_ours_iterations"].tolist() == [0.9, 0.9, 0.7]
    assert judged["perturbed_n"].tolist() == [3, 3, 0]
    np.testing.assert_array_equal(judged["perturbed_low"], [0.49, 0.5, np.nan])
    np.testing.assert_array_equal(judged["perturbed_high"], [0.52, 0.5, np.nan])
    digits = draws[draws["dataset"] == "digits"]
    ps = []
    for index, (cell, column) in enumerate(
        [(CELLS[0], "test_accuracy"), (CELLS[0], "inverted_accuracy"), (CELLS[1], "test_accuracy")]
    ):
        mine = digits[
            (digits["network"] == cell[0]) & (digits["features"] == cell[1]) & (digits["training_set"] == cell[2])
        ][column]
        below, above = (
            (mine.round(3) < numbers["published"][index]).sum(),
            (mine.round(3) > numbers["published"][index]).sum(),
        )
        assert below + above == 45
        ps.append(min(1, 2 * (1 + min(below, above)) / 46))
        row = judged.iloc[index]
        assert (row["n"], row["median"]) == (45, mine.median())
        assert (row["low"], row["high"]) == pytest.approx((mine.quantile(0.025), mine.quantile(0.975)))
        assert row["percentile"] == pytest.approx(100 * below / 45)
        assert row["p"] == pytest.approx(ps[-1])
        assert row["typicality"] == ("typical" if ps[-1] > 0.05 else "lucky" if below > above else "unlucky")
    # The three p-values are 2/46: three times that is Holm's.
    assert ps == pytest.approx([2 / 46] * 3)
    assert judged["p_holm"].tolist() == pytest.approx([6 / 46] * 3)
    assert judged["id"].tolist() == ["a", "a", "b"]


def test_judging_names_each_number_in_the_order_given():
    numbers, again, perturbed, draws = synthetic()
    judged = published.judge(numbers.iloc[::-1], again, perturbed, draws, needed=3)
    assert judged[["id", "test_set"]].values.tolist() == [["b", "both"], ["a", "inverted"], ["a", "original"]]


def test_a_cell_without_draws_is_refused():
    numbers, again, perturbed, draws = synthetic()
    with pytest.raises(ValueError, match="at least one draw"):
        published.judge(numbers, again, perturbed, draws[draws["features"] != "neighbour"], needed=3)
