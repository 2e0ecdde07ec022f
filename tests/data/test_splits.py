"""Splits, nudging, scaling and nested fractions against the author's recipe and against naive versions."""

import tracemalloc
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from symmetry_constrained import paper
from symmetry_constrained.data import inputs, registry, splits
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.inputs import TRAINING_SETS
from symmetry_constrained.data.protocols import PROTOCOLS, make_split, nested_order, split_images
from symmetry_constrained.data.splits import Split, nudge
from symmetry_constrained.networks import ensemble
from symmetry_constrained.training import batch
from symmetry_constrained.training.spec import Spec

# A kernel with its one at the top brings up the pixel below: convolution turns kernels round.
KERNELS = {
    "up": [[0, 1, 0], [0, 0, 0], [0, 0, 0]],
    "left": [[0, 0, 0], [1, 0, 0], [0, 0, 0]],
    "right": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
    "down": [[0, 0, 0], [0, 0, 0], [0, 1, 0]],
}


@cache
def digits():
    """Images (1797, 8, 8) and labels (1797,)."""
    bunch = load_digits()
    return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)


@cache
def split_of_digits(protocol, number):
    return split_images(*digits(), protocol, number)


@cache
def authors_split(number):
    """The author's notebook: (X_train, X_test, y_train, y_test), with float32 pixels in about [-1, 1]."""
    bunch = load_digits()
    images, labels = bunch.data.astype("float32").reshape(-1, 8, 8), bunch.target
    copies = [images] + [
        scipy.ndimage.convolve(images, np.array([kernel], dtype="float32"), mode="constant")
        for kernel in KERNELS.values()
    ]
    pixels = np.concatenate(copies).reshape(-1, 64)
    pixels = (pixels - pixels.min(0)) / (pixels.max(0) + 0.0001)
    pixels = 2 * pixels - 1
    assert pixels.dtype == np.float32
    return train_test_split(pixels, np.concatenate([labels] * 5), test_size=0.2, random_state=number)


@pytest.mark.parametrize("number", [0, 3])
def test_the_published_split_is_the_authors_bit_for_bit_and_row_for_row(number):
    train, test, train_labels, test_labels = authors_split(number)
    split = split_of_digits("published", number)
    for name, pixels, labels in (("train", train, train_labels), ("test", test, test_labels)):
        rows = split.select(name)
        ours = split.images(digits()[0], rows)
        assert ours.dtype == np.float32
        assert ours.tobytes() == pixels.tobytes()
        np.testing.assert_array_equal(rows["label"], labels)
    assert (len(train), len(test)) == (7188, 1797)


# Data that come with training and test images: no nudging.


@cache
def plain():
    """Noise: images (4500, 4, 5), of which 4000 are for training, with labels (4500,)."""
    random = np.random.default_rng(2)
    return random.integers(0, 256, (4500, 4, 5), dtype=np.uint8), random.integers(0, 10, 4500, dtype=np.uint8)


@cache
def split_of_plain(protocol, number):
    return split_images(*plain(), protocol, number, ("none",), training=4000)


@pytest.mark.parametrize("number", [0, 717])
def test_a_published_split_without_nudging_is_the_authors_bit_for_bit_and_row_for_row(number):
    images, labels = plain()
    # His copy had the training and the test part each sorted by label.
    sorted_ = [*sorted(range(4000), key=lambda i: labels[i]), *sorted(range(4000, 4500), key=lambda i: labels[i])]
    labels = labels[sorted_]
    pixels = images[sorted_].reshape(-1, 20).astype("float32")
    pixels = 2 * ((pixels - pixels.min(0)) / (pixels.max(0) + 0.0001)) - 1
    train, test, train_labels, test_labels = train_test_split(pixels, labels, test_size=0.2, random_state=number)
    split = split_of_plain("published", number)
    for name, expected, classes in (("train", train, train_labels), ("test", test, test_labels)):
        rows = split.select(name)
        assert split.images(images, rows).tobytes() == expected.tobytes()
        np.testing.assert_array_equal(rows["label"], classes)
    assert (len(train), len(test)) == (3600, 900)


