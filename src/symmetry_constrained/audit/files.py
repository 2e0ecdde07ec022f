"""The files themselves: each as recorded, none missing, none that nobody made."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from symmetry_constrained.audit import leftovers
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.results import CONFIG, CRATE, MANIFEST, Results

BYTES, LISTED, RECORD = "bytes as recorded", "no stray file", "the record itself"
CRATED = "the crate and the manifest"
# What nothing may record: pages and logs that are written after the record, and what is measured on demand.
MEASURED = re.compile(
    r"benchmarks/(throughput|peaks|scaling|accuracies)\.csv"
    r"|(figures/(roofline|scaling)|notebooks/throughput)\.(csv|svg|png|html|ipynb)"
)
UNRECORDED = re.compile(
    r"(report|index|audit/audit)\.(html|json)|comparison\.json|manifest\.json|code/\.snakemake_timestamp"
    r"|logs/[a-z_]+\.log|" + MEASURED.pattern
)
# What the crate says of itself.
SAID = {
    "name": "Symmetry constrained machine learning, replicated: the results of one run",
    "description": "Every table, figure, network and prediction of a replication of arXiv:1811.07051, in {results}, "
    "of commit {commit}.",
    "license": {"@id": "https://spdx.org/licenses/MIT"},
}
# A folder without files of the manifest that holds one of these is a separate run, which is not audited.
OF_A_RUN = (CONFIG, MANIFEST, "batches", "tables", "splits", "logs")


def check(results: Results) -> Iterator[Check]:
    yield from guarded(RECORD, MANIFEST, _record(results))
    for path, digest in results.recorded.items():
        found = results.sha256(path)
        reason = results.fault(path) or results.oversize(path) or "can't be read"
        yield Check(BYTES, path, digest, found or reason, found == digest)
    yield from guarded(LISTED, MANIFEST, _strays(results))
    yield from guarded(CRATED, CRATE, _crate(results))


def _record(results: Results) -> Iterator[Check]:
    manifest = results.manifest
    yield Check(RECORD, MANIFEST, "the digest of its content", f"{len(manifest['artefacts'])} files, as digested", True)
    software, said = manifest["software"], [manifest[name] for name in ("commit", "written", "results")]
    texts = [*said, *software, *software.values()] if isinstance(software, dict) else [software]
    odd = [text for text in texts if not (isinstance(text, str) or text is None)]
    yield Check(RECORD, MANIFEST, "commit, date and software in words", f"{odd[0]}" if odd else "so", not odd)
    free = [path for path in manifest["unrecorded"] if not UNRECORDED.fullmatch(path)]
    yield Check(RECORD, MANIFEST, "unrecorded: pages, logs, measurements", f"{free[0]}" if free else "so", not free)
    inputs = {name: path for path, entry in manifest["artefacts"].items() for name in entry["inputs"]}
    unlisted = [f"{path} was made from {name}" for name, path in inputs.items() if name not in manifest["artefacts"]]
    yield Check(RECORD, MANIFEST, "every input listed", unlisted[0] if unlisted else "so", not unlisted)
    for path, entry in manifest["artefacts"].items():
        if not results.changed(path):
            yield equal(RECORD, path, f"{entry['bytes']} bytes", f"{(results.folder / path).stat().st_size} bytes")


def _strays(results: Results) -> Iterator[Check]:
    manifest = results.manifest
    listed = {*manifest["artefacts"], *manifest["unrecorded"]}
    known = {*listed, *leftovers.of(results)}
    strays, others = [], [entry.name for entry in runs(results)]
    for entry in sorted(results.folder.iterdir()):
        if entry.name in others:
            continue
        inner = entry.rglob("*") if entry.is_dir() and not entry.is_symlink() else [entry]
        found = [path for path in inner if path.is_symlink() or not path.is_dir()]
        paths = (path.relative_to(results.folder).as_posix() for path in found)
        strays += [path for path in sorted(paths) if path not in known]
    for path in strays:
        yield Check(LISTED, path, "a file that the manifest lists", "unlisted: no step of this run made it", False)
    if not strays:
        passed = f"; not audited, runs of their own: {', '.join(others)}" if others else ""
        yield Check(LISTED, ".", "only files that the manifest lists", f"none other{passed}", True)


def runs(results: Results) -> list[Path]:
    """The folders within the results that hold none of the run's files and look like a run of their own."""
    manifest = results.manifest
    own = {PurePosixPath(path).parts[0] for path in (*manifest["artefacts"], *manifest["unrecorded"])}
    folders = [entry for entry in sorted(results.folder.iterdir()) if entry.is_dir() and not entry.is_symlink()]
    return [
        folder for folder in folders if folder.name not in own and any((folder / name).exists() for name in OF_A_RUN)
    ]


def _crate(results: Results) -> Iterator[Check]:
    """The crate holds the files of the manifest, but itself, with the same hashes and sizes, and says what it is."""
    manifest, graph = results.manifest, results.json(CRATE)["@graph"]
    entries = {path: entry for path, entry in manifest["artefacts"].items() if path != CRATE}
    artefacts = {path: (entry["sha256"], entry["bytes"]) for path, entry in entries.items()}
    held = {
        unquote(entity["@id"]): (entity["sha256"], int(entity["contentSize"])) for entity in graph if "sha256" in entity
    }
    differing = [path for path in {**artefacts, **held} if artefacts.get(path) != held.get(path)]
    text = f"{differing[0]}: {held.get(differing[0], 'missing')}" if differing else f"{len(held)} files, equal"
    yield Check(CRATED, results.blame(CRATE), "the manifest's files, hashes and sizes", text, not differing)
    (root,) = (entity for entity in graph if entity["@id"] == "./")
    due = SAID | {"datePublished": manifest["written"]}
    due["description"] = due["description"].format(results=manifest["results"], commit=manifest["commit"])
    yield equal(CRATED, results.blame(CRATE), due, {name: root.get(name) for name in due})
