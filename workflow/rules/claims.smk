# Every claim of the paper: experiments on its theory, and the verdicts.

# Digits without the leak: they are always there.
THEORY_DATA = data_files("digits", "clean", 0)
# Where the biases of a network may come from: every dataset of the studies that is in pictures of its own.
EMULATED = [name for name in ("digits", "mnist") if name == "digits" or name in DATASETS]
THEORY = f"{RESULTS}/theory"


rule check_random_networks:
    input:
        **THEORY_DATA,
        code=code("scripts/check_random_networks.py"),
    output:
        f"{THEORY}/random_networks.csv",
    log:
        f"{RESULTS}/logs/check_random_networks.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory/random_networks.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        options=theory_options("random_networks"),
    shell:
        "python {input.code[0]} --data {params.data:q} --split {params.split:q} {params.options} --out {output:q}"
        " 2>&1 | tee {log:q}"


rule train_label_blind:
    input:
        **THEORY_DATA,
        code=code("scripts/train_label_blind.py"),
    output:
        f"{THEORY}/label_blind.csv",
    log:
        f"{RESULTS}/logs/train_label_blind.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory/label_blind.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        options=theory_options("label_blind"),
    shell:
        "python {input.code[0]} --data {params.data:q} --split {params.split:q} {params.options} --out {output:q}"
        " 2>&1 | tee {log:q}"


rule emulate_bias:
    input:
        unpack(lambda wildcards: data_files(wildcards.dataset, "clean", 0)),
        code=code("scripts/emulate_bias.py"),
    output:
        networks=f"{THEORY}/emulated_bias/{{dataset}}.csv",
        conditions=f"{THEORY}/emulated_bias/{{dataset}}-conditions.csv",
    log:
        f"{RESULTS}/logs/emulate_bias/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory/emulated_bias-{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: dataset_memory(wildcards.dataset),
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        options=lambda wildcards: theory_options(f"emulated_bias_{wildcards.dataset}"),
    shell:
        "python {input.code[0]} --dataset {wildcards.dataset} --data {params.data:q} --split {params.split:q}"
        " {params.options} --out {output.networks:q} --conditions {output.conditions:q} 2>&1 | tee {log:q}"


rule gather_emulated_bias:
    input:
        code=code("scripts/gather_networks.py"),
        tables=expand(rules.emulate_bias.output.networks, dataset=EMULATED),
    output:
        f"{THEORY}/emulated_bias.csv",
    log:
        f"{RESULTS}/logs/gather_emulated_bias.log",
    conda:
        "../../environment.yml"
    shell:
        "python {input.code[0]} {input.tables:q} --out {output:q} 2>&1 | tee {log:q}"


rule amplify_bias:
    input:
        **THEORY_DATA,
        code=code("scripts/amplify_bias.py"),
    output:
        f"{THEORY}/amplification.csv",
    log:
        f"{RESULTS}/logs/amplify_bias.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory/amplification.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        options=theory_options("amplification"),
    shell:
        "python {input.code[0]} --data {params.data:q} --split {params.split:q} {params.options} --out {output:q}"
        " 2>&1 | tee {log:q}"


rule measure_orbits:
    input:
        **THEORY_DATA,
        code=code("scripts/measure_orbits.py"),
    output:
        orbits=f"{THEORY}/orbits.csv",
        spectrum=f"{THEORY}/spectrum.csv",
        orbit_loss=f"{THEORY}/orbit_loss.csv",
        loss_invariance=f"{THEORY}/loss_invariance.csv",
        minima=f"{THEORY}/minima.csv",
        random_angles=f"{THEORY}/random_angles.csv",
    log:
        f"{RESULTS}/logs/measure_orbits.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory/orbits.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.orbits, parent=True),
        options=theory_options("orbits"),
    shell:
        "python {input.code[0]} --data {params.data:q} --split {params.split:q} {params.options} --out {params.out:q}"
        " 2>&1 | tee {log:q}"


rule compare_invariants:
    input:
        unpack(lambda wildcards: data_files("digits", "clean", wildcards.split)),
        code=code("scripts/compare_invariants.py"),
    output:
        invariants=f"{THEORY}/invariants/split-{{split}}/invariants.csv",
        signs=f"{THEORY}/invariants/split-{{split}}/sign_symmetries.csv",
        phases=f"{THEORY}/invariants/split-{{split}}/phase_symmetries.csv",
    log:
        f"{RESULTS}/logs/compare_invariants/{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory/invariants-{{split}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.invariants, parent=True),
        options=theory_options("invariants"),
    shell:
        "python {input.code[0]} --data {params.data:q} --split {params.split:q} {params.options}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule gather_invariants:
    input:
        code=code("scripts/gather_networks.py"),
        tables=expand(rules.compare_invariants.output.invariants, split=range(config["theory"]["splits"])),
    output:
        f"{THEORY}/invariants.csv",
    log:
        f"{RESULTS}/logs/gather_invariants.log",
    conda:
        "../../environment.yml"
    shell:
        "python {input.code[0]} {input.tables:q} --out {output:q} 2>&1 | tee {log:q}"


rule compare_on_equal_terms:
    input:
        code=code("scripts/compare_on_equal_terms.py"),
        history=rules.gather_history.output,
        solo=rules.time_solo.output,
    output:
        f"{RESULTS}/tables/equal_terms.csv",
    log:
        f"{RESULTS}/logs/compare_on_equal_terms.log",
    conda:
        "../../environment.yml"
    params:
        study=config["figures"]["budget"],
    shell:
        "python {input.code[0]} --history {input.history:q} --study {params.study} --solo {input.solo:q}"
        " --out {output:q} 2>&1 | tee {log:q}"


# What a claim may be judged by, beside the tables of the studies.
THEORY_TABLES = [
    rules.check_random_networks.output[0],
    rules.train_label_blind.output[0],
    rules.gather_emulated_bias.output[0],
    rules.amplify_bias.output[0],
    *rules.measure_orbits.output,
    rules.gather_invariants.output[0],
    *expand(rules.compare_invariants.output.signs, split=0),
]


rule judge_claims:
    input:
        code=code("scripts/judge_claims.py"),
        claims="workflow/resources/claims.yaml",
        published=PUBLISHED,
        networks=rules.gather_networks.output,
        history=rules.gather_history.output,
        solo=rules.time_solo.output,
        terms=rules.compare_on_equal_terms.output,
        efficiency=rules.measure_efficiency.output,
        bound=rules.check_bound.output,
        theory=THEORY_TABLES,
    output:
        claims=report(
            f"{RESULTS}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Verdicts",
            labels={"result": "Every contrast judged (CSV)"},
        ),
        page=f"{RESULTS}/verdicts.md",
    log:
        f"{RESULTS}/logs/judge_claims.log",
    conda:
        "../../environment.yml"
    params:
        studies=judged_studies(),
        targets=" ".join(f"--target {name}={value}" for name, value in config["figures"]["target"].items()),
        results=subpath(output.claims, ancestor=2),
    shell:
        "python {input.code[0]} --claims {input.claims} --published {input.published} --results {params.results:q}"
        " --theory {input.theory:q} {params.studies} {params.targets} --out {output.claims:q} --page {output.page:q}"
        " 2>&1 | tee {log:q}"