@pytest.mark.parametrize("number", [0, 1])
def test_a_clean_split_without_nudging_is_the_canonical_one_and_the_number_seeds_the_order(number):
    _, labels = plain()
    split = split_of_plain("clean", number)
    assert split.select("train")["image"].tolist() == list(range(4000))
    assert split.select("test")["image"].tolist() == list(range(4000, 4500))
    np.testing.assert_array_equal(split.rows["label"], labels)
    np.testing.assert_array_equal(split.select("train")["rank"], nested_order(labels[:4000], number))
    assert set(split.select("test")["rank"]) == {-1}


def test_without_nudging_scaling_comes_from_the_training_images_alone_if_clean():
    # The extremes of each side differ.
    images = np.concatenate([np.full((8, 2, 2), 100), np.full((2, 2, 2), 200)]).astype(np.uint8)
    images[0, 0, 0] = 7
    labels = np.zeros(10, dtype=np.uint8)
    clean, published = (
        split_images(images, labels, protocol, 0, ("none",), training=8) for protocol in ("clean", "published")
    )
    assert (clean.minimum.tolist(), clean.maximum.tolist()) == ([7, 100, 100, 100], [100] * 4)
    assert (published.minimum.tolist(), published.maximum.tolist()) == ([7, 100, 100, 100], [200] * 4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_split_without_nudging_has_each_image_once_and_nested_stratified_fractions(protocol):
    split = split_of_plain(protocol, 3)
    assert set(split.rows["shift"]) == {"none"}
    assert sorted(split.rows["image"]) == list(range(4500))
    rows = split.select("train")
    assert sorted(rows["rank"]) == list(range(len(rows)))
    for fraction in (0.01, 0.1, 0.5):
        part = split.select("train", fraction)
        assert len(part) == round(fraction * len(rows))
        shares = rows["label"].value_counts() * fraction
        assert (part["label"].value_counts() - shares).abs().max() <= 1.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_split_without_nudging_is_written_and_read_whole(tmp_path, protocol):
    split = split_of_plain(protocol, 0)
    split.write(tmp_path)
    again = Split.read(tmp_path)
    assert again.rows.astype(str).equals(split.rows.astype(str))
    images = plain()[0]
    assert again.images(images, again.select("test")).tobytes() == split.images(images, split.select("test")).tobytes()
    # The nudged splits' types, so that both are written alike.
    nudged = split_of_digits(protocol, 0)
    assert split.rows.dtypes.astype(str).to_dict() == nudged.rows.dtypes.astype(str).to_dict()
    assert (split.minimum.dtype, split.maximum.dtype) == (nudged.minimum.dtype, nudged.maximum.dtype)


@pytest.mark.parametrize("count", [1, splits.BLOCK, splits.BLOCK + 1])
def test_images_are_scaled_in_blocks_as_all_at_once(count):
    split = split_of_digits("published", 0)
    rows = split.select("train").iloc[:count]
    copies = [nudge(digits()[0][[image]], shift)[0] for image, shift in zip(rows["image"], rows["shift"], strict=True)]
    expected = splits.scale(np.stack(copies).reshape(count, -1), split.minimum, split.maximum)
    assert split.images(digits()[0], rows).tobytes() == expected.tobytes()


def test_scaling_mnist_takes_little_more_memory_than_its_result():
    images = np.zeros((1000, 28, 28), dtype=np.uint8)
    rows = pd.DataFrame({"image": np.arange(56_000) % 1000, "shift": "none"})
    split = Split(rows, np.zeros(784, dtype=np.int64), np.full(784, 255))
    tracemalloc.start()
    scaled = split.images(images, rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scaled.shape == (56_000, 784)
    assert peak - scaled.nbytes < 30e6


def test_a_dataset_is_split_by_its_name(monkeypatch):
    assert make_split("digits", Dataset(*digits()), "clean", 3).rows.equals(split_of_digits("clean", 3).rows)
    small = replace(registry.known("mnist"), shape=(4, 5), training=4000, test=500)
    monkeypatch.setitem(registry.table(), "mnist", small)
    assert make_split("mnist", Dataset(*plain()), "published", 3).rows.equals(split_of_plain("published", 3).rows)


def test_a_dataset_under_anothers_name_is_refused():
    for name, says in (
        ("mnist", "dataset mnist: the images are 8 × 8, expected 28 × 28"),
        ("mnits", f"dataset: 'mnits' is unknown; choose one of {', '.join(registry.table())}"),
    ):
        with pytest.raises(ValueError) as error:
            make_split(name, Dataset(*digits()), "clean", 0)
        assert str(error.value) == says


@pytest.mark.parametrize("training", [-1, 10, 11])
def test_a_side_without_images_is_refused(training):
    with pytest.raises(ValueError, match=f"10 images, of which {training} for training"):
        split_images(np.ones((10, 3, 3), np.uint8), np.zeros(10, np.uint8), "clean", 0, ("none",), training)


@pytest.mark.parametrize("shift", KERNELS)
def test_nudging_is_convolution_with_a_shifted_one(shift):
    images = np.random.default_rng(0).integers(0, 17, (6, 5, 7), dtype=np.uint8)
    expected = scipy.ndimage.convolve(images, np.array([KERNELS[shift]], dtype=np.uint8), mode="constant")
    np.testing.assert_array_equal(nudge(images, shift), expected)


def test_the_published_split_leaks_and_the_clean_one_does_not():
    sides = {}
    for protocol in PROTOCOLS:
        split = split_of_digits(protocol, 0)
        sides[protocol] = [set(split.select(name)["image"]) for name in ("train", "test")]
    train, test = sides["published"]
    # 1 - 0.2^5 of the images have a copy in training, 1 - 0.8^5 one in test.
    assert len(train & test) > 1000
    train, test = sides["clean"]
    assert train & test == set()
    assert train | test == set(range(1797))


@pytest.mark.parametrize("number", [0, 3])
def test_a_clean_split_has_five_copies_of_each_image_on_one_side(number):
    split = split_of_digits("clean", number)
    assert (len(split.select("train")), len(split.select("test"))) == (7185, 1800)
    for name in ("train", "test"):
        rows = split.select(name)
        copies = rows.groupby("image")["shift"].agg(sorted)
        assert all(shifts == sorted(paper.SHIFTS) for shifts in copies)
        np.testing.assert_array_equal(rows["label"], digits()[1][rows["image"]])


def test_a_clean_split_divides_the_source_images_as_scikit_learn_does():
    train, test = train_test_split(np.arange(1797), test_size=0.2, random_state=3)
    split = split_of_digits("clean", 3)
    assert list(dict.fromkeys(split.select("train")["image"])) == train.tolist()
    assert list(dict.fromkeys(split.select("test")["image"])) == test.tolist()


@pytest.mark.parametrize(("protocol", "sets"), [("published", ["train", "test"]), ("clean", ["train"])])
def test_scaling_comes_from_all_rows_if_published_and_from_training_rows_alone_if_clean(protocol, sets):
    # Noise, so that every pixel's extremes differ from side to side.
    images = np.random.default_rng(1).integers(0, 256, (20, 3, 4), dtype=np.uint8)
    split = split_images(images, np.arange(20) % 4, protocol, 5)
    lowest, highest = np.full((3, 4), 999), np.full((3, 4), -999)
    for _, row in split.rows[split.rows["set"].isin(sets)].iterrows():
        copy = nudge(images[row["image"]][None], row["shift"])[0].astype(int)
        lowest, highest = np.minimum(lowest, copy), np.maximum(highest, copy)
    np.testing.assert_array_equal(split.minimum, lowest.ravel())
    np.testing.assert_array_equal(split.maximum, highest.ravel())
    if protocol == "clean":
        everything = np.concatenate([nudge(images, shift) for shift in paper.SHIFTS]).reshape(-1, 12)
        assert (split.maximum < everything.max(0)).any()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_writing_and_reading_gives_an_equal_split_and_the_same_bytes_each_time(tmp_path, protocol):
    split = split_of_digits(protocol, 0)
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        folder.mkdir()
    split.write(folders[0])
    split_images(*digits(), protocol, 0).write(folders[1])
    again = Split.read(folders[0])
    again.write(folders[2])
    for name in ("rows.csv", "scaling.csv"):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1
    # An unshifted image is called "none", which pandas would read as missing.
    assert again.rows["shift"].tolist() == split.rows["shift"].tolist()
    assert again.rows.astype(str).equals(split.rows.astype(str))
    np.testing.assert_array_equal(again.minimum, split.minimum)
    np.testing.assert_array_equal(again.maximum, split.maximum)
    rows = split.select("test")
    np.testing.assert_array_equal(again.images(digits()[0], again.select("test")), split.images(digits()[0], rows))


def test_writing_makes_the_folder_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    split = split_images(np.arange(90, dtype=np.uint8).reshape(10, 3, 3), np.zeros(10, dtype=np.uint8), "clean", 0)
    split.write(tmp_path / "new/folder")
    assert sorted(path.name for path in (tmp_path / "new/folder").iterdir()) == ["rows.csv", "scaling.csv"]

    def full_disk(table, target, **options):
        with open(target, "w") as file:
            file.write("set,im")
        raise OSError("No space left on device")

    monkeypatch.setattr("pandas.DataFrame.to_csv", full_disk)
    with pytest.raises(OSError, match="No space"):
        split.write(tmp_path / "full")
    assert not list((tmp_path / "full").iterdir())


def test_splits_differ_by_number_and_repeat():
    first = split_of_digits("clean", 0).rows
    assert split_images(*digits(), "clean", 0).rows.equals(first)
    assert not split_images(*digits(), "clean", 1).rows.equals(first)


@st.composite
def labelled(draw):
    """Labels, of classes as unequal as they come."""
    counts = draw(st.lists(st.integers(1, 40), min_size=1, max_size=10))
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(draw(st.integers(0, 99))).permutation(labels)


def deviation(labels, rank):
    """The furthest that any prefix is from a class's share of it, in images: counted one image at a time."""
    classes, counts = np.unique(labels, return_counts=True)
    taken, furthest = dict.fromkeys(classes.tolist(), 0), 0.0
    for place, index in enumerate(np.argsort(rank), start=1):
        taken[labels[index].item()] += 1
        for label, count in zip(classes.tolist(), counts.tolist(), strict=True):
            furthest = max(furthest, abs(taken[label] - place * count / len(labels)))
    return furthest


@given(labelled(), st.integers(0, 2**32 - 1))
def test_a_nested_order_is_a_permutation_and_every_prefix_is_stratified(labels, seed):
    rank = nested_order(labels, seed)
    assert sorted(rank.tolist()) == list(range(len(labels)))
    np.testing.assert_array_equal(rank, nested_order(labels, seed))
    assert deviation(labels, rank) <= 1 + 1e-9


def test_a_nested_order_is_stratified_where_many_small_classes_stand_beside_a_large_one():
    labels = np.concatenate([np.zeros(100, dtype=int), np.arange(1, 11)])
    assert deviation(labels, nested_order(labels, 0)) <= 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_prefix_of_the_digits_is_stratified(protocol):
    rows = split_of_digits(protocol, 0).select("train").drop_duplicates("rank")
    assert sorted(rows["rank"]) == list(range(len(rows)))
    assert deviation(rows["label"].to_numpy(), rows["rank"].to_numpy()) <= 1


def test_within_a_class_the_nested_order_is_random():
    labels = np.zeros(50, dtype=int)
    orders = [nested_order(labels, seed).tolist() for seed in range(3)]
    assert len(set(map(tuple, orders))) == 3
    assert list(range(50)) not in orders


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_smaller_fraction_is_a_subset_of_a_larger_one_and_a_prefix_by_rank(protocol):
    split = split_of_digits(protocol, 0)
    everything = split.select("train")
    units = everything["rank"].nunique()
    smaller = everything.iloc[:0]
    for fraction in (0.01, 0.05, 0.1, 0.2, 0.5, 0.999, 1.0):
        rows = split.select("train", fraction)
        assert set(smaller.index) < set(rows.index)
        assert set(rows["rank"]) == set(range(round(fraction * units)))
        # In the order of the split, so that a fraction of 1 is the author's training set.
        assert rows.index.is_monotonic_increasing
        smaller = rows
    assert smaller.equals(everything)
    assert (split.select("test")["rank"] == -1).all()


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.35])
def test_a_clean_fraction_keeps_all_five_copies_of_an_image(fraction):
    rows = split_of_digits("clean", 3).select("train", fraction)
    assert len(rows) == 5 * round(fraction * 1437)
    assert (rows.groupby("image").size() == 5).all()


