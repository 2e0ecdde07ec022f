# On demand, `snakemake --cores all solvers`: do our ensembles reach what scikit-learn's estimator reaches?

# Two splits of the study that the digits' numbers are compared with.
SOLVER_BATCHES = [
    key for key in BATCHES if "digits" in COMPARED and key[0] == COMPARED["digits"]["study"] and key[-1] in ("0", "1")
]
SOLVER_TABLE = f"{RESULTS}/solvers/{BATCH_NAME}.csv"


rule train_scikit_learn:
    input:
        unpack(lambda wildcards: data_files(*(spec(wildcards)[key] for key in SPLIT_KEYS))),
        code=code("scripts/train_scikit_learn.py"),
    output:
        SOLVER_TABLE,
    log:
        f"{LOGS}/train_scikit_learn/{BATCH_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/train_scikit_learn/{BATCH_NAME}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        spec=lambda wildcards: spec_text(spec(wildcards)),
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
    shell:
        logged("--spec {params.spec:q} --data {params.data:q} --split {params.split:q} --out {output:q}")


rule compare_solvers:
    input:
        code=code("scripts/compare_solvers.py"),
        networks=rules.gather_networks.output,
        tables=[SOLVER_TABLE.format(**dict(zip(BATCH_KEYS, key))) for key in SOLVER_BATCHES],
    output:
        f"{RESULTS}/tables/solvers.csv",
    log:
        f"{LOGS}/compare_solvers.log",
    conda:
        "../../environment.yml"
    shell:
        logged("--networks {input.networks:q} --scikit-learn {input.tables:q} --out {output:q}")
