"""Three claims judged again by hand, from the tables of a finished run and the rules as README.md and verdicts.md state
them: C3 (a biased network fails on −X), C7 (which invariants matters) and C10 (fewer images).

Nothing here calls the library. Its bootstrap and ours draw other samples, so ends are equal only up to that noise:
with 2,000 and 4,000 draws the end of a 95 % interval varies by 4 % of its half-width, and TOLERANCE is four times that.
Effects, published effects, numbers of networks and verdicts are equal.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.judging import arguments as judging
from helpers.judging import tables, write
from helpers.scripts import call
from scipy import stats

ROOT = Path(__file__).parents[2]
TOLERANCE = 0.15  # of the interval's half-width
DRAWS = 4000
MARGIN = yaml.safe_load((ROOT / "workflow/resources/claims.yaml").read_text(encoding="utf-8"))["margin"]
# The committed reference run, where there is one, beside a made-up and a small run.
REFERENCE = [path for path in [ROOT / "results/reference"] if (path / "tables/claims.csv").exists()]


@pytest.fixture(
    scope="module", params=["made-up", pytest.param("small", marks=pytest.mark.workflow), *REFERENCE], ids=str
)
def run(request, tmp_path_factory):
    """networks.csv and claims.csv of a finished run."""
    if request.param == "made-up":
        folder, made_up = tmp_path_factory.mktemp("made-up"), tables()
        write(made_up, folder)
        out = folder / "out"
        # On digits the rival never gets to 0.75, on MNIST it gets to 0.6.
        targets = ["digits=0.75", "mnist=0.6"]
        assert call("judge_claims", *judging((folder, made_up), out, targets=targets)) == (0, "")
        (out / "tables/claims.csv").rename(folder / "tables/claims.csv")
    elif request.param == "small":
        folder = request.getfixturevalue("finished") / "results/small"
    else:
        folder = request.param
    networks = pd.read_csv(folder / "tables/networks.csv", dtype={"hidden_layers": str})
    claims = pd.read_csv(folder / "tables/claims.csv", dtype={"section": str})
    networks = networks[networks["status"] != "non_finite"]
    networks["both"] = networks[["test_accuracy", "inverted_accuracy"]].min(axis=1)
    networks["random_sign"] = networks[["test_accuracy", "inverted_accuracy"]].mean(axis=1)
    # ±X shows every image twice.
    networks["images"] = networks["n_train"] // networks["training_set"].map({"augmented": 2}).fillna(1).astype(int)
    return networks, claims[claims["n"] > 0]


def named(evidence, name):
    """The value of a column that the evidence names."""
    return re.search(rf"\b{name}=([^,;)]*)", evidence)[1]


def draws(splits, random):
    """Places of the networks in every draw: splits with replacement, then as many networks of each."""
    places = {split: np.flatnonzero(splits == split) for split in np.unique(splits)}
    for _ in range(DRAWS):
        taken = random.choice(list(places), len(places))
        yield np.concatenate([random.choice(places[split], len(places[split])) for split in taken])


def by_hand(differences):
    """(effect, 95 % interval, 90 % interval, prediction interval) of differences by (split, seed)."""
    values, splits = differences.to_numpy(), differences.index.get_level_values("split").to_numpy()
    effect, n = values.mean(), len(values)
    if n == 1:
        return effect, *[(np.nan, np.nan)] * 3
    means = [values[places].mean() for places in draws(splits, np.random.default_rng(1))]
    units = len(set(splits)) if len(set(splits)) > 1 else n
    intervals = []
    for level in (0.95, 0.90):
        tail = (1 - level) / 2
        # A bootstrap over few units is too narrow; Student's t makes up for it.
        wider = np.sqrt(units / (units - 1)) * stats.t.isf(tail, n - 1) / stats.norm.isf(tail)
        intervals.append(tuple(effect + wider * (np.quantile(means, [tail, 1 - tail]) - effect)))
    if n >= 39:
        prediction = tuple(np.quantile(values, [0.025, 0.975], method="weibull"))
    else:
        half = stats.t.isf(0.025, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n)
        prediction = (effect - half, effect + half)
    return effect, *intervals, prediction


def published_verdict(effect, interval, interval90, prediction, published):
    """Of a contrast that is claimed to be above 0; where the paper has no number, it is a new test."""
    if np.isnan(published):
        return "supported" if interval[0] > MARGIN else "not supported" if interval[1] < MARGIN else "inconclusive"
    if interval[0] > MARGIN:
        if not prediction[0] <= published <= prediction[1]:
            return "replicated, smaller" if effect < published else "replicated, larger"
        return "replicated"
    if -MARGIN < interval90[0] and interval90[1] < MARGIN:
        return "absent"
    return "reversed" if interval[1] < -MARGIN else "inconclusive"


def near(found, expected, width):
    """Equal up to the bootstrap's noise."""
    return found == pytest.approx(expected, abs=TOLERANCE * width / 2 + 1e-9, nan_ok=True)


