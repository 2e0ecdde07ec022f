"""The specification of a training batch."""

from dataclasses import dataclass
from typing import Any

from symmetry_constrained import paper


@dataclass(frozen=True)
class Spec:
    """Everything that decides a batch's numbers. ValueError in one line for a name that is not legal."""

    study: str
    dataset: str
    protocol: str
    split: int
    features: str
    training_set: str
    hidden_layers: tuple[int, ...]
    fractions: tuple[float, ...]
    networks: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: dict[str, int]  # max_iterations, max_evaluations: either or both
    checkpoints: tuple[int, ...]  # iterations at which a network is also judged
    alpha: float = paper.ALPHA
    dtype: str = "float32"
    device: str = "auto"

    def __post_init__(self) -> None:
        legal = {
            "dtype": ("float32", "float64"),
            "networks": ("biased", "bias-free"),
            "budget": ("max_iterations", "max_evaluations"),
        }
        for key, names in legal.items():
            given = getattr(self, key)
            for name in [given] if isinstance(given, str) else given:
                if name not in names:
                    raise ValueError(f"spec: {key}: {name!r} is unknown; choose one of {', '.join(names)}")

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
