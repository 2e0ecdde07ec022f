# Training batches, and the published networks from their own seeds.

wildcard_constraints:
    study="[a-z0-9-]+",
    features="[a-z]+",
    training_set="original|augmented|random-sign",
    hidden_layers="[0-9-]+",
    split="[0-9]+",
    dataset="[a-z0-9]+",
    protocol="[a-z]+",
    id="[a-z0-9-]+",


BATCH = f"{RESULTS}/batches/{{study}}/{{features}}/{{training_set}}/{{hidden_layers}}/split-{{split}}"
USES_GPU = config["device"].startswith("cuda") or (config["device"] == "auto" and Path("/dev/nvidia0").exists())


def split_folder(dataset, protocol, split):
    return f"{RESULTS}/splits/{dataset}/{protocol}/split-{split}"


def batch_key(wildcards):
    return tuple(wildcards[name] for name in ("study", "features", "training_set", "hidden_layers", "split"))


def split_of(wildcards):
    spec = BATCHES[batch_key(wildcards)]
    return split_folder(spec["dataset"], spec["protocol"], spec["split"])


def batch_folders():
    return [
        BATCH.format(study=study, features=features, training_set=training_set, hidden_layers=layers, split=split)
        for study, features, training_set, layers, split in BATCHES
    ]


def batch_splits():
    return [split_folder(spec["dataset"], spec["protocol"], spec["split"]) for spec in BATCHES.values()]


rule train_batch:
    input:
        code=code("scripts/train_batch.py"),
        images=lambda wildcards: f"{RESULTS}/data/{dataset_of(wildcards.study)}/images.npy",
        labels=lambda wildcards: f"{RESULTS}/data/{dataset_of(wildcards.study)}/labels.npy",
        rows=lambda wildcards: f"{split_of(wildcards)}/rows.csv",
        scaling=lambda wildcards: f"{split_of(wildcards)}/scaling.csv",
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
    threads: 1
    resources:
        mem_mb=1000,
        gpu=int(USES_GPU),
    params:
        spec=lambda wildcards: json.dumps(BATCHES[batch_key(wildcards)]),
        data=subpath(input.images, parent=True),
        split=subpath(input.rows, parent=True),
        out=subpath(output.networks, parent=True),
    shell:
        "python {input.code[0]} --spec {params.spec:q} --data {params.data:q} --split {params.split:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


def of_number(wildcards):
    return NUMBERS[NUMBERS["id"] == wildcards.id].iloc[0]


def split_of_number(wildcards):
    number = of_number(wildcards)
    return split_folder(number["dataset"], "published", number["split_seed"])


rule rerun_published:
    input:
        code=code("scripts/rerun_published.py"),
        published=PUBLISHED,
        images=lambda wildcards: f"{RESULTS}/data/{of_number(wildcards)['dataset']}/images.npy",
        labels=lambda wildcards: f"{RESULTS}/data/{of_number(wildcards)['dataset']}/labels.npy",
        rows=lambda wildcards: f"{split_of_number(wildcards)}/rows.csv",
        scaling=lambda wildcards: f"{split_of_number(wildcards)}/scaling.csv",
    output:
        reruns=f"{RESULTS}/reruns/{{id}}/reruns.csv",
        perturbed=f"{RESULTS}/reruns/{{id}}/perturbed.csv",
        provenance=f"{RESULTS}/reruns/{{id}}/provenance.json",
    log:
        f"{RESULTS}/logs/rerun_published/{{id}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/rerun_published/{{id}}.tsv"
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
