"""The kinds of ensembles: by how their networks average over the group {1, −1}, and whether they have convolutions.

The names are readable without PyTorch: a module is imported where its class is asked for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symmetry_constrained.networks.ensemble import Ensemble


def _none() -> "type[Ensemble]":
    from symmetry_constrained.networks.ensemble import Ensemble

    return Ensemble


def _logits() -> "type[Ensemble]":
    from symmetry_constrained.networks.averaged import AveragedLogits

    return AveragedLogits


def _units() -> "type[Ensemble]":
    from symmetry_constrained.networks.averaged import MirroredUnits

    return MirroredUnits


AVERAGING: dict[str, "Callable[[], type[Ensemble]]"] = {"none": _none, "logits": _logits, "units": _units}


def _convolutional() -> "type[Ensemble]":
    from symmetry_constrained.networks.convolutional import Convolutional

    return Convolutional


def ensemble_class(averaging: str, convolutional: bool = False) -> "type[Ensemble]":
    """The class of ensembles that average so. ValueError in one line if there is none."""
    if averaging not in AVERAGING:
        raise ValueError(f"averaging: {averaging!r} is unknown; choose {', '.join(AVERAGING)}")
    if not convolutional:
        return AVERAGING[averaging]()
    if averaging != "none":
        raise ValueError(f"averaging: {averaging!r} is not for networks with convolutions; choose none")
    return _convolutional()
