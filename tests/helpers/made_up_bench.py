"""A benchmark whose measurements are made up."""

from symmetry_constrained.benchmark.throughput import Bench


def bench(timed, judged):
    """timed: rows of solver, networks and seconds on 100 digits; judged: accuracies by solver."""
    one = Bench("cpu", 2)
    one.timed = [
        {"dataset": "digits", "n": 100, "evaluations": 50, "warm_up_seconds": 0.5, "peak_memory_mb": 7.0} | row
        for row in timed
    ]
    one.judged = [
        {"solver": solver, "dataset": "digits", "n": 100, "seed": seed, "accuracy": accuracy}
        for solver, accuracies in judged.items()
        for seed, accuracy in enumerate(accuracies)
    ]
    one.peaks = [[{"flop": 1e9, "tanh": 1e12, "exp": 1e12, "bandwidth": 1e15}] * 2]
    return one
