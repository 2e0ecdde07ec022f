"""The audit: recomputes the contents of a results folder by independent code and reports the differences.

It uses NumPy, pandas and hashes, fills templates with Jinja, and imports nothing that trained, judged or drew.
Each module checks one link of the chain and yields a `Check` per value recomputed. A new table needs a function that
takes `Results`, and its name in `LINKS`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

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
    processes,
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


# Those that go through all batches are done in so many shares, and what takes longest is begun first.
SHARES = 16
SHARED = ("batches", "history", "seeds")
LONG = ("batches", "orbits", "costs", "history", "emulated bias")


def run(results: Results, links: Iterable[str] = LINKS, in_processes: int = 1) -> list[Check]:
    """Every check of the links named, in order; a failure that several steps meet is reported once.

    The same whatever the number of processes. ValueError in one line if one of several is lost.
    """
    pieces = [(link, share) for link in links for share in range(SHARES if link in SHARED else 1)]
    done: dict[tuple[str, int], tuple[list[Check], set[str]]]
    if in_processes == 1:
        done = {piece: _checks(results, piece) for piece in pieces}
    else:
        given = partial(Results, results.folder, results.project, results.deep, results.draw)
        first = sorted(pieces, key=lambda piece: LONG.index(piece[0]) if piece[0] in LONG else len(LONG))
        done = dict(zip(first, processes.each(_checks, given, first, in_processes), strict=True))
    found: dict[tuple, Check] = {}
    for piece in pieces:
        checks, read = done[piece]
        results.read |= read
        for number, check in enumerate(checks):
            found.setdefault((check.what, check.where, check.found) if not check.ok else (piece, number), check)
    return list(found.values())


def _checks(results: Results, piece: tuple[str, int]) -> tuple[list[Check], set[str]]:
    """Of a link, or of a share of it; and every path that was read until then."""
    link, share = piece
    checks = LINKS[link](results, (share, SHARES)) if link in SHARED else LINKS[link](results)  # type: ignore[call-arg]
    # A corrupt file may hold numbers that overflow; the checks report it, so warnings are not needed.
    with np.errstate(all="ignore"):
        return list(guarded(link, ".", checks)), results.read