def test_the_augmented_set_is_the_images_over_their_negatives():
    images = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    labels = np.arange(7)
    stacked, repeated = inputs.training_set(images, labels, "augmented", 0)
    assert stacked.shape == (14, 4)
    assert stacked.dtype == np.float32
    for index in range(7):
        assert stacked[index].tolist() == images[index].tolist()
        assert stacked[7 + index].tolist() == [-value for value in images[index].tolist()]
    assert repeated.tolist() == [*range(7), *range(7)]
    same, unchanged = inputs.training_set(images, labels, "original", 0)
    assert same is images
    assert unchanged is labels


def test_random_signs_flip_about_half_the_images_whole_and_repeat():
    images = 1 + np.random.default_rng(0).random((2000, 4)).astype(np.float32)
    labels = np.arange(2000)
    signed, kept = inputs.training_set(images, labels, "random-sign", 6)
    assert signed.dtype == np.float32
    np.testing.assert_array_equal(np.abs(signed), images)
    signs = np.sign(signed)
    assert (signs == signs[:, :1]).all()
    # Four standard deviations of a fair coin.
    assert abs((signs[:, 0] < 0).sum() - 1000) < 4 * np.sqrt(500)
    assert kept.tolist() == labels.tolist()
    np.testing.assert_array_equal(inputs.training_set(images, labels, "random-sign", 6)[0], signed)
    assert not np.array_equal(inputs.training_set(images, labels, "random-sign", 7)[0], signed)


