"""What a batch takes of a card's memory: planned, kept to, and refused in one line."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import pretend_cuda
from helpers.scripts import SPEC

from symmetry_constrained.data import protocols, reading
from symmetry_constrained.kernels import cuda
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import BLOCK_BYTES, Ensemble
from symmetry_constrained.training import capacity, trainer
from symmetry_constrained.training.batch import train_batch
from symmetry_constrained.training.spec import Spec

torch.set_num_threads(1)
CARD = torch.device("cuda")


@pytest.fixture(autouse=True)
def pretend(monkeypatch):
    """A pretend graph keeps all that a real one would use again, and libraries there take no memory."""
    monkeypatch.setattr(cuda, "UNRECORDED", 10**9)
    monkeypatch.setattr(capacity, "WORKSPACES", 0)


@pytest.fixture(scope="module")
def digits():
    dataset = reading.load("digits")
    return dataset, protocols.make_split("digits", dataset, "clean", 0)


def spec(**changes):
    longer = {"fractions": [0.02, 0.3], "seeds": [1, 2, 3], "hidden_layers": [10, 5], "features": "identity"}
    return Spec.from_dict(SPEC | longer | {"budget": {"max_evaluations": 12}, "device": "cuda"} | changes)


def layers(device):
    return Ensemble(Architecture(64, (10, 5)), np.zeros(1, dtype=bool), device=device).layers


def planned(monkeypatch):
    """The plans that are made from now on."""
    plans, original = [], capacity.plan

    def recording(*arguments):
        plans.append(original(*arguments))
        return plans[-1]

    monkeypatch.setattr(capacity, "plan", recording)
    return plans


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seeds": list(range(40)), "fractions": [0.1]},
        {"features": "quadratic", "fractions": [0.1], "seeds": [1]},
        {"dtype": "float64", "training_set": "augmented"},
        {"hidden_layers": [30, 20, 10], "fractions": [0.5]},
        {"averaging": "logits", "activation": "gelu"},
        {"averaging": "units"},
        {"optimiser": "adam"},
        {"optimiser": "adam", "hidden_layers": ["c3", "c4"]},
        {"optimiser": "adam", "averaging": "logits", "features": "quadratic", "fractions": [0.05]},
    ],
)
def test_a_batch_takes_no_more_than_planned_and_not_much_less(digits, monkeypatch, changes):
    plans = planned(monkeypatch)
    with pretend_cuda.cards() as card:
        train_batch(spec(**changes), *digits)
        assert 0.4 * plans[0].needed < card.peak < plans[0].needed
    assert plans[0].together == plans[0].networks


@pytest.mark.parametrize("memory, together", [(6_500_000, 3), (4_000_000, 1)])
def test_a_small_card_trains_in_groups_what_a_large_one_trains_at_once(digits, monkeypatch, memory, together):
    plans = planned(monkeypatch)
    tables = []
    for size in (2**34, memory):
        with pretend_cuda.cards(memory=size) as card:
            tables.append(train_batch(spec(), *digits))
            assert card.peak < size
    assert [plan.together for plan in plans] == [6, together]
    whole, parts = tables
    identity = ["network", "seed", "fraction"]
    pd.testing.assert_frame_equal(parts.networks[identity], whole.networks[identity])
    pd.testing.assert_frame_equal(parts.history[identity], whole.history[identity])
    numbers = ["test_accuracy", "train_loss", "iterations"]
    pd.testing.assert_frame_equal(parts.networks[numbers], whole.networks[numbers], rtol=1e-2)
    assert {key: rows.shape for key, rows in parts.weights.items()} == {
        key: rows.shape for key, rows in whole.weights.items()
    }
    for key, rows in whole.weights.items():
        np.testing.assert_allclose(parts.weights[key], rows, atol=1e-2)
    assert parts.timings[["fraction", "networks"]].to_numpy().tolist() == [[0.02, 6], [0.3, 6]]


def test_a_card_that_is_too_small_is_refused_in_one_line(digits):
    with pretend_cuda.cards(memory=3_000_000), pytest.raises(ValueError) as refusal:
        train_batch(spec(), *digits)
    said = str(refusal.value)
    assert said.startswith("small, identity, original, 10-5, split 0: device: cuda has 0.003 GB free, and one network")
    assert said.endswith("lower fractions or hidden_layers, or choose cpu") and len(said.splitlines()) == 1


def test_memory_that_others_take_meanwhile_is_told_in_one_line(digits, monkeypatch):
    with pretend_cuda.cards(memory=20_000_000) as card:
        original = trainer.HeldOut.judge

        def judge(*arguments):
            card.memory = card.in_use
            return original(*arguments)

        monkeypatch.setattr(trainer.HeldOut, "judge", judge)
        with pytest.raises(ValueError, match=r"^device: cuda has no memory left") as refusal:
            train_batch(spec(), *digits)
    assert len(str(refusal.value).splitlines()) == 1


def test_blocks_shrink_before_networks_are_parted(monkeypatch):
    plans = []
    with pretend_cuda.cards():
        for free in (2**34, 500_000_000, 210_000_000, 100_000_000):
            monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 2**34))
            plans.append(capacity.plan(layers(CARD), 128, [20_000], 5, CARD))
            assert plans[-1].needed < free
    assert [plan.together for plan in plans[:3]] == [128, 128, 64]
    blocks = [plan.block_bytes for plan in plans]
    assert blocks[0] == BLOCK_BYTES["cuda"] > blocks[1] > blocks[2] == capacity.EFFICIENT_BLOCK
    assert 1 <= plans[3].together < 64


def test_the_memory_of_the_cpu_is_not_planned():
    plan = capacity.plan(layers("cpu"), 10**6, [10**9], 5, torch.device("cpu"))
    assert (plan.together, plan.block_bytes) == (10**6, BLOCK_BYTES["cpu"])
