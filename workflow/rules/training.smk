# Training batches, and the published networks from their own seeds.


# How many splits a job takes at most; a profile says otherwise by `set-scatter`, the one kind of such a line that
# Snakemake hands on to the jobs that it submits. At most as many as a block has.
scattergather:
    splits_per_job=targets.BLOCK,


# A rule for each job's splits of a study, since no wildcard can decide how many files a job writes. Its inputs and
# parameters are those of the whole block of splits, so that another number of splits to a job trains nothing again:
# what follows from a rule's input or output is no reason to rerun.
for job in targets.training_jobs(config, len(gather.splits_per_job("{scatteritem}"))):
    NAME = job.folders(BATCH_NAME)[0]

    rule:
        name:
            f"train_batch_{job.name}"
        input:
            **data_files(job.dataset, job.protocol, job.block),
            code=code("scripts/train_batch.py"),
        output:
            **{kind: [f"{folder}/{file}" for folder in job.folders(BATCH)] for kind, file in BATCH_FILES.items()},
        log:
            f"{LOGS}/train_batch/{NAME}.log",
        benchmark:
            f"{BENCHMARKS}/train_batch/{NAME}.tsv"
        wildcard_constraints:
            features="|".join(job.features),
            training_set="|".join(job.training_sets),
        # Long jobs first, so that all cores end together.
        priority: job_costs.priority([batch for batch in BATCHES.values() if job.makes(batch)], len(job.splits))
        group:
            lambda wildcards, job=job: batch_group(specs(job, wildcards))
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            # A job that fails on a cluster is tried again with more of both; on one machine runtime means nothing.
            mem_mb=lambda wildcards, attempt, job=job: attempt * job_costs.memory_mb(job.dataset),
            runtime=lambda wildcards, attempt, job=job: attempt * job_costs.limit_minutes(specs(job, wildcards)),
            gpu=GPU,
        params:
            spec=lambda wildcards, job=job: spec_text(specs(job, wildcards)[0]),
            data=subpath(input.images, parent=True),
            splits=lambda wildcards, output, job=job: split_folders(job.dataset, job.protocol, job.splits),
            also=options(also=job.also),
            out=subpath(output[0], ancestor=5),
        shell:
            logged(
                "--spec {params.spec:q} --data {params.data:q} --split {params.splits:q} {params.also:q}"
                " --out {params.out:q}"
            )


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
    priority: 150  # those on MNIST take minutes
    group:
        # As of training jobs: those on digits take about 15 seconds, those on 70,000 images up to an hour.
        lambda wildcards: "short" if number(wildcards)["dataset"] == "digits" else None
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
