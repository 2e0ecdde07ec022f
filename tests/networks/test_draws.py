"""Seeds of initial weights: no two networks of a study share one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.draws import NETWORKS_PER_SPLIT, SPLITS, initial_seeds

PAIR = st.tuples(st.integers(0, SPLITS - 1), st.integers(0, NETWORKS_PER_SPLIT - 1))


@given(st.lists(PAIR, min_size=2, max_size=20, unique=True))
def test_no_two_networks_share_a_seed_and_none_has_a_published_one(pairs):
    seeds = [initial_seeds(split, [number])[0] for split, number in pairs]
    assert len(set(seeds)) == len(seeds)
    assert all(NETWORKS_PER_SPLIT <= seed < 2**32 for seed in seeds)


def test_published_seeds_are_below_all_that_are_drawn():
    published = pd.read_csv("workflow/resources/published.csv")
    assert published["network_seed"].max() < initial_seeds(0, [0])[0]


def test_a_split_and_a_number_give_the_weights_of_that_random_state():
    architecture = Architecture(3, (2,), classes=2)
    (seed,) = initial_seeds(4, [7])
    assert seed == 500_007
    bound = np.sqrt(6 / 5)
    first = np.random.RandomState(500_007).uniform(-bound, bound, (3, 2))
    np.testing.assert_array_equal(architecture.split(architecture.initial(seed, True)[None])[0][0, :, :-1], first.T)


@pytest.mark.parametrize(("split", "number"), [(SPLITS, 0), (-1, 0), (0, NETWORKS_PER_SPLIT), (0, -1)])
def test_beyond_the_limits_is_refused_in_one_line(split, number):
    with pytest.raises(ValueError, match="below 42,948") as error:
        initial_seeds(split, [number])
    assert "\n" not in str(error.value)
