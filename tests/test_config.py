"""Good configurations pass; each bad one is refused in one line that names the key, the value and what is legal."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from symmetry_constrained import config as settings
from symmetry_constrained.features import FEATURES
from symmetry_constrained.protocols import PROTOCOLS, TRAINING_SETS
from symmetry_constrained.spec import Spec

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
STUDY = "studies.digits-published"
COUNT = "a count (N stands for 0 to N-1), or a list of different numbers"
FOLDER = "a folder inside the project, without a slash at its ends"
STUDY_KEYS = "budget, checkpoints, dataset, features, fractions, hidden_layers, networks, protocol, seeds, splits"
MAPS = "identity, square, neighbour, permuted, quadratic, absolute, canonical"
ABSENT = object()


def merge(config, changes):
    """Snakemake's way with several configuration files: mappings are merged, all else is replaced."""
    for key, value in changes.items():
        config[key] = merge(config.get(key) or {}, value) if isinstance(value, dict) else value
    return config


def load(*names):
    config = {}
    for name in names:
        merge(config, yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8")))
    return copy.deepcopy(config)


def altered(place, value):
    """The default with one value changed; `place` is a path of keys."""
    config = load("config.yaml")
    *parents, last = place
    inner = config
    for key in parents:
        inner = inner[key]
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return config


def study(key, *more):
    return ("studies", "digits-published", key, *more)


def of_numbers(key):
    return ("published_numbers", key)


@pytest.mark.parametrize("names", [["config.yaml"], ["config.yaml", "quick.yaml"], ["config.yaml", "full.yaml"]])
def test_the_configurations_that_ship_are_good(names):
    config = load(*names)
    assert settings.check(config, SCHEMA) is config
    assert load(*names) == config


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (study("splits"), [3]),
        (study("splits"), 1),
        (study("seeds"), [0, 4294967295]),
        (study("fractions"), [0.01, 0.5, 1]),
        (study("checkpoints"), []),
        (study("checkpoints"), [199]),
        (study("budget"), {"max_iterations": 200, "max_evaluations": 5000}),
        (study("features"), {"quadratic": ["random-sign"]}),
        (study("hidden_layers"), [[10, 5], [40, 20], [7]]),
        (("device",), "cuda:1"),
        (("alpha",), 0),
        (("results",), "results/another one"),
        (of_numbers("study"), "digits-clean"),
        (of_numbers("perturbation"), 1e-6),
    ],
)
def test_a_good_value_passes(place, value):
    settings.check(altered(place, value), SCHEMA)


REFUSED = [
    # The top level.
    (("devise",), "cpu", "devise is unknown; legal keys are alpha, device, dtype, published_numbers, results, studies"),
    (("results",), ABSENT, "results is missing; it is required"),
    (("results",), "", f"results is ''; it must be {FOLDER}"),
    (("results",), "/var/results", f"results is '/var/results'; it must be {FOLDER}"),
    (("results",), "~/results", f"results is '~/results'; it must be {FOLDER}"),
    (("results",), "results/", f"results is 'results/'; it must be {FOLDER}"),
    (("results",), 3, "results is 3; it must be text"),
    (("device",), "gpu", "device is 'gpu'; it must be auto, cpu, cuda or cuda:N"),
    (("device",), "cuda:one", "device is 'cuda:one'; it must be auto, cpu, cuda or cuda:N"),
    (("dtype",), "float16", "dtype is 'float16'; it must be one of float32, float64"),
    (("alpha",), -1e-5, "alpha is -1e-05; it must be at least 0"),
    (("alpha",), True, "alpha is True; it must be a number"),
    # YAML reads 1e-5 as text: it wants a point.
    (("alpha",), "1e-5", "alpha is '1e-5'; it must be a number"),
    (("studies",), {}, "studies is {}; it must be a mapping that is not empty"),
    (("studies",), ["digits-clean"], "studies is ['digits-clean']; it must be a mapping of keys"),
    (("studies", "digits-clean"), None, "studies.digits-clean is None; it must be a mapping of keys"),
    (
        ("studies", "Digits Clean"),
        load("config.yaml")["studies"]["digits-clean"],
        "studies: the key 'Digits Clean' is not legal; it must be a name of lower-case letters, digits and hyphens",
    ),
    # A study.
    (study("seed"), 3, f"{STUDY}.seed is unknown; legal keys are {STUDY_KEYS}"),
    (study("budget"), ABSENT, f"{STUDY}.budget is missing; it is required"),
    (study("dataset"), "mnits", f"{STUDY}.dataset is 'mnits'; it must be one of digits"),
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
    (study("splits"), -1, f"{STUDY}.splits is -1; it must be {COUNT}"),
    (study("splits"), [0, -3], f"{STUDY}.splits is [0, -3]; it must be {COUNT}"),
    (study("splits"), True, f"{STUDY}.splits is True; it must be {COUNT}"),
    (study("splits"), 2.5, f"{STUDY}.splits is 2.5; it must be {COUNT}"),
    (study("splits"), "5", f"{STUDY}.splits is '5'; it must be {COUNT}"),
    (study("splits"), [], f"{STUDY}.splits is []; it must be {COUNT}"),
    (study("seeds"), 0, f"{STUDY}.seeds is 0; it must be {COUNT}"),
    (study("seeds"), [1, 2, 1], f"{STUDY}.seeds is [1, 2, 1]; it must be {COUNT}"),
    (study("seeds"), [4294967296], f"{STUDY}.seeds is [4294967296]; it must be {COUNT}"),
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
    (study("checkpoints"), None, f"{STUDY}.checkpoints is None; it must be a list"),
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
        "published_numbers.seeds is unknown; legal keys are "
        "clean_study, perturbation, perturbed_at_a_time, perturbed_networks, study",
    ),
    (of_numbers("clean_study"), ABSENT, "published_numbers.clean_study is missing; it is required"),
    (
        of_numbers("study"),
        "digits-publsihed",
        "published_numbers.study is 'digits-publsihed'; it must be one of the studies: digits-published, digits-clean",
    ),
    (
        of_numbers("clean_study"),
        "clean",
        "published_numbers.clean_study is 'clean'; it must be one of the studies: digits-published, digits-clean",
    ),
    (of_numbers("perturbed_networks"), 0, "published_numbers.perturbed_networks is 0; it must be at least 1"),
    (
        of_numbers("perturbed_at_a_time"),
        2.5,
        "published_numbers.perturbed_at_a_time is 2.5; it must be a whole number",
    ),
    (of_numbers("perturbation"), 0, "published_numbers.perturbation is 0; it must be above 0"),
    (of_numbers("perturbation"), 0.001, "published_numbers.perturbation is 0.001; it must be at most 1e-06"),
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
    (("results",), "../elsewhere", f"results is '../elsewhere'; it must be {FOLDER}"),
    (("results",), "results/../../elsewhere", f"results is 'results/../../elsewhere'; it must be {FOLDER}"),
]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    REFUSED,
    ids=[f"{number}-{message[:40]}" for number, (*_, message) in enumerate(REFUSED)],
)
def test_a_bad_value_is_refused_in_one_line(place, value, message):
    with pytest.raises(settings.ConfigError) as error:
        settings.check(altered(place, value), SCHEMA)
    assert str(error.value) == f"config: {message}"
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("config", "shown"), [([], "[]"), (None, "None"), ("digits", "'digits'")])
def test_a_configuration_that_is_no_mapping_is_refused(config, shown):
    with pytest.raises(settings.ConfigError) as error:
        settings.check(config, SCHEMA)
    assert str(error.value) == f"config is {shown}; it must be a mapping of keys"


