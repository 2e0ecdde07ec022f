"""Source images against what was published: the bytes of their original files, put together again."""

import gzip
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from symmetry_constrained.audit import specs
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.results import Results

WHAT = "raw data"
# What is known of each dataset, read here by the audit's own code: of the library, it is this file alone that both use.
TABLE = Path(__file__).parents[1] / "data/datasets.yaml"


@cache
def _rows() -> dict[str, dict]:
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def known(dataset: str) -> dict:
    """The row of a dataset: shape, training, test, nudged, files, sha256. ValueError for an unknown one."""
    if dataset not in _rows():
        raise ValueError(f"dataset: the table has no {dataset!r}")
    return _rows()[dataset]


def written(dataset: str) -> str:
    """A dataset's name as its authors write it; the name itself where the table has no other."""
    return _rows().get(dataset, {}).get("title") or dataset


def check(results: Results) -> Iterator[Check]:
    for dataset in sorted({spec["dataset"] for spec in specs.of_run(results).values()}):
        yield from guarded(WHAT, f"data/{dataset}/images.npy", _check(results, dataset))


def read(results: Results, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """images (N, height, width) uint8, labels (N,) uint8."""
    return results.array(f"data/{dataset}/images.npy"), results.array(f"data/{dataset}/labels.npy")


def _check(results: Results, dataset: str) -> Iterator[Check]:
    files = {name: f"data/{dataset}/{name}.npy" for name in ("images", "labels")}
    row, (images, labels) = known(dataset), read(results, dataset)
    for name, array in (("images", images), ("labels", labels)):
        yield equal(WHAT, files[name], "uint8", array.dtype)
    shape = [row["training"] + row["test"], *row["shape"]]
    yield equal(WHAT, files["images"], shape, list(images.shape))
    if row["sha256"]:
        yield equal(WHAT, results.blame(*files.values()), row["sha256"], _sha256(images, labels))
    for name, checksums in row.get("files", {}).items():
        if "sha256" in checksums:
            part, kind, *_ = name.split("-")
            side = slice(row["training"]) if part == "train" else slice(row["training"], None)
            found = _sha256_of_idx({"images": images, "labels": labels}[kind][side])
            label = f"{part}-{kind}: sha256"
            yield equal(WHAT, files[kind], f"{label} {checksums['sha256']}", f"{label} {found}")
    source = _bundled() if dataset == "digits" else None
    if source is not None:
        pixels = images.reshape(len(images), -1)
        same = {
            "images": np.array_equal(pixels, source[:, :-1]),
            "labels": np.array_equal(labels, source[:, -1]),
        }
        for name, ok in same.items():
            yield Check(WHAT, files[name], "scikit-learn's digits.csv.gz", "equal" if ok else "other values", ok)


def _sha256(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def _sha256_of_idx(array: np.ndarray) -> str:
    """Of the idx file that holds the array: two zeros, 8 for bytes, the dimensions, then the values."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


def _bundled() -> np.ndarray | None:
    """The digits (1797, 65) from the file that comes with scikit-learn, without its code; None if it is not there."""
    found = importlib.util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(next(iter(found.submodule_search_locations)), "datasets/data/digits.csv.gz")
    if not path.exists():
        return None
    with gzip.open(path, "rt") as file:
        return np.loadtxt(file, delimiter=",").astype(np.uint8)
