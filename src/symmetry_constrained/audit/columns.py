"""Tables that no other check compares as a whole: the columns of a run, in its order, no other, and no row twice."""

from collections.abc import Iterator
from fnmatch import fnmatch

import numpy as np

from symmetry_constrained.audit import efforts
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.results import CONFIG, Results

EFFORTS = "status and effort of each training"
# Experiments on theory whose tables have the efforts of single trainings: the option that is the budget, and its name.
BUDGETS = {
    "amplification": ("max_iterations", "max_iterations"),
    "mirrored_pairs": ("max_iterations", "max_iterations"),
    "saturated_units": ("max_evaluations", "max_evaluations"),
    "orbits": ("iterations", "max_iterations"),
}
WHAT = "columns of tables, no row twice"
NETWORK = "study dataset protocol split features training_set network hidden_layers fraction seed n_train".split()
ENDS = (
    "train_accuracy train_loss test_accuracy test_loss inverted_accuracy inverted_loss negated_accuracy clipped".split()
)
ORBIT = ["features", "sampling", "angles", "seed"]
SIDES = ["test_accuracy", "inverted_accuracy"]
EFFORT = ["iterations", "evaluations"]
PLACE = ["dataset", "protocol", "split"]
INITIAL = ["initial_even", "initial_odd", "initial_shift", "initial_amplification"]
COLUMNS: dict[str, list[str]] = {
    "batches/*/networks.csv": [*NETWORK, *ENDS, *EFFORT, "status", "parameters", "flop"],
    "batches/*/history.csv": [*NETWORK, *EFFORT, *ENDS, "flop"],
    "batches/*/timings.csv": "fraction networks evaluations feature_seconds training_seconds judging_seconds".split(),
    "reruns/*/reruns.csv": ["solver", "budget", "original", "inverted", *EFFORT],
    "reruns/*/perturbed.csv": ["run", "original", "inverted", *EFFORT, "status"],
    "tables/claims.csv": [
        *("id", "title", "contrast", "section", "setting", "protocol", "dataset", "kind", "direction", "margin"),
        *("unit", "effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high", "published", "n"),
        *("cap", "verdict", "needed", "headline", "p_holm", "distinct", "evidence"),
    ],
    "tables/solo_timings.csv": [
        *("study", "dataset", "protocol", "features", "training_set", "network", "hidden_layers", "n_train"),
        *("repeats", "evaluations", "feature_seconds", "seconds_per_evaluation", "seconds_per_evaluation_low"),
        *("seconds_per_evaluation_high", "peak_memory_mb", "peak_gpu_memory_mb", "energy_joules_per_evaluation"),
        "device",
    ],
    "theory/label_blind.csv": [
        *("labels", "split", "seed", "n_train", "iterations", "status", "loss", "distance", *SIDES, "accuracy")
    ],
    "theory/amplification.csv": [
        *(*PLACE, "training_set", "fraction", "depth", "hidden_layers", "epsilon", "seed", "n_train", *SIDES),
        *("excess", "right_both_ways", "train_excess", "train_loss", "halfway_train_loss", "halfway_excess"),
        *("biases", "bias", "largest_bias", "at_bound", "even", "odd", "shift", "amplification", *INITIAL),
        *(*EFFORT, "status"),
    ],
    "theory/mirrored_pairs.csv": [
        *(*PLACE, "training_set", "fraction", "hidden_layers", "kind", "epsilon", "seed", "n_train", *SIDES),
        *("excess", "largest_bias", "largest_weight", "largest_difference", "largest_logit", "train_loss"),
        *(*EFFORT, "status"),
    ],
    "theory/saturated_units.csv": [
        *(*PLACE, "network", "seed", "inputs", "n_train", "test_accuracy", "saturated_units", "evaluations", "status")
    ],
    "theory/orbits.csv": [
        *(*ORBIT, "network", "images", "n_train", "parameters", "penalty", "iterations", "status", "newton_steps"),
        *("loss", "train_accuracy", "gradient_norm", "loss_variation", "orbit_gradient", "first_layer_norm"),
        *("direction_norm", "curvature", "image_norm", "quantile", "overlap", "smallest", "second", "median"),
        *("largest", "flat", "negative"),
    ],
    "theory/spectrum.csv": [*ORBIT, "order", "eigenvalue", "overlap"],
    "theory/orbit_loss.csv": [*ORBIT, "angle", "loss"],
    "theory/random_angles.csv": [
        *("parameters", "network", "seed", "images", "angles", "draws", "rms", "predicted", "ratio", "mean_rms"),
        *("mean_predicted", "mean_ratio"),
    ],
    "theory/emulated_bias/*-conditions.csv": [
        *(*PLACE, "set", "images", "negative", "zero", "positive", "smallest_sum", "median_sum", "pixels"),
        *("constant_pixels", "unshifted_constant_pixels", "changed_pixels", "changed_images", "largest_value"),
    ],
    "theory/emulated_bias/*.csv": [
        *(*PLACE, "training_set", "fraction", "hidden_layers", "seed", "construction", "weight", "images"),
        *("exceptions", "predicted_rate", "deviation", "largest_difference", "median_difference"),
        *("exceptions_difference", "inverted_difference", "oddness", *SIDES, "biased_test_accuracy"),
        "biased_inverted_accuracy",
    ],
    "theory/invariants/*/invariants.csv": [
        *("group", "split", "features", "network", "seed", "fraction", "n_train", "feature_count", "parameters"),
        *("budget", "evaluations", "train_loss", "train_accuracy", "test_accuracy", "transformed_accuracy"),
    ],
    "theory/invariants/*/sign_symmetries.csv": [
        *("features", "feature_count", "computed_from", "rank", "log2_symmetries", "symmetries", "members_tried"),
        *("members_error", "others_tried", "others_error"),
    ],
    "theory/invariants/*/phase_symmetries.csv": [
        *("features", "feature_count", "turns", "dimensions", "tried", "members_error", "others_error")
    ],
}


