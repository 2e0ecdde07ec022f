# Parts of the study by themselves, on demand: `snakemake --cores all claim_C8`, or `table1`. The study's own rules, on
# the batches that the part needs. What is trained is the study's; the part's tables lie in a folder of their own, a run
# by itself that neither the study's manifest nor its audit knows of.

PART = f"{RESULTS}/parts/{{part}}"
PART_LOGS = f"{RESULTS}/parts/logs"


use rule gather_networks as gather_networks_of_part with:
    input:
        code=code("scripts/gather_networks.py"),
        tables=of_batches("networks.csv"),
    output:
        f"{PART}/tables/networks.csv",
    log:
        f"{PART_LOGS}/gather_networks/{{part}}.log",


use rule gather_networks as gather_history_of_part with:
    input:
        code=code("scripts/gather_networks.py"),
        tables=of_batches("history.csv"),
    output:
        f"{PART}/tables/history.csv",
    log:
        f"{PART_LOGS}/gather_history/{{part}}.log",


use rule measure_efficiency as measure_efficiency_of_part with:
    input:
        code=code("scripts/measure_efficiency.py"),
        networks=rules.gather_networks_of_part.output,
    output:
        f"{PART}/tables/sample_efficiency.csv",
    log:
        f"{PART_LOGS}/measure_efficiency/{{part}}.log",


use rule compare_on_equal_terms as compare_part_on_equal_terms with:
    input:
        code=code("scripts/compare_on_equal_terms.py"),
        history=rules.gather_history_of_part.output,
        solo=rules.time_solo.output,
    output:
        f"{PART}/tables/equal_terms.csv",
    log:
        f"{PART_LOGS}/compare_on_equal_terms/{{part}}.log",
    params:
        options=lambda wildcards: words({"studies": PARTS[wildcards.part].of_study(JUDGED_STUDIES)}),


use rule check_bound as check_bound_of_part with:
    input:
        code=code("scripts/check_bound.py"),
        networks=of_batches("networks.csv"),
        predictions=of_batches("predictions.safetensors"),
        rows=lambda wildcards: [f"{folder}/rows.csv" for folder in batch_splits(PARTS[wildcards.part].batches)],
    output:
        f"{PART}/tables/bound.csv",
    log:
        f"{PART_LOGS}/check_bound/{{part}}.log",
    params:
        batches=lambda wildcards: batch_folders(PARTS[wildcards.part].batches),
        splits=lambda wildcards: batch_splits(PARTS[wildcards.part].batches),


# The tables that claims are judged by, a part's own or the study's.
PART_TABLES = {name: f"{PART}/tables/{stem}.csv" for name, stem in run_tables.FILES.items()}
PART_TABLES |= {"solo": rules.time_solo.output[0]}


use rule judge_claims as judge_claim with:
    input:
        code=code("scripts/judge_claims.py"),
        claims=CLAIMS,
        published=PUBLISHED,
        tables=lambda wildcards: [
            path.format(part=wildcards.part)
            for name, path in PART_TABLES.items()
            if name in PARTS[wildcards.part].tables
        ],
        theory=lambda wildcards: theory_tables(PARTS[wildcards.part]),
    output:
        claims=f"{PART}/tables/claims.csv",
        settings=f"{PART}/tables/settings.csv",
        leak=f"{PART}/tables/leak.csv",
        page=f"{PART}/verdicts.md",
    log:
        f"{PART_LOGS}/judge_claim/{{part}}.log",
    params:
        options=lambda wildcards: words(
            {
                "claim": PARTS[wildcards.part].of,
                "settings": json.dumps(PARTS[wildcards.part].settings, ensure_ascii=False),
                "target": config["targets"],
            }
        ),


use rule judge_published as judge_paper_table with:
    input:
        code=code("scripts/judge_published.py"),
        published=PUBLISHED,
        networks=rules.gather_networks_of_part.output,
        reruns=lambda wildcards: expand(rules.rerun_published.output.reruns, id=PARTS[wildcards.part].published),
        perturbed=lambda wildcards: expand(rules.rerun_published.output.perturbed, id=PARTS[wildcards.part].published),
    output:
        numbers=f"{PART}/tables/published_numbers.csv",
        page=f"{PART}/tables/published_numbers.html",
        tables=f"{PART}/tables/{{part}}.csv",
        markdown=f"{PART}/tables/{{part}}.md",
    log:
        f"{PART_LOGS}/judge_paper_table/{{part}}.log",
    params:
        options=lambda wildcards: words(
            {
                "studies": PARTS[wildcards.part].of_study(own["study"] for own in COMPARED.values()),
                "clean_studies": PARTS[wildcards.part].of_study(own["clean_study"] for own in COMPARED.values()),
                "of": [PARTS[wildcards.part].of],
            }
        ),
        reruns=lambda wildcards: [f"{RESULTS}/reruns/{id}" for id in PARTS[wildcards.part].published],


SHOW_PART = code("scripts/show_part.py")
# A target for each, which prints what it is about.
for part in PARTS:

    rule:
        name:
            part
        input:
            code=SHOW_PART,
            shown=[
                f"{RESULTS}/parts/{part}/tables/{stem}.csv"
                for stem in (("claims", "settings") if part in CLAIM_PARTS else (part,))
            ],
        log:
            f"{PART_LOGS}/{part}.log",
        conda:
            "../../environment.yml"
        params:
            folder=lambda wildcards, input: Path(input.shown[0]).parents[1].as_posix(),
        shell:
            logged("{params.folder:q}")
