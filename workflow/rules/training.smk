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
        f"{RESULTS}/logs/train_batch/{{study}}-{{features}}-{{training_set}}-{{hidden_layers}}-{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_batch/{{study}}-{{features}}-{{training_set}}-{{hidden_layers}}-{{split}}.tsv"
    group:
        batch_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory,
        gpu=int(USES_GPU),
    params:
        spec=lambda wildcards: json.dumps(spec(wildcards)),
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.networks, parent=True),
    shell:
        "python {input.code[0]} --spec {params.spec:q} --data {params.data:q} --split {params.split:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule rerun_published:
    input:
        unpack(number_data),
        code=code("scripts/rerun_published.py"),
        published=PUBLISHED,
    output:
        reruns=f"{RESULTS}/reruns/{{id}}/reruns.csv",
        perturbed=f"{RESULTS}/reruns/{{id}}/perturbed.csv",
        provenance=f"{RESULTS}/reruns/{{id}}/provenance.json",
    log:
        f"{RESULTS}/logs/rerun_published/{{id}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/rerun_published/{{id}}.tsv"
    group:
        rerun_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        gpu=int(USES_GPU),
    params:
        options=rerun_options,
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.reruns, parent=True),
    shell:
        "python {input.code[0]} --id {wildcards.id} --published {input.published} --data {params.data:q}"
        " --split {params.split:q} {params.options} --out {params.out:q} 2>&1 | tee {log:q}"


rule time_solo:
    # More threads than there are: scaled down to all cores, so that nothing else runs meanwhile.
    input:
        code=code("scripts/time_solo.py"),
        files=SOLO_FILES,
    output:
        f"{RESULTS}/tables/solo_timings.csv",
    log:
        f"{RESULTS}/logs/time_solo.log",
    benchmark:
        f"{RESULTS}/benchmarks/time_solo.tsv"
    conda:
        "../../environment.yml"
    threads: 1024
    resources:
        mem_mb=2500,
        gpu=int(USES_GPU),
    params:
        specs=json.dumps([BATCHES[key] for key in SOLO_KEYS]),
        results=subpath(output[0], ancestor=2),
        repeats=config["solo"]["repeats"],
        max_evaluations=config["solo"]["max_evaluations"],
    shell:
        "python {input.code[0]} --specs {params.specs:q} --results {params.results:q} --repeats {params.repeats}"
        " --max-evaluations {params.max_evaluations} --out {output:q} 2>&1 | tee {log:q}"
