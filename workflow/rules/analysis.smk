# From all networks to the tables.


rule gather_networks:
    input:
        code=code("scripts/gather_networks.py"),
        networks=[f"{folder}/networks.csv" for folder in BATCH_FOLDERS],
    output:
        f"{RESULTS}/tables/networks.csv",
    log:
        f"{RESULTS}/logs/gather_networks.log",
    conda:
        "../../environment.yml"
    shell:
        "python {input.code[0]} {input.networks:q} --out {output:q} 2>&1 | tee {log:q}"


rule check_bound:
    input:
        code=code("scripts/check_bound.py"),
        networks=[f"{folder}/networks.csv" for folder in BATCH_FOLDERS],
        predictions=[f"{folder}/predictions.safetensors" for folder in BATCH_FOLDERS],
        rows=sorted({f"{folder}/rows.csv" for folder in BATCH_SPLITS}),
    output:
        report(
            f"{RESULTS}/tables/bound.csv",
            caption="../report/bound.rst",
            category="The bound",
            labels={"result": "The largest R + R̄ of every cell (CSV)"},
        ),
    log:
        f"{RESULTS}/logs/check_bound.log",
    conda:
        "../../environment.yml"
    params:
        batches=BATCH_FOLDERS,
        splits=BATCH_SPLITS,
    shell:
        "python {input.code[0]} --batches {params.batches:q} --splits {params.splits:q} --out {output:q}"
        " 2>&1 | tee {log:q}"


rule judge_published:
    input:
        code=code("scripts/judge_published.py"),
        published=PUBLISHED,
        networks=rules.gather_networks.output,
        reruns=expand(rules.rerun_published.output.reruns, id=published_ids()),
        perturbed=expand(rules.rerun_published.output.perturbed, id=published_ids()),
    output:
        numbers=report(
            f"{RESULTS}/tables/published_numbers.csv",
            caption="../report/published_numbers.rst",
            category="The paper's tables",
            labels={"result": "Every published number judged (CSV)"},
        ),
        page=report(
            f"{RESULTS}/tables/published_numbers.html",
            caption="../report/paper_tables.rst",
            category="The paper's tables",
            labels={"result": "Tables 1 and 2, number by number"},
        ),
        tables=expand(f"{RESULTS}/tables/table{{table}}.csv", table=[1, 2]),
        markdown=expand(f"{RESULTS}/tables/table{{table}}.md", table=[1, 2]),
    log:
        f"{RESULTS}/logs/judge_published.log",
    conda:
        "../../environment.yml"
    params:
        study=config["published_numbers"]["study"],
        clean_study=config["published_numbers"]["clean_study"],
        reruns=[f"{RESULTS}/reruns/{id}" for id in published_ids()],
        out=subpath(output.numbers, parent=True),
    shell:
        "python {input.code[0]} --published {input.published} --networks {input.networks:q} --study {params.study}"
        " --clean-study {params.clean_study} --reruns {params.reruns:q} --out {params.out:q} 2>&1 | tee {log:q}"
