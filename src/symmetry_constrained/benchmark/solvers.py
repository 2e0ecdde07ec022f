"""One interface to our solver and third-party ones: trainings with the same start, the same loss and the same budget.

- `ours`: K networks as one ensemble, the way a training batch runs.
- `scikit-learn`: `MLPClassifier`, one network after another, in float64; `scikit-learn-float32`: given float32.
- `torch`: `torch.optim.LBFGS` with its strong-Wolfe line search, one network after another.
- `jax`: `vmap` over optax's L-BFGS with its zoom line search, K networks in lockstep.

Every solver starts a seed's network from `Architecture.initial`, keeps ten pairs, stops at a gradient below GTOL or at
the end of its budget, and counts its own evaluations. A solver imports its libraries when it is created, so that a
process does not hold those of other solvers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from symmetry_constrained.data.inputs import Inputs
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.lbfgs import MEMORY
from symmetry_constrained.optim.problem import GTOL, Budget


@dataclass
class Trained:
    """K networks after training."""

    rows: np.ndarray  # (K, P) float64
    evaluations: np.ndarray  # (K,) of the loss and its gradient, each network's own


class Solver:
    """Trains biased networks of one architecture on one training set."""

    name: str
    dtype = "float32"
    batched = False  # whether it trains several networks at once
    takes_blocks = False  # whether it reads inputs block by block
    best_together = 1  # networks it trains at once when only the result counts
    on_device = True  # whether it runs on the device given, rather than always on the CPU

    def __init__(
        self, architecture: Architecture, alpha: float, inputs: np.ndarray | Inputs, labels: np.ndarray, device: str
    ):
        """inputs: float32 (n, d), or `Inputs` for a solver that takes blocks. labels (n,)."""
        self.architecture, self.alpha, self.device = architecture, alpha, device
        self.keep(inputs, labels)

    def keep(self, inputs: Any, labels: np.ndarray) -> None:
        """Keep the training set in the form that this solver trains on."""
        self.inputs, self.labels = inputs, labels

    def train(self, seeds: list[int], max_evaluations: int) -> Trained:
        """Train a network from each seed's initial weights, all biased; returns when the device has finished."""
        parts = [self._train_one(seed, max_evaluations) for seed in seeds]
        return Trained(np.stack([row for row, _ in parts]), np.array([evaluations for _, evaluations in parts]))

    def _train_one(self, seed: int, max_evaluations: int) -> tuple[np.ndarray, int]:
        """The row (P,) and evaluations of one network."""
        raise NotImplementedError

    def _initial(self, seeds: Iterable[int]) -> np.ndarray:
        return np.stack([self.architecture.initial(seed, True) for seed in seeds])


class Ours(Solver):
    name = "ours"
    batched = takes_blocks = True
    best_together = 128

    def keep(self, inputs: np.ndarray | Inputs, labels: np.ndarray) -> None:
        self.samples = self._ensemble(1).samples(inputs, labels)

    def _ensemble(self, networks: int) -> Ensemble:
        return Ensemble(self.architecture, np.ones(networks, dtype=bool), self.alpha, torch.float32, self.device)

    def train(self, seeds: list[int], max_evaluations: int) -> Trained:
        ensemble = self._ensemble(len(seeds))
        result = lbfgs.train(ensemble, ensemble.initial(seeds), self.samples, Budget(max_evaluations=max_evaluations))
        return Trained(result.x.cpu().numpy(), result.evaluations.numpy())


class ScikitLearn(Solver):
    name = "scikit-learn"
    dtype = "float64"
    on_device = False

    def keep(self, inputs: np.ndarray, labels: np.ndarray) -> None:
        super().keep(inputs.astype(self.dtype), labels)

    def _train_one(self, seed: int, max_evaluations: int) -> tuple[np.ndarray, int]:
        from symmetry_constrained.training import scikit_learn

        network = scikit_learn.fit(
            self.inputs,
            self.labels,
            biased=True,
            seed=seed,
            budget=Budget(max_evaluations=max_evaluations),
            hidden_layers=tuple(self.architecture.units),
            alpha=self.alpha,
            dtype=self.dtype,
        )
        return scikit_learn.as_row(network), network.evaluations_


class ScikitLearn32(ScikitLearn):
    """With float32 inputs, whose precision it keeps; SciPy's optimiser still computes in float64."""

    name = "scikit-learn-float32"
    dtype = "float32"


