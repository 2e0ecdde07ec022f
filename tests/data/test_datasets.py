"""The datasets: their bytes, and what happens to other bytes."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from helpers.idx import idx

from symmetry_constrained.data import datasets
from symmetry_constrained.data.datasets import Dataset

MNIST = Path(__file__).parents[2] / "data/mnist"


def test_the_digits_are_scikit_learns_in_their_order():
    digits, source = datasets.load("digits"), sklearn.datasets.load_digits()
    assert digits.images.shape == (1797, 8, 8)
    assert digits.shape == datasets.SHAPES["digits"] == (8, 8)
    assert digits.labels.shape == (1797,)
    assert digits.images.dtype == digits.labels.dtype == np.uint8
    # Nothing was lost on the way to bytes.
    np.testing.assert_array_equal(digits.images, source.images)
    np.testing.assert_array_equal(digits.labels, source.target)
    assert (digits.images.min(), digits.images.max()) == (0, 16)
    assert sorted(set(digits.labels.tolist())) == list(range(datasets.CLASSES))
    # The image of the paper's Figure 1.
    assert digits.labels[1173] == 6


def test_the_digest_is_of_the_images_then_the_labels():
    source = sklearn.datasets.load_digits()
    joined = source.images.astype("uint8").tobytes() + source.target.astype("uint8").tobytes()
    assert hashlib.sha256(joined).hexdigest() == datasets.DIGEST["digits"] == datasets.load("digits").digest()


def test_writing_and_reading_gives_the_same_bytes(tmp_path):
    digits = datasets.load("digits")
    digits.write(tmp_path / "new/folder")
    again = Dataset.read(tmp_path / "new/folder")
    assert again.digest() == digits.digest()
    assert (again.images.shape, again.images.dtype) == (digits.images.shape, digits.images.dtype)
    assert sorted(path.name for path in (tmp_path / "new/folder").iterdir()) == ["images.npy", "labels.npy"]
    first = (tmp_path / "new/folder/images.npy").read_bytes()
    digits.write(tmp_path / "new/folder")
    assert (tmp_path / "new/folder/images.npy").read_bytes() == first


def test_an_unknown_name_is_refused_with_the_legal_ones():
    with pytest.raises(ValueError) as error:
        datasets.load("mnits")
    assert str(error.value) == "dataset: 'mnits' is unknown; choose one of digits, mnist, fashion-mnist, kmnist"


@pytest.mark.parametrize("part", ["images", "target"])
def test_one_changed_value_is_detected(monkeypatch, part):
    original = sklearn.datasets.load_digits

    def tampered():
        bunch = original()
        bunch[part].flat[1000] += 1
        return bunch

    monkeypatch.setattr(sklearn.datasets, "load_digits", tampered)
    with pytest.raises(ValueError) as error:
        datasets.load("digits")
    message = str(error.value)
    assert message.startswith("dataset digits: sha256 is ")
    assert message.endswith(f", expected {datasets.DIGEST['digits']}")
    assert "\n" not in message


def test_importing_the_datasets_imports_neither_torch_nor_a_downloader():
    code = "import sys; from symmetry_constrained.data import datasets, splits; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "torchvision", "pypi_simple", "requests", "sklearn"} & set(run.stdout.split())


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not in data/mnist")
def test_mnist_is_its_training_images_then_its_test_images():
    mnist = datasets.load("mnist", MNIST)
    assert mnist.digest() == datasets.DIGEST["mnist"]
    assert (mnist.images.shape, mnist.images.dtype) == ((70_000, 28, 28), np.uint8)
    assert (mnist.labels.shape, mnist.labels.dtype) == ((70_000,), np.uint8)
    train, test = mnist.labels[:60_000], mnist.labels[60_000:]
    assert np.bincount(train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with the four idx files of a KMNIST of 30 training and 20 test images, and the arrays in them."""
    monkeypatch.setitem(datasets.COUNTS, "kmnist", (30, 20))
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 30), ("t10k", 20)):
        arrays[f"{part}-images-idx3-ubyte"] = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = random.integers(0, 10, count, dtype=np.uint8)
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path, arrays


def test_idx_files_are_read_in_their_order(small):
    folder, arrays = small
    read = datasets.load("kmnist", folder)
    np.testing.assert_array_equal(read.images[:30], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(read.images[30:], arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(read.labels[:30], arrays["train-labels-idx1-ubyte"])
    np.testing.assert_array_equal(read.labels[30:], arrays["t10k-labels-idx1-ubyte"])
    assert (read.images.dtype, read.labels.dtype) == (np.uint8, np.uint8)


def test_other_images_than_mnists_are_refused_as_mnist(small, monkeypatch):
    monkeypatch.setitem(datasets.COUNTS, "mnist", (30, 20))
    with pytest.raises(ValueError, match=rf"dataset mnist: sha256 is .+, expected {datasets.DIGEST['mnist']}"):
        datasets.load("mnist", small[0])


LABELS = np.arange(30, dtype=np.uint8) % 10


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train-images-idx3-ubyte", idx(LABELS), "holds labels where images are due"),
        ("train-labels-idx1-ubyte", idx(np.zeros((30, 28, 28), np.uint8)), "holds images where labels are due"),
        ("train-labels-idx1-ubyte", idx(LABELS)[:-1], "has 37 bytes, expected 38"),
        ("train-labels-idx1-ubyte", idx(LABELS) + b"x", "has 39 bytes, expected 38"),
        ("t10k-labels-idx1-ubyte", idx(LABELS), "holds 30 bytes, expected 20"),
        (
            "train-images-idx3-ubyte",
            idx(np.zeros((30, 8, 8), np.uint8)),
            "holds 30 × 8 × 8 bytes, expected 30 × 28 × 28",
        ),
        ("train-images-idx3-ubyte", idx(np.zeros((30, 28, 28), np.uint8))[:9], "holds 30 bytes, expected 30 × 28 × 28"),
        ("train-images-idx3-ubyte", b"", "holds no idx data where images are due"),
        ("train-images-idx3-ubyte", b"\x1f\x8b\x08\x00" + bytes(9), "holds no idx data where images are due"),
        ("train-images-idx3-ubyte", b"\x00\x00\x08\x02" + bytes(9), "holds other data where images are due"),
        ("train-labels-idx1-ubyte", idx(LABELS + 1), "holds the label 10; the largest must be 9"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_by_name(small, name, content, says):
    folder, _ = small
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{re.escape(f'{folder / name}: {says}')}$"):
        datasets.load("kmnist", folder)


def test_a_file_that_is_not_there_is_named(small):
    folder, _ = small
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        datasets.load("kmnist", folder)
