"""Source images against what was published: the bytes of their original files, put together again."""

import gzip
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from symmetry_constrained.audit import specs
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.results import Results

WHAT = "raw data"
# sha256 of MNIST's four idx files, unpacked (LeCun, Cortes and Burges; the same bytes at every mirror).
IDX = {
    "mnist": {
        "train-images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
}
TRAINING = 60_000  # the first so many images of MNIST and its like
# sha256 of the digits, image by image and then the label, a byte each: the UCI test set as scikit-learn has it.
DIGITS = "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"


def check(results: Results) -> Iterator[Check]:
    for dataset in sorted({spec["dataset"] for spec in specs.of_run(results).values()}):
        yield from guarded(WHAT, f"data/{dataset}/images.npy", _check(results, dataset))


def read(results: Results, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """images (N, height, width) uint8, labels (N,) uint8."""
    return results.array(f"data/{dataset}/images.npy"), results.array(f"data/{dataset}/labels.npy")


def _check(results: Results, dataset: str) -> Iterator[Check]:
    files = {name: f"data/{dataset}/{name}.npy" for name in ("images", "labels")}
    images, labels = read(results, dataset)
    for name, array in (("images", images), ("labels", labels)):
        yield equal(WHAT, files[name], "uint8", array.dtype)
    if dataset == "digits":
        rows = np.column_stack([images.reshape(len(images), -1), labels])
        yield equal(WHAT, results.blame(*files.values()), DIGITS, _sha256(rows))
        source = _bundled()
        if source is not None:
            same = {
                "images": np.array_equal(rows[:, :-1], source[:, :-1]),
                "labels": np.array_equal(labels, source[:, -1]),
            }
            for name, ok in same.items():
                yield Check(WHAT, files[name], "scikit-learn's digits.csv.gz", "equal" if ok else "other values", ok)
    for name, digest in IDX.get(dataset, {}).items():
        part, kind = name.split("-")
        array = (images if kind == "images" else labels)[slice(TRAINING) if part == "train" else slice(TRAINING, None)]
        yield equal(WHAT, files[kind], f"{name}: sha256 {digest}", f"{name}: sha256 {_sha256_of_idx(array)}")


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


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
