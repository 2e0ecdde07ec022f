"""A training batch as it is stored: its files, and what its networks are."""

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, forward, inputs, specs, splits
from symmetry_constrained.audit.checks import UnreadableError
from symmetry_constrained.audit.results import Results

IDENTITY = ["study", "dataset", "protocol", "split", "features", "training_set", "network", "hidden_layers"]
IDENTITY += ["fraction", "seed", "n_train"]
EARLY = 10  # iterations after which weights are kept as well


class Batch:
    """A batch's files, and what its networks are. UnreadableError for files that are not those of a batch."""

    def __init__(self, results: Results, folder: str, spec: dict):
        self.spec = spec = specs.USUAL | spec
        self.paths = {name: f"{folder}/{name}.safetensors" for name in ("weights", "predictions")}
        self.paths["networks"] = f"{folder}/networks.csv"
        self.weights, self.predictions = (results.tensors(self.paths[name]) for name in ("weights", "predictions"))
        self.networks = results.table(self.paths["networks"], [*IDENTITY, "status"])
        self.images, self.labels = data.read(results, spec["dataset"])
        self.rows, self.scaling = splits.read(results, specs.split_folder(spec))
        self.shape = self.images.shape[1:]
        self.keys = {format(fraction, "g"): fraction for fraction in spec["fractions"]}
        self.bias_free = np.repeat([name == "bias-free" for name in spec["networks"]], len(spec["seeds"]))
        self.rounding = forward.ROUNDING[spec["dtype"]]
        self.model = {"activation": spec["activation"], "averaging": spec["averaging"]}
        self.model["convolved"] = forward.convolutions(spec["hidden_layers"])
        self.odd = self.bias_free & forward.may_be_odd(spec)

    def of(self, fraction: float) -> pd.DataFrame:
        return self.networks[self.networks["fraction"] == fraction].reset_index(drop=True)

    def diverged(self, key: str) -> np.ndarray:
        """Mask (K,) of the networks of a fraction whose rows say that their training overflowed."""
        return overflowed(self.of(self.keys[key]))

    def side(self, name: str) -> pd.DataFrame:
        return self.rows[self.rows["set"] == name]

    def pixels(self, rows: pd.DataFrame) -> np.ndarray:
        return inputs.scaled(self.images, rows, self.scaling)

    def features(self, pixels: np.ndarray) -> np.ndarray:
        return inputs.features(self.spec["features"], pixels, self.shape)

    @property
    def ends(self) -> list[str]:
        """The least and the largest fraction, of which early weights are kept."""
        ordered = sorted(self.keys, key=lambda key: self.keys[key])
        return list(dict.fromkeys((ordered[0], ordered[-1])))

    @staticmethod
    def early(key: str) -> str:
        return f"{key}/{EARLY}"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(fan_in, fan_out) of the networks' layers."""
        return forward.sizes(inputs.width(self.spec["features"], self.images[0].size), self.spec["hidden_layers"])

    def layers(self, name: str) -> list[np.ndarray]:
        """The layers of the networks under a name of the weights; UnreadableError for none or others."""
        try:
            return forward.layers(self.weights[name], self.shapes)
        except (KeyError, ValueError) as error:
            raise UnreadableError(self.paths["weights"], str(error)) from None

    def matrices(self) -> dict[str, list[np.ndarray]]:
        """By fraction, the networks' layers."""
        return {key: self.layers(key) for key in self.keys}


def overflowed(table: pd.DataFrame) -> np.ndarray:
    """Mask (rows,) of the networks whose training overflowed."""
    return (table["status"] == "non_finite").to_numpy()
