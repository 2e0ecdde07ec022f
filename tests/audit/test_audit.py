"""The audit's own arithmetic against the study's, which it must not import; and the audit of a finished run."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.scripts import call
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from symmetry_constrained import audit, paper
from symmetry_constrained.analysis import statistics
from symmetry_constrained.audit import claims as judged
from symmetry_constrained.audit import forward, history, inputs, page, sentences, splits, verdicts
from symmetry_constrained.audit import published as placed
from symmetry_constrained.audit.checks import Check, UnreadableError, guarded, same_table
from symmetry_constrained.audit.results import Results
from symmetry_constrained.data import inputs as library_inputs
from symmetry_constrained.data import protocols as library_protocols
from symmetry_constrained.data.splits import Split
from symmetry_constrained.features import inversion
from symmetry_constrained.networks import costs
from symmetry_constrained.networks.activations import ACTIVATIONS
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import evaluate
from symmetry_constrained.networks.registry import AVERAGING, ensemble_class
from symmetry_constrained.verdicts import contrasts, published, rules
from symmetry_constrained.verdicts.table import claim_row

ROOT = Path(__file__).parents[2]
SEEDS = st.integers(0, 2**32 - 1)


def small(finished: Path) -> Results:
    return Results(finished / "results/small", finished)


# What it recomputes, by a path of its own.


def test_it_imports_nothing_that_trains_judges_or_draws():
    program = (
        "import sys; import symmetry_constrained.audit, symmetry_constrained.audit.page;"
        "mine = {name.removeprefix('symmetry_constrained.') for name in sys.modules if name.startswith('symmetry_')};"
        "print(sorted(name for name in mine if not name.startswith(('audit', 'symmetry_constrained'))));"
        "others = ('torch', 'sklearn', 'scipy.stats', 'scipy.optimize', 'matplotlib', 'snakemake');"
        "print([name for name in others if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "src", capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]


@given(labels=st.lists(st.integers(0, 9), min_size=1, max_size=200), seed=SEEDS)
def test_the_nested_order(labels, seed):
    labels = np.array(labels, dtype=np.uint8)
    np.testing.assert_array_equal(splits.ranks(labels, seed), library_protocols.nested_order(labels, seed))


@given(count=st.integers(5, 400), seed=SEEDS)
def test_the_split_is_scikit_learns(count, seed):
    expected = train_test_split(np.arange(count), test_size=0.2, random_state=seed)
    for mine, theirs in zip(splits.eighty_twenty(count, seed), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("protocol", ["published", "clean"])
@pytest.mark.parametrize("nudged", [True, False])
@pytest.mark.parametrize("training", [0, 50])
def test_a_split_from_its_seed(nudged, training, protocol):
    random = np.random.default_rng(3)
    images = random.integers(0, 17, (80, 8, 8)).astype(np.uint8)
    labels = random.integers(0, 10, len(images)).astype(np.uint8)
    shifts = paper.SHIFTS if nudged else paper.SHIFTS[:1]
    split = library_protocols.split_images(images, labels, protocol, 5, shifts, training)
    drawn = splits.draw(labels, nudged, training, protocol, 5)
    pd.testing.assert_frame_equal(drawn, split.rows, check_dtype=False)
    for fraction in (0.1, 0.37, 1.0):
        train = split.rows[split.rows["set"] == "train"]
        kept = train[splits.kept(train["rank"].to_numpy(), fraction)]
        assert kept.index.equals(split.select("train", fraction).index)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28)])
@pytest.mark.parametrize("name", list(inversion.FEATURES))
def test_feature_maps(name, shape):
    if name == "quadratic" and shape == (28, 28):
        pytest.skip("too many features to be studied")
    x = np.random.default_rng(1).uniform(-1, 1, (30, shape[0] * shape[1])).astype(np.float32)
    np.testing.assert_array_equal(inputs.features(name, x, shape), inversion.compute(name, x, shape))


def test_images_shifted_and_scaled():
    random = np.random.default_rng(2)
    images = random.integers(0, 17, (40, 8, 8)).astype(np.uint8)
    split = library_protocols.split_images(images, random.integers(0, 10, 40).astype(np.uint8), "clean", 1)
    scaling = pd.DataFrame({"minimum": split.minimum, "maximum": split.maximum})
    np.testing.assert_array_equal(inputs.scaled(images, split.rows, scaling), split.images(images, split.rows))


@pytest.mark.parametrize("kind", library_inputs.TRAINING_SETS)
@pytest.mark.parametrize("fraction", [0.2, 1.0])
def test_signs_of_the_training_images(kind, fraction):
    random = np.random.default_rng(2)
    images = random.integers(0, 17, (40, 8, 8)).astype(np.uint8)
    split = library_protocols.split_images(images, random.integers(0, 10, 40).astype(np.uint8), "clean", 1)
    rows = split.select("train", fraction)
    x = split.images(images, rows)
    shown, _ = library_inputs.training_set(x, rows["label"].to_numpy(), kind, 7, rows.index.to_numpy())
    np.testing.assert_array_equal(np.concatenate([x * factor for factor in inputs.signs(kind, rows, 7)]), shown)


def test_the_audit_knows_every_activation_and_all_that_is_averaged():
    assert set(forward.ACTIVATIONS) == set(ACTIVATIONS) and set(forward.AVERAGING) == set(AVERAGING)
    with pytest.raises(ValueError, match="'sine' is unknown to the audit"):
        forward.logits([np.zeros((1, 2, 3)), np.zeros((1, 2, 3))], np.zeros((4, 2)), "sine")
    with pytest.raises(ValueError, match="'inputs' is unknown to the audit"):
        forward.logits([np.zeros((1, 2, 3)), np.zeros((1, 2, 3))], np.zeros((4, 2)), averaging="inputs")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(10, 5), (6,), (7, 6, 5)])
@pytest.mark.parametrize("averaging", AVERAGING)
def test_the_forward_pass_and_what_is_read_off_it(hidden, activation, averaging):
    random = np.random.default_rng(4)
    architecture = Architecture(12, hidden)
    rows = np.stack([architecture.initial(seed, seed % 2 == 0) for seed in range(5)]) * 3
    x, labels = random.uniform(-1, 1, (50, 12)), random.integers(0, 10, 50)
    ensemble = ensemble_class(averaging)(
        architecture, np.arange(5) % 2 == 0, dtype=torch.float64, activation=activation
    )
    judged = evaluate(ensemble, torch.tensor(rows), ensemble.samples(x, labels))
    said = forward.logits(forward.layers(rows, forward.sizes(12, list(hidden))), x, activation, averaging)
    np.testing.assert_array_equal(said.argmax(-1), judged.classes)
    tally = forward.Tally(5)
    tally.add(said[:, :20], labels[:20], 1e-9)
    tally.add(said[:, 20:], labels[20:], 1e-9)
    np.testing.assert_allclose(tally.loss / tally.images, judged.loss, rtol=1e-12)
    # A bias-free relu network may give an image no logit but 0, and an odd network that is averaged gives no other:
    # whether that is correct is a matter of rounding.
    clear = (np.ptp(said, axis=-1) > 0).all(1)
    assert clear.sum() >= 3 and (clear.all() or activation == "relu" or averaging != "none")
    np.testing.assert_array_equal(tally.correct[:, clear] / 50, [judged.accuracy[clear]] * 2)
    assert (tally.correct[0] / 50 <= judged.accuracy).all() and (judged.accuracy <= tally.correct[1] / 50).all()
    np.testing.assert_array_equal(tally.clipped, [judged.clipped] * 2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [("c4", "c8"), ("c3",), ("c2", "c3", 6)])
def test_the_forward_pass_of_convolutional_networks(hidden, activation):
    random = np.random.default_rng(4)
    architecture, biased = Architecture(64, hidden), np.arange(4) % 2 == 0
    rows = np.stack([architecture.initial(seed, seed % 2 == 0) for seed in range(4)]) * 2
    x, labels = random.uniform(-1, 1, (50, 64)), random.integers(0, 10, 50)
    ensemble = ensemble_class("none", True)(architecture, biased, dtype=torch.float64, activation=activation)
    assert forward.convolutions(hidden) == len(architecture.filters)
    matrices = forward.layers(rows, forward.sizes(64, hidden))
    said = forward.logits(matrices, x, activation, convolved=forward.convolutions(hidden))
    for lanes, place, logits in ensemble.logits(torch.tensor(rows), ensemble.samples(x, labels)):
        np.testing.assert_allclose(said[lanes, place], logits.mT, rtol=1e-12, atol=1e-12)


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="expected rows of 765"):
        forward.layers(np.zeros((2, 824)), forward.sizes(64, [10, 5]))


def test_a_stored_class_may_differ_by_rounding_alone():
    logits = np.array([[[1.0, 1.00005, 0.0], [1.0, 1.1, 0.0], [0.0, 1.0, 2.0]]])
    wrong, rounded = forward.departures(logits, np.array([[0, 0, 7]]), 1e-4)
    assert wrong.tolist() == [[False, True, True]]
    assert rounded == 1
    wrong, rounded = forward.departures(logits, np.array([[2, 2, 1]]), 1e-4, sign=-1)
    assert wrong.tolist() == [[False, False, True]]
    assert rounded == 0


def test_nan_logits_are_no_prediction():
    wrong, _ = forward.departures(np.full((1, 1, 3), np.nan), np.array([[0]]), 1e-4)
    assert wrong.all()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(0, 1000))
def test_the_place_of_a_published_number(draws, value):
    draws, value = np.array(draws) / 1000 + 1e-5, value / 1000
    found, expected = placed.place(value, draws, 3), statistics.place(value, draws, 3)
    for name in ("median", "low", "high", "n", "percentile", "p"):
        np.testing.assert_allclose(found[name], getattr(expected, name), rtol=1e-12, err_msg=name)
    assert placed.typicality(found) == statistics.typicality(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm(p):
    np.testing.assert_allclose(placed.holm(np.array(p)), statistics.holm(np.array(p)), rtol=1e-12)


@given(
    st.lists(st.integers(835, 845), min_size=1, max_size=4),
    st.lists(st.integers(835, 845), max_size=4),
    st.booleans(),
)
def test_what_the_same_seed_gives(again, chaos, enough):
    rows = pd.DataFrame({"solver": "ours", "budget": "evaluations", "original": np.array(again) / 1000})
    rows.loc[0, "solver"] = "scikit-learn"
    count = 200 if enough else 1
    perturbed = pd.DataFrame({"original": np.repeat(np.array(chaos, dtype=float) / 1000, count)})
    number = pd.Series({"published": 0.84, "decimals": 3, "test_set": "original"})
    expected = published.same_seed(number, rows, perturbed, placed.NEEDED)
    assert placed.same_seed(number, rows, perturbed, "original") == expected


@given(st.lists(st.integers(0, 4), min_size=1, max_size=45), SEEDS)
def test_a_contrasts_intervals(groups, seed):
    index = pd.MultiIndex.from_arrays([np.sort(groups), range(len(groups))], names=["split", "seed"])
    differences = pd.Series(np.random.default_rng(seed).normal(0.1, 0.1, len(groups)), index=index)
    found, expected = (room.of_pairs(differences, (-1.0, 1.0)) for room in (judged, contrasts))
    for name in ("effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high", "n"):
        np.testing.assert_allclose(
            found.get(name, np.nan), getattr(expected, name), rtol=1e-9, atol=1e-12, err_msg=name
        )


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), SEEDS, st.booleans(), st.booleans())
def test_a_ratio_of_costs(groups, seed, left_fails, right_fails):
    index = pd.MultiIndex.from_arrays([np.sort(groups), range(len(groups))], names=["split", "seed"])
    random = np.random.default_rng(seed)
    sides = [pd.Series(random.uniform(10, 100, len(groups)), index=index) for _ in range(2)]
    for side, fails in zip(sides, (left_fails, right_fails), strict=True):
        side[random.random(len(groups)) < (0.7 if fails else 0.1)] = np.inf
    prices, ends = ((5.0, 2.0), (0.0, 3.0)), (120.0, 200.0)
    expected = contrasts.of_ratio(*sides, prices, ends)
    with np.errstate(all="ignore"):
        found = judged.of_ratio(*zip(sides, prices, ends, strict=True))
    for name in ("effect", "low", "high", "n"):
        np.testing.assert_allclose(found.get(name, np.nan), getattr(expected, name), rtol=1e-9, err_msg=name)


@given(
    kind=st.sampled_from(["published contrast", "new test"]),
    direction=st.sampled_from(["above", "at least", "at most"]),
    ends=st.tuples(*[st.sampled_from([-0.3, -0.03, -0.01, 0.01, 0.03, 0.3, 1.2, 3.0])] * 3).map(sorted),
    narrow=st.sampled_from([0.5, 1.0]),
    published_=st.sampled_from([np.nan, -0.2, 0.02, 0.5, 2.0]),
    of=st.sampled_from(["networks", "cost", "images", "theory/minima"]),
    known=st.booleans(),
    unknown=st.sampled_from([0.0, np.inf, np.nan]),
    by_construction=st.booleans(),
    n=st.sampled_from([0, 1, 9, 10, 19, 20]),
)
def test_the_rules_of_the_verdicts(kind, direction, ends, narrow, published_, of, known, unknown, by_construction, n):
    low, effect, high = ends
    ends90 = effect + narrow * (low - effect), effect + narrow * (high - effect)
    effect = effect if known else unknown
    found = contrasts.Contrast(effect, low, high, *ends90, low - 0.1, high + 0.1, n=n)
    # A published contrast is of networks.
    assume(of == "networks" or kind == "new test")
    margin, unit = (1.1, "ratio") if of in ("cost", "images") else (0.02, "accuracy")
    rule = rules.Rule("C1", "", "", "", kind, of, direction, margin, unit=unit, by_construction=by_construction)
    row = pd.Series(claim_row(rule, found, "", "clean", "digits", published_))
    assert row["verdict"] == verdicts.verdict(row, of, by_construction)
    np.testing.assert_allclose(sentences.needed(row), row["needed"], atol=1)


@pytest.mark.parametrize(
    "name, averaging, hidden",
    [(name, averaging, [10, 5]) for name in ("identity", "quadratic") for averaging in AVERAGING]
    + [("neighbour", "none", hidden) for hidden in (["c4", "c8"], ["c3", 7])],
)
def test_arithmetic_of_an_evaluation(name, averaging, hidden):
    architecture = Architecture(inversion.feature_count(name, 64), tuple(hidden))
    expected = [costs.flop_per_evaluation(architecture, biased, 300, averaging) for biased in (True, False)]
    spec = {"features": name, "hidden_layers": hidden, "averaging": averaging}
    found = history.flop_per_evaluation(64, spec, np.array([True, False]), np.array([300, 300]))
    assert found.tolist() == expected


# Tables, cell by cell.


TABLE = pd.DataFrame({"name": ["a", "b", None], "value": [1.0, np.nan, 3.0], "count": [1, 2, 3]})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t, "3 rows, equal"),
        (lambda t: t.assign(value=[1.0, np.nan, 3.0000001]), "line 4: value is 3.0000001, recomputed: 3.0; 1 cells"),
        (lambda t: t.assign(value=[1.0, 2.0, 3.0]), "line 3: value is 2.0, recomputed: nan"),
        (lambda t: t.assign(value=["1.0", "x", "3.0"]), "line 3: value is x"),
        (lambda t: t.assign(name=["a", "c", None]), "line 3: name is c, recomputed: b"),
        (lambda t: t.assign(name=["a", "b", "c"]), "line 4: name is c"),
        (lambda t: t.iloc[:2], "2 rows instead of 3"),
        (lambda t: t.iloc[::-1].reset_index(drop=True), "line 2: name"),
        (lambda t: t.drop(columns="count"), "columns name, value instead of name, value, count"),
    ],
)
def test_tables_are_compared_cell_by_cell(change, told):
    check = same_table("kind", "file", TABLE, change(TABLE))
    assert told in check.found
    assert check.ok == (told == "3 rows, equal")


def test_rows_may_be_paired_by_keys():
    other = TABLE.iloc[[2, 0, 1]].reset_index(drop=True)
    assert same_table("kind", "file", TABLE, other, keys=["count"]).ok
    other.loc[0, "count"] = 7
    assert not same_table("kind", "file", TABLE, other, keys=["count"]).ok


def test_what_stops_a_check_is_a_finding_that_names_the_file():
    def stopped(error):
        yield Check("kind", "a", "x", "x", True)
        raise error

    named = list(guarded("kind", "file", stopped(UnreadableError("other", "cut\noff"))))
    assert [(check.where, check.found, check.ok) for check in named] == [("a", "x", True), ("other", "cut off", False)]
    unnamed = list(guarded("kind", "file", stopped(KeyError("rank"))))
    assert (unnamed[1].where, unnamed[1].found, unnamed[1].ok) == ("file", "KeyError: 'rank'", False)


# A finished run.


def test_a_finished_run_holds(finished):
    results = small(finished)
    checks = audit.run(results)
    assert [check for check in checks if not check.ok] == []
    # Every link found something to check, and every kind of artefact that can be recomputed was read.
    counts = page.counts(checks)
    assert len(counts) >= 32
    assert counts["bytes as recorded"][1] == len(results.recorded) > 250
    unread = set(results.recorded) - results.read
    kinds = {path.split("/")[0] for path in unread}
    # Experiments on theory are looked at as far as claims are judged by them, their figures as pictures.
    assert kinds <= {"logs", "benchmarks", "code", "notebooks", "theory", "figures"}, sorted(unread)
    assert not [path for path in unread if path.startswith("figures/") and not path.endswith(".csv")]


def test_in_several_processes_it_finds_and_reads_the_same(finished):
    alone, shared = small(finished), small(finished)
    assert audit.run(shared, in_processes=2) == audit.run(alone)
    assert shared.read == alone.read


def test_the_script_says_so_and_writes_both_files(finished, tmp_path, capsys):
    assert call("audit", finished / "results/small", "--out", tmp_path) == (0, "")
    out = capsys.readouterr().out
    assert out.splitlines()[-1].endswith("checks passed, 0 failed")
    assert "predictions from the weights" in out
    told = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert told["failed"] == 0
    assert told["passed"] == len(told["checks"]) > 1000
    assert {tuple(check) for check in told["checks"]} == {("what", "where", "expected", "found", "ok")}
    text = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert f"All {told['passed']:,} checks" in text
    for outside in ("<script", "<link", "src=", "http"):
        assert outside not in text


def test_the_runs_own_audit_lies_in_its_folder_and_in_the_report(finished):
    told = json.loads((finished / "results/small/audit/audit.json").read_text(encoding="utf-8"))
    assert told["failed"] == 0
    assert "audit/audit.html" in (finished / "results/small/report.html").read_text(encoding="utf-8")


def test_by_hand_in_another_folder_with_nothing_else(finished, tmp_path):
    command = [sys.executable, str(ROOT / "scripts/audit.py"), str(finished / "results/small"), "--out", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 failed" in run.stdout


def test_a_folder_that_is_no_run_fails_without_a_traceback(tmp_path, capsys):
    assert call("audit", tmp_path / "nowhere") == (1, f"audit.py: {tmp_path / 'nowhere'} is no folder")
    assert call("audit", tmp_path) == (1, "")
    out = capsys.readouterr().out
    assert "FAILED manifest.json: the record itself: expected a file that can be read; found missing" in out
    assert call("audit", tmp_path, "--in-run") == (0, "")


def test_each_failure_is_told_with_its_file_and_reason():
    checks = [Check("kind", "a.csv", "1", "1", True), Check("other <kind>", "b.csv", "1", "2", False)]
    assert list(page.lines(checks)) == [
        "kind               1 of 1",
        "other <kind>       0 of 1  <-",
        "FAILED b.csv: other <kind>: expected 1; found 2",
        "1 checks passed, 1 failed",
    ]
    text = page.page(checks, ["c.log"])
    assert "1 of 2 checks fail" in text
    assert "<code>b.csv</code>" in text
    assert "other &lt;kind&gt;" in text
    assert "1 files are known by their hashes alone" in text and "c.log" not in text
    assert page.summary(checks, ["c.log"])["failed"] == 1


@pytest.mark.parametrize("ok", [True, False])
def test_the_page_stays_small_enough_for_a_browser_to_open_it_out_of_the_report(ok):
    checks = [Check(f"kind {number % 60}", f"batches/{number}.csv", "1", "2", ok) for number in range(100_000)]
    text = page.page(checks, [f"logs/{number}.log" for number in range(20_000)])
    assert len(base64.b64encode(text.encode())) < 200_000
    assert ("100,000 checks" in text) and ("99,800 more are in audit.json" in text) is not ok


def test_a_split_that_is_no_longer_stratified_is_found(finished, tmp_path):
    """By the rule on fractions itself, not only by drawing the split again."""
    split = Split.read(finished / "results/small/splits/digits/clean/split-0")
    train = split.rows["set"] == "train"
    # By label instead of in turns, each image's copies still together.
    order = split.rows[train].drop_duplicates("image").sort_values("label")["image"]
    split.rows.loc[train, "rank"] = split.rows.loc[train, "image"].map(dict(zip(order, range(len(order)), strict=True)))
    folder = tmp_path / "splits/digits/clean/split-0"
    split.write(folder)
    checks = list(splits.check_nested(Results(tmp_path), "splits/digits/clean/split-0", [0.1, 1.0]))
    assert [check.found[:12] for check in checks if not check.ok] == ["fraction 0.1"]
