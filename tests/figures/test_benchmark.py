"""The figures of the benchmark say what their tables say."""

import pandas as pd
from helpers.made_up_bench import bench

from symmetry_constrained.benchmark import throughput
from symmetry_constrained.figures import benchmark


def test_the_roofline_draws_every_timing_and_says_how_much_faster_we_are(style):
    timed = [
        {"solver": "ours", "networks": 1, "seconds": 0.004},
        {"solver": "ours", "networks": 8, "seconds": 0.002},
        {"solver": "scikit-learn", "networks": 1, "seconds": 0.0144},
        {"solver": "torch", "networks": 1, "seconds": 0.006},
    ]
    made_up = bench(timed, {"ours": [0.5, 0.7], "scikit-learn": [0.5, 0.7]})
    peaks = pd.DataFrame(made_up.peaks[0])
    figure, data = benchmark.roofline_figure(throughput.table(made_up, 200), peaks.iloc[0])
    assert figure.get_suptitle() == (
        "Our networks train 7.2 times as fast as scikit-learn's,\n"
        "and 3.0 times as fast as those of PyTorch, the next fastest"
    )
    assert data[["solver", "networks"]].values.tolist() == [[row["solver"], row["networks"]] for row in timed]


def test_the_exponents_are_those_of_the_table(style):
    slopes = {"networks": -0.25, "n": 1.5, "width": 0.75}
    rows = pd.DataFrame(
        [
            {"varied": varied, "networks": 4, "n": 60, "width": 10, "exponent": slope, "exponent_error": 0.125}
            | {varied: value, "fitted": value > 10, "seconds_per_network_evaluation": 1e-6 * value**slope}
            for varied, slope in slopes.items()
            for value in (10, 20, 40)
        ]
    )
    figure, data = benchmark.scaling_figure(rows)
    powers = "(networks at once)^−0.25, images^1.50, width^0.75"
    assert figure.get_suptitle() == f"A network's cost per evaluation goes as {powers}"
    assert data.equals(rows)
