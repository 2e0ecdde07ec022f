# The record of a run, and its audit: what the results claim, recomputed.

# What a run is for: `all` asks for these, and the manifest lists them with all that they are made from.
STUDIED = [
    *rules.judge_published.output,
    *rules.check_bound.output,
    *rules.gather_networks.output,
    *rules.judge_claims.output,
    *rules.write_findings.output,
    *FIGURES,
    *rules.write_explorer.output,
    f"{RESULTS}/config.json",
]
# Made on demand, and listed if they are there.
ON_DEMAND = [*rules.compare_solvers.output]
# What no output of a job depends on by its content: the workflow itself.
WORKFLOW_FILES = [
    "Snakefile",
    "environment.yml",
    "profiles/default/config.yaml",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "workflow").rglob("*") if path.is_file()),
]
# The run that others are compared with, and what of it is read.
REFERENCE = "results/reference"
OF_REFERENCE = ["manifest.json*", "config.json"]
OF_REFERENCE += [f"tables/{name}.csv*" for name in ("networks", "claims", "settings", "published_numbers")]
# Category of the report -> its figures.
BY_CATEGORY = {}
for figure in [Path(path).stem for path in FIGURES]:
    BY_CATEGORY.setdefault(CAPTIONS[figure][0], []).append(figure)
# Written after the manifest, or by it.
UNRECORDED = [f"{page}.{suffix}" for page in ("report", "index", "audit/audit") for suffix in ("html", "json")]
UNRECORDED += ["code/.snakemake_timestamp", "comparison.json"]
RECORDERS = ("write_manifest", "write_audit", "write_report", "compare_with_reference", "write_index", "audit")
UNRECORDED += [f"logs/{name}.log" for name in RECORDERS]
# Measured on demand, whenever someone asks.
UNRECORDED += MEASURED


rule write_config:
    output:
        f"{RESULTS}/config.json",
    log:
        f"{LOGS}/write_config.log",
    conda:
        "../../environment.yml"
    params:
        # In alphabetical order, since `--config` and `--configfile` decide what comes first in the mapping.
        config=lambda wildcards: json.dumps(dict(sorted(config.items())), indent=2, ensure_ascii=False),
    shell:
        "printf '%s\\n' {params.config:q} > {output:q} 2> {log:q}"


rule write_manifest:
    # Snakemake itself is asked which rule and inputs made what.
    input:
        code=code("scripts/write_manifest.py"),
        workflow=WORKFLOW_FILES,
        study=STUDIED,
    output:
        manifest=f"{RESULTS}/manifest.json",
        crate=f"{RESULTS}/ro-crate-metadata.json",
        code=directory(f"{RESULTS}/code"),
    log:
        f"{LOGS}/write_manifest.log",
    conda:
        "../../environment.yml"
    params:
        # As functions of the output they are no reason to rerun: a study may be moved, and its configuration is an input.
        config=lambda wildcards, output: json.dumps(AS_GIVEN),
        snakefile=lambda wildcards, output: workflow.main_snakefile,
        on_demand=[path for path in ON_DEMAND if Path(path).exists()],
        results=subpath(output.manifest, parent=True),
        unrecorded=UNRECORDED,
        before=lambda wildcards, output: str(recovery.aside(RESULTS)),
    shell:
        "temporary=$(mktemp -d); trap 'rm -rf \"$temporary\"' EXIT;"
        " printf '%s' {params.config:q} > \"$temporary/config.json\";"
        ' "$PYTHON" -m snakemake {input.study:q} {params.on_demand:q} --nolock --quiet --detailed-summary'
        ' --snakefile {params.snakefile:q} --configfile "$temporary/config.json"'
        ' > "$temporary/listing.tsv" 2> {log:q} || {{ cat {log:q}; exit 1; }};'
        ' "$PYTHON" {input.code[0]:q} {params.results:q} --listing "$temporary/listing.tsv"'
        " --before {params.before:q} --sources {input.workflow:q} --unrecorded {params.unrecorded:q} 2>&1 | tee -a {log:q}"


rule audit:
    # On demand, of the results as they are: it depends on none of them, so nothing is made again first.
    input:
        code=code("scripts/audit.py"),
    log:
        f"{LOGS}/audit.log",
    conda:
        "../../environment.yml"
    # At most: scaled down to the cores that there are.
    threads: 8
    resources:
        mem_mb=lambda wildcards, threads: 1000 * threads,
    params:
        results=RESULTS,
        options=[],
    shell:
        logged("{params.results:q} {params.options:q} --processes {threads:q}")


use rule audit as write_audit with:
    # A check that fails is no failure of this job, so that there is a page to read; `audit` fails.
    input:
        code=code("scripts/audit.py"),
        manifest=rules.write_manifest.output,
    output:
        json=f"{RESULTS}/audit/audit.json",
        page=report(
            f"{RESULTS}/audit/audit.html",
            caption="../report/audit.rst",
            category="9. Audit",
            labels={"result": "What was recomputed, and whether it holds"},
        ),
    log:
        f"{LOGS}/write_audit.log",
    params:
        results=subpath(output.json, ancestor=2),
        options=["--in-run"],


rule write_report:
    # A job, so that a run which is killed meanwhile still owes it.
    input:
        code=code("scripts/write_report.py"),
        captions=sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "workflow/report").glob("*.rst")),
        targets=[*STUDIED, rules.write_manifest.output.manifest, *rules.write_audit.output],
    output:
        page=f"{RESULTS}/report.html",
        record=f"{RESULTS}/report.json",
    log:
        f"{LOGS}/write_report.log",
    conda:
        "../../environment.yml"
    params:
        config=lambda wildcards, output: json.dumps(AS_GIVEN),
        snakefile=lambda wildcards, output: workflow.main_snakefile,
    shell:
        logged("{input.targets:q} --snakefile {params.snakefile:q} --config {params.config:q} --page {output.page:q}")


rule compare_with_reference:
    # A difference is no failure of this job, so that there is a page to read; `make` fails.
    input:
        code=code("scripts/compare_runs.py"),
        manifest=rules.write_manifest.output.manifest,
        reference=[path.as_posix() for name in OF_REFERENCE for path in sorted(Path(REFERENCE).glob(name))],
    output:
        record=f"{RESULTS}/comparison.json",
    log:
        f"{LOGS}/compare_with_reference.log",
    conda:
        "../../environment.yml"
    params:
        results=subpath(output.record, parent=True),
        reference=lambda wildcards: REFERENCE,
    shell:
        logged("{params.results:q} {params.reference:q} --out {output.record:q}")


rule write_index:
    # The page that a run ends with; it tells what the audit found.
    input:
        code=code("scripts/write_index.py"),
        figures=[path.with_suffix(suffix) for path in map(Path, FIGURES) for suffix in (".svg", ".png")],
        tables=[f"{RESULTS}/tables/{name}.csv" for name in ("claims", "settings", "published_numbers", "networks")],
        manifest=rules.write_manifest.output.manifest,
        audit=rules.write_audit.output.json,
        comparison=rules.compare_with_reference.output,
        config=rules.write_config.output,
    output:
        page=f"{RESULTS}/index.html",
        record=f"{RESULTS}/index.json",
    log:
        f"{LOGS}/write_index.log",
    conda:
        "../../environment.yml"
    params:
        results=subpath(output.page, parent=True),
        # As a function of the output it is no reason to rerun: the inputs say which figures there are.
        options=lambda wildcards, output: words({"figure": BY_CATEGORY, "findings": FINDINGS}),
    shell:
        logged("{params.results:q} {params.options:q}")
