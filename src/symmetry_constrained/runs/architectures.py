"""What hidden layers a study may have, with what else it says: beyond what a schema can tell."""

from symmetry_constrained import layers
from symmetry_constrained.data import registry
from symmetry_constrained.features.inversion import feature_count
from symmetry_constrained.runs.faults import fault
from symmetry_constrained.training.spec import RECIPE

# With convolutions: what the study must say, for what else there is no code or no test.
CONVOLVED = {"averaging": "none", "start": "ordinary", "optimiser": "adam"}


def check(where: str, study: dict) -> None:
    """ConfigError for hidden layers that the study's images, features or recipe don't allow."""
    for hidden in study["hidden_layers"]:
        if any(isinstance(layer, str) for layer in hidden):
            _check_convolutions(where, study, hidden)
        elif study.get("start") == "mirrored" and hidden[0] % 2:
            raise fault(f"{where}.start", "mirrored", f"ordinary with {hidden}: units of the first layer come in pairs")


def _check_convolutions(where: str, study: dict, hidden: list[layers.Hidden]) -> None:
    convolutions = sum(isinstance(layer, str) for layer in hidden)
    if not all(isinstance(layer, str) for layer in hidden[:convolutions]):
        raise fault(f"{where}.hidden_layers", hidden, "a list with the convolutions before the layers of units")
    row = registry.known(study["dataset"])
    height, width = row.shape
    if height != width or height % layers.POOL**convolutions:
        legal = f"of fewer convolutions: each halves the sides of its square images, and these are {height}x{width}"
        raise fault(f"{where}.hidden_layers", hidden, legal)
    for name in study["features"]:
        if feature_count(name, row.pixels) != row.pixels:
            raise fault(f"{where}.features", name, f"a map with a feature for each pixel, which {hidden} convolve")
    for key, needed in CONVOLVED.items():
        if study.get(key, RECIPE[key]) != needed:
            raise fault(f"{where}.{key}", study.get(key, RECIPE[key]), f"{needed} with convolutions, as {hidden}")
