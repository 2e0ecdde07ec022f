"""The figures of emulated and of small biases on made-up tables: marks are rows, and the data decides the titles."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from helpers.panels import drawn, title

from symmetry_constrained.analysis import biases as bias_tables
from symmetry_constrained.figures import biases, style
from symmetry_constrained.theory import emulated_bias

WEIGHTS = np.append(np.arange(1, 11) * 0.4, 16)
RATES = {"digits": 5.0, "mnist": 9.0}


pytestmark = pytest.mark.usefixtures("style")


def copied(*datasets, seeds=(0, 1), pixels=("mnist",), floor=0.0):
    """`emulated_bias.csv` of networks whose differences fall at a known rate, down to a floor."""
    parts = []
    for dataset in datasets:
        for construction, rate in (("saturated", 2.0), ("levelled", RATES[dataset])):
            for training_set in ("original", "augmented"):
                for seed in seeds:
                    difference = (3 + seed) * np.exp(-(rate + 0.1 * seed) * WEIGHTS)
                    difference[-1] = floor
                    rows = {"weight": WEIGHTS, "largest_difference": difference, "predicted_rate": rate, "seed": seed}
                    rows |= {"construction": construction, "training_set": training_set, "dataset": dataset}
                    parts.append(pd.DataFrame(rows | {"inverted_difference": 7.0 + seed}))
        if dataset in pixels:
            alone = {"construction": "constant pixels", "training_set": "augmented", "dataset": dataset}
            alone |= {"largest_difference": 2e-13, "inverted_difference": 5.0}
            parts.append(pd.DataFrame(alone | {"seed": list(seeds)}))
    table = pd.concat(parts, ignore_index=True)
    augmented = table["training_set"] == "augmented"
    return table.assign(
        protocol="clean",
        split=0,
        fraction=1.0,
        hidden_layers="10-5",
        test_accuracy=0.8 - 0.01 * table["seed"],
        inverted_accuracy=0.02,
        biased_test_accuracy=0.8 - 0.01 * table["seed"],
        biased_inverted_accuracy=np.where(augmented, 0.6 + 0.1 * table["seed"], 0.03),
    )


CONDITIONS = pd.DataFrame(
    {"dataset": ["digits", "digits", "mnist", "mnist"], "set": ["train", "test"] * 2}
    | {"pixels": [64, 64, 784, 784], "constant_pixels": [0, 0, 67, 67]}
)


def coloured(panel, colour):
    """The lines of a colour, in order, as (N, 2)."""
    same = matplotlib.colors.to_hex(colour)
    return [line.get_xydata() for line in panel.lines if matplotlib.colors.to_hex(line.get_color()) == same]


def test_every_networks_differences_are_a_line(tmp_path):
    copied("digits", "mnist").to_csv(tmp_path / "table.csv", index=False)
    table = pd.read_csv(tmp_path / "table.csv")
    figure, data = biases.emulation(table)
    drawn(figure)
    pd.testing.assert_frame_equal(data, table[table["weight"].notna()].reset_index(drop=True))
    assert [panel.get_title(loc="left") for panel in figure.axes] == [
        "Digits, N = 4 networks:\nthe difference falls at rate 5.05 (theory 5)",
        "MNIST, N = 4 networks:\nthe difference falls at rate 9.05 (theory 9)",
    ]
    for panel, dataset in zip(figure.axes, ("digits", "mnist"), strict=True):
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
        rows = table[table["dataset"] == dataset]
        for construction, colour in (("saturated", biases.SATURATED), ("levelled", biases.LEVELLED)):
            expected = rows[rows["construction"] == construction].groupby(["training_set", "seed"], sort=False)
            lines = coloured(panel, colour)
            assert len(lines) == 4
            for line, (_, network) in zip(lines, expected, strict=True):
                np.testing.assert_array_equal(line[:, 0], network["weight"])
                np.testing.assert_array_equal(line[:-1, 1], network["largest_difference"][:-1])
                # Zero has no logarithm.
                assert line[-1, 1] == biases.SMALLEST
        assert {tuple(line[:, 1]) for line in coloured(panel, biases.INVERTED)} == {(7.0,) * 11, (8.0,) * 11}
        theory = coloured(panel, "black")
        assert len(theory) == 2
        for line, rate in zip(theory, (2.0, RATES[dataset]), strict=True):
            np.testing.assert_allclose(line[:, 1], 2 * np.exp(-rate * line[:, 0]))
            assert len(line) >= 3
    assert "0" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_accuracies_are_means_at_the_largest_weight_with_their_few_networks():
    figure, data = biases.copies(copied("mnist"), CONDITIONS)
    drawn(figure)
    assert set(data["weight"].dropna()) == {16} and len(data) == 2 * 2 + 2
    (panel,) = figure.axes
    assert panel.get_title(loc="left") == "MNIST, N = 2 each; 67 of 784 pixels never change"
    labels = [label.get_text().replace("\n", " ") for label in panel.get_yticklabels()]
    expected = {
        "trained on X, tested on X": (0.795, 0.795),
        "trained on X, tested on −X": (0.03, 0.02),
        "trained on ±X, tested on X": (0.795, 0.795),
        "trained on ±X, tested on −X": (0.65, 0.02),
    }
    assert labels == list(expected)
    for colour, rows in ((biases.LEVELLED, range(4)), (biases.CONSTANT, (2, 3))):
        marks = {}
        for line in panel.lines:
            same = matplotlib.colors.to_hex(line.get_color()) == matplotlib.colors.to_hex(colour)
            if same and line.get_marker() in style.MARKERS.values():
                marks[round(line.get_ydata()[0]), line.get_marker()] = line.get_xdata()[0]
        assert len(marks) == 2 * len(rows)
        for row in rows:
            found = [marks[row, style.MARKERS[network]] for network in ("biased", "bias-free")]
            assert found == pytest.approx(expected[labels[row]])
    assert sorted(len(part.get_offsets()) for part in panel.collections) == [2] * 12
    figure, _ = biases.copies(copied("digits", seeds=range(style.FEW)), CONDITIONS)
    assert not figure.axes[0].collections
    assert figure.axes[0].get_title(loc="left") == "Digits, N = 20 each"


def test_the_copys_titles_are_computed_from_the_data():
    first = "Logits on X of bias-free copies and of the networks with biases that they copy\n"
    figure, _ = biases.emulation(copied("digits", "mnist"))
    assert title(figure) == f"{first}are equal to the last bit on digits and MNIST"
    figure, _ = biases.emulation(copied("digits", seeds=(0,), floor=3e-12))
    assert title(figure) == f"{first}differ by at most 3·10⁻¹² on digits"
    assert "rate 5 (theory 5)" in figure.axes[0].get_title(loc="left")
    figure, _ = biases.copies(copied("digits", "mnist"), CONDITIONS)
    assert title(figure) == (
        "Trained on ±X, biased networks classify 65 % of −X on digits, bias-free copies 2 %;\n"
        "65 % of −X on MNIST, bias-free copies 2 %"
    )
    table = copied("digits")
    figure, _ = biases.copies(table[table["training_set"] == "original"], CONDITIONS)
    assert title(figure).startswith("Trained on X, biased networks classify 3 % of −X on digits")


LEVELS = (0.0, 0.01, 0.1, 1.0, np.inf)
EXCESS = {1: (-0.8, -0.7, -0.5, 0.5, 0.5), 4: (-0.8, -0.5, 0.2, 0.4, 0.4), 16: (-0.8, 0.1, 0.3, 0.3, 0.3)}
GAIN = {1: 6.0, 4: 90.0, 16: 300.0}


def held(gain=GAIN, seeds=5, epsilons=LEVELS, depths=(1, 4, 16)):
    """`amplification.csv` whose means are EXCESS and, at every ε but 0, the gain."""
    spread = 0.05 * np.linspace(-1, 1, seeds) if seeds > 1 else np.zeros(1)
    parts = []
    for depth in depths:
        for epsilon, excess in zip(LEVELS, EXCESS[depth], strict=True):
            if epsilon in epsilons:
                rows = {"depth": depth, "epsilon": epsilon, "seed": range(seeds), "excess": excess + spread}
                rows |= {"amplification": gain[depth] * (1 + spread), "initial_amplification": 1 + depth / 10}
                parts.append(pd.DataFrame(rows))
    table = pd.concat(parts, ignore_index=True).assign(split=0)
    table.loc[table["epsilon"] == 0, ["amplification", "initial_amplification"]] = np.nan
    return table


def test_excess_and_amplification_are_the_rows_of_the_summary(tmp_path):
    held().to_csv(tmp_path / "table.csv", index=False)
    figure, data = biases.depth(pd.read_csv(tmp_path / "table.csv"))
    drawn(figure)
    pd.testing.assert_frame_equal(
        data, bias_tables.summarise(held(), ("excess", "amplification", "initial_amplification"))
    )
    left, right = figure.axes
    assert [label.get_text() for label in left.get_xticklabels()] == ["0", "0.01", "0.1", "1", "free"]
    handles, labels = left.get_legend_handles_labels()
    assert labels == ["1", "4", "16"]
    for handle, depth in zip(handles, (1, 4, 16), strict=True):
        middle, _, (bars,) = handle.lines
        np.testing.assert_allclose(middle.get_xydata(), np.column_stack([range(5), EXCESS[depth]]))
        rows = data[(data["depth"] == depth) & (data["metric"] == "excess")].sort_values("epsilon")
        for bar, (_, row) in zip(bars.get_segments(), rows.iterrows(), strict=True):
            assert bar[:, 1] == pytest.approx(row[["low", "high"]].to_numpy(dtype=float))
    handles, labels = right.get_legend_handles_labels()
    assert labels == ["ε = 0.01", "ε = 0.1", "ε = 1", "untrained"]
    for handle, values in zip(handles, [list(GAIN.values())] * 3 + [[1.1, 1.4, 2.6]], strict=True):
        np.testing.assert_allclose(handle.lines[0].get_xydata(), np.column_stack([(1, 4, 16), values]))
    assert figure.get_supxlabel() == "mean of N = 5 networks per depth and ε; bar: 95 % interval"


def test_the_depths_title_is_computed_from_the_data():
    figure, _ = biases.depth(held())
    assert title(figure) == (
        "Depth amplifies small biases once trained: the logits' even part is 6 times the biases\n"
        "with 1 hidden layer, and 300 times with 16, where none exceeds 0.01"
    )
    figure, _ = biases.depth(held({1: 6.0, 4: 6.0, 16: 6.01}))
    assert title(figure) == (
        "Depth is not seen to amplify small biases: with 1 to 16 hidden layers the logits'\n"
        "even part is 6 to 6 times the biases, where none exceeds 0.01"
    )
    figure, _ = biases.depth(held(epsilons=(0.0, 0.01)))
    drawn(figure)
    assert title(figure).endswith("where none exceeds 0.01")


def test_few_networks_are_drawn_without_intervals():
    figure, data = biases.depth(held(seeds=1))
    drawn(figure)
    assert data["low"].isna().all()
    # One network of each says nothing of a difference.
    assert figure.get_suptitle().startswith("Depth is not seen to amplify")
    figure, _ = biases.depth(held(depths=(4,)))
    drawn(figure)
    assert figure.get_suptitle() == "One depth was trained, so there is nothing to compare"
    figure, _ = biases.depth(held(epsilons=(0.0, np.inf)))
    drawn(figure)
    assert figure.get_suptitle() == "No ε between none and free was tried, so there is nothing to compare"


def test_the_made_up_table_has_real_columns():
    assert set(copied("digits")) <= {"dataset", "protocol", "split", *emulated_bias.COLUMNS}
