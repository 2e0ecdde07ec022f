"""The specification of each batch and rerun by the configuration, compared with what their provenance records."""

from collections.abc import Iterator
from contextlib import suppress

import pandas as pd

from symmetry_constrained.audit import leftovers
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.results import CONFIG, Results

SPEC, INPUTS = "provenance and configuration", "inputs as they were used"
PUBLISHED = "workflow/resources/published.csv"
USUAL = {"activation": "tanh", "averaging": "none", "start": "ordinary", "optimiser": "lbfgs"}  # of a study
# Of all batches, part 0 of 1, or part i of n: whoever checks them batch by batch can be asked for a part.
Share = tuple[int, int]
WHOLE = (0, 1)
RERUN_KEYS = ("solvers", "budgets", "perturbed_networks")


def of_run(results: Results) -> dict[str, dict]:
    """Every batch's folder -> its spec, in the order of the configuration.

    If the configuration is not as recorded, or can't be read: by the batches' own provenance, by folder.
    """
    with suppress(Exception):
        if not results.changed(CONFIG):
            return _of_config(results.config)
    found = {}
    left = leftovers.of(results)
    for path in sorted(results.folder.glob("batches/**/provenance.json")):
        folder = path.parent.relative_to(results.folder).as_posix()
        if f"{folder}/provenance.json" in left:
            continue
        with suppress(Exception):
            found[folder] = results.json(f"{folder}/provenance.json")["spec"]
    return found


def of_share(results: Results, share: Share = WHOLE) -> dict[str, dict]:
    """Of all batches, the part with this number of so many parts."""
    told, (number, of) = list(of_run(results).items()), share
    return dict(told[len(told) * number // of : len(told) * (number + 1) // of])


def _of_config(config: dict) -> dict[str, dict]:
    specs = {}
    for name, study in config["studies"].items():
        for features, training_sets in study["features"].items():
            for training_set in training_sets:
                for layers in study["hidden_layers"]:
                    for split in _numbers(study["splits"]):
                        folder = f"batches/{name}/{features}/{training_set}/{hyphens(layers)}/split-{split}"
                        specs[folder] = {
                            "study": name,
                            "dataset": study["dataset"],
                            "protocol": study["protocol"],
                            "split": split,
                            "features": features,
                            "training_set": training_set,
                            "hidden_layers": layers,
                            "fractions": study["fractions"],
                            "networks": study["networks"],
                            "seeds": _numbers(study["seeds"]),
                            "budget": study["budget"],
                            "checkpoints": study["checkpoints"],
                            "alpha": config["alpha"],
                            "dtype": config["dtype"],
                            "device": config["device"],
                            **{key: study.get(key, usual) for key, usual in USUAL.items()},
                            "trained_as": study.get("trained_as", {}).get(features),
                        }
    return specs


def _numbers(value: int | list[int]) -> list[int]:
    """N means 0 to N-1."""
    return list(range(value)) if isinstance(value, int) else value


def hyphens(layers: list) -> str:
    """[10, 5] -> 10-5, as in columns and paths."""
    return "-".join(map(str, layers))


def hidden(text: str) -> list:
    """10-5 -> [10, 5], and c4-c8 -> [c4, c8]."""
    return [int(part) if part.isdigit() else part for part in text.split("-")]


def split_folder(spec: dict) -> str:
    return f"splits/{spec['dataset']}/{spec['protocol']}/split-{spec['split']}"


def split_files(spec: dict) -> list[str]:
    """The four files a batch reads: images, labels, rows, scaling."""
    folder = split_folder(spec)
    data = f"data/{spec['dataset']}"
    return [f"{data}/images.npy", f"{data}/labels.npy", f"{folder}/rows.csv", f"{folder}/scaling.csv"]


def reruns(results: Results) -> dict[str, dict]:
    """Every published network that the configuration studies: its id -> the options of its rerun, and its split."""
    config, found = results.config, {}
    shared = {key: config["published_numbers"][key] for key in ("perturbed_at_a_time", "perturbation")}
    for _, number in results.table(results.locate(PUBLISHED)).iterrows():
        placed = results.placed.get(number["dataset"])
        if placed is None or number["network"] not in config["studies"][placed["study"]]["networks"]:
            continue
        study = config["studies"][placed["study"]]
        if number["training_set"] in study["features"].get(number["features"], []):
            found[number["id"]] = {
                "spec": {"id": number["id"], "device": config["device"], **shared}
                | {key: placed[key] for key in RERUN_KEYS},
                "dataset": number["dataset"],
                "protocol": "published",
                "split": int(number["split_seed"]),
            }
    return found


def settings(results: Results) -> Iterator[dict]:
    """Every setting in which claims are judged, by the configuration, with the attributes of its study."""
    papers = {placed["study"] for placed in results.placed.values()}
    for name, one in results.config["settings"].items():
        study = results.config["studies"][one["study"]]
        share = 100 * study["fractions"][-1]
        limits = [f"{limit:,} {key.split('_')[1]}" for key, limit in study["budget"].items()]
        yield {
            "setting": name,
            **{key: one[key] for key in ("label", "study")},
            **{key: study[key] for key in ("dataset", "protocol")},
            "hidden_layers": hyphens(one["hidden_layers"]),
            **{key: study.get(key, usual) for key, usual in USUAL.items()},
            "budget": ", ".join(limits),
            "trained_on": f"{share:g} % of the images" if share < 100 else "all images",
            # The recipe of published numbers: their study, and the paper's layers.
            "paper": one["study"] in papers and one["hidden_layers"] == [10, 5],
        }


def cells(table: pd.DataFrame, setting: dict) -> pd.DataFrame:
    """A setting's rows of a table."""
    return table[(table["study"] == setting["study"]) & (table["hidden_layers"] == setting["hidden_layers"])]


def applies(contrast: dict, *settings: dict) -> bool:
    """Whether a contrast of `claims.yaml` is meant for these settings."""
    for name, values in contrast["settings"].items():
        values = values if isinstance(values, list) else [values]
        if any(setting[name] not in map(str, values) for setting in settings):
            return False
    return True


def check(results: Results) -> Iterator[Check]:
    for folder, spec in of_run(results).items():
        path = f"{folder}/provenance.json"
        yield from guarded(SPEC, path, _check(results, path, spec, split_files(spec)))
    yield from guarded(SPEC, CONFIG, _check_reruns(results))


def _check_reruns(results: Results) -> Iterator[Check]:
    for id_, rerun in reruns(results).items():
        path = f"reruns/{id_}/provenance.json"
        files = [PUBLISHED, *split_files(rerun)]
        yield from guarded(SPEC, path, _check(results, path, rerun["spec"], files))


def _check(results: Results, path: str, spec: dict, files: list[str]) -> Iterator[Check]:
    provenance = results.json(path)
    said = provenance["spec"]
    differing = [key for key in {**spec, **said} if key not in said or key not in spec or said[key] != spec[key]]
    yield Check(
        SPEC,
        results.blame(path, CONFIG),
        "the configuration's spec",
        f"{differing[0]} is {said.get(differing[0])}, configured {spec.get(differing[0])}" if differing else "equal",
        not differing,
    )
    yield equal(SPEC, path, "1 thread", f"{provenance['threads']} thread")
    used = {results.locate(name): digest for name, digest in provenance["inputs"].items()}
    expected = [results.locate(name) if name == PUBLISHED else name for name in files]
    yield equal(INPUTS, path, ", ".join(sorted(expected)), ", ".join(sorted(used)))
    for name, digest in used.items():
        found = results.sha256(name) or "missing"
        yield Check(INPUTS, results.blame(name, path), digest, found, found == digest)
