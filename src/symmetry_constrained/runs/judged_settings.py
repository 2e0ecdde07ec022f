"""The configuration's settings, in which claims are judged: studies and hidden layers of them."""

from typing import Any

from symmetry_constrained import paper
from symmetry_constrained.data import registry
from symmetry_constrained.networks.architecture import hyphenated
from symmetry_constrained.runs.faults import fault
from symmetry_constrained.training.spec import RECIPE


def without_dropped(config: dict) -> dict:
    """The configuration without the settings of studies that are null: they are dropped with them."""
    studies, named = config.get("studies"), config.get("settings")
    if not (isinstance(studies, dict) and isinstance(named, dict)):
        return config
    dropped = [name for name, study in studies.items() if study is None]
    kept = {name: one for name, one in named.items() if not (isinstance(one, dict) and one.get("study") in dropped)}
    for name, one in kept.items():
        if isinstance(one, dict) and isinstance(one.get("averaged"), list):
            kept[name] = one | {"averaged": [study for study in one["averaged"] if study not in dropped]}
    return config | {"settings": kept}


def check(config: dict) -> None:
    """ConfigError unless every setting is of a study and of hidden layers that are trained."""
    for name, setting in config["settings"].items():
        study = config["studies"].get(setting["study"])
        if study is None:
            legal = f"one of the studies: {', '.join(config['studies'])}"
            raise fault(f"settings.{name}.study", setting["study"], legal)
        if setting["hidden_layers"] not in study["hidden_layers"]:
            legal = f"one of studies.{setting['study']}.hidden_layers: {', '.join(map(str, study['hidden_layers']))}"
            raise fault(f"settings.{name}.hidden_layers", setting["hidden_layers"], legal)
        _check_averaged(f"settings.{name}.averaged", setting, config["studies"])


def _check_averaged(where: str, setting: dict, studies: dict) -> None:
    """Studies beside a setting's own differ from it in what is averaged, each in another, and in nothing else."""

    def recipe(study: dict) -> dict:
        shared = {key: study[key] for key in ("dataset", "protocol", "budget")} | {"most": max(study["fractions"])}
        return shared | {key: study.get(key, usual) for key, usual in RECIPE.items() if key != "averaging"}

    own, seen = studies[setting["study"]], [studies[setting["study"]].get("averaging", "none")]
    for name in setting.get("averaged", []):
        if name not in studies:
            raise fault(where, name, f"of the studies: {', '.join(studies)}")
        other = studies[name]
        if recipe(other) != recipe(own) or setting["hidden_layers"] not in other["hidden_layers"]:
            raise fault(where, name, f"a study that differs from {setting['study']} in its averaging alone")
        seen.append(other.get("averaging", "none"))
        if seen.count(seen[-1]) > 1:
            raise fault(where, name, f"a study with another averaging than {seen[-1]}, which is there already")


def budget(study: dict) -> str:
    """What the networks of a study are given, as "200 evaluations"."""
    return ", ".join(f"{limit:,} {key.removeprefix('max_')}" for key, limit in study["budget"].items())


def with_attributes(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By name, in order, the settings with the attributes of their studies (`verdicts.settings`)."""
    placed, found = {own["study"] for own in config["published_numbers"].values() if isinstance(own, dict)}, {}
    for name, own in config["settings"].items():
        study, layers = config["studies"][own["study"]], tuple(own["hidden_layers"])
        most = max(study["fractions"])
        found[name] = {
            "label": own["label"],
            "study": own["study"],
            "dataset": study["dataset"],
            "protocol": study["protocol"],
            "hidden_layers": hyphenated(layers),
            **{key: study.get(key, usual) for key, usual in RECIPE.items()},
            "budget": budget(study),
            "trained_on": "all images" if most == 1 else f"{100 * most:g} % of the images",
            "paper": own["study"] in placed and layers == paper.HIDDEN_LAYERS,
            "averaged": {config["studies"][other]["averaging"]: other for other in own.get("averaged", [])},
            "leaks": study["protocol"] == "published" and registry.known(study["dataset"]).nudged,
        }
    return found
