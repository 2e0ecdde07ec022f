# Training batches, and the published networks from their own seeds.


rule train_batch:
    input:
        unpack(batch_data),
        code=code("scripts/train_batch.py"),
    output:
        networks=f"{BATCH}/networks.csv",
        history=f"{BATCH}/history.csv",
        timings=f"{BATCH}/timings.csv",
        weights=f"{BATCH}/weights.safetensors",
        predictions=f"{BATCH}/predictions.safetensors",
        provenance=f"{BATCH}/provenance.json",
    log:
        f"{LOGS}/train_batch/{BATCH_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/train_batch/{BATCH_NAME}.tsv"
    group:
        batch_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: job_costs.memory_mb(spec(wildcards)["dataset"]),
        gpu=GPU,
    params:
        spec=lambda wildcards: json.dumps(spec(wildcards)),
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.networks, parent=True),
    shell:
        logged("--spec {params.spec:q} --data {params.data:q} --split {params.split:q} --out {params.out:q}")


rule rerun_published:
    input:
        unpack(lambda wildcards: data_files(number(wildcards)["dataset"], "published", number(wildcards)["split_seed"])),
        code=code("scripts/rerun_published.py"),
        published=PUBLISHED,
    output:
        reruns=f"{RESULTS}/reruns/{{id}}/reruns.csv",
        perturbed=f"{RESULTS}/reruns/{{id}}/perturbed.csv",
        provenance=f"{RESULTS}/reruns/{{id}}/provenance.json",
    log:
        f"{LOGS}/rerun_published/{{id}}.log",
    benchmark:
        f"{BENCHMARKS}/rerun_published/{{id}}.tsv"
    group:
        rerun_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        gpu=GPU,
    params:
        options=lambda wildcards: words(targets.rerun_options(config, number(wildcards)["dataset"])),
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.reruns, parent=True),
    shell:
        logged(
            "--id {wildcards.id:q} --published {input.published:q} --data {params.data:q} --split {params.split:q}"
            " {params.options:q} --out {params.out:q}"
        )


TIMED_ALONE = targets.timed_alone(config, BATCHES)
TIMED_ON = [data_files(*(spec[key] for key in SPLIT_KEYS)) for spec in TIMED_ALONE]


rule time_solo:
    # More threads than there are: scaled down to all cores, so that nothing else runs meanwhile.
    input:
        code=code("scripts/time_solo.py"),
        files=sorted({path for files in TIMED_ON for path in files.values()}),
    output:
        f"{RESULTS}/tables/solo_timings.csv",
    log:
        f"{LOGS}/time_solo.log",
    benchmark:
        f"{BENCHMARKS}/time_solo.tsv"
    conda:
        "../../environment.yml"
    threads: 1024
    resources:
        mem_mb=2500,
        gpu=GPU,
    params:
        options=options(specs=json.dumps(TIMED_ALONE), **config["solo"]),
        results=subpath(output[0], ancestor=2),
    shell:
        logged("{params.options:q} --results {params.results:q} --out {output:q}")
