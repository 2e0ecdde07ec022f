# Every claim of the paper: experiments on its theory, and the verdicts.

# Digits without the leak, which need no download.
THEORY_DATA = data_files("digits", "clean", 0)
# Where a network's biases may come from: every dataset of the studies that has pictures of its own.
STUDIED_DATA = {spec["dataset"] for spec in BATCHES.values()}
EMULATED = [name for name in ("digits", "mnist") if name == "digits" or name in STUDIED_DATA]
THEORY = f"{RESULTS}/theory"
# Priorities are the seconds that an experiment takes, as of training jobs: long ones first.
# Over these splits invariants are compared, and mirrored pairs and networks without Σx trained.
THEORY_SPLITS = range(config["theory"]["splits"])
THEORY_SPLIT = split_folder("digits", "clean", "{split}")


rule check_random_networks:
    input:
        **THEORY_DATA,
        code=code("scripts/check_random_networks.py"),
    output:
        f"{THEORY}/random_networks.csv",
    log:
        f"{LOGS}/check_random_networks.log",
    benchmark:
        f"{BENCHMARKS}/theory/random_networks.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        options=options(**config["theory"]["random_networks"]),
        out=lambda wildcards, output: output[0],
    shell:
        logged("--data {params.data:q} --split {params.split:q} {params.options:q} --out {params.out:q}")


use rule check_random_networks as train_label_blind with:
    input:
        **THEORY_DATA,
        code=code("scripts/train_label_blind.py"),
    output:
        networks=f"{THEORY}/label_blind.csv",
        weights=f"{THEORY}/label_blind.safetensors",
    log:
        f"{LOGS}/train_label_blind.log",
    benchmark:
        f"{BENCHMARKS}/theory/label_blind.tsv"
    params:
        options=options(**config["theory"]["label_blind"]),


use rule check_random_networks as amplify_bias with:
    input:
        **THEORY_DATA,
        code=code("scripts/amplify_bias.py"),
    output:
        networks=f"{THEORY}/amplification.csv",
        weights=f"{THEORY}/amplification.safetensors",
    log:
        f"{LOGS}/amplify_bias.log",
    benchmark:
        f"{BENCHMARKS}/theory/amplification.tsv"
    priority: 110
    params:
        options=options(**config["theory"]["amplification"]),


use rule check_random_networks as train_mirrored_pairs with:
    input:
        images=THEORY_DATA["images"],
        labels=THEORY_DATA["labels"],
        rows=expand(f"{THEORY_SPLIT}/rows.csv", split=THEORY_SPLITS),
        scaling=expand(f"{THEORY_SPLIT}/scaling.csv", split=THEORY_SPLITS),
        code=code("scripts/train_mirrored_pairs.py"),
    output:
        networks=f"{THEORY}/mirrored_pairs.csv",
        weights=f"{THEORY}/mirrored_pairs.safetensors",
    log:
        f"{LOGS}/train_mirrored_pairs.log",
    benchmark:
        f"{BENCHMARKS}/theory/mirrored_pairs.tsv"
    priority: 60
    params:
        split=expand(THEORY_SPLIT, split=THEORY_SPLITS),
        options=options(**config["theory"]["mirrored_pairs"]),


use rule check_random_networks as train_saturated_units with:
    input:
        images=THEORY_DATA["images"],
        labels=THEORY_DATA["labels"],
        rows=expand(f"{THEORY_SPLIT}/rows.csv", split=THEORY_SPLITS),
        scaling=expand(f"{THEORY_SPLIT}/scaling.csv", split=THEORY_SPLITS),
        code=code("scripts/train_saturated_units.py"),
    output:
        networks=f"{THEORY}/saturated_units.csv",
        weights=f"{THEORY}/saturated_units.safetensors",
    log:
        f"{LOGS}/train_saturated_units.log",
    benchmark:
        f"{BENCHMARKS}/theory/saturated_units.tsv"
    priority: 30
    params:
        split=expand(THEORY_SPLIT, split=THEORY_SPLITS),
        options=options(**config["theory"]["saturated_units"]),


use rule check_random_networks as measure_orbits with:
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
        weights=f"{THEORY}/orbits.safetensors",
    log:
        f"{LOGS}/measure_orbits.log",
    benchmark:
        f"{BENCHMARKS}/theory/orbits.tsv"
    priority: 120
    resources:
        mem_mb=1500,
    params:
        options=options(**config["theory"]["orbits"]),
        out=subpath(output.orbits, parent=True),


use rule check_random_networks as compare_invariants with:
    input:
        unpack(lambda wildcards: data_files("digits", "clean", wildcards.split)),
        code=code("scripts/compare_invariants.py"),
    output:
        invariants=f"{THEORY}/invariants/split-{{split}}/invariants.csv",
        weights=f"{THEORY}/invariants/split-{{split}}/invariants.safetensors",
        signs=f"{THEORY}/invariants/split-{{split}}/sign_symmetries.csv",
        phases=f"{THEORY}/invariants/split-{{split}}/phase_symmetries.csv",
    log:
        f"{LOGS}/compare_invariants/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/theory/invariants-{{split}}.tsv"
    resources:
        mem_mb=1500,
    params:
        options=options(**config["theory"]["invariants"]),
        out=subpath(output.invariants, parent=True),


