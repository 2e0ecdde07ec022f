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
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
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
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        gpu=int(USES_GPU),
    params:
        options=" ".join(
            f"--{key.replace('_', '-')} {config['published_numbers'][key]}"
            for key in ("perturbed_networks", "perturbed_at_a_time", "perturbation")
        )
        + f" --device {config['device']}",
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.reruns, parent=True),
    shell:
        "python {input.code[0]} --id {wildcards.id} --published {input.published} --data {params.data:q}"
        " --split {params.split:q} {params.options} --out {params.out:q} 2>&1 | tee {log:q}"
