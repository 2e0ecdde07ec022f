"""Made-up tables that claims are judged by."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.histories import history, solo
from helpers.synthetic import at, networks
from symmetry_constrained.analysis import equal_terms, sample_efficiency
from symmetry_constrained.training.spec import RECIPE
from symmetry_constrained.verdicts import published
from symmetry_constrained.verdicts.run_tables import Tables
from symmetry_constrained.verdicts.settings import Setting

ROOT = Path(__file__).parents[2]
CLAIMS, NUMBERS = (ROOT / "workflow/resources" / name for name in ("claims.yaml", "published.csv"))
PAIRS = [(split, seed) for split in range(4) for seed in (3, 5, 8, 9, 11)]
FRACTIONS, IMAGES = (0.01, 0.03, 0.1, 0.3, 1.0), np.array([10, 30, 100, 300, 1000])


def setting(name, study, dataset="digits", protocol="clean", hidden_layers="10-5", paper=False, **changes):
    given = RECIPE | {"budget": "200 evaluations", "trained_on": "all images", "label": f"in {name}"} | changes
    given.setdefault("leaks", (dataset, protocol) == ("digits", "published"))
    return Setting(name, given.pop("label"), study, dataset, protocol, hidden_layers, **given, paper=paper)


SETTINGS = [
    setting("paper", "digits-published", protocol="published", paper=True),
    setting("no-leak", "digits-clean", averaged={"logits": "digits-averaged"}),
    setting("mnist", "mnist-clean", "mnist"),
]
STUDIES = {(one.protocol, one.dataset): one.study for one in SETTINGS}


# (features, training set, network): accuracy on X and on −X with all images.
MODELS = {
    ("identity", "original", "biased"): (0.82, 0.03),
    ("identity", "original", "bias-free"): (0.83, 0.01),
    ("identity", "augmented", "biased"): (0.70, 0.68),
    ("identity", "augmented", "bias-free"): (0.12, 0.09),
    ("identity", "random-sign", "biased"): (0.71, 0.69),
    ("square", "original", "biased"): (0.65, 0.65),
    ("square", "original", "bias-free"): (0.66, 0.66),
    ("neighbour", "original", "biased"): (0.86, 0.86),
    ("neighbour", "original", "bias-free"): (0.83, 0.83),
    ("permuted", "original", "biased"): (0.83, 0.83),
    ("permuted", "original", "bias-free"): (0.81, 0.81),
    ("canonical", "original", "biased"): (0.84, 0.84),
    ("canonical", "original", "bias-free"): (0.83, 0.83),
}


def made_up(study, protocol, dataset="digits", fractions=(1.0,), pairs=PAIRS):
    """`networks.csv` of a study: every model of the paper, each network a little off its mean."""
    random = np.random.default_rng([len(study), len(pairs)])
    parts = []
    for (features, training_set, network), means in MODELS.items():
        lost = 0.1 * np.log(1 / np.array(fractions))[:, None]
        noise = random.normal(0, 0.02, (len(fractions), len(pairs)))
        own = 0 if means[0] == means[1] else random.normal(0, 0.01, noise.shape)
        accuracies = [np.clip(mean - lost + noise + more, 0, 1) for mean, more in zip(means, (0, own), strict=True)]
        parts.append(
            networks(
                features,
                training_set,
                network,
                fractions=fractions,
                pairs=pairs,
                test_accuracy=accuracies[0],
                inverted_accuracy=accuracies[1],
                train_accuracy=np.clip(accuracies[0] + 0.05 + random.normal(0, 0.01, noise.shape), 0, 1),
            )
        )
    return at(*parts).assign(study=study, protocol=protocol, dataset=dataset)


def averaged():
    """`networks.csv` of a study that is as digits-clean, but averages logits."""
    rows = made_up("digits-averaged", "clean")
    rows = rows[(rows["features"] == "canonical") & (rows["network"] == "biased")]
    return rows.assign(features="identity", training_set="original")


def course(features, training_set, reach, **model):
    """`history.csv` of twenty networks that rise to `reach`, each at its own pace."""
    pace = np.random.default_rng(len(features)).uniform(0.7, 1, (len(PAIRS), 1))
    rise = np.minimum(reach, reach * pace * np.array([0.3, 0.5, 0.8, 1.1, 1.4]))
    table = history(rise, pairs=PAIRS, features=features, training_set=training_set, **model)
    return table.assign(study="digits-clean", n_train=1000 * (2 if training_set == "augmented" else 1))


def tables() -> Tables:
    """A whole run, made up."""
    trained = at(
        made_up("digits-published", "published"),
        made_up("digits-clean", "clean", fractions=FRACTIONS),
        made_up("mnist-clean", "clean", "mnist", FRACTIONS, PAIRS[:3]),
        averaged(),
    )
    courses = at(
        course("identity", "augmented", 0.65),
        course("canonical", "original", 0.85),
        course("neighbour", "original", 0.9),
    )
    timings = at(solo(features="canonical"), solo(training_set="augmented").assign(seconds_per_evaluation=0.02))
    timings = timings.assign(study="digits-clean", n_train=[1000, 2000])
    random = {"hidden_layers": ["10", "10-5"] * 3, "scale": 1.0, "n": 500, "violation": [0, 0, 1e-15, 0, 2e-15, 0]}
    properties = {"property": ["odd", "odd", "label-blind", "label-blind", "bound", "bound"]}
    labels = [(name, seed) for name in ("true", "shuffled") for seed in range(10)]
    blind = pd.DataFrame(labels, columns=["labels", "seed"]).assign(split=0, distance=1e-5)
    blind["accuracy"] = 0.1 + 0.01 * np.sin(np.arange(20))
    bound = {"study": "digits-clean", "dataset": "digits", "protocol": "clean", "networks": [12, 13]}
    return Tables(
        networks=trained,
        history=courses,
        solo=timings,
        others={
            "equal_terms": equal_terms.equal_terms(courses, timings, 100),
            "images": sample_efficiency.sample_efficiency(trained, {"digits": [0.6, 0.75], "mnist": [0.6]}),
            "bound": pd.DataFrame(
                bound | {"network": ["biased", "bias-free"], "function": ["not odd", "odd"], "violations": [0, 0]}
            ),
            "theory/random_networks": pd.DataFrame(random | properties),
            "theory/label_blind": blind,
        },
        numbers=published.read(NUMBERS),
        settings=SETTINGS,
        targets={"digits": [0.6], "mnist": [0.6]},
    )


FILES = {"equal_terms": "tables/equal_terms", "images": "tables/sample_efficiency", "bound": "tables/bound"}


def write(given: Tables, results: Path) -> None:
    """The tables as a run leaves them."""
    files = {"tables/networks": given.networks, "tables/history": given.history, "tables/solo_timings": given.solo}
    files |= {FILES.get(name, name): table for name, table in given.others.items()}
    for name, table in files.items():
        path = results / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False)


def as_json(settings):
    """Settings as the script takes them."""
    named = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in settings}
    return json.dumps(named, ensure_ascii=False)


def arguments(run, out, claims_=CLAIMS, numbers=NUMBERS, studies=None, theory=None, settings=None, targets=None):
    """Command line of the script that judges claims. run: the folder of a made-up run, and its tables."""
    folder, given = run
    theory = sorted((folder / "theory").glob("*.csv")) if theory is None else theory
    settings = as_json(SETTINGS) if settings is None else settings
    if targets is None:
        targets = [f"{name}={value}" for name, values in given.targets.items() for value in values]
    studies = sorted((folder / "tables").glob("*.csv")) if studies is None else studies
    words = ["--claims", claims_, "--published", numbers, "--results", folder, "--benchmarks", folder / "benchmarks"]
    words += ["--tables", *studies, "--theory", *theory]
    words += ["--settings", settings, *(part for value in targets for part in ("--target", value))]
    return [*words, "--out", out / "tables", "--page", out / "verdicts.md"]