rule emulate_bias:
    input:
        unpack(lambda wildcards: data_files(wildcards.dataset, "clean", 0)),
        code=code("scripts/emulate_bias.py"),
    output:
        networks=f"{THEORY}/emulated_bias/{{dataset}}.csv",
        weights=f"{THEORY}/emulated_bias/{{dataset}}.safetensors",
        conditions=f"{THEORY}/emulated_bias/{{dataset}}-conditions.csv",
    log:
        f"{LOGS}/emulate_bias/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/theory/emulated_bias-{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: job_costs.memory_mb(wildcards.dataset),
    params:
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        options=lambda wildcards: words(config["theory"][f"emulated_bias_{wildcards.dataset}"]),
    shell:
        logged(
            "--dataset {wildcards.dataset:q} --data {params.data:q} --split {params.split:q} {params.options:q}"
            " --out {output.networks:q} --conditions {output.conditions:q}"
        )


use rule gather_networks as gather_emulated_bias with:
    input:
        code=code("scripts/gather_networks.py"),
        tables=expand(rules.emulate_bias.output.networks, dataset=EMULATED),
    output:
        f"{THEORY}/emulated_bias.csv",
    log:
        f"{LOGS}/gather_emulated_bias.log",


use rule gather_networks as gather_invariants with:
    input:
        code=code("scripts/gather_networks.py"),
        tables=expand(rules.compare_invariants.output.invariants, split=THEORY_SPLITS),
    output:
        f"{THEORY}/invariants.csv",
    log:
        f"{LOGS}/gather_invariants.log",


JUDGED_STUDIES = list(dict.fromkeys(setting["study"] for setting in SETTINGS.values()))


use rule cost_to_target as compare_on_equal_terms with:
    input:
        code=code("scripts/compare_on_equal_terms.py"),
        history=rules.gather_history.output,
        solo=rules.time_solo.output,
    output:
        f"{RESULTS}/tables/equal_terms.csv",
    log:
        f"{LOGS}/compare_on_equal_terms.log",
    params:
        options=options(studies=JUDGED_STUDIES),


# What a claim may be judged by, beside the tables of the studies: each with the benchmarks of what makes it.
THEORY_TABLES = {
    rules.check_random_networks.output[0]: [rules.check_random_networks.benchmark],
    rules.train_label_blind.output.networks: [rules.train_label_blind.benchmark],
    rules.gather_emulated_bias.output[0]: expand(rules.emulate_bias.benchmark, dataset=EMULATED),
    rules.amplify_bias.output.networks: [rules.amplify_bias.benchmark],
    rules.train_mirrored_pairs.output.networks: [rules.train_mirrored_pairs.benchmark],
    rules.train_saturated_units.output.networks: [rules.train_saturated_units.benchmark],
    **{path: [rules.measure_orbits.benchmark] for path in rules.measure_orbits.output if path.endswith(".csv")},
    rules.gather_invariants.output[0]: expand(rules.compare_invariants.benchmark, split=THEORY_SPLITS),
    **{
        path: expand(rules.compare_invariants.benchmark, split=0)
        for path in expand(rules.compare_invariants.output.signs, split=0)
    },
}


rule judge_claims:
    input:
        code=code("scripts/judge_claims.py"),
        claims=CLAIMS,
        published=PUBLISHED,
        tables=[
            rules.gather_networks.output[0],
            rules.gather_history.output[0],
            rules.time_solo.output[0],
            rules.compare_on_equal_terms.output[0],
            rules.measure_efficiency.output[0],
            rules.check_bound.output[0],
        ],
        theory=list(THEORY_TABLES),
    output:
        claims=report(
            f"{RESULTS}/tables/claims.csv",
            caption="../report/claims.rst",
            category="1. Verdicts",
            labels={"result": "Every contrast judged (CSV)"},
        ),
        settings=f"{RESULTS}/tables/settings.csv",
        leak=f"{RESULTS}/tables/leak.csv",
        page=f"{RESULTS}/verdicts.md",
    log:
        f"{LOGS}/judge_claims.log",
    conda:
        "../../environment.yml"
    params:
        options=options(settings=json.dumps(SETTINGS, ensure_ascii=False), target=config["targets"]),
        # As functions of the output they are no reason to rerun: they follow from the inputs.
        jobs=lambda wildcards, output: words({"jobs": {part.of: timed_jobs(part) for part in CLAIM_PARTS.values()}}),
        benchmarks=lambda wildcards, output: BENCHMARKS,
        results=lambda wildcards, output: RESULTS,
        out=subpath(output.claims, parent=True),
    shell:
        logged(
            "--claims {input.claims:q} --published {input.published:q} --tables {input.tables:q}"
            " --theory {input.theory:q} --results {params.results:q} --benchmarks {params.benchmarks:q}"
            " {params.jobs:q} {params.options:q} --out {params.out:q} --page {output.page:q}"
        )
