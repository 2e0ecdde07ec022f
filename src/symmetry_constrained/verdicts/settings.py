"""Settings: where the claims about trained networks are judged. A setting is a study and hidden layers of it."""

import json
from dataclasses import asdict, dataclass, field

import pandas as pd

from symmetry_constrained.analysis.columns import at_largest_fraction, derive

# What a verdict may depend on, and `settings` of a claim may ask for.
ATTRIBUTES = (
    *("dataset", "protocol", "hidden_layers", "activation", "averaging", "start", "optimiser", "budget"),
    "trained_on",  # how many of the training images
)
COLUMNS = ["setting", "label", "study", *ATTRIBUTES, "paper", "images", "networks", "converged"]
CONVERGED = "converged"  # how every status begins that a network has which stopped by itself


@dataclass(frozen=True)
class Setting:
    """A study and hidden layers of it. paper: the recipe of published numbers, which are compared there alone."""

    name: str
    label: str
    study: str
    dataset: str
    protocol: str
    hidden_layers: str
    activation: str
    averaging: str
    start: str
    optimiser: str
    budget: str  # as "200 evaluations"
    trained_on: str  # "all images", or the largest part of them, as "10 % of the images"
    paper: bool
    leaks: bool  # shifted copies of an image are in training and test alike
    averaged: dict[str, str] = field(default_factory=dict)  # averaging -> study that differs from this in it alone

    def meets(self, conditions: dict[str, list[str]]) -> bool:
        """Whether each attribute has one of the values that are asked for."""
        return all(getattr(self, name) in values for name, values in conditions.items())

    def cells(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of this setting's networks in a table that names study and hidden layers."""
        return table[(table["study"] == self.study) & (table["hidden_layers"] == self.hidden_layers)]

    @property
    def where(self) -> str:
        """The rows of `cells`, as evidence names them."""
        return f"study={self.study}, hidden_layers={self.hidden_layers}"


def read(text: str) -> list[Setting]:
    """Settings by name, as JSON: `{"paper": {"label": …, "study": …, …}}`. ValueError in one line for anything else."""
    try:
        return [Setting(name=name, **values) for name, values in json.loads(text).items()]
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"settings: {error}") from None


def tabulate(settings: list[Setting], networks: pd.DataFrame) -> pd.DataFrame:
    """`settings.csv`: a row per setting, with its networks on the most images and the share of them that converged.

    networks: `networks.csv`. images: how many they are trained on, 0 without a network. A network that used up its
    budget has not converged.
    """
    most, rows = derive(at_largest_fraction(networks)) if settings else networks, []
    for setting in settings:
        own = setting.cells(most)
        images = int(own["images"].max()) if len(own) else 0
        shares = {"images": images, "networks": len(own), "converged": own["status"].str.startswith(CONVERGED).mean()}
        rows.append(asdict(setting) | {"setting": setting.name} | shares)
    return pd.DataFrame(rows, columns=COLUMNS)


def without_leak(settings: list[Setting]) -> list[tuple[Setting, Setting]]:
    """Pairs of settings that differ in nothing but the protocol: one that leaks, and one that does not."""

    def rest(setting: Setting) -> tuple[str, ...]:
        return tuple(getattr(setting, name) for name in ATTRIBUTES if name != "protocol")

    clean = {rest(setting): setting for setting in reversed(settings) if setting.protocol == "clean"}
    return [(one, clean[rest(one)]) for one in settings if one.leaks and rest(one) in clean]
