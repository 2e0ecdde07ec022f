"""What `measure_card.py` measures, on a pretend card; times there mean nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import pretend_cuda
from helpers.scripts import SPEC, refused
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.benchmark import card, split_products, throughput
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.costs import flop_per_evaluation
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.training.spec import Spec

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def same_arithmetic(monkeypatch):
    pretend_cuda.compute_as_a_card(monkeypatch)


@pytest.fixture(scope="module")
def digits():
    dataset = reading.load("digits")
    return dataset, protocols.make_split("digits", dataset, "clean", 0)


@pytest.fixture
def spec():
    return Spec.from_dict(SPEC | {"features": "identity", "device": "cuda", "budget": {"max_evaluations": 6}})


def test_a_card_is_told_by_its_name(monkeypatch):
    monkeypatch.setattr(card, "driver", lambda: "580.1")
    with pretend_cuda.cards(memory=2**30):
        about = card.about(torch.device("cuda"))
    assert (about["name"], about["driver"], about["memory_bytes"]) == ("a pretend card", "580.1", 2**30)
    assert about["float32_products_in_tf32"] is False
    assert card.file_name("NVIDIA H100 80GB HBM3") == "card-nvidia-h100-80gb-hbm3.json"


def test_without_the_drivers_tool_its_version_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert card.driver() is None


def test_networks_on_the_card_are_paired_with_the_cpus(digits, spec):
    with pretend_cuda.cards():
        rows = card.beside_cpu(spec, *digits, "cuda")
    assert [(row["network"], row["number"]) for row in rows] == [
        (kind, number) for kind in ("biased", "bias-free") for number in card.COMPARED
    ]
    for row in rows:  # the pretend card's arithmetic is the CPU's
        assert row["difference"] == row["difference_low"] == row["difference_high"] == 0.0
        assert (row["networks"], row["ks_p"]) == (2, 1.0)


def test_a_difference_between_card_and_cpu_is_seen(digits, spec, monkeypatch):
    original = card.train_batch

    def shifted(spec, dataset, split):
        batch = original(spec, dataset, split)
        batch.networks["test_accuracy"] += 0.25 if spec.device == "cuda" else 0.0
        return batch

    monkeypatch.setattr(card, "train_batch", shifted)
    with pretend_cuda.cards():
        rows = card.beside_cpu(replace(spec, seeds=tuple(range(8))), *digits, "cuda")
    row = next(row for row in rows if (row["network"], row["number"]) == ("biased", "test_accuracy"))
    assert row["difference"] == pytest.approx(0.25) and row["difference_low"] > 0.2
    assert row["ks_p"] < 0.05


def test_batches_are_trained_until_the_time_is_up(digits, spec):
    device = torch.device("cuda")
    with pretend_cuda.cards():
        batches = [(replace(spec, split=number), *digits) for number in (0, 1)]
        done, none = card.study(batches, 1e9, device), card.study(batches, -1.0, device)
    table = done["table"]
    assert [(row["split"], row["networks"]) for row in table] == [(0, 4), (1, 4)]
    assert all(row["seconds"] > row["training_seconds"] > 0 and row["evaluations"] > 0 for row in table)
    assert all(row["peak_gpu_memory_mb"] > 0 for row in table)
    assert (done["batches"], done["joules"]) == (2, None)
    assert done["seconds"] == pytest.approx(sum(row["seconds"] for row in table))
    assert (none["batches"], none["table"]) == (0, [])


@pytest.fixture
def case(digits):
    dataset, _ = digits
    with pretend_cuda.cards():
        ensemble = Ensemble(Architecture(64, (10, 5)), np.ones(3, dtype=bool), device="cuda")
        images = dataset.images[:100].reshape(100, -1) / np.float32(8) - 1
        yield card.Case(ensemble, ensemble.initial(range(3)), ensemble.samples(images, dataset.labels[:100]))


def test_energy_is_counted_over_all_evaluations(case, monkeypatch):
    counted = iter([10.0, 34.0])
    monkeypatch.setattr(card.solo, "energy_counter", lambda device: lambda: next(counted))
    assert card.energy(case, 0.0, 5)["joules_per_network_evaluation"] == pytest.approx(24.0 / case.train(5))
    monkeypatch.setattr(card.solo, "energy_counter", lambda device: None)
    assert card.energy(case, 0.0, 5) == {"joules_per_network_evaluation": None, "watts": None}


class Profiler:
    """Saw two launches of graphs, sixty kernels and each kind of copy in all ticks."""

    def __init__(self, **options):
        self.on = False

    def start(self):
        assert not self.on
        self.on = True

    def stop(self):
        assert self.on

    def events(self):
        names = ["Memcpy HtoD (Pageable -> Device)"] * 40 + ["Memcpy DtoH (Device -> Pageable)"] * 20 + ["gemm"] * 60
        on_device = [SimpleNamespace(name=name, device_type="DeviceType.CUDA", device_time=100.0) for name in names]
        return [*on_device, *[SimpleNamespace(name="cudaGraphLaunch", device_type="DeviceType.CPU")] * 20]


def test_what_the_device_does_in_a_tick_is_counted(case, monkeypatch):
    monkeypatch.setattr(card, "profile", Profiler)
    found = card.tick(case)
    assert found.pop("milliseconds") > 0
    assert found == {
        "busy_milliseconds": pytest.approx(120 * 0.1 / 20),
        "kernels": 3.0,
        "graph_launches": 1.0,
        "to_device": 2.0,
        "to_host": 1.0,
    }


def test_rates_are_shares_of_the_measured_peak():
    bench = throughput.Bench("cpu", processes=1)
    bench.peaks = [[{"flop": 1e12, "tanh": 1e15, "exp": 1e15, "bandwidth": 1e15}]]
    timed = {"dataset": "digits", "n": 1000, "networks": 8, "evaluations": 50, "seconds": 1e-4}
    bench.timed = [timed | {"solver": "ours", "warm_up_seconds": 1.0, "peak_memory_mb": 1.0}]
    (row,) = card.rates(bench)
    flop = flop_per_evaluation(Architecture(64, (10, 5)), True, 1000)
    assert row["flop_per_second"] == pytest.approx(flop / 1e-4)
    assert row["share_of_float32_peak"] == pytest.approx(flop / 1e-4 / 1e12)
    assert row["roofline_share"] == pytest.approx(row["share_of_float32_peak"], rel=1e-2)


@given(st.lists(st.floats(width=32, min_value=-(2.0**60), max_value=2.0**60), min_size=1))
def test_a_float32_is_three_bfloat16s(values):
    numbers = torch.tensor(values, dtype=torch.float32)
    small, middle, large = split_products.split(numbers)
    assert {part.dtype for part in (small, middle, large)} == {torch.bfloat16}
    total = large.double() + middle.double() + small.double()
    normal = numbers.abs() > 2.0**-100  # below, the parts are too small for a bfloat16
    assert torch.equal(total[normal], numbers.double()[normal])


def test_every_byte_is_exact_in_bfloat16():
    bytes_ = torch.arange(256)
    assert torch.equal(bytes_.to(torch.bfloat16).to(torch.int64), bytes_)


@pytest.mark.parametrize("device, cards", [("cuda", 0), ("cuda:1", 1), ("auto", 0), ("cpu", 1)])
def test_without_a_card_there_is_one_line(tmp_path, device, cards):
    with pretend_cuda.cards(cards):
        said = refused(tmp_path, "measure_card", "--device", device, "--out", tmp_path / "out")
    assert said.startswith("device: ") and ("no cuda" in said or "is not a GPU" in said)
