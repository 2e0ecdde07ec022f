"""The summary against means and gaps by hand, and its intervals against SciPy."""

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import call
from helpers.synthetic import PAIRS, STUDY, at, networks
from scipy import stats

from symmetry_constrained.analysis import columns, summary
from symmetry_constrained.audit import cells

COLUMNS = "study dataset protocol features training_set network hidden_layers fraction n_train images".split()


def row(table, metric, **cell):
    """The one row of a metric."""
    found = table[(table["metric"] == metric) & (table[list(cell)] == pd.Series(cell)).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


def test_derived_columns_by_hand():
    table = networks(
        pairs=PAIRS[:2], train_accuracy=[0.95, 0.9], test_accuracy=[0.8, 0.5], inverted_accuracy=[0.6, 0.7]
    )
    derived = columns.derive(table)
    assert derived["generalisation_gap"].tolist() == pytest.approx([0.15, 0.4])
    assert derived["symmetry_gap"].tolist() == pytest.approx([0.2, -0.2])
    assert derived["both_accuracy"].tolist() == [0.6, 0.5]
    assert derived["random_sign_accuracy"].tolist() == pytest.approx([0.7, 0.6])
    assert "generalisation_gap" not in table


def test_the_gap_is_to_test_images_of_the_signs_trained_on():
    models = ("original", "augmented", "random-sign")
    accuracies = {"train_accuracy": 0.9, "test_accuracy": 0.8, "inverted_accuracy": 0.5}
    derived = columns.derive(at(*(networks(training_set=name, pairs=PAIRS[:1], **accuracies) for name in models)))
    # 0.9 − 0.8 on X; 0.9 − (0.8 + 0.5) / 2 where both signs are shown, which was 0.1 as well when compared with X.
    assert derived["generalisation_gap"].tolist() == pytest.approx([0.1, 0.25, 0.25])
    assert cells.derived(at(derived))["generalisation_gap"].tolist() == pytest.approx([0.1, 0.25, 0.25])


def test_images_are_half_of_the_samples_where_both_signs_are_shown():
    models = ("original", "augmented", "random-sign")
    derived = columns.derive(at(*(networks(training_set=name, pairs=PAIRS[:1]) for name in models)))
    assert derived["n_train"].tolist() == [1000, 2000, 1000]
    assert derived["images"].tolist() == [1000, 1000, 1000]


def test_every_cell_and_metric_has_its_mean():
    random = np.random.default_rng(0)
    tables = [
        networks(features, "original", network, fractions=(0.1, 1.0), test_accuracy=random.random((2, 6)))
        for features in ("identity", "square")
        for network in ("biased", "bias-free")
    ]
    table = at(*tables)
    found = summary.summarise(table)
    assert list(found) == [*COLUMNS, "metric", "mean", "low", "high", "n", "failed"]
    assert len(found) == 8 * 13
    derived = columns.derive(table)
    cells = [*COLUMNS[:-1]]
    for metric in columns.METRICS:
        expected = derived.groupby(cells, sort=False)[metric].mean()
        rows = found[found["metric"] == metric].set_index(cells)
        assert rows["mean"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-14)
        assert rows.index.tolist() == expected.index.tolist()
        assert (rows["low"] <= rows["mean"]).all() and (rows["mean"] <= rows["high"]).all()
    assert (found["n"] == 6).all() and (found["failed"] == 0).all()


def test_an_interval_is_students_of_the_split_means():
    random = np.random.default_rng(3)
    accuracy, iterations = random.uniform(0.4, 0.6, 6), random.integers(50, 90, 6).astype(float)
    found = summary.summarise(networks(test_accuracy=accuracy, iterations=iterations))
    for metric, values in (("test_accuracy", accuracy), ("iterations", iterations)):
        expected = stats.ttest_1samp(values.reshape(3, 2).mean(axis=1), 0).confidence_interval()
        ends = row(found, metric)[["low", "high"]].tolist()
        # Near a half, the interval of the logit is Student's up to the square of its width.
        assert ends == pytest.approx(list(expected), rel=0.1 if metric == "test_accuracy" else 1e-12)


def test_an_interval_of_accuracies_stays_between_0_and_1_and_of_gaps_between_their_bounds():
    table = networks(test_accuracy=[1, 1, 1, 0.9, 1, 0.6], inverted_accuracy=[0, 0, 0, 0.2, 0, 0])
    found = summary.summarise(table)
    for metric in columns.METRICS[:7]:
        least, most = columns.possible(metric)
        ends = row(found, metric)
        assert least <= ends["low"] <= ends["mean"] <= ends["high"] <= most
    assert (columns.possible("both_accuracy"), columns.possible("symmetry_gap")) == ((0, 1), (-1, 1))
    assert columns.possible("flop") == (-np.inf, np.inf)


def test_metrics_without_spread_have_an_interval_of_no_width():
    found = summary.summarise(networks(test_accuracy=0.1, inverted_accuracy=0.1))
    for metric, value in (("test_accuracy", 0.1), ("symmetry_gap", 0.0), ("flop", 201000)):
        assert row(found, metric)[["mean", "low", "high"]].tolist() == [value] * 3


def test_networks_that_failed_are_counted_and_left_out():
    status = np.array(["max_evaluations", "non_finite", *["converged_loss"] * 4])
    accuracy, loss = np.array([0.5, 0.1, 0.7, 0.7, 0.7, 0.7]), np.array([1, 1, 1, np.inf, np.nan, 3.0])
    found = summary.summarise(networks(status=status, test_accuracy=accuracy, test_loss=loss))
    assert row(found, "test_accuracy")[["n", "failed"]].tolist() == [5, 1]
    assert row(found, "test_accuracy")["mean"] == pytest.approx(3.3 / 5)
    assert row(found, "iterations")[["n", "failed"]].tolist() == [5, 1]
    assert row(found, "test_loss")[["n", "failed"]].tolist() == [3, 3]
    assert row(found, "test_loss")["mean"] == pytest.approx(5 / 3)
    assert np.isfinite(row(found, "test_loss")[["low", "high"]].astype(float)).all()


def test_a_cell_without_a_network_left_has_no_mean_and_one_network_no_interval():
    none = row(summary.summarise(networks(status="non_finite")), "test_accuracy")
    assert none[["mean", "low", "high"]].isna().all()
    assert none[["n", "failed"]].tolist() == [0, 6]
    one = row(summary.summarise(networks(pairs=PAIRS[:1])), "test_accuracy")
    assert one["mean"] == 0.8
    assert one[["low", "high"]].isna().all()


def test_the_order_of_rows_and_other_cells_change_nothing():
    random = np.random.default_rng(1)
    table = at(
        networks(test_accuracy=random.random(6)),
        networks("square", test_accuracy=random.random(6), pairs=[(9, 1), *PAIRS[1:]]),
    )
    found = summary.summarise(table)
    pd.testing.assert_frame_equal(found, summary.summarise(table), check_exact=True)
    shuffled = summary.summarise(table.sample(frac=1, random_state=2)).sort_values(["features", "metric"])
    ordered = found.sort_values(["features", "metric"])
    pd.testing.assert_frame_equal(shuffled.reset_index(drop=True), ordered.reset_index(drop=True), rtol=1e-12)
    # Each cell has its own networks, however many pairs the study has in all.
    assert (found["n"] == 6).all()


def test_studies_are_summarised_apart():
    other = networks(pairs=PAIRS[:4], test_accuracy=0.4).assign(study="other")
    found = summary.summarise(at(networks(), other))
    assert row(found, "test_accuracy", study="other")["n"] == 4
    assert row(found, "test_accuracy", study="made-up")["mean"] == 0.8
    assert summary.summarise(networks().iloc[:0]).empty


def test_a_network_that_stands_twice_and_a_missing_column_are_refused():
    twice = at(networks(), networks(pairs=PAIRS[-1:]))
    with pytest.raises(ValueError, match=r"twice in the table: made-up, digits, clean, identity, .*, 2, 7$"):
        summary.summarise(twice)
    with pytest.raises(ValueError, match="the column n_train is missing"):
        summary.summarise(networks().drop(columns="n_train"))


def history(courses, final):
    """`history.csv` rows: by pair, accuracies at checkpoints 10 and 20, then where each network stopped."""
    parts = []
    for pair, (accuracies, last, stopped) in zip(
        PAIRS, zip(courses, *zip(*final, strict=True), strict=True), strict=False
    ):
        for iterations, accuracy in [*zip((10, 20), accuracies, strict=False), (stopped, last)]:
            parts.append(
                networks(
                    pairs=[pair],
                    test_accuracy=accuracy,
                    inverted_accuracy=1.0,
                    iterations=iterations,
                    evaluations=iterations + 1,
                )
            )
    return at(*parts).drop(columns="status")


def test_the_course_of_a_metric_by_hand():
    # The second stopped at 13 and stays as it was; the first two numbers are at 10 and 20 iterations.
    table = history([(0.1, 0.3), (0.2,), (0.3, 0.5)], [(0.6, 31), (0.4, 13), (0.8, 40)])
    found, spent = (rows for _, rows in summary.at_checkpoints(table, "both_accuracy").groupby("metric"))
    assert found["iterations"].tolist() == spent["iterations"].tolist() == [10, 20, 40]
    # A network that stopped spends no more.
    assert spent["mean"].tolist() == [11, (21 + 14 + 21) / 3, (32 + 14 + 41) / 3]
    assert found["mean"].tolist() == pytest.approx([0.2, (0.3 + 0.4 + 0.5) / 3, (0.6 + 0.4 + 0.8) / 3])
    assert (found["n"] == 3).all()
    assert set(STUDY) | {"iterations", "low", "high", "hidden_layers"} <= set(found)
    assert summary.at_checkpoints(table.iloc[:0], "both_accuracy").empty


def test_late_checkpoints_count_though_few_networks_get_so_far():
    # Of four networks three stop early, two of them at 12; the last is judged at 10, 20 and its end.
    table = history([(0.1,), (0.2,), (0.3,), (0.3, 0.5)], [(0.6, 12), (0.4, 12), (0.4, 13), (0.8, 40)])
    found = summary.at_checkpoints(table, "both_accuracy").query("metric == 'both_accuracy'")
    assert found["iterations"].tolist() == [10, 20, 40]
    assert found["mean"].tolist()[1:] == pytest.approx([(0.6 + 0.4 + 0.4 + 0.5) / 4, (0.6 + 0.4 + 0.4 + 0.8) / 4])


def test_the_script_writes_the_table(tmp_path):
    table, out = networks("square", hidden_layers="4"), tmp_path / "new/summary.csv"
    table.to_csv(tmp_path / "networks.csv", index=False)
    assert call("summarise", "--networks", tmp_path / "networks.csv", "--out", out) == (0, "")
    found = pd.read_csv(out, dtype={"hidden_layers": str})
    pd.testing.assert_frame_equal(found, summary.summarise(table))
    first = out.read_bytes()
    call("summarise", "--networks", tmp_path / "networks.csv", "--out", out)
    assert out.read_bytes() == first
    (tmp_path / "bad.csv").write_text("study,seed\na,1\n")
    status, line = call("summarise", "--networks", tmp_path / "bad.csv", "--out", tmp_path / "none.csv")
    assert (status, line) == (1, "summarise.py: networks: the column dataset is missing; there are study, seed")
    assert not (tmp_path / "none.csv").exists()
