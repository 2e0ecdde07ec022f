"""Splits of a study trained in one job or in several: the same bytes, and nothing made again."""

import re

import pytest
from helpers.runs import checkout
from helpers.tiny import CLEAN, PUBLISHED, TINY, run, stable

from symmetry_constrained.data import inputs, protocols, reading

# Canonical features of digits are their pixels, so that one job makes the batches of both.
SEVERAL = TINY | {
    "studies": {
        "digits-published": PUBLISHED,
        "digits-clean": CLEAN
        | {
            "features": {"identity": ["original", "augmented"], "neighbour": ["original"], "canonical": ["original"]},
            "trained_as": {"canonical": "identity"},
            "splits": [0, 3, 4],
            "fractions": [0.02, 1.0],
        },
    }
}
TABLE = "results/tiny/tables/networks.csv"


def trained(done) -> int:
    """How many training jobs a run had, or would have."""
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    if "Job stats:" not in said:
        return len(re.findall(r"^ *\d+ %  train_batch/", said, re.M))
    lines = [line.split() for line in said.split("Job stats:")[1].splitlines() if line.startswith("train_batch_")]
    # A dry run says it twice.
    return sum(int(count) for _, count in {tuple(line) for line in lines})


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("together") / "checkout", SEVERAL)
    # Identity's X with canonical's, its ±X, and neighbour's; and one of the other study.
    assert trained(run(folder, TABLE)) == 4
    return folder


def test_another_number_of_splits_to_a_job_trains_nothing_again(together):
    for count in (1, 2):
        planned = run(together, TABLE, "--dry-run", "--set-scatter", f"splits_per_job={count}")
        assert "Nothing to be done" in planned.stdout + planned.stderr


def test_one_split_to_a_job_gives_the_same_bytes(together, tmp_path):
    folder = checkout(tmp_path / "checkout", SEVERAL)
    assert trained(run(folder, TABLE, "--set-scatter", "splits_per_job=1")) == 10
    assert stable(folder) == stable(together)
    again = run(folder, TABLE, "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_features_that_are_trained_as_others_are_those_features(together):
    cells = together / "results/tiny/batches/digits-clean"
    for split in (0, 3, 4):
        weights = [
            (cells / f"{name}/original/10-5/split-{split}/weights.safetensors") for name in ("identity", "canonical")
        ]
        assert weights[0].read_bytes() == weights[1].read_bytes()
    digits = reading.load("digits")
    split = protocols.make_split("digits", digits, "clean", 3)
    own, pixels = (inputs.training(digits, split, name, "original", 3) for name in ("canonical", "identity"))
    assert own.same_as(pixels)
