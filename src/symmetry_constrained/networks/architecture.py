"""The shape of a network: layer sizes, the layout of a row of parameters, and initial weights."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symmetry_constrained import layers
from symmetry_constrained.layers import Hidden


@dataclass(frozen=True)
class Architecture:
    """Layer sizes of a network: inputs, hidden layers, classes. `layers` says what hidden layers there are."""

    inputs: int
    hidden_layers: tuple[Hidden, ...]
    classes: int = 10

    def __post_init__(self):
        if not self.hidden_layers or min(itertools.chain(*self.layers)) < 1:
            raise ValueError(f"a network needs at least one hidden layer and no layer may be empty, but got {self}")

    @property
    def units(self) -> list[int]:
        """Of each hidden layer; of a convolution, its filters."""
        return [fan_out for _, fan_out in self.layers[:-1]]

    @property
    def filters(self) -> list[int]:
        """How many each convolution has, in the first layers."""
        return layers.filters(self.hidden_layers)

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(fan_in, fan_out) of each layer."""
        return layers.pairs(self.inputs, self.hidden_layers, self.classes)

    @property
    def row_length(self) -> int:
        """P: the length of a row of parameters, biases included."""
        return sum(fan_out * (fan_in + 1) for fan_in, fan_out in self.layers)

    def parameters(self, biased: bool) -> int:
        """The number of trainable parameters."""
        return layers.parameters(self.layers, biased)

    def split(self, rows: Any) -> list[Any]:
        """Rows (K, P), NumPy or torch -> views (K, fan_out, fan_in + 1), one per layer."""
        views, start = [], 0
        for fan_in, fan_out in self.layers:
            stop = start + fan_out * (fan_in + 1)
            views.append(rows[:, start:stop].reshape(len(rows), fan_out, fan_in + 1))
            start = stop
        return views

    def is_bias(self) -> np.ndarray:
        """Mask (P,): which numbers of a row are biases."""
        mask = np.zeros((1, self.row_length), dtype=bool)
        for layer in self.split(mask):
            layer[:, :, -1] = True
        return mask[0]

    def trainable(self, biased: bool) -> np.ndarray:
        """Mask (P,): which numbers of a row are trained."""
        return ~self.is_bias() | biased

    def initial(self, seed: int, biased: bool, start: str = "ordinary") -> np.ndarray:
        """Initial parameters (P,), bit for bit those of scikit-learn's `MLPClassifier` (tanh or relu) with this seed.

        Uniform in ±sqrt(6 / (fan_in + fan_out)), layer by layer the weights (fan_in, fan_out), then the biases. A
        bias-free network draws its biases too and drops them, so both networks of a seed share their weights. So it is
        for convolutions, which scikit-learn does not have: fan_in and fan_out are those at one place.
        start: what is then made of them, a name in `STARTS`. ValueError in one line if there is no such start.
        """
        if start not in STARTS:
            raise ValueError(f"start: {start!r} is unknown; choose {', '.join(STARTS)}")
        random = np.random.RandomState(seed)
        parts = []
        for fan_in, fan_out in self.layers:
            bound = np.sqrt(6.0 / (fan_in + fan_out))
            weights = random.uniform(-bound, bound, (fan_in, fan_out))
            biases = random.uniform(-bound, bound, fan_out)
            parts.append(np.column_stack([weights.T, biases if biased else np.zeros(fan_out)]).ravel())
        return STARTS[start](self, np.concatenate(parts))

    def mirrored(self, row: np.ndarray) -> np.ndarray:
        """Parameters (P,) with the first hidden layer made of mirrored pairs: the network is even, f(−x) = f(x).

        Unit 2j + 1 gets the weights of unit 2j with the other sign, its bias, and its weights in the layer above: each
        pair adds σ(w·x + b) + σ(−w·x + b). In training the units are free, but on ±X only rounding tells those of a
        pair apart. Without biases, pairs of an odd σ add 0, and on ±X they never learn anything. ValueError if the
        layer has an odd number of units.
        """
        if self.filters or int(self.hidden_layers[0]) % 2:
            raise ValueError(f"mirrored pairs need an even number of units, not {self.hidden_layers[0]}")
        rows = row[None].copy()
        first, above, *_ = self.split(rows)
        first[:, 1::2] = first[:, ::2]
        first[:, 1::2, :-1] *= -1
        above[:, :, 1:-1:2] = above[:, :, :-1:2]
        return rows[0]


STARTS: dict[str, Callable[[Architecture, np.ndarray], np.ndarray]] = {  # by name: what is made of scikit-learn's
    "ordinary": lambda architecture, row: row,
    "mirrored": Architecture.mirrored,
}


def hyphenated(hidden_layers: Iterable[Hidden]) -> str:
    """Hidden layers as in columns and paths: 10-5."""
    return "-".join(map(str, hidden_layers))
