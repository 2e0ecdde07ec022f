"""Every script by its command line: help, good input, and bad input refused in one line with nothing left behind."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.scripts import ROOT, SPEC, call, refused
from safetensors.numpy import load_file

from symmetry_constrained.analysis import bound
from symmetry_constrained.data import protocols, reading, registry
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.verdicts import paper_tables

SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
CELL = "neighbour/original/4/split-0"
PUBLISHED = ROOT / "workflow/resources/published.csv"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Data, a split and a batch, each by its script."""
    folder = tmp_path_factory.mktemp("made")
    assert call("fetch_dataset", "--dataset", "digits", "--out", folder / "data") == (0, "")
    assert call("make_split", *splitting(folder, folder / "split-0")) == (0, "")
    assert call("train_batch", *batch(folder, SPEC, folder / "batches")) == (0, "")
    (folder / "batch").symlink_to(folder / "batches" / CELL)
    return folder


def splitting(folder, out, protocol="clean", number=0):
    chosen = "--dataset", "digits", "--protocol", protocol, f"--split={number}"
    return *chosen, "--data", folder / "data", "--out", out


def batch(folder, spec, out):
    spec = spec if isinstance(spec, str) else json.dumps(spec)
    return "--spec", spec, "--data", folder / "data", "--split", folder / "split-0", "--out", out


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_describes_the_script_and_every_option(script, capsys):
    assert call(script, "--help") == (0, "")
    text = capsys.readouterr().out
    usage, description, *rest = text.split("\n\n")
    assert usage.startswith(f"usage: {script}.py")
    assert len(description) > 20
    assert description[0].isupper()
    # Each option stands with a word of explanation on its line or the next.
    for line in "\n".join(rest).splitlines():
        assert len(line.split()) != 1 or not line.strip().startswith("-"), line


OWN = 'sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))'


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_takes_this_checkouts_library_before_it_imports_it(script):
    text = (ROOT / f"scripts/{script}.py").read_text(encoding="utf-8")
    before, found, _ = text.partition(OWN)
    assert found and "symmetry_constrained import" not in before


@pytest.mark.parametrize("script", ["audit", "show_tables"])
def test_a_script_runs_where_the_project_is_not_installed_or_another_checkout_is(tmp_path, script):
    """Started through a link as well, as from a folder of one's own programs."""
    other = tmp_path / "other/symmetry_constrained"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('of another checkout')")
    link = tmp_path / "link.py"
    link.symlink_to(ROOT / f"scripts/{script}.py")
    for program in (ROOT / f"scripts/{script}.py", link):
        done = subprocess.run(
            [sys.executable, program, "--help"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(other.parent)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_script_runs_by_hand_from_any_folder(tmp_path):
    out = tmp_path / "data"
    command = [sys.executable, ROOT / "scripts/fetch_dataset.py", "--dataset", "mnits", "--out", out]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}
    )
    assert run.returncode == 1
    assert run.stderr == f"fetch_dataset.py: dataset: 'mnits' is unknown; choose one of {', '.join(registry.table())}\n"
    assert run.stdout == ""
    assert not out.exists()


def test_splitting_stores_the_librarys_split(made):
    digits = reading.load("digits")
    expected = protocols.split_images(digits.images, digits.labels, "clean", 0)
    assert Split.read(made / "split-0").rows.astype(str).equals(expected.rows.astype(str))


def test_splitting_makes_the_folder_it_writes_to(made, tmp_path):
    assert call("make_split", *splitting(made, tmp_path / "new/folder")) == (0, "")
    assert (tmp_path / "new/folder/rows.csv").read_bytes() == (made / "split-0/rows.csv").read_bytes()


