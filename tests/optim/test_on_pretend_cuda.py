"""L-BFGS on a pretend card against the same on the CPU, and what a tick there costs."""

import itertools
from dataclasses import fields

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.checkpoints import Checkpoints, Marks
from symmetry_constrained.optim.problem import Budget

pytestmark = pytest.mark.usefixtures("same_arithmetic")

torch.set_num_threads(1)
BIASED = np.array([True, False] * 4)
BUDGET = Budget(max_evaluations=150)
CARD = "cuda"


def digits(device, dtype=torch.float32, alpha=1e-5, images=100, start=1.0):
    """An ensemble, its initial rows and its samples. From networks this small some converge early, others never."""
    points, labels = load_digits(return_X_y=True)
    ensemble = Ensemble(Architecture(64, (10, 5)), BIASED, alpha, dtype, device)
    samples = ensemble.samples((points[:images] / 8 - 1).astype(np.float32), labels[:images])
    scales = torch.logspace(0, -8, len(BIASED), dtype=torch.float64)[:, None].to(device)
    return ensemble, ensemble.initial(range(len(BIASED))) * scales * start, samples


def assert_equal(result, other):
    """To the bit, wherever they are."""
    for field in fields(result):
        here, there = getattr(result, field.name), getattr(other, field.name)
        if isinstance(here, torch.Tensor):
            here, there = here.cpu(), there.cpu()
            assert torch.equal(here.nan_to_num(7.0), there.nan_to_num(7.0)), field.name
        else:
            assert here == there, field.name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lanes_that_leave_at_different_times_end_as_on_the_cpu_to_the_bit(card, dtype):
    lanes = []
    results = [
        lbfgs.train(*digits(device, dtype), BUDGET, ticked=lambda state: lanes.append(len(state.lane)))
        for device in ("cpu", CARD)
    ]
    assert_equal(*results)
    assert results[1].x.is_cuda and results[1].gradient.is_cuda
    assert len(set(results[0].status)) > 1 and len(set(lanes)) > 2


def test_a_lane_that_diverges_ends_as_on_the_cpu(card):
    results = []
    for device in ("cpu", CARD):
        ensemble, rows, samples = digits(device)
        rows[2] = 1e200
        results.append(lbfgs.train(ensemble, rows, samples, Budget(max_evaluations=20)))
    assert_equal(*results)
    assert results[0].status[2] == "non_finite"


def test_checkpoints_and_marks_are_those_of_the_cpu(card):
    kept = []
    for device in ("cpu", CARD):
        ensemble, rows, samples = digits(device)
        checkpoints, marks = Checkpoints((1, 5, 20), rows), Marks([3, 10], rows)

        def accepted(state, done, each=(checkpoints, marks)):
            for one in each:
                one.accepted(state, done)

        marks.close(lbfgs.train(ensemble, rows, samples, Budget(max_evaluations=40), accepted=accepted))
        kept.append((checkpoints, marks))
    for here, there in zip(*kept, strict=True):
        assert torch.equal(here.rows, there.rows.cpu())
        np.testing.assert_array_equal(here.evaluations, there.evaluations)
    assert (kept[0][0].evaluations > 0).any()


def test_what_a_tick_costs(card):
    """In the middle of a training in which all lanes live."""
    ensemble, _, samples = digits(CARD, images=1000)
    counts = []
    lbfgs.train(
        ensemble,
        ensemble.initial(range(len(BIASED))),
        samples,
        Budget(max_evaluations=30),
        ticked=lambda state: counts.append((len(state.lane), card.counts())),
    )
    middle = [count for lanes, count in counts if lanes == len(BIASED)][5:25]
    assert len(middle) == 20
    for before, after in itertools.pairwise(middle):
        spent = {name: after[name] - before[name] for name in after}
        # Before there was one transfer each way and a graph: 77 to 81 kernels, 9 transfers to the card, 3 from it.
        assert spent == {"kernels": 39, "launches": 1, "to_device": 1, "to_host": 1}
