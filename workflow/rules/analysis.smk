# From all networks to the tables.


rule gather_networks:
    input:
        code=code("scripts/gather_networks.py"),
        tables=[f"{folder}/networks.csv" for folder in BATCH_FOLDERS],
    output:
        f"{RESULTS}/tables/networks.csv",
    log:
        f"{LOGS}/gather_networks.log",
    conda:
        "../../environment.yml"
    shell:
        logged("{input.tables:q} --out {output:q}")


use rule gather_networks as gather_history with:
    input:
        code=code("scripts/gather_networks.py"),
        tables=[f"{folder}/history.csv" for folder in BATCH_FOLDERS],
    output:
        f"{RESULTS}/tables/history.csv",
    log:
        f"{LOGS}/gather_history.log",


rule summarise:
    input:
        code=code("scripts/summarise.py"),
        networks=rules.gather_networks.output,
    output:
        report(
            f"{RESULTS}/tables/summary.csv",
            caption="../report/summary.rst",
            category="4. Over-fitting",
            labels={"result": "Every mean with its interval (CSV)"},
        ),
    log:
        f"{LOGS}/summarise.log",
    conda:
        "../../environment.yml"
    params:
        options=[],
    shell:
        logged("--networks {input.networks:q} {params.options:q} --out {output:q}")


use rule summarise as measure_efficiency with:
    input:
        code=code("scripts/measure_efficiency.py"),
        networks=rules.gather_networks.output,
    output:
        report(
            f"{RESULTS}/tables/sample_efficiency.csv",
            caption="../report/images_needed.rst",
            category="5. Data",
            labels={"result": "Images needed (CSV)"},
        ),
    log:
        f"{LOGS}/measure_efficiency.log",
    params:
        options=options(target=config["targets"]),


rule cost_to_target:
    input:
        code=code("scripts/cost_to_target.py"),
        history=rules.gather_history.output,
        solo=rules.time_solo.output,
    output:
        report(
            f"{RESULTS}/tables/cost_to_target.csv",
            caption="../report/cost_to_target.rst",
            category="6. Cost",
            labels={"result": "Cost to target (CSV)"},
        ),
    log:
        f"{LOGS}/cost_to_target.log",
    conda:
        "../../environment.yml"
    params:
        options=options(target=config["targets"]),
    shell:
        logged("--history {input.history:q} --solo {input.solo:q} {params.options:q} --out {output:q}")


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
            category="3. The bound",
            labels={"result": "The largest R + R̄ of every cell (CSV)"},
        ),
    log:
        f"{LOGS}/check_bound.log",
    conda:
        "../../environment.yml"
    params:
        batches=BATCH_FOLDERS,
        splits=BATCH_SPLITS,
        options=options(not_odd=targets.not_odd(config)),
    shell:
        logged("--batches {params.batches:q} --splits {params.splits:q} {params.options:q} --out {output:q}")


rule judge_published:
    input:
        code=code("scripts/judge_published.py"),
        published=PUBLISHED,
        networks=rules.gather_networks.output,
        reruns=expand(rules.rerun_published.output.reruns, id=IDS),
        perturbed=expand(rules.rerun_published.output.perturbed, id=IDS),
    output:
        numbers=report(
            f"{RESULTS}/tables/published_numbers.csv",
            caption="../report/published_numbers.rst",
            category="2. The paper's tables",
            labels={"result": "Every published number judged (CSV)"},
        ),
        page=report(
            f"{RESULTS}/tables/published_numbers.html",
            caption="../report/paper_tables.rst",
            category="2. The paper's tables",
            labels={"result": "Tables 1 and 2, number by number"},
        ),
        tables=expand(f"{RESULTS}/tables/{{table}}.csv", table=PAPER_TABLES),
        markdown=expand(f"{RESULTS}/tables/{{table}}.md", table=PAPER_TABLES),
    log:
        f"{LOGS}/judge_published.log",
    conda:
        "../../environment.yml"
    params:
        options=options(
            studies=[settings["study"] for settings in COMPARED.values()],
            clean_studies=[settings["clean_study"] for settings in COMPARED.values()],
        ),
        reruns=[f"{RESULTS}/reruns/{id}" for id in IDS],
        out=subpath(output.numbers, parent=True),
    shell:
        logged(
            "--published {input.published:q} --networks {input.networks:q} {params.options:q}"
            " --reruns {params.reruns:q} --out {params.out:q}"
        )
