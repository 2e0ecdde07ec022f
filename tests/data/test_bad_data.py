"""Bad data are refused by the file or the cell they stand in; a network that diverges is a row that says so."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.scripts import SPEC as BATCH
from helpers.scripts import call
from safetensors.numpy import load_file

from symmetry_constrained.analysis import summary
from symmetry_constrained.data import protocols, reading, registry
from symmetry_constrained.data.datasets import CLASSES, Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import inversion
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.runs import config as settings
from symmetry_constrained.training import batch
from symmetry_constrained.training.spec import Spec
from symmetry_constrained.verdicts import published

ROOT = Path(__file__).parents[2]
MNIST = ROOT / "data/mnist"
SPEC = BATCH | {"seeds": [1, 2, 3], "budget": {"max_evaluations": 6}}
FOLDER = "neighbour/original/4/split-0"
CELL = "small, neighbour, original, 4, split 0"


@pytest.fixture(scope="module")
def digits():
    return reading.load("digits")


@pytest.fixture
def made(tmp_path, digits):
    """Data and a split, to be spoilt."""
    digits.write(tmp_path / "data")
    protocols.make_split("digits", digits, "clean", 0).write(tmp_path / "split-0")
    return tmp_path


def train(folder, **changes):
    arguments = ("--spec", json.dumps(SPEC | changes), "--data", folder / "data", "--split", folder / "split-0")
    return call("train_batch", *arguments, "--out", folder / "out")


def refused(folder, **changes):
    """The one line with which training is refused; nothing is written."""
    status, line = train(folder, **changes)
    assert status == 1 and line.startswith("train_batch.py: ") and "\n" not in line
    assert not (folder / "out").exists()
    return line.removeprefix("train_batch.py: ")


# The idx files


def spoilt(name, spoil):
    return pytest.param(name, spoil, id=f"{spoil.__name__}-{name}")


def corrupted(path):
    """One bit of the last byte."""
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)


def emptied(path):
    os.truncate(path, 0)


def swapped(path):
    """With the other part's file of the same kind."""
    parts = {"train": "t10k", "t10k": "train"}
    part, rest = path.name.split("-", 1)
    other = path.with_name(f"{parts[part]}-{rest}")
    path.rename(path.with_name("aside"))
    other.rename(path)
    path.with_name("aside").rename(other)


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not in data/mnist")
@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        spoilt(name, spoil)
        for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
        for spoil in (corrupted, truncated, emptied, swapped)
    ],
)
def test_a_spoilt_file_of_mnist_is_refused_by_name(tmp_path, name, spoil):
    folder = tmp_path / "data/mnist"
    folder.mkdir(parents=True)
    for path in MNIST.glob("*ubyte"):
        (folder / path.name).write_bytes(path.read_bytes())
    spoil(folder / name)
    arguments = ("--dataset", "mnist", "--data-folder", tmp_path / "data", "--out", tmp_path / "out")
    status, line = call("fetch_dataset", *arguments)
    first = "train" + name[name.index("-") :] if spoil is swapped else name
    assert status == 1 and line.startswith(f"fetch_dataset.py: {folder / first}: ")
    assert "\n" not in line
    assert line.endswith("remove it, or put the right file there")
    assert not (tmp_path / "out").exists()


# The arrays


def save(array):
    return lambda path: np.save(path, array)


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("labels", truncated, ""),
        ("images", truncated, ""),
        ("images", save(np.full((1797, 8, 8), np.nan)), "holds float64; it must hold uint8"),
        ("images", save(np.zeros(1797, np.uint8)), "has the shape (1797); it must hold images"),
        ("labels", save(np.zeros((1797, 8, 8), np.uint8)), "has the shape (1797 × 8 × 8); it must hold labels"),
        ("labels", save(np.zeros(1796, np.uint8)), "holds 1796 labels for 1797 images"),
        ("labels", save(np.full(1797, 10, np.uint8)), "holds the label 10; the largest must be 9"),
        ("images", save(np.zeros((0, 8, 8), np.uint8)), "has the shape (0 × 8 × 8); it must hold images"),
        ("images", save(np.array([None])), ""),
        ("images", lambda path: path.write_bytes(b"PK\x03\x04 cut off"), ""),
    ],
)
def test_spoilt_arrays_are_refused_by_name(made, name, spoil, says):
    path = made / f"data/{name}.npy"
    spoil(path)
    assert refused(made).startswith(f"{path}: {says}")


# The split