def test_training_leaves_its_six_files_and_again_the_same_bytes(made, tmp_path):
    files = ["history.csv", "networks.csv", "predictions.safetensors", "provenance.json", "timings.csv"]
    files += ["weights.safetensors"]
    assert sorted(os.listdir(made / "batch")) == files
    assert call("train_batch", *batch(made, SPEC, tmp_path)) == (0, "")
    for name in files:
        if name not in ("timings.csv", "provenance.json"):
            assert (tmp_path / CELL / name).read_bytes() == (made / "batch" / name).read_bytes(), name
    networks = pd.read_csv(made / "batch/networks.csv")
    assert networks[["network", "seed"]].values.tolist() == [
        ["biased", 1],
        ["biased", 2],
        ["bias-free", 1],
        ["bias-free", 2],
    ]
    record = json.loads((made / "batch/provenance.json").read_text())
    assert record["spec"]["hidden_layers"] == SPEC["hidden_layers"]
    assert len(record["inputs"]) == 4


def test_gathering_stacks_the_tables_in_their_order(made, tmp_path):
    first = pd.read_csv(made / "batch/networks.csv")
    (first.assign(split=9)).to_csv(tmp_path / "second.csv", index=False)
    out = tmp_path / "all.csv"
    assert call("gather_networks", tmp_path / "second.csv", made / "batch/networks.csv", "--out", out) == (0, "")
    lines = out.read_text().splitlines()
    assert lines[1:5] == (tmp_path / "second.csv").read_text().splitlines()[1:]
    assert lines[:1] + lines[5:] == (made / "batch/networks.csv").read_text().splitlines()


def test_checking_the_bound_reads_batches_and_their_splits(made, tmp_path):
    out = tmp_path / "bound.csv"
    both = (made / "batch", made / "batch")
    splits = (made / "split-0", made / "split-0")
    assert call("check_bound", "--batches", *both, "--splits", *splits, "--out", out) == (0, "")
    once = bound.check_batch(made / "batch", made / "split-0")
    found = pd.read_csv(out).set_index("network")
    assert found.loc["bias-free", "networks"] == 4
    assert found.loc["bias-free", "violations"] == 0
    free = once[once["network"] == "bias-free"]
    assert found.loc["bias-free", "largest_sum_negated"] == (free["original"] + free["negated"]).max()
    labels = Split.read(made / "split-0").select("test")["label"].to_numpy()
    accuracy = (load_file(made / "batch/predictions.safetensors")["0.02/original"] == labels).mean(1)
    np.testing.assert_array_equal(once["original"], accuracy)


@pytest.fixture
def judging(tmp_path):
    """Three published networks' reruns and some draws of their cells: what judge_published reads."""
    numbers = pd.read_csv(PUBLISHED)
    kept = numbers[numbers["id"].isin([*JUDGED, "talk-biased-permuted-original"])]
    random = np.random.default_rng(0)
    cells = kept[["dataset", "network", "features", "training_set"]].drop_duplicates()
    draws = pd.concat(
        [
            cells.assign(
                # Six of the paper's own: the rest had fewer images, or other hidden layers.
                study=(kind + "-" + cells["dataset"]),
                fraction=0.5 if number == 6 else 1.0,
                hidden_layers="20-10" if number == 7 else "10-5",
                test_accuracy=random.random(len(cells)).round(4) if number < 6 else 5.0,
                inverted_accuracy=random.random(len(cells)).round(4) if number < 6 else 5.0,
            )
            for kind in ("published", "clean")
            for number in range(8)
        ]
    )
    draws.to_csv(tmp_path / "networks.csv", index=False)
    folders = []
    for name in kept["id"].unique():
        folder = tmp_path / "reruns" / name
        folder.mkdir(parents=True)
        rerun = pd.DataFrame(
            {"solver": ["scikit-learn", "ours"] * 2, "budget": ["evaluations"] * 2 + ["iterations"] * 2}
        )
        # MNIST's are rerun by scikit-learn alone, under the author's reading.
        rerun = rerun.iloc[: 1 if name.startswith("talk") else 4]
        rerun.assign(original=0.811, inverted=0.5).to_csv(folder / "reruns.csv", index=False)
        pd.DataFrame({"original": [0.8], "inverted": [0.4]}).to_csv(folder / "perturbed.csv", index=False)
        folders.append(folder)
    options = ["--published", PUBLISHED, "--networks", tmp_path / "networks.csv", "--out", tmp_path / "tables"]
    options += ["--studies", "published-digits", "published-mnist"]
    return [*options, "--clean-studies", "clean-digits", "clean-mnist"], folders