def check_difference(row, differences, published):
    effect, interval, interval90, prediction = by_hand(differences)
    assert row["effect"] == pytest.approx(effect, abs=1e-12)
    assert row["n"] == len(differences)
    assert row["published"] == pytest.approx(published, abs=1e-12, nan_ok=True)
    assert near((row["low"], row["high"]), interval, interval[1] - interval[0])
    assert (row["prediction_low"], row["prediction_high"]) == pytest.approx(prediction, abs=1e-12, nan_ok=True)
    assert row["verdict"] == published_verdict(effect, interval, interval90, prediction, published)


# By (dataset, network, features): from the paper's tables and the author's talk.
FAILS_ON_NEGATIVE = {("digits", "biased"): 0.811 - 0.021, ("mnist", "biased"): 0.666 - 0.002}
ON_BOTH = {
    ("digits", "biased", "square"): 0.659,
    ("digits", "biased", "neighbour"): 0.866,
    ("digits", "biased", "permuted"): 0.821,
    ("digits", "bias-free", "square"): 0.646,
    ("digits", "bias-free", "neighbour"): 0.840,
    ("digits", "bias-free", "permuted"): 0.814,
    ("mnist", "biased", "permuted"): 0.917,
}


def of_study(networks, row):
    """The networks of a row's study: all images, the paper's hidden layers."""
    study = networks[(networks["study"] == named(row["evidence"], "study")) & (networks["fraction"] == 1)]
    assert set(study["protocol"]) == {row["protocol"]} and set(study["dataset"]) == {row["dataset"]}
    return study[study["hidden_layers"] == "10-5"].set_index(["split", "seed"])


def test_c3_a_biased_network_trained_on_x_fails_on_its_inverse(run):
    networks, claims = run
    rows = claims[claims["id"] == "C3"]
    assert {"published", "clean"} == set(rows.loc[rows["dataset"] == "digits", "protocol"])
    for _, row in rows.iterrows():
        cell = of_study(networks, row).query("network == 'biased' and features == 'identity'")
        cell = cell[cell["training_set"] == "original"]
        differences = cell["test_accuracy"] - cell["inverted_accuracy"]
        check_difference(row, differences, FAILS_ON_NEGATIVE[row["dataset"], "biased"])


def test_c7_features_that_keep_relative_signs_beat_square(run):
    networks, claims = run
    rows = claims[(claims["id"] == "C7") & claims["contrast"].str.contains("square")]
    studies = {named(row["evidence"], "study"): row for _, row in claims[claims["id"] == "C3"].iterrows()}
    checked = 0
    for study in studies.values():
        trained = of_study(networks, study)
        trained = trained[trained["training_set"] == "original"]
        for network in ("biased", "bias-free"):
            cells = {name: rows_["both"] for name, rows_ in trained[trained["network"] == network].groupby("features")}
            for features in {"neighbour", "permuted"} & set(cells) if "square" in cells else ():
                mine = rows[(rows["protocol"] == study["protocol"]) & (rows["dataset"] == study["dataset"])]
                mine = mine[mine["evidence"].str.contains(rf"\b{network}\b.*left .*{features}.*right .*square")]
                mine = mine[[named(text, "network") == network for text in mine["evidence"]]]
                assert len(mine) == 1
                keys = [(study["dataset"], network, name) for name in (features, "square")]
                published = ON_BOTH.get(keys[0], np.nan) - ON_BOTH.get(keys[1], np.nan)
                check_difference(mine.iloc[0], (cells[features] - cells["square"]).dropna(), published)
                checked += 1
    # Every row of the table was redone.
    assert checked == len(rows)


def images_needed(images, curve, target):
    """Where a curve first has the target: linear in log(images); inf if it never has."""
    for place, accuracy in enumerate(curve):
        if accuracy >= target:
            if place == 0:
                return float(images[0])
            share = (target - curve[place - 1]) / (accuracy - curve[place - 1])
            return float(np.exp((1 - share) * np.log(images[place - 1]) + share * np.log(images[place])))
    return np.inf


