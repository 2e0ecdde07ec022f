"""Seeds of initial weights: drawn anew for every split, so that networks of different splits share nothing."""

from collections.abc import Iterable

# A seed of NumPy's `RandomState` is below 2^32, which sets the limits.
NETWORKS_PER_SPLIT, SPLITS = 100_000, 42_948


def initial_seeds(split: int, numbers: Iterable[int]) -> list[int]:
    """The seeds of a split's networks, by their numbers: 100,000 (split + 1) + number.

    No two pairs of split and number share a seed, and none has a seed below 100,000: those of the published networks
    are 1, 2, 71 and 771, so that a published network is no draw of the distribution it is compared with. ValueError
    for a number or a split beyond the limits.
    """
    numbers = [int(number) for number in numbers]
    if not 0 <= split < SPLITS or not all(0 <= number < NETWORKS_PER_SPLIT for number in numbers):
        raise ValueError(f"a split is a number below {SPLITS:,}, and a network of it one below {NETWORKS_PER_SPLIT:,}")
    return [NETWORKS_PER_SPLIT * (split + 1) + number for number in numbers]
