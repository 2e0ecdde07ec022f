"""Weights bound to their seeds: networks passed off as those of other seeds and courses that nobody took are found."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import SPEC, call
from safetensors.numpy import load_file, save_file

from symmetry_constrained.audit import retrained
from symmetry_constrained.audit.batches import check_batch
from symmetry_constrained.audit.history import check_batch as check_course
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.specs import USUAL
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.networks.architecture import Architecture

FOLDER = "batches/small/neighbour/original/10-5/split-0"
GIVEN = {"hidden_layers": [10, 5], "seeds": [1, 2, 3], "fractions": [0.05, 0.1], "budget": {"max_iterations": 40}}
GIVEN |= {"checkpoints": [5, 10, 30], "alpha": 1e-5, "dtype": "float32", "trained_as": None}
CHOSEN = SPEC | GIVEN | USUAL
DRAWN = [("0.05", 1), ("0.1", 4)]


def train(folder, spec=CHOSEN):
    arguments = ["--data", folder / "data/digits", "--split", folder / "splits/digits/clean/split-0"]
    given = {name: value for name, value in spec.items() if name != "split"}
    assert call("train_batch", "--spec", json.dumps(given), *arguments, "--out", folder / "batches/small") == (0, "")
    return folder


def prepared(folder):
    digits = reading.load("digits")
    dataset = Dataset(digits.images[:600], digits.labels[:600])
    dataset.write(folder / "data/digits")
    protocols.split_images(dataset.images, dataset.labels, "clean", 0).write(folder / "splits/digits/clean/split-0")
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A results folder of one batch."""
    return train(prepared(tmp_path_factory.mktemp("retrained")))


@pytest.fixture
def folder(written):
    """The same, and afterwards as it was."""
    before = {path: path.read_bytes() for path in (written / FOLDER).iterdir()}
    yield written
    for path, content in before.items():
        path.write_bytes(content)


@pytest.fixture(scope="module")
def stolen(tmp_path_factory):
    """The weights of the same batch with other seeds."""
    other = train(prepared(tmp_path_factory.mktemp("other")), CHOSEN | {"seeds": [77, 78, 79]})
    return load_file(other / FOLDER / "weights.safetensors")


def failures(folder):
    results = Results(folder)
    checks = [*retrained.check_seeds(results, FOLDER, CHOSEN), *retrained.check_again(results, FOLDER, CHOSEN, DRAWN)]
    return [check for check in checks if not check.ok]


def test_deep_goes_further(folder):
    again = list(retrained.check_again(Results(folder, deep=True), FOLDER, CHOSEN, DRAWN))
    assert [check for check in again if not check.ok] == []
    told = [check.expected.split(": ")[1] for check in again if check.what == retrained.FOLLOWED]
    assert any(text.endswith(", 30 iterations") for text in told), told


def test_a_loss_after_thirty_iterations_that_is_half_is_found_if_deep(folder):
    path = folder / FOLDER / "history.csv"
    table = pd.read_csv(path)
    table["train_loss"] = table["train_loss"].where(table["iterations"] != 30, 0.5 * table["train_loss"])
    table.to_csv(path, index=False)
    assert failures(folder) == []
    again = retrained.check_again(Results(folder, deep=True), FOLDER, CHOSEN, DRAWN)
    assert {check.what for check in again if not check.ok} == {retrained.FOLLOWED}


def change(folder, edit, name="weights"):
    path = folder / FOLDER / f"{name}.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


def test_what_was_trained_holds(folder):
    results = Results(folder)
    seeds = list(retrained.check_seeds(results, FOLDER, CHOSEN))
    again = list(retrained.check_again(results, FOLDER, CHOSEN, DRAWN))
    assert [check for check in (*seeds, *again) if not check.ok] == []
    # Of two fractions the last and the early weights; of two networks the weights, and the checkpoints up to 10.
    assert len(seeds) == 2 * (2 + 2)
    assert [check.what for check in again] == [retrained.AGAIN, *[retrained.FOLLOWED] * 2] * 2


@pytest.mark.parametrize("other", [{"start": "mirrored"}, {"optimiser": "adam"}, {"activation": "relu"}], ids=str)
def test_networks_of_other_settings_are_bound_to_their_seeds_as_well(tmp_path, other):
    spec = CHOSEN | other | {"fractions": [0.1], "budget": {"max_iterations": 100}, "checkpoints": []}
    folder = train(prepared(tmp_path), spec)
    assert [check for check in retrained.check_seeds(Results(folder), FOLDER, spec) if not check.ok] == []
    change(folder, lambda tensors: exchanged(tensors["0.1/10"]))
    found = [check.found for check in retrained.check_seeds(Results(folder), FOLDER, spec) if not check.ok]
    assert set(found) == {"network 0, of seed 1, is not; 2 are not"}


def exchanged(rows, first=0, second=1):
    rows[[first, second]] = rows[[second, first]]


