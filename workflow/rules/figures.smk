# Notebooks read the tables and draw; they train nothing.

FIGURES = expand(f"{RESULTS}/figures/{{name}}.svg", name=["table1", "table2", "bound", "figure1"])


rule draw_paper_tables:
    input:
        code=code("notebooks/paper_tables.ipynb"),
        networks=rules.gather_networks.output,
        numbers=rules.judge_published.output.numbers,
        tables=rules.judge_published.output.tables,
        bound=rules.check_bound.output,
        images=f"{RESULTS}/data/digits/images.npy",
        labels=f"{RESULTS}/data/digits/labels.npy",
        rows=f"{RESULTS}/splits/digits/published/split-0/rows.csv",
        scaling=f"{RESULTS}/splits/digits/published/split-0/scaling.csv",
    output:
        table1=report(
            f"{RESULTS}/figures/table1.svg",
            caption="../report/table1.rst",
            category="The paper's tables",
            labels={"result": "Table 1: raw pixels, with and without ±X"},
        ),
        table2=report(
            f"{RESULTS}/figures/table2.svg",
            caption="../report/table2.rst",
            category="The paper's tables",
            labels={"result": "Table 2: invariant features"},
        ),
        bound=report(
            f"{RESULTS}/figures/bound.svg",
            caption="../report/bound.rst",
            category="The bound",
            labels={"result": "The bound R + R̄ ≤ 1"},
        ),
        figure1=report(
            f"{RESULTS}/figures/figure1.svg",
            caption="../report/figure1.rst",
            category="The paper's tables",
            labels={"result": "Figure 1: a six, its inverse, its features"},
        ),
        others=expand(
            f"{RESULTS}/figures/{{name}}.{{suffix}}",
            name=["table1", "table2", "bound", "figure1"],
            suffix=["png", "csv"],
        ),
        notebook=f"{RESULTS}/notebooks/paper_tables.ipynb",
        html=f"{RESULTS}/notebooks/paper_tables.html",
    log:
        f"{RESULTS}/logs/draw_paper_tables.log",
    conda:
        "../../environment.yml"
    params:
        results=os.path.relpath(RESULTS, "notebooks"),
    shell:
        "papermill -k python3 --cwd notebooks -p results {params.results:q} --no-progress-bar"
        " {input.code[0]} {output.notebook:q} > {log:q} 2>&1"
        " && python -m nbconvert --to html --log-level WARN {output.notebook:q} >> {log:q} 2>&1"
