"""A training batch on a pretend card leaves the files that the CPU leaves."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import pretend_cuda
from helpers.scripts import SPEC, call, refused

from symmetry_constrained.benchmark import solo
from symmetry_constrained.data import datasets, protocols, reading, splits
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.optim.problem import Budget
from symmetry_constrained.training.reruns import Recipe
from symmetry_constrained.training.spec import Spec

pytestmark = pytest.mark.usefixtures("same_arithmetic")

torch.set_num_threads(1)
FOLDER = "identity/augmented/10-5/split-0"
LONGER = SPEC | {
    "features": "identity",
    "training_set": "augmented",
    "hidden_layers": [10, 5],
    "fractions": [0.02, 0.04],
    "budget": {"max_evaluations": 40},
    "checkpoints": [2, 20],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the digits and a split."""
    folder = tmp_path_factory.mktemp("made")
    dataset = reading.load("digits")
    dataset.write(folder / "digits")
    protocols.make_split("digits", dataset, "clean", 0).write(folder / "split-0")
    return folder


def arguments(made, device, out):
    spec = json.dumps(LONGER | {"device": device})
    return "--spec", spec, "--data", made / "digits", "--split", made / "split-0", "--out", out


def test_a_batch_writes_the_bytes_that_the_cpu_writes(made, tmp_path):
    assert call("train_batch", *arguments(made, "cpu", tmp_path / "cpu")) == (0, "")
    with pretend_cuda.cards() as card:
        assert call("train_batch", *arguments(made, "auto", tmp_path / "cuda")) == (0, "")
        assert card.kernels > 1000
    for name in ("networks.csv", "history.csv", "weights.safetensors", "predictions.safetensors"):
        assert (tmp_path / "cuda" / FOLDER / name).read_bytes() == (tmp_path / "cpu" / FOLDER / name).read_bytes(), name
    record = json.loads((tmp_path / "cuda" / FOLDER / "provenance.json").read_text())
    assert (record["device"], record["device_name"]) == ("cuda", "a pretend card")
    assert pd.read_csv(tmp_path / "cuda" / FOLDER / "networks.csv")["iterations"].max() > 20


def test_a_batch_for_a_second_card_is_refused_in_one_line_where_there_is_one(made, tmp_path):
    with pretend_cuda.cards(1):
        said = refused(tmp_path, "train_batch", *arguments(made, "cuda:1", tmp_path / "out"))
    assert said == "device: there is no cuda:1 here; choose auto or cpu"


def test_reruns_are_the_cpus_to_the_bit():
    dataset = reading.load("digits")
    row = {"dataset": "digits", "features": "identity", "training_set": "original", "split_seed": 0, "table": "1"}
    row |= {"network": "biased", "network_seed": 3}
    recipe = Recipe(pd.Series(row), dataset, protocols.make_split("digits", dataset, "published", 0))
    recipe.inputs, recipe.labels = recipe.inputs[:200], recipe.labels[:200]
    offsets = np.random.default_rng(0).uniform(-1e-3, 1e-3, (2, Architecture(64, (10, 5)).row_length))
    budget = Budget(max_evaluations=20)
    with pretend_cuda.cards():
        pd.testing.assert_frame_equal(
            recipe.by_ensemble(budget, offsets, "cuda"), recipe.by_ensemble(budget, offsets, "cpu"), check_exact=True
        )


def test_one_network_alone_is_timed_on_the_card(made):
    spec = Spec.from_dict(LONGER | {"device": "cuda"})
    dataset, split = datasets.Dataset.read(made / "digits"), splits.Split.read(made / "split-0")
    with pretend_cuda.cards() as card:
        table = solo.time_solo(spec, dataset, split, repeats=1, max_evaluations=3)
        inputs = 4 * 64 * len(split.select("train"))  # bytes
        assert table["peak_gpu_memory_mb"].between(inputs / 1e6, card.peak / 1e6).all()
    assert (table["device"] == "cuda").all()
    assert table["energy_joules_per_evaluation"].isna().all()