def test_random_signs_are_not_the_order_of_the_split():
    # Signs and ranks come from one number: were they drawn alike, early images would share a sign.
    split = split_of_digits("published", 0)
    rows = split.select("train")
    signed, _ = inputs.training_set(np.ones((len(rows), 1), dtype=np.float32), rows["label"], "random-sign", 0)
    early = signed[rows["rank"].to_numpy() < 700, 0]
    assert abs((early < 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(700)


def test_a_batchs_smaller_fraction_is_contained_in_its_larger_one_for_every_training_set(monkeypatch):
    seen = []
    samples = ensemble.Ensemble.samples
    monkeypatch.setattr(
        ensemble.Ensemble,
        "samples",
        lambda ensemble, inputs, labels: seen.append(inputs.array()) or samples(ensemble, inputs, labels),
    )
    split = split_of_digits("clean", 0)
    for kind in TRAINING_SETS:
        spec = Spec(
            study="small",
            dataset="digits",
            protocol="clean",
            split=0,
            features="identity",
            training_set=kind,
            hidden_layers=(2,),
            fractions=(0.02, 0.1),
            networks=("biased",),
            seeds=(0,),
            budget={"max_evaluations": 1},
            checkpoints=(),
            device="cpu",
        )
        batch.train_batch(spec, Dataset(*digits()), split)
        smaller, larger = (set(map(bytes, images)) for images in seen[-2:])
        assert len(smaller) < len(larger)
        assert smaller <= larger, kind


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda images, labels: split_images(images, labels, "leaky", 0),
            "protocol: 'leaky' is unknown; choose one of published, clean",
        ),
        (
            lambda images, labels: split_images(images, labels, "leaky", 0, ("none",), 5),
            "protocol: 'leaky' is unknown; choose one of published, clean",
        ),
        (
            lambda images, labels: nudge(images, "sideways"),
            "shift: 'sideways' is unknown; choose one of none, up, left, right, down",
        ),
        (
            lambda images, labels: inputs.training_set(images.reshape(10, -1), labels, "doubled", 0),
            "training_set: 'doubled' is unknown; choose one of original, augmented, random-sign",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_legal_ones(call, message):
    with pytest.raises(ValueError) as error:
        call(np.ones((10, 3, 3), dtype=np.uint8), np.zeros(10, dtype=np.uint8))
    assert str(error.value) == message
