"""The roofline against numbers by hand, and this machine's peaks."""

import pytest

from symmetry_constrained.benchmark import roofline
from symmetry_constrained.benchmark.roofline import Peaks
from symmetry_constrained.networks.architecture import Architecture


def test_the_least_time_by_hand():
    # 4-3-2 with 10 samples: forward 2·(12 + 6) + 5 = 41 FLOP a sample, twice, and 2·6 for the second layer's input.
    architecture = Architecture(4, (3,), 2)
    flop, tanh, exp, size = 10 * (2 * 41 + 12), 10 * 3, 10 * 2, 10 * 4 * 4
    peaks = Peaks(flop=100.0, tanh=5.0, exp=2.0, bandwidth=1.0)
    assert roofline.least_seconds(architecture, 10, 8, peaks) == pytest.approx(flop / 100 + tanh / 5 + exp / 2)
    # Alone, the inputs are read for one network: 160 bytes at 1 byte a second.
    assert roofline.least_seconds(architecture, 10, 1, peaks) == size == 160
    assert roofline.intensity(architecture, 10, 8) == pytest.approx(8 * 940 / 160)


def test_the_best_peaks_are_those_of_the_best_round():
    def peaks(*values):
        return dict(zip(("flop", "tanh", "exp", "bandwidth"), values, strict=True))

    rounds = [[peaks(1, 5, 1, 1), peaks(3, 5, 1, 1)], [peaks(4, 1, 1, 1), peaks(2, 1, 1, 3)]]
    assert roofline.best(rounds) == Peaks(flop=3, tanh=5, exp=1, bandwidth=2)


def test_the_peaks_of_this_machine_are_those_of_a_machine(monkeypatch):
    monkeypatch.setitem(roofline.SIDE, "cpu", 256)
    monkeypatch.setattr(roofline, "STREAMED", 2**20)
    peaks = roofline.measure({"device": "cpu", "seconds": 0.05})()
    assert 1e8 < peaks["flop"] < 1e13
    assert 1e6 < peaks["tanh"] < 1e12 and 1e6 < peaks["exp"] < 1e12
    assert 1e8 < peaks["bandwidth"] < 1e13
