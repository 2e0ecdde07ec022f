# Notebooks read the tables and draw; they train nothing.

WHOLE_CURVES = targets.whole_curves(config)
CURVES = [config["studies"][study]["dataset"] for study in config["figures"]["curves"]]
FIGURES_OF = {
    "paper_tables": [*PAPER_TABLES, "bound", "figure1"],
    "overfitting": [f"{kind}-{dataset}" for dataset in CURVES for kind in ("sides", "accuracy", "gaps")]
    + ["images-needed", "random-sign-factor"],
    "training_cost": [f"cost-{config['studies'][study]['dataset']}" for study in WHOLE_CURVES],
    "budget": ["budget"],
    "settings": ["settings"],
    "theory": [
        "verdicts",
        "emulated-bias",
        "emulated-accuracy",
        "amplification",
        "mirrored-pairs",
        "flat-direction",
        "loss-on-orbit",
        "random-angles",
        "complete-invariants",
    ],
}
FIGURES = [f"{RESULTS}/figures/{figure}.svg" for figures in FIGURES_OF.values() for figure in figures]
# One line each on the report's opening page.
FINDINGS = [
    figure
    for figure in (
        "settings",
        "verdicts",
        "table1",
        "table2",
        f"sides-{CURVES[0]}",
        "images-needed",
        f"cost-{CURVES[0]}",
        "budget",
    )
    if any(figure in figures for figures in FIGURES_OF.values())
]
CAPTIONS = {
    "table1": ("2. The paper's tables", "table1", "Table 1: raw pixels, with and without ±X"),
    "table2": ("2. The paper's tables", "table2", "Table 2: invariant features"),
    "talk": ("2. The paper's tables", "talk", "The author's later talk: MNIST"),
    "figure1": ("2. The paper's tables", "figure1", "Figure 1: a six, its inverse, its features"),
    "bound": ("3. The bound", "bound", "The bound R + R̄ ≤ 1"),
    "images-needed": ("5. Data", "images_needed", "Images needed on both X and −X"),
    "random-sign-factor": ("5. Data", "random_sign_factor", "What symmetry saves when signs are random"),
    "verdicts": ("1. Verdicts", "claims", "Every claim and its verdict"),
    "settings": ("1. Verdicts", "settings", "Where each claim holds"),
    "emulated-bias": ("8. Theory", "emulated_bias", "A saturated neuron stands in for a bias"),
    "emulated-accuracy": ("8. Theory", "emulated_accuracy", "What a bias-free copy answers on X and on −X"),
    "amplification": ("8. Theory", "amplification", "Does depth amplify small biases?"),
    "mirrored-pairs": ("8. Theory", "mirrored_pairs", "Small biases in a shallow network: a counterexample"),
    "flat-direction": ("8. Theory", "flat_direction", "A continuous symmetry makes a flat direction"),
    "loss-on-orbit": ("8. Theory", "flat_direction", "The loss along an orbit"),
    "random-angles": ("8. Theory", "random_angles", "Random angles restore the symmetry in expectation"),
    "complete-invariants": ("8. Theory", "complete_invariants", "Norms and complete invariants"),
    "budget": ("7. Budget", "budget", "Does training on ±X catch up?"),
}
for dataset in CURVES:
    CAPTIONS[f"sides-{dataset}"] = (
        "4. Over-fitting",
        "sides",
        f"On X and on −X, with the most images trained on: {dataset}",
    )
    CAPTIONS[f"accuracy-{dataset}"] = ("4. Over-fitting", "accuracy", f"Accuracy on X and on −X: {dataset}")
    CAPTIONS[f"gaps-{dataset}"] = ("4. Over-fitting", "gaps", f"Generalisation and symmetry gaps: {dataset}")
    CAPTIONS[f"cost-{dataset}"] = ("6. Cost", "cost_to_target", f"Training cost to a target: {dataset}")


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
        *drawn("paper_tables"),
        notebook=f"{RESULTS}/notebooks/paper_tables.ipynb",
    log:
        f"{LOGS}/draw_paper_tables.log",
    conda:
        "../../environment.yml"
    params:
        parameters=notebook_parameters(
            studies=[own["study"] for own in COMPARED.values()],
            clean_studies=[own["clean_study"] for own in COMPARED.values()],
            not_odd=targets.not_odd(config),
        ),
    shell:
        NOTEBOOK


