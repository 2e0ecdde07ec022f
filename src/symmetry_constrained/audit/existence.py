"""What must be there follows from the configuration: each file is in the folder and in the record of hashes."""

from collections.abc import Iterator

from symmetry_constrained.audit import specs
from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.paper_tables import STEMS
from symmetry_constrained.audit.results import CONFIG, CRATE, Results

WHAT = "files that the configuration asks for"
BATCH = "networks.csv history.csv timings.csv weights.safetensors predictions.safetensors provenance.json".split()
RERUN = "reruns.csv perturbed.csv provenance.json".split()
TABLES = "networks history summary bound sample_efficiency cost_to_target solo_timings equal_terms claims".split()
TABLES += ["settings", "leak"]
NUMBERS = [f"published_numbers.{suffix}" for suffix in ("csv", "html")]
THEORY = "random_networks label_blind amplification mirrored_pairs emulated_bias orbits spectrum orbit_loss".split()
THEORY += "loss_invariance minima random_angles invariants saturated_units".split()
TRAINED = "label_blind amplification mirrored_pairs saturated_units orbits".split()  # of theory, with weights
INVARIANTS = "invariants.csv invariants.safetensors sign_symmetries.csv phase_symmetries.csv".split()
EMULATED = "{}.csv {}.safetensors {}-conditions.csv".split()
OF_THEORY = "verdicts emulated-bias emulated-accuracy amplification mirrored-pairs flat-direction".split()
OF_THEORY += "loss-on-orbit random-angles complete-invariants".split()
SOURCES = ("Snakefile", "workflow/resources/claims.yaml", "workflow/resources/published.csv")


def check(results: Results) -> Iterator[Check]:
    yield from guarded(WHAT, CONFIG, _check(results))


def _check(results: Results) -> Iterator[Check]:
    due = sorted(set(asked_for(results)))
    missing = [path for path in due if not results.exists(path) or path not in results.recorded]
    for path in missing:
        found = "not recorded" if results.exists(path) else results.fault(path)
        yield Check(WHAT, path, "a file in the folder and in its record", found, False)
    if not missing:
        yield Check(WHAT, CONFIG, f"{len(due)} files in the folder and in its record", "so", True)


def asked_for(results: Results) -> Iterator[str]:
    """The path of every file that a run of this configuration makes, but its logs and its timings by job."""
    config, batches, reruns = results.config, specs.of_run(results), specs.reruns(results)
    splits = range(config["theory"]["splits"])
    of_theory = [{"dataset": "digits", "protocol": "clean", "split": split} for split in (0, *splits)]
    for spec in (*batches.values(), *reruns.values(), *of_theory):
        yield from specs.split_files(spec)
    yield from (f"{folder}/{name}" for folder in batches for name in BATCH)
    yield from (f"reruns/{id_}/{name}" for id_ in reruns for name in RERUN)
    yield from (f"tables/{name}" for name in (*(f"{table}.csv" for table in TABLES), *NUMBERS))
    yield from (f"theory/{name}.csv" for name in THEORY)
    yield from (f"theory/{name}.safetensors" for name in TRAINED)
    yield from (f"theory/invariants/split-{split}/{name}" for split in splits for name in INVARIANTS)
    emulated = {"digits", *({"mnist"} & {spec["dataset"] for spec in batches.values()})}
    yield from (f"theory/emulated_bias/{name.format(dataset)}" for dataset in emulated for name in EMULATED)
    yield from (CONFIG, CRATE, "verdicts.md", "findings.rst", "explore.html", *(f"code/{name}" for name in SOURCES))
    papers = _paper_tables(results, reruns)
    yield from (f"tables/{stem}.{suffix}" for stem in papers for suffix in ("csv", "md"))
    for notebook, stems in drawn(results).items():
        yield from (f"notebooks/{notebook}.{suffix}" for suffix in ("ipynb", "html"))
        yield from (f"figures/{stem}.{suffix}" for stem in stems for suffix in ("svg", "png", "csv"))


def _paper_tables(results: Results, reruns: dict[str, dict]) -> list[str]:
    """The paper's tables of which a number is compared."""
    numbers = results.table(results.locate(specs.PUBLISHED))
    named = numbers.loc[numbers["id"].isin(reruns), "table"]
    return [STEMS[name] for name in dict.fromkeys(named)]


def stems(results: Results) -> list[str]:
    """Every figure that the configuration asks for."""
    return [stem for own in drawn(results).values() for stem in own]


def drawn(results: Results) -> dict[str, list[str]]:
    """By notebook, the figures that it draws and its page shows."""
    config, papers = results.config, _paper_tables(results, specs.reruns(results))
    studies, curves = config["studies"], config["figures"]["curves"]
    whole = [studies[name]["dataset"] for name in curves if 1 in studies[name]["fractions"]]
    of_curves = [f"{kind}-{studies[name]['dataset']}" for name in curves for kind in ("sides", "accuracy", "gaps")]
    return {
        "paper_tables": [*papers, "bound", "figure1"],
        "overfitting": [*of_curves, "images-needed", "random-sign-factor"],
        "training_cost": [f"cost-{dataset}" for dataset in whole],
        "budget": ["budget"],
        "settings": ["settings"],
        "theory": list(OF_THEORY),
    }
