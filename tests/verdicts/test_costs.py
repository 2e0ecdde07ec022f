"""What a claim costs by itself, from the benchmarks of a run."""

import numpy as np
import pytest

from symmetry_constrained.verdicts import costs


@pytest.fixture
def benchmarks(tmp_path):
    """A folder of benchmarks: two jobs of one cell, one of a cell with more layers, and an experiment."""
    jobs = {
        "train_batch/a-10-5-0": (10.5, 300),
        "train_batch/a-10-5-10": (20, 400),
        "train_batch/a-10-5-3-0": (99, 900),
    }
    for name, (seconds, memory) in (jobs | {"theory/orbits": (2, "NA")}).items():
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{memory}\n")
    return tmp_path


def test_jobs_of_all_splits_of_a_cell_count_and_no_other(benchmarks):
    jobs = {"C1": ["train_batch/a-10-5-0"], "C2": ["train_batch/a-10-5-0", "train_batch/a-10-5-10", "theory/orbits"]}
    found = costs.read(benchmarks, jobs).set_index("claim")
    assert found.loc["C1"].tolist() == [2, 30.5, 400]
    # Each job once; of one no memory was measured.
    assert found.loc["C2"].tolist() == [3, 32.5, 400]


def test_what_was_not_timed_is_not_known(benchmarks):
    found = costs.read(benchmarks, {"C1": ["train_batch/a-10-5-0", "time_solo"], "C2": ["theory/orbits"], "C3": []})
    assert np.isnan(found.loc[0, ["seconds", "largest_mb"]].tolist()).all()
    assert found.loc[1, "seconds"] == 2 and np.isnan(found.loc[1, "largest_mb"])
    assert found.loc[2, ["jobs", "seconds"]].tolist() == [0, 0]
    assert "| –" in costs.section(found)


@pytest.mark.parametrize(("seconds", "text"), [(45, "45 s"), (720.5, "12 min"), (7200, "2.0 h"), (20000, "5.6 h")])
def test_times_for_people(seconds, text):
    assert costs.duration(seconds) == text
