"""Plain, slow versions of what the library does, in NumPy and SciPy only."""

import itertools

import numpy as np
import scipy.optimize

ENDS = {
    "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL": "converged_gradient",
    "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH": "converged_loss",
    "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT": "max_iterations",
    "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT": "max_evaluations",
    "ABNORMAL: ": "abnormal",
}


def lbfgsb(
    function, x0, max_iterations=15_000, max_evaluations=15_000, gtol=1e-4, ftol=2.220446049250313e-09, **kwargs
):
    """SciPy's L-BFGS-B on a function that returns its value and its gradient."""
    options = {"maxcor": 10, "maxls": 20, "ftol": ftol, "gtol": gtol}
    options |= {"maxiter": max_iterations, "maxfun": max_evaluations}
    return scipy.optimize.minimize(function, x0, jac=True, method="L-BFGS-B", options=options, **kwargs)


def unpack(row, sizes):
    """One row of parameters -> (weights (fan_out, fan_in), biases (fan_out,)) of each layer, counted out by hand."""
    layers, position = [], 0
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights, biases = np.empty((fan_out, fan_in)), np.empty(fan_out)
        for unit in range(fan_out):
            weights[unit] = row[position : position + fan_in]
            biases[unit] = row[position + fan_in]
            position += fan_in + 1
        layers.append((weights, biases))
    assert position == len(row)
    return layers


def pack(layers):
    """The reverse of `unpack`."""
    return np.concatenate([np.append(w, b) for weights, biases in layers for w, b in zip(weights, biases, strict=True)])


def logits(row, sizes, inputs):
    """(n, classes)."""
    layers = unpack(row, sizes)
    activation = np.asarray(inputs, dtype=np.float64)
    for index, (weights, biases) in enumerate(layers):
        activation = activation @ weights.T + biases
        if index < len(layers) - 1:
            activation = np.tanh(activation)
    return activation


def log_probabilities(values):
    """log-softmax over the last axis."""
    values = values - values.max(-1, keepdims=True)
    return values - np.log(np.exp(values).sum(-1, keepdims=True))


def loss_and_gradient(row, sizes, inputs, labels, alpha, biased=True):
    """Mean cross-entropy + alpha / (2n) Σ‖W‖², and its gradient by textbook backpropagation, sample-major."""
    layers, n = unpack(row, sizes), len(inputs)
    activations = [np.asarray(inputs, dtype=np.float64)]
    for weights, biases in layers[:-1]:
        activations.append(np.tanh(activations[-1] @ weights.T + biases))
    log_p = log_probabilities(activations[-1] @ layers[-1][0].T + layers[-1][1])
    penalty = sum((weights**2).sum() for weights, _ in layers)
    loss = -log_p[np.arange(n), labels].mean() + 0.5 * alpha / n * penalty

    delta = np.exp(log_p)
    delta[np.arange(n), labels] -= 1.0
    gradients = []
    for index in reversed(range(len(layers))):
        weights = layers[index][0]
        below = activations[index]
        of_biases = delta.sum(0) / n if biased else np.zeros(len(weights))
        gradients.insert(0, ((delta.T @ below + alpha * weights) / n, of_biases))
        delta = (delta @ weights) * (1.0 - below**2)
    return loss, pack(gradients)


def bfgs_inverse(steps, differences, theta):
    """The dense inverse Hessian after BFGS updates with these pairs, oldest first, from I / theta."""
    identity = np.eye(steps.shape[1])
    inverse = identity / theta
    for s, y in zip(steps, differences, strict=True):
        rho = 1.0 / (y @ s)
        left = identity - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return inverse
