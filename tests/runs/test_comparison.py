"""Do two runs agree? Honest ones do at the stated rate, and every planted fault is seen.

Made-up runs: networks drawn around means that are known, in the files of a finished run.
"""

import json
import lzma
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.claim_rows import places, row, table, theorem
from helpers.scripts import call
from helpers.synthetic import at, networks

from symmetry_constrained.analysis import statistics
from symmetry_constrained.runs import compared, comparison, finished
from symmetry_constrained.verdicts import contrasts

# (features, training set): mean accuracy on X and on −X.
MODELS = {
    ("identity", "original"): (0.83, 0.02),
    ("identity", "augmented"): (0.6, 0.55),
    ("neighbour", "original"): (0.84, 0.84),
    ("square", "original"): (0.65, 0.65),
}
SPREAD, SHARED = 0.02, 0.01  # standard deviations of networks, and of what those of a split share
STUDY = {"dataset": "digits", "protocol": "published", "splits": 10, "seeds": 4, "fractions": [1.0]}
STUDY |= {"features": {"identity": ["original"]}, "budget": {"max_evaluations": 200}, "checkpoints": [10]}
MACHINE = {"processor": "A processor", "platform": "Linux-6.1-x86_64-with-glibc2.36", "instructions": ["avx2"]}
TRAINED_ON = {"device": ["cpu"], "compiler": ["c++ 12"], "torch": ["2.14.1"]}
CODE = "code/src/training.py"
KIND = {"networks": "tables/networks.csv", "claims": "tables/claims.csv"}


@dataclass
class Made:
    """What a made-up run consists of, to be changed before it is written."""

    networks: pd.DataFrame
    claims: pd.DataFrame
    numbers: pd.DataFrame
    settings: pd.DataFrame
    config: dict
    manifest: dict = field(repr=False)

    def write(self, folder: Path, compressed: bool = False) -> Path:
        (folder / "tables").mkdir(parents=True)
        tables = {"networks": self.networks, "claims": self.claims, "settings": self.settings}
        for name, content in (tables | {"published_numbers": self.numbers}).items():
            ending = ".xz" if compressed and name == "networks" else ""
            content.to_csv(folder / f"tables/{name}.csv{ending}", index=False)
        (folder / "config.json").write_text(json.dumps(self.config))
        text = json.dumps(self.manifest).encode()
        (folder / f"manifest.json{'.xz' if compressed else ''}").write_bytes(
            lzma.compress(text) if compressed else text
        )
        return folder


def draws(random, pairs, mean, shared, own=SPREAD):
    return np.clip(mean + np.array([shared[split] for split, _ in pairs]) + random.normal(0, own, len(pairs)), 0, 1)


def made(draw=0, splits=range(10), seeds=range(4), study="digits-published") -> Made:
    """A run of the paper's setting. draw: another number, other networks; what a split shares is that of the split."""
    random, pairs = np.random.default_rng(draw), [(split, seed) for split in splits for seed in seeds]
    cells = []
    for kind in ("biased", "bias-free"):
        for place, ((features, shown), (ours, inverted)) in enumerate(MODELS.items()):
            shared = {split: np.random.default_rng([place, split]).normal(0, SHARED) for split in splits}
            means = {"train_accuracy": 0.9, "test_accuracy": ours, "inverted_accuracy": inverted}
            if kind == "bias-free" and shown == "augmented":
                means |= {"test_accuracy": 0.1, "inverted_accuracy": 0.1}
            values = {name: draws(random, pairs, mean, shared) for name, mean in means.items()}
            cells.append(networks(features, shown, kind, pairs=pairs, **values))
    drawn = at(*cells).assign(study=study, protocol="published")
    manifest = {
        "machine": MACHINE,
        "trained_on": TRAINED_ON,
        "artefacts": {
            "data/digits/images.npy": entry("output", "1"),
            "splits/digits/published/split-0/rows.csv": entry("output", "2"),
            "batches/networks.csv": entry("output", "3", CODE),
            KIND["networks"]: entry("output", "4", "batches/networks.csv"),
            KIND["claims"]: entry("output", "5", KIND["networks"], "code/rules.py"),
            CODE: entry("source", "6"),
            "code/rules.py": entry("source", "7"),
        },
    }
    config = {"results": "results", "studies": {study: STUDY}, "theory": {"splits": 10}, "alpha": 1e-5}
    number = {"id": "table1-a", "test_set": "original", "same_seed": "exact", "typicality": "typical"}
    numbers = pd.DataFrame([number, number | {"test_set": "inverted", "same_seed": "not judged"}])
    return Made(drawn, claims(drawn), numbers, places().assign(study=study), config, manifest)


def entry(kind, digest, *inputs):
    return {"kind": kind, "sha256": digest, "inputs": list(inputs)}


