"""The reference run: what is kept, refused and told; and that the one committed is whole, told truly, and made again.

Made-up runs show the first; the last are skipped until there is a reference.
"""

import hashlib
import io
import json
import lzma
import re
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.claim_rows import places, row
from helpers.claim_rows import table as claim_rows
from helpers.scripts import call
from helpers.synthetic import at, networks
from snakemake.utils import update_config

from symmetry_constrained import artifacts
from symmetry_constrained import audit as audits
from symmetry_constrained.audit.files import LISTED
from symmetry_constrained.audit.results import Results
from symmetry_constrained.data import protocols, reading
from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import manifest, reference, reference_text
from symmetry_constrained.training import batch as training
from symmetry_constrained.training.spec import Spec
from symmetry_constrained.verdicts import claims
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results/reference"
committed = pytest.mark.skipif(not (REFERENCE / reference.RUN).exists(), reason="there is no results/reference/ yet")
STATED = claims.read(ROOT / "workflow/resources/claims.yaml")[0]
TITLE = "digits: a < b & c"
SVG = "<svg><dc:title>digits: a &lt; b\n&amp; c</dc:title></svg>"
TEXT = """# Title
<!-- reference: figure -->
old
<!-- end -->
between
<!-- reference: made --><!-- end -->
<!-- reference: made -->
<!-- end -->
"""


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """A finished run's folder in a project, the current folder."""
    monkeypatch.chdir(tmp_path)
    # No environment of its own, whose gigabytes would be counted.
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    results = Path("results")
    rows = [claim_row(claim.id, claim.title) for claim in STATED]
    number = {"dataset": "digits", "same_seed": "exact", "typicality": "typical", "n": 40}
    files = {
        "config.json": "{}",
        "verdicts.md": "verdicts é",
        "tables/networks.csv": networks().to_csv(index=False),
        "tables/history.csv": "number\n" + "".join(f"{row}\n" for row in range(180_000)),
        "tables/claims.csv": pd.DataFrame(rows).to_csv(index=False),
        "tables/published_numbers.csv": pd.DataFrame([number] * 3).to_csv(index=False),
        "tables/published_numbers.html": "left out",
        "tables/table1.md": "| a |",
        "theory/orbits.csv": "a\n1\n",
        "theory/invariants/split-0/signs.csv": "left out",
        "figures/sides-digits.svg": SVG,
        "figures/sides-digits.png": "picture",
        "figures/settings.svg": SVG,
        "figures/settings.png": "map",
        "figures/bound.png": "left out",
        "figures/budget.svg": SVG,
        "figures/images-needed.svg": SVG,
        "batches/one/provenance.json": json.dumps({"commit": "abc"}),
        "logs/one.log": "",
        "benchmarks/one.tsv": "s\tmax_rss\n2.5\t100.0\n",
    }
    for path, content in files.items():
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        (results / path).write_text(content, encoding="utf-8")
    Path("Snakefile").write_text("")
    outputs = [f"results/{path}" for path in files if not path.startswith(("logs", "benchmarks"))]
    lines = ["output_file\trule\tlog-file(s)\tinput-file(s)"]
    lines += [f"{path}\tone\tresults/logs/one.log\tSnakefile" for path in outputs]
    entries = manifest.collect(results, manifest.read_listing("\n".join(lines)), ["Snakefile"], Path())
    machine = {"processor": "a processor", "cores": 4, "memory": 8e9, "gpus": []}
    about = {"results": "results", "written": "2026-01-02T04:00:00+00:00", "commit": "abc", "software": {"python": "3"}}
    unrecorded = ["audit/audit.json", "code/.snakemake_timestamp"]
    manifest.write(results, about | {"machine": machine | {"platform": "Linux"}}, entries, unrecorded)
    audited([True, True])
    record(outputs)
    Path("README.md").write_text(TEXT)
    return results


def claim_row(id_: str, title: str) -> dict:
    return dict.fromkeys(CLAIM_COLUMNS) | {
        "id": id_,
        "title": title,
        "contrast": "one − other",
        "dataset": "digits",
        "protocol": "published",
        "direction": "positive",
        "kind": "published contrast",
        "unit": "accuracy",
        "effect": -0.1 if id_ == "C6" else 0.5,
        "low": 0.4,
        "high": 0.6,
        "n": 7,
        "headline": True,
        "distinct": "one − other",
        "verdict": "reversed" if id_ == "C6" else "replicated",
    }


