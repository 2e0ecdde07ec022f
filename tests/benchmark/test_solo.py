"""Timing one network alone: the same training as in a batch, and a GPU's energy by a made-up driver."""

import ctypes
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.scripts import SPEC, call

from symmetry_constrained.analysis.cost_to_target import PRICE_KEYS
from symmetry_constrained.benchmark import solo
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.training import batch as training
from symmetry_constrained.training.spec import Spec


@pytest.fixture(scope="module")
def digits():
    data = reading.load("digits")
    return data, protocols.split_images(data.images, data.labels, "clean", 0)


def spec(**changes):
    return Spec.from_dict(SPEC | {"fractions": [1.0], "seeds": [5, 6], "budget": {"max_evaluations": 6}} | changes)


@pytest.mark.parametrize("recipe", [{}, {"optimiser": "adam", "activation": "relu", "averaging": "units"}])
def test_a_network_alone_is_trained_as_in_a_batch(digits, recipe):
    # In so many iterations every network needs its own number of evaluations of L-BFGS.
    told = spec(
        training_set="random-sign", networks=["biased"], features="identity", budget={"max_iterations": 15}, **recipe
    )
    batch = training.train_batch(told, *digits)
    first, second = (batch.networks[batch.networks["seed"] == seed].reset_index(drop=True) for seed in (5, 6))
    assert (first["evaluations"].item() != second["evaluations"].item()) == (not recipe)
    table = solo.time_solo(told, *digits, repeats=1)
    same = [*PRICE_KEYS, "evaluations"]
    pd.testing.assert_frame_equal(table[same], first[same], check_dtype=False)


def test_a_row_for_each_kind_of_network_and_its_spread(digits):
    table = solo.time_solo(spec(device="cpu"), *digits, repeats=3)
    assert table["network"].tolist() == ["biased", "bias-free"]
    each = table[["seconds_per_evaluation_low", "seconds_per_evaluation", "seconds_per_evaluation_high"]].to_numpy()
    assert (0 < each[:, 0]).all() and (np.diff(each, axis=1) >= 0).all() and (each < 1).all()
    assert (table["feature_seconds"] > 0).all() and (table["feature_seconds"] < 1).all()
    assert (table["repeats"] == 3).all() and (table["device"] == "cpu").all()
    assert table[["peak_gpu_memory_mb", "energy_joules_per_evaluation"]].isna().all(axis=None)
    # Python with torch, and not the whole machine.
    assert table["peak_memory_mb"].between(50, 20_000).all()


def test_the_budget_is_the_lower_of_the_two(digits):
    def evaluations(most, **budget):
        table = solo.time_solo(spec(budget=budget, networks=["biased"]), *digits, repeats=1, max_evaluations=most)
        return table["evaluations"].item()

    assert evaluations(3, max_evaluations=200) < evaluations(50, max_evaluations=8) < 12
    assert evaluations(50, max_iterations=1) < 5
    assert evaluations(3, max_iterations=200) == evaluations(3, max_evaluations=200)


def test_peak_memory_forgets_what_was_before(digits):
    def peak():
        return solo.time_solo(spec(networks=["biased"]), *digits, repeats=1)["peak_memory_mb"].item()

    before = peak()
    held = np.ones(40_000_000)  # 320 MB
    assert peak() > before + 250
    del held
    if sys_forgets():
        assert peak() < before + 250


def sys_forgets():
    """Whether this system lets a process restart its count."""
    try:
        open("/proc/self/clear_refs", "w").close()
    except OSError:
        return False
    return True


def test_no_repeats_are_refused(digits):
    with pytest.raises(ValueError, match="repeats: there must be at least 1, not 0"):
        solo.time_solo(spec(), *digits, repeats=0)


class Driver:
    """NVIDIA's library as far as it is asked: a counter that moves by 50 J with each reading."""

    def __init__(self, fails=()):
        self.fails, self.millijoules = fails, 0

    def nvmlInit_v2(self):  # noqa: N802
        return int("init" in self.fails)

    def nvmlDeviceGetHandleByUUID(self, uuid, handle):  # noqa: N802
        assert uuid == b"GPU-1234"
        return int("handle" in self.fails)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, millijoules):  # noqa: N802
        self.millijoules += 50_000
        millijoules._obj.value = self.millijoules
        return int("energy" in self.fails)


@pytest.fixture
def driver(monkeypatch):
    def install(found):
        def load(name):
            if found is None:
                raise OSError(name)
            return found

        monkeypatch.setattr(ctypes, "CDLL", load)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1234"))

    return install


def test_energy_is_the_drivers_counter(driver):
    driver(Driver())
    joules = solo.energy_counter(torch.device("cuda"))
    assert (joules(), joules()) == (100, 150)
    assert solo.energy_counter(torch.device("cpu")) is None


@pytest.mark.parametrize("found", [None, Driver(["init"]), Driver(["handle"]), Driver(["energy"])])
def test_without_a_driver_that_tells_there_is_no_energy(driver, found):
    driver(found)
    assert solo.energy_counter(torch.device("cuda")) is None


def test_energy_per_evaluation_is_over_every_training_meanwhile(monkeypatch):
    class Network(solo.Solo):
        def train(self):
            self.trained.append(1)
            return 0.0, 10

    network = Network(SimpleNamespace(device=None), None, None, None, [1], "lbfgs")
    network.trained = []
    readings = iter([100.0, 400.0])
    monkeypatch.setattr(solo, "energy_counter", lambda device: lambda: next(readings))
    monkeypatch.setattr(solo, "ENERGY_SECONDS", 0.01)
    assert network.joules_per_evaluation() == pytest.approx(300 / (10 * len(network.trained)))
    monkeypatch.setattr(solo, "energy_counter", lambda device: None)
    assert np.isnan(network.joules_per_evaluation())


def test_the_script_times_several_batches_of_a_run(digits, tmp_path):
    data, split = digits
    data.write(tmp_path / "data/digits")
    split.write(tmp_path / "splits/digits/clean/split-0")
    specs = [SPEC | {"fractions": [1.0], "features": name} for name in ("square", "identity")]
    options = ("--results", tmp_path, "--repeats", 1, "--max-evaluations", 3)
    out = tmp_path / "out/solo.csv"
    assert call("time_solo", "--specs", json.dumps(specs), *options, "--out", out) == (0, "")
    table = pd.read_csv(out, dtype={"hidden_layers": str})
    assert table[["features", "network"]].values.tolist() == [
        [name, network] for name in ("square", "identity") for network in ("biased", "bias-free")
    ]
    assert (table["n_train"] == len(split.select("train"))).all()
    assert not table.duplicated(PRICE_KEYS).any()
    for specs, says in (
        ("[]", "one batch at least"),
        ("{}", "a list of batches"),
        ("[3]", "spec: 3 must be a mapping"),
    ):
        status, line = call("time_solo", "--specs", specs, *options, "--out", tmp_path / "none.csv")
        assert status == 1 and line.startswith("time_solo.py: ") and says in line
    assert not (tmp_path / "none.csv").exists()
