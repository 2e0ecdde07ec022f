"""What each job of a run is expected to take, those that train nothing as well: what its progress goes by.

Only their proportions matter much, since a run is measured while it goes. Seconds are of one core, as in `job_costs`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from symmetry_constrained import paper
from symmetry_constrained.runs import job_costs, planning

START = 3.0  # of a script: its imports
# Of what `job_costs` expects, which takes budgets as used up: training as it is now, and evaluations after the paper's.
TRAINING, LATER = 0.45, 0.2
# Of published networks' reruns, by the pixels of an image; of one model timed alone, each time it is trained.
RERUN = {64: 3.0, 784: 50.0}
ALONE = {64: 0.2, 784: 1.5}
# The default study's experiments, by their names in its configuration, and the options that their time goes with.
EXPERIMENTS: dict[str, tuple[float, dict[str, float]]] = {
    "random_networks": (5, {"networks": 1000}),
    "label_blind": (8, {"seeds": 20, "fraction": 0.25}),
    "emulated_bias_digits": (6, {"seeds": 10, "fraction": 1.0}),
    "emulated_bias_mnist": (35, {"seeds": 10, "fraction": 0.05}),
    "amplification": (140, {"seeds": 20, "depths": 5, "epsilons": 7, "fraction": 0.25, "max_iterations": 500}),
    "saturated_units": (8, {"seeds": 2, "fraction": 0.25, "max_evaluations": 200}),
    "mirrored_pairs": (60, {"seeds": 2, "epsilons": 4, "fraction": 1.0, "max_iterations": 150}),
    "orbits": (205, {"images": 150, "angles": 7, "seeds": 10, "iterations": 3000}),
    "invariants": (14, {"seeds": 2, "fraction": 1.0}),
}
# The default study's other jobs, by how the names of their rules begin: the first that fits.
OTHERS = {
    "make_split": 2.0,
    "draw_theory": 15.0,
    "draw_": 8.0,
    "gather_history": 5.0,
    "judge_": 8.0,
    "check_bound": 5.0,
    "write_audit": 100.0,
    "write_report": 15.0,
    "measure_": 300.0,
    "": START,
}


def training(specs: Sequence[Mapping[str, Any]]) -> float:
    """Of a job that trains these batches, but for those whose networks are another's (`trained_as`)."""
    own = [{**spec, "budget": _used(spec["budget"])} for spec in specs if not spec["trained_as"]]
    return START + TRAINING * job_costs.expected_seconds(own)


def _used(budget: Mapping[str, int]) -> dict[str, float]:
    """A budget as far as networks use it: many converge before a long one ends."""
    each = job_costs.evaluations(budget)
    return {"max_evaluations": min(each, paper.BUDGET) + LATER * max(each - paper.BUDGET, 0)}


def reruns(dataset: str, options: Mapping[str, Any]) -> float:
    """Of a published network, as its dataset's `published_numbers` say; those perturbed most often end early."""
    return START + job_costs.like(RERUN, dataset) * len(options["solvers"]) * len(options["budgets"])


def alone(specs: Sequence[Mapping[str, Any]], repeats: int) -> float:
    """Of the models that are timed alone."""
    return START + repeats * sum(job_costs.like(ALONE, spec["dataset"]) for spec in specs)


def experiment(name: str, options: Mapping[str, Any]) -> float:
    """Of an experiment on theory, with the options that the configuration gives it."""
    seconds, usual = EXPERIMENTS[name]
    return START + seconds * planning.ratio(options, usual)


def other(rule: str) -> float:
    """Of any other job."""
    return next(seconds for start, seconds in OTHERS.items() if rule.startswith(start))
