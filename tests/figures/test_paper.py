"""The paper's figures on small tables: every point drawn, and titles that the data decides."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from symmetry_constrained.features import inversion
from symmetry_constrained.figures import paper, style
from symmetry_constrained.verdicts import paper_tables, published

pytestmark = pytest.mark.usefixtures("style")


def networks(study, accuracies, features_="identity", training_set="original", kinds=("biased", "bias-free")):
    """Rows like those of networks.csv: a network per (test, inverted) accuracy and kind."""
    return pd.DataFrame(
        [
            {
                "study": study,
                "dataset": "digits",
                "protocol": study,
                "split": 0,
                "features": features_,
                "training_set": training_set,
                "network": kind,
                "seed": seed,
                "test_accuracy": test,
                "inverted_accuracy": inverted,
            }
            for kind in kinds
            for seed, (test, inverted) in enumerate(accuracies)
        ]
    )


LOW, HIGH = [(0.80, 0.01), (0.82, 0.03), (0.84, 0.05)], [(0.85, 0.30), (0.87, 0.31), (0.86, 0.32)]


def judged(numbers, draws):
    """A table like published_numbers.csv of these published numbers: (table, network, features, test set, value)."""
    rows = pd.DataFrame(numbers, columns=["table", "network", "features", "test_set", "published"])
    rows = rows.assign(id="a", dataset="digits", training_set="original", decimals=3)
    rerun = pd.DataFrame(
        {"solver": ["scikit-learn", "ours"] * 2, "budget": np.repeat(["evaluations", "iterations"], 2)}
    ).assign(original=0.8, inverted=0.02)
    return published.judge(rows, {"a": rerun}, {"a": rerun.iloc[:0]}, draws, needed=200)


def table1(draws, clean, value=0.83):
    numbers = [
        ("1", kind, "identity", side, value) for kind in ("biased", "bias-free") for side in ("original", "inverted")
    ]
    return paper_tables.paper_table(judged(numbers, draws), clean, "1")


def table2(draws, clean):
    numbers = [("2", "biased", name, "both", 0.83) for name in ("square", "neighbour")]
    return paper_tables.paper_table(judged(numbers, draws), clean, "2")


def title(figure):
    return figure.get_suptitle()


def test_the_data_beside_a_figure_is_the_data_drawn(tmp_path):
    figure, data = paper.bound(networks("published", LOW + HIGH))
    style.save(figure, tmp_path / "bound", data)
    again = pd.read_csv(tmp_path / "bound.csv")
    drawn = np.concatenate([points.get_offsets().data for panel in figure.axes for points in scattered(panel)])
    assert sorted(map(tuple, drawn)) == sorted(
        again[["test_accuracy", "inverted_accuracy"]].itertuples(index=False, name=None)
    )


def scattered(panel):
    """The points of a panel, by model; the shaded triangle is no point."""
    return [part for part in panel.collections if len(part.get_offsets()) and isinstance(part, PathCollection)]


def all_kinds(plain):
    """Raw pixels with these accuracies beside two biased networks trained on ±X and four on invariant features."""
    augmented = networks("published", [(0.7, 0.6), (0.4, 0.5)], training_set="augmented", kinds=["biased"])
    invariant = networks("published", [(0.9, 0.9), (0.8, 0.8), (0.6, 0.6), (0.4, 0.4)], "square", kinds=["biased"])
    return pd.concat([networks("published", plain), augmented, invariant], ignore_index=True)


@pytest.mark.parametrize(
    ("plain", "line"),
    [
        (LOW, "None of 3 bias-free networks on pixels exceeds R + R̄ = 1;"),
        ([*LOW, *HIGH], "3 of 6 bias-free networks on pixels exceed R + R̄ = 1;"),
    ],
)
def test_the_bounds_title_counts_what_breaks_it_and_what_is_above_it(plain, line):
    figure, data = paper.bound(all_kinds(plain))
    assert title(figure) == f"{line}\n50 % of the others trained on both signs and 75 % on invariant features do"
    expected = {"identity, X": 2 * len(plain), "identity, ±X": 2, "square": 4}
    assert data["model"].value_counts().to_dict() == expected
    # Where the bound applies, where it does not, and invariant features.
    counts = [sum(len(points.get_offsets()) for points in scattered(panel)) for panel in figure.axes]
    assert counts == [len(plain), len(plain) + 2, 4]


def test_the_bound_is_not_of_networks_that_are_not_odd():
    networks_ = all_kinds([*LOW, *HIGH])
    figure, _ = paper.bound(networks_, ["published"])
    assert title(figure) == "50 % of the others trained on both signs and 75 % on invariant features exceed R + R̄ = 1"
    assert [len(scattered(panel)) > 0 for panel in figure.axes] == [False, True, True]


@pytest.mark.parametrize("absent", ["identity, ±X", "square", "identity, X"])
def test_no_title_speaks_of_networks_that_are_absent(absent):
    draws = all_kinds(LOW)
    draws = draws[np.array(style.models(draws)) != absent].reset_index(drop=True)
    assert "nan" not in title(paper.bound(draws)[0])


def test_the_bounds_legend_names_the_models_present_and_no_others():
    draws = pd.concat([networks("published", LOW), networks("published", LOW, features_="square")], ignore_index=True)
    (legend,) = paper.bound(draws)[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["identity, X", "square"]


def test_table_1s_title_says_what_the_medians_say():
    draws, clean = networks("published", LOW * 13), networks("clean", LOW)
    figure, _ = paper.paper_table(table1(draws, clean), draws, clean)
    # Among 39 draws 0.83 is a typical one on X, and lucky on −X.
    assert title(figure) == (
        "Table 1: trained on X, networks classify at least 82 % of X but at most 3 % of −X;\n"
        "2 of the 4 judged numbers lie outside the central 95 % of our networks"
    )
    # Of 38 draws none can be said to be typical, and none is outside.
    few = networks("published", (LOW * 13)[:-1])
    table = table1(few, clean)
    assert set(table["typicality"]) == {"too few draws"}
    expected = "too few networks (N = 38) were trained to place its 4 published numbers among"
    assert title(paper.paper_table(table, few, clean)[0]).endswith(expected)
    # Outside every one of fifty draws.
    many = networks("published", [(0.5 + index / 1000, 0.01) for index in range(50)])
    figure, _ = paper.paper_table(table1(many, clean), many, clean)
    assert title(figure).endswith("4 of the 4 judged numbers lie outside the central 95 % of our networks")
    typical = networks("published", [(0.83, 0.83)] * 50)
    figure, _ = paper.paper_table(table1(typical, clean), typical, clean)
    assert title(figure).endswith("all 4 judged numbers lie within the central 95 % of our networks")


@pytest.mark.parametrize(("count", "spans"), [(39, True), (38, False)])
def test_few_networks_have_no_central_95_per_cent(count, spans):
    draws, clean = networks("published", (LOW * 13)[:count]), networks("clean", LOW)
    figure, _ = paper.paper_table(table1(draws, clean), draws, clean)
    level = [line for line in figure.axes[0].lines if len(set(line.get_ydata())) == 1]
    assert len(level) == 4 * spans
    # A tick for each median, and chance.
    assert len(figure.axes[0].lines) == len(level) + 2 * 4 + 1


def invariant(study, square, neighbour):
    return pd.concat(
        [
            networks(study, [(value, value)] * 3, features_=name)
            for name, value in (("square", square), ("neighbour", neighbour))
        ],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    ("square", "neighbour", "expected"),
    [
        (
            0.6,
            0.8,
            "Table 2: biased networks on neighbour features classify 80 % of X and −X correctly, "
            "biased networks on square features 60 %;",
        ),
        (
            0.9,
            0.7,
            "Table 2: biased networks on square features classify 90 % of X and −X correctly, "
            "biased networks on neighbour features 70 %;",
        ),
    ],
)
def test_table_2s_title_names_the_best_and_the_worst(square, neighbour, expected):
    draws, clean = invariant("published", square, neighbour), invariant("clean", 0.5, 0.5)
    figure, data = paper.paper_table(table2(draws, clean), draws, clean)
    assert title(figure).splitlines()[0] == expected
    # Two cells, two protocols, three networks of each.
    assert len(data) == 12
    assert data.groupby(["protocol", "features"])["accuracy"].unique().map(list).to_dict() == {
        ("published", "square"): [square],
        ("published", "neighbour"): [neighbour],
        ("clean", "square"): [0.5],
        ("clean", "neighbour"): [0.5],
    }


def test_the_dots_of_a_strip_are_the_networks_of_its_cell():
    draws, clean = networks("published", LOW), networks("clean", HIGH)
    table = table1(draws, clean)
    figure, data = paper.paper_table(table, draws, clean)
    drawn = [points.get_offsets().data for points in figure.axes[0].collections]
    # Three marks for each row: dots, clean dots, and the published number.
    assert [len(points) for points in drawn] == [3, 3, 1] * 4
    for position, row in table.iterrows():
        dots, clean_dots, diamond = drawn[3 * position : 3 * position + 3]
        index = 0 if row["test_set"] == "original" else 1
        np.testing.assert_allclose(dots[:, 0], [pair[index] for pair in LOW])
        np.testing.assert_allclose(clean_dots[:, 0], [pair[index] for pair in HIGH])
        assert diamond[0, 0] == row["published"]
        assert (np.abs(np.concatenate([dots, clean_dots, diamond])[:, 1] - position) < 0.5).all()
    assert len(data) == 24
    assert paper.paper_table(table, draws, clean)[1].equals(data)


@pytest.mark.parametrize("read", [False, True])
def test_table_1s_strips_say_what_they_were_trained_and_tested_on_from_memory_or_from_a_file(tmp_path, read):
    draws, clean = networks("published", LOW), networks("clean", LOW)
    table = table1(draws, clean)
    if read:
        table.to_csv(tmp_path / "table1.csv", index=False)
        table = pd.read_csv(tmp_path / "table1.csv")
    figure, _ = paper.paper_table(table, draws, clean)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["biased, trained on X\ntested on X", "biased, trained on X\ntested on −X"]


def test_figure_1_is_the_image_its_inverse_and_its_neighbour_features():
    image = np.linspace(-1, 1, 64, dtype=np.float32)
    figure, data = paper.figure1(image, (8, 8))
    np.testing.assert_array_equal(data["image"], image)
    np.testing.assert_array_equal(data["inverse"], -image)
    np.testing.assert_array_equal(data["neighbour"], inversion.compute("neighbour", image[None], (8, 8))[0])
    shown = [axis.images[0].get_array() for axis in figure.axes[:3]]
    for panel, column in zip(shown, ("image", "inverse", "neighbour"), strict=True):
        np.testing.assert_array_equal(np.ravel(panel), data[column])
    assert figure.get_suptitle() == "An image and its negative have identical neighbour features"


def test_figure_1s_title_reports_a_change_where_there_is_one(monkeypatch):
    # Whatever is drawn is what is claimed: with features that do see inversion the title says by how much.
    monkeypatch.setitem(inversion.FEATURES, "neighbour", inversion.FeatureMap(inversion.identity))
    figure, _ = paper.figure1(np.linspace(-1, 1, 64), (8, 8))
    assert figure.get_suptitle().endswith("have neighbour features that differ by up to 2")