def claims(drawn):
    """Two contrasts judged by the library: neighbour features against ±X, and against square."""
    biased = drawn[drawn["network"] == "biased"]
    sides = {key: contrasts.by_pair(rows, "test_accuracy") for key, rows in biased.groupby(list(MODELS_BY))}
    rows = []
    for name, other in (("neighbour − ±X", ("identity", "augmented")), ("neighbour − square", ("square", "original"))):
        found = contrasts.of_pairs(contrasts.differences(sides["neighbour", "original"], sides[other]))
        prediction = (found.prediction_low, found.prediction_high)
        rows.append(
            row("C2", name, found.effect, found.low, found.high, n=found.n, published=0.2, prediction=prediction)
        )
    return table(*rows)


MODELS_BY = ("features", "training_set")


def elsewhere(run: Made) -> Made:
    """The same as if it were made on a GPU."""
    run.manifest = run.manifest | {"trained_on": TRAINED_ON | {"device": ["cuda"]}}
    return run


def found(tmp_path, run: Made, reference: Made, compressed=True) -> comparison.Comparison:
    run.write(tmp_path / "run")
    reference.write(tmp_path / "reference", compressed)
    return comparison.compare(finished.read(tmp_path / "run"), finished.read(tmp_path / "reference"))


def line(comparison, name):
    (text,) = [text for text in comparison.lines if text.startswith(f"{name}: ")]
    return text


def test_a_run_agrees_with_itself_to_the_last_digit(tmp_path):
    same = found(tmp_path, made(), made())
    assert (same.status, same.against, len(same.largest)) == (comparison.AGREE, [], 0)
    assert same.sentence == f"{tmp_path / 'run'} and {tmp_path / 'reference'} agree."
    assert "320 are in both runs, 320 of them equal" in line(same, "Networks")
    assert "of one kind" in line(same, "Machines")
    assert "of 2 that both runs reach, 2 are the same" in line(same, "Verdicts")
    assert line(same, "Means") == "Means: all 26 accuracies and effects that were tested are equal."
    assert "of 1 trained again with the author's seeds, 1 are judged alike" in line(same, "Published numbers")


@pytest.mark.parametrize(
    "splits", [range(10), range(100, 110), range(5, 20)], ids=["in pairs", "independent", "in part"]
)
def test_honest_runs_agree(tmp_path, splits):
    """On another machine with the same seeds, which rounding has led elsewhere; with others; and with some."""
    two = found(tmp_path, elsewhere(made(1, splits)), made())
    assert two.status == comparison.AGREE, two.sentence
    assert "device cuda against cpu" in line(two, "Machines")
    assert f"Networks: {8 * 4 * len(set(splits) & set(range(10)))} are in both runs, 0 of them equal" in line(
        two, "Networks"
    )
    assert "of 26 accuracies and effects, 0 are equal" in line(two, "Means")
    assert len(two.largest) == comparison.NAMED


def swapped_maps(run):
    run.networks["features"] = run.networks["features"].replace({"neighbour": "square", "square": "neighbour"})


def shifted_cell(run):
    rows = (run.networks["features"] == "neighbour") & (run.networks["network"] == "biased")
    run.networks.loc[rows, "test_accuracy"] += 0.05


def another_networks_rows(run):
    biased, free = (
        (run.networks["training_set"] == "augmented") & (run.networks["network"] == kind)
        for kind in ("biased", "bias-free")
    )
    names = list(compared.ACCURACIES)
    run.networks.loc[biased, names] = run.networks.loc[free, names].to_numpy()


def flipped_verdict(run):
    run.claims.loc[1, "verdict"] = "equivalent"


def other_images(run):
    run.manifest["artefacts"]["data/digits/images.npy"]["sha256"] = "another"


FAULTS = {
    swapped_maps: ("means differ", "digits-published, neighbour on X"),
    shifted_cell: ("1 means differ", "neighbour on X, biased, 10-5, 1,000 samples: accuracy on X"),
    another_networks_rows: ("means differ", "identity on ±X, biased"),
    flipped_verdict: ("1 verdicts contradict", "C2, neighbour − square, setting paper: equivalent against"),
    other_images: ("1 files of images", "data/digits/images.npy"),
}