def check(results: Results) -> Iterator[Check]:
    for path in results.recorded:
        columns = next((names for pattern, names in COLUMNS.items() if fnmatch(path, pattern)), None)
        if columns is not None:
            yield from guarded(WHAT, path, _check(results, path, columns))
    for name, (option, limit) in BUDGETS.items():
        options, path = results.config["theory"].get(name) or {}, f"theory/{name}.csv"
        if option in options and results.belongs(path):
            where = results.blame(path, CONFIG)
            yield from guarded(EFFORTS, where, _check_budget(results, path, where, {limit: options[option]}))


def _check(results: Results, path: str, columns: list[str]) -> Iterator[Check]:
    table = results.table(path)
    twice = f"; {int(table.duplicated().sum())} rows are there twice" if table.duplicated().any() else ""
    yield equal(WHAT, results.blame(path), ", ".join(columns), ", ".join(table) + twice)
    if {"status", *EFFORT} & {*table}:
        odd = sorted({*table["status"]} - efforts.STATUSES) if "status" in table else []
        numbers = table[[name for name in EFFORT if name in table]].to_numpy(dtype=float)
        whole = bool((numbers == np.floor(numbers)).all() and (numbers >= 0).all())
        # Each iteration needs an evaluation at least.
        rising = bool((np.diff(numbers, axis=1) >= 0).all())
        found = f"the status {odd[0]!r}" if odd else "so" if whole and rising else "not so"
        yield Check(
            EFFORTS, results.blame(path), "legal words, whole numbers, no more iterations", found, found == "so"
        )


def _check_budget(results: Results, path: str, where: str, budget: dict[str, int]) -> Iterator[Check]:
    yield efforts.within(EFFORTS, where, results.table(path, ["status"]), budget)
