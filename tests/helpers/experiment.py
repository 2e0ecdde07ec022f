"""A results folder that holds one experiment on theory alone, for its audit."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.scripts import call
from symmetry_constrained import audit
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.data.datasets import Dataset


def experiment(folder: Path, name: str, images: int, options: dict, *arguments: object) -> Path:
    """What the script `train_<name>` writes of the first digits, in two splits, and a configuration that asks for it.

    options: of the experiment in that configuration. arguments: of the script, beside data, splits and output.
    """
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:images], digits.labels[:images])
    dataset.write(folder / "data/digits")
    splits = [folder / f"splits/digits/clean/split-{number}" for number in (0, 1)]
    for number, split in enumerate(splits):
        protocols.split_images(dataset.images, dataset.labels, "clean", number).write(split)
    config = {"results": "results", "studies": {}, "theory": {"splits": 2, name: options}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    given = ["--data", folder / "data/digits", "--split", *splits, *arguments]
    assert call(f"train_{name}", *given, "--out", folder / f"theory/{name}.csv") == (0, "")
    return folder


@contextmanager
def as_it_was(folder: Path, *names: str) -> Iterator[Path]:
    """The folder, and afterwards these files as they were."""
    before = {name: (folder / name).read_bytes() for name in names}
    yield folder
    for name, content in before.items():
        (folder / name).write_bytes(content)


def failures(folder: Path, link: str) -> list[audit.Check]:
    """What one step of the audit finds."""
    return [check for check in audit.run(audit.Results(folder), [link]) if not check.ok]
