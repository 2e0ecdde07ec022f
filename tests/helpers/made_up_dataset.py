"""Files of a dataset made up from noise, for a copy of the checkout."""

import hashlib
from pathlib import Path

import numpy as np
import yaml

from helpers.idx import idx


def made_up_files(checkout: Path, name: str) -> None:
    """Put the four files of a dataset into the copy's data folder, and their checksums into its row."""
    table = checkout / "src/symmetry_constrained/data/datasets.yaml"
    rows, random = yaml.safe_load(table.read_text(encoding="utf-8")), np.random.default_rng(0)
    row, folder = rows[name], checkout / "data" / name
    folder.mkdir(parents=True)
    row["files"] = {}
    for part, count in (("train", row["training"]), ("t10k", row["test"])):
        for kind, shape, limit in (("images-idx3", row["shape"], 256), ("labels-idx1", [], 10)):
            content = idx(random.integers(0, limit, (count, *shape), dtype=np.uint8))
            (folder / f"{part}-{kind}-ubyte").write_bytes(content)
            row["files"][f"{part}-{kind}-ubyte"] = {"sha256": hashlib.sha256(content).hexdigest()}
    table.write_text(yaml.safe_dump(rows, sort_keys=False), encoding="utf-8")
