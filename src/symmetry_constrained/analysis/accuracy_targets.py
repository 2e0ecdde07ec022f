"""Accuracies that a study asks for, as the scripts' options give them."""

import re


def read_targets(texts: list[str]) -> dict[str, list[float]]:
    """["digits=0.7", "digits=0.8"] -> {"digits": [0.7, 0.8]}. ValueError in one line for anything else."""
    targets: dict[str, list[float]] = {}
    for text in texts:
        parts = re.fullmatch(r"([^=\s]+)=(0?\.[0-9]+|1(?:\.0*)?)", text)
        if not parts or not float(parts[2]):
            raise ValueError(f"target: {text!r} is not a dataset and an accuracy above 0 and at most 1, as digits=0.7")
        accuracies = targets.setdefault(parts[1], [])
        if float(parts[2]) not in accuracies:
            accuracies.append(float(parts[2]))
    return targets