def audited(held: list[bool]) -> None:
    checks = [{"what": "sums", "where": "x", "expected": "1", "found": "1", "ok": ok} for ok in held]
    artifacts.write_json(
        {"passed": sum(held), "failed": held.count(False), "bytes_only": [], "checks": checks},
        Path("results/audit/audit.json"),
    )


def record(outputs: list[str], name: str = "2026-01-02", **changes) -> None:
    """A record of a run that made the outputs in 65.26 seconds."""
    times = {"began": "2026-01-02T03:04:05+00:00", "ended": "2026-01-02T03:05:10.260000+00:00"}
    about = times | {"command": "snakemake --cores all --config device=cpu", "cores": 8, "made": outputs}
    artifacts.write_json(about | changes, Path(f".snakemake/runs/{name}.json"))


def write(*arguments: str) -> tuple[int, str]:
    return call("write_reference", "results", "--documents", "README.md", *arguments)


def kept() -> dict[str, bytes]:
    out = Path("results/reference")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def open_kept(folder: Path, path: str) -> bytes:
    """The bytes of a file as the run left it, compressed here or not."""
    packed = folder / f"{path}.xz"
    return lzma.decompress(packed.read_bytes()) if packed.exists() else (folder / path).read_bytes()


# What is kept.


def test_a_folder_of_other_things_is_not_made_anew(run):
    status, line = write("--out", "results")
    assert status == 1
    assert "results: holds something other than a reference" in line and (run / "verdicts.md").exists()


def test_files_are_kept_byte_for_byte_and_large_ones_compressed(run):
    assert write() == (0, "")
    files = kept()
    assert set(files) == {
        *("config.json", "verdicts.md", "manifest.json", "run.json", "audit.json", "benchmarks/jobs.csv"),
        *("tables/networks.csv", "tables/history.csv.xz", "tables/claims.csv", "tables/published_numbers.csv"),
        *("tables/table1.md", "theory/orbits.csv", "figures/sides-digits.svg", "figures/sides-digits.png"),
        *("figures/settings.svg", "figures/settings.png", "figures/budget.svg"),
        "figures/images-needed.svg",
    }
    for path in set(files) - {"run.json", "audit.json", "benchmarks/jobs.csv"}:
        plain = path.removesuffix(".xz")
        assert open_kept(Path("results/reference"), plain) == (run / plain).read_bytes()
    assert sorted(json.loads(files["run.json"])["kept"]) == sorted(set(files) - {"run.json"})
    assert json.loads(files["audit.json"]) == {
        "passed": 2,
        "failed": 0,
        "kinds": [{"what": "sums", "held": 2, "of": 2}],
    }
    assert files["benchmarks/jobs.csv"] == b"rule,jobs,seconds,longest,peak_mb\none,1,2.5,2.5,100.0\n"


def test_a_second_time_gives_equal_bytes_and_leaves_nothing_of_before(run):
    write()
    before, text = kept(), Path("README.md").read_text()
    Path("results/reference/stray").write_text("")
    write()
    assert kept() == before
    assert Path("README.md").read_text() == text


def test_benchmarks_made_on_demand_are_kept(run):
    (run / "benchmarks/throughput.csv").write_text("a\n")
    (run / "figures/roofline.svg").write_text("b")
    write()
    assert {"benchmarks/throughput.csv", "figures/roofline.svg"} <= set(kept())


def test_the_audit_of_a_run_passes_over_its_reference(run):
    write()
    checks = [check for check in audits.run(Results(run), ["files"]) if check.what == LISTED]
    assert [(check.ok, check.found) for check in checks] == [
        (True, "none other; not audited, runs of their own: reference")
    ]


def fails(run):
    audited([True, False])


def lost(run):
    (run / "tables/claims.csv").unlink()


def edited(run):
    (run / "verdicts.md").write_text("verdicts e")


def unrecorded(run):
    (run / "manifest.json").unlink()


def unaudited(run):
    (run / "audit/audit.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (fails, "results: 1 checks of its audit fail; run python scripts/audit.py results"),
        (lost, "results/tables/claims.csv: is not what manifest.json says; run the study again"),
        (edited, "results/verdicts.md: is not what manifest.json says; run the study again"),
        (unrecorded, "results/manifest.json: is missing; the reference is made from a finished run"),
        (unaudited, "results/audit/audit.json: is missing; the reference is made from a finished run"),
    ],
)
def test_no_reference_of_a_run_that_does_not_hold(run, spoil, told):
    spoil(run)
    assert write() == (1, f"write_reference.py: {told}")
    assert not Path("results/reference").exists()
    assert Path("README.md").read_text() == TEXT


