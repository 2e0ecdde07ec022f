"""The command line by which the script judges a made-up run."""

from helpers.judging import CLAIMS, NUMBERS, STUDIES


def judging(run, out, claims_=CLAIMS, numbers=NUMBERS, results=None, theory=None, studies=None, targets=None):
    folder, made_up = run
    theory = sorted((folder / "theory").glob("*.csv")) if theory is None else theory
    studies = ["=".join((*key, study)) for key, study in STUDIES.items()] if studies is None else studies
    targets = [f"{name}={value}" for name, value in made_up.targets.items()] if targets is None else targets
    arguments = ["--claims", claims_, "--published", numbers, "--results", results or folder, "--theory", *theory]
    for name, values in (("--study", studies), ("--target", targets)):
        arguments += [part for value in values for part in (name, value)]
    return [*arguments, "--out", out / "tables/claims.csv", "--page", out / "verdicts.md"]
