"""Configurations drawn from what the schema allows run whole, or are refused in one line before anything is trained."""

import warnings

import matplotlib
import pytest
from helpers.drawn import configuration, run_whole


@pytest.fixture(autouse=True)
def figures():
    """Pictures without a screen; what many open figures or constant data warn of is no failure of a run."""
    import matplotlib.pyplot as plt

    with matplotlib.rc_context({"figure.max_open_warning": 0}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        plt.close("all")


# The first ones by default: of the rest each takes half a minute alone.
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 30))]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_legal_configuration_runs_whole_or_is_refused_first(seed, tmp_path):
    refused = run_whole(tmp_path / "checkout", configuration(seed))
    assert refused is None or refused.startswith("config: ")


def test_most_configurations_drawn_are_legal():
    """Else the test above would show little."""
    from pathlib import Path

    from symmetry_constrained.runs import config as settings
    from symmetry_constrained.runs.faults import ConfigError

    schema = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
    default = {"device": "cpu", "data": "data"}
    legal = 0
    for seed in range(20):
        try:
            settings.check(default | configuration(seed), schema)
            legal += 1
        except ConfigError:
            pass
    assert legal >= 15
