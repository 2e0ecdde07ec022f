"""The audit: recomputes the contents of a results folder by independent code and reports the differences.

It uses NumPy, pandas and hashes only, and imports nothing that trained, judged or drew. Each module checks one link of
the chain and yields a `Check` per value recomputed. A new table needs a function that takes
`Results`, and its name in `LINKS`.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from symmetry_constrained.audit import (
    batches,
    claims,
    columns,
    costs,
    data,
    efficiency,
    evidence,
    existence,
    explorer,
    figures,
    files,
    history,
    paper_tables,
    prose,
    published,
    report,
    retrained,
    sentences,
    settings,
    specs,
    splits,
    tables,
    templates,
    titles,
    verdicts,
)
from symmetry_constrained.audit.checks import Check, guarded
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.theory import (
    amplification,
    emulated_bias,
    invariants,
    label_blind,
    mirrored_pairs,
    orbit_checks,
    orbits,
    random_networks,
    saturated_units,
    seeds,
)

LINKS: dict[str, Callable[[Results], Iterator[Check]]] = {
    "files": files.check,
    "existence": existence.check,
    "columns": columns.check,
    "data": data.check,
    "splits": splits.check,
    "provenance": specs.check,
    "batches": batches.check,
    "history": history.check,
    "seeds": retrained.check,
    "tables": tables.check,
    "efficiency": efficiency.check,
    "costs": costs.check,
    "random networks": random_networks.check,
    "label-blind": label_blind.check,
    "emulated bias": emulated_bias.check,
    "amplification": amplification.check,
    "mirrored pairs": mirrored_pairs.check,
    "saturated units": saturated_units.check,
    "orbits": orbits.check,
    "orbit checks": orbit_checks.check,
    "invariants": invariants.check,
    "theory's seeds": seeds.check,
    "claims": claims.check,
    "evidence": evidence.check,
    "verdicts": verdicts.check,
    "settings": settings.check,
    "published": published.check,
    "paper tables": paper_tables.check,
    "figures": figures.check,
    "titles": titles.check,
    "explorer": explorer.check,
    "templates": templates.check_explorer,
    "sentences": sentences.check,
    "prose": prose.check,
    "report": report.check,
}


def run(results: Results, links: Iterable[str] = LINKS) -> list[Check]:
    """Every check of the links named, in order; a failure that several steps meet is reported once."""
    found: dict[tuple, Check] = {}
    # A corrupt file may hold numbers that overflow; the checks report it, so warnings are not needed.
    with np.errstate(all="ignore"):
        for link in links:
            for number, check in enumerate(guarded(link, ".", LINKS[link](results))):
                key = (check.what, check.where, check.found) if not check.ok else (link, number)
                found.setdefault(key, check)
    return list(found.values())
