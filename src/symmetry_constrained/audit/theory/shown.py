"""What the experiments on theory are shown, and the weights that they left: digits or MNIST without the leak."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from symmetry_constrained.audit import data, forward, inputs, specs, splits
from symmetry_constrained.audit.checks import Check, UnreadableError, within
from symmetry_constrained.audit.results import Results

SIGNS = {"test_accuracy": 1, "inverted_accuracy": -1}


def blame(results: Results, *paths: str, split: int = 0, dataset: str = "digits") -> str:
    """Of files that contradict each other, the images and the split that an experiment is shown among them: which."""
    return results.blame(*paths, *specs.split_files({"dataset": dataset, "protocol": "clean", "split": split}))


@dataclass(frozen=True)
class Shown:
    """The scaled images of a split of the clean protocol, in one precision."""

    train: np.ndarray  # (n, d)
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    constant: np.ndarray  # (d,) mask of the pixels that never change in what defines the scaling
    shape: tuple[int, int]
    files: tuple[str, ...]  # that they are read from

    @classmethod
    def of(
        cls, results: Results, split: int = 0, fraction: float = 1.0, dtype: type = np.float32, dataset: str = "digits"
    ) -> "Shown":
        """fraction: of the training images; 0 for none of them."""
        spec = {"dataset": dataset, "protocol": "clean", "split": split}
        images, _ = data.read(results, dataset)
        rows, scaling = splits.read(results, specs.split_folder(spec))
        train, test = (rows[rows["set"] == name] for name in ("train", "test"))
        train = train[splits.kept(train["rank"].to_numpy(), fraction)]
        x, held_out = (inputs.scaled(images, side, scaling, dtype) for side in (train, test))
        labels, truth = (side["label"].to_numpy() for side in (train, test))
        constant = (scaling["minimum"] == scaling["maximum"]).to_numpy()
        files = tuple(specs.split_files(spec))
        return cls(x, labels, held_out, truth, constant, images.shape[1:], files)


def matrices(results: Results, path: str, name: str, count: int, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    """The layers of so many stored networks; UnreadableError unless there are just these."""
    rows = results.tensors(path).get(name, np.empty((0, 0)))
    if len(rows) != count:
        raise UnreadableError(path, f"{name}: {len(rows)} rows of weights for {count} networks")
    if not np.isfinite(rows).all():
        raise UnreadableError(path, f"{name}: weights that are not finite")
    try:
        return forward.layers(rows, shapes)
    except ValueError as error:
        raise UnreadableError(path, f"{name}: {error}") from None


def tally(said: np.ndarray, labels: np.ndarray, dtype: str) -> forward.Tally:
    """Of logits (K, n, classes): what is right, and the cross-entropy."""
    found = forward.Tally(len(said))
    found.add(said, labels, forward.ROUNDING[dtype])
    return found


def accuracy(
    what: str, where: str, name: str, said: np.ndarray, labels: np.ndarray, dtype: str, found: pd.Series
) -> Check:
    """Whether accuracies (K,) are those of logits (K, n, classes), up to rounding."""
    counts = tally(said, labels, dtype)
    return within(what, where, name, counts.correct / counts.images, found)
