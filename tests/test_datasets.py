"""The digits: their bytes, and what happens to other bytes."""

import hashlib

import numpy as np
import pytest
import sklearn.datasets

from symmetry_constrained import datasets
from symmetry_constrained.datasets import Dataset


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
    assert str(error.value) == "dataset: 'mnits' is unknown; choose one of digits"


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
