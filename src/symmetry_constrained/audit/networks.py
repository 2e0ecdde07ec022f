"""Networks as they begin, and their loss with its derivatives: in NumPy and float64, from the definitions.

The loss is the mean cross-entropy plus λ/2 times the sum of the squared weights, biases left out. A network is a list
of matrices (fan_out, fan_in + 1), layer by layer, whose last column is the bias.
"""

from dataclasses import dataclass

import numpy as np

HEIGHT = 1e-30  # of a step into the complex plane: its square is lost, so that derivatives have no error but rounding


def initial(seed: int, shapes: list[tuple[int, int]], biased: bool = True) -> list[np.ndarray]:
    """A network as scikit-learn's `MLPClassifier` with tanh or relu begins with this seed, perhaps without biases.

    Glorot and Bengio's rule: uniform in ±√(6 / (fan_in + fan_out)), layer by layer first the weights (fan_in, fan_out),
    then the biases, which are drawn in any case. shapes: (fan_in, fan_out) of each layer.
    """
    random, matrices = np.random.RandomState(seed), []
    for fan_in, fan_out in shapes:
        end = (6 / (fan_in + fan_out)) ** 0.5
        weights = random.uniform(-end, end, fan_in * fan_out).reshape(fan_in, fan_out)
        biases = random.uniform(-end, end, fan_out)
        matrices.append(np.hstack([weights.T, biases[:, None] * biased]))
    return matrices


def initials(seeds: list[int], shapes: list[tuple[int, int]], biased: bool = True) -> list[np.ndarray]:
    """The networks of K seeds as matrices (K, fan_out, fan_in + 1)."""
    each = [initial(int(seed), shapes, biased) for seed in seeds]
    return [np.stack([network[layer] for network in each]) for layer in range(len(shapes))]


def mirrored(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """K networks with every other unit of the first layer the mirror of the one before it: f(−x) = f(x).

    It has the other's weights with the other sign, the same bias, and the same weights in the layer above.
    """
    first, second = (matrix.copy() for matrix in matrices[:2])
    first[:, 1::2, :-1], first[:, 1::2, -1] = -first[:, ::2, :-1], first[:, ::2, -1]
    second[:, :, 1:-1:2] = second[:, :, :-1:2]
    return [first, second, *matrices[2:]]


def flat(matrices: list[np.ndarray]) -> np.ndarray:
    """A network as one vector (P,), layer by layer in C order."""
    return np.concatenate([matrix.ravel() for matrix in matrices])


def one(matrices: list[np.ndarray], place: int) -> list[np.ndarray]:
    """One of K networks (K, fan_out, fan_in + 1)."""
    return [matrix[place] for matrix in matrices]


@dataclass(frozen=True)
class Loss:
    """The loss of one tanh network on inputs x (n, d) with labels (n,), and the penalty λ."""

    x: np.ndarray
    labels: np.ndarray
    penalty: float

    def value_and_gradient(self, matrices: list[np.ndarray]) -> tuple[float, list[np.ndarray]]:
        """The loss, and its derivatives by every number of the network, biases too."""
        first = matrices[0]
        value, by_z, later = self.head(self.x @ first[:, :-1].T + first[:, -1], matrices[1:])
        gradient = [np.hstack([by_z.T @ self.x, by_z.sum(0)[:, None]]), *later]
        for matrix, part in zip(matrices, gradient, strict=True):
            value += self.penalty / 2 * (matrix[:, :-1] ** 2).sum()
            part[:, :-1] += self.penalty * matrix[:, :-1]
        return float(value), gradient

    def head(self, z: np.ndarray, later: list[np.ndarray]) -> tuple[float, np.ndarray, list[np.ndarray]]:
        """From the first layer's z (n, units) on: cross-entropy, and its derivatives by z and by the later layers.

        z and the later layers may have imaginary parts, of the size of `HEIGHT`.
        """
        logits, after = z, []
        for matrix in later:
            after.append(_tanh(logits))
            logits = after[-1] @ matrix[:, :-1].T + matrix[:, -1]
        exponentials = _exponential(logits - logits.real.max(axis=1, keepdims=True))
        error = exponentials / exponentials.sum(axis=1, keepdims=True)
        places = np.arange(len(logits)), self.labels.astype(int)
        value = -np.log(error.real[places]).mean()
        error[places] -= 1
        error /= len(logits)
        gradient: list[np.ndarray] = []
        for matrix, a in zip(later[::-1], after[::-1], strict=True):
            gradient.insert(0, np.hstack([error.T @ a, error.sum(0)[:, None]]))
            error = (error @ matrix[:, :-1]) * (1 - a * a)
        return float(value), error, gradient


def _tanh(z: np.ndarray) -> np.ndarray:
    """Of complex numbers with tiny imaginary parts to first order, which is far faster than NumPy's own."""
    if not np.iscomplexobj(z):
        return np.tanh(z)
    value = np.tanh(z.real)
    return value + 1j * z.imag * (1 - value * value)


def _exponential(z: np.ndarray) -> np.ndarray:
    """Likewise."""
    return np.exp(z.real) * (1 + 1j * z.imag) if np.iscomplexobj(z) else np.exp(z)


def hessian(loss: Loss, matrices: list[np.ndarray]) -> np.ndarray:
    """Second derivatives (Q, Q) of the loss by the Q weights of a bias-free network, layer by layer in C order.

    A sample's loss depends on the first layer through its own z alone. So derivatives by z are had for all samples from
    one step of one unit, and the chain rule, linear there, leads from z to the weights.
    """
    first, later = matrices[0][:, :-1], matrices[1:]
    units, inputs = first.shape
    z, x = loss.x @ first.T, loss.x
    size, counts = first.size, [matrix[:, :-1].size for matrix in later]
    found = loss.penalty * np.eye(size + sum(counts))
    corner = found[:size, :size].reshape(units, inputs, units, inputs)
    for unit in range(units):
        step = np.zeros(units)
        step[unit] = HEIGHT
        _, by_z, _ = loss.head(z + 1j * step, later)
        for other in range(units):
            corner[unit, :, other] += (x * (by_z.imag[:, other, None] / HEIGHT)).T @ x
    column = size
    for layer, matrix in enumerate(later):
        for place in np.ndindex(matrix[:, :-1].shape):
            moved = [part.astype(complex) for part in later]
            moved[layer][place] += 1j * HEIGHT
            _, by_z, by_later = loss.head(z, moved)
            cross = (by_z.imag / HEIGHT).T @ x
            found[:size, column] += cross.ravel()
            found[column, :size] += cross.ravel()
            found[size:, column] += np.concatenate([part[:, :-1].imag.ravel() for part in by_later]) / HEIGHT
            column += 1
    return found