def test_no_more_than_the_limit(run, monkeypatch):
    monkeypatch.setattr(reference, "LIMIT", 2**20)
    monkeypatch.setattr(reference, "LARGE", 2**21)
    assert write() == (1, "write_reference.py: results/reference: 1.1 MB, more than 1")
    assert not Path("results/reference").exists()


# What is known of the run.


def test_the_command_the_times_and_the_machine(run):
    write("--seconds", "test=900")
    about = json.loads(kept()["run.json"])
    assert about["command"] == "snakemake --cores all --config device=cpu"
    assert (about["cores"], about["networks"], about["jobs"], about["commits"]) == (8, 6, 1, ["abc"])
    assert about["seconds"]["run"]["seconds"] == 65.3
    assert about["seconds"]["test"] == {"seconds": 900.0, "measured": "by hand"}
    assert about["machine"]["processor"] == "a processor"
    assert "quick" not in about["seconds"] and about["quick_bytes"] is None


def test_a_record_counts_only_if_its_one_run_made_everything(run):
    outputs = [f"results/{path}" for path in json.loads((run / "manifest.json").read_text())["artefacts"]]
    record(outputs[:-3], name="2026-01-03")
    record(outputs, name="2026-01-04", ended=None)
    write()
    assert json.loads(kept()["run.json"])["seconds"]["run"]["seconds"] == 65.3
    record([])
    status, words = write()
    assert status == 1
    assert words == (
        "write_reference.py: .snakemake/runs: no record of one run that made all of results, so how long it took is "
        "not known; say so with --seconds run=N"
    )
    assert write("--seconds", "run=70")[0] == 0
    assert json.loads(kept()["run.json"])["seconds"]["run"] == {"seconds": 70.0, "measured": "by hand"}


def test_two_runs_that_shared_the_work_are_not_timed_as_one(run):
    outputs = [f"results/{path}" for path in json.loads((run / "manifest.json").read_text())["artefacts"]]
    record(outputs[:5])
    record(outputs[5:], name="2026-01-03")
    assert write()[0] == 1


def test_more_than_one_commit_and_changes_are_told(run):
    (run / "batches/one/provenance.json").write_text(json.dumps({"commit": "0123456789abcdef+changes"}))
    entry = json.loads((run / "manifest.json").read_text())
    assert entry["commit"] == "abc"
    # Of another run, in a folder within.
    (run / "quick/batches").mkdir(parents=True)
    (run / "quick/batches/provenance.json").write_text(json.dumps({"commit": "other"}))
    write()
    assert "at commit `0123456789ab` with uncommitted changes and `abc` on 8 cores" in Path("README.md").read_text()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ("tests=3", "seconds: 'tests' is unknown; choose one of run, quick, paper, beyond, test, set-up"),
        ("test", "--seconds: 'test' must be NAME=SECONDS"),
    ],
)
def test_seconds_that_can_not_be_used(run, seconds, told):
    assert write("--seconds", seconds) == (1, f"write_reference.py: {told}")


# What the documents say.


def test_blocks_are_put_between_their_marks_and_nowhere_else(run):
    write()
    text = Path("README.md").read_text()
    assert text.startswith(
        '# Title\n<!-- reference: figure -->\n\n[<img src="results/reference/figures/sides-digits.png" width="560" '
        'alt="digits: a &lt; b &amp; c">](results/reference/figures/sides-digits.svg)\n'
    )
    # A mark that is not on a line of its own is none.
    assert "between\n<!-- reference: made --><!-- end -->\n" in text
    assert (
        text.count(": `snakemake --cores all --config device=cpu` at commit `abc` on 8 cores (a processor, 8.0 GB of ")
        == 1
    )
    assert "The numbers are of one run of N = 6 networks, kept in [results/reference/](results/reference): " in text
    assert "in 1 min 5 s, 2026-01-02. An audit that shares no code with it recomputed it: all 2 checks passed." in text