use rule draw_paper_tables as draw_overfitting with:
    input:
        code=code("notebooks/overfitting.ipynb"),
        summary=rules.summarise.output,
        efficiency=rules.measure_efficiency.output,
    output:
        *drawn("overfitting"),
        notebook=f"{RESULTS}/notebooks/overfitting.ipynb",
    log:
        f"{LOGS}/draw_overfitting.log",
    params:
        parameters=notebook_parameters(curves=config["figures"]["curves"], target=config["figures"]["target"]),


use rule draw_paper_tables as draw_training_cost with:
    input:
        code=code("notebooks/training_cost.ipynb"),
        cost=rules.cost_to_target.output,
        solo=rules.time_solo.output,
    output:
        *drawn("training_cost"),
        notebook=f"{RESULTS}/notebooks/training_cost.ipynb",
    log:
        f"{LOGS}/draw_training_cost.log",
    params:
        parameters=notebook_parameters(
            curves=WHOLE_CURVES,
            target=config["figures"]["target"],
            budget={name: judged_settings.budget(config["studies"][name]) for name in WHOLE_CURVES},
        ),


use rule draw_paper_tables as draw_budget with:
    input:
        code=code("notebooks/budget.ipynb"),
        history=rules.gather_history.output,
    output:
        *drawn("budget"),
        notebook=f"{RESULTS}/notebooks/budget.ipynb",
    log:
        f"{LOGS}/draw_budget.log",
    params:
        parameters=notebook_parameters(budget=config["figures"]["budget"]),


use rule draw_paper_tables as draw_settings with:
    input:
        code=code("notebooks/settings.ipynb"),
        claims=rules.judge_claims.output.claims,
        settings=rules.judge_claims.output.settings,
    output:
        *drawn("settings"),
        notebook=f"{RESULTS}/notebooks/settings.ipynb",
    log:
        f"{LOGS}/draw_settings.log",
    params:
        parameters=notebook_parameters(),


use rule draw_paper_tables as draw_theory with:
    input:
        code=code("notebooks/theory.ipynb"),
        claims=rules.judge_claims.output.claims,
        tables=list(THEORY_TABLES),
        conditions=expand(rules.emulate_bias.output.conditions, dataset=EMULATED),
        phases=expand(rules.compare_invariants.output.phases, split=0),
    output:
        *drawn("theory"),
        notebook=f"{RESULTS}/notebooks/theory.ipynb",
    log:
        f"{LOGS}/draw_theory.log",
    params:
        parameters=notebook_parameters(emulated=EMULATED),


rule write_findings:
    input:
        code=code("scripts/write_findings.py"),
        figures=[f"{RESULTS}/figures/{figure}.png" for figure in FINDINGS],
    output:
        f"{RESULTS}/findings.rst",
    log:
        f"{LOGS}/write_findings.log",
    conda:
        "../../environment.yml"
    shell:
        logged("{input.figures:q} --out {output:q}")


# The networks that a reader may play with, all of one split.
EXPLORED = targets.explored(BATCHES)
EXPLORED_FOLDERS = batch_folders(EXPLORED)
EXPLORED_SPLIT = [BATCHES[key][name] for key in EXPLORED[:1] for name in SPLIT_KEYS]
SHOWN = {}
if EXPLORED:
    SHOWN = {"data": f"{RESULTS}/data/{EXPLORED_SPLIT[0]}", "split": split_folder(*EXPLORED_SPLIT)}


rule write_explorer:
    # A page that computes in a browser, from the weights, what the networks answer.
    input:
        code=code("scripts/write_explorer.py"),
        networks=[f"{folder}/{BATCH_FILES[kind]}" for folder in EXPLORED_FOLDERS for kind in ("networks", "weights")],
        data=list(data_files(*EXPLORED_SPLIT).values()) if EXPLORED else [],
    output:
        f"{RESULTS}/explore.html",
    log:
        f"{LOGS}/write_explorer.log",
    conda:
        "../../environment.yml"
    params:
        # As a function of the output it is no reason to rerun: the inputs say which networks are shown.
        options=lambda wildcards, output: words({"batches": EXPLORED_FOLDERS} | SHOWN),
    shell:
        logged("{params.options:q} --out {output:q}")
