"""The paper's estimator as scikit-learn runs it, for independent comparison.

The recipe of the author's notebook: `MLPClassifier(solver="lbfgs", activation="tanh", alpha=1e-5)` and, for the
bias-free network, the same class with its intercepts left out after they have been drawn.
"""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from symmetry_constrained import paper
from symmetry_constrained.optim.problem import GTOL, Budget


class Network(MLPClassifier):
    """`MLPClassifier` that counts the evaluations of its loss."""

    evaluations_ = 0

    def _loss_grad_lbfgs(self, *args: Any, **kwargs: Any) -> tuple[float, np.ndarray]:
        self.evaluations_ += 1
        return super()._loss_grad_lbfgs(*args, **kwargs)


class BiasFreeNetwork(Network):
    """The same without intercepts, which are drawn, set to zero and never moved."""

    def _init_coef(self, fan_in, fan_out, dtype):
        weights, intercepts = super()._init_coef(fan_in, fan_out, dtype)
        return weights, np.zeros_like(intercepts)

    def _compute_loss_grad(self, layer, weight_sum, activations, deltas, coef_grads, intercept_grads):
        super()._compute_loss_grad(layer, weight_sum, activations, deltas, coef_grads, intercept_grads)
        intercept_grads[layer] = np.zeros_like(intercept_grads[layer])


def fit(
    inputs: np.ndarray,
    labels: np.ndarray,
    *,
    biased: bool,
    seed: int,
    budget: Budget,
    hidden_layers: tuple[int, ...] = paper.HIDDEN_LAYERS,
    alpha: float = paper.ALPHA,
    dtype: type | str = np.float64,
) -> Network:
    """Train one network on inputs (n, d), converted to `dtype`, and labels (n,); the optimiser works in float64."""
    network = (Network if biased else BiasFreeNetwork)(
        solver="lbfgs",
        activation="tanh",
        alpha=alpha,
        hidden_layer_sizes=hidden_layers,
        random_state=seed,
        tol=GTOL,
        max_iter=budget.max_iterations,
        max_fun=budget.max_evaluations,
    )
    with warnings.catch_warnings():
        # The recipe ends training at a budget, so reaching it is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(inputs.astype(dtype, copy=False), labels)


def as_row(network: Network) -> np.ndarray:
    """The fitted parameters as one row (P,), laid out as in `networks`."""
    parts = zip(network.coefs_, network.intercepts_, strict=True)
    return np.concatenate([np.column_stack([weights.T, biases]).ravel() for weights, biases in parts])
