"""Titles of the other figures, by the library's own functions on made-up tables: the audit's are the same words."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from helpers.claim_rows import FULL, not_run, places, ratio, row, table, theorem

from symmetry_constrained.audit import titles
from symmetry_constrained.audit.results import Results
from symmetry_constrained.figures import benchmark, biases, claims, curves, mirrored, orbits, paper
from symmetry_constrained.verdicts import over_settings

MODELS = {"identity, X": "original", "identity, ±X": "augmented", "square": "original"}


@pytest.fixture
def said(tmp_path):
    """What the audit says a title must be. tables: further files by path."""

    def say(stem, drawn=None, tables=None, config=None):
        for path, made in (tables or {}).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            made.to_csv(tmp_path / path, index=False)
        (tmp_path / "config.json").write_text(json.dumps({"studies": {}} | (config or {})), encoding="utf-8")
        return " ".join(titles.TITLES[stem](Results(tmp_path), stem, drawn).split())

    return say


def one_line(text):
    return " ".join(text.split())


@pytest.mark.parametrize(
    "rows",
    [
        FULL,
        [theorem(2.0), row(effect=-0.3, low=-0.4, high=-0.2), row(contrast="b", effect=0.1), ratio(np.inf, 1, np.inf)],
        [theorem(), row(), not_run()],
    ],
)
def test_verdicts_and_settings(said, rows):
    made = table(*rows)
    heads = claims.headlines(made).reset_index(drop=True)
    further = claims.distinct(made.drop(claims.headlines(made).index), heads)
    tables = {"tables/claims.csv": made, "tables/settings.csv": places()}
    assert said("verdicts", tables=tables) == one_line(claims._finding(heads, further["verdict"]))
    assert said("settings", tables=tables) == over_settings.sentence(made, places())


def numbers(test_sets, medians, typicality):
    rows = [
        {"table": "1", "network": network, "features": features, "test_set": test_set, "n": 100 - at}
        | {"training_set": "original", "median": median, "typicality": typicality[at % len(typicality)]}
        for at, ((network, features), test_set, median) in enumerate(
            zip(product(("biased", "bias-free"), ("identity", "square")), test_sets, medians, strict=True)
        )
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("typicality", [["typical"], ["too few draws"], ["typical", "lucky"], ["lucky"]])
@pytest.mark.parametrize(
    ("test_sets", "medians"),
    [
        (["both"] * 4, [0.1, 0.9, 0.3, 0.5]),
        (["both"] * 4, [0.5] * 4),
        (["original", "inverted"] * 2, [0.9, 0.01, 0.8, 0.02]),
        (["original"] * 4, [0.9, 0.5, 0.8, 0.2]),
    ],
)
def test_the_papers_tables(said, test_sets, medians, typicality):
    made = numbers(test_sets, medians, typicality)
    due = one_line(f"Table 1: {paper._finding(made)}; {paper._placed(made)}")
    assert said("table1", tables={"tables/table1.csv": made}) == due


@pytest.mark.parametrize("studies", [["a"], ["relu"], ["a", "relu"]])
@pytest.mark.parametrize("above", [0, 1, 2])
@pytest.mark.parametrize("features", [["identity"], ["identity", "square"], ["square"]])
def test_the_bound(said, studies, above, features):
    given = product(studies, features, ["original", "augmented"], ["biased", "bias-free"], range(3))
    columns = ["study", "features", "training_set", "network", "seed"]
    made = pd.DataFrame(given, columns=columns).assign(test_accuracy=0.7, inverted_accuracy=0.1)
    made.loc[made["seed"] < above, "inverted_accuracy"] = 0.5
    pixels = made["features"] == "identity"
    odd = pixels & (made["network"] == "bias-free") & (made["study"] != "relu")
    config = {"studies": {"a": {}, "relu": {"activation": "relu"}}}
    assert said("bound", made, config=config) == one_line(paper._bound_finding(made, odd, pixels))


@pytest.mark.parametrize("models", [list(MODELS), ["identity, ±X"], ["square", "canonical"], []])
@pytest.mark.parametrize("behind", [0.1, -0.1])
def test_the_budget(said, models, behind):
    rows = [
        {"hidden_layers": width, "model": model, "iterations": iterations, "metric": "random_sign_accuracy"}
        | {"mean": 0.5 + iterations / 10_000 - (behind if model == "identity, ±X" else 0) - 0.01 * at}
        for (width, iterations), (at, model) in product(product(("10-5", "40-20"), (10, 2000)), enumerate(models))
    ]
    made = pd.DataFrame(rows, columns=["hidden_layers", "model", "iterations", "metric", "mean"])
    assert said("budget", made) == one_line(curves._budget_finding(made))


@pytest.mark.parametrize("worst", [{"digits": 0.0, "mnist": 0.0}, {"digits": 0.0, "mnist": 3e-7}, {"digits": 0.5}])
def test_copies(said, worst):
    rows = [
        {"dataset": name, "weight": weight, "largest_difference": value * 30 / weight, "construction": "levelled"}
        | {"training_set": training_set, "biased_inverted_accuracy": 0.6, "inverted_accuracy": 0.004}
        for (name, value), weight, training_set in product(worst.items(), (10, 30), ("original", "augmented"))
    ]
    made = pd.DataFrame(rows)
    assert said("emulated-bias", made) == one_line(biases._copy_finding(made))
    for kept in (made, made[made["training_set"] == "original"], made[:0]):
        assert said("emulated-accuracy", kept) == one_line(biases._copies_finding(kept))


@pytest.mark.parametrize("depths", [[1], [1, 4, 16], [2, 4]])
@pytest.mark.parametrize("epsilons", [[0, np.inf], [0, 0.01, 0.1]])
@pytest.mark.parametrize("width", [0.1, 100])
def test_depth(said, depths, epsilons, width):
    rows = [
        {"depth": depth, "epsilon": epsilon, "metric": "amplification", "mean": 3.3 * depth}
        | {"low": 3.3 * depth - width, "high": 3.3 * depth + width}
        for depth, epsilon in product(depths, epsilons)
    ]
    assert said("amplification", pd.DataFrame(rows)) == one_line(biases._depth_finding(pd.DataFrame(rows)))


@pytest.mark.parametrize("others", [{}, {"mirrored start": -0.7}, {"ordinary start": 0.1, "mirrored start": -0.9}])
def test_mirrored_pairs(said, others):
    means = {"tied pairs": 0.689} | others
    rows = [(kind, epsilon, mean) for (kind, mean), epsilon in product(means.items(), (0.0001, 0.1))]
    made = pd.DataFrame(rows, columns=["kind", "epsilon", "mean"])
    assert said("mirrored-pairs", made) == one_line(mirrored._finding(made))


@pytest.mark.parametrize("features", [["identity"], ["identity", "power", "aligned"]])
@pytest.mark.parametrize(("curvature", "flat"), [(7e-11, 0), (3e-3, 2), (np.nan, 1)])
def test_orbits(said, features, curvature, flat):
    rows = [
        {"features": name, "sampling": "equally spaced", "angles": angles, "loss_variation": 4.1 / angles**5}
        | {"curvature": curvature, "penalty": 1e-5, "flat": flat}
        for name, angles in product(features, (1, 8, 64))
    ]
    tables = {"theory/orbits.csv": pd.DataFrame(rows)}
    assert said("loss-on-orbit", tables=tables) == one_line(orbits._variation_finding(pd.DataFrame(rows)))
    assert said("flat-direction", tables=tables) == one_line(orbits._flat_finding(pd.DataFrame(rows)))


@pytest.mark.parametrize(("power", "angles"), [(-0.5, (4, 16)), (-0.9, (4, 16)), (-0.5, (4,))])
def test_random_angles(said, power, angles):
    rows = [
        {"parameters": "biased", "seed": 0, "images": 50, "angles": count, "draws": 100}
        | {"rms": (50.0 * count) ** power, "mean_rms": (50.0 * count) ** power / 11}
        for count in angles
    ]
    made = pd.DataFrame(rows)
    drawn = made.assign(points=made["images"] * made["angles"])
    due = one_line(orbits._random_finding(drawn))
    assert said("random-angles", tables={"theory/random_angles.csv": made}) == due


@pytest.mark.parametrize("solvers", [{"ours": 900}, {"ours": 900, "scikit-learn": 100}, {"ours": 900, "torch": 500}])
def test_benchmarks(said, solvers):
    rows = [
        {"dataset": "digits", "n": n, "solver": name, "networks_per_minute": speed / n, "speed_ratio": speed / 100}
        for n, (name, speed) in product((100, 200), solvers.items())
    ]
    made = pd.DataFrame(rows)
    cells = [("digits", 100), ("digits", 200)]
    assert said("roofline", made) == one_line(benchmark._speed_finding(made, cells))
    fits = pd.DataFrame({"varied": ["networks", "n", "n", "width"], "exponent": [-0.04, 0.78, 0.78, 1.01]})
    due = "A network's cost per evaluation goes as (networks at once)^−0.04, images^0.78, width^1.01"
    assert said("scaling", fits) == due