def ends(values):
    """Low and high of the central 95 %, as draws, since some may be infinite."""
    values = np.sort(values)
    outside = int(0.025 * (len(values) - 1) + 1e-9)
    return values[outside], values[len(values) - 1 - outside]


def check_ratio(row, networks):
    """A contrast of the images that pixels and invariant features need."""
    study, setting = named(row["evidence"], "study"), named(row["evidence"], "setting")
    target, network = float(named(row["evidence"], "target")), named(row["evidence"], "network")
    accuracy, training_set = {"both": ("both", "augmented"), "random-sign": ("random_sign", "random-sign")}[setting]
    trained = networks[(networks["study"] == study) & (networks["hidden_layers"] == "10-5")]
    trained = trained[trained["network"] == network]
    own = trained[(trained["features"] == named(row["evidence"], "features"))]
    rival = trained[(trained["features"] == "identity") & (trained["training_set"] == training_set)]
    wide = [cell.pivot(index=["split", "seed"], columns="images", values=accuracy) for cell in (own, rival)]
    splits = wide[0].index.get_level_values("split").to_numpy()
    assert wide[0].index.equals(wide[1].index) and len(splits) == row["n"]

    def both(places):
        return [images_needed(cell.columns, cell.to_numpy()[places].mean(axis=0), target) for cell in wide]

    model, other = both(np.arange(len(splits)))
    drawn = np.array([both(places) for places in draws(splits, np.random.default_rng(2))])
    with np.errstate(invalid="ignore"):
        ratios = drawn[:, 1] / drawn[:, 0]
    low, high = ends(ratios[~np.isnan(ratios)])
    if np.isinf(low):
        # All images are too few for the rival.
        low = wide[1].columns.max() / ends(drawn[:, 0])[1]
        low = low if low > 0 else np.nan
    fewest = [cell.columns.min() == needed for cell, needed in zip(wide, (model, other), strict=True)]
    if all(fewest) or np.isinf(model):
        assert np.isnan(row["effect"]) and row["verdict"] == "inconclusive"
        return
    low, high = 0.0 if fewest[1] else low, np.inf if fewest[0] else high
    assert row["effect"] == pytest.approx(other / model)
    if len(splits) < 5:
        low = high = np.nan  # too few to bootstrap
    log = np.log([value if 0 < value < np.inf else 1 for value in (low, high, row["low"], row["high"])])
    assert near(log[2:], log[:2], log[1] - log[0] if log[1] > log[0] else 1.0)
    assert [np.isinf(row["high"]), row["low"] == 0, np.isnan(row["low"])] == [np.isinf(high), low == 0, np.isnan(low)]
    if row["direction"] == "above":
        expected = "supported" if low > 1.1 else "not supported" if high < 1.1 else "inconclusive"
    else:
        assert (row["direction"], row["margin"]) == ("at most", 2)
        expected = "supported" if high <= 2 else "not supported" if low > 2 else "inconclusive"
    assert row["verdict"] == expected


def test_c10_symmetry_needs_fewer_images(run):
    networks, claims = run
    rows = claims[claims["id"] == "C10"]
    assert len(rows) > 0
    for _, row in rows.iterrows():
        check_ratio(row, networks)


def test_the_hands_own_verdicts():
    """So that an error in the rules above is not taken for one of the library's."""
    many, none = ((-1, 1), 0.0)
    assert published_verdict(0.1, (0.03, 0.2), (0.04, 0.19), many, 0.1) == "replicated"
    assert published_verdict(0.1, (0.03, 0.2), (0.04, 0.19), (0, 0.3), 0.4) == "replicated, smaller"
    assert published_verdict(0.1, (0.03, 0.2), (0.04, 0.19), (0, 0.3), -0.4) == "replicated, larger"
    assert published_verdict(0.0, (-0.03, 0.03), (-0.01, 0.01), many, none) == "absent"
    assert published_verdict(-0.1, (-0.2, -0.03), (-0.2, -0.04), many, none) == "reversed"
    assert published_verdict(0.1, (0.01, 0.2), (0.02, 0.2), many, none) == "inconclusive"
    assert published_verdict(0.1, (0.03, 0.2), (0.04, 0.19), many, np.nan) == "supported"
    assert images_needed([10, 100], [0.2, 0.6], 0.4) == pytest.approx(np.sqrt(1000))
    assert (images_needed([10, 100], [0.5, 0.6], 0.4), images_needed([10, 100], [0.1, 0.2], 0.4)) == (10, np.inf)
    assert ends(np.arange(101.0)) == (2, 98)
