"""Which rows of a run's networks are of a training of their own.

Features that are other features, number for number, have the networks of these (`trained_as`), in rows of their own.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def own(networks: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of networks, with columns study and features, that were not trained as another's."""
    studies = {name: study for name, study in config.get("studies", {}).items() if study}
    shared = {f"{name}/{features}" for name, study in studies.items() for features in study.get("trained_as", {})}
    return networks[~(networks["study"] + "/" + networks["features"]).isin(shared)]