@pytest.mark.parametrize("splits", [range(10), range(100, 110)], ids=["in pairs", "independent"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_caught_on_any_machine(tmp_path, fault, splits):
    run = elsewhere(made(1, splits))
    fault(run)
    two = found(tmp_path, run, made())
    assert two.status == comparison.DIFFER
    (said,) = two.against
    for text in FAULTS[fault]:
        assert text in said, said
    assert said in two.sentence


def a_last_digit(run):
    run.networks.loc[7, "test_accuracy"] += 1e-15


def an_open_verdict(run):
    run.claims.loc[1, "verdict"] = "inconclusive"


EXACT = {a_last_digit: "1 networks are not equal", an_open_verdict: "1 verdicts are not equal"}


@pytest.mark.parametrize("fault", EXACT, ids=lambda fault: fault.__name__)
def test_on_machines_of_one_kind_the_same_code_gives_equal_bytes(tmp_path, fault):
    run, other = made(), elsewhere(made())
    fault(run)
    two = found(tmp_path, run, made())
    assert two.status == comparison.DIFFER and EXACT[fault] in two.sentence
    # Where the machine, the code or what is recorded of them differs, it is no fault.
    fault(other)
    assert found(tmp_path / "elsewhere", other, made()).status == comparison.AGREE
    for place, path in (("trained", CODE), ("judged", "code/rules.py")):
        run.manifest["artefacts"][path]["sha256"] = "edited"
        edited = found(tmp_path / place, run, made())
        assert (edited.status == comparison.AGREE) == (place == "trained" or fault is an_open_verdict)
        run.manifest["artefacts"][path]["sha256"] = made().manifest["artefacts"][path]["sha256"]
    run.config["studies"] = {"digits-published": STUDY | {"seeds": 5}}
    assert found(tmp_path / "more", run, made()).status == comparison.AGREE


def test_machines_that_recorded_too_little_are_not_held_to_equal_bytes(tmp_path):
    run = made()
    a_last_digit(run)
    run.manifest.pop("trained_on")
    two = found(tmp_path, run, made())
    assert two.status == comparison.AGREE and "not recorded well enough" in line(two, "Machines")


def test_a_small_run_is_compared_where_it_overlaps(tmp_path):
    """One split of ten, and a study with another budget beside it."""
    small, large = made(1, splits=[0]), made()
    for run, budget in ((small, 60), (large, 200)):
        other = run.networks.assign(study="digits-relu", test_accuracy=budget / 200)
        run.networks = at(run.networks, other)
        run.config["studies"] = run.config["studies"] | {"digits-relu": STUDY | {"budget": {"max_evaluations": budget}}}
    small.config["studies"]["digits-published"] = STUDY | {"splits": 1}
    two = found(tmp_path, elsewhere(small), large)
    assert two.status == comparison.AGREE
    assert "32 are in both runs" in line(two, "Networks") and "digits-relu: trained differently" in line(
        two, "Networks"
    )
    # An interval over one split says nothing of ten.
    assert "of 0 that both runs reach" in line(two, "Verdicts")
    assert "of 24 accuracies" in line(two, "Means")
    # A fault in what overlaps is seen in four pairs alone.
    small.networks.loc[small.networks["features"] == "neighbour", "inverted_accuracy"] = 0.0
    assert found(tmp_path / "wrong", small, large).status == comparison.DIFFER


def test_single_splits_that_are_not_the_same_have_nothing_in_common(tmp_path):
    with pytest.raises(ValueError) as refused:
        found(tmp_path, made(splits=[0], seeds=range(20)), without_numbers(made(splits=[1], seeds=range(20))))
    assert "have nothing in common. Networks: 0 are in both runs" in str(refused.value)
    assert "\n" not in str(refused.value)


def without_numbers(run):
    run.numbers = run.numbers.iloc[:0]
    return run


def test_tables_of_release_0_1_are_one_line_each(tmp_path):
    old = made()
    old.claims = old.claims.drop(columns=["setting", "low90"])
    old.manifest["machine"] = {name: MACHINE[name] for name in ("processor", "platform")}
    two = found(tmp_path, made(), old)
    assert two.status == comparison.AGREE
    assert line(two, "Verdicts") == (
        f"Verdicts: not compared, since {tmp_path / 'reference/tables/claims.csv'} has no column setting."
    )
    (tmp_path / "reference/tables/claims.csv").unlink()
    two = comparison.compare(*map(finished.read, (tmp_path / "run", tmp_path / "reference")))
    assert line(two, "Verdicts").endswith("claims.csv is missing.")


@pytest.mark.parametrize(
    ("margin", "options", "status"),
    [
        (1e-3, {"splits": 1}, comparison.AGREE),  # the end of a training, and one of them was shorter
        (1e-3, {"splits": 10}, comparison.DIFFER),
        (1e-9, {"splits": 1}, comparison.DIFFER),  # true of any weights
    ],
)
def test_a_property_up_to_rounding_is_compared_whatever_the_options(tmp_path, margin, options, status):
    small, large = made(), made()
    small.config["theory"] = options
    for run, effect in ((small, 0.2), (large, 0.0)):
        run.claims = pd.concat([run.claims, table(theorem(effect, margin=margin))], ignore_index=True)
    assert found(tmp_path, elsewhere(small), large).status == status


def test_verdicts_that_contradict_by_chance_are_left_to_the_tests(tmp_path):
    """Intervals on both sides of the line, apart: each verdict follows from its own."""
    runs = []
    for effect, verdict in ((0.03, "replicated"), (0.01, "equivalent")):
        run = made(len(runs))
        ends = {"low": effect - 0.008, "high": effect + 0.008, "low90": effect - 0.007, "high90": effect + 0.007}
        run.claims = run.claims.assign(effect=effect, verdict=verdict, **ends)
        runs.append(run)
    two = found(tmp_path, elsewhere(runs[0]), runs[1])
    assert two.status == comparison.AGREE and "2 contradict each other" in line(two, "Verdicts")


@pytest.mark.parametrize("paired", [True, False], ids=["in pairs", "independent"])
def test_honest_runs_agree_at_the_stated_rate(paired):
    """A thousand pairs of runs with thirty cells, a third near the bound 0, where draws are skewed.

    `pytest -s` prints the rates. Intervals miss in about one case of twenty; runs differ in at most one of a hundred.
    """
    random, runs, cells = np.random.default_rng(3), 1000, 30
    splits = np.repeat(np.arange(10), 4)
    mean = np.tile([0.84, 0.5, 0.02], cells // 3)

    def drawn(shared):
        noise = shared[splits] + 0.7 * random.standard_normal((len(splits), runs, cells))
        return np.clip(mean + np.array([0.02, 0.08, 0.015] * (cells // 3)) * noise, 0, 1)

    shared = [0.7 * random.standard_normal((10, runs, cells)) for _ in range(2)]
    ours, theirs = drawn(shared[0]), drawn(shared[0 if paired else 1])
    test = (
        statistics.difference_in_pairs(ours - theirs, splits)
        if paired
        else statistics.difference_of_means(ours, splits, theirs, splits)
    )
    outside = (abs(test.value) > test.half).mean()
    differ = []
    for run in range(runs):
        columns = {"difference": test.value[run], "half": test.half[run], "p": test.p[run]}
        tests = pd.DataFrame(columns | {"what": "", "run": 0.0, "reference": 0.0, "floor": 0.0})
        differ.append(bool(comparison.judged(tests).against))
    print(f"\n{outside:.2%} of the intervals miss, {np.mean(differ):.2%} of the runs differ")
    assert 0.04 < outside < 0.06
    assert np.mean(differ) <= comparison.LEVEL + 3 * np.sqrt(comparison.LEVEL / runs)


def test_the_script_says_so_by_its_exit_status(tmp_path, capsys):
    run, reference = made().write(tmp_path / "run"), made().write(tmp_path / "reference")
    wrong = made()
    shifted_cell(wrong)
    wrong = wrong.write(tmp_path / "wrong")
    assert call("compare_runs", run, reference) == (0, "")
    assert capsys.readouterr().out.startswith(f"{run} and {reference} agree.\nMachines: of one kind")
    assert call("compare_runs", wrong, reference) == (1, "")
    said = capsys.readouterr().out
    assert said.startswith(f"{wrong} and {reference} differ: 40 networks are not equal")
    assert "  digits-published, neighbour on X, biased, 10-5, 1,000 samples: accuracy on X: 0.8" in said
    for folder, words in (("nothing", "is no folder"), ("empty", "config.json is missing")):
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert call("compare_runs", run, tmp_path / folder) == (2, "")
        (refusal,) = capsys.readouterr().out.splitlines()
        assert words in refusal
    # As a step of a run it ends well, whatever it finds.
    assert call("compare_runs", wrong, reference, "--out", tmp_path / "found.json") == (0, "")
    told = json.loads((tmp_path / "found.json").read_text())
    assert told["status"] == 1 and told["sentence"] in said
    assert set(told["largest"][0]) == set(compared.TESTS)


def test_published_numbers_are_named_where_they_are_judged_differently(tmp_path):
    run = made()
    run.numbers.loc[0, "same_seed"] = "within numerical chaos"
    two = found(tmp_path, run, made())
    assert two.status == comparison.AGREE
    assert (
        "of 1 trained again with the author's seeds, 0 are judged alike (table1-a on original: within numerical chaos "
        "against exact); of 2 placed among other networks, 2 are judged alike" in line(two, "Published numbers")
    )


def test_a_file_that_was_cut_off_is_one_line(tmp_path):
    folder = made().write(tmp_path / "run", compressed=True)
    for path, words in (("tables/networks.csv.xz", "networks.csv"), ("manifest.json.xz", "manifest.json.xz: ")):
        (folder / path).write_bytes((folder / path).read_bytes()[:40])
        with pytest.raises(ValueError, match=words) as refused:
            finished.read(folder).table("tables/networks.csv")
        assert "\n" not in str(refused.value)