class Torch(Solver):
    name = "torch"

    def keep(self, inputs: np.ndarray, labels: np.ndarray) -> None:
        super().keep(torch.from_numpy(inputs).to(self.device), labels)
        self.index = torch.tensor(labels.astype(np.int64), device=self.device)

    def parameters(self, row: np.ndarray) -> list[torch.Tensor]:
        """A row (P,) -> the weights (fan_out, fan_in) and biases (fan_out,) of its layers, to be trained."""
        layers = self.architecture.split(torch.tensor(row[None], dtype=torch.float32, device=self.device))
        parts = [part.contiguous() for (layer,) in layers for part in (layer[:, :-1], layer[:, -1])]
        return [part.requires_grad_() for part in parts]

    def loss(self, parameters: list[torch.Tensor]) -> torch.Tensor:
        """scikit-learn's loss of one network: mean cross-entropy plus alpha / (2n) Σ‖W‖²."""
        activation, weights = self.inputs, parameters[::2]
        for index, (weight, bias) in enumerate(zip(weights, parameters[1::2], strict=True)):
            activation = torch.nn.functional.linear(activation, weight, bias)
            if index < len(weights) - 1:
                activation = activation.tanh()
        penalty = sum(weight.square().sum() for weight in weights)
        return torch.nn.functional.cross_entropy(activation, self.index) + self.alpha / (2 * len(self.index)) * penalty

    def _train_one(self, seed: int, max_evaluations: int) -> tuple[np.ndarray, int]:
        parameters = self.parameters(self._initial([seed])[0])
        optimiser = torch.optim.LBFGS(
            parameters,
            max_iter=max_evaluations,
            max_eval=max_evaluations,
            tolerance_grad=GTOL,
            history_size=MEMORY,
            line_search_fn="strong_wolfe",
        )

        def closure():
            optimiser.zero_grad()
            loss = self.loss(parameters)
            loss.backward()
            return loss

        optimiser.step(closure)
        pairs = zip(parameters[::2], parameters[1::2], strict=True)
        layers = [torch.cat([weight, bias[:, None]], 1).flatten() for weight, bias in pairs]
        row = torch.cat(layers).detach().double().cpu().numpy()
        return row, optimiser.state[parameters[0]]["func_evals"]


class Jax(Solver):
    name = "jax"
    batched = True

    def __init__(self, architecture, alpha, inputs, labels, device):
        import jax
        import jax.numpy as jnp
        import optax

        super().__init__(architecture, alpha, inputs, labels, device)
        solver = optax.lbfgs(memory_size=MEMORY)

        def train_one(row, max_evaluations, inputs, labels):
            def loss(row):
                return self.loss(row, inputs, labels)

            def going(carry):
                _, _, _, gradient, evaluations = carry
                return (evaluations < max_evaluations) & (jnp.abs(gradient).max() > GTOL)

            def iterate(carry):
                row, state, value, gradient, evaluations = carry
                updates, state = solver.update(gradient, state, row, value=value, grad=gradient, value_fn=loss)
                # Value and gradient where the line search ended. `value_and_grad_from_state` would need another
                # evaluation, since `vmap` runs both branches of its condition.
                search = state[-1]
                evaluations = evaluations + search.info.num_linesearch_steps
                return optax.apply_updates(row, updates), state, search.value, search.grad, evaluations

            value, gradient = jax.value_and_grad(loss)(row)
            row, _, _, _, evaluations = jax.lax.while_loop(going, iterate, (row, solver.init(row), value, gradient, 1))
            return row, evaluations

        self._alone = jax.jit(train_one)
        self._together = jax.jit(jax.vmap(train_one, in_axes=(0, None, None, None)))

    def keep(self, inputs: np.ndarray, labels: np.ndarray) -> None:
        import jax.numpy as jnp

        self.inputs, self.labels = jnp.asarray(inputs), jnp.asarray(labels)

    def loss(self, row, inputs, labels):
        """scikit-learn's loss of one network, from its row (P,)."""
        import jax
        import jax.numpy as jnp

        layers = [layer[0] for layer in self.architecture.split(row[None])]
        activation, penalty = inputs, 0.0
        for index, layer in enumerate(layers):
            weight, bias = layer[:, :-1], layer[:, -1]
            activation = activation @ weight.T + bias
            if index < len(layers) - 1:
                activation = jnp.tanh(activation)
            penalty += (weight**2).sum()
        log_p = jax.nn.log_softmax(activation)
        cross_entropy = -jnp.take_along_axis(log_p, labels[:, None].astype(int), 1).mean()
        return cross_entropy + self.alpha / (2 * len(labels)) * penalty

    def train(self, seeds: list[int], max_evaluations: int) -> Trained:
        rows = self._initial(seeds).astype(np.float32)
        if len(rows) == 1:
            row, evaluations = self._alone(rows[0], max_evaluations, self.inputs, self.labels)
            return Trained(np.asarray(row, dtype=np.float64)[None], np.array([evaluations]))
        rows, evaluations = self._together(rows, max_evaluations, self.inputs, self.labels)
        return Trained(np.asarray(rows, dtype=np.float64), np.asarray(evaluations))


SOLVERS = {solver.name: solver for solver in (Ours, ScikitLearn, ScikitLearn32, Torch, Jax)}
REFERENCE = ScikitLearn.name  # what speed and accuracy are compared with


def missing(name: str) -> list[str]:
    """The packages that a solver needs and that are not installed. ValueError in one line for an unknown solver."""
    if name not in SOLVERS:
        raise ValueError(f"solvers: {name!r} is unknown; choose one of {', '.join(SOLVERS)}")
    return [package for package in (("jax", "optax") if name == Jax.name else ()) if find_spec(package) is None]
