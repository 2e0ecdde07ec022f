"""Whether networks ended as their budget allows: by their status, iterations and evaluations."""

import numpy as np
import pandas as pd

from symmetry_constrained.audit.checks import Check, line

STATUSES = {"max_iterations", "max_evaluations", "converged_gradient", "converged_loss", "abnormal", "non_finite"}
UNLIMITED = 15_000
# The budget ends a training between two iterations, and one iteration takes at most two line searches of 20
# evaluations each, the second from the gradient alone.
SEARCHES = 40


def beyond(networks: pd.DataFrame, budget: dict[str, int], adam: bool = False) -> np.ndarray:
    """Which rows do not fit the budget. networks: with status, and with iterations, evaluations or both."""
    limits = {name: budget.get(name, UNLIMITED) for name in ("max_iterations", "max_evaluations")}
    status, efforts = networks["status"], {name: networks.get(name) for name in ("iterations", "evaluations")}
    wrong = ~status.isin(STATUSES)
    if (iterations := efforts["iterations"]) is not None:
        wrong |= (status == "max_iterations") & (iterations != limits["max_iterations"])
        wrong |= iterations > limits["max_iterations"]
    if (evaluations := efforts["evaluations"]) is not None:
        # L-BFGS ends beyond its budget of evaluations; Adam, which counts passes, within it.
        wrong |= (status == "max_evaluations") & (evaluations <= limits["max_evaluations"] - adam)
        wrong |= evaluations > limits["max_evaluations"] + (0 if adam else SEARCHES)
    if iterations is not None and evaluations is not None:
        wrong |= iterations > evaluations
        # An epoch of Adam is one evaluation.
        wrong |= adam & (evaluations != iterations + (status == "non_finite"))
    return wrong.to_numpy(dtype=bool)


def within(what: str, where: str, networks: pd.DataFrame, budget: dict[str, int], adam: bool = False) -> Check:
    """That every row fits the budget, as a check of this kind."""
    wrong = beyond(networks, budget, adam)
    text = f"line {line(wrong)}: {int(wrong.sum())} are not" if wrong.any() else "all within"
    return Check(what, where, f"status, iterations and evaluations within {budget}", text, not wrong.any())
