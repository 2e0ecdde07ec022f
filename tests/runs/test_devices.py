"""The device is decided once, has one name, and is refused where it is not there."""

import pytest

from symmetry_constrained.networks import ensemble
from symmetry_constrained.runs import devices


@pytest.fixture(params=[0, 1, 2])
def gpus(request, monkeypatch):
    """A machine with so many GPUs."""
    monkeypatch.setattr(devices, "has_driver", lambda: request.param > 0)
    monkeypatch.setattr(ensemble.torch.cuda, "device_count", lambda: request.param)
    monkeypatch.setattr(ensemble.torch.cuda, "is_available", lambda: request.param > 0)
    return request.param


def test_one_name_for_one_device(gpus):
    environment = {}
    names = {name: devices.decide(name, environment) for name in ("auto", "cpu", "cuda", "cuda:0", "cuda:1")}
    assert names == {
        "auto": "cuda" if gpus else "cpu",
        "cpu": "cpu",
        "cuda": "cuda",
        "cuda:0": "cuda",
        "cuda:1": "cuda:1",
    }


@pytest.mark.parametrize("decided", ["cpu", "cuda"])
def test_what_was_decided_where_the_run_began_holds_on_every_node(gpus, decided):
    assert devices.decide("auto", {devices.VARIABLE: decided}) == decided
    assert devices.decide("cpu", {devices.VARIABLE: decided}) == "cpu"


@pytest.mark.parametrize(("name", "least"), [("cpu", 0), ("cuda", 1), ("cuda:1", 2), ("cuda:7", 8)])
def test_a_device_that_is_not_there_is_refused_in_one_line(gpus, name, least):
    if gpus >= least:
        devices.check(name)
    else:
        told = f"^config: device is '{name}', but there is no {name} here; it must be auto or cpu$"
        with pytest.raises(ValueError, match=told):
            devices.check(name)


def test_a_driver_without_a_gpu_that_pytorch_can_use_is_none(monkeypatch):
    monkeypatch.setattr(devices, "has_driver", lambda: True)
    monkeypatch.setattr(ensemble.torch.cuda, "device_count", lambda: 0)
    assert devices.decide("auto", {}) == "cpu"


def test_jobs_on_a_gpu_ask_for_one():
    assert [devices.uses_gpu(name) for name in ("cpu", "cuda", "cuda:1")] == [False, True, True]