def edited(path, column, value, line=0):
    table = pd.read_csv(path, keep_default_na=False, dtype=object)
    table.loc[line, column] = value
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("name", "column", "value", "says"),
    [
        ("rows", "label", 10, "line 2: label is 10"),
        ("rows", "label", -1, "line 2: label is -1"),
        ("rows", "label", "", "label must contain integers"),
        ("rows", "image", 1.5, "image must contain integers"),
        ("rows", "rank", "nan", "rank must contain integers"),
        ("rows", "set", "tset", "line 2: set is 'tset'"),
        ("rows", "shift", "", "line 2: shift is ''"),
        ("scaling", "minimum", "nan", "minimum must contain integers"),
        ("scaling", "maximum", "inf", "maximum must contain integers"),
    ],
)
def test_a_spoilt_split_is_refused_by_name(made, name, column, value, says):
    path = made / f"split-0/{name}.csv"
    edited(path, column, value)
    assert refused(made) == f"{path}: {says}"


def test_a_split_with_one_side_is_refused_by_name(made):
    path = made / "split-0/rows.csv"
    rows = pd.read_csv(path)
    rows[rows["set"] == "train"].to_csv(path, index=False)
    assert refused(made) == f"{path}: needs rows of both sets, train and test"


def test_a_split_of_other_data_is_refused_by_its_cell(made):
    path = made / "split-0/rows.csv"
    rows = pd.read_csv(path)
    label, image = rows.loc[0, ["label", "image"]]
    edited(path, "label", (label + 1) % 10)
    says = f"{CELL}: image {image} is a {(label + 1) % 10} in the split, and a {label} in the data"
    assert refused(made) == says
    edited(path, "label", label)
    edited(path, "image", 1797)
    assert refused(made) == f"{CELL}: the split has an image 1797, and the data 0 to 1796"
    edited(path, "image", -1)
    assert refused(made) == f"{CELL}: the split has an image -1, and the data 0 to 1796"
    edited(path, "image", image)
    scaling = pd.read_csv(made / "split-0/scaling.csv")
    scaling[:-1].to_csv(made / "split-0/scaling.csv", index=False)
    assert refused(made) == f"{CELL}: the split scales 63 pixels, and the images have 64"


# Features and fractions


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused_by_their_cell(made, monkeypatch, value):
    def broken(images, shape):
        out = images.copy()
        out[0, 0] = value
        return out

    monkeypatch.setitem(inversion.FEATURES, "neighbour", inversion.FeatureMap(broken))
    assert refused(made) == f"{CELL}: inputs must be finite in torch.float32"
    # Of the training images alone.
    small = inversion.FeatureMap(lambda x, shape: broken(x, shape) if len(x) < 200 else x)
    monkeypatch.setitem(inversion.FEATURES, "neighbour", small)
    assert refused(made) == f"{CELL}, fraction 0.02: inputs must be finite in torch.float32"


@pytest.mark.parametrize("name", list(inversion.FEATURES))
@pytest.mark.parametrize("shade", [0, 16])
def test_images_all_of_one_shade_train_like_others(digits, name, shade):
    """One image among the others, and all of them: no division by a range of zero."""
    for chosen in (slice(5, 6), slice(None)):
        images = digits.images.copy()
        images[chosen] = shade
        data = Dataset(images, digits.labels)
        split = protocols.split_images(images, digits.labels, "clean", 0)
        spec = Spec.from_dict(SPEC | {"features": name, "budget": {"max_evaluations": 2}, "checkpoints": []})
        table = batch.train_batch(spec, data, split).networks
        assert table["status"].isin(["max_evaluations", "converged_loss", "converged_gradient"]).all()
        assert not table.isna().any().any()


def test_a_fraction_without_every_class_is_refused_by_its_cell(made):
    line = refused(made, fractions=[0.004, 1.0])
    present = set(Split.read(made / "split-0").select("train", 0.004)["label"])
    absent = " or a ".join(str(label) for label in range(CLASSES) if label not in present)
    assert line == f"{CELL}, fraction 0.004: none of its {5 * round(0.004 * 1437)} training images is a {absent}"