JUDGED = ["table1-biased-identity-original", "table2-biased-square-original"]  # of the paper itself


def test_judging_writes_the_numbers_and_every_table_and_showing_prints_them(judging, tmp_path, capsys):
    options, folders = judging
    assert call("judge_published", *options, "--reruns", *folders) == (0, "")
    stems = ("table1", "table2", "talk")
    files = ["published_numbers.csv", "published_numbers.html"]
    files += [f"{stem}.{suffix}" for stem in stems for suffix in ("csv", "md")]
    assert sorted(os.listdir(tmp_path / "tables")) == sorted(files)
    numbers = pd.read_csv(tmp_path / "tables/published_numbers.csv")
    assert numbers["table"].tolist() == ["1", "1", "2", "talk"]
    assert numbers["same_seed"].tolist() == ["exact", "not judged", "not judged", "not judged"]
    # Networks on fewer images or of other layers are no draws.
    assert numbers["n"].tolist() == [6] * 4
    assert numbers["high"].max() < 1
    assert numbers["typicality"].tolist() == ["too few draws"] * 4
    assert numbers["rerun_ours"].isna().tolist() == [False] * 3 + [True]
    for stem, rows in zip(stems, (2, 1, 1), strict=True):
        table = pd.read_csv(tmp_path / f"tables/{stem}.csv")
        assert table["clean_n"].tolist() == [6] * rows
        assert table["clean_high"].max() < 1
        markdown = (tmp_path / f"tables/{stem}.md").read_text(encoding="utf-8").splitlines()
        assert len(markdown) == 2 + rows
        assert len({line.count("|") for line in markdown}) == 1
    # Nobody reran this one by our solver.
    assert " | 0.811 | – | " in " ".join(markdown[-1].split())
    page = (tmp_path / "tables/published_numbers.html").read_text(encoding="utf-8")
    # A heading row in each table, and a row for each number.
    assert page.count("<table") == 3
    assert page.count("<tr") == 3 + 4
    assert [page.count(f"<h2>{heading}</h2>") for heading in paper_tables.HEADINGS.values()] == [1] * 3
    bounds = {"function": ["not odd", "odd"], "networks": [5, 1200], "violations": [3, 2]}
    pd.DataFrame(bounds | {"largest_sum_negated": [1.9, 0.91234]}).to_csv(tmp_path / "tables/bound.csv", index=False)
    capsys.readouterr()
    assert call("show_tables", tmp_path) == (0, "")
    printed = capsys.readouterr().out
    assert "Of 1,200 bias-free networks that are odd functions, 2 break R + R̄ <= 1 on their own inputs" in printed
    assert "(largest sum 0.912)." in printed
    assert f"{tmp_path}/report.html" in printed
    assert printed.splitlines()[-1] == f"Open {tmp_path}/index.html"
    for value in ("0.811", "0.021", "0.659", "0.917", *paper_tables.HEADINGS.values()):
        assert value in printed


def test_a_table_none_of_whose_numbers_was_rerun_is_not_written_and_not_shown(judging, tmp_path, capsys):
    options, folders = judging
    chosen = [folder for folder in folders if folder.name in JUDGED[:1]]
    assert call("judge_published", *options, "--reruns", *chosen) == (0, "")
    files = ["published_numbers.csv", "published_numbers.html", "table1.csv", "table1.md"]
    assert sorted(os.listdir(tmp_path / "tables")) == files
    page = (tmp_path / "tables/published_numbers.html").read_text(encoding="utf-8")
    assert (page.count("<table"), page.count("<tr")) == (1, 1 + 2)
    bounds = {"function": ["odd"], "networks": [5], "violations": [0], "largest_sum_negated": [0.9]}
    pd.DataFrame(bounds).to_csv(tmp_path / "tables/bound.csv", index=False)
    capsys.readouterr()
    assert call("show_tables", tmp_path) == (0, "")
    printed = capsys.readouterr().out
    assert [heading in printed for heading in paper_tables.HEADINGS.values()] == [True, False, False]