@pytest.mark.parametrize("names", [["0.1"], ["0.1/10"], ["0.05", "0.05/10", "0.1", "0.1/10"]])
def test_two_seeds_weights_exchanged(folder, names):
    """Rows of the tables and predictions would go with them: nothing else could tell."""
    change(folder, lambda tensors: [exchanged(tensors[name]) for name in names])
    found = [check for check in failures(folder) if check.what == retrained.SEEDED and "nearest" in check.expected]
    assert [check.expected.split(":")[0] for check in found] == [f"6 networks {name}" for name in sorted(names)]
    assert {check.found for check in found} == {"network 0, of seed 1, is not; 2 are not"}


@pytest.mark.parametrize("names", [["0.1"], ["0.05/10"], ["0.05", "0.05/10"]])
def test_a_network_of_a_seed_that_is_none_of_the_batchs(folder, stolen, names):
    """A lucky one, trained as it should be, in the place of another that nobody draws."""
    change(folder, lambda tensors: [tensors[name].__setitem__(5, stolen[name][2]) for name in names])
    found = [check for check in failures(folder) if check.what == retrained.SEEDED]
    assert "network 5, of seed 3, is not; 1 are not" in {check.found for check in found}


def test_early_weights_that_are_a_little_off(folder):
    def edit(tensors):
        way = tensors["0.05/10"][1] - Architecture(64, (10, 5), 10).initial(100_002, True)
        tensors["0.05/10"][1] += (0.02 * way).astype(np.float32)

    change(folder, edit)
    assert [check.what for check in failures(folder)] == [retrained.AGAIN]


@pytest.mark.parametrize(
    ("column", "other"), [("train_loss", lambda x: 0.9 * x), ("test_accuracy", lambda x: x + 0.05)]
)
@pytest.mark.parametrize("iterations", [5, 10])
def test_a_course_that_the_network_did_not_take(folder, column, other, iterations):
    path = folder / FOLDER / "history.csv"
    table = pd.read_csv(path)
    mine = (table["fraction"] == 0.05) & (table["network"] == "biased") & (table["seed"] == 2)
    place = table.index[mine & (table["iterations"] == iterations)]
    table.loc[place, column] = other(table.loc[place, column])
    table.to_csv(path, index=False)
    (found,) = failures(folder)
    assert found.what == retrained.FOLLOWED
    assert found.expected.startswith(f"0.05: biased, seed 2, {iterations} iterations: loss ")


def test_the_networks_drawn_follow_from_the_record_alone(tmp_path):
    told = {f"batch-{number}": CHOSEN for number in range(30)}
    draws = []
    for text in ("one", "two", "one"):
        (tmp_path / "manifest.json").write_text(text)
        draws.append(retrained._drawn(Results(tmp_path), told))
    assert draws[0] == draws[2] != draws[1]
    assert sum(map(len, draws[0].values())) == retrained.DRAWN
    deep = retrained._drawn(Results(tmp_path, deep=True), told)
    assert sum(map(len, deep.values())) == 30 * 2 * 6
    large = {"batch": CHOSEN | {"dataset": "mnist", "fractions": [0.05, 1.0]}}
    assert {key for drawn in retrained._drawn(Results(tmp_path), large).values() for key, _ in drawn} == {"0.05"}


def test_networks_that_the_audit_cannot_train_are_not_drawn(tmp_path):
    told = {name: CHOSEN | {"averaging": name, "start": None} for name in ("none", "logits")}
    assert set(retrained._drawn(Results(tmp_path), told)) == {"none"}


# Networks that diverged.


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """A batch in which the networks of seed 2 start where the loss overflows."""
    initial = Architecture.initial
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Architecture,
            "initial",
            lambda self, seed, *more: initial(self, seed, *more) * (1e200 if seed % 10 == 2 else 1),
        )
        return train(prepared(tmp_path_factory.mktemp("diverged")))


def told(folder):
    results = Results(folder)
    checks = [*check_batch(results, FOLDER, CHOSEN), *check_course(results, FOLDER, CHOSEN)]
    checks += [*retrained.check_seeds(results, FOLDER, CHOSEN), *retrained.check_again(results, FOLDER, CHOSEN, DRAWN)]
    return [check for check in checks if not check.ok]


def test_a_batch_with_diverged_networks_holds(diverged):
    table = pd.read_csv(diverged / FOLDER / "networks.csv")
    assert (table["status"] == "non_finite").sum() == 4
    with np.errstate(all="ignore"):
        assert told(diverged) == []


def test_a_bad_seed_cannot_be_left_out_as_diverged(folder):
    path = folder / FOLDER / "networks.csv"
    table = pd.read_csv(path)
    table.loc[0, "status"] = "non_finite"
    table.to_csv(path, index=False)
    found = [check for check in told(folder) if check.what == "diverged networks have no finite weights"]
    assert [check.found for check in found] == ["network 0: 1 are not"]


def test_nor_can_a_network_without_finite_weights_be_kept(folder):
    change(folder, lambda tensors: tensors["0.1"].__setitem__(4, np.nan))
    with np.errstate(all="ignore"):
        found = [check for check in told(folder) if check.what == "diverged networks have no finite weights"]
    assert [check.found for check in found] == ["network 4: 1 are not"]