@pytest.mark.parametrize(
    ("study", "fraction", "says"),
    [
        ("digits-published", 0.001, "at least 0.0014, 10 of 7,188 images"),
        ("digits-clean", 0.006, "at least 0.00696, 10 of 1,437 images"),
        ("mnist-clean", 0.0001, "at least 0.00017, 10 of 60,000 images"),
        ("mnist-published", 0.0001, "at least 0.00018, 10 of 56,000 images"),
    ],
)
def test_a_fraction_of_fewer_images_than_classes_is_refused_as_it_is_read(study, fraction, says):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    config["studies"][study]["fractions"] = [fraction, 1.0]
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    with pytest.raises(settings.ConfigError) as error:
        settings.check(config, schema)
    assert str(error.value) == f"config: studies.{study}.fractions is {fraction}; it must be {says}"
    # What it names is legal.
    config["studies"][study]["fractions"] = [float(says.split()[2].rstrip(",")), 1.0]
    settings.check(config, schema)


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS)
def test_fractions_are_of_as_many_units_as_a_split_has(digits, protocol):
    split = protocols.make_split("digits", digits, protocol, 3)
    assert protocols.training_units("digits", protocol) == split.rows["rank"].max() + 1
    assert registry.known("digits").images == len(digits.images)
    # Of the idx sets by counting alone: their splits are the same for any images.
    blank = np.zeros((70_000, 1, 1), np.uint8)
    split = protocols.split_images(blank, np.arange(70_000, dtype=np.uint8) % 10, protocol, 3, ("none",), 60_000)
    assert protocols.training_units("mnist", protocol) == (split.rows["set"] == "train").sum()


# Divergence


@pytest.fixture
def diverged(made, monkeypatch):
    """A batch in which the networks of seed 2 start where the loss overflows, and the same batch without them."""
    initial = Architecture.initial

    def far_out(self, seed, *more):
        return initial(self, seed, *more) * (1e200 if seed % 100_000 == 2 else 1.0)

    monkeypatch.setattr(Architecture, "initial", far_out)
    assert train(made) == (0, "")
    (made / "out").rename(made / "with")
    assert train(made, seeds=[1, 3]) == (0, "")
    return made / "with" / FOLDER, made / "out" / FOLDER


def test_a_network_that_diverges_is_a_row_with_its_status(diverged):
    table, others = (pd.read_csv(folder / "networks.csv") for folder in diverged)
    assert len(table) == 6
    failed = table["seed"] == 2
    assert (table.loc[failed, "status"] == "non_finite").all()
    assert (table.loc[failed, "iterations"] == 0).all()
    assert not (table.loc[~failed, "status"] == "non_finite").any()
    assert not table[~failed].isna().any().any()
    # It disturbs no other.
    pd.testing.assert_frame_equal(table[~failed].reset_index(drop=True), others, rtol=1e-4)
    assert len(load_file(diverged[0] / "weights.safetensors")["0.02"]) == 6
    # It leaves no course that a mean or a cost could take in.
    course, undisturbed = (pd.read_csv(folder / "history.csv") for folder in diverged)
    keys = ["network", "seed", "iterations"]
    assert set(course["seed"]) == {1, 3} and course[keys].equals(undisturbed[keys])


def test_a_network_that_diverges_is_left_out_of_means_and_counted(diverged, tmp_path):
    table = tmp_path / "all.csv"
    assert call("gather_networks", diverged[0] / "networks.csv", "--out", table) == (0, "")
    assert call("summarise", "--networks", table, "--out", tmp_path / "summary.csv") == (0, "")
    found = pd.read_csv(tmp_path / "summary.csv")
    assert (found["n"] == 2).all() and (found["failed"] == 1).all()
    assert found["mean"].notna().all()
    networks = pd.read_csv(table)
    kept = networks[networks["seed"] != 2]
    without = summary.summarise(kept)
    assert (without["failed"] == 0).all()
    pd.testing.assert_frame_equal(
        found.drop(columns="failed"), without.drop(columns="failed"), check_dtype=False, rtol=1e-12
    )
    # Nor is a published number placed among those that failed.
    paper = networks.assign(fraction=1, hidden_layers="10-5")
    assert published.of_the_paper(paper, "small")["seed"].tolist() == [1, 3, 1, 3]


def test_a_batch_of_nothing_but_diverged_networks_is_written(made, monkeypatch):
    initial = Architecture.initial
    monkeypatch.setattr(Architecture, "initial", lambda self, seed, *more: initial(self, seed, *more) * 1e200)
    assert train(made) == (0, "")
    table = pd.read_csv(made / "out" / FOLDER / "networks.csv")
    assert (table["status"] == "non_finite").all()
    found = summary.summarise(table)
    assert found["mean"].isna().all() and (found["n"] == 0).all() and (found["failed"] == 3).all()


def test_measuring_and_the_bound_take_a_table_with_diverged_networks(diverged, tmp_path, made):
    target = ("--target", "digits=0.2")
    out = tmp_path / "efficiency.csv"
    assert call("measure_efficiency", "--networks", diverged[0] / "networks.csv", *target, "--out", out) == (0, "")
    both = ("--batches", diverged[0], "--splits", made / "split-0")
    assert call("check_bound", *both, "--out", tmp_path / "bound.csv") == (0, "")
    assert pd.read_csv(tmp_path / "bound.csv")["networks"].sum() == 6
