"""Do the intervals cover? Simulated on the designs that are used, with draws from trained networks' distributions.

`trained_networks.csv` has a column per quantity: its quantiles at 0, 0.01, ..., 1 over networks of 10-5 hidden units,
trained on digits for 200 evaluations: 120 to 160 of 15 to 20 `clean` splits, each with initial weights of its own, or
(square, ±X bias-free, evaluations) the 100 of the reference run's cells. A simulated network is a normal variable
mapped through its quantile function (a Gaussian copula), so its mean is known; networks of one split share a part of
the variable's variance, the intraclass correlation. `pytest -s` prints the coverages found.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from symmetry_constrained.analysis import intervals

SIMULATIONS = 20_000
DESIGNS = {"20 splits x 5": (20, 5), "10 splits x 4": (10, 4), "3 splits x 13": (3, 13), "1 split x 20": (1, 20)}
CURVES = ["10 splits x 4", "1 split x 20"]
IMAGES = np.array([100, 215, 430, 860, 1795, 3590, 7185.0])
QUANTILES = pd.read_csv(Path(__file__).parent / "trained_networks.csv", index_col="probability")
COSTS = [name for name in QUANTILES if name.startswith("evaluations")]
ON_CURVES = [name for name in QUANTILES if " images" in name]
CELLS = [name for name in QUANTILES if name not in (*COSTS, *ON_CURVES)]
BUDGET = 200  # evaluations

FOUND: list[dict] = []


def designs(names=tuple(DESIGNS)):
    """(design, intraclass correlation): the largest one by default, the others are slow.

    Networks of a single split are independent, given the split.
    """
    hardest = [pytest.param(name, 0.3 if DESIGNS[name][0] > 1 else 0.0) for name in names]
    easier = [(name, icc) for name in names for icc in (0.0, 0.1) if DESIGNS[name][0] > 1]
    return hardest + [pytest.param(*design, marks=pytest.mark.slow) for design in easier]


def normal(random, splits, icc, shape, shared=None, initial=None):
    """Standard normal variables (N, *shape) with a correlation within splits.

    shared: the part of the splits (S, *shape). initial: a half of the rest, that of the networks (N, *shape).
    """
    own = random.standard_normal((len(splits), *shape))
    own = own if initial is None else (own + initial) / np.sqrt(2)
    if icc == 0:
        return own
    shared = random.standard_normal((splits.max() + 1, *shape)) if shared is None else shared
    return np.sqrt(icc) * shared[splits] + np.sqrt(1 - icc) * own


def drawn(normal, name):
    """Values of networks from standard normal variables."""
    quantiles = QUANTILES[name].clip(upper=1e9)
    values = np.interp(special.ndtr(normal), quantiles.index, quantiles)
    return np.where(values > BUDGET, np.inf, values) if name in COSTS else values


def mean_of(name):
    """The mean of what `drawn` gives: the integral of a quantile function that is linear between quantiles."""
    return float(np.trapezoid(QUANTILES[name], QUANTILES.index))


def kind_of(name):
    """What the nominal 95 % must cover at least, and why."""
    uniform = np.linspace(0, 1, 4001)
    values = np.interp(uniform, QUANTILES.index, QUANTILES[name].clip(upper=BUDGET))
    if not 0.05 <= mean_of(name) <= 0.95 and QUANTILES[name].between(0, 1).all():
        return "near a bound", 0.90
    return ("skewed", 0.92) if abs(stats.skew(values)) > 1 else ("other", 0.93)


def judged(design, icc, statistic, name, ends, truth, needed=None):
    """Note the coverage and require it."""
    low, high = ends
    covered = float(((low <= truth) & (truth <= high)).mean())
    kind, least = kind_of(name) if needed is None else needed
    row = {"design": design, "correlation": icc, "statistic": statistic, "draws": name, "kind": kind}
    FOUND.append(row | {"covered": covered, "needed": least})
    return covered >= least


@pytest.fixture(scope="module", autouse=True)
def printed():
    """The coverages found, in percent: a row per statistic and quantity, a column per design."""
    yield
    table = pd.DataFrame(FOUND)
    table["covered"] = (100 * table["covered"]).round(1)
    keys = ["statistic", "draws", "kind"]
    print()
    print(table.pivot_table(index=keys, columns=["design", "correlation"], values="covered", sort=False).to_string())


@pytest.mark.parametrize(("design", "icc"), designs())
def test_intervals_of_means_and_predictions_cover(design, icc):
    random, (count, size) = np.random.default_rng(20), DESIGNS[design]
    splits = np.repeat(np.arange(count), size)
    variables, new = normal(random, splits, icc, (SIMULATIONS,)), random.standard_normal(SIMULATIONS)
    failed = []
    for name in CELLS:
        values = drawn(variables, name)
        possible = intervals.DIFFERENCE if " - " in name else intervals.ACCURACY
        ends = intervals.mean_interval(values, splits, possible=possible)
        further = intervals.prediction_interval(values, splits, possible=possible)
        for statistic, found, truth in (("mean", ends, mean_of(name)), ("one more", further, drawn(new, name))):
            if not judged(design, icc, statistic, name, found, truth):
                failed.append((statistic, name))
    assert not failed


@pytest.mark.parametrize(("design", "icc"), designs(CURVES))
def test_intervals_of_images_needed_and_their_ratio_cover(design, icc):
    random, (count, size) = np.random.default_rng(21), DESIGNS[design]
    splits = np.repeat(np.arange(count), size)
    models = ["canonical", "±X"]
    needed, truth, parts = {}, {}, {model: [] for model in models}
    for _ in range(SIMULATIONS // 2000):
        # Both models, on every number of images, share their split's part; a network's initial weights are the same
        # on every number of images.
        shared = random.standard_normal((count, 2000))
        for model in models:
            curves = [name for name in ON_CURVES if name.startswith(model)]
            initial = random.standard_normal((count * size, 2000))
            values = [drawn(normal(random, splits, icc, (2000,), shared, initial), name) for name in curves]
            parts[model].append(intervals.crossing_needed(IMAGES, np.stack(values, axis=-1), splits, 0.5))
            truth[model] = intervals.crossing(IMAGES, np.array([mean_of(name) for name in curves]), 0.5)
    for model in models:
        ends = (np.concatenate([getattr(part, name) for part in parts[model]]) for name in ("value", "low", "high"))
        needed[model] = intervals.Needed(*ends, IMAGES[-1])
    _, low, high = intervals.ratio(needed["±X"], needed["canonical"])
    rule = ("skewed", 0.92)
    for model in models:
        own = needed[model]
        assert judged(design, icc, "images needed", model, (own.low, own.high), truth[model], rule)
    assert judged(design, icc, "ratio of images", "±X / canonical", (low, high), truth["±X"] / truth["canonical"], rule)


@pytest.mark.parametrize(("design", "icc"), designs())
def test_intervals_of_medians_and_ratios_of_costs_cover(design, icc):
    random, (count, size) = np.random.default_rng(22), DESIGNS[design]
    splits = np.repeat(np.arange(count), size)
    shared = random.standard_normal((count, SIMULATIONS))
    needed, rule = {}, ("median", 0.93)
    for name in COSTS:
        values = drawn(normal(random, splits, icc, (SIMULATIONS,), shared), name)
        needed[name] = own = intervals.median_needed(values, splits, BUDGET)
        assert judged(design, icc, "median", name, (own.low, own.high), QUANTILES.loc[0.5, name], rule)
    above, below = COSTS
    _, low, high = intervals.ratio(needed[above], needed[below])
    truth = QUANTILES.loc[0.5, above] / QUANTILES.loc[0.5, below]
    assert judged(design, icc, "ratio of costs", f"{above} / {below}", (low, high), truth, rule)


def nested_bootstrap(values, splits, random, level=0.95):
    """The percentile interval of means of values (N, B): splits are resampled, then networks within each."""
    names = np.unique(splits)
    weights = np.zeros((2000, len(splits)))
    for row, taken in zip(weights, random.choice(names, (2000, len(names))), strict=True):
        for split in taken:
            np.add.at(row, random.choice(np.flatnonzero(splits == split), (splits == split).sum()), 1)
    return np.quantile(weights @ values / len(splits), [(1 - level) / 2, (1 + level) / 2], axis=0)


@pytest.mark.parametrize(("count", "size"), [(5, 20), (5, 4)])
def test_a_nested_bootstrap_over_recurring_initial_weights_does_not_cover(count, size):
    # The procedure before: the same initial weights in every split, which share 0.74 of the variance on ±X.
    random, name = np.random.default_rng(23), "±X, biased: accuracy"
    splits, seeds = np.repeat(np.arange(count), size), np.tile(np.arange(size), count)
    values = drawn(normal(random, seeds, 0.74, (2000,)), name)
    low, high = nested_bootstrap(values, splits, random)
    design = f"{count} splits x the same {size}"
    assert not judged(design, 0.0, "nested bootstrap", name, (low, high), mean_of(name))
    # No interval with splits as units survives that.
    low, high = intervals.mean_interval(values, splits, possible=intervals.ACCURACY)
    assert not judged(design, 0.0, "mean, weights recurring", name, (low, high), mean_of(name))
    # With as many initial weights, each its own, the same procedure comes close: recurrence is what fails.
    values = drawn(normal(random, np.arange(len(splits)), 0.74, (2000,)), name)
    low, high = nested_bootstrap(values, splits, random)
    assert ((low <= mean_of(name)) & (mean_of(name) <= high)).mean() > 0.85