def spec(**changes):
    return SPEC | changes


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (spec(features="cube"), "features: 'cube' is unknown; choose one of identity, square,"),
        (spec(training_set="doubled"), "training_set: 'doubled' is unknown; choose one of original,"),
        (spec(networks=["unbiased"]), "unbiased"),
        (spec(dtype="float16"), "float16"),
        (spec(device="gpu"), "gpu"),
        (spec(budget={"iterations": 5}), "iterations"),
        (spec(sede=3), "spec: got an unexpected keyword argument 'sede'"),
        ({"study": "small"}, "spec: missing"),
        ([1, 2], "spec"),
        ("{not json", "Expecting property name"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_training_refuses_a_bad_spec(made, tmp_path, values, says):
    assert says in refused(tmp_path, "train_batch", *batch(made, values, tmp_path / "out"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_training_on_a_device_that_is_not_there_is_refused(made, tmp_path):
    assert "cuda" in refused(tmp_path, "train_batch", *batch(made, spec(device="cuda"), tmp_path / "out")).lower()


def test_scikit_learns_networks_are_compared_with_ours(made, tmp_path):
    theirs, out = tmp_path / "theirs.csv", tmp_path / "compared.csv"
    arguments = ("--spec", json.dumps(SPEC), "--data", made / "data", "--split", made / "split-0", "--out", theirs)
    assert call("train_scikit_learn", *arguments) == (0, "")
    arguments = ("--networks", made / "batch/networks.csv", "--scikit-learn", theirs, "--out", out)
    assert call("compare_solvers", *arguments) == (0, "")
    ours, scikit_learn, compared = pd.read_csv(made / "batch/networks.csv"), pd.read_csv(theirs), pd.read_csv(out)
    assert compared[["network", "test_set"]].values.tolist() == [
        [network, test_set] for network in ("biased", "bias-free") for test_set in ("original", "inverted")
    ]
    assert compared["n"].tolist() == [2] * 4
    for _, row in compared.iterrows():
        column = {"original": "test_accuracy", "inverted": "inverted_accuracy"}[row["test_set"]]
        means = [table.loc[table["network"] == row["network"], column].mean() for table in (ours, scikit_learn)]
        assert row["difference"] == pytest.approx(means[0] - means[1], abs=1e-12)
        assert [row["ours"], row["scikit_learn"]] == pytest.approx(means, abs=1e-12)
    # A single hidden layer reads as a number, which one table has and the other has not.
    ours.assign(hidden_layers="10").to_csv(tmp_path / "ours.csv", index=False)
    mixed = pd.concat([scikit_learn.assign(hidden_layers="10"), scikit_learn.assign(hidden_layers="10-5")])
    mixed.to_csv(theirs, index=False)
    arguments = ("--networks", tmp_path / "ours.csv", "--scikit-learn", theirs, "--out", out)
    assert call("compare_solvers", *arguments) == (0, "")
    assert pd.read_csv(out)["n"].tolist() == [2] * 4


def test_a_missing_file_is_named(made, tmp_path):
    nowhere, out = tmp_path / "nowhere", tmp_path / "out"
    assert str(nowhere) in refused(tmp_path, "make_split", *splitting(nowhere, out))
    training = ("--spec", json.dumps(SPEC), "--data", made / "data", "--split", nowhere, "--out", out)
    assert str(nowhere) in refused(tmp_path, "train_batch", *training)
    assert str(nowhere) in refused(tmp_path, "gather_networks", nowhere / "networks.csv", "--out", out / "all.csv")
    assert str(nowhere) in refused(
        tmp_path, "check_bound", "--batches", nowhere, "--splits", nowhere, "--out", out / "b.csv"
    )
    assert str(nowhere) in refused(tmp_path, "show_tables", nowhere)
    comparing = ("--networks", nowhere, "--scikit-learn", nowhere, "--out", out / "compared.csv")
    assert str(nowhere) in refused(tmp_path, "compare_solvers", *comparing)


@pytest.mark.parametrize(
    ("protocol", "number", "says"),
    [
        ("leaky", "0", "protocol: 'leaky' is unknown; choose one of published, clean"),
        ("clean", "-1", "random_state"),
    ],
)
def test_splitting_refuses_a_bad_protocol_and_a_bad_number(made, tmp_path, protocol, number, says):
    assert says in refused(tmp_path, "make_split", *splitting(made, tmp_path / "out", protocol, number))


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("compare_invariants", []),
        ("emulate_bias", ["--dataset", "digits", "--conditions", "conditions.csv"]),
        ("measure_orbits", []),
    ],
)
def test_the_split_of_other_images_is_refused(made, tmp_path, monkeypatch, script, more):
    monkeypatch.chdir(tmp_path)
    digits = Dataset.read(made / "data")
    Dataset(digits.images[:1000], digits.labels[:1000]).write(tmp_path / "data")
    (tmp_path / "split-0").symlink_to(made / "split-0")
    line = refused(tmp_path, script, "--data", "data", "--split", "split-0", "--out", "out", *more)
    assert line == "the split has an image 1796, and the data 0 to 999"


def test_the_bound_needs_a_split_for_each_batch(made, tmp_path):
    two = (made / "batch", made / "batch")
    line = refused(
        tmp_path, "check_bound", "--batches", *two, "--splits", made / "split-0", "--out", tmp_path / "out/b.csv"
    )
    assert line == "2 batches but 1 splits"


def test_a_rerun_of_no_published_number_is_refused(made, tmp_path):
    arguments = ("--data", made / "data", "--split", made / "split-0", "--out", tmp_path / "out")
    line = refused(tmp_path, "rerun_published", "--id", "table3", "--published", PUBLISHED, *arguments)
    assert line == f"table3 is no id in {PUBLISHED}"


def test_judging_refuses_a_study_without_networks_and_reruns_of_no_published_number(judging, tmp_path):
    options, folders = judging
    absent = ["nope" if value == "published-digits" else value for value in options]
    line = refused(tmp_path, "judge_published", *absent, "--reruns", *folders, out=tmp_path / "tables")
    assert line == "a place needs at least one draw, and finite ones"
    absent = ["nope" if value == "clean-mnist" else value for value in options]
    expected = (1, "judge_published.py: a place needs at least one draw, and finite ones")
    assert call("judge_published", *absent, "--reruns", *folders) == expected
    options[options.index("--out") + 1] = tmp_path / "others"
    line = refused(tmp_path, "judge_published", *options, "--reruns", tmp_path / "table3", out=tmp_path / "others")
    assert "table3" in line


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/images.npy", b""),
        ("data/images.npy", b"not an array"),
        ("split-0/rows.csv", b""),
        ("split-0/rows.csv", b"a,b\n1,2\n1,2,3\n"),
        ("split-0/rows.csv", b"set,image\ntrain,1\n"),
        ("split-0/scaling.csv", b"pixel,lowest\n0,0\n"),
    ],
)
def test_training_refuses_a_broken_file(made, tmp_path, name, content):
    for folder in ("data", "split-0"):
        (tmp_path / folder).mkdir()
        for path in (made / folder).iterdir():
            (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes(content)
    refused(tmp_path, "train_batch", *batch(tmp_path, SPEC, tmp_path / "out"))


def test_the_bound_refuses_broken_predictions(made, tmp_path):
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch/networks.csv").write_bytes((made / "batch/networks.csv").read_bytes())
    (tmp_path / "batch/predictions.safetensors").write_bytes(b"cut off")
    arguments = ("--batches", tmp_path / "batch", "--splits", made / "split-0", "--out", tmp_path / "out/bound.csv")
    refused(tmp_path, "check_bound", *arguments)
