# Source images, and which of them train and test.


rule fetch_dataset:
    input:
        code=code("scripts/fetch_dataset.py"),
    output:
        images=f"{RESULTS}/data/{{dataset}}/images.npy",
        labels=f"{RESULTS}/data/{{dataset}}/labels.npy",
    log:
        f"{LOGS}/fetch_dataset/{{dataset}}.log",
    conda:
        "../../environment.yml"
    params:
        # As a function of the output it is no reason to rerun: where downloads are kept changes no byte of the result.
        data_folder=lambda wildcards, output: config["data"],
        out=subpath(output.images, parent=True),
    shell:
        logged("--dataset {wildcards.dataset:q} --data-folder {params.data_folder:q} --out {params.out:q}")


rule make_split:
    input:
        code=code("scripts/make_split.py"),
        images=rules.fetch_dataset.output.images,
        labels=rules.fetch_dataset.output.labels,
    output:
        rows=f"{RESULTS}/splits/{{dataset}}/{{protocol}}/split-{{split}}/rows.csv",
        scaling=f"{RESULTS}/splits/{{dataset}}/{{protocol}}/split-{{split}}/scaling.csv",
    log:
        f"{LOGS}/make_split/{{dataset}}-{{protocol}}-{{split}}.log",
    conda:
        "../../environment.yml"
    params:
        data=subpath(input.images, parent=True),
        out=subpath(output.rows, parent=True),
    shell:
        logged(
            "--dataset {wildcards.dataset:q} --data {params.data:q} --protocol {wildcards.protocol:q}"
            " --split {wildcards.split:q} --out {params.out:q}"
        )