@pytest.mark.parametrize(
    "place", [("two\nlines",), study("two\nlines"), ("studies", "two\nlines"), study("features", "two\nlines")]
)
def test_a_key_of_two_lines_is_refused_in_one(place):
    with pytest.raises(settings.ConfigError) as error:
        settings.check(altered(place, {}), SCHEMA)
    assert len(str(error.value).splitlines()) == 1


def test_a_folder_with_a_name_of_one_letter_is_legal():
    settings.check(altered(("results",), "r"), SCHEMA)


def test_of_two_faults_the_first_by_place_is_named():
    config = altered(study("splits"), 0)
    config["alpha"] = -1
    config["dtype"] = "float16"
    with pytest.raises(settings.ConfigError, match="alpha"):
        settings.check(config, SCHEMA)


def test_a_map_too_large_for_its_images_is_refused(monkeypatch):
    monkeypatch.setitem(settings.datasets.SHAPES, "digits", (28, 28))
    with pytest.raises(settings.ConfigError) as error:
        settings.check(altered(study("features", "quadratic"), ["original"]), SCHEMA)
    assert str(error.value).startswith(
        f"config: {STUDY}.features: 'quadratic' on 28x28 images would be 307,720 features"
    )
    assert "\n" not in str(error.value)


def test_the_schema_and_the_library_have_one_vocabulary():
    inner = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["$defs"]["study"]["properties"]
    assert tuple(inner["features"]["propertyNames"]["enum"]) == tuple(FEATURES)
    assert tuple(inner["features"]["additionalProperties"]["items"]["enum"]) == TRAINING_SETS
    assert tuple(inner["protocol"]["enum"]) == PROTOCOLS
    assert tuple(inner["dataset"]["enum"]) == tuple(settings.datasets.SHAPES)


@pytest.mark.parametrize(("value", "expected"), [(3, [0, 1, 2]), (1, [0]), ([7], [7]), ([5, 2], [5, 2])])
def test_a_count_stands_for_the_numbers_below_it_and_a_list_for_itself(value, expected):
    assert settings.numbers(value) == expected


@pytest.mark.parametrize(
    ("names", "batches", "networks"),
    [
        # 2 studies x (identity on X and on ±X, square, neighbour, permuted) x splits; seeds x 2 kinds of network each.
        (["config.yaml"], 2 * 5 * 5, 5 * 5 * (20 + 10) * 2),
        (["config.yaml", "quick.yaml"], 2 * 5 * 2, 2 * 5 * 2 * 4 * 2),
        (["config.yaml", "full.yaml"], 2 * 5 * 50, 2 * 5 * 50 * 20 * 2),
    ],
)
def test_the_number_of_batches_and_networks_is_the_product_of_the_choices(names, batches, networks):
    specs = settings.batches(load(*names))
    assert len(specs) == batches
    assert sum(len(s["seeds"]) * len(s["networks"]) * len(s["fractions"]) for s in specs.values()) == networks


def test_a_batch_is_keyed_by_its_folder_and_its_spec_is_complete():
    config = load("config.yaml")
    config["studies"] = {"small": config["studies"]["digits-clean"]}
    config["studies"]["small"] |= {
        "features": {"square": ["original"], "identity": ["augmented", "random-sign"]},
        "hidden_layers": [[10, 5], [40]],
        "splits": [0, 17],
        "seeds": 3,
        "fractions": [0.1, 1.0],
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
        "checkpoints": (10, 20, 50, 100, 150),
        "alpha": 1e-5,
        "dtype": "float32",
        "device": "auto",
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
