"""The record of a run: every file with its hash and what made it, and the same as a Workflow Run RO-Crate."""

import json
import sys
from pathlib import Path

import pytest
from helpers.scripts import call

from symmetry_constrained.artifacts import sha256
from symmetry_constrained.runs import crate, manifest, recovery

HEADER = "output_file\tdate\trule\tlog-file(s)\tinput-file(s)\tshellcmd\tstatus\tplan"
ROWS = [
    ("results/here/raw é.csv", "fetch", "results/here/logs/fetch/raw.log", "-"),
    ("results/here/tables/sum.csv", "sum_up", "results/here/logs/sum_up.log", "results/here/raw é.csv,scripts/sum.py"),
    ("results/here/tables/max.csv", "sum_up", "results/here/logs/sum_up.log", "results/here/raw é.csv,scripts/sum.py"),
    ("results/here/config.json", "write", "-", ""),
]
ABOUT = {
    "results": "results/here",
    "written": "2026-01-02T03:04:05+00:00",
    "commit": "abc",
    "software": {"python": "3.11.7", "numpy": "2.4", "torch": None},
    "machine": {"platform": "Linux", "processor": "one", "cores": 2, "memory": 10, "gpus": []},
}


def listing(rows=ROWS, header=HEADER) -> str:
    lines = ["\t".join((path, "-", rule, logs, inputs, "a; b", "ok", "no")) for path, rule, logs, inputs in rows]
    return "\n".join([header, *lines]) + "\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a few results, in the current folder."""
    monkeypatch.chdir(tmp_path)
    names = {path for row in ROWS for path in (row[0], *row[2].split(","), *row[3].split(","))} - {"-", ""}
    for name in (*names, "Snakefile", "results/here/benchmarks/fetch/raw.tsv"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"content of {name}", encoding="utf-8")
    return tmp_path


def written(project: Path) -> dict:
    results = Path("results/here")
    entries = manifest.collect(results, manifest.read_listing(listing()), ["Snakefile"], project)
    manifest.write(results, ABOUT, entries, ["report.html"])
    return json.loads((results / "manifest.json").read_text(encoding="utf-8"))


def test_every_file_with_its_hash_size_rule_and_inputs(project):
    record = written(project)
    assert set(record["artefacts"]) == {
        "raw é.csv",
        "tables/sum.csv",
        "tables/max.csv",
        "config.json",
        "logs/fetch/raw.log",
        "logs/sum_up.log",
        "benchmarks/fetch/raw.tsv",
        "code/scripts/sum.py",
        "code/Snakefile",
        "ro-crate-metadata.json",
    }
    for path, entry in record["artefacts"].items():
        assert entry["sha256"] == sha256(Path("results/here", path))
        assert entry["bytes"] == Path("results/here", path).stat().st_size
    made = record["artefacts"]["tables/sum.csv"]
    assert (made["rule"], made["inputs"]) == ("sum_up", ["code/scripts/sum.py", "raw é.csv"])
    assert record["artefacts"]["benchmarks/fetch/raw.tsv"]["rule"] == "fetch"
    assert Path("results/here/code/scripts/sum.py").read_text(encoding="utf-8") == "content of scripts/sum.py"
    assert record["unrecorded"] == ["manifest.json", "report.html"]
    assert record["machine"] == ABOUT["machine"]


def test_the_digest_covers_all_but_itself(project):
    record = written(project)
    told = record.pop("digest")
    assert manifest.digest(record) == told
    assert manifest.digest(dict(reversed(record.items()))) == told
    record["artefacts"]["config.json"]["bytes"] += 1
    assert manifest.digest(record) != told


def test_sources_of_before_are_not_kept(project):
    written(project)
    Path("results/here/code/old.py").write_text("", encoding="utf-8")
    assert "code/old.py" not in written(project)["artefacts"]
    assert not Path("results/here/code/old.py").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the listing has no column output_file"),
        (HEADER.replace("rule", "role") + "\nx", "the listing has no column rule"),
        (HEADER, "the listing has no rows"),
        (HEADER + "\na\tb\n", "the listing's line 2 has 2 cells, expected 8"),
    ],
)
def test_a_listing_that_is_none(text, told):
    with pytest.raises(ValueError, match="the listing") as error:
        manifest.read_listing(text)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("row", "sources", "told"),
    [
        (("elsewhere/x.csv", "r", "-", ""), ["Snakefile"], "elsewhere/x.csv: an output must lie in results/here"),
        (("results/here/no.csv", "r", "-", ""), ["Snakefile"], "results/here/no.csv: listed, but there is no such"),
        (("results/here/raw é.csv", "r", "-", "no.py"), ["Snakefile"], "no.py: listed, but there is no such file"),
        (ROWS[0], ["../x"], "../x: a source must lie in the project"),
        (ROWS[0], ["scripts/sum.py"], "the Snakefile is not among the sources"),
    ],
)
def test_what_can_not_be_recorded(row, sources, told, project, capsys):
    Path("listing.tsv").write_text(listing([row]), encoding="utf-8")
    status, words = call("write_manifest", "results/here", "--listing", "listing.tsv", "--sources", *sources)
    assert status == 1
    assert words.startswith("write_manifest.py: ") and told in words
    assert "\n" not in words
    assert not Path("results/here/manifest.json").exists()


