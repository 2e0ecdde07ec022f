"""A results folder as a Workflow Run RO-Crate: its files and what made them, as JSON-LD.

The profile is that of Leo et al. (2024, doi:10.1371/journal.pone.0309210), version 0.5: one action for the whole run,
whose instrument is the Snakefile, and one per job, whose instrument is its script.
"""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

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
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
MIT = "https://spdx.org/licenses/MIT"


def crate(results: Path, about: dict, entries: dict[str, dict]) -> dict:
    """The results as a Workflow Run RO-Crate, JSON-LD. ValueError if the Snakefile is not among the sources."""
    workflow = f"{CODE}/Snakefile"
    if workflow not in entries:
        raise ValueError("the Snakefile is not among the sources")
    jobs = _jobs(entries)
    actions = [_run(results, about, entries, workflow)] + [_action(results, job, workflow) for job in jobs]
    files = [_file(path, entry) for path, entry in entries.items() if path != workflow]
    packages = {name: version for name, version in about["software"].items() if version}
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": "Symmetry constrained machine learning, replicated: the results of one run",
        "description": "Every table, figure, network and prediction of a replication of arXiv:1811.07051, "
        f"in {about['results']}, of commit {about['commit']}.",
        "datePublished": about["written"],
        "license": {"@id": MIT},
        "conformsTo": [{"@id": profile} for profile in PROFILES],
        "mainEntity": {"@id": workflow},
        "hasPart": [{"@id": file["@id"]} for file in files] + [{"@id": workflow}, {"@id": MANIFEST}],
        "mentions": [{"@id": action["@id"]} for action in actions],
    }
    graph = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": list(PROFILES)[-1]}],
        },
        root,
        *(
            {"@id": profile, "@type": "CreativeWork", "name": name, "version": profile.rpartition("/")[2]}
            for profile, name in PROFILES.items()
        ),
        {"@id": MIT, "@type": "CreativeWork", "name": "MIT License"},
        {"@id": SNAKEMAKE, "@type": "ComputerLanguage", "name": "Snakemake", "url": "https://snakemake.github.io"},
        _file(workflow, entries[workflow])
        | {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": "The study's Snakefile",
            "version": about["commit"],
            "programmingLanguage": {"@id": SNAKEMAKE},
            "softwareRequirements": [{"@id": f"#{name}"} for name in packages],
        },
        {"@id": MANIFEST, "@type": "File", "name": MANIFEST, "encodingFormat": FORMATS[".json"]},
        *files,
        *(
            {
                "@id": f"#{name}",
                "@type": "SoftwareApplication",
                "name": name,
                "softwareVersion": version,
                "identifier": f"pkg:{'generic' if name == 'python' else 'pypi'}/{name}@{version}",
            }
            for name, version in packages.items()
        ),
        *actions,
    ]
    context = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
    return {"@context": context, "@graph": graph}


def _jobs(entries: dict[str, dict]) -> list[tuple[str, list[str], list[str]]]:
    """Rule, inputs and outputs of each job; a job has a log of its own."""
    jobs: dict[tuple, tuple[str, list[str], list[str]]] = {}
    for path, entry in entries.items():
        if entry["kind"] == "output":
            _, _, outputs = jobs.setdefault((entry["rule"], entry["log"]), (entry["rule"], entry["inputs"], []))
            outputs.append(path)
    return list(jobs.values())


def _action(results: Path, job: tuple[str, list[str], list[str]], workflow: str) -> dict:
    rule, inputs, outputs = job
    program = next((name for name in inputs if name.startswith((f"{CODE}/scripts/", f"{CODE}/notebooks/"))), workflow)
    return {
        "@id": f"#{rule}-{quote(outputs[0], safe='')}",
        "@type": "CreateAction",
        "name": f"{rule}: {outputs[0]}",
        "description": f"A job of the rule {rule}, of {len(inputs)} inputs",
        "instrument": {"@id": quote(program)},
        "object": [{"@id": quote(name)} for name in inputs],
        "result": [{"@id": quote(name)} for name in outputs],
        "endTime": _ended(results, outputs),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }


def _run(results: Path, about: dict, entries: dict[str, dict], workflow: str) -> dict:
    outputs = [path for path, entry in entries.items() if entry["kind"] == "output"]
    machine = about["machine"]
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "The run of the whole workflow",
        "description": f"On {machine['processor']}, {machine['cores']} cores, {machine['platform']}; "
        f"GPUs: {', '.join(machine['gpus']) or 'none'}.",
        "instrument": {"@id": workflow},
        "object": [{"@id": quote(path)} for path, entry in entries.items() if entry["kind"] == "source"],
        "result": [{"@id": quote(path)} for path in outputs],
        "endTime": _ended(results, outputs),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }


def _ended(results: Path, outputs: list[str]) -> str:
    """When the last of the outputs was written."""
    last = max((results / path).stat().st_mtime for path in outputs)
    return datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")


def _file(path: str, entry: dict) -> dict:
    code = entry["kind"] == "source" and path.endswith((".py", ".smk", ".ipynb"))
    return {
        "@id": quote(path),
        "@type": ["File", "SoftwareSourceCode"] if code else "File",
        "name": path,
        "contentSize": str(entry["bytes"]),
        "sha256": entry["sha256"],
        "encodingFormat": FORMATS.get(PurePosixPath(path).suffix, "application/octet-stream"),
    }
