"""Networks trained on all images, which some claims and figures are of alone: what is drawn and judged has some."""

from symmetry_constrained.runs.faults import fault


def check(config: dict) -> None:
    """ConfigError unless studies with the fraction 1 are among the curves and settings, and the budget's is one."""
    drawn = config["figures"]
    for where, named in (
        ("figures.curves", drawn["curves"]),
        ("figures.budget", [drawn["budget"]]),
        ("settings", [setting["study"] for setting in config["settings"].values()]),
    ):
        if not any(1 in config["studies"][name]["fractions"] for name in named):
            raise fault(where, ", ".join(named), "of a study that trains on all images: with the fraction 1")
