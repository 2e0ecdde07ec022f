"""Good configurations pass; each bad one is refused in one line that names the key, the value and what is legal."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from symmetry_constrained.data import registry
from symmetry_constrained.data.inputs import TRAINING_SETS
from symmetry_constrained.data.protocols import PROTOCOLS
from symmetry_constrained.features.inversion import FEATURES, FeatureMap
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import folders
from symmetry_constrained.training import reruns
from symmetry_constrained.training.spec import RECIPE, Spec
from symmetry_constrained.verdicts import published

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
STUDY = "studies.digits-published"
LAYER = "a number of units, or a convolution as c4, with 4 filters"
COUNT = "a count (N stands for 0 to N-1), or a list of different numbers"
FOLDER = folders.RULES["results"]
DOWNLOADS = folders.RULES["data"]
STUDY_KEYS = (
    "activation, averaging, budget, checkpoints, dataset, features, fractions, hidden_layers, networks, optimiser, "
    "protocol, seeds, splits, start, trained_as"
)
MAPS = ", ".join(FEATURES)
DATASETS = ", ".join(registry.table())
KEYS = "alpha, data, device, dtype, figures, published_numbers, results, settings, solo, studies, targets, theory"
PLACED_KEYS = "budgets, clean_study, perturbed_networks, solvers, study"
OTHER_RECIPES = "digits-relu, digits-adam, digits-mirrored-start, digits-averaged-logits, digits-averaged-units"
DIGITS_STUDIES = f"digits-published, digits-clean, digits-budget, {OTHER_RECIPES}"
STUDIES = f"digits-published, digits-clean, mnist-clean, mnist-published, digits-budget, {OTHER_RECIPES}"
SHIPPED = [["config.yaml"], *(["config.yaml", f"{name}.yaml"] for name in ("paper", "quick", "beyond", "full"))]
ABSENT = object()
PATHS = os.environ | {"PYTHONPATH": str(ROOT / "src")}


def load(*names):
    config = {}
    for name in names:
        update_config(config, yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8")))
    return copy.deepcopy(config)


TARGETS, TARGET = load("config.yaml")["targets"], load("config.yaml")["figures"]["target"]
LISTED = {dataset: ", ".join(map(str, values)) for dataset, values in TARGETS.items()}


def altered(*changes):
    """The default with values changed, each given as a path of keys and the new value."""
    config = load("config.yaml")
    for (*parents, last), value in zip(changes[::2], changes[1::2], strict=True):
        inner = config
        for key in parents:
            inner = inner[key]
        if value is ABSENT:
            del inner[last]
        else:
            inner[last] = value
    return config


def refusal(config):
    """What the configuration is refused with."""
    with pytest.raises(settings.ConfigError) as error:
        settings.check(config, SCHEMA)
    return str(error.value)


def study(key, *more):
    return ("studies", "digits-published", key, *more)


def of_numbers(*keys):
    return ("published_numbers", *keys)


def without_nulls(config):
    """The configuration as it would be had its null studies, their settings, datasets and values never been written."""
    config = copy.deepcopy(config)
    for one in config["settings"].values():
        if one and config["studies"][one["study"]] is None:
            one["study"] = None
    config["settings"] = {name: one for name, one in config["settings"].items() if one and one["study"]}
    for one in config["settings"].values():
        if "averaged" in one:
            one["averaged"] = [study for study in one["averaged"] if config["studies"][study] is not None]
    waiting = [config]
    while waiting:
        part = waiting.pop()
        for key in [key for key, value in part.items() if value is None]:
            del part[key]
        waiting += [value for value in part.values() if isinstance(value, dict)]
    return config


@pytest.mark.parametrize("names", SHIPPED)
def test_the_configurations_that_ship_are_good(names):
    config = load(*names)
    checked = settings.check(config, SCHEMA)
    assert checked == without_nulls(config)
    # Checking changes nothing in what was given, and nothing more in what it gave.
    assert config == load(*names)
    assert settings.check(checked, SCHEMA) == checked


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (study("splits"), [3]),
        (study("splits"), 1),
        (study("seeds"), [0, 99999]),
        (study("fractions"), [0.01, 0.5, 1]),
        (study("checkpoints"), []),
        (study("checkpoints"), [199]),
        (study("budget"), {"max_iterations": 200, "max_evaluations": 5000}),
        (study("features"), {"quadratic": ["random-sign"]}),
        (study("hidden_layers"), [[10, 5], [40, 20], [7]]),
        (study("optimiser"), "lbfgs"),
        (("studies", "digits-adam", "hidden_layers"), [[10, 5], ["c4", "c8"], ["c1", "c2", "c3", 7]]),
        (("studies", "digits-adam", "hidden_layers"), [[10, 5], ["c999"]]),
        (("studies", "digits-budget", "activation"), "gelu"),
        (("studies", "digits-budget", "averaging"), "logits"),
        (("studies", "digits-budget", "start"), "mirrored"),
        (("studies", "digits-budget", "optimiser"), "adam"),
        (("device",), "cuda:1"),
        (("alpha",), 0),
        (("results",), "results/another one"),
        (("results",), "r"),
        (("results",), "results/"),
        (("data",), "/somewhere/else"),
        (("data",), "../data"),
        (of_numbers("digits", "clean_study"), "digits-budget"),
        (of_numbers("digits", "solvers"), ["ours"]),
        (of_numbers("digits", "budgets"), ["iterations", "evaluations"]),
        (of_numbers("digits", "perturbed_networks"), 0),
        (of_numbers("perturbation"), 1e-6),
        (("targets", "digits"), [TARGET["digits"]]),
        (("targets", "fashion-mnist"), [0.5, 0.999]),
        (("figures", "curves"), ["mnist-clean"]),
        (("figures", "budget"), "mnist-clean"),
        (("figures", "target", "digits"), TARGETS["digits"][-1]),
        # No curve of this dataset is drawn.
        (("figures", "target", "kmnist"), 0.123),
        (("solo",), {"repeats": 1, "max_evaluations": 2}),
    ],
)
def test_a_good_value_passes(place, value):
    settings.check(altered(place, value), SCHEMA)


REFUSED = [
    # The top level.
    (("devise",), "cpu", f"devise is unknown; legal keys are {KEYS}"),
    (("results",), ABSENT, "results is missing; it is required"),
    (("results",), "", f"results is ''; it must be {FOLDER}"),
    (("results",), "/var/results", f"results is '/var/results'; it must be {FOLDER}"),
    (("results",), "~/results", f"results is '~/results'; it must be {FOLDER}"),
    (("results",), "results/reference", f"results is 'results/reference'; it must be {FOLDER}"),
    (("results",), 3, "results is 3; it must be text"),
    (("data",), ABSENT, "data is missing; it is required"),
    (("data",), "", f"data is ''; it must be {DOWNLOADS}"),
    (("data",), None, "data is None; it must be text"),
    (("device",), "gpu", "device is 'gpu'; it must be auto, cpu, cuda or cuda:N"),
    (("device",), "cuda:one", "device is 'cuda:one'; it must be auto, cpu, cuda or cuda:N"),
    (("dtype",), "float16", "dtype is 'float16'; it must be one of float32, float64"),
    (("alpha",), -1e-5, "alpha is -1e-05; it must be at least 0"),
    (("alpha",), True, "alpha is True; it must be a number"),
    # YAML reads 1e-5 as text: it wants a point.
    (("alpha",), "1e-5", "alpha is '1e-5'; it must be a number"),
    (("studies",), {}, "studies is {}; it must be a mapping that is not empty"),
    (("studies",), ["digits-clean"], "studies is ['digits-clean']; it must be a mapping of keys"),
    (("studies",), None, "studies is None; it must be a mapping of keys"),
    (("studies",), {"digits-clean": None}, "studies is {}; it must be a mapping that is not empty"),
    (("studies", "digits-clean"), [], "studies.digits-clean is []; it must be a mapping of keys"),
    # A study may be dropped, but not while something else names it.
    (
        ("studies", "digits-clean"),
        None,
        "published_numbers.digits.clean_study is 'digits-clean'; "
        f"it must be one of the studies of digits: digits-published, digits-budget, {OTHER_RECIPES}",
    ),
    (
        ("studies", "mnist-published"),
        None,
        "published_numbers.mnist.study is 'mnist-published'; it must be one of the studies of mnist: mnist-clean",
    ),
    (
        ("studies", "digits-budget"),
        None,
        "figures.budget is 'digits-budget'; "
        f"it must be one of the studies: digits-published, digits-clean, mnist-clean, mnist-published, {OTHER_RECIPES}",
    ),
    (
        ("studies", "Digits Clean"),
        load("config.yaml")["studies"]["digits-clean"],
        "studies: the key 'Digits Clean' is not legal; it must be a name of lower-case letters, digits and "
        "hyphens, 60 at most, that does not begin with a hyphen",
    ),
    # A study.
    (study("activation"), "sine", f"{STUDY}.activation is 'sine'; it must be one of tanh, relu, gelu"),
    (study("averaging"), True, f"{STUDY}.averaging is True; it must be one of none, logits, units"),
    (study("start"), "cold", f"{STUDY}.start is 'cold'; it must be one of ordinary, mirrored"),
    (study("optimiser"), "sgd", f"{STUDY}.optimiser is 'sgd'; it must be one of lbfgs, adam"),
    (
        study("optimiser"),
        "adam",
        f"{STUDY}.optimiser is 'adam'; it must be lbfgs, since published_numbers.digits.study names this study",
    ),
    (study("seed"), 3, f"{STUDY}.seed is unknown; legal keys are {STUDY_KEYS}"),
    (
        study("trained_as"),
        {"canonical": "identity"},
        f"{STUDY}.trained_as is 'canonical'; it must be of features of the study: "
        "identity, square, neighbour, permuted",
    ),
    (
        study("trained_as"),
        {"square": "cube"},
        f"{STUDY}.trained_as.square is 'cube'; it must be one of identity, square, neighbour, permuted, quadratic, "
        "absolute, canonical",
    ),
    (
        study("trained_as"),
        {"identity": "square"},
        f"{STUDY}.trained_as.identity is 'square'; it must be other features that are trained on the same sets: "
        "there are none",
    ),
    (
        study("trained_as"),
        {"square": "square"},
        f"{STUDY}.trained_as.square is 'square'; it must be other features that are trained on the same sets: "
        "identity, neighbour, permuted",
    ),
    (study("budget"), ABSENT, f"{STUDY}.budget is missing; it is required"),
    (study("dataset"), "mnits", f"{STUDY}.dataset is 'mnits'; it must be one of {DATASETS}"),
    (study("protocol"), "leaky", f"{STUDY}.protocol is 'leaky'; it must be one of published, clean"),
    (study("features"), {}, f"{STUDY}.features is {{}}; it must be a mapping that is not empty"),
    (study("features"), ["identity"], f"{STUDY}.features is ['identity']; it must be a mapping of keys"),
    (
        study("features", "cube"),
        ["original"],
        f"{STUDY}.features: the key 'cube' is not legal; it must be one of {MAPS}",
    ),
    (study("features", "square"), [], f"{STUDY}.features.square is []; it must be a list that is not empty"),
    (study("features", "square"), "original", f"{STUDY}.features.square is 'original'; it must be a list"),
    (
        study("features", "square"),
        ["original", "inverted"],
        f"{STUDY}.features.square[1] is 'inverted'; it must be one of original, augmented, random-sign",
    ),
    (
        study("features", "square"),
        ["original", "original"],
        f"{STUDY}.features.square is ['original', 'original']; it must be a list without repeats",
    ),
    (study("networks"), [], f"{STUDY}.networks is []; it must be a list that is not empty"),
    (study("networks"), "biased", f"{STUDY}.networks is 'biased'; it must be a list"),
    (study("networks"), ["unbiased"], f"{STUDY}.networks[0] is 'unbiased'; it must be one of biased, bias-free"),
    (study("hidden_layers"), [10, 5], f"{STUDY}.hidden_layers[0] is 10; it must be a list"),
    (study("hidden_layers"), [[]], f"{STUDY}.hidden_layers[0] is []; it must be a list that is not empty"),
    (study("hidden_layers"), [[10, 0]], f"{STUDY}.hidden_layers[0][1] is 0; it must be at least 1"),
    (study("hidden_layers"), [[True, 5]], f"{STUDY}.hidden_layers[0][0] is True; it must be a whole number"),
    (study("hidden_layers"), [["d4"]], f"{STUDY}.hidden_layers[0][0] is 'd4'; it must be {LAYER}"),
    (study("hidden_layers"), [["c0"]], f"{STUDY}.hidden_layers[0][0] is 'c0'; it must be {LAYER}"),
    (
        study("hidden_layers"),
        [["c4", 5, "c2"]],
        f"{STUDY}.hidden_layers is ['c4', 5, 'c2']; it must be a list with the convolutions before the layers of units",
    ),
    (
        study("hidden_layers"),
        [["c4"] * 4],
        f"{STUDY}.hidden_layers is ['c4', 'c4', 'c4', 'c4']; it must be of fewer convolutions: "
        "each halves the sides of its square images, and these are 8x8",
    ),
    (
        study("hidden_layers"),
        [["c4"]],
        f"{STUDY}.optimiser is 'lbfgs'; it must be adam with convolutions, as ['c4']",
    ),
    (study("splits"), -1, f"{STUDY}.splits is -1; it must be {COUNT}"),
    (study("splits"), [0, -3], f"{STUDY}.splits is [0, -3]; it must be {COUNT}"),
    (study("splits"), True, f"{STUDY}.splits is True; it must be {COUNT}"),
    (study("splits"), 2.5, f"{STUDY}.splits is 2.5; it must be {COUNT}"),
    (study("splits"), "5", f"{STUDY}.splits is '5'; it must be {COUNT}"),
    (study("splits"), [], f"{STUDY}.splits is []; it must be {COUNT}"),
    (study("seeds"), 0, f"{STUDY}.seeds is 0; it must be {COUNT}"),
    (study("seeds"), [1, 2, 1], f"{STUDY}.seeds is [1, 2, 1]; it must be {COUNT}"),
    (study("seeds"), [100000], f"{STUDY}.seeds is [100000]; it must be {COUNT}"),
    (study("fractions"), 1.0, f"{STUDY}.fractions is 1.0; it must be a list"),
    (study("fractions"), [], f"{STUDY}.fractions is []; it must be a list that is not empty"),
    (study("fractions"), [0], f"{STUDY}.fractions[0] is 0; it must be above 0"),
    (study("fractions"), [-0.5, 1], f"{STUDY}.fractions[0] is -0.5; it must be above 0"),
    (study("fractions"), [0.5, 1.01], f"{STUDY}.fractions[1] is 1.01; it must be at most 1"),
    (study("fractions"), [1.0, 0.5], f"{STUDY}.fractions is [1.0, 0.5]; it must be ascending"),
    (study("fractions"), [0.5, 0.5], f"{STUDY}.fractions is [0.5, 0.5]; it must be a list without repeats"),
    (study("fractions"), [True], f"{STUDY}.fractions[0] is True; it must be a number"),
    (study("budget"), {}, f"{STUDY}.budget is {{}}; it must be a mapping that is not empty"),
    (study("budget"), 200, f"{STUDY}.budget is 200; it must be a mapping of keys"),
    (
        study("budget", "iterations"),
        5,
        f"{STUDY}.budget.iterations is unknown; legal keys are max_evaluations, max_iterations",
    ),
    (study("budget", "max_evaluations"), 0, f"{STUDY}.budget.max_evaluations is 0; it must be at least 1"),
    (study("budget", "max_iterations"), True, f"{STUDY}.budget.max_iterations is True; it must be a whole number"),
    (study("checkpoints"), [50, 200], f"{STUDY}.checkpoints is 200; it must be below the budget, 200"),
    (study("checkpoints"), [50, 300], f"{STUDY}.checkpoints is 300; it must be below the budget, 200"),
    (study("budget", "max_iterations"), 150, f"{STUDY}.checkpoints is 150; it must be below the budget, 150"),
    (study("checkpoints"), [20, 10], f"{STUDY}.checkpoints is [20, 10]; it must be ascending"),
    (study("checkpoints"), [0, 10], f"{STUDY}.checkpoints[0] is 0; it must be at least 1"),
    (study("checkpoints"), [10, 10], f"{STUDY}.checkpoints is [10, 10]; it must be a list without repeats"),
    (study("checkpoints"), None, f"{STUDY}.checkpoints is missing; it is required"),
    # A value too long to show whole.
    (
        study("networks"),
        "biased, " * 20,
        f"{STUDY}.networks is 'biased, biased, biased, biased, biased, biased, biased, ...; it must be a list",
    ),
    # The published numbers.
    (("published_numbers",), None, "published_numbers is None; it must be a mapping of keys"),
    (
        of_numbers("seeds"),
        3,
        "published_numbers.seeds is unknown; legal keys are digits, mnist, perturbation, perturbed_at_a_time",
    ),
    # What used to stand here, for digits alone.
    (
        of_numbers("clean_study"),
        "digits-clean",
        "published_numbers.clean_study is unknown; legal keys are digits, mnist, perturbation, perturbed_at_a_time",
    ),
    (
        of_numbers("digits", "seeds"),
        3,
        f"published_numbers.digits.seeds is unknown; legal keys are {PLACED_KEYS}",
    ),
    (of_numbers("digits"), "digits-clean", "published_numbers.digits is 'digits-clean'; it must be a mapping of keys"),
    (of_numbers("perturbation"), None, "published_numbers.perturbation is missing; it is required"),
    *(
        (of_numbers("mnist", key), ABSENT, f"published_numbers.mnist.{key} is missing; it is required")
        for key in ("study", "clean_study", "solvers", "budgets", "perturbed_networks")
    ),
    (
        of_numbers("digits", "study"),
        "digits-publsihed",
        "published_numbers.digits.study is 'digits-publsihed'; "
        f"it must be one of the studies of digits: {DIGITS_STUDIES}",
    ),
    (
        of_numbers("digits", "clean_study"),
        "clean",
        f"published_numbers.digits.clean_study is 'clean'; it must be one of the studies of digits: {DIGITS_STUDIES}",
    ),
    (
        of_numbers("mnist", "clean_study"),
        "digits-clean",
        "published_numbers.mnist.clean_study is 'digits-clean'; "
        "it must be one of the studies of mnist: mnist-clean, mnist-published",
    ),
    (of_numbers("digits", "study"), None, "published_numbers.digits.study is missing; it is required"),
    (of_numbers("digits", "solvers"), "ours", "published_numbers.digits.solvers is 'ours'; it must be a list"),
    (
        of_numbers("digits", "solvers"),
        [],
        "published_numbers.digits.solvers is []; it must be a list that is not empty",
    ),
    (
        of_numbers("digits", "solvers"),
        ["ours", "scipy"],
        "published_numbers.digits.solvers[1] is 'scipy'; it must be one of scikit-learn, ours",
    ),
    (
        of_numbers("digits", "solvers"),
        ["ours", "ours"],
        "published_numbers.digits.solvers is ['ours', 'ours']; it must be a list without repeats",
    ),
    (
        of_numbers("digits", "budgets"),
        [],
        "published_numbers.digits.budgets is []; it must be a list that is not empty",
    ),
    (
        of_numbers("digits", "budgets"),
        ["evaluations", "epochs"],
        "published_numbers.digits.budgets[1] is 'epochs'; it must be one of evaluations, iterations",
    ),
    (
        of_numbers("digits", "budgets"),
        ["iterations"],
        "published_numbers.digits.budgets is ['iterations']; it must be a list with evaluations, the author's reading, "
        "and perhaps iterations",
    ),
    (
        of_numbers("digits", "perturbed_networks"),
        -1,
        "published_numbers.digits.perturbed_networks is -1; it must be at least 0",
    ),
    (
        of_numbers("mnist", "perturbed_networks"),
        200.0,
        "published_numbers.mnist.perturbed_networks is 200.0; it must be a whole number",
    ),
    (of_numbers("perturbed_at_a_time"), 0, "published_numbers.perturbed_at_a_time is 0; it must be at least 1"),
    (
        of_numbers("perturbed_at_a_time"),
        2.5,
        "published_numbers.perturbed_at_a_time is 2.5; it must be a whole number",
    ),
    (of_numbers("perturbation"), 0, "published_numbers.perturbation is 0; it must be above 0"),
    (of_numbers("perturbation"), 0.001, "published_numbers.perturbation is 0.001; it must be at most 1e-06"),
    # Targets.
    (("targets",), ABSENT, "targets is missing; it is required"),
    (("targets",), None, "targets is None; it must be a mapping of keys"),
    (("targets",), [0.7], "targets is [0.7]; it must be a mapping of keys"),
    (("targets", "digits"), 0.7, "targets.digits is 0.7; it must be a list"),
    (("targets", "digits"), [], "targets.digits is []; it must be a list that is not empty"),
    (("targets", "digits"), [0.7, 0.7], "targets.digits is [0.7, 0.7]; it must be a list without repeats"),
    (("targets", "digits"), [0.7, "0.8"], "targets.digits[1] is '0.8'; it must be a number"),
    (("targets", "digits"), [0.7, True], "targets.digits[1] is True; it must be a number"),
    (("targets", "digits"), [0, 0.7], "targets.digits[0] is 0; it must be at least 0.0001"),
    (("targets", "digits"), [0.7, 1], "targets.digits[1] is 1; it must be below 1"),
    (("targets", "mnist"), [70], "targets.mnist[0] is 70; it must be below 1"),
    (("targets", "digits"), [float("nan")], "targets.digits[0] is nan; it must be a number"),
    (
        ("targets", "digits"),
        [0.111, 0.999],
        f"figures.target.digits is {TARGET['digits']}; it must be one of targets.digits: 0.111, 0.999",
    ),
    (
        ("targets", "mnist"),
        None,
        f"figures.target.mnist is {TARGET['mnist']}; it must be one of targets.mnist: there is none",
    ),
    (
        ("targets",),
        {},
        f"figures.target.digits is {TARGET['digits']}; it must be one of targets.digits: there is none",
    ),
    # Figures.
    (("figures",), ABSENT, "figures is missing; it is required"),
    (("figures",), None, "figures is None; it must be a mapping of keys"),
    (("figures", "colour"), "red", "figures.colour is unknown; legal keys are budget, curves, target"),
    (("figures", "curves"), None, "figures.curves is missing; it is required"),
    (("figures", "curves"), "digits-clean", "figures.curves is 'digits-clean'; it must be a list"),
    (("figures", "curves"), [], "figures.curves is []; it must be a list that is not empty"),
    (("figures", "curves"), [3], "figures.curves[0] is 3; it must be text"),
    (
        ("figures", "curves"),
        ["digits-clean", "digits-clean"],
        "figures.curves is ['digits-clean', 'digits-clean']; it must be a list without repeats",
    ),
    (
        ("figures", "curves"),
        ["digits-clean", "digit-clean"],
        f"figures.curves is 'digit-clean'; it must be one of the studies: {STUDIES}",
    ),
    (
        ("figures", "curves"),
        ["digits-clean", "digits-published"],
        "figures.curves is 'digits-published'; it must be of another dataset than digits-clean: both are of digits",
    ),
    (("figures", "budget"), ["digits-budget"], "figures.budget is ['digits-budget']; it must be text"),
    (("figures", "budget"), "budget", f"figures.budget is 'budget'; it must be one of the studies: {STUDIES}"),
    (("figures", "budget"), None, "figures.budget is missing; it is required"),
    (("figures", "target"), 0.7, "figures.target is 0.7; it must be a mapping of keys"),
    (("figures", "target", "digits"), "0.7", "figures.target.digits is '0.7'; it must be a number"),
    (("figures", "target", "digits"), 0, "figures.target.digits is 0; it must be at least 0.0001"),
    (("figures", "target", "digits"), 1.0, "figures.target.digits is 1.0; it must be below 1"),
    (
        ("figures", "target", "digits"),
        0.65,
        f"figures.target.digits is 0.65; it must be one of targets.digits: {LISTED['digits']}",
    ),
    (
        ("figures", "target", "mnist"),
        ABSENT,
        f"figures.target.mnist is None; it must be one of targets.mnist: {LISTED['mnist']}",
    ),
    # What is timed alone.
    (("solo",), ABSENT, "solo is missing; it is required"),
    (("solo",), None, "solo is None; it must be a mapping of keys"),
    (("solo", "networks"), 3, "solo.networks is unknown; legal keys are max_evaluations, repeats"),
    (("solo", "repeats"), ABSENT, "solo.repeats is missing; it is required"),
    (("solo", "repeats"), None, "solo.repeats is missing; it is required"),
    (("solo", "repeats"), 0, "solo.repeats is 0; it must be at least 1"),
    (("solo", "repeats"), 3.0, "solo.repeats is 3.0; it must be a whole number"),
    (("solo", "max_evaluations"), 1, "solo.max_evaluations is 1; it must be at least 2"),
    (("solo", "max_evaluations"), True, "solo.max_evaluations is True; it must be a whole number"),
    # What a schema's own rules let pass: JSON counts 5.0 as an integer, and nothing is below or above nan.
    (study("splits"), 5.0, f"{STUDY}.splits is 5.0; it must be {COUNT}"),
    (study("seeds"), [1.0, 2.0], f"{STUDY}.seeds is [1.0, 2.0]; it must be {COUNT}"),
    (study("hidden_layers"), [[10.0, 5]], f"{STUDY}.hidden_layers[0][0] is 10.0; it must be a whole number"),
    (
        study("budget", "max_evaluations"),
        200.0,
        f"{STUDY}.budget.max_evaluations is 200.0; it must be a whole number",
    ),
    (("alpha",), float("nan"), "alpha is nan; it must be a number"),
    (("alpha",), float("inf"), "alpha is inf; it must be a number"),
    (study("fractions"), [float("nan")], f"{STUDY}.fractions[0] is nan; it must be a number"),
    (of_numbers("perturbation"), float("nan"), "published_numbers.perturbation is nan; it must be a number"),
    (
        ("studies", 2024),
        load("config.yaml")["studies"]["digits-clean"],
        "studies: the key 2024 is not legal; it must be text",
    ),
    (("alpha",), -0.0, "alpha is -0.0; it must be a number"),
    (("alpha",), 10**400, f"alpha is 1{'0' * 56}...; it must be at most 1000"),
    (("device",), "cuda:01", "device is 'cuda:01'; it must be auto, cpu, cuda or cuda:N"),
    (("device",), "cpu\n", "device is 'cpu\\n'; it must be auto, cpu, cuda or cuda:N"),
    # What would fail, or lose networks, once the rest is trained.
    (
        study("fractions"),
        [0.5, 0.5000001, 1],
        f"{STUDY}.fractions is [0.5, 0.5000001, 1]; it must be of different numbers of images, of 7,188",
    ),
    (study("seeds"), 20000, f"{STUDY}.seeds is 20000; it must be at most 5,000 numbers"),
    (
        study("hidden_layers"),
        [[10, 5], [10] * 60],
        f"{STUDY}.hidden_layers is {str([10] * 60)[:57]}...; it must be shorter, since files are named after it: "
        "10-10-10-10-10-10-10...",
    ),
    (
        study("budget", "max_evaluations"),
        10**10,
        f"{STUDY}.budget.max_evaluations is {10**10}; it must be at most {10**9}",
    ),
    (
        of_numbers(),
        {"perturbed_at_a_time": 1, "perturbation": 1e-12},
        "published_numbers is {'perturbed_at_a_time': 1, 'perturbation': 1e-12}; it must be a mapping with digits, "
        "mnist or both",
    ),
    (
        of_numbers("digits", "study"),
        "digits-clean",
        "published_numbers.digits.study is 'digits-clean'; it must be a study whose protocol is published",
    ),
    (
        of_numbers("digits", "clean_study"),
        "digits-published",
        "published_numbers.digits.clean_study is 'digits-published'; it must be a study whose protocol is clean",
    ),
    (
        study("fractions"),
        [0.5],
        f"{STUDY}.fractions is [0.5]; it must be a list with 1, since published_numbers.digits.study names this study",
    ),
    (
        ("studies", "digits-clean", "hidden_layers"),
        [[10]],
        "studies.digits-clean.hidden_layers is [[10]]; it must be a list with [10, 5], since "
        "published_numbers.digits.clean_study names this study",
    ),
    (
        ("studies", "digits-clean", "hidden_layers"),
        [[10, 5], [20]],
        "studies.digits-clean.hidden_layers is [[10, 5], [20]]; it must be a list of one, since figures.curves draws "
        "this study",
    ),
    (
        ("theory", "emulated_bias_mnist"),
        None,
        "theory.emulated_bias_mnist is missing; it is required where a study is of mnist",
    ),
    (
        ("theory", "mirrored_pairs", "fraction"),
        0.001,
        "theory.mirrored_pairs.fraction is 0.001; it must be at least 0.00696, 10 of 1,437 images",
    ),
    (
        ("theory", "amplification", "epsilons"),
        [1e300],
        "theory.amplification.epsilons[0] is 1e+300; it must be a number from 0 to 1,000,000, or inf for free biases",
    ),
    (
        ("studies", "digits-clean", "features", "square"),
        ["original", "augmented"],
        "studies.digits-clean.features.square is ['original', 'augmented']; it must be a list of one, since "
        "figures.curves draws this study",
    ),
    (
        ("studies", "digits-budget", "fractions"),
        [0.5],
        "figures.budget is 'digits-budget'; it must be of a study that trains on all images: with the fraction 1",
    ),
    (("targets", "digits"), [0.00001], "targets.digits[0] is 1e-05; it must be at least 0.0001"),
    (
        ("figures", "target", "x=0.5 $(id)"),
        0.5,
        f"figures.target: the key 'x=0.5 $(id)' is not legal; it must be one of {DATASETS}",
    ),
    (("results",), "../elsewhere", f"results is '../elsewhere'; it must be {FOLDER}"),
    (("results",), "results/../../elsewhere", f"results is 'results/../../elsewhere'; it must be {FOLDER}"),
]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    REFUSED,
    ids=[f"{number}-{message[:40]}" for number, (*_, message) in enumerate(REFUSED)],
)
def test_a_bad_value_is_refused_in_one_line(place, value, message):
    refused = refusal(altered(place, value))
    assert refused == f"config: {message}"
    assert len(refused.splitlines()) == 1


MNIST = (("studies", "mnist-clean"), ("studies", "mnist-published"), of_numbers("mnist"))


def test_what_is_null_is_dropped():
    config = altered(*(part for place in MNIST for part in (place, None)), ("figures", "curves"), ["digits-clean"])
    checked = settings.check(config, SCHEMA)
    assert list(checked["studies"]) == DIGITS_STUDIES.split(", ")
    assert settings.placed(checked) == ["digits"]
    assert "mnist" not in checked["published_numbers"]
    assert {key[0] for key in settings.batches(checked)} == set(checked["studies"])
    # The rest is as it was.
    untouched = load("config.yaml")
    for name, part in checked["studies"].items():
        assert part == untouched["studies"][name]
    assert checked["targets"] == untouched["targets"]
    # Its settings go with a study.
    of_others = ["relu", "adam", "mirrored-start"]
    assert list(checked["settings"]) == ["paper", "no-leak", "longer", "longer-20-10", "longer-40-20", *of_others]


def test_a_dataset_may_be_placed_nowhere_and_its_studies_stay():
    checked = settings.check(altered(of_numbers("mnist"), None), SCHEMA)
    assert settings.placed(checked) == ["digits"]
    assert list(checked["studies"]) == STUDIES.split(", ")
    assert settings.placed(settings.check(load("config.yaml"), SCHEMA)) == ["digits", "mnist"]
    assert settings.placed(settings.check(altered(of_numbers("mnist"), ABSENT), SCHEMA)) == ["digits"]


def test_a_study_that_nothing_names_may_be_dropped():
    checked = settings.check(altered(("studies", "digits-budget"), None, ("figures", "budget"), "mnist-clean"), SCHEMA)
    assert "digits-budget" not in checked["studies"]


def test_numbers_are_not_placed_among_studies_that_are_all_dropped():
    config = altered(*(part for place in MNIST[:2] for part in (place, None)), ("figures", "curves"), ["digits-clean"])
    assert refusal(config) == (
        "config: published_numbers.mnist.study is 'mnist-published'; "
        "it must be one of the studies of mnist: there is none"
    )


def test_curves_of_a_dropped_study_are_refused():
    config = altered(*(part for place in MNIST for part in (place, None)))
    assert refusal(config) == (
        f"config: figures.curves is 'mnist-clean'; it must be one of the studies: {DIGITS_STUDIES}"
    )


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (
            ("settings", "talk", "study"),
            "nope",
            f"settings.talk.study is 'nope'; it must be one of the studies: {STUDIES}",
        ),
        (
            ("settings", "longer", "hidden_layers"),
            [10],
            "settings.longer.hidden_layers is [10]; "
            "it must be one of studies.digits-budget.hidden_layers: [10, 5], [20, 10], [40, 20]",
        ),
        (("settings", "talk", "label"), ABSENT, "settings.talk.label is missing; it is required"),
        (
            ("settings", "talk", "colour"),
            "red",
            "settings.talk.colour is unknown; legal keys are averaged, hidden_layers, label, study",
        ),
        (
            ("settings", "talk", "averaged"),
            ["nope"],
            f"settings.talk.averaged is 'nope'; it must be of the studies: {STUDIES}",
        ),
        (
            ("settings", "longer", "averaged"),
            ["digits-averaged-logits"],
            "settings.longer.averaged is 'digits-averaged-logits'; "
            "it must be a study that differs from digits-budget in its averaging alone",
        ),
        (
            ("settings", "no-leak", "averaged"),
            ["digits-clean"],
            "settings.no-leak.averaged is 'digits-clean'; "
            "it must be a study with another averaging than none, which is there already",
        ),
        (("settings", "talk"), "mnist", "settings.talk is 'mnist'; it must be a mapping of keys"),
        (("settings",), {}, "settings is {}; it must be a mapping that is not empty"),
        (("settings",), ABSENT, "settings is missing; it is required"),
    ],
)
def test_a_setting_is_of_a_study_and_of_layers_that_are_trained(place, value, says):
    assert refusal(altered(place, value)) == f"config: {says}"


@pytest.mark.parametrize("key", ["letters", 2024])
def test_targets_of_an_unknown_dataset_are_refused(key):
    legal = f"one of {DATASETS}"
    expected = f"config: targets: the key {key!r} is not legal; it must be {legal}"
    assert refusal(altered(("targets", key), [0.5])) == expected


@pytest.mark.parametrize(("config", "shown"), [([], "[]"), (None, "None"), ("digits", "'digits'")])
def test_a_configuration_that_is_no_mapping_is_refused(config, shown):
    assert refusal(config) == f"config is {shown}; it must be a mapping of keys"


@pytest.mark.parametrize(
    "place",
    [
        ("two\nlines",),
        study("two\nlines"),
        ("studies", "two\nlines"),
        study("features", "two\nlines"),
        of_numbers("two\nlines"),
        of_numbers("digits", "two\nlines"),
        ("figures", "two\nlines"),
        ("solo", "two\nlines"),
    ],
)
def test_a_key_of_two_lines_is_refused_in_one(place):
    assert len(refusal(altered(place, {})).splitlines()) == 1


@pytest.mark.parametrize("place", [of_numbers("digits", "study"), ("figures", "budget")])
def test_a_value_of_two_lines_is_refused_in_one(place):
    assert len(refusal(altered(place, "two\nlines")).splitlines()) == 1


def test_of_two_faults_the_first_by_place_is_named():
    config = altered(study("splits"), 0, ("alpha",), -1, ("dtype",), "float16")
    assert refusal(config).startswith("config: alpha ")


def test_a_map_too_large_for_its_images_is_refused():
    settings.check(altered(study("features", "quadratic"), ["original"]), SCHEMA)
    place = ("studies", "mnist-published", "features", "quadratic")
    refused = refusal(altered(place, ["original"]))
    assert refused.startswith(
        "config: studies.mnist-published.features: 'quadratic' on 28x28 images would be 307,720 features"
    )
    assert "\n" not in refused


def test_what_a_study_says_of_its_networks_is_in_its_specs():
    recipe = {"activation": "relu", "averaging": "units", "start": "mirrored", "optimiser": "adam"}
    config = altered(*(part for key, name in recipe.items() for part in (("studies", "digits-budget", key), name)))
    for (name, *_), spec in settings.batches(settings.check(config, SCHEMA)).items():
        usual = {key: config["studies"][name].get(key, value) for key, value in RECIPE.items()}
        assert {key: spec[key] for key in recipe} == (recipe if name == "digits-budget" else usual)


def test_an_odd_number_of_units_has_no_mirrored_start():
    layers = ("studies", "digits-budget", "hidden_layers"), [[10, 5], [7, 4]]
    refused = refusal(altered(("studies", "digits-budget", "start"), "mirrored", *layers))
    assert refused == (
        "config: studies.digits-budget.start is 'mirrored'; it must be ordinary with [7, 4]: "
        "units of the first layer come in pairs"
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("averaging", "logits", "averaging is 'logits'; it must be none with convolutions, as ['c4', 'c8']"),
        ("start", "mirrored", "start is 'mirrored'; it must be ordinary with convolutions, as ['c4', 'c8']"),
        (
            "features",
            {"quadratic": ["original"]},
            "features is 'quadratic'; it must be a map with a feature for each pixel, which ['c4', 'c8'] convolve",
        ),
    ],
)
def test_convolutions_are_of_images_and_not_averaged(key, value, said):
    place = "studies", "digits-adam"
    given = ((*place, "hidden_layers"), [[10, 5], ["c4", "c8"]], (*place, "trained_as"), {}, (*place, key))
    assert refusal(altered(*given, value | {"canonical": None} if key == "features" else value)) == (
        f"config: studies.digits-adam.{said}"
    )


def test_the_schema_and_the_library_have_one_vocabulary():
    inner = settings.read_schema(SCHEMA)["$defs"]["study"]["properties"]
    assert tuple(inner["features"]["propertyNames"]["enum"]) == tuple(FEATURES)
    assert tuple(inner["features"]["additionalProperties"]["items"]["enum"]) == TRAINING_SETS
    assert tuple(inner["protocol"]["enum"]) == PROTOCOLS
    assert tuple(inner["dataset"]["enum"]) == tuple(registry.table())


def test_a_name_that_is_added_to_a_registry_is_legal_at_once(monkeypatch):
    config = altered(study("features", "cubed"), ["original"])
    assert "'cubed' is not legal; it must be one of identity, square" in refusal(config)
    monkeypatch.setitem(FEATURES, "cubed", FeatureMap(lambda images, shape: images**3))
    settings.check(config, SCHEMA)


def test_every_registry_is_used_by_the_schema_and_none_needs_torch():
    text = SCHEMA.read_text(encoding="utf-8")
    assert {name.strip() for name in re.findall(r"registry: ([a-z ]+)$", text, re.M)} == set(settings.REGISTRIES)
    code = (
        "import sys; from symmetry_constrained.runs import config;"
        "[list(names()) for names in config.REGISTRIES.values()]; print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], env=PATHS, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_a_table_of_datasets_that_cannot_be_read_is_refused_in_one_line(monkeypatch, tmp_path):
    broken = tmp_path / "datasets.yaml"
    broken.write_text("digits: {shape: [8]}\n")
    monkeypatch.setitem(settings.REGISTRIES, "datasets", lambda: registry.table(broken))
    with pytest.raises(settings.ConfigError) as error:
        settings.check(load("config.yaml"), SCHEMA)
    assert str(error.value).startswith(f"{broken}: digits: ") and "\n" not in str(error.value)


def test_the_schema_and_the_reruns_have_one_vocabulary():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    inner = schema["$defs"]["placed"]["properties"]
    assert tuple(inner["budgets"]["items"]["enum"]) == tuple(reruns.BUDGETS)
    numbers = published.read(ROOT / "workflow/resources/published.csv")
    listed = set(schema["properties"]["published_numbers"]["properties"]) - {"perturbed_at_a_time", "perturbation"}
    assert listed == set(numbers["dataset"])
    # Every cell of the published numbers is trained in the study that its dataset's numbers are placed among.
    config = settings.check(load("config.yaml"), SCHEMA)
    for dataset in settings.placed(config):
        cells = numbers.loc[numbers["dataset"] == dataset, published.PAPER_KEYS].drop_duplicates()
        for key in ("study", "clean_study"):
            trained = config["studies"][config["published_numbers"][dataset][key]]
            for _, cell in cells.iterrows():
                assert cell["training_set"] in trained["features"][cell["features"]]
                assert cell["network"] in trained["networks"]
            assert 1 in trained["fractions"] and [10, 5] in trained["hidden_layers"]


@pytest.mark.parametrize(("value", "expected"), [(3, [0, 1, 2]), (1, [0]), ([7], [7]), ([5, 2], [5, 2])])
def test_a_count_stands_for_the_numbers_below_it_and_a_list_for_itself(value, expected):
    assert settings.numbers(value) == expected


@pytest.mark.parametrize("names", SHIPPED)
def test_the_number_of_batches_and_networks_is_the_product_of_the_choices(names):
    config = settings.check(load(*names), SCHEMA)
    specs = settings.batches(config)
    assert {key[0] for key in specs} == set(config["studies"])
    for name, values in config["studies"].items():
        models = sum(map(len, values["features"].values()))
        splits, seeds = (n if isinstance(n, int) else len(n) for n in (values["splits"], values["seeds"]))
        of_study = [spec for key, spec in specs.items() if key[0] == name]
        assert len(of_study) == models * len(values["hidden_layers"]) * splits
        trained = sum(len(spec["seeds"]) * len(spec["networks"]) * len(spec["fractions"]) for spec in of_study)
        assert trained == len(of_study) * len(values["networks"]) * seeds * len(values["fractions"])


def test_a_batch_is_keyed_by_its_folder_and_its_spec_is_complete():
    config = load("config.yaml")
    config["studies"] = {"small": config["studies"]["digits-clean"]}
    config["studies"]["small"] |= {
        "features": {"square": ["original"], "identity": ["augmented", "random-sign"]},
        "hidden_layers": [[10, 5], [40]],
        "splits": [0, 17],
        "seeds": 3,
        "fractions": [0.1, 1.0],
        "checkpoints": [10, 20, 50],
    }
    specs = settings.batches(config)
    models = [("square", "original"), ("identity", "augmented"), ("identity", "random-sign")]
    assert list(specs) == [
        ("small", *model, layers, split) for model in models for layers in ("10-5", "40") for split in ("0", "17")
    ]
    assert specs["small", "identity", "random-sign", "40", "17"] == {
        "study": "small",
        "dataset": "digits",
        "protocol": "clean",
        "split": 17,
        "features": "identity",
        "training_set": "random-sign",
        "hidden_layers": (40,),
        "fractions": (0.1, 1.0),
        "networks": ("biased", "bias-free"),
        "seeds": (0, 1, 2),
        "budget": {"max_evaluations": 200},
        "checkpoints": (10, 20, 50),
        "alpha": 1e-5,
        "dtype": "float32",
        "device": "auto",
        "activation": "tanh",
        "averaging": "none",
        "start": "ordinary",
        "optimiser": "lbfgs",
        "trained_as": None,
    }
    for spec in specs.values():
        assert set(spec) == set(Spec.__dataclass_fields__)


def test_a_spec_survives_json_and_refuses_missing_and_unknown_keys():
    values = next(iter(settings.batches(load("config.yaml")).values()))
    assert Spec.from_dict(json.loads(json.dumps(values))) == Spec(**values)
    with pytest.raises(ValueError, match=r"^spec: got an unexpected keyword argument 'sede'$"):
        Spec.from_dict(values | {"sede": 1})
    with pytest.raises(ValueError, match=r"^spec: missing 1 required positional argument: 'seeds'$"):
        Spec.from_dict({key: value for key, value in values.items() if key != "seeds"})
