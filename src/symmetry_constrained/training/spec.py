"""The specification of a training batch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symmetry_constrained import paper
from symmetry_constrained.data.splits import split_number
from symmetry_constrained.layers import Hidden
from symmetry_constrained.networks.activations import ACTIVATIONS
from symmetry_constrained.networks.architecture import STARTS, hyphenated
from symmetry_constrained.networks.registry import AVERAGING
from symmetry_constrained.optim.registry import OPTIMISERS

# What a study may say of its networks and their training beside sizes and budgets, and what the paper's are.
RECIPE = {"activation": "tanh", "averaging": "none", "start": "ordinary", "optimiser": "lbfgs"}


@dataclass(frozen=True)
class Spec:
    """Everything that decides a batch's numbers. ValueError in one line for a name that is not legal."""

    study: str
    dataset: str
    protocol: str
    split: int
    features: str
    training_set: str
    hidden_layers: tuple[Hidden, ...]
    fractions: tuple[float, ...]
    networks: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: dict[str, int]  # max_iterations, max_evaluations: either or both
    checkpoints: tuple[int, ...]  # iterations at which a network is also judged
    alpha: float = paper.ALPHA
    dtype: str = "float32"
    device: str = "auto"
    activation: str = RECIPE["activation"]
    averaging: str = RECIPE["averaging"]
    start: str = RECIPE["start"]
    optimiser: str = RECIPE["optimiser"]
    trained_as: str | None = None  # the features whose training images are the same, and whose networks these are

    def __post_init__(self) -> None:
        legal = {
            "dtype": ("float32", "float64"),
            "networks": ("biased", "bias-free"),
            "budget": ("max_iterations", "max_evaluations"),
            "activation": tuple(ACTIVATIONS),
            "averaging": tuple(AVERAGING),
            "start": tuple(STARTS),
            "optimiser": tuple(OPTIMISERS),
        }
        for key, names in legal.items():
            given = getattr(self, key)
            for name in [given] if isinstance(given, str) else given:
                if name not in names:
                    raise ValueError(f"spec: {key}: {name!r} is unknown; choose one of {', '.join(names)}")

    @property
    def folder(self) -> Path:
        """Of the batch's files, within those of its study."""
        return Path(self.features, self.training_set, hyphenated(self.hidden_layers), f"split-{self.split}")

    @classmethod
    def of_split(cls, text: str, folder: Path) -> "Spec":
        """From JSON of all but the split's number, which its folder split-N says. ValueError in one line."""
        values = json.loads(text)
        return cls.from_dict(values | {"split": split_number(folder)} if isinstance(values, dict) else values)

    @classmethod
    def from_dict(cls, values: dict) -> "Spec":
        """From JSON. ValueError in one line for a missing or unknown key."""
        if not isinstance(values, dict):
            raise ValueError(f"spec: {values!r} must be a mapping of keys")
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"spec: {str(error).replace('Spec.__init__() ', '')}") from None