def test_every_block_says_what_the_tables_say(run):
    write("--seconds", "set-up=120")
    blocks = reference_text.blocks(Path("results/reference"), STATED)
    assert blocks["verdicts"].count("\n| C") == len(STATED) == 17
    assert "16 of 17 claims hold by their headline contrast. Of 0 further rows" in blocks["verdicts"]
    assert blocks["findings"].splitlines() == [
        "- **Published numbers.** Of the 3 on digits, trained again with the author's seeds, 3 match to three "
        "decimals; 3 of 3 are typical of 40 networks of ours.",
        f"- **Training longer.** {TITLE}.",
    ]
    assert blocks["figures"] == f"- **[Data](results/reference/figures/images-needed.svg):** {TITLE}.\n"
    assert 'settings.png" width="860" alt="Each claim in each setting' in blocks["settings-map"]
    assert re.findall(r"^(\d+)\. ", blocks["scope"], re.M) == [str(number) for number in range(1, 18)]
    table = [" ".join(line.split()) for line in blocks["commands"].splitlines()]
    assert "time on 8 cores" in table[0]
    assert [" not timed " in row for row in table[2:7]] == [True, True, False, True, True]
    assert "| 1 min 5 s |" in table[4]
    assert "(network needed, 2 min" in blocks["commands"]


def test_settings_are_told_of_where_the_run_has_them(run):
    write()
    folder = Path("results/reference")
    names = ("sentence", "where", "settings-map")
    blocks = reference_text.blocks(folder, STATED)
    assert blocks["sentence"] == blocks["where"] == reference_text.NO_SETTINGS
    rows = [row(setting=place["setting"], headline=True) for _, place in places().iterrows()]
    claim_rows(*rows).to_csv(folder / "tables/claims.csv", index=False)
    places().to_csv(folder / "tables/settings.csv", index=False)
    (folder / "figures/settings.png").unlink()
    sentence, where, picture = (reference_text.blocks(folder, STATED[:2])[name] for name in names)
    assert sentence == "**Of the 1 claims that were judged in 4 settings, 1 holds throughout.**\n"
    assert where.startswith("- **C2. A measurement: holds throughout.** It holds in paper, no-leak, talk and mnist")
    assert "- **Holds throughout,**" in reference_text.blocks(folder, STATED[:2])["findings"]
    assert picture == reference_text.NO_SETTINGS


def test_where_the_time_went_is_kept_if_the_run_is_on_record(run):
    write()
    assert "there is no record" in reference_text.blocks(Path("results/reference"), STATED)["account"]
    job = {"rule": "amplify_bias", "log": ["results/logs/one.log"], "starttime": 0.0, "endtime": 130.52}
    artifacts.write_json(job, Path(".snakemake/metadata/one"))
    write()
    # Of 8 cores for 65.26 seconds.
    assert kept()["benchmarks/account.csv"].decode().splitlines()[1:] == [
        "idle cores,0,391.6,0.75",
        "experiments on theory,1,130.5,0.25",
    ]
    assert "benchmarks/account.csv" in json.loads(kept()["run.json"])["kept"]
    block = reference_text.blocks(Path("results/reference"), STATED)["account"]
    assert "| 75.0%   |" in block and "Neither training, theory nor reruns: 0% of what jobs took." in block


@pytest.mark.parametrize("text", ["no mark", "<!-- reference: else -->\n<!-- end -->"])
def test_a_document_without_a_known_mark(text):
    with pytest.raises(ValueError, match=r"there is no mark|no block 'else' is known"):
        reference_text.fill(text, {"made": "x"})


def test_filling_twice_is_filling_once():
    blocks = {"figure": "a\n\nb", "made": "c"}
    once = reference_text.fill(TEXT, blocks)
    assert reference_text.fill(once, blocks) == once != TEXT


# The reference that is committed.


@committed
def test_the_reference_is_whole():
    about = json.loads((REFERENCE / reference.RUN).read_text())
    files = {path.relative_to(REFERENCE).as_posix(): path for path in REFERENCE.rglob("*") if path.is_file()}
    for card in REFERENCE.glob(reference.CARDS):  # of no run
        assert json.loads(files.pop(card.relative_to(REFERENCE).as_posix()).read_text())["card"]["name"]
    assert set(files) == {*about["kept"], reference.RUN}
    assert sum(path.stat().st_size for path in files.values()) <= 10 * 2**20
    record = json.loads(open_kept(REFERENCE, "manifest.json"))
    assert manifest.digest({key: value for key, value in record.items() if key != "digest"}) == record["digest"]
    compared = 0
    for path, file in files.items():
        content = lzma.decompress(file.read_bytes()) if file.suffix == ".xz" else file.read_bytes()
        entry = record["artefacts"].get(path.removesuffix(".xz"))
        if entry is not None:
            assert hashlib.sha256(content).hexdigest() == entry["sha256"], path
            compared += 1
    assert compared > 40
    assert json.loads((REFERENCE / reference.AUDIT).read_text())["failed"] == 0


