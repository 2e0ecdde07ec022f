"""Networks of every kind that a study may name: the audit agrees with their batches, and sees what is forged there."""

import json
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from helpers.scripts import SPEC, call
from safetensors.numpy import load_file, save_file

from symmetry_constrained.audit import batches, costs, history, specs
from symmetry_constrained.audit.results import Results
from symmetry_constrained.features import inversion
from symmetry_constrained.networks.activations import ACTIVATIONS
from symmetry_constrained.networks.registry import AVERAGING
from symmetry_constrained.training.spec import RECIPE

BUDGET = {"max_evaluations": 7}
CELLS = {"identity": "augmented", "square": "original"}
MODELS = [
    {"activation": activation, "averaging": averaging, "optimiser": optimiser}
    for activation in ACTIVATIONS
    for averaging, optimiser in zip(AVERAGING, ("adam", "lbfgs", "adam"), strict=True)
] + [{"start": "mirrored"}, {"optimiser": "adam", "convolutions": "c2-c3"}]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A results folder with digits and a split of them."""
    folder = tmp_path_factory.mktemp("recipes")
    assert call("fetch_dataset", "--dataset", "digits", "--out", folder / "data/digits") == (0, "")
    options = "--dataset", "digits", "--protocol", "clean", "--split=0", "--data", folder / "data/digits"
    assert call("make_split", *options, "--out", folder / "splits/digits/clean/split-0") == (0, "")
    return folder


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: "-".join(model.values()))
def trained(data, tmp_path_factory, request):
    """The same with batches of a study with one of the models; the folder, and the specs by the configuration."""
    folder = tmp_path_factory.mktemp("trained") / "results"
    shutil.copytree(data, folder)
    recipe = dict(request.param)
    hidden = specs.hidden(recipe.pop("convolutions", "4-3"))
    study = {key: SPEC[key] for key in ("dataset", "protocol", "networks", "seeds", "fractions")} | recipe
    study |= {"features": {name: [kind] for name, kind in CELLS.items()}, "hidden_layers": [hidden]}
    study |= {"splits": 1, "budget": BUDGET, "checkpoints": [2, 5]}
    config = {"alpha": 1e-5, "dtype": "float32", "device": "cpu", "studies": {"small": study}}
    (folder / "config.json").write_text(json.dumps(config))
    told = specs._of_config(config)
    for spec in told.values():
        text = json.dumps({key: value for key, value in spec.items() if key != "split"})
        where = "--data", folder / "data/digits", "--split", folder / "splits/digits/clean/split-0"
        assert call("train_batch", "--spec", text, *where, "--out", folder / "batches/small") == (0, "")
    return folder, told


def failures(folder, told):
    results = Results(folder)
    checks = [
        *(check for name, spec in told.items() for check in batches.check_batch(results, name, spec)),
        *(check for name, spec in told.items() for check in history.check_batch(results, name, spec)),
    ]
    assert len(checks) > 20
    return [check for check in checks if not check.ok]


def test_a_batch_is_as_the_audit_recomputes_it(trained):
    folder, told = trained
    assert failures(folder, told) == []
    for name, spec in told.items():
        assert json.loads((folder / name / "provenance.json").read_text())["spec"] == spec


def test_a_forged_class_is_found(trained, tmp_path):
    folder, told = trained
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / next(iter(told)) / "predictions.safetensors"
    predictions = load_file(path)
    predictions["0.02/original"][1] = (predictions["0.02/original"][1] + 1) % 10
    save_file(predictions, path)
    assert batches.PREDICTED in {check.what for check in failures(copy, told)}


def test_a_changed_weight_is_found(trained, tmp_path):
    """Of the first layer: the same in another place of every image where it is a convolution."""
    folder, told = trained
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / next(iter(told)) / "weights.safetensors"
    weights = load_file(path)
    key = max(weights, key=lambda name: (weights[name].shape, "/" not in name))
    weights[key][0, 4] += 3
    save_file(weights, path)
    assert {batches.PREDICTED, batches.TRAINED} & {check.what for check in failures(copy, told)}


def test_another_model_is_found_out(trained, tmp_path):
    """Weights are judged as the networks that the configuration says they are."""
    folder, told = trained
    spec = next(iter(told.values()))
    others = {"activation": "relu" if spec["activation"] != "relu" else "tanh"}
    others |= {"averaging": "none" if spec["averaging"] != "none" else "units"}
    for key, other in others.items():
        found = failures(folder, {name: spec | {key: other} for name, spec in told.items()})
        assert found, key


def test_the_audit_knows_what_is_usual():
    assert specs.USUAL == RECIPE


def test_averages_whose_predictions_for_x_and_minus_x_differ_are_found(trained, tmp_path):
    folder, told = trained
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / list(told)[1] / "predictions.safetensors"
    predictions = load_file(path)
    predictions["0.02/negated"][0, :1] = (predictions["0.02/negated"][0, :1] + 1) % 10
    save_file(predictions, path)
    averages = next(iter(told.values()))["averaging"] != "none"
    assert (batches.INVARIANT in {check.what for check in failures(copy, told)}) == averages


@pytest.mark.parametrize("hidden", ["10-5", "c4-c8"])
@pytest.mark.parametrize("name", ["identity", "canonical", "neighbour"])
def test_a_map_costs_the_same_before_whatever_layers(name, hidden):
    row = dict.fromkeys(costs.CELL, "") | {"dataset": "digits", "features": name, "hidden_layers": hidden}
    row |= {"n_train": 100, "flop": 6.0, "evaluations": 2}
    results = SimpleNamespace(table=lambda path: pd.DataFrame(columns=costs.CELL))
    once, each = costs.prices(results, pd.DataFrame([row]))["flop"]
    assert (once, each) == (inversion.feature_flop(name, 64, 100), 3.0)
