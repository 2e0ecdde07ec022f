# On demand, `make benchmark`: how fast networks are trained here, by us and by others. Measurements of this machine,
# so they belong to no run: the manifest does not record them, and they may be made again at any time.

MEASURED = [f"benchmarks/{name}.csv" for name in ("throughput", "accuracies", "peaks", "scaling")]
MEASURED += [f"figures/{name}.{suffix}" for name in ("roofline", "scaling") for suffix in ("svg", "png", "csv")]
MEASURED += ["notebooks/throughput.ipynb", "notebooks/throughput.html"]
MEASURED += [f"logs/{name}.log" for name in ("measure_throughput", "measure_scaling", "draw_throughput")]


rule measure_throughput:
    # More threads than there are, as for time_solo: nothing else runs meanwhile.
    input:
        code=code("scripts/measure_throughput.py"),
    output:
        [f"{BENCHMARKS}/{name}.csv" for name in ("throughput", "accuracies", "peaks")],
    log:
        f"{LOGS}/measure_throughput.log",
    conda:
        "../../environment.yml"
    threads: 1024
    resources:
        mem_mb=12000,
        gpu=GPU,
    params:
        # As a function of the output it is no reason to rerun.
        data_folder=lambda wildcards, output: config["data"],
        options=options(device=config["device"]),
        out=subpath(output[0], parent=True),
    shell:
        logged("--data-folder {params.data_folder:q} {params.options:q} --out {params.out:q}")


use rule measure_throughput as measure_scaling with:
    input:
        code=code("scripts/measure_scaling.py"),
    output:
        f"{BENCHMARKS}/scaling.csv",
    log:
        f"{LOGS}/measure_scaling.log",
    resources:
        mem_mb=4000,
        gpu=GPU,
    params:
        out=lambda wildcards, output: output[0],


use rule draw_paper_tables as draw_throughput with:
    input:
        code=code("notebooks/throughput.ipynb"),
        throughput=rules.measure_throughput.output,
        scaling=rules.measure_scaling.output,
    output:
        [f"{RESULTS}/figures/{name}.{suffix}" for name in ("roofline", "scaling") for suffix in ("svg", "png", "csv")],
        page=f"{RESULTS}/notebooks/throughput.html",
        notebook=f"{RESULTS}/notebooks/throughput.ipynb",
    log:
        f"{LOGS}/draw_throughput.log",
    params:
        parameters=notebook_parameters(),