def test_the_script_records_a_run_from_a_listing(project):
    Path("listing.tsv").write_text(listing(), encoding="utf-8")
    arguments = ("results/here", "--listing", "listing.tsv", "--sources", "Snakefile", "--unrecorded", "report.html")
    assert call("write_manifest", *arguments) == (0, "")
    record = json.loads(Path("results/here/manifest.json").read_text(encoding="utf-8"))
    assert record["results"] == "results/here"
    assert record["software"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert record["software"]["torch"]
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["memory"] > 1e8
    assert record["trained_on"] == {}


def test_what_trained_is_told_with_every_value_it_had(tmp_path):
    common = {"python": "3.12.1", "compiler": None, "device_name": "x86_64", "threads": 1}
    for split, device in enumerate(("cpu", "cuda", "cpu")):
        path = tmp_path / f"batches/study/identity/original/10-5/split-{split}/provenance.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(common | {"device": device, "packages": {"torch": f"2.{split}", "scipy": "1.17"}}))
    assert manifest.trained_on(tmp_path) == {
        "device": ["cpu", "cuda"],
        "device_name": ["x86_64"],
        "compiler": ["none"],
        "python": ["3.12.1"],
        "torch": ["2.0", "2.1", "2.2"],
        "scipy": ["1.17"],
    }


@pytest.mark.parametrize(
    ("text", "instructions"),
    [
        ("model name\t: One\nflags\t\t: fpu sse2 avx avx512f vmx\nvmx flags\t: x\nflags\t: old", "avx avx512f sse2"),
        ("Features\t: fp asimd sve2 crc32\n", "asimd sve2"),
        ("", ""),
    ],
)
def test_vector_instructions_as_the_system_tells_them(monkeypatch, text, instructions):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    assert manifest._instructions() == instructions.split()


# Snakemake's record is lost.


def test_what_snakemake_forgot_is_as_the_last_manifest_has_it(project):
    Path("listing.tsv").write_text(listing(), encoding="utf-8")
    arguments = ("results/here", "--listing", "listing.tsv", "--sources", "Snakefile", "--before", "kept.json")
    assert call("write_manifest", *arguments) == (0, "")
    whole = json.loads(Path("results/here/manifest.json").read_text(encoding="utf-8"))
    Path("results/here/manifest.json").rename("kept.json")
    forgotten = [(path, rule, "-", "-") for path, rule, _, _ in ROWS]
    Path("listing.tsv").write_text(listing(forgotten), encoding="utf-8")
    assert call("write_manifest", *arguments) == (0, "")
    again = json.loads(Path("results/here/manifest.json").read_text(encoding="utf-8"))
    sizes = {path for path in whole["artefacts"] if path != "ro-crate-metadata.json"}
    assert {path: again["artefacts"][path] for path in sizes} == {path: whole["artefacts"][path] for path in sizes}
    assert again["artefacts"].keys() == whole["artefacts"].keys()


@pytest.mark.parametrize("change", ["no manifest", "no JSON", "another file", "other content", "another rule"])
def test_what_nobody_knows_is_refused_in_one_line(project, change):
    forgotten = [(path, rule, "-", "-") for path, rule, _, _ in ROWS]
    record = written(project)
    if change == "another file":
        del record["artefacts"]["tables/sum.csv"]
    elif change == "other content":
        Path("results/here/tables/sum.csv").write_text("other")
    elif change == "another rule":
        record["artefacts"]["tables/sum.csv"]["rule"] = "other"
    if change != "no manifest":
        Path("kept.json").write_text("{" if change == "no JSON" else json.dumps(record), encoding="utf-8")
    Path("listing.tsv").write_text(listing(forgotten), encoding="utf-8")
    status, words = call(
        "write_manifest", "results/here", "--listing", "listing.tsv", "--sources", "Snakefile", "--before", "kept.json"
    )
    assert status == 1
    if change.startswith("no "):
        first, others, rule = "raw é.csv", " and of 3 other files", "fetch"
    else:
        first, others, rule = "tables/sum.csv", "", "sum_up"
    assert words == (
        f"write_manifest.py: results/here/{first}: Snakemake's record of what made it is lost, and no manifest has it"
        f"{others}; make it again with --forcerun {rule}"
    )


def test_a_manifest_is_put_aside_and_stays_where_there_is_none_later(project):
    written(project)
    content = Path("results/here/manifest.json").read_bytes()
    recovery.put_aside("results/here")
    assert recovery.aside("results/here").read_bytes() == content
    Path("results/here/manifest.json").unlink()
    recovery.put_aside("results/here")
    assert recovery.aside("results/here").read_bytes() == content
    recovery.put_aside("results/elsewhere")
    assert not recovery.aside("results/elsewhere").exists()


# The crate.


def entities(folder: Path) -> dict[str, dict]:
    graph = json.loads((folder / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph), "an @id stands twice"
    return found


def references(value) -> set[str]:
    """Every @id that an entity points to."""
    if isinstance(value, list):
        return set().union(*map(references, value)) if value else set()
    if isinstance(value, dict):
        return {value["@id"]} if set(value) == {"@id"} else set().union(*map(references, value.values()))
    return set()


def test_the_profiles_requirements(project):
    written(project)
    found = entities(Path("results/here"))
    root, workflow, run = found["./"], found["code/Snakefile"], found["#run"]
    assert {entity["@id"] for entity in root["conformsTo"]} == set(crate.PROFILES)
    assert {"name", "description", "datePublished", "license"} <= set(root)
    assert root["mainEntity"] == {"@id": "code/Snakefile"}
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert found[workflow["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    assert run["instrument"] == {"@id": "code/Snakefile"}
    assert {"@id": "#run"} in root["mentions"]
    # Nothing points nowhere but to the specification itself.
    outside = {name for entity in found.values() for name in references(list(entity.values()))} - set(found)
    assert outside == {"https://w3id.org/ro/crate/1.1"}
    files = {name for name, entity in found.items() if "File" in entity["@type"]}
    assert {entity["@id"] for entity in root["hasPart"]} == files
    assert "raw%20%C3%A9.csv" in files


def test_an_action_per_job_with_its_script_inputs_and_outputs(project):
    written(project)
    found = entities(Path("results/here"))
    actions = [entity for entity in found.values() if entity["@type"] == "CreateAction"]
    assert len(actions) == 1 + 3
    job = next(action for action in actions if action["name"].startswith("sum_up"))
    assert job["instrument"] == {"@id": "code/scripts/sum.py"}
    assert job["object"] == [{"@id": "code/scripts/sum.py"}, {"@id": "raw%20%C3%A9.csv"}]
    assert job["result"] == [{"@id": "tables/max.csv"}, {"@id": "tables/sum.csv"}]
    software = {name: entity for name, entity in found.items() if entity["@type"] == "SoftwareApplication"}
    assert {name: entity["softwareVersion"] for name, entity in software.items()} == {
        "#python": "3.11.7",
        "#numpy": "2.4",
    }


def test_rocrates_own_reader_reads_it(project):
    rocrate = pytest.importorskip("rocrate.rocrate")
    written(project)
    read = rocrate.ROCrate(Path("results/here"))
    assert read.mainEntity.id == "code/Snakefile"
    assert read.dereference("raw%20%C3%A9.csv")["sha256"] == sha256(Path("results/here/raw é.csv"))
    assert {entity.id for entity in read.data_entities} >= {"tables/sum.csv", "code/scripts/sum.py", "manifest.json"}


# A finished run.


def test_a_run_records_all_it_made(finished):
    results = finished / "results/small"
    record = json.loads((results / "manifest.json").read_text(encoding="utf-8"))
    listed = record["artefacts"]
    there = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    assert set(listed) <= there
    assert there - set(listed) <= set(record["unrecorded"])
    for path, entry in listed.items():
        assert entry["sha256"] == sha256(results / path), path
        assert set(entry["inputs"]) <= set(listed), path
    by_kind = {kind: [p for p, e in listed.items() if e["kind"] == kind] for kind in ("output", "log", "benchmark")}
    assert len(by_kind["output"]) > 140
    # Batches and reruns are timed, and experiments on theory.
    assert len(by_kind["benchmark"]) >= 12 + 6
    networks = listed["tables/networks.csv"]
    assert networks["rule"] == "gather_networks"
    assert sum(name.startswith("batches/") for name in networks["inputs"]) == 12
    assert "code/scripts/gather_networks.py" in networks["inputs"]
    assert (results / "code/Snakefile").read_bytes() == (finished / "Snakefile").read_bytes()
    told = json.loads((results / "config.json").read_text(encoding="utf-8"))
    assert told["studies"]["digits-clean"]["fractions"] == [0.1, 1.0]


def test_a_runs_crate_is_read_by_rocrate(finished):
    rocrate = pytest.importorskip("rocrate.rocrate")
    results = finished / "results/small"
    read = rocrate.ROCrate(results)
    listed = json.loads((results / "manifest.json").read_text(encoding="utf-8"))["artefacts"]
    files = {entity.id for entity in read.data_entities}
    assert files == (set(listed) - {"ro-crate-metadata.json"}) | {"manifest.json"}
    jobs = [entity for entity in read.contextual_entities if entity.type == "CreateAction"]
    logs = [path for path, entry in listed.items() if entry["kind"] == "log"]
    assert len(jobs) == 1 + len(logs)
    batch = next(job for job in jobs if "batches/digits-clean/neighbour" in job["name"])
    assert batch["instrument"].id == "code/scripts/train_batch.py"
    assert {entity.id.rpartition("/")[2] for entity in batch["result"]} >= {"weights.safetensors", "networks.csv"}


def test_the_report_is_recorded_when_it_is_written(finished):
    results = finished / "results/small"
    record = json.loads((results / "report.json").read_text(encoding="utf-8"))
    assert record["sha256"] == sha256(results / "report.html")
    assert manifest.digest({key: value for key, value in record.items() if key != "digest"}) == record["digest"]
