"""A results folder as a Workflow Run RO-Crate: its files and what made them, as JSON-LD by ro-crate-py.

The profile is that of Leo et al. (2024, doi:10.1371/journal.pone.0309210), version 0.5: one action for the whole run,
whose instrument is the Snakefile, and one per job, whose instrument is its script.

ro-crate-py knows the Workflow RO-Crate profile but not those of runs, so these and the software are plain entities. Its
writer copies files, asks for each one's source and takes the time of writing for the date of publication; ours are in
place already, so only the metadata is generated, with our date, and the caller writes it.
"""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from rocrate.model import ComputerLanguage, ContextEntity, DataEntity
from rocrate.rocrate import ROCrate

MANIFEST, CRATE = "manifest.json", "ro-crate-metadata.json"
CODE = "code"  # the folder for copies of the sources
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
VERSION = "1.1"  # of the RO-Crate specification, the one that these profiles extend
RUN_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
COMPLETED = "http://schema.org/CompletedActionStatus"
MIT = "https://spdx.org/licenses/MIT"


def crate(results: Path, about: dict, entries: dict[str, dict]) -> dict:
    """The results as a Workflow Run RO-Crate, JSON-LD: equal for equal arguments and times of the files.

    about: of `manifest.describe`. entries: of `manifest.collect`. ValueError if the Snakefile is not among the sources.
    """
    workflow = f"{CODE}/Snakefile"
    if workflow not in entries:
        raise ValueError("the Snakefile is not among the sources")
    made = ROCrate(version=VERSION)
    made.metadata.extra_contexts.append(RUN_CONTEXT)
    made.name = "Symmetry constrained machine learning, replicated: the results of one run"
    made.description = (
        "Every table, figure, network and prediction of a replication of arXiv:1811.07051, "
        f"in {about['results']}, of commit {about['commit']}."
    )
    made.datePublished = about["written"]
    made.license = _add(made, MIT, "CreativeWork", name="MIT License")
    made.root_dataset["conformsTo"] = [
        _add(made, profile, "CreativeWork", name=name, version=profile.rpartition("/")[2])
        for profile, name in PROFILES.items()
    ]
    files = _add_files(made, about, entries, workflow)
    actions = [_add_run(made, results, about, entries, files)]
    actions += [_add_job(made, results, job, files) for job in _jobs(entries)]
    made.root_dataset["mentions"] = actions
    return made.metadata.generate()


def _add(made: ROCrate, identifier: str, kind: str, /, **properties: str) -> ContextEntity:
    return made.add(ContextEntity(made, identifier, properties={"@type": kind, **properties}))


def _add_files(made: ROCrate, about: dict, entries: dict[str, dict], workflow: str) -> dict[str, DataEntity]:
    """Every file by its path: the Snakefile as the crate's main entity, and beside them the manifest."""
    packages = [
        _add(
            made,
            f"#{name}",
            "SoftwareApplication",
            name=name,
            softwareVersion=version,
            identifier=f"pkg:{'generic' if name == 'python' else 'pypi'}/{name}@{version}",
        )
        for name, version in about["software"].items()
        if version
    ]
    language = ComputerLanguage(made, SNAKEMAKE, properties={"name": "Snakemake", "url": "https://snakemake.github.io"})
    made.add(language)
    files = {
        path: made.add_file(dest_path=path, properties=_describe(path, entry))
        for path, entry in entries.items()
        if path != workflow
    }
    properties = _describe(workflow, entries[workflow]) | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "The study's Snakefile",
        "version": about["commit"],
    }
    files[workflow] = made.add_workflow(dest_path=workflow, properties=properties, main=True, lang=language)
    files[workflow]["softwareRequirements"] = packages
    made.add_file(dest_path=MANIFEST, properties={"name": MANIFEST, "encodingFormat": FORMATS[".json"]})
    return files


def _describe(path: str, entry: dict) -> dict:
    properties = {
        "name": path,
        "contentSize": str(entry["bytes"]),
        "sha256": entry["sha256"],
        "encodingFormat": FORMATS.get(PurePosixPath(path).suffix, "application/octet-stream"),
    }
    if entry["kind"] == "source" and path.endswith((".py", ".smk", ".ipynb")):
        properties["@type"] = ["File", "SoftwareSourceCode"]
    return properties


def _jobs(entries: dict[str, dict]) -> list[tuple[str, list[str], list[str]]]:
    """Rule, inputs and outputs of each job; each job writes its own log."""
    jobs: dict[tuple, tuple[str, list[str], list[str]]] = {}
    for path, entry in entries.items():
        if entry["kind"] == "output":
            _, _, outputs = jobs.setdefault((entry["rule"], entry["log"]), (entry["rule"], entry["inputs"], []))
            outputs.append(path)
    return list(jobs.values())


def _add_job(
    made: ROCrate, results: Path, job: tuple[str, list[str], list[str]], files: dict[str, DataEntity]
) -> ContextEntity:
    rule, inputs, outputs = job
    programs = (name for name in inputs if name.startswith((f"{CODE}/scripts/", f"{CODE}/notebooks/")))
    return made.add_action(
        files[next(programs, f"{CODE}/Snakefile")],
        identifier=f"#{rule}-{quote(outputs[0], safe='')}",
        object=[files[name] for name in inputs],
        result=[files[name] for name in outputs],
        properties={
            "name": f"{rule}: {outputs[0]}",
            "description": f"A job of the rule {rule}, of {len(inputs)} inputs",
            "endTime": _ended(results, outputs),
            "actionStatus": COMPLETED,
        },
    )


def _add_run(
    made: ROCrate, results: Path, about: dict, entries: dict[str, dict], files: dict[str, DataEntity]
) -> ContextEntity:
    machine = about["machine"]
    paths = {kind: [path for path, entry in entries.items() if entry["kind"] == kind] for kind in ("source", "output")}
    return made.add_action(
        made.mainEntity,
        identifier="#run",
        object=[files[path] for path in paths["source"]],
        result=[files[path] for path in paths["output"]],
        properties={
            "name": "The run of the whole workflow",
            "description": f"On {machine['processor']}, {machine['cores']} cores, {machine['platform']}; "
            f"GPUs: {', '.join(machine['gpus']) or 'none'}.",
            "endTime": _ended(results, paths["output"]),
            "actionStatus": COMPLETED,
        },
    )


def _ended(results: Path, outputs: list[str]) -> str:
    """When the last of the outputs was written."""
    last = max((results / path).stat().st_mtime for path in outputs)
    return datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")
