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


rule gather_history:
    input:
        code=code("scripts/gather_networks.py"),
        history=[f"{folder}/history.csv" for folder in BATCH_FOLDERS],
    output:
        f"{RESULTS}/tables/history.csv",
    log:
        f"{RESULTS}/logs/gather_history.log",
    conda:
        "../../environment.yml"
    shell:
        "python {input.code[0]} {input.history:q} --out {output:q} 2>&1 | tee {log:q}"


rule summarise:
    input:
        code=code("scripts/summarise.py"),
        networks=rules.gather_networks.output,
    output:
        report(
            f"{RESULTS}/tables/summary.csv",
            caption="../report/summary.rst",
            category="Over-fitting",
            labels={"result": "Every mean with its interval (CSV)"},
        ),
    log:
        f"{RESULTS}/logs/summarise.log",
    conda:
        "../../environment.yml"
    shell:
        "python {input.code[0]} --networks {input.networks:q} --out {output:q} 2>&1 | tee {log:q}"


rule measure_efficiency:
    input:
        code=code("scripts/measure_efficiency.py"),
        networks=rules.gather_networks.output,
    output:
        report(
            f"{RESULTS}/tables/sample_efficiency.csv",
            caption="../report/images_needed.rst",
            category="Data",
            labels={"result": "Images needed (CSV)"},
        ),
    log:
        f"{RESULTS}/logs/measure_efficiency.log",
    conda:
        "../../environment.yml"
    params:
        targets=target_options(),
    shell:
        "python {input.code[0]} --networks {input.networks:q} {params.targets} --out {output:q} 2>&1 | tee {log:q}"


rule cost_to_target:
    input:
        code=code("scripts/cost_to_target.py"),
        history=rules.gather_history.output,
        solo=rules.time_solo.output,
    output:
        report(
            f"{RESULTS}/tables/cost_to_target.csv",
            caption="../report/cost_to_target.rst",
            category="Cost",
            labels={"result": "Cost to target (CSV)"},
        ),
    log:
        f"{RESULTS}/logs/cost_to_target.log",
    conda:
        "../../environment.yml"
    params:
        targets=target_options(),
    shell:
        "python {input.code[0]} --history {input.history:q} --solo {input.solo:q} {params.targets} --out {output:q}"
        " 2>&1 | tee {log:q}"


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
        tables=expand(f"{RESULTS}/tables/{{table}}.csv", table=paper_tables()),
        markdown=expand(f"{RESULTS}/tables/{{table}}.md", table=paper_tables()),
    log:
        f"{RESULTS}/logs/judge_published.log",
    conda:
        "../../environment.yml"
    params:
        studies=[placed["study"] for placed in PLACED.values()],
        clean_studies=[placed["clean_study"] for placed in PLACED.values()],
        reruns=[f"{RESULTS}/reruns/{id}" for id in published_ids()],
        out=subpath(output.numbers, parent=True),
    shell:
        "python {input.code[0]} --published {input.published} --networks {input.networks:q} --studies {params.studies}"
        " --clean-studies {params.clean_studies} --reruns {params.reruns:q} --out {params.out:q} 2>&1 | tee {log:q}"