@committed
def test_the_reference_is_of_commits_that_hold_all_changes():
    commits = json.loads((REFERENCE / reference.RUN).read_text())["commits"]
    # What judges and draws may be made again by a later commit than what trained.
    assert 1 <= len(commits) <= 2
    for commit in commits:
        assert re.fullmatch("[0-9a-f]{40}", commit), f"{commit}: made with changes that no commit holds"


@committed
@pytest.mark.parametrize("name", reference_text.DOCUMENTS)
def test_the_documents_say_what_the_reference_says(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text == reference_text.fill(text, reference_text.blocks(REFERENCE, STATED))


# Made again. Of the quick study, the batches that train the paper's cells are the reference's own but for fewer
# splits and seeds.


@cache
def quick() -> dict[tuple, dict]:
    """The quick study's batches that overlap with the reference."""
    config = {}
    for name in ("config", "quick"):
        update_config(config, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
    batches = settings.batches(settings.check(config, ROOT / "workflow/schemas/config.schema.yaml"))
    return {key: spec for key, spec in batches.items() if spec["study"] == "digits-published"}


@committed
def test_data_and_splits_are_the_references_to_the_byte(tmp_path):
    record = json.loads(open_kept(REFERENCE, "manifest.json"))["artefacts"]
    digits = reading.load("digits")
    digits.write(tmp_path / "data/digits")
    for protocol in ("published", "clean"):
        protocols.make_split("digits", digits, protocol, 0).write(tmp_path / f"splits/digits/{protocol}/split-0")
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 6
    for path in made:
        name = path.relative_to(tmp_path).as_posix()
        assert artifacts.sha256(path) == record[name]["sha256"], name


NETWORK = ["study", "features", "training_set", "network", "hidden_layers", "fraction", "split", "seed"]
CELL = ["features", "training_set", "network"]


@pytest.fixture(scope="module")
def again() -> dict[str, pd.DataFrame]:
    """Those batches trained here and now, each network beside the reference's own (column_ref)."""
    digits = reading.load("digits")
    trained: dict[str, list[pd.DataFrame]] = {"networks": [], "history": []}
    for spec in quick().values():
        split = protocols.make_split("digits", digits, spec["protocol"], spec["split"])
        batch = training.train_batch(Spec.from_dict(spec | {"device": "cpu"}), digits, split)
        for name, tables in trained.items():
            tables.append(getattr(batch, name))
    joined = {}
    for name, tables in trained.items():
        content = io.BytesIO(open_kept(REFERENCE, f"tables/{name}.csv"))
        table = pd.read_csv(content, dtype={"hidden_layers": str}, low_memory=False)
        keys = NETWORK if name == "networks" else [*NETWORK, "iterations"]
        joined[name] = at(*tables).merge(table, on=keys, suffixes=("", "_ref"), validate="one_to_one")
    return joined


@committed
def test_the_first_ten_iterations_are_the_references(again):
    """Rounding, which differs between machines, has not grown yet: losses agree to 1e-4, accuracies to 4 images."""
    early = again["history"][again["history"]["iterations"] == 10]
    assert len(early) == sum(2 * len(spec["seeds"]) for spec in quick().values()) == 40
    assert (early["evaluations"] == early["evaluations_ref"]).all()
    assert ((early["train_loss"] - early["train_loss_ref"]).abs() <= 1e-4 * early["train_loss_ref"]).all()
    for name in ("test_accuracy", "inverted_accuracy"):
        assert (early[name] - early[f"{name}_ref"]).abs().max() <= 4 / 1797 + 1e-12


@committed
def test_cells_end_where_the_references_end(again):
    """After 200 evaluations rounding has grown to what another machine would change. Means over 4 seeds agree to the
    margin of the verdicts, 0.02; on ±X with biases, where networks differ most (sd 0.06), to 0.06."""
    ends = again["networks"]
    assert len(ends) == 40
    for cell, rows in ends.groupby(CELL):
        tolerance = 0.06 if cell[1:] == ("augmented", "biased") else 0.02
        for name in ("train_accuracy", "test_accuracy", "inverted_accuracy"):
            assert abs((rows[name] - rows[f"{name}_ref"]).mean()) <= tolerance, (cell, name)


def test_a_folder_that_holds_nothing(tmp_path):
    status, words = call("write_reference", str(tmp_path), "--out", str(tmp_path / "out"))
    assert status == 1
    assert (
        words == f"write_reference.py: {tmp_path}/manifest.json: is missing; the reference is made from a finished run"
    )
