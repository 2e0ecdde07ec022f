"""The configurations that come with the study."""

import json
from pathlib import Path

import yaml
from snakemake.utils import update_config

from symmetry_constrained.runs import config as settings

ROOT = Path(__file__).parents[2]


def configuration(name: str) -> dict:
    """One of them as Snakemake merges it, checked."""
    merged = json.loads(json.dumps(yaml.safe_load((ROOT / "config/config.yaml").read_text())))
    if name != "config":
        update_config(merged, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
    return settings.check(merged, ROOT / "workflow/schemas/config.schema.yaml")
